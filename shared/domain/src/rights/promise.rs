//! A promise and its parts: each part ends once.
//!
//! Invariant: `live ≥ 0`, and what ended never exceeds what was promised.

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

    /// Ends a part. More than is live cannot end: the rest is returned. Of a
    /// hand-over that rest is an uncovered outflow.
    pub fn end(&mut self, how: End, quantity: i64) -> i64 {
        let ended = quantity.min(self.live());
        match how {
            End::Settled => self.settled += ended,
            End::Released => self.released += ended,
            End::Breached => self.breached += ended,
        }
        quantity - ended
    }

    /// The minter will not hand over so much of it any more.
    pub fn withdraw(&mut self, quantity: i64) {
        self.withdrawn += quantity.min(self.deliverable());
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
        promise.withdraw(5_000);
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
}
