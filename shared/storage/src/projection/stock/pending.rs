//! Writing stock: deltas of many entries, collected and written once.
//!
//! Two ways give the same tables. The quick one adds deltas up without looking
//! at the table and lets one statement a row add the sum, as long as what the
//! row held and what the batch moved are both below an eighth of the range: no
//! sum on the way can then have left it. Where that does not hold, the flush
//! fails, and the caller takes the batch again the careful way, which reads each
//! row first and refuses the very entry that would leave the range. No honest
//! store ever gets there.
//!
//! Invariant: which entries are refused does not depend on the way or on how
//! entries were grouped.

use std::collections::HashMap;

use evertill_domain::{Bucket, LocationId, Sku, StockDelta, StockKey};
use rusqlite::{Connection, params, params_from_iter};

use super::{StockFigures, figures};
use crate::sql::{Doing, TableError, TableResult, optional};

/// No figure of a row reaches this, in thousandths: room to sum a row's
/// buckets, and a query's rows, in 64 bits. The table checks it too.
const LIMIT: u64 = 1 << 59;
/// Below this the quick way cannot have left the range: half of [`LIMIT`] for
/// what a row held, half for what a batch moved.
const QUICK_LIMIT: u64 = LIMIT / 2;

/// What a row is kept under; an empty owner is the location's own entity, an
/// empty lot is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    location: LocationId,
    sku: Sku,
    owner: String,
    lot: String,
}

/// Rows that a batch has touched, with what it adds to them.
///
/// What an entry adds is kept or undone as a whole: [`Pending::keep`] or
/// [`Pending::undo`] ends it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    careful: bool,
    rows: Vec<Touched>,
    /// Where the rows of each SKU are, one for each location, owner and lot.
    index: HashMap<Sku, Vec<usize>>,
    /// What the entry under way has added.
    added: Vec<(usize, Bucket, i64)>,
}

/// A row that an entry touched, perhaps one that was undone.
#[derive(Debug)]
struct Touched {
    key: Key,
    /// What is added to the row.
    sums: StockFigures,
    /// The thousandths that were moved for it, in any direction.
    moved: u128,
    /// What the table holds, when it was read.
    held: StockFigures,
    changed: bool,
}

impl Pending {
    /// One that reads every row before it adds to it.
    pub(crate) fn careful() -> Self {
        Self {
            careful: true,
            ..Self::default()
        }
    }

    /// Adds deltas on top of what this, then the table holds.
    ///
    /// # Errors
    /// [`TableError::Overflow`] when a figure would leave its range: undo this
    /// entry.
    pub(crate) fn add(&mut self, conn: &Connection, deltas: &[StockDelta]) -> TableResult<()> {
        let mut last = None;
        for StockDelta { key, delta } in deltas {
            // The buckets of a row follow each other.
            let again = last.filter(|at: &usize| self.rows[*at].key.is(key));
            let at = match again.or_else(|| self.find(key)) {
                Some(at) => at,
                None => self.touch(conn, key)?,
            };
            last = Some(at);
            let row = &mut self.rows[at];
            if !row.add(key.bucket, *delta, self.careful) {
                return Err(row.key.overflow());
            }
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
            self.rows[at].take_back(bucket, delta);
        }
    }

