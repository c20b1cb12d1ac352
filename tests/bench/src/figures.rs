//! The figures by name, as a table and as JSON.
//!
//! Invariant: every name is always there; what was not measured is `null`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value};

/// Names, what they mean, and the budget on two shared cores.
const NAMES: [(&str, &str, &str); 26] = [
    (
        "disk_fsync_p50_us",
        "append 4 KiB and sync, median",
        "baseline",
    ),
    (
        "loopback_http_p50_us",
        "GET /healthz of the node, median",
        "baseline",
    ),
    (
        "sale_http_p50_us",
        "a real basket at one till, median",
        "fsync + 1000",
    ),
    ("sale_http_p99_us", "the same, 99th percentile", "10000"),
    ("sale_http_minus_fsync_us", "median less the disk's", "1000"),
    ("sales_per_s_16_tills", "sixteen tills at one node", ""),
    (
        "ingest_receipts_per_s",
        "into one hub, durable, frames of 500",
        "20000",
    ),
    (
        "catchup_receipts",
        "receipts sold while the line was cut",
        "3435",
    ),
    (
        "catchup_s",
        "from the connection to the last confirmation",
        "0.3",
    ),
    (
        "catchup_bytes_per_receipt",
        "written to the QUIC streams",
        "110",
    ),
    (
        "live_p50_ms",
        "from the till's request to visible at the hub",
        "2",
    ),
    ("live_p99_ms", "the same, 99th percentile", "20"),
    (
        "node_rss_mb_50k_skus",
        "memory of a node with 50,000 products",
        "64",
    ),
    (
        "node_cold_start_ms_50k_skus",
        "until the first sale is answered",
        "",
    ),
    ("import_rows_per_s", "100,000 products into a hub", ""),
    (
        "sim_seeds_per_minute",
        "seven days of three stores, faults on",
        "50",
    ),
    (
        "route_plans_per_s",
        "where an order comes from, of 200 locations",
        "2000",
    ),
    (
        "reserve_per_s_hot_sku",
        "orders for one product, 256 at once, durable",
        "5000",
    ),
    (
        "reserve_per_s_many_skus",
        "the same over 1,000 products",
        "",
    ),
    ("reserve_p99_ms", "one of those on the hot product", ""),
    (
        "order_http_p50_ms",
        "one order, 50 locations may ship it, median",
        "",
    ),
    ("order_http_p99_ms", "the same, 99th percentile", ""),
    (
        "availability_http_p99_ms",
        "one of 50,000 products at 50 locations",
        "",
    ),
    (
        "till_to_availability_p99_ms",
        "from the till's request to the hub's figure",
        "",
    ),
    ("binary_mb", "the larger service, stripped", ""),
    ("live_receipts", "receipts timed one by one to the hub", ""),
];

/// Figures of the run itself, which the file for machines does not carry.
const TABLE_ONLY: [&str; 2] = ["loopback_http_p50_us", "live_receipts"];

/// What was measured so far.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<&'static str, f64>);

impl Figures {
    /// Keeps a figure.
    ///
    /// # Panics
    /// When the name is not one of the list.
    pub fn set(&mut self, name: &'static str, value: f64) {
        assert!(NAMES.iter().any(|(known, ..)| *known == name), "{name}");
        println!("  {name} {}", shown(value));
        self.0.insert(name, value);
    }

    /// A figure that was measured before.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// The figures for people.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header(["figure", "measured", "budget", "what"]);
        for (name, what, budget) in NAMES {
            let value = self.get(name).map_or_else(|| "not run".to_owned(), shown);
            table.add_row([name, value.as_str(), budget, what]);
        }
        for column in 1..3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    /// The figures for machines.
    ///
    /// # Errors
    /// Never; a figure is a finite number.
    pub fn json(&self) -> Result<String> {
        let figure = |(name, ..): &(&str, &str, &str)| {
            let value = self.get(name).map_or(Value::Null, Value::from);
            ((*name).to_owned(), value)
        };
        let kept = NAMES.iter().filter(|(name, ..)| !TABLE_ONLY.contains(name));
        let map: Map<String, Value> = kept.map(figure).collect();
        Ok(serde_json::to_string_pretty(&map)?)
    }
}

/// A percentile of some times, which it sorts; zero for none.
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}

/// A time in microseconds.
#[must_use]
pub fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// One whole number over another.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "figures have few digits")]
pub fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

fn shown(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_every_name_and_null_for_what_was_not_run() {
        let mut figures = Figures::default();
        figures.set("catchup_s", 0.125);
        figures.set("live_receipts", 300.0);
        let read: Map<String, Value> = serde_json::from_str(&figures.json().unwrap()).unwrap();
        assert_eq!(read.len(), NAMES.len() - TABLE_ONLY.len());
        assert_eq!(read["catchup_s"], 0.125);
        assert!(read["binary_mb"].is_null() && !read.contains_key("live_receipts"));
    }

    #[test]
    fn percentiles_are_samples() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(51));
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(100));
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }
}
