//! Stock files on their way from the hub to the stores.

use anyhow::Result;
use evertill_e2e::Chain;

const HEADER: &str = "location,sku,quantity,unit_cost\n";

fn import(chain: &Chain, name: &str, rows: &str) -> Result<String> {
    let file = chain.file(name, &format!("{HEADER}{rows}"))?;
    chain.hub_ok(&["import", "stock", &file])
}

fn agree(chain: &Chain, location: &str, sku: &str, sellable: &str) -> Result<()> {
    chain.until(&format!("{sku} at {location} is {sellable}"), |chain| {
        let there = chain.sellable_there(location, sku)?;
        let at_hub = chain.sellable_at_hub(location, sku)?;
        Ok(there.as_deref() == Some(sellable) && at_hub.as_deref() == Some(sellable))
    })?;
    Ok(())
}

#[test]
fn opening_stock_reaches_the_store_and_sales_come_off_it() -> Result<()> {
    let chain = Chain::start(&["S001", "S002"])?;
    chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    let said = import(&chain, "opening.csv", "S001,MILK,24,0.90\nS002,TEA,7,\n")?;
    assert_eq!(said, "2 rows: 2 accepted, 0 unchanged, 0 rejected");
    // What was sold before anybody recorded stock is off already.
    agree(&chain, "S001", "MILK", "23")?;
    agree(&chain, "S002", "TEA", "7")?;
    chain.sell("S002", "TEA", 2)?;
    agree(&chain, "S002", "TEA", "5")?;
    let again = import(&chain, "again.csv", "S001,MILK,24,0.90\nS002,TEA,7,\n")?;
    assert_eq!(again, "2 rows: 0 accepted, 2 unchanged, 0 rejected");
    Ok(())
}

/// The counter saw the shelf before the sales that the hub had not heard of.
#[test]
fn a_count_is_posted_by_the_store_at_what_the_counter_had_seen() -> Result<()> {
    let mut chain = Chain::start(&["S001"])?;
    import(&chain, "opening.csv", "S001,MILK,12,\n")?;
    agree(&chain, "S001", "MILK", "12")?;
    chain.stop_hub()?;
    chain.sell("S001", "MILK", 3)?;
    let said = import(&chain, "count.csv", "S001,MILK,10,\n")?;
    assert_eq!(said, "1 rows: 1 accepted, 0 unchanged, 0 rejected");
    chain.start_hub()?;
    // Two were missing when it was counted; three were sold since.
    agree(&chain, "S001", "MILK", "7")?;
    chain.until_sent("S001")?;
    let adjustment = &chain.hub()?.get("/stock?location=S001&sku=MILK")?.json()["items"][0];
    assert_eq!(adjustment["buckets"]["adjustment"], "2");
    assert_eq!(adjustment["complete"], true);
    Ok(())
}
