//! Who ordered, at the hub and at a node: told, taken back, forgotten.

use evertill_domain::fold::{Placed, State, fold};
use evertill_domain::order::{
    EndCause, Fulfilment, FulfilmentKind, LinePromised, OrderBody, OrderLine, OrderPlaced,
    OrderState, PromiseEnded, PromiseId, Substitution, opening,
};
use evertill_domain::rights::End;
use evertill_domain::{
    Currency, DocumentId, EventKey, Hlc, LocationId, Money, Quantity, ReplicaId, Timestamp, Unit,
    event,
};
use evertill_storage::backup::back_up;
use evertill_storage::private::{
    self, Customer, GRACE_MS, KEEP_MS, Page, Position, Row, decode, sweep_kept,
};
use evertill_storage::rebuild::rebuild;
use evertill_storage::reference::ReferenceStore;
use evertill_storage::rusqlite::params;
use evertill_storage::selling::contacts::{self, Contact};
use evertill_storage::{Role, Store, StoreOptions};

use super::{Tables, at};

const HUB: ReplicaId = ReplicaId(0xB0B);
const MUCH: u64 = 1 << 20;

fn store(id: &str) -> LocationId {
    id.parse().unwrap()
}

fn document(n: u8) -> DocumentId {
    DocumentId::from_bytes([n; 16])
}

/// An order of one piece that S001 keeps, or has handed over.
fn order(kind: FulfilmentKind, over: bool) -> OrderState {
    ended(kind, over.then_some(End::Settled))
}

/// An order of one piece whose promise at S001 is kept, or ended somehow.
fn ended(kind: FulfilmentKind, how: Option<End>) -> OrderState {
    let cents = Money::new(200, Currency::USD).unwrap();
    let placed = OrderPlaced {
        channel: "web".parse().unwrap(),
        external_id: "W-1".to_owned(),
        placed_at: at(1),
        currency: Currency::USD,
        lines: vec![OrderLine {
            line: 1,
            sku: "A".parse().unwrap(),
            quantity: Quantity::ONE,
            unit: Unit::Each,
            unit_price: cents,
            discount: None,
            taxes: Vec::new(),
            substitution: Substitution::None,
            external_line_id: "1".to_owned(),
        }],
        total: cents,
        fulfilment: Fulfilment {
            kind,
            location: None,
            not_before: None,
            promise_by: None,
            allow_split: false,
            allow_backorder: false,
            destination: None,
        },
        shipping: None,
        customer_ref: None,
        hold_until: None,
    };
    let promised = LinePromised {
        line: 1,
        location: store("S001"),
        quantity: Quantity::ONE,
        promise_by: None,
        decision: None,
        replaces: None,
    };
    let key = |n| EventKey {
        actor_prefix: 1,
        seq: 1,
        n,
    };
    let mut bodies = vec![
        OrderBody::Placed(Box::new(placed)),
        OrderBody::Promised(promised),
    ];
    bodies.extend(how.map(|how| {
        OrderBody::PromiseEnded(PromiseEnded {
            promise: PromiseId(key(1)),
            quantity: Quantity::ONE,
            how,
            cause: EndCause::HandedOver,
            location: store("S001"),
        })
    }));
    let bytes: Vec<Vec<u8>> = opening(at(1), None, bodies)
        .iter()
        .map(event::encode)
        .collect();
    let events = (0..).zip(&bytes).map(|(n, bytes)| Placed {
        key: key(n),
        hlc: Hlc(1),
        parents: Vec::new(),
        bytes,
    });
    match fold(events).state {
        State::Order(order) => *order,
        other => panic!("expected an order, got {other:?}"),
    }
}

fn contact(name: &str) -> Contact {
    Contact {
        name: Some(name.to_owned()),
        email: Some("someone@example.com".to_owned()),
        phone: Some("+1 312 555 0100".to_owned()),
        locale: None,
        address: Some("{\"city\":\"Chicago\"}".to_owned()),
    }
}

impl Tables {
    /// The hub takes an order in, or looks at it again.
    fn takes(&self, n: u8, kind: FulfilmentKind, over: bool, now: Timestamp) {
        self.write(move |conn| {
            if !over {
                contacts::keep(conn, &document(n), &contact("Ann Example"))?;
            }
            private::refresh(conn, &document(n), &order(kind, over), now)
        })
        .unwrap();
    }

