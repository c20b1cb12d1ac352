//! Which nodes are connected at this moment.
//!
//! Invariant: a node has at most one entry, that of the connection which was
//! admitted last; an entry goes with its connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evertill_domain::{NodeId, ReplicaId, Timestamp};

/// Ends a connection at once, from any thread.
pub type Cut = Arc<dyn Fn() + Send + Sync>;

/// A connection that was admitted.
#[derive(Clone)]
pub struct Connected {
    /// The life of the node's database.
    pub replica: ReplicaId,
    /// Since when.
    pub since: Timestamp,
    /// The release that the node runs.
    pub version: String,
    /// Ends it.
    pub cut: Cut,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("since", &self.since)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The connected nodes; clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Mutex<Nodes>>);

#[derive(Debug, Default)]
struct Nodes {
    connected: BTreeMap<NodeId, (u64, Connected)>,
    admitted: u64,
}

/// Stands for an admitted connection; dropping it takes it off the list.
#[derive(Debug)]
pub struct Admitted {
    live: Live,
    node: NodeId,
    number: u64,
}

impl Live {
    /// Lists a connection that was admitted, until the value that this returns
    /// is dropped. An earlier one of the same node is replaced.
    #[must_use]
    pub fn admit(&self, node: NodeId, connected: Connected) -> Admitted {
        let mut nodes = self.lock();
        nodes.admitted += 1;
        let number = nodes.admitted;
        nodes.connected.insert(node, (number, connected));
        Admitted {
            live: self.clone(),
            node,
            number,
        }
    }

    /// The connection of a node, if it has one.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<Connected> {
        let nodes = self.lock();
        nodes.connected.get(&node).map(|(_, held)| held.clone())
    }

    /// How many nodes are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().connected.len()
    }

    /// Ends the connection of a node; false if it had none.
    #[must_use]
    pub fn cut(&self, node: NodeId) -> bool {
        // The lock is not held while cutting: that may take the entry off.
        let held = self.of(node);
        held.inspect(|held| (held.cut)()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Nodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut nodes = self.live.lock();
        let own = nodes.connected.get(&self.node);
        if own.is_some_and(|(number, _)| *number == self.number) {
            nodes.connected.remove(&self.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn connected(cuts: &Arc<AtomicU32>) -> Connected {
        let cuts = Arc::clone(cuts);
        Connected {
            replica: ReplicaId(1),
            since: Timestamp::from_millis(1),
            version: "1".to_owned(),
            cut: Arc::new(move || {
                cuts.fetch_add(1, Ordering::Relaxed);
            }),
        }
    }

    #[test]
    fn the_connection_admitted_last_is_the_one_listed_and_cut() {
        let (live, first, second) = (Live::default(), Arc::default(), Arc::default());
        let old = live.admit(NodeId(1), connected(&first));
        let new = live.admit(NodeId(1), connected(&second));
        assert_eq!(live.count(), 1);
        drop(old);
        assert!(live.cut(NodeId(1)));
        let cuts = [&first, &second].map(|cuts| cuts.load(Ordering::Relaxed));
        assert_eq!(cuts, [0, 1]);
        drop(new);
        assert!(!live.cut(NodeId(1)));
        assert!(live.of(NodeId(1)).is_none());
    }
}
