//! How long a node waits before it dials its hub again.
//!
//! A hub that restarts is met by all its stores at once; the jitter spreads
//! them, the doubling keeps a hub that stays down from being hammered.

use crate::limits::{RECONNECT_MAX_MS, RECONNECT_MIN_MS};

/// Milliseconds to wait before attempt number `attempt` (0 for the first after
/// a connection that had worked), given one random number.
///
/// The ceiling doubles with each attempt from [`RECONNECT_MIN_MS`] up to
/// [`RECONNECT_MAX_MS`]; the wait is spread evenly over its upper half, so it
/// is never zero and never above the ceiling.
#[must_use]
pub fn reconnect_delay(attempt: u32, random: u64) -> u64 {
    let ceiling = RECONNECT_MIN_MS
        .checked_shl(attempt.min(32))
        .map_or(RECONNECT_MAX_MS, |ms| ms.min(RECONNECT_MAX_MS));
    let half = ceiling / 2;
    half + random % (ceiling - half + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_between_half_the_ceiling_and_the_ceiling() {
        for attempt in [0, 1, 2, 7, 8, 20, 63, 64, u32::MAX] {
            for random in [0, 1, 124, 125, 126, 29_999, 30_001, u64::MAX] {
                let ceiling = (RECONNECT_MIN_MS << attempt.min(20)).min(RECONNECT_MAX_MS);
                let delay = reconnect_delay(attempt, random);
                assert!(
                    (ceiling / 2..=ceiling).contains(&delay),
                    "{attempt} {random} {delay}"
                );
            }
        }
    }

    #[test]
    fn the_whole_range_is_reached() {
        assert_eq!(reconnect_delay(0, 0), RECONNECT_MIN_MS / 2);
        assert_eq!(reconnect_delay(0, RECONNECT_MIN_MS / 2), RECONNECT_MIN_MS);
        assert_eq!(reconnect_delay(9, 30_000), RECONNECT_MAX_MS);
    }
}
