//! The private stream: in order, one page at a time, erasable, and only for who
//! knows of it.

use evertill_sync::{CloseReason, HubEffect, HubInput, Message, PrivatePage, PrivatePosition};

use crate::pair::{HUB, Pair, journal};

fn at(version: u64) -> PrivatePosition {
    PrivatePosition {
        hub: HUB.0,
        version,
    }
}

fn reads(pair: &Pair) -> usize {
    let reads = pair.hub_log.iter();
    reads
        .filter(|effect| matches!(effect, HubEffect::ReadPrivate { .. }))
        .count()
}

#[test]
fn it_arrives_whole_and_goes_on_as_it_grows() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.private = vec![1, 2, 3, 4, 5];
    pair.connect();
    assert_eq!(pair.kept, (vec![1, 2, 3, 4, 5], at(5)));
    pair.private.push(6);
    pair.hub_does(HubInput::PrivateReaches { version: 6 });
    pair.settle();
    assert_eq!(pair.kept, (vec![1, 2, 3, 4, 5, 6], at(6)));
    let before = reads(&pair);
    pair.hub_does(HubInput::PrivateReaches { version: 6 });
    assert_eq!(reads(&pair), before, "nothing is asked for twice");
}

#[test]
fn it_goes_on_after_what_the_node_keeps() {
    let mut pair = Pair::with(journal(1), Vec::new(), |start| start.private = Some(at(3)));
    pair.private = vec![1, 2, 3, 4];
    pair.connect();
    assert_eq!(pair.kept, (vec![4], at(4)));
}

/// A hub that was replaced or set back says everything anew, also if that is
/// nothing: what the node kept of the other life is gone.
#[test]
fn what_another_life_of_the_hub_said_is_replaced() {
    for held in [PrivatePosition { hub: 1, version: 2 }, at(9)] {
        for private in [vec![7, 8, 9], Vec::new()] {
            let mut pair = Pair::with(journal(1), Vec::new(), |start| start.private = Some(held));
            pair.kept.0 = vec![1, 2];
            pair.private.clone_from(&private);
            pair.connect();
            let end = at(private.len() as u64);
            assert_eq!(pair.kept, (private, end));
            assert_eq!(pair.hub_close(), None);
        }
    }
}

/// Old and new sides meet in every rollout.
#[test]
fn a_node_that_knows_of_no_such_stream_is_sent_nothing_of_it() {
    let mut pair = Pair::with(journal(1), Vec::new(), |start| start.private = None);
    pair.private = vec![1];
    pair.connect();
    pair.hub_does(HubInput::PrivateReaches { version: 1 });
    pair.settle();
    assert_eq!((reads(&pair), pair.kept.0.len()), (0, 0));
    assert_eq!((pair.hub_close(), pair.node_close()), (None, None));
}

#[test]
fn pages_out_of_place_are_a_fault() {
    let page = |from, to| PrivatePage {
        from,
        to,
        rows: Vec::new(),
    };
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    pair.inject_to_node(&Message::PrivatePage(page(at(4), at(5))));
    assert!(matches!(
        pair.node_close(),
        Some(CloseReason::Protocol(detail)) if detail.contains("after change 4")
    ));
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.private = vec![1];
    pair.connect();
    pair.inject_to_hub(&Message::PrivateAck(at(1)));
    assert!(matches!(pair.hub_close(), Some(CloseReason::Refused(_))));
}

#[test]
fn nobody_s_name_gets_into_a_log() {
    let page = PrivatePage {
        from: at(1),
        to: at(2),
        rows: b"Ann Example".to_vec(),
    };
    let shown = format!("{page:?}");
    assert!(
        shown.contains("bytes: 11") && !shown.contains("65"),
        "{shown}"
    );
}
