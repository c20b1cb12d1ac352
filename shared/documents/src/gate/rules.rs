//! The gate's rules, one function each, in the order in which they run.

use std::collections::BTreeSet;

use evertill_domain::{DocumentId, EventKey};

use super::{Expected, GateRejection, GateRule, Limits};
use crate::chunk::columns::Operations;
use crate::chunk::{CHANGE, ChangeInfo, Chunk, Header};

pub(super) type Checked<T = ()> = Result<T, GateRejection>;

pub(super) fn broken<T>(rule: GateRule, detail: impl Into<String>) -> Checked<T> {
    Err(GateRejection {
        rule,
        detail: detail.into(),
    })
}

pub(super) fn size(change: &[u8], limits: &Limits) -> Checked {
    if change.len() > limits.bytes {
        let (found, limit) = (change.len(), limits.bytes);
        return broken(
            GateRule::Size,
            format!("it has {found} bytes, the limit is {limit}"),
        );
    }
    Ok(())
}

pub(super) fn chunk_type(change: &[u8]) -> Checked {
    let detail = match Header::parse(change).map(|header| header.kind) {
        Some(CHANGE) => return Ok(()),
        Some(0) => "it is a whole document, not a change",
        Some(2) => "it is compressed, and would inflate without bound",
        Some(3) => "it is a bundle of changes, not one",
        Some(_) => "it is a chunk of an unknown type",
        None => "it does not begin like a chunk",
    };
    broken(GateRule::ChunkType, detail)
}

/// Counts what every column claims. A chunk that cannot be parsed this far is
/// left to the next rule.
pub(super) fn operations(chunk: Option<&Chunk<'_>>, limits: &Limits) -> Checked {
    for column in chunk.iter().flat_map(|chunk| &chunk.columns) {
        let specification = column.specification;
        if column.is_deflated() {
            return broken(
                GateRule::Operations,
                format!("column {specification} is compressed and cannot be counted"),
            );
        }
        let (claimed, _) = column.claimed(limits.operations);
        if claimed > limits.operations {
            let limit = limits.operations;
            return broken(
                GateRule::Operations,
                format!("column {specification} claims {claimed} values, the limit is {limit}"),
            );
        }
    }
    Ok(())
}

pub(super) fn decode(chunk: Option<Chunk<'_>>) -> Checked<(Chunk<'_>, Operations<'_>)> {
    let Some(chunk) = chunk else {
        return broken(GateRule::Decode, "it is cut off or has bytes to spare");
    };
    if !chunk.hash().starts_with(&chunk.checksum) {
        return broken(GateRule::Decode, "its checksum is wrong");
    }
    if std::str::from_utf8(chunk.message).is_err() {
        return broken(GateRule::Decode, "its message is not UTF-8");
    }
    let Some(operations) = chunk.operations() else {
        return broken(
            GateRule::Decode,
            "its columns are malformed or do not agree on the number of operations",
        );
    };
    Ok((chunk, operations))
}

/// Whether writing again what was read gives the same bytes: head, order of the
/// columns, and the runs of each.
pub(super) fn canonical(change: &[u8], chunk: &Chunk<'_>) -> Checked {
    let columns = &chunk.columns;
    let ordered = columns.is_sorted_by(|a, b| a.specification < b.specification);
    if !ordered || columns.iter().any(|column| column.data.is_empty()) {
        return broken(
            GateRule::Canonical,
            "its columns are not in order, or one is empty",
        );
    }
    if !change.starts_with(&chunk.respelled_head()) {
        return broken(
            GateRule::Canonical,
            "a number in its head is not in shortest form",
        );
    }
    if let Some(column) = columns.iter().find(|column| !column.is_canonical()) {
        let specification = column.specification;
        return broken(
            GateRule::Canonical,
            format!("the runs of column {specification} could be written shorter"),
        );
    }
    Ok(())
}

pub(super) fn actor(chunk: &Chunk<'_>, expected: &Expected<'_>) -> Checked {
    if chunk.actor == expected.actor.0 {
        return Ok(());
    }
    let actor = expected.actor;
    broken(
        GateRule::Actor,
        format!("it was not written by actor {actor}, whose entry carries it"),
    )
}

