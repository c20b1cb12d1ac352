//! Promises that walk-ins break, and what becomes of them.

use anyhow::Result;
use evertill_e2e::Chain;
use evertill_support::new_key;
use serde_json::{Value, json};

use crate::orders::{items, order, pickup, place, state, stocked};

/// A walk-in takes what was promised; the store that cannot keep it says so, and
/// another one does.
#[test]
fn a_short_pick_is_mended_from_another_store() -> Result<()> {
    let mut chain = stocked(&[("S001", 10), ("S002", 10)])?;
    let to = json!({"kind": "ship"});
    let id = place(&chain, &order("W-1", 5, &to, "captured"))?;
    let first = state(&chain, &id)?["lines"][0]["promises"][0]["location"].clone();
    let first = first.as_str().unwrap().to_owned();
    let other = if first == "S001" { "S002" } else { "S001" };
    chain.until("the store has the order", |chain| {
        Ok(chain
            .store(&first)?
            .get(&format!("/fulfilments/{id}"))?
            .status
            == 200)
    })?;
    chain.cut(&first)?;
    // Nobody stops a till.
    chain.sell(&first, "MILK", 10)?;
    let clerk = chain.store(&first)?;
    let fulfil = |event: &str, body: &Value| -> Result<Value> {
        let path = format!("/fulfilments/{id}/{event}");
        Ok(clerk.post(&path, &new_key(), body)?.expect(200))
    };
    fulfil("accept", &json!({}))?;
    let shown = fulfil("start_pick", &json!({}))?;
    let promise = shown["lines"][0]["promise"].clone();
    fulfil(
        "short_pick",
        &json!({"parts": [{"promise": promise, "quantity": "0"}]}),
    )?;
    chain.mend(&first)?;
    chain.until("another store takes it on", |chain| {
        let order = state(chain, &id)?;
        let promises = order["lines"][0]["promises"].as_array().cloned();
        Ok(promises.is_some_and(|promises| {
            promises
                .iter()
                .any(|p| p["location"] == other && p["kept"] == "5")
        }))
    })?;
    let decisions = chain.hub()?.get(&format!("/orders/{id}/decisions"))?.json();
    let causes: Vec<&Value> = decisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|decision| &decision["cause"])
        .collect();
    assert_eq!(causes, [&json!("placed"), &json!("re-sourced")]);
    let clerk = chain.store(other)?;
    chain.until("the other store has the order", |chain| {
        Ok(chain
            .store(other)?
            .get(&format!("/fulfilments/{id}"))?
            .status
            == 200)
    })?;
    for (event, body) in [
        ("accept", json!({})),
        ("start_pick", json!({})),
        ("pick", json!({})),
        ("pack", json!({})),
        ("ship", json!({"parcel": "P-1", "carrier": "Post"})),
        ("deliver", json!({})),
    ] {
        let path = format!("/fulfilments/{id}/{event}");
        let done = clerk.post(&path, &new_key(), &body)?;
        assert_eq!(done.status, 200, "{event}: {done:?}");
    }
    chain.until("its customer has it", |chain| {
        Ok(state(chain, &id)?["customer_state"] == "done")
    })?;
    assert_eq!(state(&chain, &id)?["state"], "fulfilled");
    // Somebody counts what the till sold beyond the shelf, and what was missing:
    // one problem each, and the count settles its own.
    let listed = |chain: &Chain, kind: &str, state: &str| -> Result<usize> {
        let path = format!("/exceptions?kind={kind}&state={state}");
        let found = chain.hub()?.get(&path)?.json();
        Ok(found["items"].as_array().map_or(0, Vec::len))
    };
    for kind in ["short_pick", "negative_stock"] {
        chain.until("somebody is told", |chain| {
            Ok(listed(chain, kind, "open")? == 1)
        })?;
    }
    let rows = format!("location,sku,quantity,unit_cost\n{first},MILK,4,0.90\n");
    let file = chain.file("count.csv", &rows)?;
    chain.hub_ok(&["import", "stock", &file])?;
    chain.until("the count settled it", |chain| {
        Ok(listed(chain, "negative_stock", "resolved")? == 1)
    })?;
    let told = chain.hub()?.get("/exceptions?kind=short_pick")?.json();
    let path = format!("/exceptions/{}/resolve", told["items"][0]["id"]);
    let counted = json!({"note": "counted"});
    let resolved = chain.hub()?.post(&path, &new_key(), &counted)?;
    assert_eq!(resolved.status, 200, "{resolved:?}");
    chain.hub()?.post(
        &format!("/orders/{id}/cancel"),
        &new_key(),
        &json!({"reason": "enough"}),
    )?;
    chain.until("the order was looked after again", |chain| {
        Ok(state(chain, &id)?["state"] != "released")
    })?;
    assert_eq!(listed(&chain, "short_pick", "open")?, 0, "it is told once");
    Ok(())
}

