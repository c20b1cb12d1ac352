//! What came out, in a merchant's words: the cost of Evertill first, then where
//! it loses, then where it wins.
//!
//! Invariant: every number and every "more" or "less" comes from the results;
//! what the interval does not part from zero is called no difference.

use crate::beside::CutOff;
use crate::figures::{self, Figure};
use crate::outcome::{LATE, MARGIN, Outcome, SPLIT};
use crate::regime::Dial;
use crate::report::{money, setting, signed};
use crate::sweep::{Row, Table, centre, table_of};

/// The paragraphs, in Markdown that also reads well as it stands.
#[must_use]
pub fn words(tables: &[Table], cut_off: &CutOff) -> String {
    let centre = centre(tables);
    let all = [
        cost(centre),
        loses(tables),
        wins(tables),
        cut(cut_off, table_of(tables, CutOff::SCENARIO)),
        set(tables),
    ];
    all.join("\n\n")
}

/// How a row is found in a table.
type Of = fn(&Table) -> &Row;

/// The two ways to set Evertill, with what a sentence calls them.
const WAYS: [(&str, Of); 2] = [
    ("As installed", |table| &table.installed),
    ("With its best dial", |table| &table.tuned),
];

fn cost(centre: &Table) -> String {
    let of = |row: &Row, count: fn(&Outcome) -> i64| exact(figures::of(&row.outcomes, count));
    let unsold = |row: &Row| of(row, |o| o.unsold);
    let parcels = |row: &Row| of(row, |o| o.splits);
    let (installed, counter, tuned) = (&centre.installed, &centre.buffered, &centre.tuned);
    let mean = |count: fn(&Outcome) -> i64| figures::of(&counter.outcomes, count).mean;
    format!(
        "**What it costs.** A right that is not where the demand is cannot be sold. Of {:.0} pieces that {:.0} \
         online customers want in a week, Evertill as it is installed ({}) does not offer {} although they lie \
         on a shelf; one counter with its best buffer ({}) does not offer {}. Orders that are put together from \
         several stores, also because the rights at one do not reach, take {} further parcels against {}. With its best dial ({}) Evertill does not offer {} pieces and sends {} further parcels.",
        mean(|o| o.wanted),
        mean(|o| o.placed),
        setting(installed.regime),
        unsold(installed),
        setting(counter.regime),
        unsold(counter),
        parcels(installed),
        parcels(counter),
        setting(tuned.regime),
        unsold(tuned),
        parcels(tuned),
    )
}

fn loses(tables: &[Table]) -> String {
    let centre = centre(tables);
    let ways = WAYS.map(|(name, row)| {
        let by = money(centre, row(centre), &centre.buffered);
        format!(
            "{name} it earns {} in a week of the centre{}; clearly less {}, and it cancels clearly more orders \
             after the promise {}.",
            against_the_counter(by),
            parts(centre, row(centre)),
            summary(&earns(tables, row, -1.0), tables.len()),
            summary(&cancels(tables, row, 1.0), tables.len()),
        )
    });
    format!("**Where it loses.** {}", ways.join(" "))
}

fn wins(tables: &[Table]) -> String {
    let ways = WAYS.map(|(name, row)| {
        format!(
            "{name} it earns clearly more {}, and cancels clearly fewer orders {}.",
            summary(&earns(tables, row, 1.0), tables.len()),
            summary(&cancels(tables, row, -1.0), tables.len()),
        )
    });
    format!(
        "**Where it wins** against the counter with its best buffer. {}",
        ways.join(" ")
    )
}

/// What a clear difference to the best counter is made of.
fn parts(table: &Table, row: &Row) -> String {
    if !money(table, row, &table.buffered).is_clear() {
        return String::new();
    }
    let of = |count: &dyn Fn(&Outcome) -> i64| {
        figures::paired(&row.outcomes, &table.buffered.outcomes, count)
            .hundredth()
            .mean
    };
    let margin = of(&|o| (o.paid_online + o.paid_till) * MARGIN / 100);
    let parcels = of(&|o| -o.splits * SPLIT);
    let promises = of(&|o| -o.broken * table.scenario.broken - o.late * LATE);
    format!(
        " ({} of goods, {} of parcels, {} of broken and late promises)",
        signed(margin),
        signed(parcels),
        signed(promises)
    )
}

