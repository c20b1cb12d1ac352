//! Projections thrown away and computed again.

use std::collections::BTreeMap;

use evertill_domain::count::{CountLine, CountPosted, CountRequest, CountResult};
use evertill_domain::{Event, Quantity, Unit};
use evertill_storage::journal::{self, Write};
use evertill_storage::projection::{counts, stock};
use evertill_storage::rebuild::{PROJECTIONS, fingerprint, rebuild};
use evertill_storage::registers;
use proptest::prelude::*;

use super::world::{database, now, sell, store};

#[test]
fn a_rebuild_gives_identical_tables() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    registers::ensure(&conn, &"R1".parse().unwrap(), now()).unwrap();
    for seq in 1..=20 {
        sell(&conn, &author, seq, &[("A", 1), ("B", 2)]);
    }
    let before = fingerprint(&conn).unwrap();
    let rebuilt = rebuild(&conn).unwrap();
    assert_eq!((rebuilt.entries, rebuilt.left_out), (21, 0));
    assert_eq!(fingerprint(&conn).unwrap(), before);
}

#[test]
fn every_table_below_the_line_in_the_schema_is_rebuilt() {
    let schemas = [
        include_str!("../../../migrations/0001_journal.sql"),
        include_str!("../../../migrations/0003_rights.sql"),
        include_str!("../../../migrations/0004_orders.sql"),
        include_str!("../../../migrations/0013_seals.sql"),
        include_str!("../../../migrations/0017_exceptions_and_timers.sql"),
        include_str!("../../../migrations/0019_work_load.sql"),
        include_str!("../../../migrations/0020_backorders.sql"),
    ];
    let mut tables: Vec<&str> = schemas
        .iter()
        .flat_map(|schema| schema.split_once("-- Projections:").unwrap().1.lines())
        .filter_map(|line| line.strip_prefix("CREATE TABLE ")?.strip_suffix(" ("))
        .collect();
    tables.sort_unstable();
    assert_eq!(tables, PROJECTIONS);
}

#[test]
fn a_rebuild_mends_every_projection_that_was_spoilt() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    sell(&conn, &author, 1, &[("A", 1)]);
    let before = fingerprint(&conn).unwrap();
    for table in PROJECTIONS {
        conn.execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    assert_ne!(fingerprint(&conn).unwrap(), before);
    rebuild(&conn).unwrap();
    assert_eq!(fingerprint(&conn).unwrap(), before);
}

#[test]
fn a_count_that_is_asked_for_and_posted_rebuilds_too() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    sell(&conn, &author, 1, &[("A", 1)]);
    let counted = Quantity::from_thousandths(5_000).unwrap();
    let asked = Event::CountRequested(CountRequest {
        location: author.location.clone(),
        requested_at: now(),
        by: None,
        reference: None,
        lines: vec![CountLine {
            sku: "A".parse().unwrap(),
            unit: Unit::Each,
            counted,
            lot: None,
        }],
        seen: vec![(author.replica, 2)],
    });
    let document = journal::append(&conn, &author, now(), &[Write::Open(asked)])
        .unwrap()
        .documents[0];
    assert_eq!(
        counts::open(&conn, &author.location, 10).unwrap(),
        [document]
    );
    let posted = Event::CountPosted(CountPosted {
        location: author.location.clone(),
        posted_at: now(),
        lines: vec![CountResult {
            sku: "A".parse().unwrap(),
            counted,
            expected: -1_000,
            lot: None,
        }],
    });
    journal::append(&conn, &author, now(), &[Write::Extend(document, posted)]).unwrap();
    assert!(
        counts::open(&conn, &author.location, 10)
            .unwrap()
            .is_empty()
    );
    let stock = stock::of(&conn, &author.location, &"A".parse().unwrap()).unwrap();
    assert_eq!(stock.unwrap().on_hand(), 5_000);
    let before = fingerprint(&conn).unwrap();
    rebuild(&conn).unwrap();
    assert_eq!(fingerprint(&conn).unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_rebuilds_to_identical_tables(
        sales in prop::collection::vec(prop::collection::vec((0_u8..5, 1_i64..9), 1..6), 1..20),
    ) {
        let conn = database();
        let author = store(&conn, "S001", 1);
        for (seq, lines) in (1..).zip(&sales) {
            let lines: BTreeMap<String, i64> =
                lines.iter().map(|(sku, pieces)| (format!("SKU{sku}"), *pieces)).collect();
            let lines: Vec<(&str, i64)> =
                lines.iter().map(|(sku, pieces)| (sku.as_str(), *pieces)).collect();
            sell(&conn, &author, seq, &lines);
        }
        let before = fingerprint(&conn).unwrap();
        rebuild(&conn).unwrap();
        prop_assert_eq!(fingerprint(&conn).unwrap(), before);
    }
}
