//! The machine's own figures, imports, and a node with many products.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use evertill_data::Sample;
use evertill_demo::chain::{Chain, REGISTER, until};
use evertill_support::run;

use crate::beside;
use crate::figures::{Figures, microseconds, percentile, ratio};
use crate::selling::sell;

const SYNCS: usize = 300;
const SALES: usize = 500;
const SEARCHES: usize = 500;
const IMPORT_ROWS: u64 = 100_000;
const MANY: u64 = 50_000;
/// The store that gets many products.
const STORE: usize = 2;

/// How long the disk takes to keep something.
pub fn disk(dir: &Path, figures: &mut Figures) -> Result<()> {
    let mut file = File::create(dir.join("fsync"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    figures.set(
        "disk_fsync_p50_us",
        microseconds(percentile(&mut times, 50)),
    );
    Ok(())
}

/// Imports, then memory and start of a node with 50,000 products.
pub fn many_products(
    chain: &mut Chain,
    dir: &Path,
    sample: &Sample,
    figures: &mut Figures,
) -> Result<()> {
    let file = dir.join("many.csv");
    let path = file.to_str().context("paths are plain text")?;
    std::fs::write(&file, products(IMPORT_ROWS))?;
    let hub = dir.join("import");
    let hub = hub.to_str().context("paths are plain text")?;
    let binary = beside("evertill-hub")?;
    let binary = binary.to_str().context("paths are plain text")?;
    let began = Instant::now();
    let ended = run(binary, &["import", "products", path, "--data", hub])?;
    let took = began.elapsed();
    anyhow::ensure!(
        ended.status == Some(0),
        "the import failed: {}",
        ended.errors
    );
    #[expect(clippy::cast_precision_loss, reason = "figures have few digits")]
    figures.set("import_rows_per_s", IMPORT_ROWS as f64 / took.as_secs_f64());

    std::fs::write(&file, products(MANY))?;
    chain.hub.command(&["import", "products", path])?;
    let store = &mut chain.stores[STORE];
    let client = store.client();
    let last = format!("/products/M{:06}", MANY - 1);
    until(Duration::from_mins(2), "the products arrive", || {
        Ok(client.get(&last)?.status == 200)
    })?;
    store.member.stop()?;
    let began = Instant::now();
    store.member.start()?;
    sell(&client, sample, REGISTER, 0)?;
    figures.set(
        "node_cold_start_ms_50k_skus",
        began.elapsed().as_secs_f64() * 1e3,
    );
    for sale in 1..SALES {
        sell(&client, sample, REGISTER, sale)?;
    }
    for i in 0..SEARCHES {
        client.get(&format!("/products?query=product%20{}", i * 97))?;
    }
    let pid = store.member.pid().context("the node runs")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next());
    let kib: u64 = kib
        .context("the system says how much memory is used")?
        .parse()?;
    figures.set("node_rss_mb_50k_skus", ratio(kib, 1_024));
    Ok(())
}

/// The larger of both services as a package ships it: without debugging
/// information. Left out where there is no `strip`.
pub fn binaries(dir: &Path, figures: &mut Figures) -> Result<()> {
    let mut largest = 0;
    for name in ["evertill-node", "evertill-hub"] {
        let (binary, copy) = (beside(name)?, dir.join(name));
        let mut strip = Command::new("strip");
        let done = strip.arg("-o").arg(&copy).arg(binary).status();
        if !done.is_ok_and(|status| status.success()) {
            println!("  binary_mb is left out: there is no strip");
            return Ok(());
        }
        largest = largest.max(std::fs::metadata(copy)?.len());
    }
    figures.set("binary_mb", ratio(largest, 1_000_000));
    Ok(())
}

/// A product file of so many rows.
pub fn products(rows: u64) -> String {
    let mut text =
        String::from("sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n");
    for row in 0..rows {
        let price = 50 + row % 2_000;
        writeln!(
            text,
            "M{row:06},,Made product {row},GROCERY,SHELF {},{}.{:02},,USD,zero,each",
            row % 300,
            price / 100,
            price % 100
        )
        .expect("writing to memory cannot fail");
    }
    text
}
