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
use evertill_sync::{Refusal, RefusalCode};
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
#[derive(Debug, Default)]
struct Seats {
    taken: HashMap<NodeId, (u64, mpsc::Sender<Order>)>,
    /// Seats given out so far, so that no two sessions have one number.
    given: u64,
}

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
        let held = self.lock().orders(node);
        let Some(orders) = held else { return true };
        let (proof, proven) = oneshot::channel();
        if orders.send(Order::ProveAlive(proof)).await.is_err() {
            return true;
        }
        let answer = tokio::time::timeout(PROOF_TIMEOUT, proven).await;
        !matches!(answer, Ok(Ok(())))
    }

    /// Takes the node's place. A session that had it until now is told to stop:
    /// of two that came at the same moment, only one is to go on.
    pub(super) fn seat(&self, node: NodeId, orders: mpsc::Sender<Order>) -> Seat {
        let mut seats = self.lock();
        seats.given += 1;
        let number = seats.given;
        if let Some((_, before)) = seats.taken.insert(node, (number, orders)) {
            let detail = "a newer connection of this machine took over";
            let refusal = Refusal::new(RefusalCode::AlreadyConnected, detail);
            // A full mailbox means that the session is ending already.
            let _ = before.try_send(Order::Refuse(refusal));
        }
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

impl Seats {
    fn orders(&self, node: NodeId) -> Option<mpsc::Sender<Order>> {
        self.taken.get(&node).map(|(_, orders)| orders.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.registry.lock();
        let own = seats.taken.get(&self.node);
        if own.is_some_and(|(number, _)| *number == self.number) {
            seats.taken.remove(&self.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(7);

    #[tokio::test]
    async fn a_silent_session_is_dead_and_one_that_answers_is_not() {
        let registry = Registry::default();
        assert!(registry.is_free(NODE).await);
        let mut first = Mailbox::new();
        let _seat = registry.seat(NODE, first.sender.clone());
        let alive = async {
            let Some(Order::ProveAlive(proof)) = first.orders.recv().await else {
                panic!("expected the question");
            };
            proof.send(()).unwrap();
        };
        let (free, ()) = tokio::join!(registry.is_free(NODE), alive);
        assert!(!free);
        drop(first);
        assert!(registry.is_free(NODE).await);
    }

    #[tokio::test]
    async fn who_loses_the_seat_is_told_to_stop() {
        let registry = Registry::default();
        let (mut first, second) = (Mailbox::new(), Mailbox::new());
        let _old = registry.seat(NODE, first.sender.clone());
        let _new = registry.seat(NODE, second.sender.clone());
        let told = first.orders.recv().await;
        assert!(
            matches!(&told, Some(Order::Refuse(refusal)) if refusal.code == RefusalCode::AlreadyConnected),
            "{told:?}"
        );
    }

    /// Regression: numbers began anew with an empty seat, so the third session
    /// had the number of the first, whose late end took its seat away.
    #[tokio::test]
    async fn a_session_that_ends_late_takes_nobody_s_seat() {
        let registry = Registry::default();
        let boxes = [Mailbox::new(), Mailbox::new(), Mailbox::new()];
        let first = registry.seat(NODE, boxes[0].sender.clone());
        let second = registry.seat(NODE, boxes[1].sender.clone());
        drop(second);
        let _third = registry.seat(NODE, boxes[2].sender.clone());
        drop(first);
        assert!(registry.lock().orders(NODE).is_some());
    }
}
