//! What can be promised: every unit that is missing is explained, by channel,
//! location and date.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use evertill_storage::rusqlite::{Connection, params};
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

/// A node's journal that was last heard so many seconds ago.
fn journal(conn: &Connection, replica: i64, location: &str, silent_s: i64) {
    conn.execute(
        "INSERT INTO journal VALUES (?1, ?1, ?2, 1, ?3, 1, ?3, 0, ?3, 0,
                                     (unixepoch() - ?4) * 1000)",
        params![replica, location, [0_u8; 32], silent_s],
    )
    .unwrap();
}

/// What only a node, its silence or its loss brings about, written into the
/// tables as the projections would.
fn as_if_nodes_were_there(folder: &Folder) {
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    // Another one mints, and hands nothing on.
    conn.execute("INSERT INTO minter VALUES ('S002', 2)", [])
        .unwrap();
    // Silent for three days, and for an hour with a busy till.
    journal(&conn, 3, "S003", 3 * 86_400);
    journal(&conn, 4, "S004", 3_700);
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

/// A shop that is switched off after its hours is not silent.
#[test]
fn silence_counts_only_while_a_store_is_open() {
    const SILENT_MINUTES: i64 = 300;
    let folder = Folder::new();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(since_1970.as_secs()).unwrap() / 60;
    let clock = |from_now: i64| {
        let minute = (now + from_now).rem_euclid(24 * 60);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let hours = |from, until| format!("{}-{}", clock(from), clock(until));
    let closed = hours(60, 120);
    let worked = hours(-SILENT_MINUTES + 10, -60);
    let head = SIX.split_once('\n').unwrap().0;
    let locations = format!(
        "{head}\nS001,,store,,,,US,,UTC,USD,,,{closed},,\nS002,,store,,,,US,,UTC,USD,,,{worked},,\n\
         S003,,store,,,,US,,UTC,USD,,,,,\n"
    );
    let stock = "location,sku,quantity,unit_cost\nS001,A,5,1.00\nS002,A,5,1.00\nS003,A,5,1.00\n";
    for (kind, text) in [
        ("products", PRODUCTS),
        ("locations", &locations),
        ("stock", stock),
    ] {
        let file = folder.file(&format!("{kind}.csv"), text);
        assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
    }
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    for (replica, location) in [(3, "S001"), (4, "S002"), (5, "S003")] {
        journal(&conn, replica, location, SILENT_MINUTES * 60);
    }
    drop(conn);
    let hub = Hub::on(folder);
    let found = |location| subtracted(&hub, "sku=A&channel=web", location);
    is(&found("S001"), "5", &[]);
    // Not a word for three hours and fifty minutes of work.
    is(&found("S002"), "0", &[("suspended", "5")]);
    // Without hours every minute counts.
    is(&found("S003"), "0", &[("suspended", "5")]);
}
