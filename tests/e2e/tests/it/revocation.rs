//! A store that is turned away.

use std::time::Duration;

use anyhow::Result;
use evertill_e2e::Chain;

#[test]
fn a_revoked_store_is_cut_within_a_second_and_stays_out() -> Result<()> {
    let mut chain = Chain::start(&["S001", "S002"])?;
    chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    let said = chain.hub_ok(&["revoke", "--location", "S001", "--reason", "stolen"])?;
    assert_eq!(said, "certificates revoked: 1");
    let connected = |chain: &Chain, location: &str| -> Result<bool> {
        let fleet = chain.hub()?.get("/fleet")?.json();
        let nodes = fleet["items"].as_array().unwrap().clone();
        Ok(nodes
            .iter()
            .any(|node| node["location"] == location && node["connected"] == true))
    };
    chain.within(Duration::from_secs(1), "the store is cut", |chain| {
        Ok(!connected(chain, "S001")?)
    })?;
    // It goes on selling; nothing of that reaches the hub any more.
    chain.sell("S001", "MILK", 1)?;
    chain.kill_store("S001")?;
    chain.start_store("S001")?;
    chain.sell("S001", "MILK", 1)?;
    chain.sell("S002", "MILK", 1)?;
    chain.until_sent("S002")?;
    chain.stop_hub()?;
    chain.start_hub()?;
    chain.until("the other store is back", |chain| connected(chain, "S002"))?;
    assert!(!connected(&chain, "S001")?);
    let listed = chain.hub()?.get("/sales?location=S001")?.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let status = chain.store("S001")?.get("/status")?.json();
    assert_eq!(status["hub"]["connected"], false, "{status}");
    Ok(())
}
