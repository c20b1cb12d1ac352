//! Starting the node's journal.
//!
//! Each process start writes a start entry with a fresh actor: a reused one
//! could repeat an automerge change after a restore.
//!
//! Invariant: nothing is written under an actor whose start is not committed.

use evertill_domain::{ActorId, LocationId, NodeId, ReplicaId};
use evertill_storage::journal::{self, Author, Beginning};
use evertill_storage::projection::seals;
use evertill_storage::rusqlite::Connection;
use evertill_storage::secret::NoRandomness;
use evertill_storage::{ReadError, TableError, TableResult, WriteError};
use evertill_transport::{IdentityError, NodeIdentity};

use super::marker::Marker;
use crate::state::Node;

/// The journal could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gives no random bytes.
    #[error("could not start the journal: {0}")]
    NoRandomness(#[from] NoRandomness),
    /// The files of the enrolment could not be read.
    #[error("could not start the journal: {0}")]
    Identity(#[from] IdentityError),
    /// The database could not be read.
    #[error("could not start the journal: {0}")]
    Read(#[from] ReadError<TableError>),
    /// The start entry could not be written.
    #[error("could not start the journal: {0}")]
    Write(#[from] WriteError<TableError>),
}

/// Goes on with the journal of this folder, as the machine that it is enrolled
/// as; a folder that is neither enrolled nor has a journal waits for its
/// enrolment. Blocks.
///
/// # Errors
/// The journal or the identity could not be read, or the start not be written.
pub fn resume(node: &Node) -> Result<Option<Author>, StartError> {
    if let Some(own) = NodeIdentity::load(node.dir())? {
        return start(node, own.node, own.location).map(Some);
    }
    match node.store().read_blocking(journal::identity)? {
        Some(before) => start(node, before.node, before.location).map(Some),
        None => Ok(None),
    }
}

/// Writes a start entry as `machine` at `location`; from its commit on the node
/// trades. Blocks.
///
/// # Errors
/// The folder belongs to another machine or location, or the journal could not
/// be written.
pub fn start(node: &Node, machine: NodeId, location: LocationId) -> Result<Author, StartError> {
    let drawn = node.surroundings();
    let beginning = Beginning {
        node: machine,
        location,
        replica: ReplicaId(u64::from_be_bytes(drawn.draw_bytes()?)),
        renew: false,
        actor: ActorId(drawn.draw_bytes()?),
        now: drawn.now(),
    };
    let marker = Marker::read(node.dir());
    let state = node.clone();
    let started = node
        .store()
        .write_blocking("start the journal", move |tx| {
            let renew = must_renew(tx, marker)?;
            let beginning = Beginning { renew, ..beginning };
            let author = journal::start(tx, &beginning)?;
            let committed = author.clone();
            tx.after_commit(move || state.set_author(committed));
            Ok(author)
        })?;
    // A marker of the former life would make each start begin one more, and
    // what was sold in between would be sent by nobody.
    if let Some(reached) = node.store().read_blocking(Marker::of)?
        && let Err(error) = reached.write(node.dir())
    {
        tracing::warn!(%error, "the marker could not be written");
    }
    tracing::info!(
        location = %started.location,
        node = %started.node,
        replica = %started.replica,
        "the journal of this node goes on"
    );
    Ok(started)
}

/// Whether the journal cannot go on under its replica id: it was set back to an
/// older copy, or the hub sealed it.
fn must_renew(conn: &Connection, marker: Option<Marker>) -> TableResult<bool> {
    let Some(own) = journal::identity(conn)? else {
        return Ok(false);
    };
    if let Some(marker) = marker
        && marker.is_ahead_of(conn)?
    {
        tracing::warn!(
            replica = %own.replica,
            marker.seq,
            "this database was set back to an older copy; the node goes on as a new replica, and \
             gets what it lost from the hub once the old one is sealed there"
        );
        return Ok(true);
    }
    if seals::of(conn, own.replica)?.is_some() {
        tracing::warn!(replica = %own.replica, "this replica was sealed; the node goes on as a new one");
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use evertill_domain::Seq;
    use evertill_journal::EntryHash;
    use evertill_storage::{Store, StoreOptions};

    use super::*;

    fn started(dir: &std::path::Path) -> ReplicaId {
        let node = Node::open(Store::open(dir, &StoreOptions::node()).unwrap()).unwrap();
        let location = "S001".parse().unwrap();
        start(&node, NodeId(1), location).unwrap().replica
    }

    /// Regression: a node that was set back and ended before its next marker was
    /// written began one more life at the next start, and sent nothing of the one
    /// in between.
    #[test]
    fn a_node_that_was_set_back_begins_one_new_life() {
        let dir = tempfile::tempdir().unwrap();
        let first = started(dir.path());
        assert_eq!(started(dir.path()), first);
        let ahead = Marker {
            replica: first,
            seq: Seq::from(9_u8),
            hash: EntryHash([9; 32]),
        };
        ahead.write(dir.path()).unwrap();
        let second = started(dir.path());
        assert_ne!(second, first);
        assert_eq!(started(dir.path()), second);
    }
}
