//! Every change written here is the one that automerge would have written.

use std::num::NonZeroU64;

use evertill_documents::{ChangeInfo, Document, append, create, read};
use evertill_domain::DocumentId;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{actor, automerge, commit};

fn events() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Equal lengths and equal bytes matter: they make runs.
    vec(
        prop_oneof![vec(any::<u8>(), 1..40), vec(0_u8..2, 3..=4)],
        1..12,
    )
}

proptest! {
    #[test]
    fn opening_changes(seq in any::<u64>(), n in 0..u32::MAX - 20, bytes in any::<[u8; 16]>(), events in events()) {
        let actor = evertill_domain::ActorId(bytes);
        let part = create(&actor, seq, n, &events);
        let theirs = commit(&mut automerge(actor), actor, seq, n, &events);
        prop_assert_eq!(hex::encode(&part.change), hex::encode(&theirs));
        let read: Vec<_> = read(&part.change).unwrap().into_iter().map(|(_, event)| event).collect();
        prop_assert_eq!(read, events);
    }

    #[test]
    fn histories_of_several_writers(steps in vec((0_u8..4, events(), any::<bool>()), 1..10)) {
        let opener = actor(9);
        let first = create(&opener, 1, 0, &[vec![1]]);
        let id = DocumentId::derive(&opener, 1, 0);
        let mut all = vec![first.change];
        // Two branches that see each other only when a step says so.
        let mut branches = [Document::load(id, &all).unwrap(), Document::load(id, &all).unwrap()];
        for (seq, (who, events, merge)) in (2..).zip(&steps) {
            let side = usize::from(who % 2);
            if *merge {
                branches[side] = Document::load(id, &all).unwrap();
            }
            // An actor writes on one branch only: it always knows its own past.
            let writer = actor(*who);
            let part = append(&branches[side], &writer, seq, 0, events);
            prop_assert_eq!(respelled(&part.change), hex::encode(&part.change));
            if let Some(theirs) = automerge_append(&branches[side], &all, writer, seq, events) {
                prop_assert_eq!(theirs, hex::encode(&part.change));
            }
            branches[side].apply(&part.change).unwrap();
            all.push(part.change);
        }
        let merged = Document::load(id, all.iter().rev()).unwrap();
        let count: usize = steps.iter().map(|(_, events, _)| events.len()).sum();
        prop_assert_eq!(merged.events().len(), count + 1);
    }
}

/// The same change, decoded and written again by automerge.
fn respelled(change: &[u8]) -> String {
    let change = automerge::Change::from_bytes(change.to_vec()).unwrap();
    hex::encode(automerge::Change::from(change.decode()).raw_bytes())
}

/// What automerge writes on top of the changes that this document holds.
///
/// `None` when the writer's last change is not among the heads: automerge then
/// names it besides the heads that already cover it, behind them and out of
/// order, which its own decoder does not spell the same way again.
fn automerge_append(
    document: &Document,
    all: &[Vec<u8>],
    writer: evertill_domain::ActorId,
    seq: u64,
    events: &[Vec<u8>],
) -> Option<String> {
    let own = document
        .changes_info()
        .iter()
        .filter(|change| change.actor == writer);
    let last = own.max_by_key(|change| change.seq);
    if last.is_some_and(|last| !document.heads().contains(&last.hash)) {
        return None;
    }
    let held = |change: &&Vec<u8>| {
        let info = ChangeInfo::read(change).unwrap();
        document
            .changes_info()
            .iter()
            .any(|known| known.hash == info.hash)
    };
    let changes = all
        .iter()
        .filter(held)
        .map(|change| automerge::Change::from_bytes(change.clone()).unwrap());
    let mut theirs = automerge(writer);
    theirs.apply_changes(changes).unwrap();
    Some(hex::encode(commit(&mut theirs, writer, seq, 0, events)))
}

#[test]
fn change_infos_are_automerges() {
    let part = create(&actor(3), 7, 0, &[vec![1, 2], vec![3]]);
    let ours = ChangeInfo::read(&part.change).unwrap();
    let theirs = automerge::Change::from_bytes(part.change).unwrap();
    assert_eq!(ours.hash, theirs.hash().0);
    assert_eq!(ours.actor.0, theirs.actor_id().to_bytes());
    assert_eq!(ours.seq, theirs.seq());
    assert_eq!(ours.max_op, theirs.max_op());
    assert_eq!(theirs.start_op(), NonZeroU64::MIN);
    assert_eq!(theirs.timestamp(), 0);
}
