//! What a machine wrote, entry by entry: which units it moved and what it
//! counted.
//!
//! Of a machine that is lost the hub knows the beginning of its journal and
//! nobody the rest; so the books need to know what each entry did.
//!
//! Invariant: an entry is read once, in the order of its journal.

use std::collections::BTreeMap;

use anyhow::Result;
use evertill_domain::{Bucket, DocumentId, Event, ReplicaId, Seq, effects, event};
use evertill_storage::{Store, TableError, journal};

use crate::truth::Pair;

/// Entries that are read at a time.
const AT_ONCE: usize = 500;
/// And their bytes.
const BYTES: u64 = 4 << 20;

/// What entries moved of a pair, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Units sellable or staged.
    pub(crate) units: i64,
    /// Staged ones.
    pub(crate) staged: i64,
}

/// One entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) seq: Seq,
    pub(crate) moved: BTreeMap<Pair, Moved>,
    /// The counts that it posts.
    pub(crate) counts: Vec<(DocumentId, Pair)>,
}

/// A journal, as far as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) replica: ReplicaId,
    head: Seq,
    entries: Vec<Noted>,
}

impl Ledger {
    /// Of a replica that has written nothing yet.
    pub(crate) fn of(replica: ReplicaId) -> Self {
        Self {
            replica,
            head: 0,
            entries: Vec::new(),
        }
    }

    /// Reads what was written since; gives the entries that are new and say
    /// something.
    pub(crate) fn read(&mut self, store: &Store) -> Result<Vec<Noted>> {
        let (replica, after) = (self.replica, self.head);
        let (head, noted) = store.read_blocking(move |conn| {
            let (mut head, mut noted) = (after, Vec::new());
            loop {
                let entries = journal::entries_after(conn, replica, head, AT_ONCE, BYTES)?;
                let Some(last) = entries.last() else {
                    return Ok::<_, TableError>((head, noted));
                };
                head = last.entry.seq;
                noted.extend(entries.iter().filter_map(|sealed| note(&sealed.entry)));
            }
        })?;
        self.head = head;
        self.entries.extend(noted.iter().cloned());
        Ok(noted)
    }

    /// How many entries it has.
    pub(crate) const fn head(&self) -> Seq {
        self.head
    }

    /// The entries after one, up to another.
    pub(crate) fn between(&self, after: Seq, last: Seq) -> impl Iterator<Item = &Noted> {
        let first = self.entries.partition_point(|noted| noted.seq <= after);
        let rest = self.entries.get(first..).unwrap_or_default();
        rest.iter().take_while(move |noted| noted.seq <= last)
    }

    /// What the entries after one moved of a pair.
    pub(crate) fn after(&self, seq: Seq, pair: &Pair) -> Moved {
        let mut sum = Moved::default();
        for moved in self
            .between(seq, Seq::MAX)
            .filter_map(|n| n.moved.get(pair))
        {
            sum.units += moved.units;
            sum.staged += moved.staged;
        }
        sum
    }
}

fn note(entry: &evertill_journal::Entry) -> Option<Noted> {
    let mut noted = Noted {
        seq: entry.seq,
        ..Noted::default()
    };
    for part in &entry.parts {
        let events = evertill_documents::read(&part.change).unwrap_or_default();
        for (_, bytes) in events {
            let Ok(event) = event::decode(&bytes) else {
                continue;
            };
            if let Event::CountPosted(posted) = &event {
                let lines = posted.lines.iter();
                let counted = lines.map(|line| (posted.location.clone(), line.sku.clone()));
                noted
                    .counts
                    .extend(counted.map(|pair| (part.document, pair)));
            }
            for delta in effects(&event).stock {
                let staged = delta.key.bucket == Bucket::Staged;
                if staged || delta.key.bucket == Bucket::Sellable {
                    let pair = (delta.key.location, delta.key.sku);
                    let moved = noted.moved.entry(pair).or_default();
                    moved.units += delta.delta;
                    moved.staged += if staged { delta.delta } else { 0 };
                }
            }
        }
    }
    (!noted.moved.is_empty() || !noted.counts.is_empty()).then_some(noted)
}
