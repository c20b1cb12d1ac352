//! Stock files: opening stock, corrections, counts, and what stays as it is.

use std::path::Path;

use evertill_domain::{Event, LocationId, NodeId, Quantity, ReplicaId, Sku, event};
use evertill_hub::imports::{ImportOptions, RejectFile, import_stock};
use evertill_hub::state::Hub;
use evertill_storage::enrolments::{Certificate, record_certificate};
use evertill_storage::projection::stock;
use evertill_storage::{Store, StoreOptions, feed, imports, journal, rebuild, verify};
use tempfile::TempDir;

use super::*;

const STOCK: &str = "location,sku,quantity,unit_cost\n";

/// An open hub with three products.
struct Chain {
    hub: evertill_hub::state::Hub,
    dir: TempDir,
}

impl Chain {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let hub = open(dir.path());
        let rows = "A,,Milk,DAIRY,,1.61,,USD,zero,each\n\
                    B,,Tea,GROCERY,,2.50,,USD,zero,each\n\
                    F,,Fuel,FUEL,,3.10,,USD,zero,gal\n";
        let mut options = ImportOptions {
            dry_run: false,
            reject_file: RejectFile::for_upload("products", dir.path()),
            progress: &mut |_| {},
        };
        let text = format!("{HEADER}{rows}");
        let done = import_products(hub.reference(), text.as_bytes(), &mut options).unwrap();
        assert_eq!(done.rejected, 0, "{done:?}");
        Self { hub, dir }
    }

    fn run(&self, rows: &str, dry_run: bool) -> Summary {
        let mut options = ImportOptions {
            dry_run,
            reject_file: RejectFile::for_file(&self.dir.path().join("in.csv"), self.dir.path()),
            progress: &mut |_| {},
        };
        import_stock(&self.hub, format!("{STOCK}{rows}").as_bytes(), &mut options).unwrap()
    }

    fn import(&self, rows: &str) -> (u64, u64, u64, u64) {
        counts(&self.run(rows, false))
    }

    fn on_hand(&self, location: &str, sku: &str) -> i64 {
        let (location, sku): (LocationId, Sku) = (location.parse().unwrap(), sku.parse().unwrap());
        self.hub
            .store()
            .read_blocking(move |conn| stock::of(conn, &location, &sku))
            .unwrap()
            .map_or(0, |figures| figures.on_hand())
    }

    /// Gives a location a node that may connect at any moment.
    fn enrol(&self, location: &str) {
        let (location, now) = (location.parse().unwrap(), self.hub.now());
        self.hub
            .store()
            .write_blocking("enrol", move |tx| {
                record_certificate(
                    tx,
                    &Certificate {
                        fingerprint: [7; 32],
                        node: NodeId(7),
                        location,
                        issued_at: now,
                        expires_at: now,
                        revoked: None,
                    },
                )
            })
            .unwrap();
    }

    /// The events that the hub's own journal holds, in order.
    fn events(&self) -> Vec<Event> {
        let author = self.hub.author().unwrap();
        let entries = self
            .hub
            .store()
            .read_blocking(move |conn| {
                journal::entries_after(conn, author.replica, 0, 1_000, u64::MAX)
            })
            .unwrap();
        entries
            .iter()
            .flat_map(|sealed| &sealed.entry.parts)
            .flat_map(|part| evertill_documents::read(&part.change).unwrap())
            .map(|(_, bytes)| event::decode(&bytes).unwrap())
            .collect()
    }

    fn feed_items(&self, location: &str) -> u64 {
        let replica: ReplicaId = self.hub.author().unwrap().replica;
        let location: LocationId = location.parse().unwrap();
        self.hub
            .store()
            .read_blocking(move |conn| feed::head(conn, replica, &location))
            .unwrap()
            .seq
    }
}

fn open(dir: &Path) -> Hub {
    Hub::open(Store::open(dir, &StoreOptions::hub()).unwrap()).unwrap()
}

