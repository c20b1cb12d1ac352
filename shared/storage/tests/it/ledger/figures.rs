//! Figures for the budgets of selling and of ingest, printed; run with
//! `cargo test --release -p evertill-storage --test it ledger::figures -- --ignored --nocapture`.
//!
//! The baskets have the shape of a year of real ones: 9.4 lines on average,
//! half of them with at most 5, one in a hundred with about 57, and goods of
//! very different popularity, about 3,200 different ones in 500 baskets.

use std::time::{Duration, Instant};

use evertill_domain::{Event, LocationId};
use evertill_journal::{Compression, FRAME_ENTRIES, Frame, Watermark, pack};
use evertill_storage::ingest::{self, Peer};
use evertill_storage::journal::{self, Author, Write};
use evertill_storage::projection::receipts;
use evertill_storage::rebuild::rebuild;
use evertill_storage::{Store, StoreOptions};

use super::world::{beginning, database, now, sale, store};

/// Receipts of each store, unless `EVERTILL_FIGURES_RECEIPTS` says otherwise.
const RECEIPTS: u64 = 10_000;
const STORES: u8 = 3;
/// Products in the range.
const PRODUCTS: f64 = 30_000.0;

/// A small generator of its own, so that figures can be compared over time.
struct Dice(u64);

impl Dice {
    /// A number above 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "52 bits are kept")]
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small positive numbers"
    )]
    fn basket(&mut self) -> Vec<(String, i64)> {
        let lines = 1 + (7.5 * (-self.roll().ln()).powf(1.0 / 0.75) + 0.4) as usize;
        let line = |_| {
            let product = (PRODUCTS * self.roll().powf(3.4)) as u64;
            let pieces = 1 + i64::from(self.roll() > 0.8);
            (format!("{}", 800_000 + product * 37), pieces)
        };
        let mut basket: Vec<_> = (0..lines.min(160)).map(line).collect();
        basket.sort();
        basket.dedup_by(|a, b| a.0 == b.0);
        basket
    }

    fn sale(&mut self, author: &Author, seq: u64) -> Event {
        let basket = self.basket();
        let lines: Vec<_> = basket.iter().map(|(sku, n)| (sku.as_str(), *n)).collect();
        Event::Receipt(Box::new(sale(author, "R1", seq, &lines)))
    }
}

fn rate(what: &str, receipts: u64, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "printed with four digits")]
    let receipts = receipts as f64;
    let seconds = took.as_secs_f64();
    println!(
        "{what:<58} {:>9.0} receipts/s {:>8.1} us each",
        receipts / seconds,
        seconds * 1e6 / receipts
    );
}

/// How long the thread that writes was on a processor so far: what remains of
/// a figure when other work shares the machine. Zero where the system does not
/// say.
fn writer_time() -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let writers = tasks
        .flatten()
        .map(|task| task.path())
        .filter(|task| read(task.join("comm")).trim() == "store-writer");
    let nanos = writers.filter_map(|task| {
        let text = read(task.join("schedstat"));
        text.split(' ')
            .next()
            .and_then(|nanos| nanos.parse::<u64>().ok())
    });
    Duration::from_nanos(nanos.sum())
}

fn receipts_each() -> u64 {
    let told = std::env::var("EVERTILL_FIGURES_RECEIPTS").ok();
    told.map_or(RECEIPTS, |told| told.parse().unwrap())
}

