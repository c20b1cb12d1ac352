//! Mutated changes at the gate, random and with the checksum put right again.
//!
//! Nothing bad is accepted means: a change that passes is, byte for byte, what
//! this crate writes for the events it gives at the place it was expected at,
//! and automerge loads, saves and reloads the document with it.

use evertill_documents::gate::{Expected, Limits, check};
use evertill_documents::{ChangeInfo, Document, append, create};
use evertill_domain::{DocumentKind, Event};

use crate::support::*;

/// A small generator; the seed makes a run repeatable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}

/// A change to be mutated, and the document that it belongs to.
struct Case {
    change: Vec<u8>,
    base: Vec<Vec<u8>>,
}

impl Case {
    fn known(&self) -> Vec<ChangeInfo> {
        self.base
            .iter()
            .map(|change| ChangeInfo::read(change).unwrap())
            .collect()
    }
}

fn cases() -> Vec<Case> {
    let receipt = golden("sale");
    let one = create(&actor(1), 7, 0, std::slice::from_ref(&receipt)).change;
    let many = create(&actor(1), 7, 0, &[receipt, event(1), event(2), event(3)]).change;
    let first = create(&actor(2), 1, 0, &[golden("count-requested")]);
    let document = Document::load(first.document, [&first.change]).unwrap();
    let later = append(
        &document,
        &actor(1),
        7,
        0,
        &[golden("count-posted"), event(4)],
    )
    .change;
    let opening = ["movements", "void", "return"].map(|name| Case {
        change: create(&actor(1), 7, 0, &[golden(name)]).change,
        base: vec![],
    });
    let [movements, void, returned] = opening;
    vec![
        movements,
        void,
        returned,
        Case {
            change: one,
            base: vec![],
        },
        Case {
            change: many,
            base: vec![],
        },
        Case {
            change: later,
            base: vec![first.change],
        },
    ]
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.byte(),
            2 => bytes.insert(at, random.byte()),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => {
                // A number as large as numbers get.
                bytes.splice(at..end, [0xff; 9].into_iter().chain([0x01]));
            }
        }
    }
}

/// Mutates `count` changes and returns how many passed; asserts that none that
/// passed is bad.
fn run(count: usize, seed: u64, mend: bool) -> usize {
    let cases = cases();
    let mut random = Random(seed);
    let mut passed = 0;
    for round in 0..count {
        let case = &cases[round % cases.len()];
        let known = case.known();
        let document = Document::load(document_id(case), &case.base).unwrap();
        let expected = Expected {
            document: document_id(case),
            kind: (!case.base.is_empty()).then_some(DocumentKind::Count),
            ..opening(actor(1), &known)
        };
        let mutated = if mend {
            let mut body = body(&case.change).to_vec();
            mutate(&mut random, &mut body);
            chunk(1, &body)
        } else {
            let mut change = case.change.clone();
            mutate(&mut random, &mut change);
            change
        };
        if let Ok(gated) = check(&mutated, &expected, &Limits::default()) {
            passed += 1;
            assert_sound(&gated.decoded);
            let events: Vec<_> = gated.events.into_iter().map(|(_, event)| event).collect();
            let again = if known.is_empty() {
                create(&actor(1), 7, 0, &events)
            } else {
                append(&document, &actor(1), 7, 0, &events)
            };
            assert_eq!(again.change, mutated, "round {round} of seed {seed}");
            let all = case.base.iter().chain([&mutated]);
            let loaded = Document::load(document_id(case), all.clone()).unwrap();
            assert_eq!(loaded.events().len(), case.base.len() + events.len());
            reloads(all);
        }
    }
    passed
}

/// No event that passed says anything unsound.
fn assert_sound(events: &[Event]) {
    for event in events {
        match event {
            Event::Receipt(receipt) => receipt.check().unwrap(),
            Event::Movements(record) => record.check().unwrap(),
            Event::CountRequested(request) => request.check().unwrap(),
            Event::CountPosted(posted) => posted.check().unwrap(),
            Event::Order(event) => event.check().unwrap(),
            Event::ReplicaSealed(seal) => seal.check().unwrap(),
            Event::Unknown { .. } => {}
        }
    }
}

fn document_id(case: &Case) -> evertill_domain::DocumentId {
    if case.base.is_empty() {
        opening(actor(1), &[]).document
    } else {
        evertill_domain::DocumentId::derive(&actor(2), 1, 0)
    }
}

fn reloads<'a>(changes: impl Iterator<Item = &'a Vec<u8>> + Clone) {
    let mut document = automerge::AutoCommit::new();
    document
        .apply_changes(changes.map(|change| automerge::Change::from_bytes(change.clone()).unwrap()))
        .unwrap();
    automerge::AutoCommit::load(&document.save()).unwrap();
}

#[test]
fn random_mutations() {
    run(10_000, 0x5eed_0001, false);
}

#[test]
fn mutations_with_the_checksum_put_right() {
    // Some hit only an event's bytes: these are good changes of other events,
    // and show that the test can see one pass.
    assert!(run(10_000, 0x5eed_0002, true) > 100);
}

#[test]
fn random_bytes_behind_a_chunk_header() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..2_000 {
        let body: Vec<u8> = (0..random.below(300)).map(|_| random.byte()).collect();
        assert!(
            check(
                &chunk(1, &body),
                &opening(actor(1), &[]),
                &Limits::default()
            )
            .is_err()
        );
        assert!(check(&body, &opening(actor(1), &[]), &Limits::default()).is_err());
    }
}
