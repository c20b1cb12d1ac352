//! Orders between hub and stores: promised, collected, paid, cancelled.

use anyhow::Result;
use evertill_e2e::Chain;
use evertill_support::{Client, Reply, new_key};
use serde_json::{Value, json};

/// A chain whose stores hold so much milk, with rights at the hub.
pub fn stocked(stores: &[(&str, u32)]) -> Result<Chain> {
    let locations: Vec<&str> = stores.iter().map(|(location, _)| *location).collect();
    let chain = Chain::start(&locations)?;
    let rows: Vec<String> = stores
        .iter()
        .map(|(location, pieces)| format!("{location},MILK,{pieces},0.90\n"))
        .collect();
    let rows = format!("location,sku,quantity,unit_cost\n{}", rows.concat());
    let file = chain.file("stock.csv", &rows)?;
    chain.hub_ok(&["import", "stock", &file])?;
    let wanted: u32 = stores.iter().map(|(_, pieces)| share(*pieces)).sum();
    chain.until("the stores have granted rights", |chain| {
        Ok(atp(chain)? == wanted.to_string())
    })?;
    Ok(chain)
}

/// What of a store's units the hub may promise before it asks for more: 90 %,
/// rounded half up.
pub fn share(pieces: u32) -> u32 {
    (pieces * 9 + 5) / 10
}

fn atp(chain: &Chain) -> Result<String> {
    let found = chain.hub()?.get("/availability?sku=MILK")?.json();
    Ok(found["items"][0]["atp"].as_str().unwrap_or("0").to_owned())
}

pub fn order(name: &str, pieces: u32, fulfilment: &Value, payment: &str) -> Value {
    let total = format!("{}.{:02}", pieces * 160 / 100, pieces * 160 % 100);
    let paid = if payment == "pay_at_pickup" {
        "0.00"
    } else {
        total.as_str()
    };
    json!({
        "channel": "web", "external_id": name, "currency": "USD",
        "lines": [{"external_line_id": "1", "sku": "MILK", "quantity": pieces,
                   "unit_price": "1.60"}],
        "total": total, "fulfilment": fulfilment,
        "payment": {"status": payment, "method": "card", "amount": paid},
    })
}

pub fn pickup(location: &str) -> Value {
    json!({"kind": "pickup", "location": location})
}