    /// Adds to every changed row, in the order of the keys, so that neighbours
    /// are written together.
    ///
    /// # Errors
    /// [`TableError::Overflow`] when the quick way cannot tell whether a figure
    /// stays in its range: give the transaction up and be careful.
    pub(crate) fn flush(&mut self, conn: &Connection) -> TableResult<()> {
        self.undo();
        self.index.clear();
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| row.changed);
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let bound = if self.careful { LIMIT } else { QUICK_LIMIT };
        let mut upsert = conn.prepare_cached(UPSERT).doing("write stock")?;
        for Touched { key, sums, .. } in &rows {
            sums.assert_balanced(&key.location, &key.sku)?;
            let texts: [&dyn rusqlite::ToSql; 4] = [
                &key.location.as_str(),
                &key.sku.as_str(),
                &key.owner,
                &key.lot,
            ];
            let numbers = sums.buckets.iter().map(|f| f as &dyn rusqlite::ToSql);
            let bound: [&dyn rusqlite::ToSql; 1] = [&bound.cast_signed()];
            let columns = texts.into_iter().chain(numbers).chain(bound);
            let written = upsert.execute(params_from_iter(columns));
            if written.doing("write stock")? == 0 {
                return Err(key.overflow());
            }
        }
        Ok(())
    }

    fn find(&self, key: &StockKey) -> Option<usize> {
        let mut places = self.index.get(&key.sku)?.iter().copied();
        places.find(|at| self.rows[*at].key.is(key))
    }

    /// Makes a place for a row, which may not exist in the table yet.
    fn touch(&mut self, conn: &Connection, key: &StockKey) -> TableResult<usize> {
        let key = Key {
            location: key.location.clone(),
            sku: key.sku.clone(),
            owner: or_none(key.owner.as_ref()).to_owned(),
            lot: or_none(key.lot.as_ref()).to_owned(),
        };
        let held = if self.careful {
            load(conn, &key)?
        } else {
            StockFigures::default()
        };
        let at = self.rows.len();
        self.index.entry(key.sku.clone()).or_default().push(at);
        self.rows.push(Touched {
            key,
            sums: StockFigures::default(),
            moved: 0,
            held,
            changed: false,
        });
        Ok(at)
    }
}

impl Touched {
    /// Adds a delta; false, and nothing is added, when that could leave the
    /// range.
    fn add(&mut self, bucket: Bucket, delta: i64, careful: bool) -> bool {
        let at = usize::from(bucket.code());
        let Some(sum) = self.sums.buckets[at].checked_add(delta) else {
            return false;
        };
        let moved = self.moved + u128::from(delta.unsigned_abs());
        let fits = if careful {
            let figure = self.held.buckets[at].checked_add(sum);
            figure.is_some_and(|figure| figure.unsigned_abs() < LIMIT)
        } else {
            moved < u128::from(QUICK_LIMIT)
        };
        if fits {
            self.sums.buckets[at] = sum;
            self.moved = moved;
        }
        fits
    }

    fn take_back(&mut self, bucket: Bucket, delta: i64) {
        self.sums.buckets[usize::from(bucket.code())] -= delta;
        self.moved -= u128::from(delta.unsigned_abs());
    }
}

impl Key {
    fn is(&self, key: &StockKey) -> bool {
        self.sku == key.sku
            && self.location == key.location
            && self.owner == or_none(key.owner.as_ref())
            && self.lot == or_none(key.lot.as_ref())
    }

    fn overflow(&self) -> TableError {
        TableError::Overflow {
            figure: format!("the stock of {} at {}", self.sku, self.location),
        }
    }
}

/// The column of an owner or lot.
fn or_none(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// Writes no row when what it held is not below the bound.
const UPSERT: &str = "INSERT INTO stock (location, sku, owner, lot,
       sellable, staged, receiving, quality_control, damaged, quarantined,
       in_transit, supplier, customer, shrinkage, adjustment, opening)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
     ON CONFLICT (location, sku, owner, lot) DO UPDATE SET
       sellable = sellable + ?5, staged = staged + ?6, receiving = receiving + ?7,
       quality_control = quality_control + ?8, damaged = damaged + ?9,
       quarantined = quarantined + ?10, in_transit = in_transit + ?11,
       supplier = supplier + ?12, customer = customer + ?13, shrinkage = shrinkage + ?14,
       adjustment = adjustment + ?15, opening = opening + ?16
     WHERE sellable BETWEEN -?17 AND ?17 AND staged BETWEEN -?17 AND ?17
       AND receiving BETWEEN -?17 AND ?17 AND quality_control BETWEEN -?17 AND ?17
       AND damaged BETWEEN -?17 AND ?17 AND quarantined BETWEEN -?17 AND ?17
       AND in_transit BETWEEN -?17 AND ?17 AND supplier BETWEEN -?17 AND ?17
       AND customer BETWEEN -?17 AND ?17 AND shrinkage BETWEEN -?17 AND ?17
       AND adjustment BETWEEN -?17 AND ?17 AND opening BETWEEN -?17 AND ?17";

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
    found.assert_balanced(&key.location, &key.sku)?;
    Ok(found)
}
