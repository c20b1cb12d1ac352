//! Every way into quarantine, and the ways out.

use evertill_documents::{Document, append, create};
use evertill_domain::count::{CountLine, CountPosted, CountRequest, CountResult};
use evertill_domain::movement::MovementRecord;
use evertill_domain::{ActorId, Bucket, Event, Movement, MovementReason, Quantity, Unit, event};
use evertill_journal::{Control, Part};
use evertill_storage::ingest::{self, RefusalRule};
use evertill_storage::journal;
use evertill_storage::projection::{documents, stock};
use evertill_storage::quarantine::{self, CaseKind, CaseState, SettleError};

use super::world::{Forger, Hub, Random, Site, fingerprint, frames};
use crate::ledger::world::now;

fn pieces(count: i64) -> Quantity {
    Quantity::from_thousandths(count * 1_000).unwrap()
}

/// Goods received at a location.
pub(crate) fn received(location: &str, sku: &str, thousandths: i64) -> Event {
    Event::Movements(MovementRecord {
        location: location.parse().unwrap(),
        reason: MovementReason::Receiving,
        at: now(),
        business_date: "2026-07-01".parse().unwrap(),
        by: None,
        reference: None,
        lines: vec![Movement {
            sku: sku.parse().unwrap(),
            from: Bucket::Supplier,
            to: Bucket::Sellable,
            quantity: Quantity::from_thousandths(thousandths).unwrap(),
            lot: None,
            owner: None,
        }],
    })
}

pub(crate) fn request(location: &str, sku: &str, counted: i64) -> Event {
    Event::CountRequested(CountRequest {
        location: location.parse().unwrap(),
        requested_at: now(),
        by: None,
        reference: None,
        lines: vec![CountLine {
            sku: sku.parse().unwrap(),
            unit: Unit::Each,
            counted: pieces(counted),
            lot: None,
        }],
        seen: Vec::new(),
    })
}

pub(crate) fn posted(location: &str, sku: &str, counted: i64, expected: i64) -> Event {
    Event::CountPosted(CountPosted {
        location: location.parse().unwrap(),
        posted_at: now(),
        lines: vec![CountResult {
            sku: sku.parse().unwrap(),
            counted: pieces(counted),
            expected: expected * 1_000,
            lot: None,
        }],
    })
}

/// Adds an event to a document whose changes are given.
pub(crate) fn extend(forger: &mut Forger, opening: &[&Part], event: &Event) -> Part {
    let changes = opening.iter().map(|part| &part.change);
    let document = Document::load(opening[0].document, changes).unwrap();
    let part = append(
        &document,
        &forger.actor,
        forger.next(),
        0,
        &[event::encode(event)],
    );
    forger.push(None, vec![part.clone()]);
    part
}

/// Takes one forged entry after an honest sale, and expects it to be parked
/// under this rule while the sales before and behind it apply.
fn parks(rule: &str, forge: impl FnOnce(&mut Forger)) -> Hub {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    forger.sell(1, &[("A", 1)]);
    forge(&mut forger);
    let bad = forger.head();
    forger.sell(900, &[("A", 1)]);
    let mut parked = 0;
    for frame in frames(forger.replica, &forger.entries, 1) {
        parked += hub.take(&forger.peer, &frame).unwrap().parked;
    }
    assert_eq!(parked, 1, "{rule}");
    assert_eq!(hub.head(forger.replica), forger.head().seq);
    let case = hub.case();
    assert_eq!(case.rule, rule, "{}", case.reason);
    assert_eq!(
        (case.kind, case.replica, case.seq),
        (CaseKind::Entry, forger.replica, bad.seq)
    );
    assert_eq!((case.location.as_str(), case.opened_at), ("S001", now()));
    assert!(!case.reason.is_empty() && case.state == CaseState::Open);
    assert_eq!(
        journal::entry_hash(&hub.conn, forger.replica, bad.seq).unwrap(),
        Some(bad.hash)
    );
    assert_eq!(hub.receipts(), 2, "{rule}: the sales around it apply");
    hub
}

