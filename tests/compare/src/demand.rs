//! Real baskets, pooled into a few busy stores: the week that is played, the
//! fortnight before it that fills the shelves, and the weeks before that which
//! teach how much to order.
//!
//! What is counted in thousandths (fuel) or moves no goods (coupons) is left
//! out, and so is what hardly sells: the panel has too few households to say
//! anything of it.
//!
//! Invariant: estimates come from days before the fortnight, which comes before
//! the week.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use evertill_data::{Basket, Sample, Source, raw_folder};
use evertill_domain::{LocationId, Sku, Timestamp};

/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// Stores that all real stores are pooled into.
pub const STORES: usize = 4;
/// Weeks of the panel that settings are chosen on.
pub const CHOOSING: usize = 2;
/// Weeks after those that results are taken from.
pub const JUDGED: usize = 6;

const PANEL: Span = Span {
    learn: 56,
    warm: 14,
    play: 7,
    keep: 2_000,
};
const EXTRACT: Span = Span {
    learn: 5,
    warm: 2,
    play: 7,
    keep: 120,
};

/// How the days of the data are used, and how many products are kept.
#[derive(Clone, Copy, Debug)]
struct Span {
    learn: u64,
    warm: u64,
    play: u64,
    keep: usize,
}

/// A product that a customer wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Which product.
    pub sku: usize,
    /// How many.
    pub pieces: i64,
    /// What they are worth together, in cents.
    pub worth: i64,
}

impl Line {
    /// What `pieces` of them are worth, in cents, rounded down.
    #[must_use]
    pub const fn worth_of(&self, pieces: i64) -> i64 {
        self.worth * pieces / self.pieces
    }
}

/// One customer's wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visit {
    /// Seconds since the week, or the fortnight, began.
    pub at: u64,
    /// The store of the customer.
    pub store: usize,
    /// What is wanted, each product once.
    pub lines: Vec<Line>,
}

/// What a product sold at a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sold {
    /// Pieces.
    pub pieces: i64,
    /// The sum of the squares of the pieces of each purchase.
    pub squares: i64,
}

/// What is known before the week, and who comes in it.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The week's customers by time.
    pub visits: Vec<Visit>,
    /// The fortnight's customers by time.
    pub before: Vec<Visit>,
    /// The days that are played.
    pub days: u64,
    /// The days that fill the shelves.
    pub days_before: u64,
    /// The products.
    pub skus: Vec<Sku>,
    /// The stores.
    pub stores: Vec<LocationId>,
    /// What was sold earlier, by store and product.
    pub earlier: Vec<Vec<Sold>>,
    /// Days that `earlier` covers.
    pub earlier_days: i64,
}

/// All weeks of a source.
#[derive(Clone, Debug)]
pub struct Weeks {
    /// Weeks that settings are chosen on.
    pub choosing: Vec<Demand>,
    /// Weeks that results are taken from.
    pub judged: Vec<Demand>,
    /// Where the baskets come from, in words.
    pub source: String,
    /// Whether it is the whole panel.
    pub is_whole: bool,
}

impl Weeks {
    /// The whole panel if `EVERTILL_DATA` names it, else the extract.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn read() -> Result<Self> {
        let Some(folder) = raw_folder() else {
            return Self::extract();
        };
        let source = Source::read(&folder)?;
        let timed = timed(source.baskets())?;
        let last = days_of(&timed)?.1;
        let mut all = Vec::new();
        for back in (0..CHOOSING + JUDGED).rev() {
            let end = last - 7 * u64::try_from(back)?;
            all.push(Demand::of(&timed, PANEL, end)?);
        }
        let judged = all.split_off(CHOOSING);
        Ok(Self {
            choosing: all,
            judged,
            source: format!("the panel's last {JUDGED} weeks"),
            is_whole: true,
        })
    }

    /// The extract that ships with the project: small, but always there.
    ///
    /// # Errors
    /// The extract cannot be read.
    pub fn extract() -> Result<Self> {
        let sample = Sample::read()?;
        let timed = timed(&sample.baskets)?;
        let only = vec![Demand::of(&timed, EXTRACT, days_of(&timed)?.1)?];
        Ok(Self {
            choosing: only.clone(),
            judged: only,
            source: "the small extract, because EVERTILL_DATA is not set: too little to judge by"
                .to_owned(),
            is_whole: false,
        })
    }
}

