//! A disk with a boundary between what is written and what is stable.
//!
//! It holds a log of transactions. A commit appends one; a sync makes the log
//! stable up to where it stood when the sync began. A crash keeps the stable
//! part and, of what came after, some beginning: a transaction is there whole
//! or not at all, because its checksum is, which is what SQLite's write-ahead
//! log promises.
//!
//! Invariant: what was stable stays, in order and unchanged, until a person
//! replaces the disk with an older copy.

use std::rc::Rc;

use crate::rng::Rng;

/// A log of transactions of type `T`.
#[derive(Debug)]
pub struct Disk<T> {
    log: Vec<Rc<T>>,
    stable: usize,
    /// Whether writes are refused for want of room.
    pub full: bool,
}

/// The disk has no room; nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl<T> Default for Disk<T> {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            stable: 0,
            full: false,
        }
    }
}

impl<T> Disk<T> {
    /// Appends a transaction; it is not stable yet.
    ///
    /// # Errors
    /// [`Full`] when there is no room; the log is as before.
    pub fn append(&mut self, transaction: T) -> Result<(), Full> {
        if self.full {
            return Err(Full);
        }
        self.log.push(Rc::new(transaction));
        Ok(())
    }

    /// How many transactions are written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.log.len()
    }

    /// How many of them are stable.
    #[must_use]
    pub fn stable(&self) -> usize {
        self.stable
    }

    /// A sync that began when `written` transactions were in the log has ended.
    ///
    /// # Panics
    /// When more is called stable than was written.
    pub fn synced(&mut self, written: usize) {
        assert!(
            written <= self.log.len(),
            "invariant: only what was written becomes stable"
        );
        self.stable = self.stable.max(written);
    }

    /// Power fails: of what is not stable, a random beginning survives. Gives
    /// how many transactions were lost.
    pub fn crash(&mut self, rng: &mut Rng) -> usize {
        let loose = self.log.len() - self.stable;
        let surviving = rng.index(loose + 1);
        self.log.truncate(self.stable + surviving);
        self.stable = self.log.len();
        loose - surviving
    }

    /// A copy of the stable part, as a backup takes it.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            log: self.log[..self.stable].to_vec(),
            stable: self.stable,
            full: false,
        }
    }

    /// The transactions in order.
    pub fn transactions(&self) -> impl Iterator<Item = &T> {
        self.log.iter().map(Rc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_is_stable_and_some_beginning_of_the_rest() {
        let mut survivors = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let mut disk = Disk::default();
            for n in 0..6 {
                disk.append(n).unwrap();
            }
            disk.synced(2);
            let lost = disk.crash(&mut Rng::new(seed));
            let left: Vec<i32> = disk.transactions().copied().collect();
            assert_eq!(left, (0..6).take(6 - lost).collect::<Vec<i32>>());
            survivors.insert(left.len());
        }
        assert_eq!(survivors, (2..=6).collect());
    }

    #[test]
    fn a_full_disk_writes_nothing() {
        let mut disk = Disk::default();
        disk.append('a').unwrap();
        disk.full = true;
        assert_eq!(disk.append('b'), Err(Full));
        assert_eq!(disk.written(), 1);
    }
}
