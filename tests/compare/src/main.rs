//! `cargo xtask compare`: what Evertill costs and saves, on real baskets.

use std::path::Path;

use anyhow::{Result, bail};
use evertill_compare::demand::Demand;
use evertill_compare::figure;
use evertill_compare::report::{self, MARKS};
use evertill_compare::scenario::{Outage, Scenario};

const HELP: &str = "\
cargo xtask compare [--quick] [--write]

  --quick   three seeds instead of thirty
  --write   also draws tests/compare/figure.svg

EVERTILL_DATA names the folder with the whole panel; without it the small
extract of the project is used.
";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--help") || has("-h") {
        print!("{HELP}");
        return Ok(());
    }
    if let Some(odd) = args
        .iter()
        .find(|a| !["--quick", "--write"].contains(&a.as_str()))
    {
        bail!("there is no option {odd:?}\n\n{HELP}");
    }
    let seeds = if has("--quick") { 3 } else { 30 };
    let demand = Demand::read()?;
    let swept = Scenario::swept();
    let tables: Vec<_> = (swept.into_iter())
        .map(|scenario| report::compare(&demand, scenario, seeds))
        .collect();
    println!("{}", report::assumptions(&demand, seeds));
    println!("{}", report::verdict(&tables));
    for table in &tables {
        println!("{}", report::render(table));
    }
    print!("{MARKS}");
    if has("--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("figure.svg");
        std::fs::write(&path, figure::draw(&tables[..Outage::ALL.len()]))?;
        println!("The chart is in {}", path.display());
    }
    Ok(())
}
