//! Perpetual totals of each till: what it ever sold and gave back, per currency.
//!
//! Invariant: the totals of a till are the sum of its receipts, in any order.

use std::collections::BTreeMap;

use evertill_domain::effects::ReceiptFacts;
use evertill_domain::{Currency, LocationId, RegisterId};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableError, TableResult, int, optional, text, uint};

/// Perpetual totals of a till in one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegisterFigures {
    /// Totals of all sales.
    pub sales: i64,
    /// Totals of all returns and voids, as a positive figure.
    pub returns: i64,
    /// How many receipts of any kind.
    pub receipts: u64,
}

type Key = (LocationId, RegisterId, Currency);

/// Tills that a batch has touched, with their new totals.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    tills: BTreeMap<Key, RegisterFigures>,
}

impl Pending {
    /// Adds one receipt to its till, on top of what this, then `base`, then the
    /// table holds.
    ///
    /// # Errors
    /// [`TableError::Overflow`] when a figure would leave 64 bits: give this
    /// layer up.
    pub(crate) fn add(
        &mut self,
        conn: &Connection,
        base: &Self,
        facts: &ReceiptFacts,
    ) -> TableResult<()> {
        let number = &facts.number;
        let key = (
            number.location.clone(),
            number.register.clone(),
            facts.total.currency(),
        );
        let held = match self.tills.get(&key).or_else(|| base.tills.get(&key)) {
            Some(figures) => *figures,
            None => load(conn, &key)?,
        };
        let total = facts.total.minor();
        let (sold, returned) = match facts.original {
            None => (total, 0),
            Some(_) => (0, -total),
        };
        let overflow = || TableError::Overflow {
            figure: format!("the perpetual total of register {}", number.register),
        };
        let figures = RegisterFigures {
            sales: held.sales.checked_add(sold).ok_or_else(overflow)?,
            returns: held.returns.checked_add(returned).ok_or_else(overflow)?,
            receipts: held.receipts + 1,
        };
        self.tills.insert(key, figures);
        Ok(())
    }

    /// Takes over what a layer on top of this holds.
    pub(crate) fn absorb(&mut self, layer: Self) {
        self.tills.extend(layer.tills);
    }

    /// Writes every touched till.
    pub(crate) fn flush(&mut self, conn: &Connection) -> TableResult<()> {
        for ((location, register, currency), figures) in std::mem::take(&mut self.tills) {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO register_total
                   (location, register, currency, sales, returns, receipts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut upsert| {
                upsert.execute(params![
                    location.as_str(),
                    register.as_str(),
                    currency.to_string(),
                    figures.sales,
                    figures.returns,
                    int(figures.receipts)
                ])
            })
            .doing("write a register's totals")?;
        }
        Ok(())
    }
}

fn load(conn: &Connection, (location, register, currency): &Key) -> TableResult<RegisterFigures> {
    let found = conn
        .prepare_cached(
            "SELECT sales, returns, receipts FROM register_total
             WHERE location = ?1 AND register = ?2 AND currency = ?3",
        )
        .and_then(|mut select| {
            let columns = params![location.as_str(), register.as_str(), currency.to_string()];
            optional(select.query_row(columns, |row| read(row, 0)))
        })
        .doing("read a register's totals")?;
    Ok(found.unwrap_or_default())
}

/// The totals of every till of a location, by till and currency.
///
/// # Errors
/// The table could not be read.
pub fn of_location(
    conn: &Connection,
    location: &LocationId,
) -> TableResult<Vec<(RegisterId, Currency, RegisterFigures)>> {
    conn.prepare_cached(
        "SELECT register, currency, sales, returns, receipts FROM register_total
         WHERE location = ?1 ORDER BY register, currency",
    )
    .and_then(|mut select| {
        let rows = select.query_map([location.as_str()], |row| {
            Ok((text(row, 0)?, text(row, 1)?, read(row, 2)?))
        })?;
        rows.collect()
    })
    .doing("list the registers' totals")
}

fn read(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<RegisterFigures> {
    Ok(RegisterFigures {
        sales: row.get(first)?,
        returns: row.get(first + 1)?,
        receipts: uint(row, first + 2)?,
    })
}
