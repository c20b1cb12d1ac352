//! Feeds: what the hub publishes, and what a node makes of it.

use evertill_documents::create;
use evertill_domain::{Event, LocationId, event};
use evertill_journal::{EntryHash, Watermark};
use evertill_storage::feed::{self, Item, Page};
use evertill_storage::ingest::{IngestError, Refusal, RefusalRule};
use evertill_storage::journal::{self, Appended, Write};
use evertill_storage::projection::{documents, stock};
use evertill_storage::quarantine::{self, CaseKind, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::verify;

use super::events::{posted, received, request};
use super::world::{Forger, Hub, Site, count, fingerprint};
use crate::ledger::world::now;

fn location(id: &str) -> LocationId {
    id.parse().unwrap()
}

/// Appends at the hub and feeds it, as a service of the hub does.
fn publish(hub: &Hub, writes: &[Write]) -> Appended {
    let appended = journal::append(&hub.conn, &hub.author, now(), writes).unwrap();
    feed::publish(&hub.conn, &hub.author, appended.at.seq).unwrap();
    appended
}

fn open(event: Event) -> Write {
    Write::Open(event)
}

/// The whole feed for a location.
fn page(hub: &Hub, to: &str) -> Page {
    page_after(hub, to, 0)
}

fn page_after(hub: &Hub, to: &str, after: u64) -> Page {
    let found = feed::read(
        &hub.conn,
        hub.author.replica,
        &location(to),
        after,
        500,
        1 << 30,
    );
    found.unwrap().unwrap()
}

fn commit(conn: &Connection, to: &str, page: &Page) -> Result<feed::Committed, IngestError> {
    feed::commit(conn, &location(to), page, now()).unwrap()
}

fn refused(conn: &Connection, to: &str, page: &Page) -> Refusal {
    match commit(conn, to, page) {
        Err(IngestError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn on_hand(conn: &Connection, at: &str, sku: &str) -> Option<i64> {
    let figures = stock::of(conn, &location(at), &sku.parse().unwrap()).unwrap();
    figures.map(|figures| figures.on_hand())
}

#[test]
fn what_the_hub_posts_for_a_store_is_in_its_feed_alone_and_applies_there() {
    let hub = Hub::new();
    publish(
        &hub,
        &[
            open(received("S001", "A", 5_000)),
            open(received("S002", "A", 7_000)),
            open(request("S001", "B", 3)),
        ],
    );
    publish(&hub, &[open(received("HUB", "A", 1_000))]);
    let heads = feed::heads(&hub.conn, hub.author.replica).unwrap();
    let named: Vec<_> = heads
        .iter()
        .map(|(to, head)| (to.as_str(), head.seq))
        .collect();
    assert_eq!(named, [("S001", 1), ("S002", 1)]);

    let site = Site::new("S001", 1);
    let committed = commit(&site.conn, "S001", &page(&hub, "S001")).unwrap();
    assert_eq!((committed.applied, committed.parked), (1, 0));
    assert_eq!(committed.at, heads[0].1);
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(5_000));
    assert_eq!(on_hand(&site.conn, "S002", "A"), None);
    let at = feed::position(&site.conn, &location("S001")).unwrap();
    assert_eq!(at, Some((hub.author.replica, committed.at)));
    verify::verify(&site.conn).unwrap();
    verify::verify(&hub.conn).unwrap();
}

#[test]
fn a_page_that_comes_again_or_overlaps_changes_nothing() {
    let hub = Hub::new();
    for _ in 0..5 {
        publish(&hub, &[open(received("S001", "A", 1_000))]);
    }
    let site = Site::new("S001", 1);
    let replica = hub.author.replica;
    let first = feed::read(&hub.conn, replica, &location("S001"), 0, 3, 1 << 30);
    let first = first.unwrap().unwrap();
    assert_eq!((first.first_seq, first.items.len()), (1, 3));
    let small = feed::read(&hub.conn, replica, &location("S001"), 0, 500, 1)
        .unwrap()
        .unwrap();
    assert_eq!(
        small.items.len(),
        1,
        "at least one, however small the budget"
    );
    commit(&site.conn, "S001", &first).unwrap();
    let all = page(&hub, "S001");
    let committed = commit(&site.conn, "S001", &all).unwrap();
    assert_eq!((committed.duplicates, committed.applied), (3, 2));
    let before = fingerprint(&site.conn);
    // Each is acknowledged up to its own end, whatever is held by now.
    for (again, end) in [(&first, 3), (&all, 5), (&small, 1)] {
        let committed = commit(&site.conn, "S001", again).unwrap();
        assert_eq!((committed.applied, committed.at.seq), (0, end));
        assert_eq!(committed.at.hash, again.head);
    }
    assert_eq!(fingerprint(&site.conn), before);
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(5_000));
    assert!(
        feed::read(&hub.conn, replica, &location("S001"), 5, 500, 1 << 30)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_count_goes_down_by_feed_and_its_posting_comes_up_by_journal() {
    let hub = Hub::new();
    let asked = publish(&hub, &[open(request("S001", "A", 5))]);
    let site = Site::new("S001", 1);
    commit(&site.conn, "S001", &page(&hub, "S001")).unwrap();
    let post = Write::Extend(asked.documents[0], posted("S001", "A", 5, 2));
    journal::append(&site.conn, &site.author, now(), &[post]).unwrap();
    hub.take_all(&site);
    assert!(hub.cases().is_empty(), "{:?}", hub.cases());
    for conn in [&hub.conn, &site.conn] {
        assert_eq!(on_hand(conn, "S001", "A"), Some(3_000));
        let document = documents::load(conn, &asked.documents[0]).unwrap().unwrap();
        assert_eq!(document.events().len(), 2);
    }
}

#[test]
fn a_document_that_comes_late_to_a_feed_comes_whole() {
    let hub = Hub::new();
    // Appended without feeding: the document is at the hub alone.
    let asked = journal::append(
        &hub.conn,
        &hub.author,
        now(),
        &[open(request("S001", "A", 5))],
    );
    let document = asked.unwrap().documents[0];
    let site = Site::new("S001", 1);
    publish(&hub, &[Write::Extend(document, posted("S001", "A", 5, 1))]);
    let page = page(&hub, "S001");
    assert_eq!(page.items.len(), 2);
    let committed = commit(&site.conn, "S001", &page).unwrap();
    assert_eq!((committed.applied, committed.parked), (2, 0));
    let loaded = documents::load(&site.conn, &document).unwrap().unwrap();
    assert_eq!(loaded.events().len(), 2);
}

#[test]
fn acknowledgements_are_kept_for_each_reader() {
    let hub = Hub::new();
    publish(&hub, &[open(received("S001", "A", 1_000))]);
    let site = Site::new("S001", 1);
    let replica = hub.author.replica;
    let to = location("S001");
    let head = feed::head(&hub.conn, replica, &to).unwrap();
    for at in [Watermark::nothing(replica), head] {
        feed::acknowledge(&hub.conn, replica, &to, site.author.node, &at, now()).unwrap();
    }
    let readers = feed::readers(&hub.conn, replica).unwrap();
    assert_eq!(readers.len(), 1);
    assert_eq!((readers[0].node, readers[0].at), (site.author.node, head));
    assert_eq!(
        feed::hash_at(&hub.conn, replica, &to, 1).unwrap(),
        Some(head.hash)
    );
    assert_eq!(
        feed::hash_at(&hub.conn, replica, &to, 0).unwrap(),
        Some(EntryHash::genesis(replica))
    );
    assert_eq!(feed::hash_at(&hub.conn, replica, &to, 2).unwrap(), None);
}

#[test]
fn altered_reordered_and_foreign_pages_stop_the_feed() {
    let hub = Hub::new();
    for quantity in 1..=3 {
        publish(&hub, &[open(received("S001", "A", quantity * 1_000))]);
        publish(&hub, &[open(received("S002", "A", quantity * 1_000))]);
    }
    let good = page(&hub, "S001");
    let mut altered = good.clone();
    altered.items[1][20] ^= 1;
    let mut reordered = good.clone();
    reordered.items.swap(0, 1);
    let elsewhere = page(&hub, "S002");
    for bad in [altered, reordered, elsewhere] {
        let site = Site::new("S001", 1);
        let one = feed::read(
            &hub.conn,
            hub.author.replica,
            &location("S001"),
            0,
            1,
            1 << 30,
        );
        commit(&site.conn, "S001", &one.unwrap().unwrap()).unwrap();
        assert_eq!(refused(&site.conn, "S001", &bad).rule, RefusalRule::Chain);
        assert_eq!(on_hand(&site.conn, "S001", "A"), Some(1_000));
        assert_eq!(
            refused(&site.conn, "S001", &good).rule,
            RefusalRule::Stopped
        );
        let cases = quarantine::page(&site.conn, None, None, 10).unwrap();
        assert_eq!((cases.len(), cases[0].kind), (1, CaseKind::Feed));
        quarantine::retry(&site.conn, cases[0].id, "kim", now()).unwrap();
        commit(&site.conn, "S001", &good).unwrap();
        assert_eq!(on_hand(&site.conn, "S001", "A"), Some(6_000));
    }
}

#[test]
fn a_gap_and_an_impossible_page_are_refused_without_stopping_the_feed() {
    let hub = Hub::new();
    for _ in 0..4 {
        publish(&hub, &[open(received("S001", "A", 1_000))]);
    }
    let site = Site::new("S001", 1);
    let gap = page_after(&hub, "S001", 2);
    let empty = Page {
        items: Vec::new(),
        ..gap.clone()
    };
    let zero = Page {
        first_seq: 0,
        ..gap.clone()
    };
    let endless = Page {
        first_seq: u64::MAX,
        ..gap.clone()
    };
    for bad in [gap, empty, zero, endless] {
        assert_eq!(refused(&site.conn, "S001", &bad).rule, RefusalRule::Frame);
    }
    commit(&site.conn, "S001", &page(&hub, "S001")).unwrap();
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(4_000));
}

/// A page of these items after what a feed holds.
fn forged(hub: &Hub, to: &str, items: Vec<Vec<u8>>) -> Page {
    let at = feed::head(&hub.conn, hub.author.replica, &location(to)).unwrap();
    let first_seq = at.seq + 1;
    let mut head = at.hash;
    for (seq, bytes) in (first_seq..).zip(&items) {
        head = feed::item_hash(&head, &location(to), seq, bytes);
    }
    Page {
        hub: hub.author.replica,
        first_seq,
        items,
        head,
    }
}

#[test]
fn items_that_cannot_be_understood_are_parked_and_the_feed_goes_on() {
    let hub = Hub::new();
    let site = Site::new("S001", 1);
    let mut forger = Forger::new("HUB", 9);
    let item = |forger: &Forger, part: evertill_journal::Part| Item {
        origin: forger.replica,
        seq: forger.next(),
        actor: forger.actor,
        hlc: forger.hlc,
        location: forger.peer.location.clone(),
        reissue: None,
        parts: vec![feed::ItemPart {
            part,
            n_end: u32::MAX,
        }],
        cells: Vec::new(),
        minter: None,
        requests: Vec::new(),
        returned: false,
    };
    let mut opens = |event: Vec<u8>| {
        let part = create(&forger.actor, forger.next(), 0, &[event]);
        let item = item(&forger, part.clone());
        forger.push(None, vec![part]);
        item
    };
    let elsewhere = opens(event::encode(&received("S002", "A", 1_000)));
    let noise = opens(b"noise".to_vec());
    let mut own_actor = opens(event::encode(&received("S001", "A", 1_000)));
    own_actor.actor = site.author.actor;
    let good = opens(event::encode(&received("S001", "A", 2_000)));
    let items = [
        b"no item".to_vec(),
        elsewhere.encode(),
        noise.encode(),
        own_actor.encode(),
        good.encode(),
    ];
    let committed = commit(&site.conn, "S001", &forged(&hub, "S001", items.into())).unwrap();
    assert_eq!(
        (committed.applied, committed.parked, committed.at.seq),
        (1, 4, 5)
    );
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(2_000));
    let cases = quarantine::page(&site.conn, Some(CaseState::Open), None, 10).unwrap();
    let rules: Vec<_> = cases
        .iter()
        .map(|case| (case.kind, case.seq, case.rule.as_str()))
        .collect();
    assert_eq!(
        rules,
        [
            (CaseKind::FeedItem, 1, "item"),
            (CaseKind::FeedItem, 2, "location"),
            (CaseKind::FeedItem, 3, "gate.business"),
            (CaseKind::FeedItem, 4, "start"),
        ]
    );
    for case in cases {
        let retried = quarantine::retry(&site.conn, case.id, "kim", now()).unwrap();
        assert!(retried.still.is_some());
    }
    verify::verify(&site.conn).unwrap();
}

#[test]
fn an_item_that_came_before_its_document_follows_it() {
    let hub = Hub::new();
    let opened = publish(&hub, &[open(request("S001", "A", 5))]);
    publish(
        &hub,
        &[Write::Extend(
            opened.documents[0],
            posted("S001", "A", 5, 1),
        )],
    );
    let items = page(&hub, "S001").items;
    let other = Hub::new();
    let site = Site::new("S001", 1);
    let swapped = vec![items[1].clone(), items[0].clone()];
    let committed = commit(&site.conn, "S001", &forged(&other, "S001", swapped)).unwrap();
    assert_eq!(
        (committed.applied, committed.parked, committed.released),
        (1, 1, 1)
    );
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(4_000));
    assert_eq!(count(&site.conn, "document_change"), 1);
}

#[test]
fn a_hub_cannot_say_something_else_of_an_entry_that_is_held() {
    let hub = Hub::new();
    let mut site = Site::new("S001", 1);
    let sold = site.sell(&[("A", 1)]);
    let item = |origin, seq, actor: evertill_domain::ActorId, n| Item {
        origin,
        seq,
        actor,
        hlc: evertill_domain::Hlc::at(now()),
        location: location("S001"),
        reissue: None,
        parts: vec![feed::ItemPart {
            part: create(
                &actor,
                seq,
                n,
                &[event::encode(&received("S001", "A", 1_000))],
            ),
            n_end: u32::MAX,
        }],
        cells: Vec::new(),
        minter: None,
        requests: Vec::new(),
        returned: false,
    };
    let own = &site.author;
    let (one, two) = (Forger::new("HUB", 8), Forger::new("HUB", 9));
    let items = [
        // A part of an own entry that has none of this number, and an own entry
        // that there is not.
        item(own.replica, sold.at.seq, own.actor, 7),
        item(own.replica, 99, own.actor, 0),
        // The first item about an entry, and a second one that contradicts it.
        item(one.replica, 5, one.actor, 0),
        item(one.replica, 5, two.actor, 0),
    ];
    let items = items.map(|item| item.encode()).into();
    let committed = commit(&site.conn, "S001", &forged(&hub, "S001", items)).unwrap();
    assert_eq!((committed.applied, committed.parked), (1, 3));
    let cases = quarantine::page(&site.conn, None, None, 10).unwrap();
    assert!(cases.iter().all(|case| case.rule == "origin"), "{cases:?}");
    assert_eq!(on_hand(&site.conn, "S001", "A"), Some(0));
    fingerprint(&site.conn);
}
