//! Random histories of a store and of a stranger beside it, compared with sums
//! made here by hand, at the store, at the hub, and after a rebuild of both.

use std::collections::BTreeMap;

use evertill_domain::receipt::{Receipt, ReceiptKind};
use evertill_domain::void::decide_void;
use evertill_domain::{Bucket, DocumentId, Event, ReceiptNumber};
use evertill_storage::journal::{self, Write};
use evertill_storage::projection::{counts, days, receipts, registers, stock};
use evertill_storage::rusqlite::{Connection, params};
use evertill_storage::{TableError, ingest, rebuild};
use proptest::prelude::*;

use super::world::{beginning, now, sale};
use crate::exchange::events::{extend, posted, received, request};
use crate::exchange::world::{Forger, Hub, Site, fingerprint, frames};

const SKUS: [&str; 4] = ["A", "B", "C", "D"];

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Sell(BTreeMap<usize, i64>),
    /// Takes back a receipt whole, as a void.
    Void(usize),
    /// Takes back a receipt whole, as a return into the damaged bucket.
    Return(usize),
    Receive(usize, i64),
    AskCount(usize, i64),
    PostCount(usize, i64),
    Restart,
    /// The stranger writes something that nobody can take.
    Nonsense,
    /// The stranger sells honestly.
    StrangerSells(usize),
    /// A second stranger extends a document of the first.
    Extend,
}

fn step() -> impl Strategy<Value = Step> {
    let basket = prop::collection::btree_map(0..SKUS.len(), 1_i64..9, 1..4);
    prop_oneof![
        6 => basket.prop_map(Step::Sell),
        2 => (0..50_usize).prop_map(Step::Void),
        2 => (0..50_usize).prop_map(Step::Return),
        2 => (0..SKUS.len(), 1_i64..30).prop_map(|(sku, pieces)| Step::Receive(sku, pieces)),
        1 => (0..SKUS.len(), 0_i64..30).prop_map(|(sku, pieces)| Step::AskCount(sku, pieces)),
        1 => (0..50_usize, 0_i64..30).prop_map(|(count, pieces)| Step::PostCount(count, pieces)),
        1 => Just(Step::Restart),
        1 => Just(Step::Nonsense),
        1 => (0..SKUS.len()).prop_map(Step::StrangerSells),
        1 => Just(Step::Extend),
    ]
}

/// The store, the strangers, and what their figures have to be.
struct Story {
    site: Site,
    opener: Forger,
    extender: Forger,

    /// Receipts that have not been taken back.
    sold: Vec<Receipt>,
    counts: Vec<(DocumentId, usize)>,
    number: u64,
    life: u8,
    /// Pieces by SKU: sellable, damaged.
    sellable: [i64; SKUS.len()],
    damaged: [i64; SKUS.len()],
    gross: i64,
    returns: i64,
    receipts: i64,
    nonsense: usize,
}

impl Story {
    fn new() -> Self {
        Self {
            site: Site::new("S001", 1),
            opener: Forger::new("S002", 2),
            extender: Forger::new("S002", 3),

            sold: Vec::new(),
            counts: Vec::new(),
            number: 0,
            life: 10,
            sellable: [0; SKUS.len()],
            damaged: [0; SKUS.len()],
            gross: 0,
            returns: 0,
            receipts: 0,
            nonsense: 0,
        }
    }

    fn tell(&mut self, step: &Step) {
        match step {
            Step::Sell(basket) => self.sell(basket),
            Step::Void(which) => self.take_back(*which, Bucket::Sellable),
            Step::Return(which) => self.take_back(*which, Bucket::Damaged),
            Step::Receive(sku, pieces) => {
                self.sellable[*sku] += pieces;
                self.write(Write::Open(received("S001", SKUS[*sku], pieces * 1_000)));
            }
            Step::AskCount(sku, pieces) => {
                let id = self.write(Write::Open(request("S001", SKUS[*sku], *pieces)));
                self.counts.push((id, *sku));
            }
            Step::PostCount(which, pieces) => self.post_count(*which, *pieces),
            Step::Restart => {
                self.life += 1;
                let beginning = beginning("S001", 1, self.life);
                self.site.author = journal::start(&self.site.conn, &beginning).unwrap();
            }
            Step::Nonsense => {
                self.nonsense += 1;
                let elsewhere = received("S009", "A", 1_000);
                self.opener.open(&[elsewhere]);
            }
            Step::StrangerSells(sku) => {
                let number = self.opener.next();
                self.opener.sell(number, &[(SKUS[*sku], 1)]);
            }
            Step::Extend => {
                let opening = self.opener.open(&[request("S002", "A", 5)]);
                extend(&mut self.extender, &[&opening], &posted("S002", "A", 5, 4));
            }
        }
    }

