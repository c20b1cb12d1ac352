//! A chart of cancelled and needlessly refused orders by outage, as SVG that is
//! readable on light and dark pages.
//!
//! Invariant: bars are drawn to one scale, named on the axis.

use std::fmt::Write as _;

use crate::report::Table;

const COLOURS: [&str; 5] = ["#d1495b", "#e08e2b", "#8a7fb5", "#2a9d8f", "#8d99ae"];
const HEIGHT: f64 = 200.0;
const GROUP: f64 = 165.0;

/// Draws the tables, one group of bars each: below solid what was cancelled
/// after the promise, above it paler what was refused though available.
#[must_use]
pub fn draw(tables: &[Table]) -> String {
    let counts = |row: &crate::report::Row| {
        let cancelled = row.figure(|o| i64::from(o.cancelled)).mean;
        (
            cancelled,
            row.figure(|o| i64::from(o.refused_available)).mean,
        )
    };
    let all = tables.iter().flat_map(|table| &table.rows).map(counts);
    let most = all.map(|(a, b)| a + b).fold(1.0, f64::max);
    let width = f64::from(u32::try_from(tables.len()).unwrap_or(1)) * GROUP + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 310\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Orders cancelled after the promise, and refused though available</title>\n\
         <style>text{{fill:#222}}line{{stroke:#888}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n\
         <text x=\"10\" y=\"16\">Orders per week: cancelled after the promise (solid), refused though available (pale)</text>\n\
         <text x=\"10\" y=\"44\">{most:.0}</text><text x=\"10\" y=\"244\">0</text>\n\
         <line x1=\"40\" y1=\"240\" x2=\"{width}\" y2=\"240\"/>\n"
    );
    let mut left = 50.0;
    for table in tables {
        let mut x = left;
        for (row, colour) in table.rows.iter().zip(COLOURS) {
            let (cancelled, refused) = counts(row);
            let (low, high) = (cancelled / most * HEIGHT, refused / most * HEIGHT);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.0}\" y=\"{:.1}\" width=\"22\" height=\"{low:.1}\" fill=\"{colour}\"/>\
                 <rect x=\"{x:.0}\" y=\"{:.1}\" width=\"22\" height=\"{high:.1}\" fill=\"{colour}\" fill-opacity=\"0.4\"/>",
                240.0 - low,
                240.0 - low - high,
            );
            x += 26.0;
        }
        let name = table.scenario.outage.name();
        let _ = writeln!(svg, "<text x=\"{left:.0}\" y=\"258\">outage {name}</text>");
        left += GROUP;
    }
    let names = [
        "every 15 min",
        "one counter",
        "best buffer",
        "Evertill",
        "perfect",
    ];
    let mut x = 50.0;
    for (name, colour) in names.iter().zip(COLOURS) {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.0}\" y=\"278\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{:.0}\" y=\"289\">{name}</text>",
            x + 17.0
        );
        x += 120.0;
    }
    svg.push_str("</svg>\n");
    svg
}
