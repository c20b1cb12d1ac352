//! How fast the hub decides where an order comes from.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use evertill_domain::opening::Opening;
use evertill_domain::policy::{CostPolicy, RoutingPolicy};
use evertill_domain::routing::{Candidate, Destination, Position, Snapshot, Wanted, plan};
use evertill_domain::{LocationKind, Sku, Timestamp};

use crate::figures::Figures;

const CANDIDATES: i64 = 200;
const LINES: u32 = 3;
const PLANS: u32 = 2_000;

/// Plans for orders of three lines that no single location covers.
pub fn measure(figures: &mut Figures) -> Result<()> {
    let mut costs = CostPolicy::default();
    (costs.default.parcel, costs.default.per_100_km) = (400, 30);
    let policy = RoutingPolicy {
        costs: Some(costs),
        ..RoutingPolicy::default()
    };
    let mut snapshot = snapshot()?;
    let began = Instant::now();
    for order in 0..PLANS {
        snapshot.order = order.to_string();
        let plan = plan(&snapshot, &policy);
        ensure!(plan.unsourced.is_empty(), "an order could not be sourced");
    }
    let per_second = f64::from(PLANS) / began.elapsed().as_secs_f64();
    figures.set("route_plans_per_s", per_second);
    Ok(())
}

fn snapshot() -> Result<Snapshot> {
    let skus: Vec<Sku> = (0..LINES)
        .map(|line| format!("SKU-{line}").parse())
        .collect::<Result<_, _>>()?;
    let wanted = (1..).zip(&skus).map(|(line, sku)| Wanted {
        line,
        sku: sku.clone(),
        quantity: 2_000,
    });
    Ok(Snapshot {
        order: String::new(),
        now: Timestamp::from_millis(0),
        wanted: wanted.collect(),
        destination: Destination::Ship {
            position: Some(place(0)),
            zone: None,
            area: None,
        },
        promise_by: None,
        allow_split: true,
        allow_partial: false,
        policy_version: 1,
        candidates: (0..CANDIDATES)
            .map(|number| candidate(number, &skus))
            .collect::<Result<_>>()?,
        asked: Vec::new(),
    })
}

/// A location that lacks one of the products.
fn candidate(number: i64, skus: &[Sku]) -> Result<Candidate> {
    let missing = usize::try_from(number)? % skus.len();
    let stock: BTreeMap<Sku, i64> = skus
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != missing)
        .map(|(_, sku)| (sku.clone(), (number % 7 + 2) * 1_000))
        .collect();
    Ok(Candidate {
        location: format!("S{number:03}").parse()?,
        position: Some(place(number)),
        kind: Some(LocationKind::Store),
        area: None,
        usable: stock.clone(),
        depth: stock,
        demand: BTreeMap::new(),
        free_capacity: u32::try_from(number % 11)?,
        ready_at: Timestamp::from_millis(number * 1_000),
        opening: Some(Opening::Open),
        selling_open: true,
        suspended: false,
        data_age_s: 5,
        cooling_until: None,
    })
}

fn place(number: i64) -> Position {
    Position {
        latitude: 40_000_000 + number * 31_000,
        longitude: -83_000_000 - number * 17_000,
    }
}
