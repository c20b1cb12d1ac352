//! Stock: the sum of all movements, one row per (location, SKU, owner, lot)
//! with a column per bucket.
//!
//! A batch adds to each row it touches once, however many entries moved it
//! (`pending`). A row is written even for changes that cancel out, so that
//! tables do not depend on how entries were grouped.
//!
//! Invariant: the buckets of a row sum to zero, because a movement takes from
//! one bucket what it puts into another.

mod pending;

use evertill_domain::{Bucket, LocationId, Sku};
use rusqlite::{Connection, Row, params};

pub(crate) use pending::Pending;

use crate::sql::{Doing, TableError, TableResult, text};

/// Units in each bucket, in thousandths, by [`Bucket::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StockFigures {
    /// One figure for each bucket.
    pub buckets: [i64; Bucket::ALL.len()],
}

impl StockFigures {
    /// Units in one bucket, in thousandths.
    #[must_use]
    pub fn bucket(&self, bucket: Bucket) -> i64 {
        self.buckets[usize::from(bucket.code())]
    }

    /// The sum of the physical buckets, in thousandths; may be negative.
    #[must_use]
    pub fn on_hand(&self) -> i64 {
        let physical = Bucket::ALL
            .into_iter()
            .filter(|bucket| bucket.is_physical());
        physical.map(|bucket| self.bucket(bucket)).sum()
    }

    /// Units sellable or staged, in thousandths: A, what promises rest on.
    #[must_use]
    pub fn sellable_or_staged(&self) -> i64 {
        self.bucket(Bucket::Sellable)
            .saturating_add(self.bucket(Bucket::Staged))
    }

    fn assert_balanced(&self, location: &LocationId, sku: &Sku) -> TableResult<()> {
        let sum: i128 = self.buckets.iter().map(|figure| i128::from(*figure)).sum();
        if sum == 0 {
            return Ok(());
        }
        Err(TableError::Damaged {
            what: format!("the stock of {sku} at {location}"),
            detail: format!("its buckets sum to {sum} thousandths instead of 0"),
        })
    }
}

/// The stock of one SKU at one location, over all owners and lots; `None` if
/// it never moved there.
///
/// # Errors
/// The table could not be read, or a row is damaged.
pub fn of(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
) -> TableResult<Option<StockFigures>> {
    let rows = conn
        .prepare_cached(
            "SELECT sellable, staged, receiving, quality_control, damaged, quarantined,
                    in_transit, supplier, customer, shrinkage, adjustment, opening
             FROM stock WHERE location = ?1 AND sku = ?2",
        )
        .and_then(|mut select| {
            let rows =
                select.query_map([location.as_str(), sku.as_str()], |row| figures(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read stock")?;
    for row in &rows {
        row.assert_balanced(location, sku)?;
    }
    Ok(rows.into_iter().reduce(total))
}

/// The locations where anything ever moved. Steps from one to the next instead
/// of reading every row.
///
/// # Errors
/// The table could not be read.
pub fn locations(conn: &Connection) -> TableResult<Vec<LocationId>> {
    conn.prepare_cached(
        "WITH RECURSIVE place (id) AS (
           SELECT min(location) FROM stock
           UNION ALL
           SELECT (SELECT min(location) FROM stock WHERE location > id) FROM place
           WHERE id IS NOT NULL)
         SELECT id FROM place WHERE id IS NOT NULL",
    )
    .and_then(|mut select| select.query_map([], |row| text(row, 0))?.collect())
    .doing("list where stock is")
}

/// The stock of one SKU at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockItem {
    /// Where.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// How much, over all owners and lots.
    pub figures: StockFigures,
}

/// Which stock is asked for; `None` is all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct StockFilter<'a> {
    /// At one location.
    pub location: Option<&'a LocationId>,
    /// Of one SKU.
    pub sku: Option<&'a Sku>,
}

/// The stock that ever moved, by location and SKU: at most `limit` items after
/// the given one.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    filter: StockFilter<'_>,
    after: Option<(&LocationId, &Sku)>,
    limit: usize,
) -> TableResult<Vec<StockItem>> {
    let (from, above) = after.map_or(("", ""), |(location, sku)| {
        (location.as_str(), sku.as_str())
    });
    let location = filter.location.map(LocationId::as_str);
    let sku = filter.sku.map(Sku::as_str);
    // SQLite's sum fails instead of wrapping around.
    let sql = match (location, sku) {
        (Some(_), _) => PAGE_OF_LOCATION,
        (None, _) => PAGE,
    };
    let items = conn
        .prepare_cached(sql)
        .and_then(|mut select| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map(params![from, above, location, sku, limit], |row| {
                Ok(StockItem {
                    location: text(row, 0)?,
                    sku: text(row, 1)?,
                    figures: figures(row, 2)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("list stock")?;
    for item in &items {
        item.figures.assert_balanced(&item.location, &item.sku)?;
    }
    Ok(items)
}

const PAGE_OF_LOCATION: &str = "SELECT location, sku, sum(sellable), sum(staged),
       sum(receiving), sum(quality_control), sum(damaged), sum(quarantined), sum(in_transit),
       sum(supplier), sum(customer), sum(shrinkage), sum(adjustment), sum(opening)
     FROM stock
     WHERE location = ?3 AND (?3 > ?1 OR (?3 = ?1 AND sku > ?2)) AND (?4 IS NULL OR sku = ?4)
     GROUP BY location, sku ORDER BY location, sku LIMIT ?5";

const PAGE: &str = "SELECT location, sku, sum(sellable), sum(staged),
       sum(receiving), sum(quality_control), sum(damaged), sum(quarantined), sum(in_transit),
       sum(supplier), sum(customer), sum(shrinkage), sum(adjustment), sum(opening)
     FROM stock
     WHERE (location, sku) > (?1, ?2) AND (?3 IS NULL OR location = ?3) AND (?4 IS NULL OR sku = ?4)
     GROUP BY location, sku ORDER BY location, sku LIMIT ?5";

fn figures(row: &Row<'_>, first: usize) -> rusqlite::Result<StockFigures> {
    let mut figures = StockFigures::default();
    for (i, figure) in figures.buckets.iter_mut().enumerate() {
        *figure = row.get(first + i)?;
    }
    Ok(figures)
}

/// The sum of two rows of one SKU.
fn total(mut a: StockFigures, b: StockFigures) -> StockFigures {
    for (figure, other) in a.buckets.iter_mut().zip(b.buckets) {
        *figure = figure.saturating_add(other);
    }
    a
}

/// Products of which more left than was recorded, at most `limit`: place,
/// product and how much is sellable, below zero. Where nothing is ever recorded
/// to come in, nothing is missing.
///
/// # Errors
/// The table could not be read.
pub fn below_nothing(conn: &Connection, limit: usize) -> TableResult<Vec<(LocationId, Sku, i64)>> {
    conn.prepare_cached(
        "SELECT location, sku, sellable FROM stock
         WHERE sellable < 0 AND (opening <> 0 OR supplier <> 0 OR adjustment <> 0)
         ORDER BY location, sku LIMIT ?1",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([limit], |row| {
            Ok((text(row, 0)?, text(row, 1)?, row.get(2)?))
        })?;
        rows.collect()
    })
    .doing("look for stock below nothing")
}