#[test]
fn without_a_node_the_hub_posts_opening_stock_and_later_the_difference() {
    let chain = Chain::new();
    assert_eq!(chain.import("S001,A,12,\nS001,F,1000.5,\n"), (2, 2, 0, 0));
    assert_eq!(chain.on_hand("S001", "A"), 12_000);
    assert_eq!(chain.on_hand("S001", "F"), 1_000_500);
    // More, less, the same, and none.
    assert_eq!(chain.import("S001,A,20,\n"), (1, 1, 0, 0));
    assert_eq!(chain.on_hand("S001", "A"), 20_000);
    assert_eq!(chain.import("S001,A,5,\nS001,B,0,\n"), (2, 1, 1, 0));
    assert_eq!(chain.on_hand("S001", "A"), 5_000);
    assert_eq!(
        chain.import("S001,A,5.000,\nS001,F,1000.5,\n"),
        (2, 0, 2, 0)
    );
    assert_eq!(chain.import("S001,A,0,\n"), (1, 1, 0, 0));
    assert_eq!(chain.on_hand("S001", "A"), 0);
    let reasons: Vec<String> = chain
        .events()
        .iter()
        .map(|event| match event {
            Event::Movements(record) => record.reason.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    let difference = "count_difference";
    assert_eq!(reasons, ["opening", difference, difference, difference]);
    assert_eq!(chain.feed_items("S001"), 4, "a later node gets all of it");
}

#[test]
fn with_a_node_the_first_row_opens_and_others_ask_for_a_count() {
    let chain = Chain::new();
    assert_eq!(chain.import("S001,A,12,\n"), (1, 1, 0, 0));
    chain.enrol("S001");
    let before = chain.feed_items("S001");
    assert_eq!(
        chain.import("S001,A,9,\nS001,B,4,\nS002,A,3,\n"),
        (3, 3, 0, 0)
    );
    // The count is the node's to post; the hub's own fold stands.
    assert_eq!(chain.on_hand("S001", "A"), 12_000);
    assert_eq!(chain.on_hand("S001", "B"), 4_000);
    assert_eq!(chain.on_hand("S002", "A"), 3_000);
    let requests: Vec<_> = chain
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::CountRequested(request) => Some(request),
            _ => None,
        })
        .collect();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.location.as_str(), "S001");
    assert_eq!(request.lines.len(), 1);
    assert_eq!(
        request.lines[0].counted,
        Quantity::from_thousandths(9_000).unwrap()
    );
    let replica = chain.hub.author().unwrap().replica;
    // The start, and the entry of the first file.
    assert_eq!(request.seen, [(replica, 2)]);
    assert_eq!(chain.feed_items("S001"), before + 1);
    assert_eq!(chain.feed_items("S002"), 1);
    // A count that agrees with what is known is not asked for.
    assert_eq!(chain.import("S001,A,12,\nS001,B,4,\n"), (2, 0, 2, 0));
}

/// Regression: after a machine was lost each product waits to be counted; a count
/// that agreed with the records was not asked for, and the product was never
/// promised again.
#[test]
fn a_product_that_waits_to_be_counted_is_asked_for_though_the_records_agree() {
    let chain = Chain::new();
    assert_eq!(chain.import("S001,A,12,\n"), (1, 1, 0, 0));
    chain.enrol("S001");
    let (author, now) = (chain.hub.author().unwrap(), chain.hub.now());
    let seal = evertill_domain::seal::ReplicaSeal {
        location: "S001".parse().unwrap(),
        replica: ReplicaId(0xdead),
        seq: 3,
        hash: [7; 32],
        sealed_at: now,
        reason: "fire".to_owned(),
        approvers: vec!["ada".to_owned(), "grace".to_owned()],
        recount: true,
    };
    chain
        .hub
        .store()
        .write_blocking("seal", move |tx| {
            let event = journal::Write::Open(Event::ReplicaSealed(seal));
            journal::append(tx, &author, now, &[event])
        })
        .unwrap();
    assert_eq!(chain.import("S001,A,12.000,\nS001,B,4,\n"), (2, 2, 0, 0));
    let mut events = chain.events().into_iter();
    let asked = events.find_map(|event| match event {
        Event::CountRequested(request) => Some(request),
        _ => None,
    });
    // What has no record yet is counted too, and not opened by the hub.
    let skus: Vec<_> = asked.unwrap().lines.into_iter().map(|l| l.sku).collect();
    assert_eq!(skus, ["A", "B"].map(|sku| sku.parse().unwrap()));
}