#[test]
fn a_change_that_is_none() {
    let forge = |change: Vec<u8>| {
        move |forger: &mut Forger| {
            let part = create(&forger.actor, forger.next(), 0, &[vec![1]]);
            forger.push(None, vec![Part { change, ..part }]);
        }
    };
    parks("gate.chunk_type", forge(b"not a change".to_vec()));
    parks("gate.size", forge(vec![0; 300_000]));
}

#[test]
fn another_actors_change() {
    parks("gate.actor", |forger| {
        let receipt = event::encode(&forger.receipt(2, &[("A", 1)]));
        let part = create(&ActorId([99; 16]), forger.next(), 0, &[receipt]);
        forger.push(None, vec![part]);
    });
}

#[test]
fn an_event_that_says_nothing_sound() {
    parks("gate.business", |forger| {
        drop(forger.open_bytes(&[b"noise".to_vec()]))
    });
    parks("gate.business", |forger| {
        let two = [
            forger.receipt(2, &[("A", 1)]),
            forger.receipt(3, &[("A", 1)]),
        ];
        forger.open(&two);
    });
    parks("gate.business", |forger| {
        drop(forger.open(&[posted("S001", "A", 5, 1)]))
    });
}

#[test]
fn a_receipt_number_that_is_taken_or_anothers() {
    parks("receipt_number", |forger| drop(forger.sell(1, &[("B", 9)])));
    parks("receipt_number", |forger| {
        let other = forger.receipt_of(
            &forger.peer.location,
            Forger::new("S001", 77).replica,
            5,
            &[("A", 1)],
        );
        forger.open(&[other]);
    });
    let hub = parks("receipt_number", |forger| {
        let elsewhere = forger.receipt_of(&"S002".parse().unwrap(), forger.replica, 5, &[("A", 1)]);
        forger.open(&[elsewhere]);
    });
    assert_eq!(
        stock::of(&hub.conn, &"S002".parse().unwrap(), &"A".parse().unwrap()).unwrap(),
        None
    );
}

#[test]
fn two_receipts_of_one_number_in_one_entry() {
    parks("receipt_number", |forger| {
        let receipt = event::encode(&forger.receipt(7, &[("A", 1)]));
        let seq = forger.next();
        let parts = [0, 1].map(|n| create(&forger.actor, seq, n, std::slice::from_ref(&receipt)));
        forger.push(None, parts.into());
    });
}

#[test]
fn goods_moved_at_another_location() {
    parks("location", |forger| {
        drop(forger.open(&[received("S002", "A", 1_000)]))
    });
    parks("location", |forger| {
        drop(forger.open(&[request("S002", "A", 1)]))
    });
}

#[test]
fn one_bad_part_keeps_the_whole_entry_out() {
    let hub = parks("gate.business", |forger| {
        let seq = forger.next();
        let good = event::encode(&forger.receipt(2, &[("GOOD", 1)]));
        let parts = vec![
            create(&forger.actor, seq, 0, &[good]),
            create(&forger.actor, seq, 1, &[b"noise".to_vec()]),
        ];
        forger.push(None, parts);
    });
    let sku = "GOOD".parse().unwrap();
    assert_eq!(
        stock::of(&hub.conn, &"S001".parse().unwrap(), &sku).unwrap(),
        None
    );
}