    fn page(&self, held: Position, most: u64) -> Option<Page> {
        self.read(move |conn| private::page(conn, HUB, &store("S001"), held, most))
    }

    /// A node takes what the hub has for it, page by page; gives what it got.
    fn catches_up(&self, hub: &Tables, most: u64) -> usize {
        let mut rows = 0;
        loop {
            let held = self.read(private::position);
            let Some(page) = hub.page(held, most) else {
                return rows;
            };
            let changes = decode(&page.rows).unwrap();
            rows += changes.len();
            let way = (page.from, page.to);
            self.write(move |conn| private::keep(conn, way, &changes))
                .unwrap();
        }
    }

    fn knows(&self, n: u8) -> Option<Customer> {
        self.read(move |conn| private::of(conn, &document(n)))
    }

    /// Whether the node still has work with an order.
    fn has_open(&self, n: u8, open: bool) {
        self.write(move |conn| {
            conn.execute(
                "INSERT OR REPLACE INTO order_location VALUES ('S001', ?1, ?2, 0)",
                params![document(n).as_bytes(), open],
            )
            .map(drop)
        })
        .unwrap();
    }
}

#[test]
fn a_location_knows_who_ordered_what_it_ships_or_hands_over() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Pickup, false, at(10));
    hub.takes(2, FulfilmentKind::Ship, false, at(11));
    assert_eq!(node.catches_up(&hub, MUCH), 2);
    let collects = node.knows(1).unwrap();
    assert_eq!(collects.name.as_deref(), Some("Ann Example"));
    assert_eq!(collects.phone.as_deref(), Some("+1 312 555 0100"));
    assert_eq!(
        collects.address, None,
        "who collects need not say where they live"
    );
    let shipped = node.knows(2).unwrap();
    assert_eq!(shipped.address.as_deref(), Some("{\"city\":\"Chicago\"}"));
    assert!(
        !node.holds("someone@example.com"),
        "no location writes mails"
    );
    let elsewhere =
        hub.read(|conn| private::page(conn, HUB, &store("S002"), Position::default(), MUCH));
    assert_eq!(elsewhere, None);
    // Looking again changes nothing.
    hub.takes(1, FulfilmentKind::Pickup, false, at(12));
    assert_eq!(node.catches_up(&hub, MUCH), 0);
}

#[test]
fn pages_are_as_small_as_is_asked_and_lose_nothing() {
    let (hub, node) = (Tables::new(), Tables::new());
    for n in 1..=20 {
        hub.takes(n, FulfilmentKind::Pickup, false, at(10));
    }
    assert_eq!(node.catches_up(&hub, 1), 20);
    assert!((1..=20).all(|n| node.knows(n).is_some()));
    let last = hub.read(private::last);
    assert_eq!(
        node.read(private::position),
        Position {
            hub: HUB.0,
            version: last
        }
    );
    assert_eq!(hub.read(private::heads)[&store("S001")], last);
}

#[test]
fn what_is_over_is_taken_back_after_a_while() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Pickup, false, at(10));
    node.catches_up(&hub, MUCH);
    hub.takes(1, FulfilmentKind::Pickup, true, at(20));
    let sweep = |now| {
        hub.write(move |conn| private::sweep(conn, at(now)))
            .unwrap()
    };
    assert_eq!(sweep(20 + GRACE_MS - 1), 0);
    assert_eq!(node.catches_up(&hub, MUCH), 0);
    assert_eq!(sweep(20 + GRACE_MS), 1);
    assert_eq!(node.catches_up(&hub, MUCH), 1);
    assert_eq!(node.knows(1), None);
    assert_eq!(sweep(20 + GRACE_MS), 0, "it is taken back once");
    // A location that gets work with it again is told again.
    hub.takes(1, FulfilmentKind::Pickup, false, at(30));
    node.catches_up(&hub, MUCH);
    assert!(node.knows(1).is_some());
    // One that is open again before the time is over is not taken back.
    hub.takes(1, FulfilmentKind::Pickup, true, at(40));
    hub.takes(1, FulfilmentKind::Pickup, false, at(50));
    assert_eq!(sweep(50 + GRACE_MS), 0);
}

#[test]
fn a_location_that_gave_nothing_to_the_customer_need_not_know_them() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Ship, false, at(10));
    node.catches_up(&hub, MUCH);
    hub.write(|conn| {
        let order = ended(FulfilmentKind::Ship, Some(End::Breached));
        private::refresh(conn, &document(1), &order, at(20))
    })
    .unwrap();
    assert_eq!(node.catches_up(&hub, MUCH), 1);
    assert_eq!(node.knows(1), None);
}

