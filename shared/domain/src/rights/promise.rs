//! A promise and its parts: each part ends once.
//!
//! Ends are summed as they were recorded, so they may come in any order: a
//! breach and a hand-over that did not know of each other both stand, and what
//! is live never falls below nothing.
//!
//! Invariant: the same ends give the same parts in every order.

/// How a part of a promise ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// Handed over or dispatched: the unit left with its customer.
    Settled,
    /// Given back by the replica that had made the promise.
    Released,
    /// There was no unit; the right is gone with it.
    Breached,
}

/// A promise and how much of it ended in which way, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PromiseParts {
    /// What was promised.
    pub promised: i64,
    /// What was handed over or dispatched.
    pub settled: i64,
    /// What was given back.
    pub released: i64,
    /// What could not be kept.
    pub breached: i64,
    /// What the minter said it will not hand over any more; it has not ended.
    pub withdrawn: i64,
}

impl PromiseParts {
    /// A promise of so many thousandths, whole.
    #[must_use]
    pub const fn of(promised: i64) -> Self {
        Self {
            promised,
            settled: 0,
            released: 0,
            breached: 0,
            withdrawn: 0,
        }
    }

    /// What has not ended.
    #[must_use]
    pub fn live(&self) -> i64 {
        (self.promised - self.settled - self.released - self.breached).max(0)
    }

    /// What may be handed over: live, and not withdrawn.
    #[must_use]
    pub fn deliverable(&self) -> i64 {
        (self.live() - self.withdrawn_live()).max(0)
    }

    /// What its maker may give back: withdrawn by the minter, and still live.
    #[must_use]
    pub fn releasable(&self) -> i64 {
        self.withdrawn_live()
    }

    /// Records the end of a part, and returns how much of it was not live any
    /// more. Of a hand-over that is an uncovered outflow.
    pub fn end(&mut self, how: End, quantity: i64) -> i64 {
        let beyond = (quantity - self.live()).max(0);
        match how {
            End::Settled => self.settled += quantity,
            End::Released => self.released += quantity,
            End::Breached => self.breached += quantity,
        }
        beyond
    }

    /// The minter recorded that it will not hand over so much of it any more.
    pub const fn withdraw(&mut self, quantity: i64) {
        self.withdrawn += quantity;
    }

    fn withdrawn_live(&self) -> i64 {
        (self.withdrawn - self.released).clamp(0, self.live())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_ends_once() {
        let mut promise = PromiseParts::of(3_000);
        assert_eq!(promise.end(End::Settled, 1_000), 0);
        promise.withdraw(2_000);
        assert_eq!(promise.releasable(), 2_000);
        assert_eq!(promise.deliverable(), 0);
        assert_eq!(promise.end(End::Released, 1_500), 0);
        assert_eq!(promise.releasable(), 500);
        assert_eq!(promise.end(End::Breached, 1_000), 500);
        assert_eq!(promise.live(), 0);
    }

    #[test]
    fn what_is_handed_over_beyond_it_is_returned() {
        let mut promise = PromiseParts::of(1_000);
        promise.end(End::Breached, 1_000);
        assert_eq!(promise.end(End::Settled, 1_000), 1_000);
    }

    /// Found by the schedules: the hub breaks a promise while the node withdraws
    /// it, and each side hears of the other's word second.
    #[test]
    fn a_breach_and_a_withdrawal_commute() {
        let mut at_hub = PromiseParts::of(1_000);
        at_hub.end(End::Breached, 1_000);
        at_hub.withdraw(1_000);
        let mut at_node = PromiseParts::of(1_000);
        at_node.withdraw(1_000);
        at_node.end(End::Breached, 1_000);
        assert_eq!(at_hub, at_node);
        assert_eq!(at_hub.releasable(), 0);
    }
}
