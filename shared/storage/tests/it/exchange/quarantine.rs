//! Every way into quarantine.

use evertill_documents::create;
use evertill_domain::{ActorId, Bucket, event};
use evertill_journal::{Control, Part};
use evertill_storage::ingest;
use evertill_storage::journal;
use evertill_storage::projection::stock;
use evertill_storage::quarantine::{CaseKind, CaseState};

use super::events::{posted, received, request};
use super::world::{Forger, Hub, Site, frames};
use crate::ledger::world::now;

/// Takes one forged entry after an honest sale, and expects it to be parked
/// under this rule while the sales before and behind it apply.
pub(crate) fn parks(rule: &str, forge: impl FnOnce(&mut Forger)) -> Hub {
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
        forger.open_bytes(&[b"noise".to_vec()]);
    });
    parks("gate.business", |forger| {
        let two = [
            forger.receipt(2, &[("A", 1)]),
            forger.receipt(3, &[("A", 1)]),
        ];
        forger.open(&two);
    });
    parks("gate.business", |forger| {
        forger.open(&[posted("S001", "A", 5, 1)]);
    });
}

#[test]
fn a_receipt_number_that_is_taken_or_anothers() {
    parks("receipt_number", |forger| {
        forger.sell(1, &[("B", 9)]);
    });
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
        forger.open(&[received("S002", "A", 1_000)]);
    });
    parks("location", |forger| {
        forger.open(&[request("S002", "A", 1)]);
    });
}

/// A store may not write orders, nor what the hub decides about one.
#[test]
fn what_only_the_hub_may_say_of_an_order() {
    let golden = include_str!("../../../../domain/tests/golden/event-order-placed.v1.hex");
    let digits: String = golden.split_whitespace().collect();
    let bytes = (0..digits.len()).step_by(2);
    let order = bytes
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    parks("location", |forger| {
        forger.open_bytes(&[order]);
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
