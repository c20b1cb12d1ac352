//! What the tests share: actors, changes as automerge writes them, expectations
//! of the gate, and changes taken apart and put together wrongly.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, ROOT};
use evertill_documents::ChangeInfo;
use evertill_documents::gate::Expected;
use evertill_domain::{ActorId, DocumentId, EventKey};
use sha2::{Digest, Sha256};

/// An actor made of one byte.
pub fn actor(byte: u8) -> ActorId {
    ActorId([byte; 16])
}

/// An automerge document that writes as this actor.
pub fn automerge(actor: ActorId) -> AutoCommit {
    AutoCommit::new().with_actor(automerge::ActorId::from(actor.0.as_slice()))
}

/// The change that automerge itself writes for these events.
pub fn commit(
    document: &mut AutoCommit,
    actor: ActorId,
    seq: u64,
    n: u32,
    events: &[Vec<u8>],
) -> Vec<u8> {
    for (n, event) in (n..).zip(events) {
        let key = EventKey {
            actor_prefix: actor.prefix(),
            seq,
            n,
        };
        document.put(ROOT, key.to_string(), event.clone()).unwrap();
    }
    last_change(document)
}

/// The change that automerge writes for what was done to this document.
pub fn last_change(document: &mut AutoCommit) -> Vec<u8> {
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_last_local_change().unwrap();
    change.raw_bytes().to_vec()
}

/// What part 0 of entry 7 of `actor` has to match when it opens a document.
pub fn opening(actor: ActorId, known: &[ChangeInfo]) -> Expected<'_> {
    Expected {
        actor,
        entry_seq: 7,
        n: 0,
        n_end: u32::MAX,
        document: DocumentId::derive(&actor, 7, 0),
        known,
        kind: None,
    }
}

/// An event of a kind that a later release knows: five bytes.
pub fn event(byte: u8) -> Vec<u8> {
    vec![0x82, 0x18, 99, 0x41, byte]
}

/// The event of version 1 that the domain keeps under this name.
pub fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/golden");
    let text = std::fs::read_to_string(format!("{folder}/event-{name}.v1.hex")).unwrap();
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// A body as a chunk of this type, with the right length and checksum.
pub fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut head = vec![kind];
    unsigned(&mut head, body.len() as u64);
    let hash = Sha256::new()
        .chain_update(&head)
        .chain_update(body)
        .finalize();
    [&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &head, body].concat()
}

/// The body of a change chunk.
pub fn body(change: &[u8]) -> &[u8] {
    let length = change[9..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    &change[9 + length..]
}

/// A number in LEB128.
pub fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// A signed number in LEB128; enough for run lengths.
pub fn signed(out: &mut Vec<u8>, mut value: i64) {
    for _ in 0..9 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value & 0x7f).unwrap());
}

/// The head of a change's body up to the columns: no deps, first change, first operation.
pub fn body_head(actor: ActorId) -> Vec<u8> {
    [&[0, 16], actor.0.as_slice(), &[1, 1, 0, 0, 0]].concat()
}

/// A body with these columns, as specification and data.
pub fn with_columns(mut head: Vec<u8>, columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
    unsigned(&mut head, columns.len() as u64);
    for (specification, data) in columns {
        unsigned(&mut head, *specification);
        unsigned(&mut head, data.len() as u64);
    }
    for (_, data) in columns {
        head.extend(data);
    }
    head
}
