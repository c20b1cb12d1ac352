//! Virtual time: what happens next, and when.
//!
//! Nothing in a run waits. The queue hands out events in order of their time;
//! events of one time come in the order in which they were planned.
//!
//! Invariant: time never goes back, and the order is the same in every run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Milliseconds since the start of the run, as an observer outside of all
/// clocks would count them.
pub type Millis = i64;

/// One second.
pub const SECOND: Millis = 1_000;
/// One minute.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour.
pub const HOUR: Millis = 60 * MINUTE;
/// One day.
pub const DAY: Millis = 24 * HOUR;

/// Planned events, soonest first.
#[derive(Debug)]
pub struct Queue<E> {
    now: Millis,
    planned: u64,
    heap: BinaryHeap<Reverse<Planned<E>>>,
}

#[derive(Debug)]
struct Planned<E> {
    at: Millis,
    order: u64,
    event: E,
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            now: 0,
            planned: 0,
            heap: BinaryHeap::new(),
        }
    }
}

impl<E> Queue<E> {
    /// The time of the last event handed out.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Plans an event for a time; one in the past happens next.
    pub fn at(&mut self, at: Millis, event: E) {
        self.planned += 1;
        self.heap.push(Reverse(Planned {
            at: at.max(self.now),
            order: self.planned,
            event,
        }));
    }

    /// Plans an event for so much later.
    pub fn after(&mut self, delay: Millis, event: E) {
        self.at(self.now.saturating_add(delay), event);
    }

    /// Takes the next event and moves time to it.
    ///
    /// # Panics
    /// When an event was planned for the past.
    pub fn pop(&mut self) -> Option<E> {
        let Reverse(next) = self.heap.pop()?;
        assert!(next.at >= self.now, "invariant: time never goes back");
        self.now = next.at;
        Some(next.event)
    }

    /// When the next event happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse(next)| next.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_then_of_planning() {
        let mut queue = Queue::default();
        queue.at(5, 'b');
        queue.at(1, 'a');
        queue.at(5, 'c');
        assert_eq!(queue.pop(), Some('a'));
        queue.at(0, 'x');
        assert_eq!(queue.next_at(), Some(1), "the past happens now");
        let rest: Vec<char> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, ['x', 'b', 'c']);
        assert_eq!(queue.now(), 5);
    }
}
