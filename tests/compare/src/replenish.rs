//! How stores order goods: reviewed twice a week, delivered the morning after,
//! by an (s, S) rule from the weeks before.
//!
//! At a review a product whose position (what the record says, less what is
//! promised, and what is on its way) is at most s is ordered up to S. s is the
//! demand until the delivery after the next review, and a safety for its
//! chance; S is the demand between two reviews more.
//!
//! Invariant: what is ordered depends on records alone, never on the shelf.

use crate::demand::{DAY, Demand};

/// When stores review and when goods arrive, in seconds of a day: the quietest
/// hour of the data, which are in UTC.
pub const MORNING: u64 = 10 * 3_600;
/// Half days from one review to the next: 3.5 days on average.
const REVIEW: i64 = 7;
/// Half days from a review to its delivery.
const LEAD: i64 = 2;
/// Reviews of a product come on two of six days, three or four days apart.
const GROUPS: usize = 3;

/// The levels (s, S) of a pair, with `cover` hundredths of a standard deviation
/// as safety. Purchases come by chance (compound Poisson), so that the variance
/// of a day is the sum of the squares of the purchases of a day.
#[must_use]
pub fn levels(demand: &Demand, cover: i64, store: usize, sku: usize) -> (i64, i64) {
    let sold = demand.earlier[store][sku];
    let half_days = 2 * demand.earlier_days;
    // In thousandths of a piece.
    let until = |span: i64| sold.pieces * 1_000 * span / half_days;
    let deviation = (sold.squares * 1_000_000 * (REVIEW + LEAD) / half_days).isqrt();
    let low = rounded(until(REVIEW + LEAD) + deviation * cover / 100);
    (low, low + rounded(until(REVIEW)).max(1))
}

const fn rounded(thousandths: i64) -> i64 {
    (thousandths + 500) / 1_000
}

/// Whether a pair is reviewed on a day, counted from the first of all.
#[must_use]
pub const fn is_reviewed(day: u64, store: usize, sku: usize) -> bool {
    let group = ((store + sku) % GROUPS) as u64;
    let weekday = day % 7;
    weekday == group || weekday == group + 3
}

/// The mornings of some days, in seconds since the first.
pub fn mornings(days: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..days).map(|day| (day, day * DAY + MORNING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::Weeks;

    #[test]
    fn every_pair_is_reviewed_twice_a_week() {
        for (store, sku) in [(0, 0), (1, 0), (0, 2)] {
            let days: Vec<u64> = (0..7).filter(|d| is_reviewed(*d, store, sku)).collect();
            assert_eq!(days.len(), 2);
            assert_eq!(days[1] - days[0], 3);
        }
    }

    #[test]
    fn more_cover_never_lowers_a_level() {
        let weeks = Weeks::extract().unwrap();
        let demand = &weeks.judged[0];
        let sums = [0, 100, 200].map(|cover| {
            let pairs = (0..4).flat_map(|s| (0..demand.skus.len()).map(move |k| (s, k)));
            let all = pairs.map(|(s, k)| levels(demand, cover, s, k));
            all.inspect(|(low, high)| assert!(0 <= *low && low < high))
                .map(|(low, _)| low)
                .sum::<i64>()
        });
        assert!(sums[0] < sums[1] && sums[1] < sums[2], "{sums:?}");
    }
}
