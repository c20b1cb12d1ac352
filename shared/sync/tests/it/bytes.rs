//! Bytes: every message survives the wire, and no bytes do harm.

use evertill_domain::{NodeId, ReplicaId, Timestamp};
use evertill_journal::{EntryHash, Watermark};
use evertill_sync::{
    Channel, Decoded, Divergence, DivergenceKind, FeedFrame, FeedPosition, HubHello, HubInput,
    Message, MessageError, NodeHello, NodeInput, PrivatePage, PrivatePosition, ReferencePage,
    ReferencePosition, ReferenceVersion, Refusal, RefusalCode, Whose, limits,
};
use minicbor::Encoder;

use crate::pair::{Pair, journal};

fn at(seq: u64) -> Watermark {
    Watermark {
        seq,
        hash: EntryHash([seq.to_be_bytes()[7]; 32]),
    }
}

fn position(cursor: Option<&[u8]>) -> ReferencePosition {
    ReferencePosition {
        hub: 4,
        version: 300,
        cursor: cursor.map(<[u8]>::to_vec),
    }
}

fn node_hello(feed: Option<FeedPosition>) -> Message {
    Message::NodeHello(Box::new(NodeHello {
        protocol: 1,
        oldest: 1,
        node: NodeId(u64::MAX),
        location: "S001".parse().unwrap(),
        replica: ReplicaId(2),
        head: at(99),
        feed,
        reference: position(Some(b"cursor")),
        clock: Timestamp::from_millis(1_700_000_000_000),
        software: "0.1.0".to_owned(),
        private: feed.map(|_| PrivatePosition { hub: 5, version: 9 }),
    }))
}

fn every_message() -> Vec<Message> {
    let divergence = |whose, kind, own| {
        Message::Diverged(Divergence {
            whose,
            kind,
            peer_holds: at(3),
            own,
        })
    };
    vec![
        node_hello(None),
        node_hello(Some(FeedPosition {
            hub: ReplicaId(5),
            at: at(6),
        })),
        Message::HubHello(Box::new(HubHello {
            protocol: 1,
            hub: ReplicaId(5),
            watermark: at(98),
            feed_head: at(7),
            reference: ReferenceVersion {
                hub: 4,
                version: 301,
            },
            credit: 500_000,
            clock: Timestamp::from_millis(-5),
            software: "0.1.0".to_owned(),
            pickup_key: Some(evertill_domain::order::PickupKey::new([7; 32])),
        })),
        Message::Ready,
        Message::Refused(Refusal::new(RefusalCode::Other(77), "because")),
        divergence(
            Whose::Node,
            DivergenceKind::Forked,
            Some(EntryHash([1; 32])),
        ),
        divergence(Whose::Hub, DivergenceKind::Regressed, None),
        divergence(Whose::Hub, DivergenceKind::Replaced, None),
        Message::JournalHead(at(1)),
        Message::FeedHead(at(u64::MAX)),
        Message::ReferenceHead(ReferenceVersion { hub: 1, version: 2 }),
        Message::Ping(1),
        Message::Pong(u64::MAX),
        Message::Bye,
        Message::JournalFrame(vec![7; 300]),
        Message::JournalAck {
            at: at(12),
            credit: 1 << 40,
        },
        Message::Credit(0),
        Message::CreditWanted(1_000_000),
        Message::FeedFrame(FeedFrame {
            hub: ReplicaId(5),
            first_seq: 8,
            items: vec![vec![1], Vec::new(), vec![2; 70]],
            head: EntryHash([9; 32]),
        }),
        Message::FeedAck(at(10)),
        Message::ReferencePage(ReferencePage {
            from: position(None),
            to: position(Some(&[])),
            rows: vec![3; 20],
        }),
        Message::ReferenceAck(position(None)),
        Message::PrivatePage(PrivatePage {
            from: PrivatePosition::NOTHING,
            to: PrivatePosition { hub: 5, version: 9 },
            rows: vec![4; 30],
        }),
        Message::PrivateAck(PrivatePosition { hub: 5, version: 9 }),
    ]
}

#[test]
fn every_message_survives_the_wire() {
    for message in every_message() {
        let read = Message::decode(message.channel(), &message.encode());
        assert_eq!(read, Ok(Decoded::Message(message)));
    }
}

/// A node of before the private stream ended its hello with its software version.
#[test]
fn a_hello_of_before_the_private_stream_is_read() {
    let bytes = node_hello(None).encode();
    // [1, [… ten fields, null]]: the same without the last one.
    let mut older = bytes[..bytes.len() - 1].to_vec();
    assert_eq!((bytes[2], bytes.last()), (0x8b, Some(&0xf6)));
    older[2] = 0x8a;
    let read = Message::decode(Channel::Control, &older);
    assert_eq!(read, Ok(Decoded::Message(node_hello(None))));
}

