//! Silence, pings, proof of life, goodbyes and messages of the future.

use evertill_sync::limits::{DEAD_AFTER_MS, HELLO_TIMEOUT_MS, PING_AFTER_MS, PROOF_OF_LIFE_MS};
use evertill_sync::{
    Channel, CloseReason, HubEffect, HubInput, Message, NodeEffect, NodeInput, Note,
};

use crate::pair::{Pair, journal};

#[test]
fn two_idle_sides_keep_each_other_alive() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    for _ in 0..100 {
        pair.pass(PING_AFTER_MS);
        pair.settle();
    }
    assert_eq!((pair.node_close(), pair.hub_close()), (None, None));
}

#[test]
fn a_peer_that_says_nothing_is_dead() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    pair.pass(PING_AFTER_MS);
    pair.pass(DEAD_AFTER_MS - PING_AFTER_MS);
    assert_eq!(pair.node_close(), Some(&CloseReason::Silent));
    assert_eq!(pair.hub_close(), Some(&CloseReason::Silent));
}

#[test]
fn a_connection_without_a_hello_is_closed() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.node_does(NodeInput::Opened { clock: pair.now });
    pair.pass(HELLO_TIMEOUT_MS);
    assert_eq!(pair.node_close(), Some(&CloseReason::NoHello));
    assert_eq!(pair.hub_close(), Some(&CloseReason::NoHello));
}

#[test]
fn a_live_connection_proves_it_and_a_dead_one_gives_way() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    pair.hub_does(HubInput::ProveAlive);
    pair.settle();
    assert!(pair.hub_log.contains(&HubEffect::Alive));
    pair.hub_does(HubInput::ProveAlive);
    pair.pass(PROOF_OF_LIFE_MS);
    assert_eq!(pair.hub_close(), Some(&CloseReason::Superseded));
}

#[test]
fn a_goodbye_ends_the_other_side_in_good_order() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    pair.hub_does(HubInput::Stop);
    pair.settle();
    assert_eq!(pair.node_close(), Some(&CloseReason::PeerStopped));
}

#[test]
fn messages_of_a_newer_version_are_noted_and_ignored() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    let bytes = minicbor::to_vec((77_u32, [1_u8, 2])).unwrap();
    for channel in Channel::ALL {
        let input = NodeInput::Received {
            channel,
            bytes: bytes.clone(),
        };
        pair.node_does(input);
        pair.hub_does(HubInput::Received {
            channel,
            bytes: bytes.clone(),
        });
        let note = Note::UnknownMessage { channel, kind: 77 };
        assert!(pair.node_log.contains(&NodeEffect::Note(note.clone())));
        assert!(pair.hub_log.contains(&HubEffect::Note(note)));
    }
    assert_eq!((pair.node_close(), pair.hub_close()), (None, None));
}

#[test]
fn known_messages_on_the_wrong_channel_are_a_fault() {
    let mut pair = Pair::new(journal(1), Vec::new());
    pair.connect();
    let bytes = Message::Ping(1).encode();
    pair.node_does(NodeInput::Received {
        channel: Channel::Feed,
        bytes,
    });
    assert!(matches!(pair.node_close(), Some(CloseReason::Protocol(_))));
}