/// A store's journal as frames, as they cross the line after a long cut.
fn frames(id: u8, size: usize) -> (Peer, Vec<Frame>) {
    let conn = database();
    let author = store(&conn, &format!("S{id:03}"), id);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ u64::from(id));
    let (mut lines, mut took) = (0, Duration::ZERO);
    for seq in 1..=receipts_each() {
        let sale = dice.sale(&author, seq);
        if let Event::Receipt(receipt) = &sale {
            lines += receipt.lines.len();
        }
        let start = Instant::now();
        journal::append(&conn, &author, now(), &[Write::Open(sale)]).unwrap();
        took += start.elapsed();
    }
    println!("{}: {lines} lines", author.location);
    rate("append, in memory", receipts_each(), took);
    let (mut frames, mut at) = (Vec::new(), Watermark::nothing(author.replica));
    let mut bytes = 0;
    loop {
        let entries = journal::entries_after(&conn, author.replica, at.seq, size, 1 << 20).unwrap();
        if entries.is_empty() {
            break;
        }
        let actor = (at.seq > 0).then_some(author.actor);
        let codec = evertill_documents::PART_CODEC;
        let frame = pack(&at, actor, &entries, Compression::CatchUp, codec).unwrap();
        bytes += frame.payload.len();
        at = entries[frame.count as usize - 1].watermark();
        frames.push(frame);
    }
    println!("{} frames of {bytes} bytes", frames.len());
    let peer = Peer {
        node: author.node,
        location: author.location,
    };
    (peer, frames)
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn ingest_figures() {
    let stores: Vec<_> = (1..=STORES).map(|id| frames(id, FRAME_ENTRIES)).collect();
    let dir = tempfile::tempdir().unwrap();
    let hub = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    hub.write_blocking("start", |tx| {
        journal::start(tx, &beginning("HUB", 200, 200))
    })
    .unwrap();
    let rounds = stores.iter().map(|(_, frames)| frames.len()).max().unwrap();
    let mut times = Vec::new();
    let (start, busy) = (Instant::now(), writer_time());
    for round in 0..rounds {
        for (peer, frames) in &stores {
            let Some(frame) = frames.get(round).cloned() else {
                continue;
            };
            let peer = peer.clone();
            let one = Instant::now();
            let done =
                hub.write_blocking("ingest", move |tx| ingest::ingest(tx, &peer, &frame, now()));
            let done = done.unwrap().unwrap();
            times.push(one.elapsed());
            assert_eq!(done.parked, 0);
        }
    }
    let receipts = receipts_each() * u64::from(STORES);
    rate(
        "ingest, durable, one frame a commit",
        receipts,
        start.elapsed(),
    );
    rate(
        "  on a processor",
        receipts,
        writer_time().saturating_sub(busy),
    );
    let last = times.len() - times.len().min(30);
    println!(
        "the last {} frames: {:?} each",
        times.len() - last,
        times[last..].iter().sum::<Duration>() / u32::try_from(times.len() - last).unwrap()
    );
    times.sort();
    println!(
        "a frame: median {:?}, longest {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    pages(&hub);
    let (start, busy) = (Instant::now(), writer_time());
    let rebuilt = hub.write_blocking("rebuild", |tx| rebuild(tx)).unwrap();
    rate("rebuild", rebuilt.entries, start.elapsed());
    rate(
        "  on a processor",
        rebuilt.entries,
        writer_time().saturating_sub(busy),
    );
}

/// Walks through the receipts of the hub, all and those of one store.
fn pages(hub: &Store) {
    let of_one: LocationId = "S002".parse().unwrap();
    for (what, location) in [("of all", None), ("of one store", Some(of_one))] {
        let mut after = None;
        let (mut times, mut seen) = (Vec::new(), 0);
        loop {
            let start = Instant::now();
            let location = location.clone();
            let page = hub
                .read_blocking(move |conn| receipts::page(conn, location.as_ref(), after, 100))
                .unwrap();
            times.push(start.elapsed());
            seen += page.len();
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
        }
        times.sort();
        println!(
            "100 receipts {what:<13} median {:?}, longest {:?}, {seen} in all",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn live_figures() {
    let stores: Vec<_> = (1..=STORES).map(|id| frames(id, 1)).collect();
    let dir = tempfile::tempdir().unwrap();
    let hub = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    hub.write_blocking("start", |tx| {
        journal::start(tx, &beginning("HUB", 200, 200))
    })
    .unwrap();
    // As many tills sell at once, every entry comes in a frame of its own, and
    // the committer takes what is queued.
    let mut queue = Vec::new();
    for turn in 0..stores[0].1.len() {
        for (peer, frames) in &stores {
            queue.push((peer.clone(), frames[turn].clone()));
        }
    }
    let (start, busy) = (Instant::now(), writer_time());
    for group in queue.chunks(FRAME_ENTRIES) {
        let group = group.to_vec();
        let taken = hub.write_blocking("ingest", move |tx| {
            let frames: Vec<_> = group.iter().map(|(peer, frame)| (peer, frame)).collect();
            ingest::group(tx, &frames, now())
        });
        assert!(taken.unwrap().iter().all(Result::is_ok));
    }
    let receipts = queue.len() as u64;
    rate("ingest, 500 frames of one entry", receipts, start.elapsed());
    rate(
        "  on a processor",
        receipts,
        writer_time().saturating_sub(busy),
    );
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn append_figures() {
    let dir = tempfile::tempdir().unwrap();
    let node = Store::open(dir.path(), &StoreOptions::node()).unwrap();
    let author = node
        .write_blocking("start", |tx| journal::start(tx, &beginning("S001", 1, 1)))
        .unwrap();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    node.write_blocking("scratch", |tx| {
        tx.execute_batch("CREATE TABLE scratch (id INTEGER PRIMARY KEY, v TEXT)")
    })
    .unwrap();
    let mut commits = Vec::new();
    let mut sales = Vec::new();
    for seq in 1..=2_000 {
        let one = Instant::now();
        node.write_blocking("row", move |tx| {
            tx.execute(
                "INSERT OR REPLACE INTO scratch VALUES (1, ?1)",
                [seq.to_string()],
            )
        })
        .unwrap();
        commits.push(one.elapsed());
        let sale = dice.sale(&author, seq);
        let author = author.clone();
        let one = Instant::now();
        node.write_blocking("sale", move |tx| {
            journal::append(tx, &author, now(), &[Write::Open(sale)])
        })
        .unwrap();
        sales.push(one.elapsed());
    }
    for (what, mut times) in [("a commit of one row", commits), ("a sale", sales)] {
        times.sort();
        println!(
            "{what:<24} median {:?}, 99 of 100 within {:?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    }
}
