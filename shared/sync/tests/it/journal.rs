//! The journal upstream: shipped in order, acknowledged after the commit.

use evertill_journal::{Compression, Frame, PartCodec, Watermark, pack};
use evertill_sync::{
    CloseReason, HubEffect, HubInput, Message, NodeEffect, NodeInput, RefusalCode,
};

use crate::pair::{NODE, Pair, end, journal, journal_of};

#[test]
fn nothing_is_acknowledged_before_the_writer_has_committed() {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    pair.connect();
    pair.writing = false;
    pair.sell(3);
    pair.settle();
    assert_eq!(pair.line.len(), 1, "the frame waits for the writer");
    assert_eq!(pair.acknowledged().unwrap().seq, 0);
    pair.writing = true;
    pair.settle();
    assert_eq!(pair.acknowledged(), Some(end(&journal(3))));
}

#[test]
fn sales_made_while_frames_are_under_way_follow_them() {
    let mut pair = Pair::new(journal(2), Vec::new());
    pair.connect();
    for round in 0..20 {
        pair.sell(1 + round % 3);
        if round % 4 == 0 {
            pair.settle();
        }
    }
    pair.settle();
    assert_eq!(pair.held, pair.journal);
    assert_eq!(pair.acknowledged(), Some(end(&pair.journal)));
}

#[test]
fn a_backlog_travels_in_full_frames() {
    let mut pair = Pair::new(journal(2_000), Vec::new());
    pair.connect();
    assert_eq!(pair.held.len(), 2_000);
    assert!(pair.sent_frames <= 5, "{} frames", pair.sent_frames);
}

#[test]
fn the_hub_hears_how_far_a_stalled_journal_reaches() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.window = 0;
    pair.connect();
    assert_eq!(pair.announced(), 1);
    pair.sell(4);
    pair.pass(10);
    pair.settle();
    assert_eq!(pair.announced(), 1, "not before a second has passed");
    pair.pass(1_000);
    pair.settle();
    assert_eq!(pair.announced(), 5);
    assert!(pair.held.is_empty());
}

#[test]
fn a_commit_reported_during_an_empty_read_is_not_forgotten() {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    pair.connect();
    let entries = journal(1);
    let read = |effects: &[NodeEffect]| {
        effects
            .iter()
            .any(|effect| matches!(effect, NodeEffect::ReadJournal { .. }))
    };
    // A shell that announces entry 1, reads nothing, and reports entry 2 meanwhile.
    let effects = pair.node.handle(
        pair.now,
        NodeInput::Committed {
            head: entries[0].watermark(),
        },
    );
    assert!(read(&effects));
    let head = end(&journal(2));
    assert!(!read(
        &pair.node.handle(pair.now, NodeInput::Committed { head })
    ));
    let effects = pair
        .node
        .handle(pair.now, NodeInput::JournalRead { frame: None });
    assert!(read(&effects), "the node asks again: {effects:?}");
}

fn first_frame(replica: evertill_domain::ReplicaId, skip: usize) -> Frame {
    let entries = journal_of(replica, 3, 0);
    let after = skip
        .checked_sub(1)
        .map_or(Watermark::nothing(replica), |at| entries[at].watermark());
    pack(
        &after,
        None,
        &entries[skip..],
        Compression::Live,
        PartCodec::VERBATIM,
    )
    .unwrap()
}

#[test]
fn frames_that_do_not_continue_the_chain_are_refused() {
    let other = evertill_domain::ReplicaId(1);
    for frame in [first_frame(NODE, 1), first_frame(other, 0)] {
        let mut pair = Pair::new(Vec::new(), Vec::new());
        pair.connect();
        pair.inject_to_hub(&Message::JournalFrame(frame.encode()));
        assert!(
            matches!(pair.hub_close(), Some(CloseReason::Refused(refusal))
                if refusal.code == RefusalCode::ChainBroken),
            "{:?}",
            pair.hub_close()
        );
        assert!(pair.line.is_empty(), "the writer never sees it");
    }
}

#[test]
fn a_frame_that_the_writer_refuses_ends_the_session_and_tells_the_node() {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    pair.connect();
    let mut frame = first_frame(NODE, 0);
    frame.head.0[0] ^= 1;
    pair.inject_to_hub(&Message::JournalFrame(frame.encode()));
    pair.settle();
    assert!(
        matches!(pair.node_close(), Some(CloseReason::RefusedByPeer(refusal))
        if refusal.code == RefusalCode::ChainBroken)
    );
}

#[test]
fn an_acknowledgement_of_something_else_than_a_frame_is_a_fault() {
    for at in [
        end(&journal_of(NODE, 3, 1)),
        end(&journal(2)),
        end(&journal(9)),
    ] {
        let mut pair = Pair::new(Vec::new(), Vec::new());
        pair.connect();
        pair.sell(3);
        pair.inject_to_node(&Message::JournalAck { at, credit: 0 });
        assert!(
            matches!(pair.node_close(), Some(CloseReason::Protocol(_))),
            "{at:?}"
        );
    }
}

#[test]
fn a_database_that_fails_ends_the_session_for_a_while() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.writing = false;
    pair.connect();
    pair.hub_does(HubInput::Failed {
        detail: "disk full".to_owned(),
    });
    pair.settle();
    assert!(matches!(pair.hub_log.last(), Some(HubEffect::Close(_))));
    assert!(
        matches!(pair.node_close(), Some(CloseReason::RefusedByPeer(refusal))
        if refusal.code == RefusalCode::Storage)
    );
}
