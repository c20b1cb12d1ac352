//! What can be promised: every unit that is missing is explained, by channel,
//! location and date.

use std::fmt::Write as _;

use evertill_storage::rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::{Folder, Hub};
use crate::orders::{PRODUCTS, order, pickup, shop};
use crate::trials::put_in_force;

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

/// A location's subtractions by reason, after a check that the sum is exact.
fn subtracted(hub: &Hub, query: &str, location: &str) -> (String, Vec<(String, String)>) {
    let found = hub.get(&format!("/availability?{query}&location={location}"));
    assert_eq!(found.status, 200, "{found:?}");
    let here = found.json()["items"][0]["locations"][0].clone();
    let parts = here["subtract"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| number(&part["quantity"])).sum();
    let left = number(&here["on_hand"]) - sum;
    assert!((left - number(&here["atp"])).abs() < 1e-9, "{here}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parts = parts
        .iter()
        .map(|part| (text(&part["reason"]), text(&part["quantity"])));
    (text(&here["atp"]), parts.collect())
}

fn is(found: &(String, Vec<(String, String)>), atp: &str, parts: &[(&str, &str)]) {
    let parts: Vec<(String, String)> = parts
        .iter()
        .map(|(reason, quantity)| ((*reason).to_owned(), (*quantity).to_owned()))
        .collect();
    assert_eq!(found, &(atp.to_owned(), parts));
}

#[test]
fn policies_carts_and_promises_are_told_by_channel() {
    let hub = shop(&[("S001", "A", 20), ("S002", "A", 3)]);
    put_in_force(
        &hub,
        "safety_stock",
        &json!({"rules": [
        {"scope": {"location": "S001"}, "units": "2"}]}),
    );
    put_in_force(
        &hub,
        "channels",
        &json!({
        "channels": {"market": {"priority": 2, "share_per_mille": 500}},
        "reserves": [{"channel": "web", "units": "4", "scope": {"sku": "A", "location": "S001"},
                      "from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}],
        "exclusions": [{"channel": "market", "scope": {"location": "S002"}}]}),
    );
    let made = hub.post("/orders", &order("W-1", "A", 3, &pickup("S001")));
    assert_eq!(made.status, 201, "{made:?}");
    let cart = json!({"channel": "web", "sku": "A", "quantity": 1, "location": "S001"});
    assert_eq!(hub.post("/reservations", &cart).status, 201);
    let web = [
        ("promised", "3"),
        ("safety_stock", "2"),
        ("soft_holds", "1"),
    ];
    is(&subtracted(&hub, "sku=A&channel=web", "S001"), "14", &web);
    // Fifteen rights: half of them are beyond the share, in whole pieces.
    let market = [
        ("promised", "3"),
        ("safety_stock", "2"),
        ("channel_reserve", "8"),
        ("soft_holds", "1"),
    ];
    is(
        &subtracted(&hub, "sku=A&channel=market", "S001"),
        "6",
        &market,
    );
    let excluded = [("channel_excluded", "3")];
    is(
        &subtracted(&hub, "sku=A&channel=market", "S002"),
        "0",
        &excluded,
    );
    is(&subtracted(&hub, "sku=A&channel=web", "S002"), "3", &[]);
    let other = [
        ("promised", "3"),
        ("safety_stock", "2"),
        ("channel_reserve", "4"),
        ("soft_holds", "1"),
    ];
    is(
        &subtracted(&hub, "sku=A&channel=shop", "S001"),
        "10",
        &other,
    );
    let close = json!({"open": false, "reason": "flood"});
    assert_eq!(hub.put("/locations/S002/selling", &close).status, 200);
    is(
        &subtracted(&hub, "sku=A&channel=web", "S002"),
        "0",
        &[("selling_closed", "3")],
    );
}

const SIX: &str = "location,name,kind,legal_entity,tax_id,address,country,region,timezone,\
    currency,latitude,longitude,opening_hours,pick_capacity,brand\n\
    S001,,store,,,,US,,UTC,USD,,,,,\nS002,,store,,,,US,,UTC,USD,,,,,\n\
    S003,,store,,,,US,,UTC,USD,,,,,\nS004,,store,,,,US,,UTC,USD,,,,,\n\
    S005,,store,,,,US,,UTC,USD,,,,,\nS006,,store,,,,US,,UTC,USD,,,,,\n";

/// What only a node, its silence or its loss brings about, written into the
/// tables as the projections would.
fn as_if_nodes_were_there(folder: &Folder) {
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    let journal = |replica: i64, location: &str, silent_s: i64| {
        let hash = [0_u8; 32];
        conn.execute(
            "INSERT INTO journal VALUES (?1, ?1, ?2, 1, ?3, 1, ?3, 0, ?3, 0,
                                         (unixepoch() - ?4) * 1000)",
            evertill_storage::rusqlite::params![replica, location, hash, silent_s],
        )
        .unwrap();
    };
    // Another one mints, and hands nothing on.
    conn.execute("INSERT INTO minter VALUES ('S002', 2)", [])
        .unwrap();
    // Silent for three days, and for an hour with a busy till.
    journal(3, "S003", 3 * 86_400);
    journal(4, "S004", 3_700);
    let busy = "UPDATE stock SET customer = customer + 48000, opening = opening - 48000
                WHERE location = 'S004'";
    conn.execute(busy, []).unwrap();
    // More rights than units.
    conn.execute(
        "INSERT INTO cell VALUES ('S005', 'A', 5, 9000, 0, 0, 0, 1)",
        [],
    )
    .unwrap();
    // Lost, and not counted since.
    conn.execute("INSERT INTO seal VALUES (6, 'S006', 0, 1)", [])
        .unwrap();
    let damage = "UPDATE stock SET sellable = sellable - 1000, damaged = damaged + 1000
                  WHERE location = 'S001'";
    conn.execute(damage, []).unwrap();
}

#[test]
fn nodes_that_are_silent_lost_or_hold_the_rights_are_told() {
    let folder = Folder::new();
    let mut rows = "location,sku,quantity,unit_cost\n".to_owned();
    for store in 1..=6 {
        writeln!(rows, "S00{store},A,5,1.00").unwrap();
    }
    for (kind, text) in [("products", PRODUCTS), ("locations", SIX), ("stock", &rows)] {
        let file = folder.file(&format!("{kind}.csv"), text);
        assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
    }
    as_if_nodes_were_there(&folder);
    let hub = Hub::on(folder);
    for (location, atp, reason, quantity) in [
        ("S001", "4", "not_sellable", "1"),
        ("S002", "0", "node_share", "5"),
        ("S003", "0", "suspended", "5"),
        // Forty-eight a day, an hour and a bit, one and a half times: a part of a
        // fourth piece may be gone.
        ("S004", "1", "staleness", "4"),
        ("S005", "0", "debt", "5"),
        ("S006", "0", "awaits_count", "5"),
    ] {
        let (found, parts) = subtracted(&hub, "sku=A&channel=web", location);
        assert_eq!(
            (found.as_str(), parts),
            (atp, vec![(reason.to_owned(), quantity.to_owned())]),
            "{location}"
        );
    }
}