/// The last units of stores that are cut off: the hub promises what it was
/// granted and not one more, whatever the tills do.
#[test]
fn the_last_units_of_a_store_that_is_cut_off_are_promised_once() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    chain.cut("S001")?;
    let mut made = 0;
    for number in 0..12 {
        let body = order(&format!("W-{number}"), 1, &pickup("S001"), "captured");
        let reply = chain.hub()?.post("/orders", &new_key(), &body)?;
        if reply.status == 201 {
            made += 1;
        } else {
            assert_eq!(reply.json()["code"], "insufficient_stock");
        }
    }
    assert_eq!(made, 9);
    // Walk-ins buy two; one was the tills', so one promised unit is gone.
    chain.sell("S001", "MILK", 2)?;
    assert_eq!(
        chain.store("S001")?.get("/stock/MILK")?.json()["rights"],
        "0"
    );
    chain.mend("S001")?;
    chain.until_sent("S001")?;
    chain.until("the store knows its promises", |chain| {
        Ok(chain.store("S001")?.get("/stock/MILK")?.json()["promised"] == "9")
    })?;
    let stock = chain
        .hub()?
        .get("/availability?sku=MILK&location=S001")?
        .json();
    let there = &stock["items"][0]["locations"][0];
    assert_eq!(
        (&there["on_hand"], &there["atp"]),
        (&json!("8"), &json!("0"))
    );
    // Nine are promised and eight are there: somebody is asked to look.
    let open = "/exceptions?kind=suspected_breach&state=open";
    chain.until("a shelf check is asked for", |chain| {
        Ok(items(chain, open)?.len() == 1)
    })?;
    let suspicion = &items(&chain, open)?[0];
    assert_eq!(
        (&suspicion["owner"], &suspicion["location"]),
        (&json!("store"), &json!("S001"))
    );
    let path = format!("/exceptions/{}", suspicion["id"]);
    let strange = chain
        .hub()?
        .post(&format!("{path}/juggle"), &new_key(), &json!({}))?;
    assert!(
        strange.status == 404 && strange.text.contains("missing"),
        "{strange:?}"
    );
    let missing = json!({"note": "not on the shelf"});
    let said = chain
        .hub()?
        .post(&format!("{path}/missing"), &new_key(), &missing)?;
    assert_eq!(said.expect(200)["state"], "resolved");
    let again = chain
        .hub()?
        .post(&format!("{path}/missing"), &new_key(), &missing)?;
    assert_eq!(again.status, 409, "{again:?}");
    // One order is without its unit, no other store has one, and a person is told.
    chain.until("a person is told", |chain| {
        Ok(items(chain, "/exceptions?kind=breach&state=open")?.len() == 1)
    })?;
    let orders = items(&chain, "/orders")?;
    let without = orders
        .iter()
        .filter(|order| order["lines"][0]["unallocated"] == "1");
    assert_eq!(without.count(), 1);
    assert_eq!(promised(&chain)?, "8");
    Ok(())
}

fn promised(chain: &Chain) -> Result<String> {
    let stock = &items(chain, "/stock?location=S001&sku=MILK")?[0];
    Ok(stock["promised"].as_str().unwrap_or_default().to_owned())
}