#[test]
fn opening_stock_of_a_store_that_sold_already_stands_beside_its_sales() {
    let chain = Chain::new();
    chain.enrol("S001");
    let (author, now) = (chain.hub.author().unwrap(), chain.hub.now());
    // As if the store had sold three before anybody recorded what it had.
    let sold = evertill_domain::MovementRecord {
        location: "S001".parse().unwrap(),
        reason: evertill_domain::MovementReason::WriteOff,
        at: now,
        business_date: "2026-07-01".parse().unwrap(),
        by: None,
        reference: None,
        lines: vec![evertill_domain::Movement {
            sku: "A".parse().unwrap(),
            from: evertill_domain::Bucket::Sellable,
            to: evertill_domain::Bucket::Shrinkage,
            quantity: Quantity::from_thousandths(3_000).unwrap(),
            lot: None,
            owner: None,
        }],
    };
    chain
        .hub
        .store()
        .write_blocking("sold", move |tx| {
            let event = journal::Write::Open(Event::Movements(sold));
            journal::append(tx, &author, now, &[event])
        })
        .unwrap();
    assert_eq!(chain.import("S001,A,10,\n"), (1, 1, 0, 0));
    assert_eq!(chain.on_hand("S001", "A"), 7_000);
}

#[test]
fn the_same_file_changes_nothing_however_stock_moved_since() {
    let chain = Chain::new();
    let rows = "S001,A,12,0.90\nS001,nope,1,\n";
    assert_eq!(chain.import(rows), (2, 1, 0, 1));
    assert_eq!(chain.import("S001,A,3,\n"), (1, 1, 0, 0));
    let events = chain.events().len();
    assert_eq!(chain.import(rows), (2, 0, 1, 1));
    assert_eq!(chain.on_hand("S001", "A"), 3_000);
    assert_eq!(chain.events().len(), events);
    // The row that was refused stays refused, although its product is there now.
    let text = format!("{HEADER}nope,,Late,,,,,USD,zero,each\n");
    let mut options = ImportOptions {
        dry_run: false,
        reject_file: RejectFile::for_upload("products", chain.dir.path()),
        progress: &mut |_| {},
    };
    import_products(chain.hub.reference(), text.as_bytes(), &mut options).unwrap();
    let again = chain.run(rows, false);
    assert_eq!(counts(&again), (2, 0, 1, 1));
    assert!(
        reasons(&again)[0].contains("from the reject file"),
        "{again:?}"
    );
    assert_eq!(chain.on_hand("S001", "nope"), 0);
    let rejects = std::fs::read_to_string(again.reject_file.unwrap()).unwrap();
    let rejected = rejects.strip_prefix("location,sku,quantity,unit_cost,line,reason\n");
    let row = rejected.unwrap().replace('\n', "");
    assert!(row.starts_with("S001,nope,1,,3,"), "{row}");
}

