//! A chart of what is cancelled, what is left on the shelf, and what is earned,
//! by outage, as SVG that is readable on light and dark pages.
//!
//! Invariant: the bars of a panel are drawn to one scale from zero, named on its
//! axis; the intervals are drawn over them.

use std::fmt::Write as _;

use crate::figures::{self, Figure};
use crate::report::money;
use crate::sweep::{Row, Table};

/// By regime, in the order of the rows; perfect information, the last of them, is
/// zero in every panel.
const COLOURS: [&str; 5] = ["#8a7fb5", "#d98032", "#c2475a", "#2a9d8f", "#1f7fc4"];
const LEFT: f64 = 52.0;
const WIDTH: f64 = 760.0;
const TOP: f64 = 58.0;
const HEIGHT: f64 = 120.0;
const STEP: f64 = HEIGHT + 44.0;
const BAR: f64 = 20.0;
const GAP: f64 = 25.0;

/// A panel: its heading, and what is drawn of a row.
type Panel = (&'static str, fn(&Table, &Row) -> Figure);

const PANELS: [Panel; 3] = [
    ("Orders cancelled after the promise, a week", |_, row| {
        figures::of(&row.outcomes, |o| o.broken)
    }),
    (
        "Pieces not offered online although they lay on a shelf, a week",
        |_, row| figures::of(&row.outcomes, |o| o.unsold),
    ),
    (
        "Dollars earned less than with perfect information, a week",
        |table, row| money(table, &table.perfect, row),
    ),
];

/// Draws the tables, one group of bars each.
#[must_use]
pub fn draw(tables: &[Table]) -> String {
    let group = (WIDTH - LEFT) / f64::from(u32::try_from(tables.len().max(1)).unwrap_or(1));
    let mut bottom = TOP;
    let mut body = String::new();
    for panel in PANELS {
        body.push_str(&draw_panel(tables, panel, bottom, group));
        bottom += STEP;
    }
    let height = bottom - 10.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Orders cancelled after the promise, pieces left on the shelf, and money, by regime and length of outage</title>\n\
         <style>text{{fill:#222}}.line{{stroke:#888}}.whisker{{stroke:#222}}\
         @media(prefers-color-scheme:dark){{text{{fill:#ddd}}.whisker{{stroke:#eee}}}}</style>\n\
         {}{body}</svg>\n",
        legend(tables)
    )
}

fn legend(tables: &[Table]) -> String {
    let mut text = String::new();
    let names = tables.first().map(Table::rows).into_iter().flatten();
    for ((at, (name, _)), colour) in (0_u32..).zip(names).zip(COLOURS) {
        let (x, y) = (
            10.0 + f64::from(at % 3) * 250.0,
            8.0 + f64::from(at / 3) * 18.0,
        );
        let _ = writeln!(
            text,
            "<rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{:.0}\">{name}</text>",
            x + 18.0,
            y + 11.0
        );
    }
    text
}

fn draw_panel(tables: &[Table], (heading, of): Panel, top: f64, group: f64) -> String {
    let all = tables.iter().flat_map(|table| {
        let rows = table.rows();
        rows.map(|(_, row)| of(table, row))
    });
    let most = all.map(|f| f.mean + f.half).fold(0.1, f64::max);
    let (high, low) = (top + 14.0, top + 14.0 + HEIGHT - 14.0);
    let scale = (low - high) / most;
    let mut text = format!(
        "<text x=\"10\" y=\"{:.0}\" font-weight=\"bold\">{heading}</text>\n\
         <line class=\"line\" x1=\"{LEFT}\" y1=\"{low:.0}\" x2=\"{WIDTH}\" y2=\"{low:.0}\"/>\n\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text><text x=\"{:.0}\" y=\"{low:.0}\" text-anchor=\"end\">0</text>\n",
        top + 4.0,
        LEFT - 6.0,
        high + 8.0,
        axis(most),
        LEFT - 6.0,
    );
    let mut left = LEFT + 8.0;
    for table in tables {
        let mut x = left;
        for ((_, row), colour) in table.rows().into_iter().zip(COLOURS) {
            text.push_str(&bar(of(table, row), (x, low), scale, colour));
            x += GAP;
        }
        let _ = writeln!(
            text,
            "<text x=\"{left:.0}\" y=\"{:.0}\">outage: {}</text>",
            low + 15.0,
            table.scenario.outage.name()
        );
        left += group;
    }
    text
}

fn axis(most: f64) -> String {
    if most < 10.0 {
        format!("{most:.1}")
    } else {
        format!("{most:.0}")
    }
}

fn bar(figure: Figure, (x, low): (f64, f64), scale: f64, colour: &str) -> String {
    let height = figure.mean.max(0.0) * scale;
    let mut text = format!(
        "<rect x=\"{x:.0}\" y=\"{:.1}\" width=\"{BAR}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
        low - height
    );
    if figure.half > 0.0 {
        let _ = write!(
            text,
            "<line class=\"whisker\" x1=\"{middle:.0}\" y1=\"{:.1}\" x2=\"{middle:.0}\" y2=\"{:.1}\"/>",
            low - (figure.mean + figure.half) * scale,
            low - (figure.mean - figure.half).max(0.0) * scale,
            middle = x + BAR / 2.0,
        );
    }
    text.push('\n');
    text
}
