//! A bounded queue from many callers to one or more worker threads.
//!
//! The standard channel cannot hand over everything that waits in one go, which
//! is what group commit lives on.
//!
//! Invariant: never more than `limit` items wait; after `close` nothing enters,
//! and what had entered is still handed out.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Why an item was not taken in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `limit` items wait already.
    Full,
    /// The queue is closed.
    Closed,
}

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    limit: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                closed: false,
            }),
            arrived: Condvar::new(),
            limit,
        }
    }

    /// Queues one item without ever waiting.
    pub(crate) fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.items.len() >= self.limit {
            return Err(Refused::Full);
        }
        state.items.push_back(item);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for at least one item and moves what waits, up to `max`, to the
    /// end of `into`. `false` once the queue is closed and empty.
    pub(crate) fn take(&self, max: usize, into: &mut VecDeque<T>) -> bool {
        let mut state = self.state();
        loop {
            if !state.items.is_empty() {
                let count = state.items.len().min(max);
                into.extend(state.items.drain(..count));
                return true;
            }
            if state.closed {
                return false;
            }
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for one item; `None` once the queue is closed and empty.
    pub(crate) fn take_one(&self) -> Option<T> {
        let mut one = VecDeque::with_capacity(1);
        self.take(1, &mut one);
        one.pop_front()
    }

    /// Lets nothing more in and wakes every worker.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }

    /// Closes and drops what still waits, so that its callers hear of it.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        let dropped = std::mem::take(&mut state.items);
        drop(state);
        drop(dropped);
        self.arrived.notify_all();
    }

    /// Items that wait now.
    pub(crate) fn len(&self) -> usize {
        self.state().items.len()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_waits_up_to_the_limit_in_order() {
        let queue = Queue::new(8);
        for item in 0..5 {
            queue.push(item).unwrap();
        }
        let mut taken = VecDeque::new();
        assert!(queue.take(3, &mut taken));
        assert!(queue.take(3, &mut taken));
        assert_eq!(taken, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn refuses_beyond_its_limit_and_after_closing() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        assert_eq!(queue.push(2), Err(Refused::Full));
        queue.close();
        assert_eq!(queue.push(3), Err(Refused::Closed));
        assert_eq!(queue.take_one(), Some(1));
        assert_eq!(queue.take_one(), None);
    }
}
