//! Master data and policies on their way from the hub to the tills.

use anyhow::Result;
use evertill_e2e::{Chain, PRODUCTS};
use serde_json::json;

#[test]
fn a_new_price_and_a_new_product_reach_every_till() -> Result<()> {
    let chain = Chain::start(&["S001", "S002"])?;
    let changed = PRODUCTS.replace("1.60", "1.75") + "JAM,,Jam,GROCERY,,3.00,,USD,zero,each\n";
    let file = chain.file("changed.csv", &changed)?;
    let said = chain.hub_ok(&["import", "products", &file])?;
    assert_eq!(said, "3 rows: 2 accepted, 1 unchanged, 0 rejected");
    for location in ["S001", "S002"] {
        chain.until("the till knows the new price", |chain| {
            let milk = chain.store(location)?.get("/products/MILK")?.json();
            Ok(milk["price"] == "1.75")
        })?;
        assert_eq!(chain.sell(location, "MILK", 2)?["total"], "3.50");
        assert_eq!(chain.sell(location, "JAM", 1)?["total"], "3.00");
    }
    Ok(())
}

#[test]
fn a_tax_policy_is_charged_at_the_next_sale_also_after_a_restart() -> Result<()> {
    let mut chain = Chain::start(&["S001"])?;
    let policy = json!({"classes": {"food": [{"code": "CITY", "rate": "0.10"}]}});
    let headers = [("content-type", "application/json")];
    let body = policy.to_string();
    let put = chain
        .hub()?
        .send("PUT", "/policies/tax", &headers, body.as_bytes())?;
    assert_eq!(put.expect(200)["revision"], 1);
    let taxed = PRODUCTS.replace("2.50,1.00,USD,zero", "2.50,1.00,USD,food");
    let file = chain.file("taxed.csv", &taxed)?;
    chain.hub_ok(&["import", "products", &file])?;
    chain.until("the tax is charged", |chain| {
        Ok(chain.sell("S001", "TEA", 1)?["total"] == "2.75")
    })?;
    chain.kill_hub();
    chain.kill_store("S001")?;
    chain.start_store("S001")?;
    let sale = chain.sell("S001", "TEA", 2)?;
    assert_eq!(sale["taxes"][0]["amount"], "0.50");
    assert_eq!(sale["taxes"][0]["code"], "CITY");
    Ok(())
}
