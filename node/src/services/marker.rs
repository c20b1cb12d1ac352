//! The marker beside the database: how far the journal had come.
//!
//! A restore puts an old database in place and leaves the marker as it was. So a
//! node that finds its journal behind the marker, or with another entry there,
//! knows that it was set back, and goes on under a new replica id: what it wrote
//! next under the old one would contradict what others hold of it. A marker that
//! is behind is a normal crash.
//!
//! Invariant: the marker never names an entry that was not on stable storage.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use evertill_domain::{ReplicaId, Seq};
use evertill_journal::EntryHash;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, journal};

use crate::state::Node;

/// The file's name in the data folder.
pub const FILE: &str = "marker";
/// Where the next one is written before it takes its place.
const NEXT: &str = "marker.next";
/// Rest between two markers: it is not worth a disk write for each sale.
const REST: Duration = Duration::from_secs(1);

/// How far a journal had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whose journal.
    pub replica: ReplicaId,
    /// Its last entry.
    pub seq: Seq,
    /// The hash of that entry.
    pub hash: EntryHash,
}

impl Marker {
    /// The marker of a data folder; `None` if there is none that can be read.
    #[must_use]
    pub fn read(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join(FILE)).ok()?;
        let mut words = text.split_whitespace();
        Some(Self {
            replica: words.next()?.parse().ok()?,
            seq: words.next()?.parse().ok()?,
            hash: words.next()?.parse().ok()?,
        })
    }

    /// Puts the marker into a data folder, in one step.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let text = format!("{} {} {}\n", self.replica, self.seq, self.hash);
        fs::write(dir.join(NEXT), text)?;
        fs::rename(dir.join(NEXT), dir.join(FILE))
    }

    /// Whether a database lacks what the marker saw.
    ///
    /// # Errors
    /// The journal could not be read.
    pub fn is_ahead_of(&self, conn: &Connection) -> TableResult<bool> {
        Ok(journal::entry_hash(conn, self.replica, self.seq)? != Some(self.hash))
    }

    /// The marker of what a journal holds now; `None` before it is begun.
    ///
    /// # Errors
    /// The journal could not be read.
    pub fn of(conn: &Connection) -> TableResult<Option<Self>> {
        let Some(own) = journal::identity(conn)? else {
            return Ok(None);
        };
        let head = journal::head(conn, own.replica)?;
        Ok((head.seq > 0).then_some(Self {
            replica: own.replica,
            seq: head.seq,
            hash: head.hash,
        }))
    }
}

/// Keeps the marker close behind the journal, for as long as the task lives.
pub async fn keep(node: Node) {
    let mut commits = node.store().commits();
    loop {
        put(&node).await;
        tokio::time::sleep(REST).await;
        if commits.changed().await.is_err() {
            return;
        }
    }
}

/// Writes the marker now. A node without one loses nothing but a warning.
pub async fn put(node: &Node) {
    let written = match node.store().read(Marker::of).await {
        Ok(Some(marker)) => marker.write(node.dir()),
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "the marker could not be made");
            return;
        }
    };
    if let Err(error) = written {
        tracing::warn!(%error, "the marker could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_comes_back_and_a_torn_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Marker::read(dir.path()), None);
        let marker = Marker {
            replica: ReplicaId(0xab),
            seq: 12,
            hash: EntryHash([7; 32]),
        };
        marker.write(dir.path()).unwrap();
        assert_eq!(Marker::read(dir.path()), Some(marker));
        for torn in ["", "00000000000000ab", "00000000000000ab 12 07"] {
            fs::write(dir.path().join(FILE), torn).unwrap();
            assert_eq!(Marker::read(dir.path()), None, "{torn}");
        }
    }
}