#[test]
fn each_wrong_field_is_named_with_what_to_do() {
    let chain = Chain::new();
    let long = format!("S001,A,{},\n", "9".repeat(30));
    for (rows, words) in [
        (",A,1,\n", "2: location: it is empty"),
        ("s001,A,1,\n", "use 1 to 16 capital letters"),
        ("HUB,A,1,\n", "HUB is the hub itself"),
        ("S001,,1,\n", "2: sku: it is empty"),
        ("S001,Z,1,\n", "no product has this SKU"),
        ("S001,A,,\n", "2: quantity: it is empty"),
        ("S001,A,-1,\n", "below zero"),
        ("S001,A,1.5,\n", "2: quantity:"),
        ("S001,F,1.0005,\n", "2: quantity:"),
        ("S001,A,lots,\n", "2: quantity:"),
        (&long, "2: quantity:"),
        ("S001,A,1,x\n", "2: unit_cost:"),
        ("S001,A,1,-1\n", "2: unit_cost: -1 is below zero"),
        ("S001,A,1\n", "the row has 3 fields"),
    ] {
        let summary = chain.run(rows, false);
        assert_eq!(
            (summary.rows, summary.rejected),
            (1, 1),
            "{rows}: {summary:?}"
        );
        assert!(reasons(&summary)[0].contains(words), "{rows}: {summary:?}");
    }
    let twice = chain.run("S001,A,1,\nS002,A,1,\nS001,A,2,\n", false);
    assert_eq!(counts(&twice), (3, 2, 0, 1));
    assert!(
        reasons(&twice)[0].contains("line 2 has it already"),
        "{twice:?}"
    );
    // Both things that are wrong with a row are said at once.
    let both = chain.run("S001,Z,-1,x\n", false);
    assert!(reasons(&both)[0].contains("sku:"), "{both:?}");
    assert!(reasons(&both)[0].contains("unit_cost:"), "{both:?}");
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let chain = Chain::new();
    let rows = "S001,A,12,0.90\nS001,Z,1,\n";
    let dry = chain.run(rows, true);
    assert_eq!(counts(&dry), (2, 1, 0, 1));
    assert_eq!(dry.reject_file, None);
    assert_eq!(chain.on_hand("S001", "A"), 0);
    assert_eq!(chain.events(), []);
    assert_eq!(counts(&chain.run(rows, false)), counts(&dry));
}

#[test]
fn costs_are_kept_and_what_was_posted_verifies_and_rebuilds_the_same() {
    let chain = Chain::new();
    let mut rows = String::new();
    for number in 0..1_300 {
        writeln!(rows, "W{:02},A,{number},0.{:02}", number, number % 100).unwrap();
    }
    assert_eq!(chain.import(&rows), (1_300, 1_299, 1, 0));
    let (cost, fingerprints, verified) = chain
        .hub
        .store()
        .write_blocking("look", |tx| {
            let (location, sku) = ("W42".parse().unwrap(), "A".parse().unwrap());
            let cost = imports::cost(tx, &location, &sku)?;
            let before = rebuild::fingerprint(tx)?;
            rebuild::rebuild(tx)?;
            let verified = verify::verify(tx).map_err(|error| error.to_string());
            Ok::<_, evertill_storage::TableError>((
                cost,
                (before, rebuild::fingerprint(tx)?),
                verified,
            ))
        })
        .unwrap();
    assert_eq!(cost.unwrap().to_decimal_string(), "0.42");
    assert_eq!(fingerprints.0, fingerprints.1);
    assert!(verified.is_ok(), "{verified:?}");
}

/// A location with more rows than a document holds.
#[test]
fn documents_have_at_most_five_hundred_lines() {
    let chain = Chain::new();
    let mut products = HEADER.to_owned();
    let mut rows = String::new();
    for number in 0..1_201 {
        writeln!(products, "P{number},,Product {number},,,,,USD,zero,each").unwrap();
        writeln!(rows, "S001,P{number},{},", number + 1).unwrap();
    }
    let mut options = ImportOptions {
        dry_run: false,
        reject_file: RejectFile::for_upload("products", chain.dir.path()),
        progress: &mut |_| {},
    };
    import_products(chain.hub.reference(), products.as_bytes(), &mut options).unwrap();
    assert_eq!(chain.import(&rows), (1_201, 1_201, 0, 0));
    let lines: Vec<usize> = chain
        .events()
        .iter()
        .map(|event| match event {
            Event::Movements(record) => record.lines.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lines, [500, 500, 201]);
    assert_eq!(chain.on_hand("S001", "P1200"), 1_201_000);
}
