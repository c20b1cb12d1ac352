//! A clock for sessions: the machine's wall clock when the connection began,
//! and what has passed since. It does not jump when somebody sets the clock.

use std::time::Duration;

use evertill_domain::Timestamp;
use tokio::time::Instant;

/// A clock that never jumps.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    began: Timestamp,
    at: Instant,
}

impl SteadyClock {
    /// A clock that reads `now` now.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let at = Instant::now();
        Self { began: now, at }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.began.as_millis().saturating_add(passed))
    }

    /// Waits until this clock reads `at`; for ever without one.
    pub async fn sleep_until(self, at: Option<Timestamp>) {
        let Some(at) = at else {
            return std::future::pending().await;
        };
        let wait = at.as_millis().saturating_sub(self.began.as_millis());
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        tokio::time::sleep_until(self.at + wait).await;
    }
}
