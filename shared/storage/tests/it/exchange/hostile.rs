//! Ten thousand mutated frames and changes, and claims that no machine can keep.
//!
//! Nothing bad is accepted means: what is stored continues its journal hash by
//! hash, what is applied is byte for byte what an honest machine would have
//! written for the same sound events, and every other store's frame in the
//! same group applies.

use std::time::{Duration, Instant};

use evertill_documents::{Document, append, create, read};
use evertill_domain::{ActorId, DocumentId, Event, event};
use evertill_journal::{Frame, Part};
use evertill_storage::ingest::{self, IngestError, Ingested, Peer, RefusalRule};
use evertill_storage::projection::documents;
use evertill_storage::quarantine;

use super::events::{posted, request};
use super::world::{Forger, Hub, Random, Site, fingerprint};
use crate::ledger::world::now;

/// Mutations of each kind.
const ROUNDS: usize = 5_000;

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
            // A number as large as numbers get.
            _ => drop(bytes.splice(at..end, [0xff; 9].into_iter().chain([0x01]))),
        }
    }
}

/// A frame with some of its bytes, its payload or its claims changed.
fn mutated(random: &mut Random, original: &Frame) -> Option<Frame> {
    let mut frame = original.clone();
    match random.below(8) {
        0..=1 => {
            let mut bytes = original.encode();
            mutate(random, &mut bytes);
            return Frame::decode(&bytes).ok();
        }
        2..=5 => {
            // The payload inflates; what it says is changed.
            if frame.level > 0 {
                let length = frame.raw_len as usize;
                frame.payload = zstd::bulk::decompress(&frame.payload, length).unwrap();
                frame.level = 0;
            }
            mutate(random, &mut frame.payload);
            frame.raw_len = u32::try_from(frame.payload.len()).unwrap();
        }
        6 => {
            frame.first_seq = (frame.first_seq + random.next() % 7).saturating_sub(3);
        }
        _ => match random.below(4) {
            0 => frame.count = frame.count.wrapping_add(1 + u32::from(random.byte()) % 3),
            1 => frame.head.0[random.below(32)] ^= 1,
            2 => frame.actor = frame.actor.xor(Some(ActorId([random.byte(); 16]))),
            _ => frame.raw_len ^= 1 << random.below(32),
        },
    }
    Some(frame)
}

/// Takes a hostile frame and an honest one in the same group; the honest one
/// must apply.
fn beside(
    hub: &Hub,
    (peer, frame): (&Peer, &Frame),
    honest: &mut Forger,
    number: u64,
) -> Result<Ingested, IngestError> {
    let after = honest.entries.len();
    honest.sell(number, &[("A", 1)]);
    let other = honest.frame_after(after);
    // In either order.
    let pair = if number.is_multiple_of(2) {
        [(peer, frame), (&honest.peer, &other)]
    } else {
        [(&honest.peer, &other), (peer, frame)]
    };
    let mut results = ingest::group(&hub.conn, &pair, now()).unwrap();
    let theirs = results.remove(usize::from(number.is_multiple_of(2)));
    assert_eq!(theirs.unwrap().applied, 1, "the honest store is delayed");
    results.remove(0)
}

fn honest(hub: &Hub) -> Forger {
    let honest = Forger::new("S009", 99);
    hub.take(&honest.peer, &honest.frame()).unwrap();
    honest
}

#[test]
fn mutated_frames() {
    let hub = Hub::new();
    let mut honest = honest(&hub);
    let mut random = Random(0x5eed_0011);
    let sites: Vec<_> = (1..=40)
        .map(|id| {
            let mut site = Site::new("S001", id);
            (0..6).for_each(|_| drop(site.sell(&[("A", 2), ("B", 1)])));
            let frames = site.frames(3);
            hub.take(&site.peer(), &frames[0]).unwrap();
            (site.peer(), frames)
        })
        .collect();
    let (mut decoded, mut accepted) = (0, 0);
    for round in 0..ROUNDS {
        let (peer, frames) = &sites[random.below(sites.len())];
        let original = &frames[random.below(frames.len())];
        let Some(frame) = mutated(&mut random, original) else {
            continue;
        };
        decoded += 1;
        match beside(&hub, (peer, &frame), &mut honest, round as u64 + 1) {
            Ok(ingested) => {
                // What was altered did not matter: the entries are the original's.
                accepted += 1;
                assert_eq!(ingested.parked, 0, "round {round}");
                assert!(ingested.at.seq >= original.last_seq(), "round {round}");
            }
            Err(IngestError::Refused(refusal)) => {
                if refusal.rule == RefusalRule::Chain {
                    for case in hub.cases().iter().filter(|case| case.rule == "chain") {
                        quarantine::retry(&hub.conn, case.id, "test", now()).unwrap();
                    }
                }
            }
            Err(IngestError::Table(error)) => panic!("round {round}: {error}"),
        }
    }
    assert!(
        decoded > ROUNDS / 3,
        "only {decoded} frames got as far as ingest"
    );
    assert!(accepted < decoded / 2, "{accepted} of {decoded} were taken");
    for (peer, frames) in &sites {
        for frame in frames {
            hub.take(peer, frame).unwrap();
        }
    }
    fingerprint(&hub.conn);
}

