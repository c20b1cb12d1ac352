//! The hello: who is it, do we speak one language, is it the same journal?

use evertill_domain::NodeId;
use evertill_journal::Watermark;
use evertill_sync::{
    CloseReason, Divergence, DivergenceKind, FeedPosition, Message, NodeEffect, NodeHello,
    NodeInput, Note, PROTOCOL, ReferencePosition, Refusal, RefusalCode, Retry, Whose,
};

use crate::pair::{HUB, NODE, Pair, end, feed_hash, journal, journal_of};

#[test]
fn equal_watermarks_continue_where_the_hub_stands() {
    let mut pair = Pair::new(journal(10), journal(4));
    pair.connect();
    assert_eq!(pair.held.len(), 10);
    assert_eq!(pair.acknowledged(), Some(end(&journal(10))));
    assert_eq!(pair.node_close(), None);
    assert_eq!(pair.hub_close(), None);
}

#[test]
fn a_first_contact_ships_everything() {
    let mut pair = Pair::new(journal(3), Vec::new());
    pair.connect();
    assert_eq!(pair.held, journal(3));
}

#[test]
fn a_node_that_lost_its_tail_regressed_and_ships_nothing() {
    let mut pair = Pair::new(journal(3), journal(5));
    pair.connect();
    let divergence = Divergence {
        whose: Whose::Node,
        kind: DivergenceKind::Regressed,
        peer_holds: end(&journal(5)),
        own: None,
    };
    assert_eq!(pair.node_close(), Some(&CloseReason::Diverged(divergence)));
    assert_eq!(pair.hub_close(), Some(&CloseReason::Diverged(divergence)));
    assert_eq!(pair.sent_frames, 0);
    assert_eq!(CloseReason::Diverged(divergence).retry(), Retry::Never);
}

#[test]
fn a_node_that_wrote_on_after_losing_its_tail_forked() {
    let mut pair = Pair::new(journal_of(NODE, 9, 1), journal(5));
    pair.connect();
    let Some(CloseReason::Diverged(divergence)) = pair.hub_close() else {
        panic!("the hub closed with {:?}", pair.hub_close());
    };
    assert_eq!(divergence.kind, DivergenceKind::Forked);
    assert_eq!(divergence.own, Some(journal_of(NODE, 9, 1)[4].hash));
    assert_eq!(pair.held, journal(5), "nothing of the fork is taken");
}

#[test]
fn a_hub_that_holds_less_than_it_acknowledged_gets_it_again() {
    let mut pair = Pair::with(journal(8), journal(2), |start| {
        start.acknowledged = end(&journal(6));
    });
    pair.connect();
    let note = Note::HubLostEntries {
        acknowledged: end(&journal(6)),
        holds: end(&journal(2)),
    };
    assert!(pair.node_log.contains(&NodeEffect::Note(note)));
    assert_eq!(pair.held, journal(8));
}

#[test]
fn a_feed_that_the_hub_does_not_have_stops_the_session() {
    for (hub, seq, own, kind) in [
        (HUB, 2, 1, DivergenceKind::Regressed),
        (HUB, 1, 1, DivergenceKind::Forked),
        (NODE, 1, 1, DivergenceKind::Replaced),
    ] {
        let at = Watermark {
            seq,
            hash: feed_hash(b"another item"),
        };
        let mut pair = Pair::with(journal(1), Vec::new(), |start| {
            start.feed = Some(FeedPosition { hub, at });
        });
        pair.feed = vec![b"item".to_vec(); own];
        pair.connect();
        let Some(CloseReason::Diverged(divergence)) = pair.node_close() else {
            panic!("the node closed with {:?}", pair.node_close());
        };
        assert_eq!((divergence.whose, divergence.kind), (Whose::Hub, kind));
    }
}

fn node_hello() -> NodeHello {
    NodeHello {
        protocol: PROTOCOL,
        oldest: PROTOCOL,
        node: NodeId(7),
        location: "S001".parse().unwrap(),
        replica: NODE,
        head: Watermark::nothing(NODE),
        feed: None,
        reference: ReferencePosition::default(),
        clock: evertill_domain::Timestamp::from_millis(0),
        software: "test".to_owned(),
        private: None,
    }
}

fn refused(hello: NodeHello) -> Option<RefusalCode> {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    pair.inject_to_hub(&Message::NodeHello(Box::new(hello)));
    match pair.hub_close() {
        Some(CloseReason::Refused(refusal)) => Some(refusal.code),
        _ => None,
    }
}

#[test]
fn another_node_or_location_than_the_certificate_names_is_refused() {
    assert_eq!(refused(node_hello()), None);
    let node = NodeHello {
        node: NodeId(8),
        ..node_hello()
    };
    assert_eq!(refused(node), Some(RefusalCode::IdentityMismatch));
    let location = NodeHello {
        location: "S002".parse().unwrap(),
        ..node_hello()
    };
    assert_eq!(refused(location), Some(RefusalCode::IdentityMismatch));
}

#[test]
fn versions_that_do_not_overlap_are_refused_and_newer_ones_meet() {
    let newer = NodeHello {
        protocol: PROTOCOL + 5,
        ..node_hello()
    };
    assert_eq!(refused(newer.clone()), None);
    let too_new = NodeHello {
        oldest: PROTOCOL + 1,
        ..newer
    };
    assert_eq!(refused(too_new), Some(RefusalCode::ProtocolUnsupported));
    let too_old = NodeHello {
        protocol: 0,
        oldest: 0,
        ..node_hello()
    };
    assert_eq!(refused(too_old), Some(RefusalCode::ProtocolUnsupported));
}

#[test]
fn a_refusal_reaches_the_node_with_its_code_and_words() {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    let refusal = Refusal::new(
        RefusalCode::Revoked,
        "This node was revoked: enrol it again.",
    );
    pair.inject_to_node(&Message::Refused(refusal.clone()));
    assert_eq!(
        pair.node_close(),
        Some(&CloseReason::RefusedByPeer(refusal))
    );
    assert!(pair.node.is_closed());
    pair.node_log.clear();
    pair.node_does(NodeInput::Woke);
    assert!(pair.node_log.is_empty(), "a closed session does nothing");
}

#[test]
fn messages_before_the_hello_are_refused() {
    for message in [
        Message::Ready,
        Message::JournalFrame(Vec::new()),
        Message::CreditWanted(1),
    ] {
        let mut pair = Pair::new(Vec::new(), Vec::new());
        pair.inject_to_hub(&message);
        assert!(
            matches!(pair.hub_close(), Some(CloseReason::Refused(refusal))
                if refusal.code == RefusalCode::Malformed),
            "{message:?}"
        );
    }
}