#[test]
fn a_sum_that_would_leave_its_range_parks_the_entry_that_does_it() {
    let hub = Hub::new();
    let almost = (1_i64 << 59) - 500;
    hub.conn
        .execute(
            "INSERT INTO stock VALUES ('S001', 'A', '', '', ?1, 0, 0, 0, 0, 0, 0, -?1, 0, 0, 0, 0)",
            [almost],
        )
        .unwrap();
    let mut forger = Forger::new("S001", 1);
    let seq = forger.next();
    let parts = [("B", 1_000), ("A", 1_000)].map(|(sku, quantity)| {
        let n = u32::from(sku == "A");
        let event = event::encode(&received("S001", sku, quantity));
        create(&forger.actor, seq, n, &[event])
    });
    forger.push(None, parts.into());
    forger.open(&[received("S001", "A", 400)]);
    forger.sell(1, &[("B", 1)]);
    let mut other = Site::new("S002", 2);
    other.sell(&[("A", 1)]);
    let frames = [
        (forger.peer.clone(), forger.frame()),
        (other.peer(), other.frames(50).remove(0)),
    ];
    let group: Vec<_> = frames.iter().map(|(peer, frame)| (peer, frame)).collect();
    let results = ingest::group(&hub.conn, &group, now()).unwrap();
    let taken: Vec<_> = results
        .iter()
        .map(|taken| taken.as_ref().unwrap())
        .collect();
    assert_eq!((taken[0].applied, taken[0].parked), (3, 1));
    assert_eq!((taken[1].applied, taken[1].parked), (2, 0));
    let case = hub.case();
    assert_eq!((case.rule.as_str(), case.seq), ("overflow", 2));
    assert!(case.reason.contains("stock of A"), "{}", case.reason);
    let figure = |sku: &str| {
        let location = "S001".parse().unwrap();
        let figures = stock::of(&hub.conn, &location, &sku.parse().unwrap()).unwrap();
        figures.unwrap().bucket(Bucket::Sellable)
    };
    assert_eq!((figure("A"), figure("B")), (almost + 400, -1_000));
}

#[test]
fn a_start_that_names_another_machine_or_actor() {
    for (wrong, rule) in [(0, "start"), (1, "start"), (2, "start")] {
        let hub = Hub::new();
        let mut victim = Forger::new("S002", 2);
        victim.sell(1, &[("A", 1)]);
        hub.take(&victim.peer, &victim.frame()).unwrap();
        let mut forger = Forger::silent("S001", 1);
        if wrong == 2 {
            forger.actor = victim.actor;
        }
        let mut start = forger.start();
        match wrong {
            0 => start.node = victim.peer.node,
            1 => start.location = victim.peer.location.clone(),
            _ => {}
        }
        forger.push(Some(Control::Start(start)), Vec::new());
        forger.sell(1, &[("A", 1)]);
        let ingested = hub.take(&forger.peer, &forger.frame()).unwrap();
        assert_eq!((ingested.applied, ingested.parked), (0, 2));
        let cases = hub.cases();
        assert_eq!(
            (cases[0].rule.as_str(), cases[1].rule.as_str()),
            (rule, "actor")
        );
        // The victim goes on as if nothing had happened.
        let after = victim.entries.len();
        victim.sell(2, &[("A", 1)]);
        let ingested = hub.take(&victim.peer, &victim.frame_after(after)).unwrap();
        assert_eq!((ingested.applied, ingested.parked), (1, 0));
    }
}

#[test]
fn a_journal_that_begins_without_a_start() {
    let hub = Hub::new();
    let mut forger = Forger::silent("S001", 1);
    let receipt = event::encode(&forger.receipt(1, &[("A", 1)]));
    let part = create(&forger.actor, 1, 0, &[receipt]);
    forger.push(None, vec![part]);
    let start = forger.start();
    forger.push(Some(Control::Start(start)), Vec::new());
    forger.sell(2, &[("A", 1)]);
    let mut frame = forger.frame();
    frame.actor = Some(forger.actor);
    let ingested = hub.take(&forger.peer, &frame).unwrap();
    assert_eq!((ingested.parked, ingested.applied), (1, 2));
    assert_eq!(hub.case().rule, "actor");
}

/// A hub with a count request, parked because its document came with a bad
/// part; two stores' entries wait for it.
fn chain_of_waiting() -> (Hub, Forger, Forger) {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    let opening = forger.open(&[request("S001", "A", 5)]);
    let first = extend(&mut forger, &[&opening], &posted("S001", "A", 5, 1));
    let mut second = Forger::new("S001", 2);
    extend(&mut second, &[&opening, &first], &posted("S001", "A", 7, 5));
    (hub, forger, second)
}

