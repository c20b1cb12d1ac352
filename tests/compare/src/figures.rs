//! Means over seeds, with their 95 % intervals.
//!
//! Invariant: two regimes are compared seed by seed, never mean by mean: the
//! same seed is the same week for both.

use crate::outcome::Outcome;

/// Student's t for 95 %, by degrees of freedom from 1.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// A mean and half its 95 % interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    /// The mean over the seeds.
    pub mean: f64,
    /// Half of the interval; zero for a single seed.
    pub half: f64,
}

impl Figure {
    /// Of some values.
    #[must_use]
    pub fn of(values: &[i64]) -> Self {
        let exact = |value: &i64| f64::from(i32::try_from(*value).unwrap_or(i32::MAX));
        let values: Vec<f64> = values.iter().map(exact).collect();
        let n = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let student = match values.len() {
            0 | 1 => 0.0,
            n => STUDENT[(n - 2).min(STUDENT.len() - 1)],
        };
        let half = student * (squares / (n - 1.0).max(1.0) / n).sqrt();
        Self { mean, half }
    }

    /// Whether the interval lies on one side of zero.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.mean.abs() > self.half
    }

    /// A hundredth of it: dollars of cents.
    #[must_use]
    pub fn hundredth(&self) -> Self {
        Self {
            mean: self.mean / 100.0,
            half: self.half / 100.0,
        }
    }
}

/// A count of each run.
#[must_use]
pub fn of(outcomes: &[Outcome], count: impl Fn(&Outcome) -> i64) -> Figure {
    Figure::of(&outcomes.iter().map(count).collect::<Vec<_>>())
}

/// The difference `a − b` of a count, seed by seed.
#[must_use]
pub fn paired(a: &[Outcome], b: &[Outcome], count: impl Fn(&Outcome) -> i64) -> Figure {
    let pairs = a.iter().zip(b);
    Figure::of(&pairs.map(|(a, b)| count(a) - count(b)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_students() {
        let three = Figure::of(&[1, 2, 3]);
        assert!((three.mean - 2.0).abs() < 1e-9);
        assert!((three.half - 4.303 / 3.0_f64.sqrt()).abs() < 1e-9);
        assert!(!three.is_clear());
        assert!(Figure::of(&[7, 7]).is_clear());
    }
}
