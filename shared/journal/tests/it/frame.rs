//! Frames: they give back what was packed, and nothing else gets through.

use evertill_domain::ActorId;
use evertill_journal::limits::MAX_FRAME_RAW;
use evertill_journal::{
    BreakReason, Compression, FRAME_BYTES, FRAME_ENTRIES, Frame, FrameError, PackError, PartCodec,
    Sealed, Watermark, pack, unpack,
};

use crate::support::*;

const BOTH: [Compression; 2] = [Compression::Live, Compression::CatchUp];

fn nothing() -> Watermark {
    Watermark::nothing(REPLICA)
}

fn packed(entries: &[Sealed]) -> Frame {
    pack(&nothing(), None, entries, Compression::CatchUp, codec()).unwrap()
}

#[test]
fn frames_give_back_what_was_packed() {
    let entries = journal(300);
    for compression in BOTH {
        for codec in [codec(), PartCodec::VERBATIM] {
            let frame = pack(&nothing(), None, &entries, compression, codec).unwrap();
            assert_eq!((frame.first_seq, frame.last_seq()), (1, 300));
            let frame = Frame::decode(&frame.encode()).unwrap();
            assert_eq!(unpack(&frame, &nothing(), codec).unwrap(), entries);
        }
    }
}

#[test]
fn a_frame_can_start_anywhere() {
    let entries = journal(30);
    for from in 1..30 {
        let after = entries[from - 1].watermark();
        for single in BOTH {
            let frame = pack(&after, Some(ACTOR), &entries[from..=from], single, codec()).unwrap();
            assert_eq!(
                unpack(&frame, &after, codec()).unwrap(),
                entries[from..=from]
            );
        }
    }
}

#[test]
fn a_codec_that_is_wrong_costs_space_but_no_entry() {
    let wrong = PartCodec {
        strip: |_, change| {
            let body = change[1..].to_vec();
            Some(evertill_journal::Short { form: 0, body })
        },
        restore: |_, _, body| Some(body.to_vec()),
    };
    let entries = journal(30);
    let frame = pack(&nothing(), None, &entries, Compression::Live, wrong).unwrap();
    assert_eq!(unpack(&frame, &nothing(), wrong).unwrap(), entries);
}

#[test]
fn a_later_schemas_entry_travels_as_it_is() {
    let mut bytes = sale(&start().watermark(), change(2)).bytes;
    bytes[0] = 0x8a;
    bytes[1] = 3;
    bytes.push(0xf5);
    let entries = [start(), Sealed::decode(bytes).unwrap()];
    let frame = packed(&entries);
    assert_eq!(unpack(&frame, &nothing(), codec()).unwrap(), entries);
}

#[test]
fn one_frame_takes_what_fits() {
    let frame = packed(&journal(FRAME_ENTRIES as u64 + 5));
    assert_eq!(frame.count as usize, FRAME_ENTRIES);
    let large: Vec<_> = std::iter::successors(Some(start()), |last| {
        Some(sale(&last.watermark(), vec![9; 100_000]))
    })
    .take(6)
    .collect();
    let frame = packed(&large);
    assert_eq!(frame.count as usize, FRAME_BYTES / 100_000 + 1);
    let huge = [sale(&nothing(), vec![9; 1_000_000])];
    let frame = pack(&nothing(), Some(ACTOR), &huge, Compression::Live, codec()).unwrap();
    assert_eq!(unpack(&frame, &nothing(), codec()).unwrap(), huge);
    assert_eq!(
        pack(&nothing(), None, &[], Compression::Live, codec()),
        Err(PackError::Empty)
    );
    let gap = pack(&nothing(), None, &large[1..], Compression::Live, codec());
    assert!(matches!(gap, Err(PackError::Chain(_))));
}

