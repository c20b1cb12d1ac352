//! Sales on their way from the till to the hub.

use anyhow::Result;
use evertill_e2e::Chain;
use evertill_support::new_key;
use serde_json::{Value, json};

/// A receipt as both sides show it: the hub adds what goes back to it.
fn shown_by_hub(chain: &Chain, receipt: &Value) -> Result<Value> {
    let id = receipt["id"].as_str().unwrap();
    let mut shown = chain.hub()?.get(&format!("/sales/{id}"))?.expect(200);
    shown.as_object_mut().unwrap().remove("returned_by");
    Ok(shown)
}

#[test]
fn a_sale_is_the_same_at_the_till_and_at_the_hub() -> Result<()> {
    let chain = Chain::start(&["S001", "S002"])?;
    let first = chain.sell("S001", "MILK", 2)?;
    let second = chain.sell("S002", "TEA", 1)?;
    chain.until_sent("S001")?;
    chain.until_sent("S002")?;
    for sale in [&first, &second] {
        assert_eq!(&shown_by_hub(&chain, sale)?, sale);
    }
    let listed = chain.hub()?.get("/sales?location=S001")?.json();
    assert_eq!(listed["items"], json!([first]));
    for (location, sale) in [("S001", &first), ("S002", &second)] {
        let day = format!(
            "/days/{location}/{}",
            sale["business_date"].as_str().unwrap()
        );
        let at_hub = chain.hub()?.get(&day)?.expect(200);
        assert_eq!(at_hub, chain.store(location)?.get(&day)?.expect(200));
        assert_eq!(at_hub["gross"], sale["total"]);
    }
    assert_eq!(
        chain.sellable_at_hub("S001", "MILK")?.as_deref(),
        Some("-2")
    );
    assert_eq!(chain.sellable_there("S001", "MILK")?.as_deref(), Some("-2"));
    let fleet = chain.hub()?.get("/fleet")?.json();
    for node in fleet["items"].as_array().unwrap() {
        assert_eq!(node["connected"], true, "{node}");
        assert_eq!(node["complete"], true, "{node}");
        assert_eq!(node["head"]["applied"], node["head"]["announced"], "{node}");
    }
    Ok(())
}

#[test]
fn a_void_goes_back_to_its_sale_at_the_hub() -> Result<()> {
    let chain = Chain::start(&["S001"])?;
    let sale = chain.sell("S001", "TEA", 3)?;
    let id = sale["id"].as_str().unwrap();
    let path = format!("/sales/{id}/void");
    let body = json!({"reason": "rung up twice"});
    let void = chain
        .store("S001")?
        .post(&path, &new_key(), &body)?
        .expect(201);
    chain.until_sent("S001")?;
    let shown = chain.hub()?.get(&format!("/sales/{id}"))?.expect(200);
    assert_eq!(shown["returned_by"], json!([void["receipt_number"]]));
    assert_eq!(shown_by_hub(&chain, &void)?, void);
    assert_eq!(chain.sellable_at_hub("S001", "TEA")?.as_deref(), Some("0"));
    Ok(())
}

#[test]
fn what_is_sold_while_the_hub_is_down_arrives_once() -> Result<()> {
    let mut chain = Chain::start(&["S001"])?;
    let mut sold = vec![chain.sell("S001", "MILK", 1)?];
    for round in 0..3 {
        chain.kill_hub();
        for _ in 0..4 {
            sold.push(chain.sell("S001", "MILK", 1)?);
        }
        if round == 1 {
            // The store goes down as well, in between two sales.
            chain.kill_store("S001")?;
            chain.start_store("S001")?;
            sold.push(chain.sell("S001", "TEA", 1)?);
        }
        chain.start_hub()?;
        chain.until_sent("S001")?;
    }
    let listed = chain.hub()?.get("/sales?limit=1000")?.json();
    assert_eq!(listed["items"], Value::from(sold));
    chain.hub_ok(&["verify"])?;
    chain.store_ok("S001", &["verify"])?;
    Ok(())
}
