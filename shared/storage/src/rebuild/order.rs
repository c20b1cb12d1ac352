//! The order in which things were applied: by arrival, but for quarantine.
//!
//! Invariant: every stored entry and feed item is named at most once.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::sql::{Doing, TableResult};

/// What quarantine says about the order.
pub(super) struct Cases {
    /// Arrivals that are not applied at their place.
    out: BTreeSet<i64>,
    /// Released ones, by what had arrived before and the order of release.
    released: BTreeMap<(i64, i64), i64>,
}

impl Cases {
    pub(super) fn read(conn: &Connection) -> TableResult<Self> {
        let rows = conn
            .prepare(
                "SELECT arrival, state = 'released', released_after, resolution FROM quarantine
                 WHERE kind IN ('entry', 'feed_item')",
            )
            .and_then(|mut select| {
                let rows = select.query_map([], |row| {
                    let released: bool = row.get(1)?;
                    let key: (i64, i64) = (row.get(2)?, row.get(3)?);
                    Ok((row.get::<_, i64>(0)?, released.then_some(key)))
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            })
            .doing("read the quarantine")?;
        let released = rows
            .iter()
            .filter_map(|(arrival, key)| key.map(|key| (key, *arrival)));
        Ok(Self {
            released: released.collect(),
            out: rows.iter().map(|(arrival, _)| *arrival).collect(),
        })
    }

    /// Whether an arrival is not applied at its place.
    pub(super) fn keep_out(&self, arrival: i64) -> bool {
        self.out.contains(&arrival)
    }

    /// What is applied right after an arrival.
    pub(super) fn released_after(&self, arrival: i64) -> Vec<i64> {
        let due = (arrival, i64::MIN)..=(arrival, i64::MAX);
        self.released
            .range(due)
            .map(|(_, arrival)| *arrival)
            .collect()
    }
}
