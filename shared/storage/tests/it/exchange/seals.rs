//! A replica that is lost: what its seal fixes, and who takes its place.

use evertill_domain::count::{CountLine, CountRequest};
use evertill_domain::order::{Effect, EndCause, OrderBody, Withdrawn};
use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{ActorId, DocumentId, Event, LocationId, Quantity, ReplicaId, Seq, Unit};
use evertill_storage::counts;
use evertill_storage::feed::{self, Succession};
use evertill_storage::journal::{self, Author, Beginning, Write, append, append_with_rights};
use evertill_storage::projection::{minters, orders, promises, seals, stock};
use evertill_storage::rusqlite::Connection;

use super::rights::{cells_of, feed_to, held, own, pair, promise};
use super::world::{Forger, Hub, Site, fingerprint};
use crate::ledger::world::now;

fn seal_of(hub: &Hub, replica: ReplicaId) -> ReplicaSeal {
    let state = journal::state(&hub.conn, replica).unwrap().unwrap();
    ReplicaSeal {
        location: state.location,
        replica,
        seq: state.head.seq,
        hash: state.head.hash.0,
        sealed_at: now(),
        reason: "stolen".to_owned(),
        approvers: vec!["ann".to_owned(), "bob".to_owned()],
        recount: true,
    }
}

fn seal(hub: &Hub, replica: ReplicaId) {
    let event = Event::ReplicaSealed(seal_of(hub, replica));
    let appended = append(&hub.conn, &hub.author, now(), &[Write::Open(event)]).unwrap();
    feed::publish(&hub.conn, &hub.author, appended.at.seq).unwrap();
}

fn s001() -> LocationId {
    pair("S001").0
}

/// A store that minted nine, granted four of them and sold one.
fn store(hub: &Hub) -> Site {
    let mut site = Site::new("S001", 1);
    let mut cells = cells_of("S001", own(9_000, 0), 0);
    for write in cells.values_mut() {
        write.sent.insert(hub.author.replica, 4_000);
    }
    append_with_rights(&site.conn, &site.author, now(), &[], &cells).unwrap();
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    feed::name_minter(&hub.conn, &hub.author, &s001(), site.author.replica).unwrap();
    site
}

#[test]
fn what_turns_up_after_a_seal_counts_and_moves_no_right() {
    let hub = Hub::new();
    let mut site = store(&hub);
    seal(&hub, site.author.replica);
    let before = held(&hub.conn);
    assert!(before.is_sealed(site.author.replica));
    assert_eq!(
        before.unsealed_rights(),
        4_000,
        "the hub keeps what it was granted"
    );
    let more = cells_of("S001", own(20_000, 0), 0);
    append_with_rights(&site.conn, &site.author, now(), &[], &more).unwrap();
    site.sell(&[("A", 2)]);
    hub.take_all(&site);
    assert_eq!(held(&hub.conn), before);
    let (location, sku) = pair("S001");
    let figures = stock::of(&hub.conn, &location, &sku).unwrap().unwrap();
    assert_eq!(figures.sellable_or_staged(), -3_000, "its sales count");
    assert!(seals::awaits_count(&hub.conn, &location, &sku).unwrap());
    fingerprint(&hub.conn);
}

#[test]
fn a_successor_derives_the_same_figures_from_what_it_is_given() {
    let hub = Hub::new();
    let mut site = store(&hub);
    let document = promise(&hub);
    feed_to(&site, &hub);
    site.sell(&[("A", 2), ("B", 1)]);
    hub.take_all(&site);
    seal(&hub, site.author.replica);
    let step = || feed::succeed(&hub.conn, &hub.author, &s001(), 2).unwrap();
    assert_eq!(
        step(),
        Succession::Rests,
        "nobody is there to take the place"
    );

    let successor = Site::new("S001", 2);
    hub.take_all(&successor);
    assert_eq!(feed::due(&hub.conn).unwrap(), [s001()]);
    let mut steps = 0;
    while step() == Succession::Returning {
        steps += 1;
        let named = minters::of(&hub.conn, &s001()).unwrap();
        assert_eq!(
            named,
            Some(site.author.replica),
            "only when all is given back"
        );
    }
    assert!(steps > 1);
    assert_eq!(feed::due(&hub.conn).unwrap(), []);
    feed_to(&successor, &hub);
    let (location, sku) = pair("S001");
    for conn in [&hub.conn, &successor.conn] {
        let minter = minters::of(conn, &location).unwrap();
        assert_eq!(minter, Some(successor.author.replica));
        assert_eq!(held(conn), held(&hub.conn));
        let live = promises::live(conn, &location, &sku).unwrap();
        assert_eq!(live, 2_000);
        let figures = |conn, sku: &str| stock::of(conn, &location, &sku.parse().unwrap()).unwrap();
        assert_eq!(figures(conn, "A"), figures(&hub.conn, "A"));
        assert_eq!(figures(conn, "B"), figures(&hub.conn, "B"));
        let order = orders::load(conn, &document).unwrap();
        assert_eq!(order, orders::load(&hub.conn, &document).unwrap());
        fingerprint(conn);
    }
    // What turns up of the lost journal later follows to the successor.
    site.sell(&[("A", 1)]);
    hub.take_all(&site);
    while step() == Succession::Returning {}
    feed_to(&successor, &hub);
    let figures = |conn| stock::of(conn, &location, &sku).unwrap();
    assert_eq!(figures(&successor.conn), figures(&hub.conn));
    assert_eq!(held(&successor.conn), held(&hub.conn));
    fingerprint(&successor.conn);
}

