//! Who ordered: known at the counter with or without a line, and nowhere for
//! longer than it has to be.

use anyhow::Result;
use evertill_e2e::Chain;
use evertill_support::{Client, new_key};
use serde_json::{Value, json};

use crate::orders::{code, make_ready, order, pickup, place, stocked};

/// An order of one piece that Ann made.
fn of_ann(name: &str, fulfilment: &Value) -> Value {
    let mut body = order(name, 1, fulfilment, "captured");
    body["customer"] = json!({"ref": "c-1", "name": "Ann Example", "email": "ann@example.com",
        "phone": "+1 312 555 0100"});
    body
}

fn shipped_to_ann() -> Value {
    json!({"kind": "ship", "address": {"street": ["1 Elm Street"], "postal_code": "60601",
        "city": "Chicago", "country": "US"}})
}

/// Waits until the store knows who made an order, or no more.
fn until_known(chain: &Chain, path: &str, known: bool) -> Result<Value> {
    let clerk = chain.store("S001")?;
    chain.until("the store has heard", |_| {
        let shown = clerk.get(path)?;
        Ok(shown.status == 200 && shown.json()["customer"].is_object() == known)
    })?;
    Ok(clerk.get(path)?.json())
}

/// Whether a file of a folder holds a text.
fn holds(folder: &str, text: &str) -> Result<bool> {
    for file in std::fs::read_dir(folder)? {
        let file = file?.path();
        let found = file.is_file()
            && std::fs::read(&file)?
                .windows(text.len())
                .any(|window| window == text.as_bytes());
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn erase(chain: &Chain, id: &str, query: &str) -> Result<u16> {
    let path = format!("/orders/{id}/contact{query}");
    Ok(chain.hub()?.send("DELETE", &path, &[], b"")?.status)
}

#[test]
fn a_clerk_sees_who_ordered_and_nothing_else_keeps_it() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &of_ann("W-1", &pickup("S001")))?;
    let path = format!("/pickups/{id}");
    let shown = until_known(&chain, &path, true)?;
    let ann = json!({"name": "Ann Example", "phone": "+1 312 555 0100"});
    assert_eq!(
        (&shown["customer"], &shown["address"]),
        (&ann, &Value::Null)
    );
    let clerk = chain.store("S001")?;
    let listed = clerk.get("/pickups")?.json();
    assert_eq!(
        listed["items"][0]["customer"],
        json!({"name": "Ann Example"})
    );
    // Answers to events are kept for those who ask again, so they name nobody.
    let accepted = clerk.post(&format!("{path}/accept"), &new_key(), &json!({}))?;
    assert_eq!(accepted.expect(200)["customer"], Value::Null);
    let backup = chain.data("backup")?;
    chain.store_ok("S001", &["backup", &backup])?;
    assert!(!holds(&backup, "Ann Example")?);
    // Without a hub, and after a kill.
    chain.stop_hub()?;
    chain.kill_store("S001")?;
    chain.start_store("S001")?;
    assert_eq!(until_known(&chain, &path, true)?["customer"], ann);
    chain.start_hub()?;
    assert_eq!(erase(&chain, &id, "")?, 409, "goods are still to come");
    assert_eq!(erase(&chain, &id, "?force=true")?, 204);
    until_known(&chain, &path, false)?;
    chain.stop_store("S001")?;
    for text in ["Ann Example", "312 555 0100", "ann@example.com"] {
        assert!(!holds(&chain.data("S001")?, text)?, "{text}");
    }
    Ok(())
}

#[test]
fn who_was_erased_while_the_line_was_cut_is_gone_at_the_next_contact() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &of_ann("W-1", &pickup("S001")))?;
    let path = format!("/pickups/{id}");
    until_known(&chain, &path, true)?;
    chain.cut("S001")?;
    assert_eq!(erase(&chain, &id, "?force=true")?, 204);
    let other = place(&chain, &of_ann("W-2", &pickup("S001")))?;
    until_known(&chain, &path, true)?;
    chain.mend("S001")?;
    until_known(&chain, &path, false)?;
    until_known(&chain, &format!("/pickups/{other}"), true)?;
    make_ready(&chain, "S001", &id)
}

#[test]
fn a_machine_that_begins_anew_learns_who_ordered() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let id = place(&chain, &of_ann("W-1", &pickup("S001")))?;
    let path = format!("/pickups/{id}");
    until_known(&chain, &path, true)?;
    chain.until_sent("S001")?;
    let backup = chain.data("backup")?;
    chain.store_ok("S001", &["backup", &backup])?;
    chain.stop_store("S001")?;
    chain.store_ok("S001", &["restore", &backup])?;
    let other = place(&chain, &of_ann("W-2", &pickup("S001")))?;
    chain.start_store("S001")?;
    until_known(&chain, &path, true)?;
    until_known(&chain, &format!("/pickups/{other}"), true)?;
    Ok(())
}

fn step(clerk: &Client, id: &str, event: &str, body: &Value) -> Result<Value> {
    let path = format!("/fulfilments/{id}/{event}");
    Ok(clerk.post(&path, &new_key(), body)?.expect(200))
}

