//! `cargo xtask compare`: what Evertill costs and saves, on real baskets.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use evertill_compare::beside::{CutOff, beside, everywhere};
use evertill_compare::demand::Weeks;
use evertill_compare::scenario::{Outage, Scenario};
use evertill_compare::sweep::{self, Seeds};
use evertill_compare::{figure, readme, report, verdict};

const HELP: &str = "\
cargo xtask compare [--quick] [--write]
cargo xtask compare --dials [--quick]

  --quick   three seeds instead of thirty
  --dials   only the dials that every merchant sees, in every scenario, on the
            weeks on which settings are chosen
  --write   also draws tests/compare/figure.svg and writes the tables of README.md

EVERTILL_DATA names the folder with the whole panel; without it the small
extract of the project is used, which is too little to judge by.
";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--help") || has("-h") {
        print!("{HELP}");
        return Ok(());
    }
    let known = ["--quick", "--write", "--dials"];
    if let Some(odd) = args.iter().find(|a| !known.contains(&a.as_str())) {
        bail!("there is no option {odd:?}\n\n{HELP}");
    }
    let seeds = if has("--quick") {
        Seeds::QUICK
    } else {
        Seeds::ALL
    };
    let weeks = Weeks::read()?;
    let write = has("--write");
    ensure!(
        !write || (weeks.is_whole && !has("--quick")),
        "only the whole panel and all seeds are written: set EVERTILL_DATA, and leave --quick out"
    );
    if has("--dials") {
        print!("{}", report::render_everywhere(&everywhere(&weeks, seeds)));
        return Ok(());
    }
    let tables = sweep::compare(&weeks, &Scenario::swept(), seeds);
    let centre = sweep::centre(&tables);
    let beside = beside(&weeks, seeds);
    println!("{}", report::assumptions(&weeks, seeds, centre));
    println!("{}", verdict::words(&tables, &beside.cut_off));
    for table in &tables {
        println!("{}", report::render(table));
    }
    println!("{}", report::MARKS);
    println!("{}", report::render_dials(&beside.dials, centre));
    let long = sweep::table_of(&tables, CutOff::SCENARIO);
    print!("{}", report::render_cut_off(&beside.cut_off, long));
    if write {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let by_outage = &tables[..Outage::ALL.len()];
        std::fs::write(folder.join("figure.svg"), figure::draw(by_outage))?;
        let path = folder.join("../../README.md");
        let text = std::fs::read_to_string(&path)?;
        let block = readme::block(&tables, &beside, seeds);
        std::fs::write(&path, readme::with_block(&text, &block)?)?;
        println!("\ntests/compare/figure.svg and the tables of README.md are written");
    }
    Ok(())
}
