//! Day totals per (location, trading day, currency), with their taxes and
//! tenders in tables of their own.
//!
//! Invariant: a day's rows are the sum of what its receipts add, in any order.

use std::collections::BTreeMap;

use evertill_domain::days::{DayFigures, DayKey, DayTax, DayTaxKey};
use evertill_domain::{BusinessDate, DayDelta, DayTotals, LocationId};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableError, TableResult, optional, text};

/// Days that a batch has touched, with their new totals.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    days: BTreeMap<DayKey, DayTotals>,
}

impl Pending {
    /// Adds what one event brings to a day, on top of what this, then `base`,
    /// then the tables hold.
    ///
    /// # Errors
    /// [`TableError::Overflow`] when a figure would leave 64 bits: give this
    /// layer up.
    pub(crate) fn add(
        &mut self,
        conn: &Connection,
        base: &Self,
        delta: &DayDelta,
    ) -> TableResult<()> {
        let key = &delta.key;
        let mut day = match self.days.get(key).or_else(|| base.days.get(key)) {
            Some(day) => day.clone(),
            None => load(conn, key)?,
        };
        day.add(delta).map_err(|error| TableError::Overflow {
            figure: error.to_string(),
        })?;
        self.days.insert(key.clone(), day);
        Ok(())
    }

    /// Takes over what a layer on top of this holds.
    pub(crate) fn absorb(&mut self, layer: Self) {
        self.days.extend(layer.days);
    }

    /// Writes every touched day.
    pub(crate) fn flush(&mut self, conn: &Connection) -> TableResult<()> {
        for (key, day) in std::mem::take(&mut self.days) {
            store(conn, &key, &day.figures)?;
        }
        Ok(())
    }
}

/// The totals of a day, one per currency, by currency code; none if nothing
/// was sold.
///
/// # Errors
/// The tables could not be read.
pub fn totals(
    conn: &Connection,
    location: &LocationId,
    business_date: BusinessDate,
) -> TableResult<Vec<DayTotals>> {
    let currencies = conn
        .prepare_cached("SELECT currency FROM day WHERE location = ?1 AND date = ?2")
        .and_then(|mut select| {
            let columns = params![location.as_str(), business_date.to_string()];
            let rows = select.query_map(columns, |row| text(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read day totals")?;
    let load_one = |currency| {
        let key = DayKey {
            location: location.clone(),
            business_date,
            currency,
        };
        load(conn, &key)
    };
    currencies.into_iter().map(load_one).collect()
}

fn load(conn: &Connection, key: &DayKey) -> TableResult<DayTotals> {
    let date = key.business_date.to_string();
    let currency = key.currency.to_string();
    let columns = params![key.location.as_str(), date, currency];
    let sums = conn
        .prepare_cached(
            "SELECT gross, discounts, rounding, returns, receipts FROM day
             WHERE location = ?1 AND date = ?2 AND currency = ?3",
        )
        .and_then(|mut select| {
            optional(select.query_row(columns, |row| {
                Ok(DayFigures {
                    gross: row.get(0)?,
                    discounts: row.get(1)?,
                    rounding: row.get(2)?,
                    returns: row.get(3)?,
                    receipts: row.get(4)?,
                    ..DayFigures::default()
                })
            }))
        })
        .doing("read day totals")?;
    let mut day = DayTotals::new(key.clone());
    let Some(sums) = sums else { return Ok(day) };
    day.figures = sums;
    let mut taxes = conn
        .prepare_cached(
            "SELECT code, rate, included, base, amount FROM day_tax
             WHERE location = ?1 AND date = ?2 AND currency = ?3",
        )
        .doing("read day totals")?;
    let taxes = taxes.query_map(columns, |row| {
        let key = DayTaxKey {
            code: text(row, 0)?,
            rate: text(row, 1)?,
            included: row.get(2)?,
        };
        let (base, amount) = (row.get(3)?, row.get(4)?);
        Ok((key, DayTax { base, amount }))
    });
    day.figures.taxes = taxes.and_then(Iterator::collect).doing("read day totals")?;
    let mut tenders = conn
        .prepare_cached(
            "SELECT kind, amount FROM day_tender
             WHERE location = ?1 AND date = ?2 AND currency = ?3",
        )
        .doing("read day totals")?;
    let tenders = tenders.query_map(columns, |row| Ok((text(row, 0)?, row.get(1)?)));
    day.figures.tenders = tenders
        .and_then(Iterator::collect)
        .doing("read day totals")?;
    Ok(day)
}

fn store(conn: &Connection, key: &DayKey, figures: &DayFigures) -> TableResult<()> {
    let location = key.location.as_str();
    let date = key.business_date.to_string();
    let currency = key.currency.to_string();
    conn.prepare_cached(
        "INSERT OR REPLACE INTO day
           (location, date, currency, gross, discounts, rounding, returns, receipts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            location,
            date,
            currency,
            figures.gross,
            figures.discounts,
            figures.rounding,
            figures.returns,
            figures.receipts
        ])
    })
    .doing("write day totals")?;
    let mut upsert = conn
        .prepare_cached("INSERT OR REPLACE INTO day_tax VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .doing("write day totals")?;
    for (tax, sum) in &figures.taxes {
        let (code, rate) = (tax.code.to_string(), tax.rate.to_string());
        upsert
            .execute(params![
                location,
                date,
                currency,
                code,
                rate,
                tax.included,
                sum.base,
                sum.amount
            ])
            .doing("write day totals")?;
    }
    let mut upsert = conn
        .prepare_cached("INSERT OR REPLACE INTO day_tender VALUES (?1, ?2, ?3, ?4, ?5)")
        .doing("write day totals")?;
    for (kind, amount) in &figures.tenders {
        upsert
            .execute(params![location, date, currency, kind.as_str(), amount])
            .doing("write day totals")?;
    }
    Ok(())
}

/// On how many days a location has traded.
///
/// # Errors
/// The table could not be read.
pub fn count(conn: &Connection, location: &LocationId) -> TableResult<i64> {
    conn.prepare_cached("SELECT count(DISTINCT date) FROM day WHERE location = ?1")
        .and_then(|mut select| select.query_row([location.as_str()], |row| row.get(0)))
        .doing("count a location's trading days")
}
