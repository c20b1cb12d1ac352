//! What entries say of rights, here and at the hub.

use evertill_domain::rights::{CellWrite, Cells, Own, PairCells};
use evertill_domain::{LocationId, ReplicaId, Sku};
use evertill_journal::Entry;
use evertill_storage::journal::append_with_rights;
use evertill_storage::projection::rights;
use evertill_storage::rusqlite::Connection;

use super::world::{Forger, Hub, Site, fingerprint};
use crate::ledger::world::now;

const HUB_REPLICA: ReplicaId = ReplicaId(77);

fn pair(location: &str) -> (LocationId, Sku) {
    (location.parse().unwrap(), "A".parse().unwrap())
}

fn own(mint: i64, burn: i64) -> Own {
    Own {
        mint,
        burn,
        ..Own::default()
    }
}

fn cells_of(location: &str, own: Own, granted: i64) -> PairCells {
    let mut write = CellWrite {
        own,
        ..CellWrite::default()
    };
    if granted > 0 {
        write.sent.insert(HUB_REPLICA, granted);
    }
    PairCells::from([(pair(location), write)])
}

fn held(conn: &Connection) -> Cells {
    let (location, sku) = pair("S001");
    rights::cells(conn, &location, &sku).unwrap()
}

#[test]
fn a_replicas_rights_are_the_same_where_they_are_written_and_where_they_arrive() {
    let (site, hub) = (Site::new("S001", 1), Hub::new());
    for (mint, burn, granted) in [(9_000, 0, 0), (9_000, 0, 4_000), (9_000, 2_000, 4_000)] {
        let cells = cells_of("S001", own(mint, burn), granted);
        append_with_rights(&site.conn, &site.author, now(), &[], &cells).unwrap();
    }
    hub.take_all(&site);
    let found = held(&site.conn);
    assert_eq!(found.rights(site.author.replica), 3_000);
    assert_eq!(found.rights(HUB_REPLICA), 4_000);
    assert_eq!(held(&hub.conn), found);
    hub.take_all(&site);
    assert_eq!(held(&hub.conn), found, "what comes again changes nothing");
    // Also a rebuild gives the same tables.
    fingerprint(&site.conn);
    fingerprint(&hub.conn);
}

/// A forged entry with these cells, after an honest mint of nine units.
fn forged(hub: &Hub, cells: &PairCells, forge: impl FnOnce(&mut Entry)) -> Forger {
    let mut forger = Forger::new("S001", 1);
    let mut push = |cells: &PairCells, forge: Box<dyn FnOnce(&mut Entry) + '_>| {
        let mut entry = Entry::after(forger.replica, &forger.head(), forger.hlc);
        entry.set_rights(cells);
        forge(&mut entry);
        forger.seal(entry);
    };
    push(&cells_of("S001", own(9_000, 0), 0), Box::new(|_| {}));
    push(cells, Box::new(forge));
    forger.sell(1, &[("A", 1)]);
    hub.take(&forger.peer, &forger.frame()).unwrap();
    assert_eq!(hub.receipts(), 1, "the sale behind it applies");
    forger
}

#[test]
fn of_an_entry_in_quarantine_the_debits_count() {
    let hub = Hub::new();
    let cells = cells_of("S001", own(20_000, 2_000), 3_000);
    let forger = forged(&hub, &cells, |entry| {
        let document = evertill_domain::DocumentId::from_bytes([9; 16]);
        entry.parts = vec![evertill_journal::Part {
            n: 0,
            document,
            change: b"not a change".to_vec(),
        }];
    });
    assert_eq!(hub.case().rule, "gate.chunk_type");
    let found = held(&hub.conn);
    assert_eq!(found.own(forger.replica), own(9_000, 2_000));
    assert_eq!(found.rights(forger.replica), 4_000);
    fingerprint(&hub.conn);
}

#[test]
fn rights_that_cannot_be_read_or_are_anothers_count_for_nothing() {
    for (cells, strange) in [
        (cells_of("S002", own(5_000, 1_000), 0), None),
        (
            cells_of("S001", own(9_000, 9_000), 0),
            Some(vec![0x81, 0xf5]),
        ),
    ] {
        let hub = Hub::new();
        let forger = forged(&hub, &cells, |entry| {
            entry.cells = strange.clone().unwrap_or(entry.cells.clone());
        });
        assert_eq!(hub.case().rule, "rights");
        assert_eq!(held(&hub.conn).own(forger.replica), own(9_000, 0));
        let (elsewhere, sku) = pair("S002");
        assert_eq!(
            rights::cells(&hub.conn, &elsewhere, &sku).unwrap(),
            Cells::default()
        );
        fingerprint(&hub.conn);
    }
}