/// Places an order that must be taken; gives its id.
pub fn place(chain: &Chain, body: &Value) -> Result<String> {
    let made = chain.hub()?.post("/orders", &new_key(), body)?.expect(201);
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

pub fn code(chain: &Chain, id: &str) -> Result<String> {
    let codes = chain
        .hub()?
        .get(&format!("/orders/{id}/pickup-codes"))?
        .json();
    Ok(codes["items"][0]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

pub fn step(clerk: &Client, id: &str, event: &str, body: &Value) -> Result<Reply> {
    clerk.post(&format!("/pickups/{id}/{event}"), &new_key(), body)
}

/// Waits until a store has an order, and puts it aside for its customer.
pub fn make_ready(chain: &Chain, location: &str, id: &str) -> Result<()> {
    chain.until("the store has the order", |chain| {
        Ok(chain
            .store(location)?
            .get(&format!("/pickups/{id}"))?
            .status
            == 200)
    })?;
    let clerk = chain.store(location)?;
    for event in ["accept", "start_pick", "pick", "ready"] {
        let done = step(&clerk, id, event, &json!({}))?;
        assert_eq!(done.status, 200, "{event}: {done:?}");
    }
    Ok(())
}

pub fn state(chain: &Chain, id: &str) -> Result<Value> {
    Ok(chain.hub()?.get(&format!("/orders/{id}"))?.json())
}

pub fn items(chain: &Chain, path: &str) -> Result<Vec<Value>> {
    let page = chain.hub()?.get(path)?.json();
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

fn until_state(chain: &Chain, id: &str, wanted: &str) -> Result<Value> {
    chain.until(&format!("the order is {wanted}"), |chain| {
        Ok(state(chain, id)?["state"] == wanted)
    })?;
    state(chain, id)
}

#[test]
fn a_connected_store_hands_on_rights_that_an_order_needs() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    // The hub holds nine and asks for one.
    place(&chain, &order("W-1", 10, &pickup("S001"), "captured"))?;
    let more = order("W-2", 1, &pickup("S001"), "captured");
    let refused = chain.hub()?.post("/orders", &new_key(), &more)?;
    assert_eq!(refused.status, 409, "{refused:?}");
    let store = chain.store("S001")?;
    chain.until("the store knows", |_| {
        Ok(store.get("/stock/MILK")?.json()["promised"] == "10")
    })?;
    assert_eq!(store.get("/stock/MILK")?.json()["rights"], "0");
    // Nobody waits for a store that cannot answer.
    chain.cut("S001")?;
    let refused = chain.hub()?.post("/orders", &new_key(), &more)?;
    assert_eq!(refused.status, 409, "{refused:?}");
    Ok(())
}

#[test]
fn an_order_is_collected_at_the_counter_with_its_code() -> Result<()> {
    let chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &order("W-1", 3, &pickup("S001"), "captured"))?;
    assert_eq!(atp(&chain)?, "6");
    chain.until("the store has the order", |chain| {
        let listed = chain.store("S001")?.get("/pickups")?.json();
        Ok(listed["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1))
    })?;
    let clerk = chain.store("S001")?;
    let listed = &clerk.get("/pickups?state=requested")?.json()["items"][0];
    assert_eq!(
        (&listed["id"], &listed["external_id"]),
        (&json!(id), &json!("W-1"))
    );
    assert_eq!(listed["allowed"], json!(["accept", "reject", "expire"]));
    assert_eq!(listed["lines"][0]["quantity"], "3");
    let stock = clerk.get("/stock/MILK")?.json();
    assert_eq!(
        (&stock["promised"], &stock["available"]),
        (&json!("3"), &json!("7"))
    );
    // A step that the machine forbids names the state and what is allowed.
    let early = step(&clerk, &id, "ready", &json!({}))?;
    assert_eq!(
        (early.status, &early.json()["code"]),
        (409, &json!("forbidden_step"))
    );
    assert!(
        early
            .text
            .contains("is requested and cannot ready now; allowed: accept")
    );
    make_ready(&chain, "S001", &id)?;
    let wrong = step(&clerk, &id, "hand_over", &json!({"code": "000000x"}))?;
    assert_eq!(
        (wrong.status, &wrong.json()["code"]),
        (422, &json!("wrong_code"))
    );
    let missing = step(&clerk, &id, "hand_over", &json!({}))?;
    assert_eq!(missing.json()["errors"][0]["pointer"], "/code");
    let shown = json!({"code": code(&chain, &id)?});
    let key = new_key();
    let path = format!("/pickups/{id}/hand_over");
    let handed = clerk.post(&path, &key, &shown)?.expect(200);
    assert_eq!(handed["state"], "handed_over");
    assert_eq!(
        clerk.post(&path, &key, &shown)?.expect(200),
        handed,
        "once, however often"
    );
    let done = until_state(&chain, &id, "fulfilled")?;
    assert_eq!(done["customer_state"], "done");
    assert_eq!(done["lines"][0]["fulfilled"], "3");
    let stock = chain.hub()?.get("/stock?location=S001&sku=MILK")?.json();
    assert_eq!(
        (
            &stock["items"][0]["on_hand"],
            &stock["items"][0]["promised"]
        ),
        (&json!("7"), &json!("0"))
    );
    chain.until_sent("S001")?;
    assert_eq!(
        atp(&chain)?,
        "6",
        "a promise that was kept costs no other one"
    );
    chain.hub_ok(&["verify"])?;
    chain.store_ok("S001", &["verify"])?;
    Ok(())
}

#[test]
fn wrong_codes_lock_an_order_for_a_while() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &order("W-1", 1, &pickup("S001"), "captured"))?;
    make_ready(&chain, "S001", &id)?;
    for _ in 0..5 {
        let wrong = step(
            &chain.store("S001")?,
            &id,
            "hand_over",
            &json!({"code": "no"}),
        )?;
        assert_eq!(wrong.json()["code"], "wrong_code");
    }
    // A restart does not open it.
    chain.kill_store("S001")?;
    chain.start_store("S001")?;
    let shown = json!({"code": code(&chain, &id)?});
    let locked = step(&chain.store("S001")?, &id, "hand_over", &shown)?;
    assert_eq!(
        (locked.status, &locked.json()["code"]),
        (409, &json!("code_locked"))
    );
    Ok(())
}

#[test]
fn an_order_that_is_paid_at_the_counter_leaves_with_its_receipt() -> Result<()> {
    let chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &order("W-1", 2, &pickup("S001"), "pay_at_pickup"))?;
    make_ready(&chain, "S001", &id)?;
    let clerk = chain.store("S001")?;
    assert_eq!(
        clerk.get(&format!("/pickups/{id}"))?.json()["to_pay"],
        "3.20"
    );
    let code = code(&chain, &id)?;
    let unpaid = step(&clerk, &id, "hand_over", &json!({"code": code}))?;
    assert_eq!(
        (unpaid.status, &unpaid.json()["code"]),
        (409, &json!("unpaid"))
    );
    let paid = json!({"code": code, "tenders": [{"kind": "cash", "amount": "5.00"}]});
    let handed = step(&clerk, &id, "hand_over", &paid)?.expect(200);
    let receipt = &handed["receipt"];
    assert_eq!(
        (&receipt["total"], &receipt["change_due"]),
        (&json!("3.20"), &json!("1.80"))
    );
    assert_eq!(clerk.get("/stock/MILK")?.json()["on_hand"], "8");
    let done = until_state(&chain, &id, "fulfilled")?;
    assert_eq!(done["payment_state"], "captured");
    chain.until_sent("S001")?;
    let sale = chain.hub()?.get("/sales?location=S001")?.json();
    assert_eq!(
        sale["items"][0]["receipt_number"],
        receipt["receipt_number"]
    );
    assert_eq!(atp(&chain)?, "7");
    Ok(())
}

#[test]
fn a_cancelled_order_comes_back_only_when_its_store_has_said_so() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &order("W-1", 3, &pickup("S001"), "captured"))?;
    chain.until("the store has the order", |chain| {
        Ok(chain.store("S001")?.get(&format!("/pickups/{id}"))?.status == 200)
    })?;
    chain.cut("S001")?;
    let cancel = json!({"reason": "not wanted any more"});
    let path = format!("/orders/{id}/cancel");
    let asked = chain.hub()?.post(&path, &new_key(), &cancel)?;
    assert_eq!(
        (asked.status, &asked.json()["state"]),
        (202, &json!("cancel_requested"))
    );
    assert_eq!(atp(&chain)?, "6", "its units are nobody else's yet");
    chain.mend("S001")?;
    let done = until_state(&chain, &id, "cancelled")?;
    assert_eq!(done["lines"][0]["cancelled"], "3");
    chain.until("the units can be promised again", |chain| {
        Ok(atp(chain)? == "9")
    })?;
    Ok(())
}