#[test]
fn a_frame_that_does_not_continue_the_journal_is_refused() {
    let entries = journal(30);
    let frame = packed(&entries);
    // A plain entry that was rebuilt on another predecessor gives another head.
    let mut other = nothing();
    other.hash.0[0] ^= 1;
    let refused = unpack(&frame, &other, codec()).unwrap_err();
    assert!(matches!(
        refused,
        FrameError::Chain(broken) if matches!(broken.reason, BreakReason::Altered { .. })
    ));
    let after = entries[9].watermark();
    let tail = pack(
        &after,
        Some(ACTOR),
        &entries[10..13],
        Compression::Live,
        codec(),
    )
    .unwrap();
    let mut altered = after;
    altered.hash.0[0] ^= 1;
    assert!(unpack(&tail, &altered, codec()).is_err());
    let foreign = Frame {
        actor: Some(ActorId([1; 16])),
        ..tail
    };
    assert!(unpack(&foreign, &after, codec()).is_err());
}

#[test]
fn numbers_that_the_frame_names_are_checked() {
    let entries = journal(6);
    let after = entries[1].watermark();
    let frame = pack(
        &after,
        Some(ACTOR),
        &entries[2..],
        Compression::Live,
        codec(),
    )
    .unwrap();
    let moved = Frame {
        first_seq: frame.first_seq + 1,
        ..frame
    };
    assert!(unpack(&moved, &after, codec()).is_err());
}

#[test]
fn a_bomb_inflates_no_further_than_it_claims() {
    let bomb = zstd::bulk::compress(&vec![0; 200 << 20], 1).unwrap();
    let raw_len = u32::try_from(MAX_FRAME_RAW).unwrap();
    let frame = Frame {
        payload: bomb,
        level: 1,
        raw_len,
        ..packed(&journal(3))
    };
    assert_eq!(
        unpack(&frame, &nothing(), codec()),
        Err(FrameError::Inflate { raw_len })
    );
    let greedy = Frame {
        raw_len: u32::MAX,
        ..frame.clone()
    };
    assert!(matches!(
        unpack(&greedy, &nothing(), codec()),
        Err(FrameError::Malformed(_))
    ));
    assert!(matches!(
        Frame::decode(&greedy.encode()),
        Err(FrameError::Malformed(_))
    ));
    let many = Frame {
        count: 501,
        ..frame
    };
    assert!(matches!(
        Frame::decode(&many.encode()),
        Err(FrameError::Malformed(_))
    ));
}

/// A small generator; the seed makes a run repeatable.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

#[test]
fn mutated_frames_give_the_entries_or_an_error() {
    let entries = journal(40);
    let mut stored = packed(&entries);
    stored.payload = zstd::bulk::decompress(&stored.payload, stored.raw_len as usize).unwrap();
    stored.level = 0;
    let mut state = 0x5eed_0004;
    for round in 0..10_000 {
        // Every other frame is mutated inside, behind the compression.
        let mut bytes = if round % 2 == 0 {
            packed(&entries[..5]).encode()
        } else {
            stored.encode()
        };
        for _ in 0..=random(&mut state) % 3 {
            let at = random(&mut state) % bytes.len();
            match random(&mut state) % 4 {
                0 => bytes[at] ^= 1 << (random(&mut state) % 8),
                1 => bytes[at] = random(&mut state).to_le_bytes()[0],
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, 0xff),
            }
        }
        let Ok(frame) = Frame::decode(&bytes) else {
            continue;
        };
        if let Ok(unpacked) = unpack(&frame, &nothing(), codec()) {
            assert!(entries.starts_with(&unpacked), "round {round}");
        }
    }
}

#[test]
fn random_payloads_are_refused() {
    let mut state = 0x5eed_0005;
    for _ in 0..2_000 {
        let length = random(&mut state) % 400;
        let payload: Vec<u8> = (0..length)
            .map(|_| random(&mut state).to_le_bytes()[0])
            .collect();
        let frame = Frame {
            raw_len: u32::try_from(payload.len()).unwrap(),
            level: 0,
            actor: Some(ACTOR),
            payload,
            ..packed(&journal(3))
        };
        assert!(unpack(&frame, &nothing(), codec()).is_err());
    }
}
