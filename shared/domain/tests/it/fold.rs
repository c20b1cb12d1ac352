//! A document says the same in whatever order its events came.

use evertill_domain::event::{self, Event};
use evertill_domain::fold::{Conflict, ConflictKind, Folded, Obligation, Placed, State, fold};
use evertill_domain::{EventKey, Hlc, MovementReason};
use proptest::prelude::*;

use crate::baskets::{Shop, basket, line};
use crate::event::numbered;
use crate::stock_events::{posted, record, request};

fn key(seq: u64) -> EventKey {
    EventKey {
        actor_prefix: 7,
        seq,
        n: 0,
    }
}

fn placed<'a>(seq: u64, hlc: u64, parents: &[u64], bytes: &'a [u8]) -> Placed<'a> {
    Placed {
        key: key(seq),
        hlc: Hlc(hlc),
        parents: parents.iter().map(|seq| key(*seq)).collect(),
        bytes,
    }
}

fn requested() -> Vec<u8> {
    event::encode(&Event::CountRequested(request()))
}

fn posting(expected: i64) -> Vec<u8> {
    event::encode(&Event::CountPosted(posted(expected)))
}

fn kinds(folded: &Folded) -> Vec<(u64, ConflictKind)> {
    let conflicts = folded.conflicts.iter();
    conflicts
        .map(|conflict| (conflict.key.seq, conflict.kind))
        .collect()
}

#[test]
fn a_receipt_is_its_one_event() {
    let receipt = numbered(&Shop::new(), &basket(vec![line("MILK", 1_000)], 1_000));
    let bytes = event::encode(&Event::Receipt(Box::new(receipt.clone())));
    let folded = fold([placed(1, 1, &[], &bytes)]);
    assert_eq!(folded.state, State::Receipt(Box::new(receipt)));
    assert!(folded.conflicts.is_empty() && folded.obligations.is_empty());
    let movements = event::encode(&Event::Movements(record(
        MovementReason::Damage,
        vec![crate::stock_events::movement(
            "A",
            evertill_domain::Bucket::Sellable,
            evertill_domain::Bucket::Damaged,
            1,
        )],
    )));
    let folded = fold([placed(1, 1, &[], &bytes), placed(2, 2, &[1], &movements)]);
    assert_eq!(kinds(&folded), [(2, ConflictKind::SecondOpening)]);
    assert!(matches!(folded.state, State::Receipt(_)));
}

#[test]
fn a_count_is_owed_until_it_is_posted() {
    let (asked, done) = (requested(), posting(-500));
    let folded = fold([placed(1, 5, &[], &asked)]);
    assert_eq!(folded.obligations, [Obligation::PostCount]);
    // A clock that runs behind does not put the posting before the request.
    let folded = fold([placed(2, 1, &[1], &done), placed(1, 5, &[], &asked)]);
    assert!(folded.obligations.is_empty() && folded.conflicts.is_empty());
    assert!(matches!(folded.state, State::CountPosted { .. }));
}

#[test]
fn of_two_postings_the_first_in_order_stands_and_the_other_is_a_conflict() {
    let (asked, one, two) = (requested(), posting(1_000), posting(2_000));
    let (early, late) = (placed(3, 8, &[1], &one), placed(2, 9, &[1], &two));
    let folded = fold([late, placed(1, 5, &[], &asked), early]);
    let State::CountPosted { posted, .. } = &folded.state else {
        panic!("{folded:?}")
    };
    assert_eq!(posted.lines[0].expected, 1_000);
    assert_eq!(kinds(&folded), [(2, ConflictKind::SecondPosting)]);
    // At one clock the key decides.
    let (early, late) = (placed(3, 9, &[1], &one), placed(2, 9, &[1], &two));
    let folded = fold([early, placed(1, 5, &[], &asked), late]);
    assert_eq!(kinds(&folded), [(3, ConflictKind::SecondPosting)]);
}

#[test]
fn what_does_not_fit_is_a_conflict_and_the_unknown_is_kept() {
    let mut other = posted(0);
    other.lines[0].counted = evertill_domain::Quantity::ONE;
    let other = event::encode(&Event::CountPosted(other));
    let asked = requested();
    let folded = fold([placed(1, 1, &[], &asked), placed(2, 2, &[1], &other)]);
    assert_eq!(kinds(&folded), [(2, ConflictKind::OtherFigures)]);
    let folded = fold([placed(2, 2, &[1], &other), placed(3, 3, &[], b"nonsense")]);
    assert_eq!(folded.state, State::Empty);
    let expected = [(2, ConflictKind::Misplaced), (3, ConflictKind::Unreadable)];
    assert_eq!(kinds(&folded), expected);
    let folded = fold([
        placed(1, 1, &[], &[0x82, 0x18, 99, 0x80]),
        placed(2, 2, &[1], &asked),
    ]);
    assert_eq!(folded.unknown, [(key(1), 99)]);
    assert!(matches!(folded.state, State::CountRequested(_)));
    assert_eq!(folded.conflicts, Vec::<Conflict>::new());
}

proptest! {
    /// Any graph of events, even one with circles, folds to the same in every
    /// order and with every event any number of times.
    #[test]
    fn permuted_and_duplicated_events_fold_alike(
        spec in prop::collection::vec((0_usize..7, 0_u64..4, prop::collection::vec(0_u64..9, 0..3)), 1..9),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let pool = [
            requested(), posting(1), posting(2), vec![0x82, 0x18, 99, 0x80], b"nonsense".to_vec(),
            event::encode(&Event::Movements(record(MovementReason::Found, vec![
                crate::stock_events::movement(
                    "A", evertill_domain::Bucket::Adjustment, evertill_domain::Bucket::Sellable, 1,
                ),
            ]))),
            requested(),
        ];
        let events: Vec<Placed<'_>> = (0_u64..)
            .zip(&spec)
            .map(|(seq, (what, hlc, parents))| placed(seq, *hlc, parents, &pool[*what]))
            .collect();
        let plain = fold(events.clone());
        let mut shuffled: Vec<Placed<'_>> = events.iter().rev().cloned().collect();
        for index in order {
            let copy = events[index.index(events.len())].clone();
            let at = index.index(shuffled.len());
            shuffled.insert(at, copy);
        }
        for event in &mut shuffled {
            event.parents.reverse();
        }
        prop_assert_eq!(fold(shuffled), plain);
    }
}
