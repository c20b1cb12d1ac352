//! All scenarios, with all regimes, over all seeds.
//!
//! What can be set, the counter's buffer and Evertill's dial, is chosen as a
//! merchant would: by what earned most in earlier weeks. It is judged on the
//! weeks after those, so that nobody is flattered by luck.
//!
//! Invariant: the result does not depend on the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::demand::{Demand, Weeks};
use crate::outcome::Outcome;
use crate::regime::{Buffer, Dial, PIECE, Regime};
use crate::scenario::Scenario;
use crate::week::play;

/// The first seed of those that settings are chosen with.
const FIRST_CHOOSING: u64 = 1_001;

/// How many seeds.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// That settings are chosen with.
    pub choosing: u64,
    /// That results are taken from.
    pub judged: u64,
}

impl Seeds {
    /// What is reported.
    pub const ALL: Self = Self {
        choosing: 8,
        judged: 30,
    };
    /// To see that it runs.
    pub const QUICK: Self = Self {
        choosing: 2,
        judged: 3,
    };
}

/// One week to play.
#[derive(Clone, Copy, Debug)]
struct Run<'a> {
    demand: &'a Demand,
    scenario: Scenario,
    regime: Regime,
    seed: u64,
}

/// One regime in one scenario: an outcome per seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Which regime, with its setting.
    pub regime: Regime,
    /// By seed.
    pub outcomes: Vec<Outcome>,
}

impl Row {
    /// The web's share, in thousandths, where there is one.
    #[must_use]
    pub const fn share(&self) -> Option<u16> {
        match self.regime {
            Regime::Evertill(dial) => Some(dial.rule.share_per_mille),
            Regime::Periodic | Regime::Counter(_) | Regime::Perfect => None,
        }
    }

    /// Pieces that stay with the tills, where there is a share.
    #[must_use]
    pub const fn keep(&self) -> Option<i64> {
        match self.regime {
            Regime::Evertill(dial) => Some(dial.rule.keep.thousandths() / PIECE),
            Regime::Periodic | Regime::Counter(_) | Regime::Perfect => None,
        }
    }
}

/// A scenario with its regimes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Which one.
    pub scenario: Scenario,
    /// Figures taken over every fifteen minutes.
    pub periodic: Row,
    /// One counter.
    pub counter: Row,
    /// One counter with its best buffer.
    pub buffered: Row,
    /// Evertill as it is installed.
    pub installed: Row,
    /// Evertill with its best dial.
    pub tuned: Row,
    /// Perfect information.
    pub perfect: Row,
}

impl Table {
    /// The rows with their names, in the order of reports.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, &Row); 6] {
        [
            ("sync every 15 min", &self.periodic),
            ("one counter", &self.counter),
            ("one counter, best buffer", &self.buffered),
            ("Evertill as installed", &self.installed),
            ("Evertill, best dial", &self.tuned),
            ("perfect information", &self.perfect),
        ]
    }
}

/// Plays all regimes in each scenario.
#[must_use]
pub fn compare(weeks: &Weeks, scenarios: &[Scenario], seeds: Seeds) -> Vec<Table> {
    let buffers: Vec<Regime> = Buffer::all().into_iter().map(Regime::Counter).collect();
    let dials: Vec<Regime> = Dial::all().into_iter().map(Regime::Evertill).collect();
    let settings: Vec<Regime> = buffers.iter().chain(&dials).copied().collect();
    // What a broken promise costs changes what is best, and nothing that happens.
    let happens: Vec<Scenario> = scenarios.iter().map(Scenario::happening).collect();
    let happens = distinct(happens.into_iter());
    let tried = matrix(&weeks.choosing, &happens, &settings, first(seeds.choosing));
    let chosen: Vec<[Regime; 6]> = (scenarios.iter())
        .map(|scenario| {
            let happening = scenario.happening();
            let mut tried = happens.iter().zip(&tried);
            let rows = tried.find(|(other, _)| **other == happening);
            let rows = rows.map_or(&[][..], |(_, rows)| rows);
            let (of_counter, of_evertill) = rows.split_at(buffers.len());
            [
                Regime::Periodic,
                Regime::Counter(Buffer::default()),
                best(of_counter, scenario),
                Regime::Evertill(Dial::default()),
                best(of_evertill, scenario),
                Regime::Perfect,
            ]
        })
        .collect();
    let runs = scenarios
        .iter()
        .zip(&chosen)
        .flat_map(|(scenario, chosen)| {
            (chosen.iter())
                .flat_map(|regime| runs_of(&weeks.judged, *scenario, *regime, 1..=seeds.judged))
        });
    let mut rows = by_regime(&runs.collect::<Vec<_>>(), seeds.judged);
    rows.reverse();
    let mut next = || {
        rows.pop()
            .expect("invariant: there is a row for each regime")
    };
    (scenarios.iter())
        .map(|scenario| Table {
            scenario: *scenario,
            periodic: next(),
            counter: next(),
            buffered: next(),
            installed: next(),
            tuned: next(),
            perfect: next(),
        })
        .collect()
}