/// A well-chained entry with a mutated change, and the document it belongs to.
fn forge(forger: &mut Forger, random: &mut Random, base: &Part, number: u64) -> DocumentId {
    let seq = forger.next();
    let mut part = if random.below(3) > 0 {
        let receipt = forger.receipt(number, &[("A", 2), ("B", 1)]);
        create(&forger.actor, seq, 0, &[event::encode(&receipt)])
    } else {
        let document = Document::load(base.document, [&base.change]).unwrap();
        let event = event::encode(&posted("S001", "A", 5, 4));
        append(&document, &forger.actor, seq, 0, &[event])
    };
    if random.below(2) == 0 {
        mutate(random, &mut part.change);
    } else {
        let mut body = chunk::body(&part.change).to_vec();
        mutate(random, &mut body);
        part.change = chunk::chunk(1, &body);
    }
    let document = part.document;
    forger.push(None, vec![part]);
    document
}

#[test]
fn mutated_changes_in_well_chained_entries() {
    let hub = Hub::new();
    let mut honest = honest(&hub);
    let mut random = Random(0x5eed_0012);
    let mut forger = Forger::new("S001", 1);
    let base = forger.open(&[request("S001", "A", 5)]);
    hub.take(&forger.peer, &forger.frame()).unwrap();
    let (mut applied, mut parked) = (0, 0);
    for round in 0..ROUNDS {
        let after = forger.entries.len();
        let document = forge(&mut forger, &mut random, &base, round as u64 + 1);
        let frame = forger.frame_after(after);
        let peer = forger.peer.clone();
        let taken = beside(&hub, (&peer, &frame), &mut honest, round as u64 + 1).unwrap();
        assert_eq!((taken.at, taken.applied + taken.parked), (forger.head(), 1));
        parked += taken.parked;
        if taken.applied > 0 {
            applied += 1;
            is_honest(&hub, &forger, document, round);
        }
    }
    // Some hit only what an event says, and say something sound: this shows that
    // the test can see one pass.
    assert!(applied > 20, "{applied} applied");
    assert!(parked > ROUNDS / 2, "{parked} parked");
    fingerprint(&hub.conn);
}

/// What was applied is what an honest machine writes for the same events.
fn is_honest(hub: &Hub, forger: &Forger, document: DocumentId, round: usize) {
    let part = &forger.entries.last().unwrap().entry.parts[0];
    let events: Vec<_> = read(&part.change)
        .unwrap()
        .into_iter()
        .map(|(_, event)| event)
        .collect();
    for event in &events {
        match event::decode(event).unwrap() {
            Event::Receipt(receipt) => {
                receipt.check().unwrap();
                assert_eq!(receipt.number.location, forger.peer.location);
                assert_eq!(receipt.number.code, forger.replica.code());
            }
            Event::CountPosted(posted) => assert_eq!(posted.location, forger.peer.location),
            Event::Unknown { .. } => {}
            Event::Movements(_)
            | Event::CountRequested(_)
            | Event::Order(_)
            | Event::ReplicaSealed(_) => {
                panic!("round {round}")
            }
        }
    }
    let seq = forger.entries.len() as u64;
    let changes = documents::changes(&hub.conn, &document).unwrap();
    let (last, before) = match changes.iter().position(|change| *change == part.change) {
        Some(at) => (&changes[at], &changes[..at]),
        None => panic!("round {round}: it is applied and not found"),
    };
    let again = if before.is_empty() {
        create(&forger.actor, seq, 0, &events)
    } else {
        // Each extension builds on the heads of its moment; the forger's always
        // builds on the request alone unless it was taken for its next.
        let document = Document::load(document, before).unwrap();
        append(&document, &forger.actor, seq, 0, &events)
    };
    assert_eq!(again.change, *last, "round {round}");
}

#[test]
fn the_104_byte_change_that_claims_a_million_million_operations() {
    let hub = Hub::new();
    let mut honest = honest(&hub);
    let mut forger = Forger::new("S001", 1);
    hub.take(&forger.peer, &forger.frame()).unwrap();
    let change = chunk::claims_10_to_the_12(&forger);
    assert_eq!(change.len(), 104);
    let before = peak_memory();
    let began = Instant::now();
    for round in 1..=200 {
        let after = forger.entries.len();
        let seq = forger.next();
        let document = DocumentId::derive(&forger.actor, seq, 0);
        let change = change.clone();
        forger.push(
            None,
            vec![Part {
                n: 0,
                document,
                change,
            }],
        );
        let frame = forger.frame_after(after);
        let peer = forger.peer.clone();
        let taken = beside(&hub, (&peer, &frame), &mut honest, round).unwrap();
        assert_eq!((taken.applied, taken.parked), (0, 1));
    }
    let cases = hub.cases();
    assert!(cases.iter().all(|case| case.rule == "gate.operations"));
    assert!(
        cases[0].reason.contains("1000000000000"),
        "{}",
        cases[0].reason
    );
    assert!(began.elapsed() < Duration::from_mins(1));
    // Other tests run beside this one, so the bound is generous; the claim
    // would cost terabytes.
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 512 << 20, "{grown} bytes");
}

