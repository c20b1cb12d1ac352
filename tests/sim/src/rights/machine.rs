//! A machine: its view, its durable journal, and how far it has read the other
//! side.

use evertill_domain::ReplicaId;
use evertill_domain::rights::CellWrite;

use super::view::{Entry, Fact, View};

/// A node or the hub, in one life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    pub replica: ReplicaId,
    pub view: View,
    /// Its own entries, all durable.
    pub journal: Vec<Entry>,
    /// How many entries of the hub's log it has read (a node).
    pub read: usize,
    /// Its mint counter as the other side has acknowledged it.
    pub safe_mint: i64,
}

impl Machine {
    pub fn new(replica: ReplicaId, minter: ReplicaId) -> Self {
        Self {
            replica,
            view: View::new(minter),
            journal: Vec::new(),
            read: 0,
            safe_mint: 0,
        }
    }

    /// Writes an entry and applies it.
    pub fn write(&mut self, facts: Vec<Fact>, cells: Option<CellWrite>) -> Entry {
        let entry = Entry {
            writer: self.replica,
            seq: self.journal.len() as u64 + 1,
            facts,
            cells,
        };
        self.view.apply(&entry);
        self.journal.push(entry.clone());
        entry
    }

    pub fn rights(&self) -> i64 {
        self.view.cells.rights(self.replica)
    }

    pub fn usable(&self) -> i64 {
        self.view.cells.usable(self.replica, self.safe_mint)
    }

    pub fn is_minter(&self) -> bool {
        self.view.minter == self.replica
    }
}
