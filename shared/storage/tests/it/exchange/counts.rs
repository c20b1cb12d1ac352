//! Counts: what the records said when somebody counted.

use std::collections::BTreeMap;

use evertill_domain::count::{CountLine, CountRequest};
use evertill_domain::{Event, Quantity, ReplicaId, Unit};
use evertill_storage::counts::{self, due};
use evertill_storage::feed;
use evertill_storage::journal::{self, Write};

use super::events::{posted, received};
use super::world::{Hub, Site};
use crate::ledger::world::now;

fn request(skus: &[&str], seen: Vec<(ReplicaId, u64)>) -> CountRequest {
    let line = |sku: &&str| CountLine {
        sku: sku.parse().unwrap(),
        unit: Unit::Each,
        counted: Quantity::ONE,
        lot: None,
    };
    CountRequest {
        location: "S001".parse().unwrap(),
        requested_at: now(),
        by: None,
        reference: None,
        lines: skus.iter().map(line).collect(),
        seen,
    }
}

fn expected(site: &Site, request: &CountRequest) -> BTreeMap<String, i64> {
    let found = counts::expected(&site.conn, request).unwrap();
    found
        .into_iter()
        .map(|((sku, _), figure)| (sku.to_string(), figure))
        .collect()
}

#[test]
fn what_is_expected_is_the_stock_at_the_entries_that_were_seen() {
    let mut site = Site::new("S001", 1);
    let replica = site.author.replica;
    let receive = Write::Open(received("S001", "A", 10_000));
    journal::append(&site.conn, &site.author, now(), &[receive]).unwrap();
    // After each entry the stock of A, as the oracle.
    let mut stock = vec![0, 0, 10_000];
    for sale in 0..10 {
        site.sell(&[("A", sale % 3), ("B", 1)].map(|(sku, n)| (sku, n.max(1))));
        stock.push(stock.last().unwrap() - (sale % 3).max(1) * 1_000);
    }
    for (seq, stock) in stock.iter().enumerate() {
        let request = request(&["A", "NEVER"], vec![(replica, seq as u64)]);
        let found = expected(&site, &request);
        assert_eq!(
            found,
            [("A".to_owned(), *stock), ("NEVER".to_owned(), 0)].into(),
            "{seq}"
        );
    }
    let nothing_seen = expected(&site, &request(&["A"], Vec::new()));
    assert_eq!(nothing_seen["A"], 0);
}

#[test]
fn a_feed_counts_by_the_entry_that_its_item_was_made_of() {
    let hub = Hub::new();
    let mut marks = Vec::new();
    for _ in 0..3 {
        let post = Write::Open(received("S001", "A", 5_000));
        let at = journal::append(&hub.conn, &hub.author, now(), &[post])
            .unwrap()
            .at
            .seq;
        feed::publish(&hub.conn, &hub.author, at).unwrap();
        marks.push(at);
    }
    let mut site = Site::new("S001", 1);
    let to = "S001".parse().unwrap();
    let page = feed::read(&hub.conn, hub.author.replica, &to, 0, 500, 1 << 30)
        .unwrap()
        .unwrap();
    feed::commit(&site.conn, &to, &page, now())
        .unwrap()
        .unwrap();
    site.sell(&[("A", 2)]);
    let own = site.author.replica;
    let hub = hub.author.replica;
    for (seen, stock) in [
        (vec![], 0),
        (vec![(hub, marks[0])], 5_000),
        (vec![(hub, marks[2])], 15_000),
    ] {
        assert_eq!(expected(&site, &request(&["A"], seen))["A"], stock);
    }
    let mut both = vec![(own, 2), (hub, marks[1])];
    both.sort_unstable();
    assert_eq!(expected(&site, &request(&["A"], both))["A"], 8_000);
}

#[test]
fn a_count_is_due_until_it_is_posted() {
    let mut site = Site::new("S001", 1);
    site.sell(&[("A", 2)]);
    let asked = request(&["A"], vec![(site.author.replica, 2)]);
    let open = Write::Open(Event::CountRequested(asked.clone()));
    let opened = journal::append(&site.conn, &site.author, now(), &[open]).unwrap();
    site.sell(&[("A", 5)]);
    let location = site.author.location.clone();
    let found = due(&site.conn, &location, 10).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].document, &found[0].request),
        (opened.documents[0], &asked)
    );
    assert_eq!(
        found[0].expected,
        [(("A".parse().unwrap(), None), -2_000)].into()
    );
    let post = Write::Extend(found[0].document, posted("S001", "A", 1, -2));
    journal::append(&site.conn, &site.author, now(), &[post]).unwrap();
    assert!(due(&site.conn, &location, 10).unwrap().is_empty());
}
