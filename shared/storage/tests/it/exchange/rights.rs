//! What entries say of rights, here and at the hub.

use evertill_domain::order::{
    EndCause, Fulfilment, FulfilmentKind, HoldPlaced, LinePromised, OrderBody, OrderLine,
    OrderPlaced, PickupStep, PromiseEnded, StepPart, StepRecorded, Substitution, Withdrawn,
    opening,
};
use evertill_domain::rights::{CellWrite, Cells, End, Own, PairCells};
use evertill_domain::{
    Currency, DocumentId, LocationId, Money, Quantity, ReplicaId, Sku, Timestamp, Unit,
};
use evertill_journal::Entry;
use evertill_storage::journal::{Author, Write, append, append_with_rights};
use evertill_storage::projection::{minters, orders, promises, rights};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{duties, feed};

use super::world::{Forger, Hub, Site, fingerprint};
use crate::ledger::world::now;

const HUB_REPLICA: ReplicaId = ReplicaId(77);

pub(super) fn pair(location: &str) -> (LocationId, Sku) {
    (location.parse().unwrap(), "A".parse().unwrap())
}

pub(super) fn own(mint: i64, burn: i64) -> Own {
    Own {
        mint,
        burn,
        ..Own::default()
    }
}

pub(super) fn cells_of(location: &str, own: Own, granted: i64) -> PairCells {
    let mut write = CellWrite {
        own,
        ..CellWrite::default()
    };
    if granted > 0 {
        write.sent.insert(HUB_REPLICA, granted);
    }
    PairCells::from([(pair(location), write)])
}

pub(super) fn held(conn: &Connection) -> Cells {
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
    // Two burned in the entry, one by the sale behind it.
    assert_eq!(found.own(forger.replica), own(9_000, 3_000));
    assert_eq!(found.rights(forger.replica), 3_000);
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
        // Only the sale behind it counts.
        assert_eq!(held(&hub.conn).own(forger.replica), own(9_000, 1_000));
        let (elsewhere, sku) = pair("S002");
        assert_eq!(
            rights::cells(&hub.conn, &elsewhere, &sku).unwrap(),
            Cells::default()
        );
        fingerprint(&hub.conn);
    }
}

#[test]
fn a_sale_burns_the_rights_of_its_node_without_a_word() {
    let (mut site, hub) = (Site::new("S001", 1), Hub::new());
    site.sell(&[("A", 1)]);
    let mint = cells_of("S001", own(3_000, 0), 0);
    append_with_rights(&site.conn, &site.author, now(), &[], &mint).unwrap();
    for pieces in [2, 2, 1] {
        site.sell(&[("A", pieces), ("B", 1)]);
    }
    hub.take_all(&site);
    // What was sold before the mint burns nothing, and nothing burns below zero.
    let found = held(&site.conn);
    assert_eq!(found.own(site.author.replica), own(3_000, 3_000));
    assert_eq!(held(&hub.conn), found);
    // More left than was covered: the hub is to look whether promises rest on it.
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), [pair("S001")]);
    // A counter that is said later holds what was burned before it.
    let said = cells_of("S001", own(5_000, 3_000), 0);
    append_with_rights(&site.conn, &site.author, now(), &[], &said).unwrap();
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    assert_eq!(held(&hub.conn).own(site.author.replica), own(5_000, 4_000));
    assert_eq!(held(&hub.conn), held(&site.conn));
    fingerprint(&site.conn);
    fingerprint(&hub.conn);
}

/// Regression: in one batch, as a rebuild makes it, a sale of a machine without
/// rights hid those of the other machine of its location, whose next sale burned
/// nothing (seed 5053).
#[test]
fn a_machine_without_rights_does_not_hide_the_burns_of_another_one() {
    let (mut site, mut successor) = (Site::new("S001", 1), Site::new("S001", 2));
    let hub = Hub::new();
    let mint = cells_of("S001", own(3_000, 0), 0);
    append_with_rights(&site.conn, &site.author, now(), &[], &mint).unwrap();
    hub.take_all(&site);
    successor.sell(&[("A", 1)]);
    hub.take_all(&successor);
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    let found = held(&hub.conn);
    assert_eq!(found.own(site.author.replica), own(3_000, 1_000));
    fingerprint(&hub.conn);
}

/// Regression: a machine that was to pay a debt with its unused rights used them for
/// sales, and nobody was sent to look on the shelf (seed 6020).
#[test]
fn a_pair_whose_debt_was_left_to_its_machine_is_looked_at_whatever_is_sold() {
    let (mut site, hub) = (Site::new("S001", 1), Hub::new());
    let (location, sku) = pair("S001");
    let mint = cells_of("S001", own(3_000, 0), 0);
    append_with_rights(&site.conn, &site.author, now(), &[], &mint).unwrap();
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), [], "it is covered");
    duties::leave_debt(&hub.conn, &location, &sku, true).unwrap();
    site.sell(&[("B", 1)]);
    hub.take_all(&site);
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), []);
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), [pair("S001")]);
}

