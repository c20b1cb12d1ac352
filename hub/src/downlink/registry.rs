//! Which session speaks for which node, and the question to it whether it is
//! still alive.
//!
//! A machine has one certificate. A second hello under it is either the same
//! machine on a new line, whose old one is dead without knowing it, or a copy of
//! it. The first connection's sign of life tells them apart.
//!
//! Invariant: a node has at most one session here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evertill_domain::NodeId;
use evertill_sync::Refusal;
use tokio::sync::{mpsc, oneshot};

/// Orders that may wait for a session.
const ORDERS: usize = 8;
/// How long a session may take to say that it is alive: the second that the
/// node has, and some for the way.
const PROOF_TIMEOUT: Duration = Duration::from_secs(2);

/// What others ask of a session.
#[derive(Debug)]
pub(super) enum Order {
    /// Find out whether the node is there, and say so.
    ProveAlive(oneshot::Sender<()>),
    /// Stop with this refusal.
    Refuse(Refusal),
}

/// The sessions by node; clones share the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry(Arc<Mutex<Seats>>);

/// Number and mailbox of the session that holds each node's seat.
type Seats = HashMap<NodeId, (u64, mpsc::Sender<Order>)>;

/// A session's place in the list; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Seat {
    registry: Registry,
    node: NodeId,
    number: u64,
}

/// Where a session finds what it is asked, and how to ask it.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) sender: mpsc::Sender<Order>,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        let (sender, orders) = mpsc::channel(ORDERS);
        Self { orders, sender }
    }
}

impl Registry {
    /// Waits until the node's earlier session, if there is one, is known to be
    /// dead; false if it is alive.
    pub(super) async fn is_free(&self, node: NodeId) -> bool {
        let held = self.lock().get(&node).map(|(_, orders)| orders.clone());
        let Some(orders) = held else { return true };
        let (proof, proven) = oneshot::channel();
        if orders.send(Order::ProveAlive(proof)).await.is_err() {
            return true;
        }
        let answer = tokio::time::timeout(PROOF_TIMEOUT, proven).await;
        !matches!(answer, Ok(Ok(())))
    }

    /// Takes the node's place, instead of an earlier session.
    pub(super) fn seat(&self, node: NodeId, orders: mpsc::Sender<Order>) -> Seat {
        let mut seats = self.lock();
        let number = seats.get(&node).map_or(0, |(number, _)| number + 1);
        seats.insert(node, (number, orders));
        Seat {
            registry: self.clone(),
            node,
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.registry.lock();
        let own = seats.get(&self.node);
        if own.is_some_and(|(number, _)| *number == self.number) {
            seats.remove(&self.node);
        }
    }
}
