//! What the tests share: actors, events, and changes as automerge writes them.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, ROOT};
use evertill_domain::{ActorId, EventKey};

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
    document.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_last_local_change().unwrap();
    change.raw_bytes().to_vec()
}
