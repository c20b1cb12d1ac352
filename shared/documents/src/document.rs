//! Documents: opening one, extending one, and merging the changes of many
//! writers.
//!
//! Invariant: every change written here has the one shape that the gate lets
//! in, and automerge writes the same bytes for it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ReadDoc};
use evertill_domain::{ActorId, DocumentId, DocumentKind, EventKey, Seq, event};
use evertill_journal::Part;

use crate::chunk::{self, Change, ChangeInfo, ReadError};

/// Opens a new document with these events: part `n` of entry `seq` of `actor`.
///
/// The events take the numbers `n`, `n + 1` … of the entry; the next part's
/// number must be above them.
///
/// # Panics
/// When there is no event or an empty one: a programming error.
#[must_use]
pub fn create(actor: &ActorId, seq: Seq, n: u32, events: &[Vec<u8>]) -> Part {
    assert_events(n, events);
    Part {
        n,
        document: DocumentId::derive(actor, seq, n),
        change: chunk::write(&Change::opening(*actor, seq, n), events),
    }
}

/// Adds events to an existing document, after everything it holds. The document
/// itself is left as it was; [`Document::apply`] adds the change to it.
///
/// The change names the document's heads and no more. (Automerge's transactions
/// also name the writer's last change where a head already covers it, which adds
/// nothing and is not the spelling that its decoder gives back.)
///
/// # Panics
/// When there is no event or an empty one: a programming error.
#[must_use]
pub fn append(document: &Document, actor: &ActorId, seq: Seq, n: u32, events: &[Vec<u8>]) -> Part {
    assert_events(n, events);
    let changes = document.changes_info();
    let own = changes.iter().filter(|change| change.actor == *actor);
    let last_op = changes.iter().map(|change| change.max_op).max();
    let deps: Vec<_> = document.heads().into_iter().collect();
    let change = Change {
        deps: &deps,
        seq: own.count() as u64 + 1,
        start_op: last_op.unwrap_or(0) + 1,
        ..Change::opening(*actor, seq, n)
    };
    Part {
        n,
        document: document.id,
        change: chunk::write(&change, events),
    }
}

/// What a document is, by its opening change from our own tables: the kind of
/// the first event known here, or [`DocumentKind::Unknown`].
///
/// # Errors
/// [`ReadError`] when the bytes are not a change of the one shape that
/// documents have.
pub fn kind(opening: &[u8]) -> Result<DocumentKind, ReadError> {
    let events = chunk::read(opening)?;
    let known = events
        .iter()
        .filter_map(|(_, bytes)| event::decode(bytes).ok()?.opens())
        .find(|kind| *kind != DocumentKind::Unknown);
    Ok(known.unwrap_or(DocumentKind::Unknown))
}

fn assert_events(n: u32, events: &[Vec<u8>]) {
    assert!(
        chunk::numbers_fit(n, events.len()),
        "invariant: the events of an entry have numbers below 2^32 - 1"
    );
    assert!(
        !events.is_empty() && events.iter().all(|event| !event.is_empty()),
        "invariant: a change adds at least one event, and no event is empty"
    );
}

/// Changes that do not make a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A change cannot be read.
    #[error("document {document} cannot be loaded: {source}")]
    Unreadable {
        /// The document.
        document: DocumentId,
        /// Why not.
        source: ReadError,
    },
    /// A change builds on one that is absent.
    #[error("document {document} cannot be loaded: a change that others build on is missing")]
    Incomplete {
        /// The document.
        document: DocumentId,
    },
    /// Automerge refuses the changes, or fails over them.
    #[error("document {document} cannot be loaded: automerge says {reason}")]
    Refused {
        /// The document.
        document: DocumentId,
        /// What automerge says.
        reason: String,
    },
}

/// A document with everything that was applied to it.
#[derive(Debug, Clone)]
pub struct Document {
    id: DocumentId,
    automerge: Automerge,
    changes: Vec<ChangeInfo>,
}

impl Document {
    /// Merges a document's changes, in any order. Meant for changes that passed
    /// the gate; a panic of automerge is caught all the same.
    ///
    /// # Errors
    /// [`LoadError`] when a change is unreadable, missing, or refused.
    pub fn load<C: AsRef<[u8]>>(
        id: DocumentId,
        changes: impl IntoIterator<Item = C>,
    ) -> Result<Self, LoadError> {
        let mut document = Self {
            id,
            automerge: Automerge::new(),
            changes: Vec::new(),
        };
        document.apply_all(changes)?;
        Ok(document)
    }

    /// Adds one more change; a change it already holds adds nothing.
    ///
    /// # Errors
    /// [`LoadError`] as for [`Document::load`]; the document is then unusable
    /// and must be loaded again.
    pub fn apply(&mut self, change: &[u8]) -> Result<(), LoadError> {
        self.apply_all([change])
    }

    /// The document's id.
    #[must_use]
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// Every event, by key.
    #[must_use]
    pub fn events(&self) -> BTreeMap<EventKey, Vec<u8>> {
        let root = self.automerge.map_range(automerge::ROOT, ..);
        root.filter_map(|item| {
            let key = item.key.parse().ok()?;
            let event = item.value.into_value().into_bytes().ok()?;
            Some((key, event))
        })
        .collect()
    }

    /// Every change, for the gate's next check and for [`append`].
    #[must_use]
    pub fn changes_info(&self) -> &[ChangeInfo] {
        &self.changes
    }

    /// The changes that none other builds on, ascending.
    #[must_use]
    pub fn heads(&self) -> BTreeSet<[u8; 32]> {
        let mut heads: BTreeSet<_> = self.changes.iter().map(|change| change.hash).collect();
        for dep in self.changes.iter().flat_map(|change| &change.deps) {
            heads.remove(dep);
        }
        heads
    }

    fn apply_all<C: AsRef<[u8]>>(
        &mut self,
        changes: impl IntoIterator<Item = C>,
    ) -> Result<(), LoadError> {
        let document = self.id;
        let unreadable = |source| LoadError::Unreadable { document, source };
        let refused = |reason| LoadError::Refused { document, reason };
        let mut batch = Vec::new();
        for change in changes {
            let change = change.as_ref();
            // Only our own shape reaches automerge, which can fail over others.
            chunk::read(change).map_err(unreadable)?;
            let info = ChangeInfo::read(change).map_err(unreadable)?;
            if self.changes.iter().all(|known| known.hash != info.hash) {
                self.changes.push(info);
                batch.push(change.to_vec());
            }
        }
        let automerge = AssertUnwindSafe(&mut self.automerge);
        catch_unwind(move || apply_batch(automerge, batch))
            .unwrap_or_else(|_| Err("something that made it panic".to_owned()))
            .map_err(refused)?;
        if self.is_complete() {
            Ok(())
        } else {
            Err(LoadError::Incomplete { document })
        }
    }

    fn is_complete(&self) -> bool {
        let hashes: BTreeSet<_> = self.changes.iter().map(|change| change.hash).collect();
        let mut deps = self.changes.iter().flat_map(|change| &change.deps);
        deps.all(|dep| hashes.contains(dep))
    }
}

fn apply_batch(
    mut automerge: AssertUnwindSafe<&mut Automerge>,
    batch: Vec<Vec<u8>>,
) -> Result<(), String> {
    let changes = batch
        .into_iter()
        .map(automerge::Change::from_bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    automerge
        .apply_changes(changes)
        .map_err(|error| error.to_string())
}
