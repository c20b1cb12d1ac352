//! What came out is told in the same form each time, the cost first, and
//! README.md holds that form.

use std::path::Path;

use evertill_compare::beside::{CutOff, beside};
use evertill_compare::demand::Weeks;
use evertill_compare::figure;
use evertill_compare::readme::{BEGIN, END, FIGURE, block, block_of, table_of, with_block};
use evertill_compare::regime::Dial;
use evertill_compare::scenario::Scenario;
use evertill_compare::sweep::{Seeds, centre, compare};
use evertill_compare::verdict::words;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether a block has the three tables of a report, each of its size, and a
/// number wherever there should be one.
fn assert_written(block: &str) {
    let regimes = table_of(block, "regime").expect("the table of the centre");
    let scenarios = table_of(block, "scenario").expect("the table of the sweeps");
    let keeps = table_of(block, "keep").expect("the table of the dials");
    assert_eq!(regimes.len(), 6);
    assert_eq!(scenarios.len(), Scenario::swept().len());
    let shown = Dial::shown().len();
    assert_eq!(keeps.len() * (keeps[0].len() - 1), shown);
    for (cells, scenario) in scenarios.iter().zip(Scenario::swept()) {
        assert_eq!(cells[0], scenario.name());
    }
    let figures = regimes.iter().flat_map(|cells| &cells[1..]);
    let figures = figures.chain(scenarios.iter().flat_map(|cells| &cells[2..4]));
    let figures = figures.chain(keeps.iter().flat_map(|cells| &cells[1..]));
    for figure in figures {
        let mean = figure.split(" ± ").next().unwrap_or_default();
        let mean = mean.trim_start_matches(['−', '+']);
        assert!(mean.parse::<f64>().is_ok(), "{figure:?} is no figure");
    }
    let cost = block.find("**What it costs.**").expect("the cost is told");
    let loses = block.find("**Where it loses.**").expect("the loss is told");
    let wins = block.find("**Where it wins**").expect("the gain is told");
    assert!(cost < loses && loses < wins, "the cost comes first");
    assert!(block.contains(&format!("]({FIGURE})")));
}

#[test]
fn the_readme_holds_what_is_written_and_the_chart_that_it_names() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(text.contains("cargo xtask compare"));
    assert_written(block_of(&text).expect("README.md has both marks"));
    let chart = std::fs::read_to_string(root().join(FIGURE)).unwrap();
    assert!(chart.starts_with("<svg") && chart.ends_with("</svg>\n"));
}

#[test]
fn what_is_written_can_be_read_back_and_touches_nothing_else() {
    let weeks = Weeks::extract().unwrap();
    let tables = compare(&weeks, &Scenario::swept(), Seeds::QUICK);
    let rows = beside(&weeks, Seeds::QUICK);
    let written = block(&tables, &rows, Seeds::QUICK);
    assert_written(&written);
    let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
    let text = with_block(&text, &written).unwrap();
    assert_eq!(block_of(&text), Some(written.trim()));
    assert!(text.starts_with(&format!("before\n{BEGIN}\n")) && text.ends_with("\nafter\n"));
    assert_eq!(with_block(&text, &written).unwrap(), text);
    assert!(with_block("no marks", &written).is_err());
}

#[test]
fn who_is_called_better_is_what_the_figures_say() {
    let weeks = Weeks::extract().unwrap();
    let played = [Scenario::CENTRE, CutOff::SCENARIO];
    let mut tables = compare(&weeks, &played, Seeds::QUICK);
    let cut_off = beside(&weeks, Seeds::QUICK).cut_off;
    let cents = 100_000;
    for (row, change) in [(0, -cents), (1, cents)] {
        let table = &mut tables[0];
        let row = [&mut table.installed, &mut table.tuned]
            .into_iter()
            .nth(row);
        row.unwrap().outcomes.clone_from(&table.buffered.outcomes);
        let row = if change < 0 {
            &mut table.installed
        } else {
            &mut table.tuned
        };
        row.outcomes.iter_mut().for_each(|o| o.paid_till += change);
    }
    let said = words(&tables, &cut_off);
    assert!(
        said.contains("As installed it earns 300 ± 0 dollars less"),
        "{said}"
    );
    assert!(
        said.contains("With its best dial it earns 300 ± 0 dollars more"),
        "{said}"
    );
    assert_eq!(centre(&tables), &tables[0]);
}

#[test]
fn the_chart_has_a_bar_for_each_regime_in_each_panel() {
    let weeks = Weeks::extract().unwrap();
    let tables = compare(&weeks, &[Scenario::CENTRE, Scenario::WORST], Seeds::QUICK);
    let drawn = figure::draw(&tables);
    let bars = drawn.matches("<rect").count();
    assert_eq!(bars, 3 * 2 * 5 + 5, "three panels, and the legend");
    assert!(drawn.contains("prefers-color-scheme:dark"));
}