#[test]
fn what_waits_for_a_document_applies_when_it_arrives() {
    let (hub, first, second) = chain_of_waiting();
    let ingested = hub.take(&second.peer, &second.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (1, 1));
    let case = hub.case();
    assert_eq!(case.rule, "gate.history");
    assert_eq!(
        case.waits_for,
        Some(first.entries[1].entry.parts[0].document)
    );

    let ingested = hub.take(&first.peer, &first.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.released), (3, 1));
    let case = quarantine::find(&hub.conn, case.id).unwrap().unwrap();
    assert_eq!(
        (case.state, case.resolved_by.as_deref()),
        (CaseState::Released, Some("arrival"))
    );

    let straight = Hub::new();
    straight.take(&first.peer, &first.frame()).unwrap();
    straight.take(&second.peer, &second.frame()).unwrap();
    assert_eq!(fingerprint(&hub.conn), fingerprint(&straight.conn));
}

#[test]
fn a_retry_releases_dependants_in_order() {
    let (hub, mut first, second) = chain_of_waiting();
    // The request stands in an entry that also claims the actor of nobody: the
    // hub learns later that the journal's first start was right after all.
    let start = first.entries[0].clone();
    let squatter = start.entry.started_actor().unwrap();
    hub.conn
        .execute("INSERT INTO actor VALUES (?1, 1, 1)", [squatter.0])
        .unwrap();
    let ingested = hub.take(&first.peer, &first.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (0, 3));
    hub.take(&second.peer, &second.frame()).unwrap();
    let cases: Vec<_> = hub.cases().into_iter().map(|case| case.id).collect();
    assert_eq!(cases.len(), 4);

    // Nothing has changed yet: the retry says so and changes nothing.
    let retried = quarantine::retry(&hub.conn, cases[0], "kim", now()).unwrap();
    assert!(retried.released.is_empty() && retried.still.unwrap().contains("actor"));
    assert_eq!(hub.cases().len(), 4);

    hub.conn
        .execute("DELETE FROM actor WHERE replica = 1", [])
        .unwrap();
    let retried = quarantine::retry(&hub.conn, cases[0], "kim", now()).unwrap();
    assert_eq!((retried.released, retried.more), (cases.clone(), false));
    assert!(hub.cases().is_empty());
    let orders: Vec<i64> = hub
        .conn
        .prepare("SELECT resolution FROM quarantine ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(orders.is_sorted_by(|a, b| a < b), "{orders:?}");
    let straight = Hub::new();
    straight.take(&first.peer, &first.frame()).unwrap();
    straight.take(&second.peer, &second.frame()).unwrap();
    assert_eq!(fingerprint(&hub.conn), fingerprint(&straight.conn));
    first.sell(1, &[("A", 1)]);
}

#[test]
fn a_dismissed_case_stays_out_and_is_settled_once() {
    let hub = parks("gate.business", |forger| {
        drop(forger.open_bytes(&[b"noise".to_vec()]))
    });
    let before = fingerprint(&hub.conn);
    let id = hub.case().id;
    let case = quarantine::dismiss(&hub.conn, id, "kim", now()).unwrap();
    assert_eq!(case.state, CaseState::Dismissed);
    assert_eq!(
        (case.resolved_by.as_deref(), case.resolved_at),
        (Some("kim"), Some(now()))
    );
    assert_eq!(fingerprint(&hub.conn), before);
    for again in [
        quarantine::dismiss(&hub.conn, id, "kim", now()).map(drop),
        quarantine::retry(&hub.conn, id, "kim", now()).map(drop),
    ] {
        assert!(matches!(again, Err(SettleError::Settled { .. })));
    }
    let unknown = quarantine::retry(&hub.conn, id + 1, "kim", now());
    assert!(matches!(unknown, Err(SettleError::Unknown { .. })));
}

#[test]
fn a_stopped_journal_goes_on_after_a_persons_retry() {
    let hub = Hub::new();
    let mut honest = Forger::new("S001", 1);
    honest.sell(1, &[("A", 1)]);
    let mut fork = Forger::new("S001", 1);
    fork.sell(1, &[("B", 1)]);
    hub.take(&honest.peer, &honest.frame()).unwrap();
    assert_eq!(
        hub.refused(&fork.peer, &fork.frame()).rule,
        RefusalRule::Chain
    );
    let id = hub.case().id;
    let retried = quarantine::retry(&hub.conn, id, "kim", now()).unwrap();
    assert_eq!(retried.released, [id]);
    honest.sell(2, &[("A", 1)]);
    hub.take(&honest.peer, &honest.frame_after(2)).unwrap();
    assert_eq!(hub.receipts(), 2);
    // The fork is found again, and stops it again.
    assert_eq!(
        hub.refused(&fork.peer, &fork.frame()).rule,
        RefusalRule::Chain
    );
}

#[test]
fn cases_are_listed_page_by_page() {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    for _ in 0..7 {
        forger.open_bytes(&[b"noise".to_vec()]);
    }
    hub.take(&forger.peer, &forger.frame()).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = quarantine::page(&hub.conn, Some(CaseState::Open), after, 3).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|case| case.seq));
    }
    assert_eq!(seen, (2..=8).collect::<Vec<_>>());
    assert_eq!(quarantine::open_cases(&hub.conn).unwrap(), 7);
    assert!(
        quarantine::page(&hub.conn, Some(CaseState::Released), None, 3)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_event_of_a_later_release_is_kept_and_moves_nothing() {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    // [4711, ["new"]]
    let later = vec![0x82, 0x19, 0x12, 0x67, 0x81, 0x63, b'n', b'e', b'w'];
    assert_eq!(
        event::decode(&later).unwrap(),
        Event::Unknown { kind: 4711 }
    );
    let part = forger.open_bytes(std::slice::from_ref(&later));
    let ingested = hub.take(&forger.peer, &forger.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (2, 0));
    let document = documents::load(&hub.conn, &part.document).unwrap().unwrap();
    assert_eq!(document.events().into_values().collect::<Vec<_>>(), [later]);
}

#[test]
fn permutations_of_what_depends_on_each_other_give_the_same_tables() {
    // One journal opens documents, two others extend them, each frame a single
    // entry: whatever comes first, the tables end up the same.
    let mut opener = Forger::new("S001", 1);
    let mut writers = [Forger::new("S001", 2), Forger::new("S001", 3)];
    for _ in 0..4 {
        let opening = opener.open(&[request("S001", "A", 5)]);
        let mut changes = vec![opening];
        for writer in &mut writers {
            let known: Vec<_> = changes.iter().collect();
            let part = extend(writer, &known, &posted("S001", "A", 5, 4));
            changes.push(part);
        }
    }
    let [two, three] = writers;
    let all = [opener, two, three];
    let mut expected = None;
    for seed in 1..=40_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let hub = Hub::new();
        let mut sent = [0; 3];
        while sent
            .iter()
            .zip(&all)
            .any(|(sent, forger)| *sent < forger.entries.len())
        {
            let at = random.below(3);
            if sent[at] < all[at].entries.len() {
                let size = 1 + random.below(3);
                let mut frame = all[at].frame_after(sent[at]);
                if (frame.count as usize) > size {
                    let mut short = Forger::silent("S001", 9);
                    short.replica = all[at].replica;
                    short.entries = all[at].entries[..sent[at] + size].to_vec();
                    frame = short.frame_after(sent[at]);
                }
                sent[at] += frame.count as usize;
                hub.take(&all[at].peer, &frame).unwrap();
            }
        }
        assert!(hub.cases().is_empty(), "seed {seed}: {:?}", hub.cases());
        let found = fingerprint(&hub.conn);
        assert_eq!(*expected.get_or_insert(found.clone()), found, "seed {seed}");
    }
}

#[test]
fn a_store_is_not_delayed_by_the_quarantine_of_another() {
    let hub = Hub::new();
    let mut bad = Forger::new("S001", 1);
    for _ in 0..100 {
        bad.open_bytes(&[b"noise".to_vec()]);
    }
    let mut good = Site::new("S002", 2);
    good.sell(&[("A", 1)]);
    hub.take(&bad.peer, &bad.frame()).unwrap();
    hub.take_all(&good);
    assert_eq!((hub.receipts(), hub.cases().len()), (1, 100));
}
