//! The line itself: who may hold it, and how it ends.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use evertill_e2e::Chain;

/// In this time a refused store dials several times.
const SOME_ATTEMPTS: Duration = Duration::from_secs(3);
/// A stopped process has this long to end.
const ORDERLY: Duration = Duration::from_secs(10);

/// Waits while a refused store goes on dialling; it must never get in.
fn stays_out(chain: &Chain, location: &str) -> Result<()> {
    let began = Instant::now();
    chain.until("there was time for some attempts", |chain| {
        assert!(!chain.is_connected(location)?);
        Ok(began.elapsed() > SOME_ATTEMPTS)
    })?;
    Ok(())
}

#[test]
fn a_machine_of_another_hub_is_refused() -> Result<()> {
    let (chain, mut other) = (Chain::start(&[])?, Chain::start(&["S001"])?);
    other.stop_store("S001")?;
    let address = Path::new(&other.data("S001")?).join("hub-address");
    std::fs::write(address, chain.quic())?;
    other.start_store("S001")?;
    other.sell("S001", "MILK", 1)?;
    stays_out(&other, "S001")?;
    let fleet = chain.hub()?.get("/fleet")?.json();
    assert_eq!(fleet["items"].as_array().unwrap().len(), 0, "{fleet}");
    let sales = chain.hub()?.get("/sales")?.json();
    assert_eq!(sales["items"].as_array().unwrap().len(), 0, "{sales}");
    Ok(())
}

#[test]
fn a_copy_of_a_machine_does_not_push_the_first_one_out() -> Result<()> {
    let mut chain = Chain::start(&["S001"])?;
    chain.until_sent("S001")?;
    chain.copy_store("S001", "copy")?;
    stays_out(&chain, "copy")?;
    assert!(chain.is_connected("S001")?);
    chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    let sales = chain.hub()?.get("/sales")?.json();
    assert_eq!(sales["items"].as_array().unwrap().len(), 1, "{sales}");
    Ok(())
}

#[test]
fn both_ends_hang_up_in_good_order() -> Result<()> {
    let mut chain = Chain::start(&["S001", "S002"])?;
    chain.until("both are connected", |chain| {
        Ok(chain.is_listed("S001")? && chain.is_listed("S002")?)
    })?;
    let began = Instant::now();
    chain.stop_store("S001")?;
    assert!(began.elapsed() < ORDERLY, "{:?}", began.elapsed());
    // A second is far less than the silence after which a line counts as dead.
    let second = Duration::from_secs(1);
    chain.within(second, "the hub knows at once", |chain| {
        Ok(!chain.is_listed("S001")?)
    })?;
    assert!(chain.is_listed("S002")?);
    let began = Instant::now();
    chain.stop_hub()?;
    assert!(began.elapsed() < ORDERLY, "{:?}", began.elapsed());
    chain.within(second, "the other store knows at once", |chain| {
        Ok(!chain.is_connected("S002")?)
    })?;
    Ok(())
}
