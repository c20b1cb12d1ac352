//! Rights: the counters that replicas say of themselves, by (location, SKU).
//!
//! A counter only ever grows, so taking an entry in twice, or entries in another
//! order, gives the same rows. Of an entry in quarantine the debits count and
//! the credits do not: whoever used or handed on a right no longer has it,
//! whatever else the entry got wrong.
//!
//! Invariant: a row holds what one replica said of its own counters and nobody
//! else said of them.

use evertill_domain::rights::{CellWrite, Cells, Own, PairCells};
use evertill_domain::{LocationId, ReplicaId, Sku};
use evertill_journal::Entry;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, int, uint};

/// What an entry says of its writer's counters. `only` is the location whose
/// rights the writer may speak of; none for the hub, which holds rights of all.
/// An entry that repeats another one says nothing.
///
/// # Errors
/// Why its rights cannot count, in words.
pub(crate) fn said(entry: &Entry, only: Option<&LocationId>) -> Result<PairCells, String> {
    if entry.reissue.is_some() {
        return Ok(PairCells::new());
    }
    let cells = entry.rights().map_err(|error| error.to_string())?;
    let foreign = cells
        .keys()
        .map(|(location, _)| location)
        .find(|location| only.is_some_and(|only| only != *location));
    match (foreign, only) {
        (Some(location), Some(only)) => Err(format!(
            "it speaks of rights of location {location}, and may only of {only}"
        )),
        _ => Ok(cells),
    }
}

/// What of an entry's rights counts while it is in quarantine.
pub(crate) fn debits(cells: &PairCells) -> PairCells {
    let debits = |write: &CellWrite| CellWrite {
        own: Own {
            mint: 0,
            release: 0,
            ..write.own
        },
        sent: write.sent.clone(),
    };
    let pairs = cells.iter();
    pairs
        .map(|(key, write)| (key.clone(), debits(write)))
        .collect()
}

/// Takes in what a replica says of its counters.
pub(crate) fn note(conn: &Connection, writer: ReplicaId, cells: &PairCells) -> TableResult<()> {
    for ((location, sku), CellWrite { own, sent }) in cells {
        conn.prepare_cached(
            "INSERT INTO cell VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (location, sku, replica) DO UPDATE SET
               mint = max(mint, ?4), used = max(used, ?5),
               release = max(release, ?6), burn = max(burn, ?7)",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                location.as_str(),
                sku.as_str(),
                int(writer.0),
                own.mint,
                own.used,
                own.release,
                own.burn
            ])
        })
        .doing("note a replica's rights")?;
        for (receiver, sent) in sent {
            conn.prepare_cached(
                "INSERT INTO cell_sent VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (location, sku, replica, receiver) DO UPDATE SET
                   sent = max(sent, ?5)",
            )
            .and_then(|mut upsert| {
                upsert.execute(params![
                    location.as_str(),
                    sku.as_str(),
                    int(writer.0),
                    int(receiver.0),
                    sent
                ])
            })
            .doing("note rights that were handed on")?;
        }
    }
    Ok(())
}

/// All counters of a (location, SKU) that are known here.
///
/// # Errors
/// The tables could not be read.
pub fn cells(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<Cells> {
    let mut cells = Cells::default();
    let key = [location.as_str(), sku.as_str()];
    let own = conn
        .prepare_cached(
            "SELECT replica, mint, used, release, burn FROM cell
             WHERE location = ?1 AND sku = ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(key, |row| {
                let own = Own {
                    mint: row.get(1)?,
                    used: row.get(2)?,
                    release: row.get(3)?,
                    burn: row.get(4)?,
                };
                Ok((ReplicaId(uint(row, 0)?), own))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read rights")?;
    for (replica, own) in own {
        let write = CellWrite {
            own,
            ..CellWrite::default()
        };
        cells.apply(replica, &write);
    }
    let sent = conn
        .prepare_cached(
            "SELECT replica, receiver, sent FROM cell_sent WHERE location = ?1 AND sku = ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(key, |row| {
                let (from, to) = (ReplicaId(uint(row, 0)?), ReplicaId(uint(row, 1)?));
                Ok((from, to, row.get(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("read rights that were handed on")?;
    for (from, to, quantity) in sent {
        let mut write = CellWrite::default();
        write.sent.insert(to, quantity);
        cells.apply(from, &write);
    }
    Ok(cells)
}
