//! How long to wait before a delivery is tried again.

use std::time::Duration;

/// After the first failure.
const FIRST_MS: u64 = 1_000;
/// Longest wait.
const LONGEST_MS: u64 = 3_600_000;

/// The wait after `attempts` failures: twice as long each time, up to an hour,
/// and up to a quarter more by `random`, so that many do not come back at once.
#[must_use]
pub fn wait(attempts: u32, random: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(20);
    let plain = (FIRST_MS << doublings).min(LONGEST_MS);
    Duration::from_millis(plain + random % (plain / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_spread_by_a_quarter() {
        let waits = [1, 2, 3, 12, 13, 99].map(|attempts| wait(attempts, 0).as_millis());
        assert_eq!(
            waits,
            [1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000]
        );
        for random in [1, 249, u64::MAX] {
            let spread = wait(1, random).as_millis();
            assert!((1_000..1_250).contains(&spread), "{spread}");
        }
    }
}