#[test]
fn who_is_erased_at_the_hub_is_gone_there_and_at_the_next_contact() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Ship, false, at(10));
    hub.takes(2, FulfilmentKind::Ship, false, at(10));
    node.catches_up(&hub, MUCH);
    let erase = |n| {
        hub.write(move |conn| private::erase(conn, &document(n)))
            .unwrap()
    };
    assert!(erase(1));
    assert!(!erase(1), "there is nothing left");
    node.catches_up(&hub, MUCH);
    assert_eq!((node.knows(1), node.knows(2).is_some()), (None, true));
    // Another look at the open order does not bring them back.
    hub.write(|conn| {
        private::refresh(
            conn,
            &document(1),
            &order(FulfilmentKind::Ship, false),
            at(11),
        )
    })
    .unwrap();
    assert_eq!(node.catches_up(&hub, MUCH), 0);
    assert!(erase(2));
    node.catches_up(&hub, MUCH);
    let (hub, node) = (hub.restart(), node.restart());
    assert!(!hub.holds("Ann Example") && !node.holds("Ann Example"));
}

/// A node that starts anew, or meets another life of the hub, gets everything
/// again and nothing that is over.
#[test]
fn who_holds_nothing_of_this_hub_gets_everything_anew() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Pickup, false, at(10));
    hub.takes(2, FulfilmentKind::Pickup, false, at(10));
    hub.write(|conn| private::erase(conn, &document(1)))
        .unwrap();
    assert_eq!(node.catches_up(&hub, MUCH), 1);
    for held in [
        Position { hub: 7, version: 1 },
        Position {
            hub: HUB.0,
            version: 99,
        },
    ] {
        let row = Row {
            document: document(9),
            customer: Some(Customer::default()),
        };
        node.write(move |conn| private::keep(conn, (held, held), &[row]))
            .unwrap();
        assert_eq!(node.catches_up(&hub, MUCH), 1);
        assert_eq!((node.knows(9), node.knows(2).is_some()), (None, true));
    }
    // A hub that has nobody to tell of still takes back what another life told.
    let empty = Tables::new();
    assert_eq!(node.catches_up(&empty, MUCH), 0);
    assert_eq!(node.knows(2), None);
}

#[test]
fn a_node_forgets_by_itself_what_is_long_over() {
    let (hub, node) = (Tables::new(), Tables::new());
    hub.takes(1, FulfilmentKind::Pickup, false, at(10));
    hub.takes(2, FulfilmentKind::Pickup, false, at(10));
    node.catches_up(&hub, MUCH);
    node.has_open(1, true);
    node.has_open(2, true);
    let sweep = |now| {
        node.write(move |conn| sweep_kept(conn, &store("S001"), at(now)))
            .unwrap()
    };
    assert_eq!(sweep(100 + KEEP_MS), 0, "both are open");
    node.has_open(1, false);
    assert_eq!(sweep(1_000), 0);
    assert_eq!(sweep(1_000 + KEEP_MS - 1), 0);
    assert_eq!(sweep(1_000 + KEEP_MS), 1);
    assert_eq!((node.knows(1), node.knows(2).is_some()), (None, true));
}

#[test]
fn a_rebuild_loses_nobody_and_a_backup_of_a_node_names_nobody() {
    let hub = Tables::new();
    hub.takes(1, FulfilmentKind::Pickup, false, at(10));
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("node");
    let store = Store::open(&data, &StoreOptions::node()).unwrap();
    let page = hub.page(Position::default(), MUCH).unwrap();
    let changes = decode(&page.rows).unwrap();
    let known = store.write_blocking("keep", move |tx| {
        private::keep(tx, (page.from, page.to), &changes)?;
        rebuild(tx)?;
        private::of(tx, &document(1))
    });
    assert!(known.unwrap().is_some());
    let reference = ReferenceStore::open(&data, Role::Node).unwrap();
    let target = dir.path().join("backup");
    back_up(&store, &reference, Role::Node, &[], &target, at(20)).unwrap();
    let bytes = std::fs::read(target.join("evertill.db")).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"Ann Example"));
    let here = store.read_blocking(|conn| private::of(conn, &document(1)));
    assert!(here.unwrap().is_some(), "only the copy forgets");
}