#[test]
fn a_shipment_is_packed_labelled_sent_and_taken_back_without_a_line() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let mut body = of_ann("W-1", &shipped_to_ann());
    body["lines"][0]["quantity"] = json!(3);
    body["total"] = json!("4.80");
    body["payment"]["amount"] = json!("4.80");
    let id = place(&chain, &body)?;
    let path = format!("/fulfilments/{id}");
    let shown = until_known(&chain, &path, true)?;
    assert_eq!(shown["address"]["city"], "Chicago");
    let clerk = chain.store("S001")?;
    let listed = &clerk.get("/fulfilments")?.json()["items"][0];
    assert_eq!(listed["address"], Value::Null, "a list shows names alone");
    chain.stop_hub()?;
    let label = format!("{path}/label");
    for event in ["accept", "start_pick", "pick"] {
        step(&clerk, &id, event, &json!({}))?;
    }
    let early = clerk.get(&label)?;
    assert_eq!(
        (early.status, &early.json()["code"]),
        (409, &json!("not_packed"))
    );
    let by = json!({"parcel": "P-1", "carrier": "Post"});
    step(&clerk, &id, "pack", &by)?;
    let said = clerk.get(&label)?.expect(200);
    assert_eq!(
        (
            &said["external_id"],
            &said["from"]["location"],
            &said["phone"]
        ),
        (&json!("W-1"), &json!("S001"), &json!("+1 312 555 0100"))
    );
    assert_eq!(
        (&said["to"]["name"], &said["to"]["street"][0]),
        (&json!("Ann Example"), &json!("1 Elm Street"))
    );
    let parcel = &said["parcels"][0];
    assert_eq!(
        (&parcel["number"], &parcel["carrier"], &parcel["contents"]),
        (&json!("P-1"), &json!("Post"), &json!(1))
    );
    assert_eq!(parcel["lines"][0]["quantity"], "3");
    // Two parcels after all.
    let promise = &shown["lines"][0]["promise"];
    let part = json!({"parcel": "P-2", "carrier": "Post",
        "parts": [{"promise": promise, "quantity": 1}]});
    step(&clerk, &id, "ship_part", &part)?;
    let sent = step(&clerk, &id, "ship", &json!({}))?;
    let parcels: Vec<_> = sent["parcels"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parcel| {
            (
                &parcel["number"],
                &parcel["state"],
                &parcel["lines"][0]["quantity"],
            )
        })
        .collect();
    let shipped = json!("shipped");
    assert_eq!(
        parcels,
        [
            (&json!("P-2"), &shipped, &json!("1")),
            (&json!("P-1"), &shipped, &json!("2"))
        ]
    );
    step(&clerk, &id, "fail_delivery", &json!({}))?;
    step(&clerk, &id, "return_to_sender", &json!({}))?;
    let stock = clerk.get("/stock/MILK")?.json();
    assert_eq!(
        (&stock["buckets"]["quality_control"], &stock["promised"]),
        (&json!("3"), &json!("0"))
    );
    chain.start_hub()?;
    chain.until_sent("S001")?;
    let at_hub = chain.hub()?.get(&format!("/orders/{id}/shipments"))?.json();
    assert_eq!(at_hub["items"][0]["state"], "returned_to_sender");
    let refused = json!({"location": "S001"});
    let path = format!("/orders/{id}/shipments");
    let refused = chain.hub()?.post(&path, &new_key(), &refused)?;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("has_a_node"))
    );
    assert_eq!(erase(&chain, &id, "?force=true")?, 204);
    chain.until("the label is gone", |_| {
        Ok(clerk.get(&label)?.json()["code"] == "no_address")
    })?;
    Ok(())
}

/// What could not be written is written later; nothing of it gets into a log.
#[test]
fn a_customer_is_told_where_to_come_and_with_which_code() -> Result<()> {
    let mut chain = stocked(&[("S001", 10)])?;
    let file = std::path::Path::new(&chain.data("hub")?).join("messages.jsonl");
    std::fs::create_dir(&file)?;
    let id = place(&chain, &of_ann("W-1", &pickup("S001")))?;
    make_ready(&chain, "S001", &id)?;
    let path = format!("/orders/{id}/messages");
    let states = |chain: &Chain| -> Result<Vec<Value>> {
        let found = chain.hub()?.get(&path)?.json();
        let items = found["items"].as_array().cloned().unwrap_or_default();
        Ok(items
            .into_iter()
            .map(|item| item["state"].clone())
            .collect())
    };
    chain.until("both are to be sent", |chain| Ok(states(chain)?.len() == 2))?;
    assert_eq!(states(&chain)?, ["pending", "pending"]);
    std::fs::remove_dir(&file)?;
    chain.until("both are sent", |chain| {
        Ok(states(chain)? == ["sent", "sent"])
    })?;
    let lines = std::fs::read_to_string(&file)?;
    let lines = lines.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let ready: Vec<&Value> = lines
        .iter()
        .filter(|line| line["notice"] == "ready")
        .collect();
    assert_eq!(ready.len(), 1);
    assert_eq!(
        (
            &ready[0]["about"],
            &ready[0]["pickup_code"],
            &ready[0]["to"]["name"]
        ),
        (
            &json!("S001"),
            &json!(code(&chain, &id)?),
            &json!("Ann Example")
        )
    );
    for log in [chain.stop_store("S001")?, chain.stop_hub()?] {
        assert!(
            !log.is_empty() && !log.contains("Ann") && !log.contains("312 555"),
            "{log}"
        );
    }
    Ok(())
}