/// The counter and the web act at the same time: the goods are with the customer.
#[test]
fn what_was_handed_over_while_the_web_cancelled_stays_so() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &order("W-1", 2, &pickup("S001"), "captured"))?;
    make_ready(&chain, "S001", &id)?;
    let shown = json!({"code": code(&chain, &id)?});
    chain.cut("S001")?;
    let handed = step(&chain.store("S001")?, &id, "hand_over", &shown)?;
    assert_eq!(handed.status, 200, "{handed:?}");
    let cancel = json!({"reason": "not wanted any more"});
    let path = format!("/orders/{id}/cancel");
    let asked = chain.hub()?.post(&path, &new_key(), &cancel)?;
    assert_eq!(asked.status, 202, "{asked:?}");
    chain.mend("S001")?;
    let done = until_state(&chain, &id, "fulfilled")?;
    assert_eq!(
        done["conflicts"],
        json!(["cancelled_after_hand_over"]),
        "{done}"
    );
    let told = "/exceptions?kind=cancelled_after_hand_over";
    chain.until("a person is told once", |chain| {
        Ok(items(chain, told)?.len() == 1)
    })?;
    let owed = done["obligations"].as_array().unwrap();
    assert!(owed.iter().all(|owed| owed["key"] != "refund"), "{done}");
    chain.until_sent("S001")?;
    let stock = chain.hub()?.get("/stock?location=S001&sku=MILK")?.json();
    assert_eq!(
        (
            &stock["items"][0]["on_hand"],
            &stock["items"][0]["promised"]
        ),
        (&json!("8"), &json!("0"))
    );
    Ok(())
}

/// Two key holders decide that remote customers come first; every store follows.
#[test]
fn a_policy_that_two_people_agreed_on_moves_rights() -> Result<()> {
    let chain = stocked(&[("S001", 10)])?;
    let second = chain.hub_ok(&["api-key", "--name", "second"])?;
    let second = Client::new(&chain.hub_url()?, &second);
    let policy = json!({"default": {"web_first": true}}).to_string();
    let json = [("content-type", "application/json")];
    let hub = chain.hub()?;
    let put = hub.send("PUT", "/policies/online", &json, policy.as_bytes())?;
    let draft = json!({"draft": put.expect(202)["draft"]});
    let approve = "/policies/online/approve";
    assert_eq!(hub.post(approve, &new_key(), &draft)?.status, 409);
    assert_eq!(second.post(approve, &new_key(), &draft)?.status, 200);
    chain.until("the hub holds every right", |chain| Ok(atp(chain)? == "10"))?;
    assert_eq!(
        chain.store("S001")?.get("/stock/MILK")?.json()["rights"],
        "0"
    );
    // Walk-ins take units whose rights the hub holds: it burns unused ones.
    chain.sell("S001", "MILK", 2)?;
    chain.until("a debt is settled at the hub", |chain| {
        Ok(atp(chain)? == "8")
    })?;
    Ok(())
}