pub(super) fn history(
    chunk: &Chunk<'_>,
    operations: usize,
    expected: &Expected<'_>,
) -> Checked<ChangeInfo> {
    let wrong = |detail: &str| broken(GateRule::History, detail);
    let Ok(info) = chunk.info(operations) else {
        return wrong("its operation numbers exceed 64 bits, or it has no operation");
    };
    if !chunk.other_actors.is_empty() {
        return wrong("it refers to other actors, which no event does");
    }
    if info.max_op > u64::from(u32::MAX) {
        return wrong("its operation numbers exceed 32 bits");
    }
    if expected.known.iter().any(|known| known.hash == info.hash) {
        return Ok(info);
    }
    let twin = |known: &ChangeInfo| {
        known.actor != info.actor && known.actor.prefix() == info.actor.prefix()
    };
    if expected.known.iter().any(twin) {
        return wrong("another actor of the document has the same prefix, so keys could collide");
    }
    if !info.deps.is_sorted_by(|a, b| a < b) {
        return wrong("its dependencies are not in order");
    }
    let Some(seen) = ancestors(&info.deps, expected.known) else {
        return wrong("it builds on a change that the document does not hold");
    };
    if expected.known.is_empty() != info.deps.is_empty() {
        return wrong("it opens a document that exists, or extends one that does not");
    }
    if info.deps.iter().any(|dep| seen.strict.contains(dep)) {
        return wrong("it names a dependency that another one already covers");
    }
    let own = |known: &&ChangeInfo| known.actor == info.actor;
    let before = expected.known.iter().filter(own).count() as u64;
    let covered = expected
        .known
        .iter()
        .filter(own)
        .all(|change| seen.contains(&change.hash));
    if info.seq != before + 1 || !covered {
        return wrong("it is not its actor's next change of the document");
    }
    if chunk.start_op != seen.max_op.saturating_add(1) {
        return wrong("its operations do not continue those it builds on");
    }
    Ok(info)
}

/// What a change's dependencies cover.
struct Seen {
    deps: BTreeSet<[u8; 32]>,
    /// Everything below the dependencies.
    strict: BTreeSet<[u8; 32]>,
    /// The highest operation number among them.
    max_op: u64,
}

impl Seen {
    fn contains(&self, hash: &[u8; 32]) -> bool {
        self.deps.contains(hash) || self.strict.contains(hash)
    }
}

/// Follows dependencies to the beginning; `None` when one is not known.
fn ancestors(deps: &[[u8; 32]], known: &[ChangeInfo]) -> Option<Seen> {
    let find = |hash: &[u8; 32]| known.iter().find(|change| change.hash == *hash);
    let mut seen = Seen {
        deps: deps.iter().copied().collect(),
        strict: BTreeSet::new(),
        max_op: 0,
    };
    let mut open: Vec<&[u8; 32]> = Vec::new();
    for dep in deps {
        let change = find(dep)?;
        seen.max_op = seen.max_op.max(change.max_op);
        open.extend(&change.deps);
    }
    while let Some(hash) = open.pop() {
        if seen.strict.insert(*hash) {
            open.extend(&find(hash)?.deps);
        }
    }
    Some(seen)
}

pub(super) fn shape(
    chunk: &Chunk<'_>,
    operations: &Operations<'_>,
    expected: &Expected<'_>,
) -> Checked<Vec<(EventKey, Vec<u8>)>> {
    let wrong = |detail: &str| broken(GateRule::Shape, detail);
    let derived = DocumentId::derive(&expected.actor, expected.entry_seq, expected.n);
    if expected.known.is_empty() && expected.document != derived {
        return wrong("it opens a document under an id that does not derive from its place");
    }
    if chunk.time != 0 || !chunk.message.is_empty() || !chunk.extra.is_empty() {
        return wrong("it has a time, a message or extra bytes, which no change here has");
    }
    let Some(events) = operations.events() else {
        return wrong("an operation does something else than put bytes under a new key");
    };
    let mut keyed = Vec::with_capacity(operations.count);
    for (n, (text, event)) in (u64::from(expected.n)..).zip(events) {
        let Some(n) = u32::try_from(n).ok().filter(|n| *n < expected.n_end) else {
            return wrong("its events run into the numbers of the entry's next part");
        };
        let key = EventKey {
            actor_prefix: expected.actor.prefix(),
            seq: expected.entry_seq,
            n,
        };
        if text != key.to_string() {
            return wrong("an event does not stand under the key of its place");
        }
        keyed.push((key, event.to_vec()));
    }
    Ok(keyed)
}
