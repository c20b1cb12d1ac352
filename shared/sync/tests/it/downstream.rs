//! Feed and reference stream: in order, a few in flight, acknowledged when durable.

use evertill_domain::ReplicaId;
use evertill_journal::EntryHash;
use evertill_sync::{
    CloseReason, FeedFrame, FeedPosition, HubEffect, HubInput, Message, ReferencePosition,
    ReferenceVersion,
};

use crate::pair::{HUB, Pair, feed_hash, journal};

fn items(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|n| vec![n]).collect()
}

#[test]
fn a_feed_arrives_whole_and_goes_on_as_it_grows() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.feed = items(20);
    pair.connect();
    assert_eq!(pair.applied, items(20));
    pair.feed = items(23);
    let head = pair.feed_head();
    pair.hub_does(HubInput::FeedReaches { head });
    pair.settle();
    assert_eq!(pair.applied, items(23));
    let acknowledged = pair.hub_log.iter().rev().find_map(|effect| match effect {
        HubEffect::FeedAcknowledged { at } => Some(*at),
        _ => None,
    });
    assert_eq!(acknowledged, Some(head));
}

#[test]
fn a_feed_continues_after_what_the_node_holds() {
    let at = evertill_journal::Watermark {
        seq: 18,
        hash: feed_hash(&[17]),
    };
    let mut pair = Pair::with(journal(1), Vec::new(), |start| {
        start.feed = Some(FeedPosition { hub: HUB, at });
    });
    pair.feed = items(20);
    pair.connect();
    assert_eq!(pair.applied, items(20)[18..]);
}

#[test]
fn nothing_flows_down_before_the_node_has_agreed() {
    let mut pair = Pair::new(journal(3), journal(5));
    pair.feed = items(5);
    pair.version = 3;
    pair.connect();
    assert!(pair.applied.is_empty());
    assert!(!pair.hub_log.iter().any(|effect| matches!(
        effect,
        HubEffect::ReadFeed { .. } | HubEffect::ReadReference { .. }
    )));
}

#[test]
fn feed_frames_out_of_place_are_a_fault() {
    let frame = |hub, first_seq, items| FeedFrame {
        hub,
        first_seq,
        items,
        head: EntryHash([0; 32]),
    };
    for wrong in [
        frame(HUB, 2, items(1)),
        frame(HUB, 0, items(1)),
        frame(HUB, 1, items(0)),
        frame(ReplicaId(3), 1, items(1)),
        frame(HUB, u64::MAX, items(2)),
    ] {
        let mut pair = Pair::new(journal(1), Vec::new());
        pair.connect();
        pair.inject_to_node(&Message::FeedFrame(wrong.clone()));
        assert!(
            matches!(pair.node_close(), Some(CloseReason::Protocol(_))),
            "{wrong:?}"
        );
        assert!(pair.applied.is_empty());
    }
}

#[test]
fn reference_versions_arrive_in_order_and_the_stream_rests() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.version = 7;
    pair.connect();
    let at = |version| ReferencePosition {
        hub: 9,
        version,
        cursor: None,
    };
    assert_eq!(pair.staged, at(7));
    let reads = |pair: &Pair| {
        let read = |effect: &&HubEffect| matches!(effect, HubEffect::ReadReference { .. });
        pair.hub_log.iter().filter(read).count()
    };
    let before = reads(&pair);
    pair.pass(100);
    pair.settle();
    assert_eq!(reads(&pair), before, "an up to date node causes no reads");
    pair.version = 8;
    let version = ReferenceVersion { hub: 9, version: 8 };
    pair.hub_does(HubInput::ReferenceReaches { version });
    pair.settle();
    assert_eq!(pair.staged, at(8));
}

#[test]
fn acknowledgements_out_of_turn_are_refused() {
    for message in [
        Message::FeedAck(evertill_journal::Watermark {
            seq: 1,
            hash: EntryHash([0; 32]),
        }),
        Message::ReferenceAck(ReferencePosition::default()),
    ] {
        let mut pair = Pair::new(journal(1), Vec::new());
        pair.connect();
        pair.inject_to_hub(&message);
        assert!(
            matches!(pair.hub_close(), Some(CloseReason::Refused(_))),
            "{message:?}"
        );
    }
}