impl Demand {
    /// The span that ends before day `end`.
    fn of(timed: &[(u64, &Basket)], span: Span, end: u64) -> Result<Self> {
        let first = days_of(timed)?.0;
        let length = span.learn + span.warm + span.play;
        ensure!(end >= first + length, "the data are too short");
        let begin = end - span.play;
        let warm = begin - span.warm;
        let days = (warm - span.learn) * DAY..end * DAY;
        let timed = || timed.iter().filter(|(at, _)| days.contains(at));
        let learnt = || timed().filter(|(at, _)| *at < warm * DAY);
        let chosen = best_selling(learnt().map(|(_, basket)| *basket), span.keep);
        let ids = chosen.keys().map(|id| Ok(id.to_string().parse()?));
        let names = (1..=STORES).map(|number| Ok(format!("S{number:03}").parse()?));
        let mut demand = Self {
            visits: Vec::new(),
            before: Vec::new(),
            days: span.play,
            days_before: span.warm,
            skus: ids.collect::<Result<_>>()?,
            stores: names.collect::<Result<_>>()?,
            earlier: vec![vec![Sold::default(); chosen.len()]; STORES],
            earlier_days: i64::try_from(span.learn)?,
        };
        for (at, basket) in timed() {
            let visit = visit(*at, basket, &chosen)?;
            if visit.lines.is_empty() {
                continue;
            }
            if *at < warm * DAY {
                for line in visit.lines {
                    let sold = &mut demand.earlier[visit.store][line.sku];
                    sold.pieces += line.pieces;
                    sold.squares += line.pieces * line.pieces;
                }
            } else if *at < begin * DAY {
                let at = at - warm * DAY;
                demand.before.push(Visit { at, ..visit });
            } else {
                let at = at - begin * DAY;
                demand.visits.push(Visit { at, ..visit });
            }
        }
        Ok(demand)
    }

    /// What the tills of a store sell of a product in a day, in thousandths.
    #[must_use]
    pub fn daily(&self, store: usize, sku: usize) -> i64 {
        self.earlier[store][sku].pieces * 1_000 / self.earlier_days
    }
}

fn timed(baskets: &[Basket]) -> Result<Vec<(u64, &Basket)>> {
    let timed = (baskets.iter()).map(|basket| Ok((seconds(&basket.time)?, basket)));
    let mut timed: Vec<(u64, &Basket)> = timed.collect::<Result<_>>()?;
    timed.sort_by_key(|(at, basket)| (*at, basket.store, basket.basket));
    Ok(timed)
}

/// The first day, and the day after the last.
fn days_of(timed: &[(u64, &Basket)]) -> Result<(u64, u64)> {
    let first = timed.first().context("there are no baskets")?.0 / DAY;
    let last = timed.last().context("there are no baskets")?.0 / DAY;
    Ok((first, last + 1))
}

/// The products of most pieces, numbered.
fn best_selling<'a>(
    baskets: impl Iterator<Item = &'a Basket>,
    keep: usize,
) -> BTreeMap<u64, usize> {
    let mut sold: BTreeMap<u64, u64> = BTreeMap::new();
    let mut odd: Vec<u64> = Vec::new();
    for line in baskets.flat_map(|basket| &basket.lines) {
        *sold.entry(line.product).or_default() += line.quantity;
        // Fuel is counted in thousandths, coupons have no quantity.
        if line.quantity > 100 || line.quantity == 0 {
            odd.push(line.product);
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
    let mut lines: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for line in &basket.lines {
        if let Some(sku) = chosen.get(&line.product).filter(|_| line.quantity > 0) {
            let (pieces, worth) = lines.entry(*sku).or_default();
            *pieces += i64::try_from(line.quantity)?;
            *worth += line.sales_value;
        }
    }
    let line = |(sku, (pieces, worth))| Line { sku, pieces, worth };
    Ok(Visit {
        at,
        // Neighbouring numbers are spread, so that the stores are alike in size.
        store: usize::try_from(basket.store.wrapping_mul(2_654_435_761) >> 16)? % STORES,
        lines: lines.into_iter().map(line).collect(),
    })
}

/// Seconds since the epoch of `2017-01-17T11:53:26`.
fn seconds(time: &str) -> Result<u64> {
    let at: Timestamp = format!("{time}Z").parse()?;
    Ok(u64::try_from(at.as_millis() / 1_000)?)
}
