//! Stock: the sum of all movements, one row per (location, SKU, owner, lot)
//! with a column per bucket.
//!
//! A batch reads each row it touches once, adds in memory with overflow checks,
//! and writes it back once. A row is written even for changes that cancel out,
//! so that tables do not depend on how entries were grouped.
//!
//! Invariant: the buckets of a row sum to zero, because a movement takes from
//! one bucket what it puts into another.

use std::collections::HashMap;

use evertill_domain::stock::StockKey;
use evertill_domain::{Bucket, LocationId, Sku, StockDelta};
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::sql::{Doing, TableError, TableResult, optional, text};

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

    fn checked_add(&self, bucket: Bucket, delta: i64) -> Option<Self> {
        let mut sum = *self;
        let figure = &mut sum.buckets[usize::from(bucket.code())];
        // One eighth of the range for a figure leaves room to sum a row's
        // buckets, and a query's rows, in 64 bits.
        *figure = figure
            .checked_add(delta)
            .filter(|f| f.unsigned_abs() < 1 << 59)?;
        Some(sum)
    }

    fn assert_balanced(&self, key: &Key) -> TableResult<()> {
        let sum: i128 = self.buckets.iter().map(|figure| i128::from(*figure)).sum();
        if sum == 0 {
            return Ok(());
        }
        Err(TableError::Damaged {
            what: format!("the stock of {} at {}", key.sku, key.location),
            detail: format!("its buckets sum to {sum} thousandths instead of 0"),
        })
    }
}

/// What a row is kept under; an empty owner is the location's own entity, an
/// empty lot is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    location: LocationId,
    sku: Sku,
    owner: String,
    lot: String,
}

/// Rows that a batch has touched, with their new figures.
///
/// What an entry adds is kept or undone as a whole: [`Pending::keep`] or
/// [`Pending::undo`] ends it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    rows: Vec<Touched>,
    /// Where the rows of each SKU are, one for each owner and lot.
    index: HashMap<LocationId, HashMap<Sku, Vec<usize>>>,
    /// What the entry under way has added.
    added: Vec<(usize, Bucket, i64)>,
}

/// A row that was read, perhaps for an entry that was undone.
#[derive(Debug)]
struct Touched {
    key: Key,
    figures: StockFigures,
    changed: bool,
}

impl Pending {
    /// Adds deltas on top of what this, then the table holds.
    ///
    /// # Errors
    /// [`TableError::Overflow`] when a figure would leave its range: undo this
    /// entry.
    pub(crate) fn add(&mut self, conn: &Connection, deltas: &[StockDelta]) -> TableResult<()> {
        for StockDelta { key, delta } in deltas {
            let at = match self.find(key) {
                Some(at) => at,
                None => self.read(conn, key)?,
            };
            let row = &mut self.rows[at];
            let sum = row.figures.checked_add(key.bucket, *delta);
            row.figures = sum.ok_or_else(|| TableError::Overflow {
                figure: format!("the stock of {} at {}", key.sku, key.location),
            })?;
            self.added.push((at, key.bucket, *delta));
        }
        Ok(())
    }

    /// Keeps what was added since the last call of this or [`Self::undo`].
    pub(crate) fn keep(&mut self) {
        for (at, ..) in self.added.drain(..) {
            self.rows[at].changed = true;
        }
    }

    /// Takes back what was added since the last call of this or [`Self::keep`].
    pub(crate) fn undo(&mut self) {
        for (at, bucket, delta) in self.added.drain(..) {
            self.rows[at].figures.buckets[usize::from(bucket.code())] -= delta;
        }
    }

    /// Writes every changed row, in the order of the keys, so that neighbours
    /// are written together.
    pub(crate) fn flush(&mut self, conn: &Connection) -> TableResult<()> {
        self.undo();
        self.index.clear();
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| row.changed);
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let mut upsert = conn.prepare_cached(UPSERT).doing("write stock")?;
        for Touched { key, figures, .. } in &rows {
            figures.assert_balanced(key)?;
            let texts: [&dyn rusqlite::ToSql; 4] = [
                &key.location.as_str(),
                &key.sku.as_str(),
                &key.owner,
                &key.lot,
            ];
            let numbers = figures.buckets.iter().map(|f| f as &dyn rusqlite::ToSql);
            upsert
                .execute(params_from_iter(texts.into_iter().chain(numbers)))
                .doing("write stock")?;
        }
        Ok(())
    }

    fn find(&self, key: &StockKey) -> Option<usize> {
        let places = self.index.get(&key.location)?.get(&key.sku)?;
        let is_it = |at: &&usize| {
            let row = &self.rows[**at].key;
            row.owner == or_none(key.owner.as_ref()) && row.lot == or_none(key.lot.as_ref())
        };
        places.iter().find(is_it).copied()
    }

    /// Reads a row, which may not exist yet, and gives its place.
    fn read(&mut self, conn: &Connection, key: &StockKey) -> TableResult<usize> {
        let key = Key {
            location: key.location.clone(),
            sku: key.sku.clone(),
            owner: or_none(key.owner.as_ref()).to_owned(),
            lot: or_none(key.lot.as_ref()).to_owned(),
        };
        let figures = load(conn, &key)?;
        let at = self.rows.len();
        let of_location = self.index.entry(key.location.clone()).or_default();
        of_location.entry(key.sku.clone()).or_default().push(at);
        self.rows.push(Touched {
            key,
            figures,
            changed: false,
        });
        Ok(at)
    }
}

/// The column of an owner or lot.
fn or_none(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

const UPSERT: &str = "INSERT OR REPLACE INTO stock (location, sku, owner, lot,
       sellable, staged, receiving, quality_control, damaged, quarantined,
       in_transit, supplier, customer, shrinkage, adjustment, opening)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const SELECT_ROW: &str = "SELECT sellable, staged, receiving, quality_control, damaged,
       quarantined, in_transit, supplier, customer, shrinkage, adjustment, opening
     FROM stock WHERE location = ?1 AND sku = ?2 AND owner = ?3 AND lot = ?4";

fn load(conn: &Connection, key: &Key) -> TableResult<StockFigures> {
    let found = conn
        .prepare_cached(SELECT_ROW)
        .and_then(|mut select| {
            let columns = params![key.location.as_str(), key.sku.as_str(), key.owner, key.lot];
            optional(select.query_row(columns, |row| figures(row, 0)))
        })
        .doing("read stock")?
        .unwrap_or_default();
    found.assert_balanced(key)?;
    Ok(found)
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
    Ok(rows.into_iter().reduce(total))
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
    // The sums of a SKU's rows are checked to stay in range when written, and
    // SQLite's sum fails instead of wrapping around.
    let sql = match (location, sku) {
        (Some(_), _) => PAGE_OF_LOCATION,
        (None, _) => PAGE,
    };
    conn.prepare_cached(sql)
        .and_then(|mut select| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map(params![from, above, location, sku, limit], |row| {
                Ok(StockItem {
                    location: text(row, 0)?,
                    sku: text(row, 1)?,
                    figures: figures(row, 2)?,
                })
            })?;
            rows.collect()
        })
        .doing("list stock")
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
