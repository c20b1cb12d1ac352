//! Golden bytes of changes, and short forms through the journal's frames.

use evertill_documents::{Document, PART_CODEC, append, create};
use evertill_domain::{Hlc, ReplicaId};
use evertill_journal::{Compression, Entry, Part, PartOrigin, Sealed, Watermark, pack, unpack};

use crate::support::*;

/// These bytes are on disks: never change a fixture, add the next version's.
#[test]
fn golden_bytes_of_version_1() {
    let one = create(&actor(1), 7, 0, &[b"event".to_vec()]);
    assert_eq!(
        hex::encode(&one.change),
        include_str!("../golden/change-opening.v1.hex").trim()
    );
    let document = Document::load(one.document, [&one.change]).unwrap();
    let later = append(&document, &actor(2), 300, 5, &[vec![1, 2], vec![3]]);
    assert_eq!(
        hex::encode(later.change),
        include_str!("../golden/change-later.v1.hex").trim()
    );
}

fn origin(seq: u64, n: u32) -> PartOrigin {
    PartOrigin {
        actor: actor(1),
        seq,
        n,
    }
}

#[test]
fn only_the_event_of_a_receipt_travels() {
    let change = create(&actor(1), 7, 0, &[b"event".to_vec()]).change;
    let short = (PART_CODEC.strip)(&origin(7, 0), &change).unwrap();
    assert_eq!(short.body, b"event");
    let restored = (PART_CODEC.restore)(&origin(7, 0), short.form, &short.body);
    assert_eq!(restored.unwrap(), change);
}

#[test]
fn every_kind_of_change_comes_back_from_a_frame() {
    let replica = ReplicaId(4);
    let opening = create(&actor(1), 1, 0, &[b"one".to_vec()]);
    let several = create(&actor(1), 1, 1, &[b"two".to_vec(), b"three".to_vec()]);
    let document = Document::load(opening.document, [&opening.change]).unwrap();
    let later = append(&document, &actor(1), 2, 0, &[b"four".to_vec()]);
    let strange = Part {
        n: 9,
        document: several.document,
        change: b"no change at all".to_vec(),
    };
    let nothing = Watermark::nothing(replica);
    let seal = |after: &Watermark, parts| {
        let plain = Entry::after(replica, after, Hlc(9 << 16));
        Sealed::seal(Entry { parts, ..plain }).unwrap()
    };
    let first = seal(&nothing, vec![opening, several]);
    let second = seal(&first.watermark(), vec![later, strange]);
    let entries = [first, second];
    for compression in [Compression::Live, Compression::CatchUp] {
        let frame = pack(&nothing, Some(actor(1)), &entries, compression, PART_CODEC).unwrap();
        assert_eq!(unpack(&frame, &nothing, PART_CODEC).unwrap(), entries);
    }
}

#[test]
fn restoring_is_total() {
    let later = {
        let opening = create(&actor(2), 1, 0, &[vec![1]]);
        let document = Document::load(opening.document, [opening.change]).unwrap();
        append(&document, &actor(1), 7, 0, &[vec![1], vec![2, 3]]).change
    };
    let body = (PART_CODEC.strip)(&origin(7, 0), &later).unwrap().body;
    let restore = PART_CODEC.restore;
    for form in 0..=255 {
        for length in 0..body.len() {
            let _ = restore(&origin(u64::MAX, u32::MAX), form, &body[..length]);
            let _ = restore(&origin(7, 0), form, &body[length..]);
        }
    }
    for form in 0..3 {
        assert_eq!(restore(&origin(7, 0), form, &[]), None);
        assert_eq!(restore(&origin(7, u32::MAX), form, &[1, 1, 1]), None);
    }
    // A list of a million million events is refused before it is followed.
    let mut many = Vec::new();
    unsigned(&mut many, 1_000_000_000_000);
    assert_eq!(restore(&origin(7, 0), 1, &many), None);
    assert_eq!(restore(&origin(7, 0), 2, &many), None);
}
