//! What is played beside the sweeps: the dials that every merchant sees, and
//! whether the web sells on from a store that is cut off for long.
//!
//! Invariant: the weeks and seeds are those of the sweeps, so that differences
//! to their rows are paired.

use crate::demand::Weeks;
use crate::regime::{Buffer, Dial, Regime};
use crate::scenario::{Outage, Scenario};
use crate::sweep::{Row, Seeds, first, matrix};

/// What is played beside the sweeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beside {
    /// Evertill with the dials that every merchant sees, in the centre.
    pub dials: Vec<Row>,
    /// Selling on from a store that is cut off for two days, or stopping.
    pub cut_off: CutOff,
}

/// One counter without a buffer, and Evertill with everything at the web, in an
/// outage of two days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CutOff {
    /// The counter goes on selling from a store that is cut off.
    pub counter: Row,
    /// It stops after a while.
    pub counter_stops: Row,
    /// Evertill goes on.
    pub evertill: Row,
    /// It stops after the same while.
    pub evertill_stops: Row,
}

impl CutOff {
    /// The scenario.
    pub const SCENARIO: Scenario = Scenario {
        outage: Outage::Days,
        ..Scenario::CENTRE
    };

    /// The rows, in the order of reports.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, &Row); 4] {
        [
            ("one counter, sells on", &self.counter),
            ("one counter, stops", &self.counter_stops),
            ("Evertill, sells on", &self.evertill),
            ("Evertill, stops", &self.evertill_stops),
        ]
    }
}

/// The dials that every merchant sees, and limits of silence, in every scenario, on
/// the weeks on which settings are chosen: what is installed is to be judged by it. The first row
/// of a scenario is one counter without a buffer.
#[must_use]
pub fn everywhere(weeks: &Weeks, seeds: Seeds) -> Vec<(Scenario, Vec<Row>)> {
    let mut regimes = vec![Regime::Counter(Buffer::default())];
    let dials = Dial::shown().into_iter().chain(Dial::silences());
    regimes.extend(dials.map(Regime::Evertill));
    let scenarios = Scenario::swept();
    let rows = matrix(&weeks.choosing, &scenarios, &regimes, first(seeds.choosing));
    scenarios.into_iter().zip(rows).collect()
}

/// Plays what is shown beside the sweeps.
#[must_use]
pub fn beside(weeks: &Weeks, seeds: Seeds) -> Beside {
    let rows = |scenario: Scenario, regimes: &[Regime]| {
        let all = matrix(&weeks.judged, &[scenario], regimes, 1..=seeds.judged);
        all.into_iter().flatten().collect::<Vec<Row>>()
    };
    let dials: Vec<Regime> = Dial::shown().into_iter().map(Regime::Evertill).collect();
    let counter = |stops| Regime::Counter(Buffer { pieces: 0, stops });
    let open = Dial::shared(1_000, 0);
    let regimes = [
        counter(false),
        counter(true),
        Regime::Evertill(open.selling_on()),
        Regime::Evertill(open.stopping()),
    ];
    let mut cut_off = rows(CutOff::SCENARIO, &regimes).into_iter();
    let mut next = || {
        let row = cut_off.next();
        row.expect("invariant: there is a row for each regime")
    };
    Beside {
        dials: rows(Scenario::CENTRE, &dials),
        cut_off: CutOff {
            counter: next(),
            counter_stops: next(),
            evertill: next(),
            evertill_stops: next(),
        },
    }
}
