//! Where a program takes time and chance from: the machine it runs on, or a
//! world that someone made up to watch it.
//!
//! Invariant: what was made up gives the same times and bytes again when it is
//! made up again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use evertill_domain::Timestamp;

use crate::secret::{self, NoRandomness};

/// Time and chance of a program; clones share them.
#[derive(Clone, Debug, Default)]
pub enum Surroundings {
    /// The machine's clock and the operating system's random bytes.
    #[default]
    Machine,
    /// A clock that is set by hand, and bytes that follow from a seed.
    MadeUp(MadeUp),
}

/// Time and chance that a test made up.
#[derive(Clone, Debug)]
pub struct MadeUp(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    seed: [u8; 32],
    drawn: u64,
}

impl Surroundings {
    /// What the clock shows. A machine's clock before 1970 reads as 1970.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Machine => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::MadeUp(made_up) => made_up.now(),
        }
    }

    /// Random bytes for an id or a secret.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn draw_bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        match self {
            Self::Machine => secret::draw_bytes(),
            Self::MadeUp(made_up) => Ok(made_up.draw_bytes()),
        }
    }
}

impl MadeUp {
    /// A clock that shows `now` until it is set, and bytes that follow from
    /// `seed`.
    #[must_use]
    pub fn new(now: Timestamp, seed: [u8; 32]) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            seed,
            drawn: 0,
        })))
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.state().now = now;
    }

    fn draw_bytes<const N: usize>(&self) -> [u8; N] {
        let mut state = self.state();
        state.drawn += 1;
        let mut hasher = blake3::Hasher::new_keyed(&state.seed);
        hasher.update(&state.drawn.to_be_bytes());
        let mut bytes = [0; N];
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_repeats_itself_and_its_clock_stands_still() {
        let made_up = |seed| MadeUp::new(Timestamp::from_millis(7), [seed; 32]);
        let draw = |made_up: &MadeUp| {
            let around = Surroundings::MadeUp(made_up.clone());
            let drawn: [[u8; 8]; 2] = [around.draw_bytes().unwrap(), around.draw_bytes().unwrap()];
            (around.now(), drawn)
        };
        let first = made_up(1);
        let (at, drawn) = draw(&first);
        assert_eq!(at, Timestamp::from_millis(7));
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(draw(&made_up(1)).1, drawn);
        assert_ne!(draw(&made_up(2)).1, drawn);
        first.set(Timestamp::from_millis(9));
        assert_eq!(draw(&first).0, Timestamp::from_millis(9));
    }

    #[test]
    fn the_machine_draws_anew_each_time() {
        let around = Surroundings::Machine;
        let drawn: [[u8; 16]; 2] = [around.draw_bytes().unwrap(), around.draw_bytes().unwrap()];
        assert_ne!(drawn[0], drawn[1]);
        assert!(around.now() > Timestamp::from_millis(1_700_000_000_000));
    }
}
