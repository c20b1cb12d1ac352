//! The part of README.md that is written from the results, between two marks.
//!
//! Invariant: everything between the marks is generated; nothing outside them is
//! touched.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::beside::Beside;
use crate::figures;
use crate::outcome::Outcome;
use crate::report::{money, setting, signed};
use crate::sweep::{Row, Seeds, Table, centre, distinct};
use crate::verdict;

/// Where the block begins.
pub const BEGIN: &str = "<!-- cargo xtask compare --write: from here -->";
/// Where it ends.
pub const END: &str = "<!-- cargo xtask compare --write: to here -->";
/// The chart, as README.md finds it.
pub const FIGURE: &str = "tests/compare/figure.svg";

/// The block, without its marks.
#[must_use]
pub fn block(tables: &[Table], beside: &Beside, seeds: Seeds) -> String {
    let centre = centre(tables);
    format!(
        "{}\n\n![What each way of selling online cancels, leaves on the shelf, and earns, by length of outage]({FIGURE})\n\n{}\n{}\n{}",
        verdict::words(tables, &beside.cut_off),
        of_centre(centre, seeds),
        of_sweep(tables),
        of_dials(&beside.dials, centre),
    )
}

/// The text of README.md with another block.
///
/// # Errors
/// A mark is missing.
pub fn with_block(text: &str, block: &str) -> Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .with_context(|| format!("README.md has no line {BEGIN:?}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("README.md has no line {END:?} after the first mark"))?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        block.trim()
    ))
}

/// The block that a text holds.
#[must_use]
pub fn block_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    Some(rest.split_once(END)?.0.trim())
}

/// The cells of each row, without the heading, of the first Markdown table whose
/// heading begins with `first`.
#[must_use]
pub fn table_of(block: &str, first: &str) -> Option<Vec<Vec<String>>> {
    let mut lines = block.lines();
    let heading = format!("| {first} |");
    lines.find(|line| line.starts_with(&heading))?;
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    Some(rows.map(cells).collect())
}

fn of_centre(table: &Table, seeds: Seeds) -> String {
    let mut text = format!(
        "The centre (2 h outages, 10 % online, 10 % of records wrong), a week, mean of {} seeds ± 95 % interval; \
         dollars against perfect information:\n\n\
         | regime | accepted | of them whole | cancelled after promise | re-sourced in time | unsold though available | further parcels | dollars |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
        seeds.judged
    );
    let columns: [fn(&Outcome) -> i64; 6] = [
        Outcome::accepted,
        |o| o.whole,
        |o| o.broken,
        |o| o.resourced,
        |o| o.unsold,
        |o| o.splits,
    ];
    for (name, row) in table.rows() {
        let _ = write!(text, "| {name} |");
        for count in columns {
            let figure = figures::of(&row.outcomes, count);
            let _ = write!(text, " {:.1} ± {:.1} |", figure.mean, figure.half);
        }
        let _ = writeln!(text, " {} |", dollars(table, row, &table.perfect));
    }
    text
}

fn of_sweep(tables: &[Table]) -> String {
    let mut text = String::from(
        "The sweeps, one dial turned at a time: dollars a week that Evertill earns more or less than the central \
         counter with its best buffer, paired by seed, and orders cancelled after the promise \
         (counter, as installed, best dial):\n\n\
         | scenario | best buffer | as installed | with its best dial | best dial | cancelled |\n\
         |---|---|---:|---:|---|---:|\n",
    );
    for table in tables {
        let broken = |row: &Row| figures::of(&row.outcomes, |o| o.broken).mean;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.1}, {:.1}, {:.1} |",
            table.scenario.name(),
            setting(table.buffered.regime),
            dollars(table, &table.installed, &table.buffered),
            dollars(table, &table.tuned, &table.buffered),
            setting(table.tuned.regime),
            broken(&table.buffered),
            broken(&table.installed),
            broken(&table.tuned),
        );
    }
    text
}

/// Keep down, share across.
fn of_dials(dials: &[Row], centre: &Table) -> String {
    let mut text = String::from(
        "The two dials of Evertill in the centre, the same difference in dollars a week: what stays with the tills, \
         and the share of the web:\n\n",
    );
    let shares: Vec<u16> = distinct(dials.iter().filter_map(Row::share));
    let keeps: Vec<i64> = distinct(dials.iter().filter_map(Row::keep));
    text.push_str("| keep |");
    for share in &shares {
        let _ = write!(text, " {} % |", share / 10);
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(shares.len()));
    for keep in keeps {
        let _ = write!(text, "| {keep} |");
        for share in &shares {
            let row =
                (dials.iter()).find(|row| (row.share(), row.keep()) == (Some(*share), Some(keep)));
            let cell = row.map_or_else(String::new, |row| dollars(centre, row, &centre.buffered));
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

fn dollars(table: &Table, row: &Row, other: &Row) -> String {
    let by = money(table, row, other);
    if by.mean.abs() < 0.5 && by.half < 0.5 {
        return "0".to_owned();
    }
    format!("{} ± {:.0}", signed(by.mean), by.half)
}