#[test]
fn frames_that_claim_to_inflate_without_bound() {
    let hub = Hub::new();
    let mut honest = honest(&hub);
    let mut site = Site::new("S001", 1);
    site.sell(&[("A", 1)]);
    let good = site.frames(50).remove(0);
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    assert!(bomb.len() < 64 << 10);
    let claims = [
        Frame {
            raw_len: u32::MAX,
            ..good.clone()
        },
        Frame {
            raw_len: 1 << 20,
            payload: bomb.clone(),
            level: 3,
            ..good.clone()
        },
        Frame {
            raw_len: 64 << 20,
            payload: bomb,
            level: 3,
            ..good.clone()
        },
        Frame {
            count: u32::MAX,
            ..good.clone()
        },
        Frame {
            first_seq: u64::MAX,
            ..good.clone()
        },
        Frame {
            first_seq: 0,
            ..good.clone()
        },
        Frame {
            count: 0,
            ..good.clone()
        },
    ];
    for (number, claim) in (1..).zip(&claims) {
        let peer = site.peer();
        match beside(&hub, (&peer, claim), &mut honest, number) {
            Err(IngestError::Refused(refusal)) => {
                assert_eq!(refusal.rule, RefusalRule::Frame, "{refusal}");
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    hub.take(&site.peer(), &good).unwrap();
    assert_eq!(hub.receipts(), 1 + i64::try_from(claims.len()).unwrap());
}

#[test]
fn a_document_that_is_grown_without_end_is_parked_and_delays_nobody() {
    let hub = Hub::new();
    let mut honest = honest(&hub);
    let mut forger = Forger::new("S001", 1);
    let base = forger.open(&[request("S001", "A", 5)]);
    // Kinds that nobody here knows may stand anywhere in a document.
    let later = vec![0x82, 0x19, 0x12, 0x67, 0x80];
    let mut document = Document::load(base.document, [&base.change]).unwrap();
    for _ in 0..400 {
        let part = append(
            &document,
            &forger.actor,
            forger.next(),
            0,
            std::slice::from_ref(&later),
        );
        document.apply(&part.change).unwrap();
        forger.push(None, vec![part]);
    }
    let peer = forger.peer.clone();
    let taken = beside(&hub, (&peer, &forger.frame()), &mut honest, 1).unwrap();
    assert_eq!((taken.applied, taken.parked), (2 + 256, 400 - 256));
    assert!(hub.cases().iter().all(|case| case.rule == "document"));
    fingerprint(&hub.conn);
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// Change chunks taken apart and put together.
mod chunk {
    use sha2::{Digest, Sha256};

    use crate::exchange::world::Forger;

    /// A body as a chunk of this type, with the right length and checksum.
    pub(super) fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut head = vec![kind];
        unsigned(&mut head, body.len() as u64);
        let hash = Sha256::new()
            .chain_update(&head)
            .chain_update(body)
            .finalize();
        [&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &head, body].concat()
    }

    /// The body of a change chunk.
    pub(super) fn body(change: &[u8]) -> &[u8] {
        let length = change[9..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
        &change[9 + length..]
    }

    /// Every column is one run of 10¹² values.
    pub(super) fn claims_10_to_the_12(forger: &Forger) -> Vec<u8> {
        let mut huge = Vec::new();
        signed(&mut huge, 1_000_000_000_000);
        let run = |value: u8| [huge.as_slice(), &[value]].concat();
        let mut booleans = Vec::new();
        unsigned(&mut booleans, 1_000_000_000_000);
        let columns = [
            (0x15_u64, [huge.as_slice(), &[1, b'k']].concat()),
            (0x34, booleans.clone()),
            (0x42, run(1)),
            (0x56, run(0)),
            (0x70, run(0)),
            (0x94, booleans),
        ];
        let mut body = [&[0, 16], forger.actor.0.as_slice(), &[1, 1, 0, 0, 0]].concat();
        unsigned(&mut body, columns.len() as u64);
        for (specification, data) in &columns {
            unsigned(&mut body, *specification);
            unsigned(&mut body, data.len() as u64);
        }
        for (_, data) in &columns {
            body.extend(data);
        }
        chunk(1, &body)
    }

    fn unsigned(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    }

    fn signed(out: &mut Vec<u8>, mut value: i64) {
        for _ in 0..9 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value & 0x7f).unwrap());
    }
}