    fn sell(&mut self, basket: &BTreeMap<usize, i64>) {
        let lines: Vec<_> = basket.iter().map(|(sku, n)| (SKUS[*sku], *n)).collect();
        self.number += 1;
        let receipt = sale(&self.site.author, "R1", self.number, &lines);
        for (sku, pieces) in basket {
            self.sellable[*sku] -= pieces;
        }
        self.gross += receipt.total().minor();
        self.receipts += 1;
        self.write(Write::Open(Event::Receipt(Box::new(receipt.clone()))));
        self.sold.push(receipt);
    }

    fn take_back(&mut self, which: usize, into: Bucket) {
        if self.sold.is_empty() {
            return;
        }
        let original = self.sold.remove(which % self.sold.len());
        self.number += 1;
        let number = ReceiptNumber {
            seq: self.number,
            ..original.number.clone()
        };
        let draft = decide_void(&original, &[], "a mistake", now(), original.business_date);
        let mut receipt = draft.unwrap().numbered(number);
        if into == Bucket::Damaged {
            receipt.kind = ReceiptKind::Return {
                original: original.number.clone(),
            };
            for line in &mut receipt.lines {
                line.bucket = Some(into);
            }
            receipt.check().unwrap();
        }
        for line in &original.lines {
            let sku = SKUS.iter().position(|sku| *sku == line.sku.as_str());
            let pieces = line.quantity.thousandths() / 1_000;
            if into == Bucket::Damaged {
                self.damaged[sku.unwrap()] += pieces;
            } else {
                self.sellable[sku.unwrap()] += pieces;
            }
        }
        self.returns += original.total().minor();
        self.receipts += 1;
        let expected = receipt.clone();
        self.write(Write::Open(Event::Receipt(Box::new(receipt))));
        let linked = receipts::linked(&self.site.conn, &original.number).unwrap();
        assert_eq!(linked.len(), 1);
        assert_eq!(linked[0].receipt, expected);
    }

    fn post_count(&mut self, which: usize, pieces: i64) {
        if self.counts.is_empty() {
            return;
        }
        let (document, sku) = self.counts.remove(which % self.counts.len());
        let event = posted("S001", SKUS[sku], pieces, self.sellable[sku]);
        self.sellable[sku] = pieces;
        self.write(Write::Extend(document, event));
    }

    fn write(&mut self, write: Write) -> DocumentId {
        let Site { conn, author, .. } = &self.site;
        let appended = journal::append(conn, author, now(), &[write]).unwrap();
        appended.documents[0]
    }

