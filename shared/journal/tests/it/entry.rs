//! The bytes of entries: version 1 for ever, and what later versions add.

use std::collections::BTreeMap;

use evertill_domain::rights::{CellWrite, Own, PairCells};
use evertill_domain::{Hlc, ReplicaId};
use evertill_journal::{
    Chain, Control, Entry, EntryError, MAX_ENTRY_BYTES, MAX_PARTS, Part, Sealed, Watermark,
};

use crate::support::*;

/// Compares with the fixture. These bytes are on disks: never change a fixture,
/// add the next version's beside it.
#[track_caller]
fn golden(sealed: &Sealed, fixture: &str) {
    assert_eq!(hex::encode(&sealed.bytes), fixture.trim());
    let read = Sealed::decode(hex::decode(fixture.trim()).unwrap()).unwrap();
    assert_eq!(&read, sealed);
}

#[test]
fn golden_bytes_of_version_1() {
    golden(&start(), include_str!("../golden/entry-start.v1.hex"));
    let sale = sale(&start().watermark(), b"change".to_vec());
    golden(&sale, include_str!("../golden/entry-sale.v1.hex"));
    let mut entry = Entry::after(REPLICA, &sale.watermark(), Hlc(5));
    entry.control = Some(Control::Closing);
    entry.reissue = Some((ReplicaId(3), 4));
    let closing = Sealed::seal(entry).unwrap();
    golden(&closing, include_str!("../golden/entry-closing.v1.hex"));
    assert_eq!(
        closing.hash.to_string(),
        include_str!("../golden/entry-closing.v1.hash").trim()
    );
}

/// A sale that burned three units of the right to promise them.
fn burning() -> Entry {
    let mut entry = sale(&start().watermark(), b"change".to_vec()).entry;
    let pair = ("S001".parse().unwrap(), "SKU-1".parse().unwrap());
    let own = Own {
        mint: 9_000,
        burn: 3_000,
        ..Own::default()
    };
    let sent = BTreeMap::from([(ReplicaId(9), 4_000)]);
    entry.set_rights(&PairCells::from([(pair, CellWrite { own, sent })]));
    entry
}

#[test]
fn golden_bytes_of_version_2() {
    let sealed = Sealed::seal(burning()).unwrap();
    assert_eq!(sealed.entry.schema, 2);
    golden(&sealed, include_str!("../golden/entry-cells.v2.hex"));
    assert_eq!(sealed.entry.rights().unwrap().len(), 1);
}

#[test]
fn an_entry_without_cells_has_one_schema_and_strange_cells_stay_readable_as_bytes() {
    let mut entry = burning();
    entry.set_rights(&PairCells::new());
    assert_eq!(entry.schema, 1);
    assert_eq!(entry.rights(), Ok(PairCells::new()));
    // The entry is stored and sent on; only its rights cannot be read.
    entry.schema = 2;
    entry.cells = vec![0x81, 0xf5];
    let sealed = Sealed::seal(entry).unwrap();
    let read = Sealed::decode(sealed.bytes.clone()).unwrap();
    assert_eq!(read, sealed);
    assert!(read.entry.rights().is_err());
}

/// The sale of the fixtures as a later schema might write it: more cells, a
/// later field in a part, and two more fields at the end.
fn later() -> Vec<u8> {
    let bytes = sale(&start().watermark(), b"change".to_vec()).bytes;
    assert_eq!(
        (bytes[0], bytes[1], bytes[bytes.len() - 1]),
        (0x89, 1, 0x80)
    );
    let mut later = vec![0x8b, 3];
    later.extend(&bytes[2..bytes.len() - 1]);
    let part = later
        .windows(2)
        .rposition(|pair| pair == [0x81, 0x83])
        .unwrap();
    later[part + 1] = 0x84;
    later.extend([0xf5]);
    later.extend([0x81, 0x82, 0x01, 0x02]);
    later.extend([0x63, b'n', b'e', b'w', 0xa0]);
    later
}

#[test]
fn what_a_later_schema_adds_survives() {
    let sealed = Sealed::decode(later()).unwrap();
    assert_eq!(sealed.bytes, later());
    assert_eq!(sealed.entry.schema, 3);
    assert_eq!(sealed.entry.parts[0].change, b"change");
    assert_eq!(sealed.entry.cells, [0x81, 0x82, 0x01, 0x02]);
    let mut chain = Chain::from(REPLICA, start().watermark());
    chain.next(&sealed).unwrap();
    assert_eq!(Sealed::decode(sealed.bytes.clone()).unwrap(), sealed);
}

#[test]
fn a_later_control_is_kept() {
    let mut entry = Entry::after(REPLICA, &Watermark::nothing(REPLICA), Hlc(1));
    entry.control = Some(Control::Unknown(77));
    let sealed = Sealed::seal(entry).unwrap();
    assert_eq!(Sealed::decode(sealed.bytes.clone()).unwrap(), sealed);
}

#[test]
fn this_schema_has_one_spelling() {
    let bytes = start().bytes;
    let mut long = vec![0x89, 0x18, 1];
    long.extend(&bytes[2..]);
    assert_eq!(
        Sealed::decode(long),
        Err(EntryError::NotCanonical { seq: 1 })
    );
    let mut more = bytes.clone();
    more[0] = 0x8a;
    more.push(0xf6);
    assert_eq!(
        Sealed::decode(more),
        Err(EntryError::NotCanonical { seq: 1 })
    );
    for length in 0..bytes.len() {
        assert!(Sealed::decode(bytes[..length].to_vec()).is_err());
    }
    assert!(Sealed::decode([bytes, vec![0]].concat()).is_err());
}

#[test]
fn limits_and_rules_hold_on_both_sides() {
    let plain = || Entry::after(REPLICA, &Watermark::nothing(REPLICA), Hlc(1));
    let part = |n: u32| Part {
        n,
        document: evertill_domain::DocumentId::derive(&ACTOR, 1, n),
        change: vec![1],
    };
    let sealed = |parts: Vec<Part>| Sealed::seal(Entry { parts, ..plain() });
    assert!(sealed((0..1_024).map(part).collect()).is_ok());
    assert_eq!(
        sealed((0..=1_024).map(part).collect()),
        Err(EntryError::TooManyParts {
            parts: MAX_PARTS + 1
        })
    );
    assert!(matches!(
        sealed(vec![part(1), part(0)]),
        Err(EntryError::Broken { .. })
    ));
    let twice = Part { n: 2, ..part(1) };
    assert!(matches!(
        sealed(vec![part(1), twice]),
        Err(EntryError::Broken { .. })
    ));
    let large = Part {
        change: vec![0; MAX_ENTRY_BYTES],
        ..part(0)
    };
    assert!(matches!(
        sealed(vec![large]),
        Err(EntryError::TooLarge { .. })
    ));
    let numbered = |seq, schema| {
        Sealed::seal(Entry {
            seq,
            schema,
            ..plain()
        })
    };
    assert!(numbered(0, 1).is_err());
    assert!(numbered(1, 2).is_err(), "schema 2 has cells");
    assert!(numbered(1, 3).is_err());
    let oversized = Sealed::decode(vec![0; MAX_ENTRY_BYTES + 1]);
    assert!(matches!(oversized, Err(EntryError::TooLarge { .. })));
}