#[test]
fn fields_of_a_newer_version_are_skipped() {
    let mut writer = Encoder::new(Vec::new());
    writer.array(3).unwrap().u32(9).unwrap().array(2).unwrap();
    writer
        .u64(5)
        .unwrap()
        .str("new")
        .unwrap()
        .str("newer")
        .unwrap();
    let read = Message::decode(Channel::Control, writer.writer());
    assert_eq!(read, Ok(Decoded::Message(Message::Ping(5))));
}

#[test]
fn a_text_that_is_too_long_is_cut_between_characters() {
    let detail = "é".repeat(limits::MAX_TEXT_BYTES);
    let message = Message::Refused(Refusal::new(RefusalCode::Busy, detail));
    let Ok(Decoded::Message(Message::Refused(read))) =
        Message::decode(Channel::Control, &message.encode())
    else {
        panic!("the refusal was not read");
    };
    assert_eq!(read.detail, "é".repeat(limits::MAX_TEXT_BYTES / 2));
}

#[test]
fn length_claims_beyond_the_bytes_are_refused_without_memory() {
    let claims: [&[u8]; 6] = [
        &[
            0x82, 0x14, 0x81, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x09],
        &[
            0x82, 0x09, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ],
        &[0x9f, 0x09, 0x81, 0x01, 0xff],
        &[
            0x82, 0x18, 0x4d, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        &[],
    ];
    for bytes in claims {
        for channel in Channel::ALL {
            assert!(Message::decode(channel, bytes).is_err(), "{bytes:02x?}");
        }
    }
    let long = vec![0; limits::MAX_CONTROL_BYTES + 1];
    let error = Message::decode(Channel::Control, &long).unwrap_err();
    assert!(matches!(error, MessageError::TooLong { .. }));
    assert_eq!(
        error.to_string(),
        "a message of 4097 bytes on the control channel is longer than 4096"
    );
}

#[test]
fn a_feed_frame_of_too_many_items_is_refused() {
    let items = vec![Vec::new(); limits::FEED_FRAME_ITEMS + 1];
    let head = EntryHash([0; 32]);
    let message = Message::FeedFrame(FeedFrame {
        hub: ReplicaId(1),
        first_seq: 1,
        items,
        head,
    });
    assert!(Message::decode(Channel::Feed, &message.encode()).is_err());
}

/// A small generator of numbers: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A few random edits: bytes changed, cut, doubled, inserted.
fn mutate(numbers: &mut Numbers, bytes: &mut Vec<u8>) {
    for _ in 0..=numbers.below(4) {
        let place = numbers.below(bytes.len());
        let byte = numbers.next().to_be_bytes()[0];
        match numbers.below(5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, byte),
            2 if !bytes.is_empty() => drop(bytes.remove(place)),
            3 => bytes.extend_from_within(place..),
            _ if !bytes.is_empty() => bytes[place] = byte,
            _ => bytes.push(byte),
        }
    }
}

#[test]
fn mutated_messages_never_panic_and_what_is_read_can_be_written() {
    let mut numbers = Numbers(1);
    let messages = every_message();
    let mut read = 0;
    for round in 0..40_000 {
        let message = &messages[round % messages.len()];
        let mut bytes = message.encode();
        mutate(&mut numbers, &mut bytes);
        if let Ok(Decoded::Message(message)) = Message::decode(message.channel(), &bytes) {
            let again = Message::decode(message.channel(), &message.encode());
            assert_eq!(again, Ok(Decoded::Message(message)));
            read += 1;
        }
    }
    assert!(
        read > 1_000,
        "the mutations never reach past the first byte: {read}"
    );
}

#[test]
fn sessions_take_mutated_messages_without_panic() {
    let mut numbers = Numbers(2);
    let messages = every_message();
    for round in 0..4_000 {
        let mut pair = Pair::new(journal(2), Vec::new());
        pair.feed = vec![vec![1], vec![2]];
        if round % 3 > 0 {
            pair.connect();
        }
        for _ in 0..3 {
            let message = &messages[numbers.below(messages.len())];
            let mut bytes = message.encode();
            if numbers.below(3) > 0 {
                mutate(&mut numbers, &mut bytes);
            }
            let channel = message.channel();
            pair.node_does(NodeInput::Received {
                channel,
                bytes: bytes.clone(),
            });
            pair.hub_does(HubInput::Received { channel, bytes });
        }
        assert_eq!(&pair.held[..], &journal(pair.held.len() as u64)[..]);
    }
}