/// What the hub has for a location, taken in there.
pub(super) fn feed_to(site: &Site, hub: &Hub) {
    let location = &site.author.location;
    let page = feed::read(&hub.conn, hub.author.replica, location, 0, 500, 1 << 30);
    let page = page.unwrap().unwrap();
    let committed = feed::commit(&site.conn, location, &page, now()).unwrap();
    assert_eq!(committed.unwrap().parked, 0);
}

fn placed() -> OrderPlaced {
    let cents = |minor| Money::new(minor, Currency::USD).unwrap();
    OrderPlaced {
        channel: "web".parse().unwrap(),
        external_id: "W-1".to_owned(),
        placed_at: now(),
        currency: Currency::USD,
        lines: vec![OrderLine {
            line: 1,
            sku: "A".parse().unwrap(),
            quantity: units(2),
            unit: Unit::Each,
            unit_price: cents(200),
            discount: None,
            taxes: Vec::new(),
            substitution: Substitution::None,
            external_line_id: "1".to_owned(),
        }],
        total: cents(400),
        fulfilment: Fulfilment {
            kind: FulfilmentKind::Pickup,
            location: Some("S001".parse().unwrap()),
            not_before: None,
            promise_by: None,
            allow_split: false,
            allow_backorder: false,
            destination: None,
        },
        shipping: None,
        customer_ref: None,
        hold_until: None,
    }
}

fn units(pieces: i64) -> Quantity {
    Quantity::from_thousandths(pieces * 1_000).unwrap()
}

/// The hub promises two units of S001 with rights that the store granted.
pub(super) fn promise(hub: &Hub) -> DocumentId {
    let promised = LinePromised {
        line: 1,
        location: "S001".parse().unwrap(),
        quantity: units(2),
        promise_by: Some(now()),
        decision: None,
        replaces: None,
    };
    let bodies = [
        OrderBody::Placed(Box::new(placed())),
        OrderBody::Promised(promised),
    ];
    let known = held(&hub.conn);
    let (replica, usable) = (hub.author.replica, known.rights(hub.author.replica));
    let write = known.promise(replica, 2_000, usable).unwrap();
    let cells = PairCells::from([(pair("S001"), write)]);
    let writes = [Write::OpenWith(opening(now(), None, bodies))];
    let appended = append_with_rights(&hub.conn, &hub.author, now(), &writes, &cells).unwrap();
    feed::publish(&hub.conn, &hub.author, appended.at.seq).unwrap();
    appended.documents[0]
}

/// Order lines that are due at S001 on the day of [`now`].
fn lines_due(conn: &Connection) -> u32 {
    let (location, _) = pair("S001");
    let hours = |hours: i64| Timestamp::from_millis(now().as_millis() + hours * 3_600_000);
    let lines = |from, until| promises::lines_due(conn, &location, hours(from), hours(until));
    assert_eq!(lines(1, 24).unwrap() + lines(-24, 0).unwrap(), 0);
    lines(0, 1).unwrap()
}

/// Regression: the hub broke a promise that its store, cut off, handed over. The
/// unit left without a promise, and the hub kept a right without a unit.
#[test]
fn a_hand_over_of_a_broken_promise_is_looked_at() {
    let (site, hub) = (Site::new("S001", 1), Hub::new());
    let mut cells = cells_of("S001", own(9_000, 0), 0);
    for write in cells.values_mut() {
        write.sent.insert(hub.author.replica, 4_000);
    }
    append_with_rights(&site.conn, &site.author, now(), &[], &cells).unwrap();
    hub.take_all(&site);
    let document = promise(&hub);
    feed_to(&site, &hub);
    let end = |conn: &Connection, author: &Author, how, cause| {
        let order = orders::load(conn, &document).unwrap().unwrap();
        let ended = OrderBody::PromiseEnded(PromiseEnded {
            promise: *order.promises.keys().next().unwrap(),
            quantity: units(2),
            how,
            cause,
            location: "S001".parse().unwrap(),
        });
        let events = order.events(now(), None, [ended]);
        append(conn, author, now(), &[Write::ExtendWith(document, events)]).unwrap();
    };
    assert_eq!(lines_due(&hub.conn), 1);
    end(&hub.conn, &hub.author, End::Breached, EndCause::NotFound);
    assert_eq!(lines_due(&hub.conn), 0, "it is nobody's work any more");
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), []);
    end(&site.conn, &site.author, End::Settled, EndCause::HandedOver);
    hub.take_all(&site);
    assert_eq!(duties::pairs(&hub.conn, 9).unwrap(), [pair("S001")]);
    fingerprint(&hub.conn);
}