    /// Compares a database with what this story has counted.
    fn holds(&self, conn: &Connection) {
        let location = &self.site.author.location;
        for (at, sku) in SKUS.iter().enumerate() {
            let found = stock::of(conn, location, &sku.parse().unwrap()).unwrap();
            let found = found.unwrap_or_default();
            assert_eq!(
                found.bucket(Bucket::Sellable),
                self.sellable[at] * 1_000,
                "{sku}"
            );
            assert_eq!(
                found.bucket(Bucket::Damaged),
                self.damaged[at] * 1_000,
                "{sku}"
            );
        }
        let totals = days::totals(conn, location, "2026-07-01".parse().unwrap()).unwrap();
        let found = totals.first().map(|day| {
            let figures = &day.figures;
            (figures.gross, figures.returns, figures.receipts)
        });
        let expected = (self.receipts > 0).then_some((self.gross, self.returns, self.receipts));
        assert_eq!(found, expected);
        let tills = registers::of_location(conn, location).unwrap();
        let found = tills.first().map(|(_, _, till)| (till.sales, till.returns));
        assert_eq!(found, expected.map(|(gross, returns, _)| (gross, returns)));
        let open = counts::open(conn, location, 1_000).unwrap();
        let mut due: Vec<_> = self.counts.iter().map(|(id, _)| *id).collect();
        due.sort();
        assert_eq!(open, due);
        let listed = receipts::page(conn, Some(location), None, 1_000).unwrap();
        let numbers: Vec<_> = listed.iter().map(|(_, r)| r.receipt.number.seq).collect();
        assert_eq!(numbers, (1..=self.number).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_adds_up_at_the_store_and_at_the_hub_and_rebuilds_identically(
        steps in prop::collection::vec(step(), 1..40),
        size in 1_usize..12,
    ) {
        let mut story = Story::new();
        for step in &steps {
            story.tell(step);
        }
        story.holds(&story.site.conn);
        fingerprint(&story.site.conn);

        let hub = Hub::new();
        // The one who extends comes first, so all of it has to wait.
        for forger in [&story.extender, &story.opener] {
            for frame in frames(forger.replica, &forger.entries, size) {
                hub.take(&forger.peer, &frame).unwrap();
            }
        }
        for frame in story.site.frames(size) {
            hub.take(&story.site.peer(), &frame).unwrap();
        }
        story.holds(&hub.conn);
        prop_assert_eq!(hub.cases().len(), story.nonsense);
        fingerprint(&hub.conn);
    }
}

/// A hub whose stock of A is just below the end of its range, and of B just
/// below where sums are still added without a look at the table.
fn hub_at_the_edge() -> Hub {
    let hub = Hub::new();
    for (sku, held) in [("A", (1_i64 << 59) - 2_500_000_000), ("B", (1 << 58) - 1)] {
        let row =
            "INSERT INTO stock VALUES ('S001', ?1, '', '', ?2, 0, 0, 0, 0, 0, 0, -?2, 0, 0, 0, 0)";
        hub.conn.execute(row, params![sku, held]).unwrap();
    }
    hub
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn at_the_edge_of_the_range_grouping_does_not_decide_what_is_parked(
        steps in prop::collection::vec((any::<bool>(), any::<bool>()), 1..14),
        size in 1_usize..6,
        together in 1_usize..4,
    ) {
        let mut forger = Forger::new("S001", 1);
        for (sells, a) in steps {
            let sku = if a { "A" } else { "B" };
            if sells {
                let number = forger.next();
                forger.sell(number, &[(sku, 1_000_000)]);
            } else {
                forger.open(&[received("S001", sku, 1_000_000_000)]);
            }
        }
        let one_by_one = hub_at_the_edge();
        for frame in frames(forger.replica, &forger.entries, 1) {
            one_by_one.take(&forger.peer, &frame).unwrap();
        }
        let grouped = hub_at_the_edge();
        for group in frames(forger.replica, &forger.entries, size).chunks(together) {
            let group: Vec<_> = group.iter().map(|frame| (&forger.peer, frame)).collect();
            for taken in ingest::group(&grouped.conn, &group, now()).unwrap() {
                taken.unwrap();
            }
        }
        let parked = |hub: &Hub| hub.cases().iter().map(|case| case.seq).collect::<Vec<_>>();
        prop_assert_eq!(parked(&grouped), parked(&one_by_one));
        prop_assert_eq!(
            rebuild::fingerprint(&grouped.conn).unwrap(),
            rebuild::fingerprint(&one_by_one.conn).unwrap()
        );
    }
}

#[test]
fn a_local_entry_that_would_leave_the_range_is_refused_and_leaves_no_trace() {
    let story = Story::new();
    let Site { conn, author, .. } = &story.site;
    let row =
        "INSERT INTO stock VALUES ('S001', 'A', '', '', ?1, 0, 0, 0, 0, 0, 0, -?1, 0, 0, 0, 0)";
    conn.execute(row, [(1_i64 << 59) - 1]).unwrap();
    let before = rebuild::fingerprint(conn).unwrap();
    conn.execute_batch("SAVEPOINT command").unwrap();
    let write = Write::Open(received("S001", "A", 1_000));
    let refused = journal::append(conn, author, now(), &[write]);
    assert!(matches!(refused, Err(TableError::Overflow { .. })));
    conn.execute_batch("ROLLBACK TO command; RELEASE command")
        .unwrap();
    assert_eq!(rebuild::fingerprint(conn).unwrap(), before);
}
