//! Real baskets, pooled into a few busy stores, and what was learned from the
//! weeks before.
//!
//! Only the best-selling products are kept, because what hardly sells is never
//! contended for; fuel and coupons are left out.
//!
//! Invariant: estimates come from the weeks before the week that is played.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use evertill_data::{Basket, Sample, Source, raw_folder};
use evertill_domain::{LocationId, Sku, Timestamp};

/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// Stores that all real stores are pooled into.
pub const STORES: usize = 4;

/// One customer's wish.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Seconds since the week began.
    pub at: u64,
    /// The store of the customer.
    pub store: usize,
    /// (product, pieces), each product once.
    pub lines: Vec<(usize, i64)>,
    /// What the lines are worth, in cents.
    pub worth: i64,
}

/// What is known before the week, and who comes in it.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The week's customers by time.
    pub visits: Vec<Visit>,
    /// The days that are played.
    pub days: u64,
    /// The products.
    pub skus: Vec<Sku>,
    /// The stores.
    pub stores: Vec<LocationId>,
    /// Pieces sold before, by store and product.
    pub earlier: Vec<Vec<i64>>,
    /// Days that `earlier` covers.
    pub earlier_days: i64,
    /// Where the baskets come from, in words.
    pub source: String,
}

impl Demand {
    /// The whole panel if `EVERTILL_DATA` names it, else the extract.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn read() -> Result<Self> {
        match raw_folder() {
            Some(folder) => Self::of(Source::read(&folder)?.baskets(), 35, 7, 200, "the panel"),
            None => Self::extract(),
        }
    }

    /// The extract that ships with the project: small, but always there.
    ///
    /// # Errors
    /// The extract cannot be read.
    pub fn extract() -> Result<Self> {
        let words = "the small extract, because EVERTILL_DATA is not set: too little to judge by";
        Self::of(&Sample::read()?.baskets, 0, 0, 60, words)
    }

    /// `before` days to learn from and `days` to play, ending with the data's
    /// last whole week; zero for halves.
    fn of(all: &[Basket], before: u64, days: u64, keep: usize, source: &str) -> Result<Self> {
        let mut timed: Vec<(u64, &Basket)> = all
            .iter()
            .map(|basket| Ok((seconds(&basket.time)?, basket)))
            .collect::<Result<_>>()?;
        timed.sort_by_key(|(at, basket)| (*at, basket.store, basket.basket));
        let first = timed.first().context("there are no baskets")?.0 / DAY;
        let last = timed.last().context("there are no baskets")?.0 / DAY + 1;
        let (before, days) = if days == 0 {
            let half = (last - first) / 2;
            (half.max(1), (last - first - half).max(1))
        } else {
            (before, days)
        };
        ensure!(last >= first + before + days, "the data are too short");
        let begin = (last - days) * DAY;
        let known = begin - before * DAY;
        let timed: Vec<_> = timed.into_iter().filter(|(at, _)| *at >= known).collect();
        let chosen = best_selling(timed.iter().filter(|(at, _)| *at < begin), keep);
        let mut demand = Self {
            visits: Vec::new(),
            days,
            skus: chosen
                .keys()
                .map(|id| Ok(id.to_string().parse()?))
                .collect::<Result<_>>()?,
            stores: (1..=STORES)
                .map(|number| Ok(format!("S{number:03}").parse()?))
                .collect::<Result<_>>()?,
            earlier: vec![vec![0; chosen.len()]; STORES],
            earlier_days: i64::try_from(before)?,
            source: source.to_owned(),
        };
        for (at, basket) in timed {
            let visit = visit(at, basket, &chosen)?;
            if at < begin {
                for (sku, pieces) in visit.lines {
                    demand.earlier[visit.store][sku] += pieces;
                }
            } else if !visit.lines.is_empty() {
                demand.visits.push(Visit {
                    at: at - begin,
                    ..visit
                });
            }
        }
        Ok(demand)
    }

    /// The (s, S) rule of a pair: the demand of review and delivery (two days)
    /// and its square root as safety; above it, three days.
    #[must_use]
    pub fn levels(&self, store: usize, sku: usize) -> (i64, i64) {
        let sold = self.earlier[store][sku];
        let two_days = (2 * sold + self.earlier_days - 1) / self.earlier_days;
        let low = two_days + two_days.isqrt();
        (low, low + (3 * sold / self.earlier_days).max(1))
    }
}

fn best_selling<'a>(
    baskets: impl Iterator<Item = &'a (u64, &'a Basket)>,
    keep: usize,
) -> BTreeMap<u64, usize> {
    let mut sold: BTreeMap<u64, u64> = BTreeMap::new();
    let mut odd: Vec<u64> = Vec::new();
    for (_, basket) in baskets {
        for line in &basket.lines {
            *sold.entry(line.product).or_default() += line.quantity;
            // Fuel is counted in thousandths, coupons have no quantity.
            if line.quantity > 100 || line.quantity == 0 {
                odd.push(line.product);
            }
        }
    }
    for product in odd {
        sold.remove(&product);
    }
    let mut ranked: Vec<(u64, u64)> = sold.into_iter().map(|(id, n)| (n, id)).collect();
    ranked.sort_by_key(|(n, id)| (std::cmp::Reverse(*n), *id));
    ranked.truncate(keep);
    let ids: std::collections::BTreeSet<u64> = ranked.into_iter().map(|(_, id)| id).collect();
    ids.into_iter().zip(0..).collect()
}

fn visit(at: u64, basket: &Basket, chosen: &BTreeMap<u64, usize>) -> Result<Visit> {
    let mut lines: BTreeMap<usize, i64> = BTreeMap::new();
    let mut worth = 0;
    for line in &basket.lines {
        if let Some(sku) = chosen.get(&line.product).filter(|_| line.quantity > 0) {
            *lines.entry(*sku).or_default() += i64::try_from(line.quantity)?;
            worth += line.sales_value;
        }
    }
    Ok(Visit {
        at,
        // Neighbouring numbers are spread, so that the stores are alike in size.
        store: usize::try_from(basket.store.wrapping_mul(2_654_435_761) >> 16)? % STORES,
        lines: lines.into_iter().collect(),
        worth,
    })
}

/// Seconds since the epoch of `2017-01-17T11:53:26`.
fn seconds(time: &str) -> Result<u64> {
    let at: Timestamp = format!("{time}Z").parse()?;
    Ok(u64::try_from(at.as_millis() / 1_000)?)
}
