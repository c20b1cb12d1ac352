//! A machine is lost, and another one takes its place: nothing that reached the
//! hub is lost, and no unit is promised twice.

use anyhow::{Context as _, Result};
use evertill_e2e::Chain;
use evertill_support::{Client, new_key};
use serde_json::{Value, json};

/// One store with ten pieces of milk, of which the hub may promise nine.
fn stocked() -> Result<Chain> {
    let chain = Chain::start(&["S001"])?;
    import(&chain, "stock.csv", 10)?;
    until_atp(&chain, "9")?;
    Ok(chain)
}

fn import(chain: &Chain, name: &str, pieces: u32) -> Result<()> {
    let rows = format!("location,sku,quantity,unit_cost\nS001,MILK,{pieces},0.90\n");
    let file = chain.file(name, &rows)?;
    chain.hub_ok(&["import", "stock", &file]).map(drop)
}

fn milk(chain: &Chain) -> Result<Value> {
    let found = chain.hub()?.get("/availability?sku=MILK")?.json();
    Ok(found["items"][0].clone())
}

fn until_atp(chain: &Chain, wanted: &str) -> Result<()> {
    chain.until("so much can be promised", |chain| {
        Ok(milk(chain)?["atp"] == wanted)
    })?;
    Ok(())
}

fn place(chain: &Chain, name: &str, pieces: u32) -> Result<String> {
    let total = format!("{}.{:02}", pieces * 160 / 100, pieces * 160 % 100);
    let body = json!({
        "channel": "web", "external_id": name, "currency": "USD",
        "lines": [{"external_line_id": "1", "sku": "MILK", "quantity": pieces,
                   "unit_price": "1.60"}],
        "total": total, "fulfilment": {"kind": "pickup", "location": "S001"},
        "payment": {"status": "captured", "method": "card", "amount": total},
    });
    let made = chain.hub()?.post("/orders", &new_key(), &body)?.expect(201);
    made["id"].as_str().map(str::to_owned).context("an id")
}

fn step(clerk: &Client, id: &str, event: &str, body: &Value) -> Result<()> {
    let done = clerk.post(&format!("/pickups/{id}/{event}"), &new_key(), body)?;
    assert_eq!(done.status, 200, "{event}: {done:?}");
    Ok(())
}

fn make_ready(chain: &Chain, id: &str) -> Result<()> {
    let clerk = chain.store("S001")?;
    chain.until("the store has the order", |_| {
        Ok(clerk.get(&format!("/pickups/{id}"))?.status == 200)
    })?;
    for event in ["accept", "start_pick", "pick", "ready"] {
        step(&clerk, id, event, &json!({}))?;
    }
    Ok(())
}

/// The replicas of the store, as the hub lists them: id, whether it mints.
fn replicas(chain: &Chain) -> Result<Vec<(String, bool)>> {
    let fleet = chain.hub()?.get("/fleet")?.json();
    let nodes = fleet["items"].as_array().context("a list")?;
    let nodes = nodes.iter().filter_map(|node| {
        let replica = node["replica"].as_str()?.to_owned();
        Some((replica, node["minter"] == true))
    });
    Ok(nodes.collect())
}

/// Has two persons seal a replica: one over HTTP, one on the hub's machine.
fn seal(chain: &Chain, replica: &str, reason: &str) -> Result<()> {
    let path = format!("/replicas/{replica}/seal");
    let proposed = chain
        .hub()?
        .post(&path, &new_key(), &json!({"reason": reason}))?;
    assert_eq!(proposed.expect(202)["state"], "proposed");
    let alone = chain.hub()?.post(&path, &new_key(), &json!({}))?;
    assert_eq!(alone.expect(409)["code"], "same_key");
    let second = chain.hub_ok(&["api-key", "--name", "second"])?;
    let said = chain.hub_ok(&["seal", "--replica", replica, "--key", &second])?;
    assert!(said.starts_with("sealed "), "{said}");
    let again = chain
        .hub()?
        .post(&path, &new_key(), &json!({"reason": reason}))?;
    assert_eq!(again.expect(409)["code"], "already_sealed");
    Ok(())
}

/// Hub and store name the same figures, and both rebuild to the same.
fn assert_agreed(chain: &Chain, store: &str) -> Result<()> {
    chain.until_sent(store)?;
    chain.until("hub and store agree", |chain| {
        let here = chain.store(store)?.get("/stock/MILK")?.json();
        let there = chain.hub()?.get("/stock?location=S001&sku=MILK")?.json();
        let there = &there["items"][0];
        Ok(here["buckets"] == there["buckets"] && here["promised"] == there["promised"])
    })?;
    let before = chain.store(store)?.get("/stock/MILK")?.json();
    chain.store_ok(store, &["rebuild"])?;
    chain.hub_ok(&["rebuild"])?;
    assert_eq!(chain.store(store)?.get("/stock/MILK")?.json(), before);
    chain.store_ok(store, &["verify"])?;
    chain.hub_ok(&["verify"])?;
    Ok(())
}