/// A machine that was set back: it goes on with the beginning of its journal,
/// under a new name, and the hub gives the former journal back.
fn renewed(hub: &Hub, site: &mut Site) {
    let former = site.author.clone();
    let beginning = Beginning {
        node: former.node,
        location: former.location.clone(),
        replica: ReplicaId(0x77),
        renew: true,
        actor: ActorId([0x77; 16]),
        now: now(),
    };
    seal(hub, former.replica);
    site.author = journal::start(&site.conn, &beginning).unwrap();
    hub.take_all(site);
    while feed::succeed(&hub.conn, &hub.author, &s001(), 2).unwrap() == Succession::Returning {}
    feed_to(site, hub);
}

/// Regression: what a restored machine had kept of its former journal came again
/// with what the hub gave back, and a count that had not seen it took it off
/// twice.
#[test]
fn a_count_takes_off_once_what_a_restored_machine_has_twice() {
    let hub = Hub::new();
    let mut site = store(&hub);
    let former = site.author.replica;
    let (location, sku) = pair("S001");
    let line = CountLine {
        sku: sku.clone(),
        unit: Unit::Each,
        counted: Quantity::ONE,
        lot: None,
    };
    let request = CountRequest {
        location,
        requested_at: now(),
        by: None,
        reference: None,
        lines: vec![line],
        // All but the sale of one.
        seen: vec![(former, 2)],
    };
    let before = counts::expected(&site.conn, &request).unwrap();
    assert_eq!(before, [((sku, None), 0)].into());
    renewed(&hub, &mut site);
    assert_eq!(counts::expected(&site.conn, &request).unwrap(), before);
}

/// Regression: a successor reads the history of its location in few pages, in
/// which what the hub wrote waits for what the lost machine wrote. With a limit
/// on what may follow in one page some of it waited for ever, and promises that
/// it said were not seen by who minted.
#[test]
fn a_long_history_is_whole_when_its_last_page_is_read() {
    let hub = Hub::new();
    let site = store(&hub);
    let document = promise(&hub);
    feed_to(&site, &hub);
    for round in 0..40 {
        withdraws_a_bit(&site, &document);
        hub.take_all(&site);
        tells_the_customer(&hub, &document, round);
        feed_to(&site, &hub);
    }
    seal(&hub, site.author.replica);
    let successor = Site::new("S001", 2);
    hub.take_all(&successor);
    while feed::succeed(&hub.conn, &hub.author, &s001(), 500).unwrap() == Succession::Returning {}
    let page = feed::read(&hub.conn, hub.author.replica, &s001(), 0, 500, 1 << 30);
    let committed = feed::commit(&successor.conn, &s001(), &page.unwrap().unwrap(), now());
    let committed = committed.unwrap().unwrap();
    assert!(committed.parked > 20, "{committed:?}");
    assert_eq!(committed.released, committed.parked);
    let order = orders::load(&successor.conn, &document).unwrap();
    assert_eq!(order, orders::load(&hub.conn, &document).unwrap());
}

fn withdraws_a_bit(site: &Site, document: &DocumentId) {
    let order = orders::load(&site.conn, document).unwrap().unwrap();
    let withdrawn = OrderBody::Withdrawn(Withdrawn {
        promise: *order.promises.keys().next().unwrap(),
        quantity: Quantity::from_thousandths(1).unwrap(),
        location: s001(),
        cause: EndCause::Cancelled,
    });
    extend((&site.conn, &site.author), document, withdrawn);
}

fn tells_the_customer(hub: &Hub, document: &DocumentId, round: u32) {
    let told = OrderBody::Effect(Effect {
        obligation: format!("notify:{round}"),
        amount: None,
        reference: None,
    });
    let seq = extend((&hub.conn, &hub.author), document, told);
    feed::publish(&hub.conn, &hub.author, seq).unwrap();
}

fn extend((conn, author): (&Connection, &Author), document: &DocumentId, body: OrderBody) -> Seq {
    let order = orders::load(conn, document).unwrap().unwrap();
    let events = order.events(now(), None, [body]);
    let writes = [Write::ExtendWith(*document, events)];
    append(conn, author, now(), &writes).unwrap().at.seq
}

#[test]
fn no_store_seals_another() {
    let hub = Hub::new();
    let site = store(&hub);
    let mut forger = Forger::new("S001", 3);
    let event = Event::ReplicaSealed(seal_of(&hub, site.author.replica));
    forger.open(&[event]);
    hub.take(&forger.peer, &forger.frame()).unwrap();
    assert_eq!(hub.case().reason, "only the hub seals a replica");
    assert_eq!(seals::of(&hub.conn, site.author.replica).unwrap(), None);
}