/// Regression: the hub's next change of an order followed one of another store,
/// which this store's feed had never carried, and was parked there for ever.
#[test]
fn what_one_store_adds_to_an_order_reaches_the_others_that_take_part() {
    let hub = Hub::new();
    let sites = [Site::new("S001", 1), Site::new("S002", 2)];
    for site in &sites {
        hub.take_all(site);
        let location = &site.author.location;
        feed::name_minter(&hub.conn, &hub.author, location, site.author.replica).unwrap();
    }
    let promised = |location: &str| {
        OrderBody::Promised(LinePromised {
            line: 1,
            location: location.parse().unwrap(),
            quantity: units(1),
            promise_by: None,
            decision: None,
            replaces: None,
        })
    };
    let bodies = [
        OrderBody::Placed(Box::new(placed())),
        promised("S001"),
        promised("S002"),
    ];
    let write = |conn: &Connection, author: &Author, writes: &[Write]| {
        append(conn, author, now(), writes).unwrap()
    };
    let opened = Write::OpenWith(opening(now(), None, bodies));
    let opened = write(&hub.conn, &hub.author, &[opened]);
    feed::publish(&hub.conn, &hub.author, opened.at.seq).unwrap();
    let document = opened.documents[0];
    let extend = |conn: &Connection, author: &Author, body| {
        let order = orders::load(conn, &document).unwrap().unwrap();
        let events = order.events(now(), None, [body]);
        write(conn, author, &[Write::ExtendWith(document, events)])
            .at
            .seq
    };
    let hold = || {
        OrderBody::HoldPlaced(HoldPlaced {
            kind: "manual".parse().unwrap(),
            reason: None,
        })
    };
    feed_to(&sites[0], &hub);
    feed_to(&sites[1], &hub);
    let promise = OrderBody::Withdrawn(Withdrawn {
        promise: *orders::load(&hub.conn, &document)
            .unwrap()
            .unwrap()
            .promises
            .keys()
            .next()
            .unwrap(),
        quantity: units(1),
        location: "S001".parse().unwrap(),
        cause: EndCause::Rejected,
    });
    extend(&sites[0].conn, &sites[0].author, promise);
    hub.take_all(&sites[0]);
    let seq = extend(&hub.conn, &hub.author, hold());
    feed::publish(&hub.conn, &hub.author, seq).unwrap();
    for site in &sites {
        feed_to(site, &hub);
        let there = orders::load(&site.conn, &document).unwrap();
        assert_eq!(there, orders::load(&hub.conn, &document).unwrap());
        fingerprint(&site.conn);
    }
}

#[test]
fn a_promise_is_known_where_it_is_kept_and_a_hand_over_burns_nothing() {
    let (mut site, hub) = (Site::new("S001", 1), Hub::new());
    let mut cells = cells_of("S001", own(9_000, 0), 0);
    for write in cells.values_mut() {
        write.sent.insert(hub.author.replica, 4_000);
    }
    append_with_rights(&site.conn, &site.author, now(), &[], &cells).unwrap();
    hub.take_all(&site);
    feed::name_minter(
        &hub.conn,
        &hub.author,
        &site.author.location,
        site.author.replica,
    )
    .unwrap();
    let document = promise(&hub);
    feed_to(&site, &hub);
    let (location, sku) = pair("S001");
    let minter = minters::of(&site.conn, &location).unwrap();
    assert_eq!(minter, Some(site.author.replica));
    assert_eq!(held(&site.conn).rights(hub.author.replica), 2_000);
    assert_eq!(promises::live(&site.conn, &location, &sku).unwrap(), 2_000);
    assert_eq!(
        orders::open_at(&site.conn, &location, None, 9).unwrap(),
        [document]
    );

    let order = orders::load(&site.conn, &document).unwrap().unwrap();
    let id = *order.promises.keys().next().unwrap();
    let step = |step| {
        OrderBody::Pickup(StepRecorded {
            step,
            location: location.clone(),
            parts: vec![StepPart {
                promise: id,
                sku: sku.clone(),
                quantity: units(2),
                short: Quantity::ZERO,
                uncovered: Quantity::ZERO,
                substitute: false,
                lot: None,
            }],
            reason: None,
            until: None,
            receipt: None,
            proxy: false,
            age_checked: false,
            parcel: None,
            carrier: None,
        })
    };
    let ended = OrderBody::PromiseEnded(PromiseEnded {
        promise: id,
        quantity: units(2),
        how: End::Settled,
        cause: EndCause::HandedOver,
        location: location.clone(),
    });
    let before = held(&site.conn);
    for bodies in [
        vec![step(PickupStep::Pick)],
        vec![step(PickupStep::HandOver), ended],
    ] {
        let writes = [Write::ExtendWith(
            document,
            order.events(now(), None, bodies),
        )];
        append(&site.conn, &site.author, now(), &writes).unwrap();
    }
    assert_eq!(
        held(&site.conn),
        before,
        "a promise was kept, no right burned"
    );
    assert_eq!(promises::live(&site.conn, &location, &sku).unwrap(), 0);
    hub.take_all(&site);
    assert_eq!(held(&hub.conn), before);
    assert_eq!(promises::live(&hub.conn, &location, &sku).unwrap(), 0);
    assert_eq!(lines_due(&hub.conn), 1, "what was done was the day's work");
    assert_eq!(duties::orders(&hub.conn, 9).unwrap(), [document]);
    let at_hub = orders::load(&hub.conn, &document).unwrap();
    assert_eq!(at_hub, orders::load(&site.conn, &document).unwrap());
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    assert_eq!(held(&hub.conn).own(site.author.replica).burn, 1_000);
    fingerprint(&site.conn);
    fingerprint(&hub.conn);
}
