//! A replica that is lost: what its seal fixes, and who takes its place.

use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{Event, LocationId, ReplicaId};
use evertill_storage::feed::{self, Succession};
use evertill_storage::journal::{self, Write, append, append_with_rights};
use evertill_storage::projection::{minters, orders, promises, seals, stock};

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