#[test]
fn a_fresh_box_takes_the_place_of_a_lost_one_that_two_persons_sealed() -> Result<()> {
    let mut chain = stocked()?;
    let kept = place(&chain, "W-1", 3)?;
    make_ready(&chain, &kept)?;
    let given_up = place(&chain, "W-2", 1)?;
    let sold = chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    // What happens now nobody ever hears of.
    chain.cut("S001")?;
    chain.sell("S001", "MILK", 2)?;
    let old = replicas(&chain)?[0].0.clone();
    chain.kill_store("S001")?;
    let reason = json!({"reason": "the customer changed her mind"});
    let cancelled =
        chain
            .hub()?
            .post(&format!("/orders/{given_up}/cancel"), &new_key(), &reason)?;
    assert_eq!(cancelled.status, 202, "{cancelled:?}");

    chain.until("the hub noticed", |chain| Ok(!chain.is_listed("S001")?))?;
    seal(&chain, &old, "fire in the back room")?;
    // Nobody can hand out what was cancelled, and nobody knows what was collected.
    chain.until("the cancelled order is over", |chain| {
        let order = chain.hub()?.get(&format!("/orders/{given_up}"))?.json();
        Ok(order["state"] == "cancelled")
    })?;
    let open = chain.hub()?.get("/exceptions?kind=sealed_promise")?.json();
    let about: Vec<&Value> = open["items"].as_array().context("a list")?.iter().collect();
    assert!(about.iter().any(|e| e["order"] == kept), "{open}");
    let subtracted = milk(&chain)?["locations"][0]["subtract"].clone();
    assert!(
        subtracted.to_string().contains("awaits_count"),
        "{subtracted}"
    );

    chain.join_as("box", "S001")?;
    chain.until("the new box has the place", |chain| {
        Ok(replicas(chain)?
            .iter()
            .any(|(replica, mints)| *replica != old && *mints))
    })?;
    chain.until("it knows what its shelves held", |chain| {
        Ok(chain.sellable_there("box", "MILK")?.as_deref() == Some("6"))
    })?;
    let clerk = chain.store("box")?;
    let pickup = clerk.get(&format!("/pickups/{kept}"))?.json();
    assert_eq!(pickup["state"], "ready", "{pickup}");
    let receipt = sold["id"].as_str().context("an id")?;
    let shown = clerk.get(&format!("/sales/{receipt}"))?.expect(200);
    assert_eq!(shown["receipt_number"], sold["receipt_number"]);
    let codes = chain
        .hub()?
        .get(&format!("/orders/{kept}/pickup-codes"))?
        .json();
    let code = &codes["items"][0]["code"];
    step(&clerk, &kept, "hand_over", &json!({"code": code}))?;
    assert_agreed(&chain, "box")?;
    assert_eq!(milk(&chain)?["atp"], "0", "nothing before it is counted");

    // Ten, less three collected, one sold, and two that nobody heard of.
    import(&chain, "count.csv", 4)?;
    // The hub's own rights outlived the machine that gave them.
    until_atp(&chain, "4")?;
    assert_agreed(&chain, "box")?;
    place(&chain, "W-3", 2)?;
    Ok(())
}

#[test]
fn a_store_that_was_set_back_goes_on_as_a_new_replica_and_gets_its_sales_back() -> Result<()> {
    let mut chain = stocked()?;
    chain.sell("S001", "MILK", 1)?;
    let backup = chain.data("backup")?;
    chain.store_ok("S001", &["backup", &backup])?;
    let lost = chain.sell("S001", "MILK", 2)?;
    chain.until_sent("S001")?;
    let old = replicas(&chain)?[0].0.clone();
    chain.stop_store("S001")?;
    chain.store_ok("S001", &["restore", &backup])?;
    chain.start_store("S001")?;
    chain.until_sent("S001")?;
    chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")?;
    assert_eq!(replicas(&chain)?.len(), 2, "it took a new id by itself");
    // Each sale counts once at the hub, also the one that the store forgot.
    assert_eq!(chain.sellable_at_hub("S001", "MILK")?.as_deref(), Some("6"));
    assert_eq!(chain.sellable_there("S001", "MILK")?.as_deref(), Some("8"));
    // It mints nothing and hands nothing on while the old one is not sealed.
    seal(&chain, &old, "set back to an old copy")?;
    chain.until("the store has its sales back", |chain| {
        Ok(chain.sellable_there("S001", "MILK")?.as_deref() == Some("6"))
    })?;
    let lost = lost["id"].as_str().context("an id")?;
    let shown = chain.store("S001")?.get(&format!("/sales/{lost}"))?;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_agreed(&chain, "S001")?;
    import(&chain, "count.csv", 7)?;
    until_atp(&chain, "6")?;
    chain.until("the store mints again", |chain| {
        Ok(chain.store("S001")?.get("/stock/MILK")?.json()["rights"] == "1")
    })?;
    Ok(())
}