/// The table of a scenario.
///
/// # Panics
/// It is not among them.
#[must_use]
pub fn table_of(tables: &[Table], scenario: Scenario) -> &Table {
    let found = tables.iter().find(|table| table.scenario == scenario);
    found.expect("invariant: what is told of was played")
}

/// The table that the sweeps start from.
///
/// # Panics
/// It is not among them.
#[must_use]
pub fn centre(tables: &[Table]) -> &Table {
    table_of(tables, Scenario::CENTRE)
}

/// Each value once, in the order in which they come.
pub(crate) fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The seeds on which settings are chosen.
pub(crate) const fn first(seeds: u64) -> std::ops::RangeInclusive<u64> {
    FIRST_CHOOSING..=FIRST_CHOOSING + seeds - 1
}

fn best(rows: &[Row], scenario: &Scenario) -> Regime {
    let earns = |row: &&Row| row.outcomes.iter().map(|o| o.money(scenario)).sum::<i64>();
    // Of equals the first, which is the plainest.
    let best = rows.iter().rev().max_by_key(earns);
    best.expect("invariant: there are settings to choose from")
        .regime
}

/// Each regime in each scenario, scenario by scenario.
pub(crate) fn matrix(
    weeks: &[Demand],
    scenarios: &[Scenario],
    regimes: &[Regime],
    seeds: std::ops::RangeInclusive<u64>,
) -> Vec<Vec<Row>> {
    let runs: Vec<Run<'_>> = (scenarios.iter())
        .flat_map(|scenario| {
            let seeds = seeds.clone();
            (regimes.iter())
                .flat_map(move |regime| runs_of(weeks, *scenario, *regime, seeds.clone()))
        })
        .collect();
    let rows = by_regime(&runs, seeds.end() - seeds.start() + 1);
    rows.chunks(regimes.len()).map(<[Row]>::to_vec).collect()
}

/// Each seed plays one of the weeks, in turn.
fn runs_of(
    weeks: &[Demand],
    scenario: Scenario,
    regime: Regime,
    seeds: std::ops::RangeInclusive<u64>,
) -> impl Iterator<Item = Run<'_>> {
    let week = |seed: u64| &weeks[usize::try_from(seed).unwrap_or_default() % weeks.len()];
    seeds.map(move |seed| Run {
        demand: week(seed),
        scenario,
        regime,
        seed,
    })
}

fn by_regime(runs: &[Run<'_>], seeds: u64) -> Vec<Row> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let outcomes = played(runs, cores);
    let seeds = usize::try_from(seeds).unwrap_or(1).max(1);
    let rows = runs.chunks(seeds).zip(outcomes.chunks(seeds));
    rows.map(|(runs, outcomes)| Row {
        regime: runs[0].regime,
        outcomes: outcomes.to_vec(),
    })
    .collect()
}

/// Plays on some threads; the outcomes stand in the order of the runs.
fn played(runs: &[Run<'_>], threads: usize) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((at, run)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            runs.get(at).map(|run| (at, run))
        } {
            done.push((at, play(run.demand, run.scenario, run.regime, run.seed)));
        }
        done
    };
    let mut all: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .flat_map(|part| part.expect("invariant: a week's assertions hold"))
            .collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_and_three_play_the_same() {
        let weeks = Weeks::extract().unwrap();
        let regime = Regime::Evertill(Dial::default());
        let runs: Vec<_> = runs_of(&weeks.judged, Scenario::CENTRE, regime, 1..=5).collect();
        assert_eq!(played(&runs, 1), played(&runs, 3));
    }
}
