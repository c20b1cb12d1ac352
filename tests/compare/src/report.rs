//! Runs the comparison and says what came out, the costs first.
//!
//! Invariant: the buffer of the central counter is the one that earns most in
//! that very scenario, so that its best is compared.

use std::fmt::Write as _;

use crate::demand::Demand;
use crate::outcome::{CANCELLATION, Outcome, SPLIT};
use crate::regime::{BUFFERS, Regime};
use crate::scenario::Scenario;
use crate::week::play;

/// A mean and half its 95 % interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figure {
    /// The mean over the seeds.
    pub mean: f64,
    /// Half of the interval.
    pub half: f64,
}

/// One regime in one scenario: an outcome per seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Which regime; a buffer is the chosen one.
    pub regime: Regime,
    /// By seed.
    pub outcomes: Vec<Outcome>,
}

/// A scenario with its five regimes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Which one.
    pub scenario: Scenario,
    /// Periodic, counter, counter with its best buffer, Evertill, perfect.
    pub rows: Vec<Row>,
}

impl Row {
    /// The mean of a count or a sum.
    #[must_use]
    pub fn figure(&self, of: impl Fn(&Outcome) -> i64) -> Figure {
        let values: Vec<f64> = (self.outcomes.iter())
            .map(|outcome| f64::from(i32::try_from(of(outcome)).unwrap_or(i32::MAX)))
            .collect();
        let n = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Student's t for 29 degrees of freedom; a little small below 30 seeds.
        let half = 2.045 * (squares / (n - 1.0).max(1.0) / n).sqrt();
        Figure { mean, half }
    }

    /// Its name in a table.
    #[must_use]
    pub fn name(&self) -> String {
        match self.regime {
            Regime::Periodic => "every 15 minutes".to_owned(),
            Regime::Counter(0) => "one counter".to_owned(),
            Regime::Counter(buffer) => format!("one counter - {buffer}"),
            Regime::Evertill => "Evertill".to_owned(),
            Regime::Perfect => "perfect".to_owned(),
        }
    }
}

/// Plays all regimes over `seeds` seeds, on all cores.
#[must_use]
pub fn compare(demand: &Demand, scenario: Scenario, seeds: u64) -> Table {
    let row = |regime| Row {
        regime,
        outcomes: outcomes(demand, scenario, regime, seeds),
    };
    let earns = |row: &Row| row.outcomes.iter().map(Outcome::money).sum::<i64>();
    let buffered = BUFFERS.map(|buffer| row(Regime::Counter(buffer)));
    let best = buffered.into_iter().max_by_key(earns);
    let mut rows = vec![row(Regime::Periodic), row(Regime::Counter(0))];
    rows.extend(best);
    rows.extend([row(Regime::Evertill), row(Regime::Perfect)]);
    Table { scenario, rows }
}

fn outcomes(demand: &Demand, scenario: Scenario, regime: Regime, seeds: u64) -> Vec<Outcome> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let all: Vec<u64> = (1..=seeds).collect();
    let part = all.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let running: Vec<_> = all
            .chunks(part)
            .map(|seeds| {
                let run = |seed: &u64| play(demand, scenario, regime, *seed);
                scope.spawn(move || seeds.iter().map(run).collect::<Vec<_>>())
            })
            .collect();
        let joined = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .flat_map(|part| part.expect("invariant: a week's assertions hold"))
            .collect()
    })
}

/// What was assumed, in words.
#[must_use]
pub fn assumptions(demand: &Demand, seeds: u64) -> String {
    format!(
        "{} customers of {} days from {}, pooled into {} stores; the {} best-selling products;\n\
         opening stock and daily deliveries by an (s, S) rule from {} days before; {seeds} seeds, 95 % intervals.\n\
         A cancellation costs {} dollars, each further parcel {}. Tills refuse nobody. Outages per store and\n\
         week: 5 min twenty times, 2 h three times, 2 days once. Router and second attempts are the same for all.\n",
        demand.visits.len(),
        demand.days,
        demand.source,
        demand.stores.len(),
        demand.skus.len(),
        demand.earlier_days,
        CANCELLATION / 100,
        SPLIT / 100,
    )
}

