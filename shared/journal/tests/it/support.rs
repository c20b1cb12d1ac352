//! Journals to test with, and a codec that stands for the documents crate's.

use evertill_domain::{ActorId, DocumentId, Hlc, NodeId, ReplicaId};
use evertill_journal::{
    Chain, Control, Entry, Part, PartCodec, RegisterState, RegisterTotal, Sealed, Short, Start,
    Watermark,
};

pub const REPLICA: ReplicaId = ReplicaId(0x0123_4567_89ab_cdef);
pub const ACTOR: ActorId = ActorId([7; 16]);

/// The start entry of a journal.
pub fn start() -> Sealed {
    let mut entry = Entry::after(REPLICA, &Watermark::nothing(REPLICA), Hlc(1_700_000 << 16));
    entry.control = Some(Control::Start(Start {
        actor: ACTOR,
        node: NodeId(1),
        location: "S001".parse().unwrap(),
        predecessor: Some(ReplicaId(2)),
        registers: vec![RegisterState {
            register: "R1".parse().unwrap(),
            last_number: 42,
            totals: vec![RegisterTotal {
                currency: "USD".parse().unwrap(),
                sales: 12_345,
                returns: 99,
            }],
        }],
    }));
    Sealed::seal(entry).unwrap()
}

/// An entry with one new document, after `head`.
pub fn sale(head: &Watermark, change: Vec<u8>) -> Sealed {
    let hlc = Hlc(((1_700_000 + head.seq * 1_000) << 16) | (head.seq % 3));
    let mut entry = Entry::after(REPLICA, head, hlc);
    let document = DocumentId::derive(&ACTOR, entry.seq, 0);
    entry.parts = vec![Part {
        n: 0,
        document,
        change,
    }];
    Sealed::seal(entry).unwrap()
}

/// A start and `count - 1` sales, with stranger entries among them.
pub fn journal(count: u64) -> Vec<Sealed> {
    let mut chain = Chain::new(REPLICA);
    let mut entries = vec![start()];
    chain.next(&entries[0]).unwrap();
    for seq in 2..=count {
        let mut sealed = sale(&chain.head, change(seq));
        if seq % 7 == 0 {
            let mut entry = sealed.entry.clone();
            let other = DocumentId::from_bytes([seq.to_le_bytes()[0]; 16]);
            entry.parts.push(Part {
                n: 3,
                document: other,
                change: b"raw".to_vec(),
            });
            sealed = Sealed::seal(entry).unwrap();
        } else if seq % 11 == 0 {
            let mut entry = sealed.entry.clone();
            entry.reissue = Some((ReplicaId(9), 4));
            sealed = Sealed::seal(entry).unwrap();
        }
        chain.next(&sealed).unwrap();
        entries.push(sealed);
    }
    entries
}

/// A change that [`codec`] can shorten: its origin's number, then a body.
pub fn change(seq: u64) -> Vec<u8> {
    let mut change = seq.to_be_bytes().to_vec();
    change.extend(std::iter::repeat_n(seq.to_le_bytes()[0], 60));
    change
}

/// Leaves out the number that the origin tells.
pub fn codec() -> PartCodec {
    PartCodec {
        strip: |origin, change| {
            let body = change.strip_prefix(origin.seq.to_be_bytes().as_slice())?;
            Some(Short {
                form: 5,
                body: body.to_vec(),
            })
        },
        restore: |origin, form, body| {
            (form == 5).then(|| [origin.seq.to_be_bytes().as_slice(), body].concat())
        },
    }
}