/// A scenario, and by how much the two differ there.
type Found = (String, Figure, &'static str);

/// Where a row of Evertill's earns clearly more than the best counter, or less
/// with a `sign` below zero.
fn earns(tables: &[Table], row: Of, sign: f64) -> Vec<Found> {
    let by = tables.iter().map(|table| {
        let by = money(table, row(table), &table.buffered);
        (table.scenario.name(), by, "dollars")
    });
    by.filter(|(_, by, _)| by.is_clear() && by.mean * sign > 0.0)
        .collect()
}

/// Where a row of Evertill's breaks clearly more promises than the best counter,
/// or fewer with a `sign` below zero.
fn cancels(tables: &[Table], row: Of, sign: f64) -> Vec<Found> {
    let by = tables.iter().map(|table| {
        let (ours, theirs) = (&row(table).outcomes, &table.buffered.outcomes);
        let by = figures::paired(ours, theirs, |o| o.broken);
        (table.scenario.name(), by, "orders")
    });
    by.filter(|(_, by, _)| by.is_clear() && by.mean * sign > 0.0)
        .collect()
}

/// A few by name; of many how many, and the largest.
fn summary(found: &[Found], of: usize) -> String {
    let size = |found: &&Found| found.1.mean.abs();
    let largest = found.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
    match largest {
        None => "in no scenario".to_owned(),
        Some(largest) if found.len() > 2 => format!(
            "in {} of {of} scenarios, most of all with {}",
            found.len(),
            told(largest)
        ),
        Some(_) => {
            let all: Vec<String> = found.iter().map(told).collect();
            format!("with {}", all.join(" and "))
        }
    }
}

fn told((scenario, by, unit): &Found) -> String {
    let (mean, half) = (by.mean.abs(), by.half);
    match *unit {
        "orders" => format!("{scenario} ({mean:.1} ± {half:.1} a week)"),
        _ => format!("{scenario} ({mean:.0} ± {half:.0} dollars a week)"),
    }
}

/// What rights are worth while a line is cut, if the web sells on.
fn cut(cut_off: &CutOff, table: &Table) -> String {
    let (counter, evertill) = (&cut_off.counter, &cut_off.evertill);
    let broken = |row: &Row| exact(figures::of(&row.outcomes, |o| o.broken));
    let unsold = |row: &Row| exact(figures::of(&row.outcomes, |o| o.unsold));
    let fewer = figures::paired(&evertill.outcomes, &counter.outcomes, |o| o.broken);
    let by = money(table, evertill, counter);
    let stops = money(table, &cut_off.evertill_stops, &cut_off.counter_stops);
    let pause = money(table, &cut_off.evertill_stops, evertill);
    let installed = money(table, &table.installed, &cut_off.evertill_stops);
    let limit = Dial::default().rule.silence_limit_minutes;
    format!(
        "**Two days without a line.** If the web sells on from a store that it does not hear, one counter without \
         a buffer cancels {} orders a week, and Evertill with everything at the web (keep 0, share 100 %) {} (paired by \
         seed: {} ± {:.1}); for that it does not offer {} pieces, the counter {}, and it earns {} ({}). If the web stops after 15 \
         minutes of silence, Evertill earns {} ({}); stopping is worth {} to Evertill. As installed it stops after {limit} \
         minutes, and so sells on through shorter outages; in this one that makes {} against stopping after 15.",
        broken(counter),
        broken(evertill),
        tenths(fewer.mean),
        fewer.half,
        unsold(evertill),
        unsold(counter),
        than(
            by,
            "more than the counter",
            "less than the counter",
            "as much as the counter"
        ),
        dollars(by),
        than(
            stops,
            "more than the counter",
            "less than the counter",
            "as much as the counter"
        ),
        dollars(stops),
        dollars(pause),
        dollars(installed),
    )
}

fn than(figure: Figure, more: &str, less: &str, same: &str) -> String {
    match figure.is_clear() {
        true if figure.mean > 0.0 => more.to_owned(),
        true => less.to_owned(),
        false => format!("{same}, within chance"),
    }
}

fn tenths(number: f64) -> String {
    let sign = if number < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1}", number.abs())
}

/// "−12 ± 5 dollars".
fn dollars(figure: Figure) -> String {
    format!("{} ± {:.0} dollars", signed(figure.mean), figure.half)
}

/// The dial that is best most often.
fn set(tables: &[Table]) -> String {
    let dials: Vec<String> = tables.iter().map(|t| setting(t.tuned.regime)).collect();
    let count = |dial: &String| dials.iter().filter(|other| *other == dial).count();
    let best = dials.iter().rev().max_by_key(|dial| count(dial));
    best.map_or_else(String::new, |dial| {
        format!(
            "**What to set.** Of the dials that were tried on earlier weeks \"{dial}\" earned most in {} of {} \
             scenarios; installed is \"{}\". It is set with \
             `PUT /policies/online`.",
            count(dial),
            tables.len(),
            setting(centre(tables).installed.regime),
        )
    })
}

fn exact(figure: Figure) -> String {
    format!("{:.1} ± {:.1}", figure.mean, figure.half)
}

fn against_the_counter(figure: Figure) -> String {
    let word = if figure.mean < 0.0 { "less" } else { "more" };
    let by = format!(
        "{:.0} ± {:.0} dollars {word}",
        figure.mean.abs(),
        figure.half
    );
    if figure.is_clear() {
        format!("{by} than the counter with its best buffer")
    } else {
        format!("as much as the counter with its best buffer, within chance ({by})")
    }
}