/// The cost of Evertill, and where it loses, in words and figures.
#[must_use]
pub fn verdict(tables: &[Table]) -> String {
    let mut text = String::from(
        "What Evertill costs: orders refused although every unit was on a shelf (mean per run)\n",
    );
    for table in tables {
        let refused = |row: &Row| row.figure(|o| i64::from(o.refused_available)).mean;
        let _ = writeln!(
            text,
            "  {:50} {:7.1} of {:.0}; one counter {:.1}, with its best buffer {:.1}",
            table.scenario.name(),
            refused(&table.rows[3]),
            table.rows[3].figure(|o| i64::from(o.placed)).mean,
            refused(&table.rows[1]),
            refused(&table.rows[2]),
        );
    }
    text.push_str("\nWhere Evertill earns less, or cancels more, than another (paired by seed)\n");
    let before = text.len();
    for table in tables {
        for other in &table.rows[..3] {
            let ours = &table.rows[3];
            let less = paired(other, ours, Outcome::money);
            if less.mean > less.half {
                let _ = writeln!(
                    text,
                    "  {:50} earns {:.0} ± {:.0} dollars less than {}",
                    table.scenario.name(),
                    less.mean / 100.0,
                    less.half / 100.0,
                    other.name()
                );
            }
            let more = paired(ours, other, |o| i64::from(o.cancelled));
            if more.mean > more.half {
                let _ = writeln!(
                    text,
                    "  {:50} cancels {:.1} ± {:.1} orders more than {}",
                    table.scenario.name(),
                    more.mean,
                    more.half,
                    other.name()
                );
            }
        }
    }
    if text.len() == before {
        text.push_str("  nowhere by more than the interval\n");
    }
    text
}

/// The difference of two rows of the same seeds.
fn paired(a: &Row, b: &Row, of: impl Fn(&Outcome) -> i64) -> Figure {
    let revenue = |(a, b): (&Outcome, &Outcome)| Outcome {
        revenue: of(a) - of(b),
        ..Outcome::default()
    };
    let row = Row {
        regime: a.regime,
        outcomes: a.outcomes.iter().zip(&b.outcomes).map(revenue).collect(),
    };
    row.figure(|outcome| outcome.revenue)
}

/// A table of one scenario, in fixed width.
#[must_use]
pub fn render(table: &Table) -> String {
    let mut text = format!("{}\n", table.scenario.name());
    let _ = writeln!(
        text,
        "  {:16} {:>12} {:>12} {:>9} {:>10} {:>10} {:>9} {:>9} {:>10} {:>13}",
        "regime",
        "accepted",
        "cancelled",
        "late",
        "resourced",
        "refused*",
        "splits",
        "till**",
        "kept",
        "dollars"
    );
    for row in &table.rows {
        let cell = |of: &dyn Fn(&Outcome) -> u32| {
            let figure = row.figure(|outcome| i64::from(of(outcome)));
            format!("{:.1}±{:.1}", figure.mean, figure.half)
        };
        let money = row.figure(Outcome::money);
        let _ = writeln!(
            text,
            "  {:16} {:>12} {:>12} {:>9} {:>10} {:>10} {:>9} {:>9} {:>10} {:>13}",
            row.name(),
            cell(&|o| o.accepted),
            cell(&|o| o.cancelled),
            cell(&|o| o.late),
            cell(&|o| o.resourced),
            cell(&|o| o.refused_available),
            cell(&|o| o.splits),
            cell(&|o| o.walk_in_short),
            cell(&|o| o.kept()),
            format!("{:.0}±{:.0}", money.mean / 100.0, money.half / 100.0),
        );
    }
    text
}

/// What the marks of [`render`] mean.
pub const MARKS: &str = "  * refused although every unit was on a shelf and unpromised  ** units that customers at tills did not find\n";
