//! Rights: the counters that replicas say of themselves, by (location, SKU).
//!
//! A counter only ever grows, so taking an entry in twice, or entries in another
//! order, gives the same rows. Of an entry in quarantine the debits count and
//! the credits do not: whoever used or handed on a right no longer has it,
//! whatever else the entry got wrong.
//!
//! What a sale takes off the shelf burns rights of its till's node, and no entry
//! says so: whoever reads the journal in order derives the same from the node's
//! own counters (`Pending::burn`). A counter that an entry does say holds all
//! burns up to that entry.
//!
//! Invariant: a row holds what one replica said of its own counters, and what
//! follows from its own entries; nobody else says anything of them.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::rights::{CellWrite, Cells, Own, PairCells, burn_of_outflow};
use evertill_domain::{LocationId, ReplicaId, Seq, Sku};
use evertill_journal::Entry;
use rusqlite::{Connection, params};

use crate::projection::seals;
use crate::sql::{Doing, TableResult, int, optional, uint};

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

/// Counters that a batch has touched. They are read when they are first asked
/// for and written once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    rows: BTreeMap<Key, Touched>,
    sent: BTreeMap<(Key, ReplicaId), i64>,
    /// Whether anything is known of rights at a location.
    known: BTreeMap<LocationId, bool>,
    /// Pairs that had no row when the batch first looked.
    without: BTreeSet<(LocationId, Sku)>,
    /// The last entries of sealed replicas whose rights count, once they were
    /// read.
    seals: Option<BTreeMap<ReplicaId, Seq>>,
}

/// (Location, SKU) and replica.
type Key = (LocationId, Sku, ReplicaId);

/// A row that was read, and whether it is to be written.
#[derive(Debug, Clone, Copy)]
struct Touched {
    held: Held,
    is_changed: bool,
}

/// A row as it is here and now.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    own: Own,
    /// What it has handed on in all.
    sent: i64,
    /// The last entry that said the counters outright.
    stated: Seq,
}

impl Pending {
    /// Takes in what an entry of a replica says of its counters.
    pub(crate) fn note(
        &mut self,
        conn: &Connection,
        (writer, seq): (ReplicaId, Seq),
        cells: &PairCells,
    ) -> TableResult<()> {
        if !cells.is_empty() && self.is_beyond_seal(conn, writer, seq)? {
            return Ok(());
        }
        for ((location, sku), write) in cells {
            self.known.insert(location.clone(), true);
            let key = (location.clone(), sku.clone(), writer);
            let mut held = self.held(conn, &key)?;
            let mut said = CellWrite {
                own: held.own,
                ..CellWrite::default()
            };
            said.join(CellWrite {
                own: write.own,
                ..CellWrite::default()
            });
            held.own = said.own;
            held.stated = held.stated.max(seq);
            for (receiver, sent) in &write.sent {
                let place = (key.clone(), *receiver);
                let before = match self.sent.get(&place) {
                    Some(before) => *before,
                    None => sent_to(conn, &key, *receiver)?,
                };
                let now = before.max(*sent);
                held.sent += now - before;
                self.sent.insert(place, now);
            }
            self.change(key, held);
        }
        Ok(())
    }

    /// What an outflow of an entry that does not say its counters burns of the
    /// writer's rights. Here and wherever else the journal is read it follows
    /// from the writer's own counters alone. Gives what it did not cover, if
    /// anybody has rights there that could be affected.
    pub(crate) fn burn(
        &mut self,
        conn: &Connection,
        (writer, seq): (ReplicaId, Seq),
        (location, sku): (&LocationId, &Sku),
        outflow: i64,
    ) -> TableResult<i64> {
        if !self.anything_at(conn, location)? {
            return Ok(0);
        }
        if self.is_beyond_seal(conn, writer, seq)? {
            return Ok(outflow);
        }
        let key = (location.clone(), sku.clone(), writer);
        let mut held = self.held(conn, &key)?;
        if seq <= held.stated {
            return Ok(0);
        }
        if held.stated == 0 && !self.anyone_has(conn, &key)? {
            return Ok(0);
        }
        let Own {
            mint,
            used,
            release,
            burn,
        } = held.own;
        let burned = burn_of_outflow(outflow, mint + release - used - burn - held.sent);
        if burned > 0 {
            held.own.burn += burned;
            self.change(key, held);
        }
        Ok(outflow - burned)
    }

    /// Whether anybody ever had rights to promise the pair of a key.
    fn anyone_has(&mut self, conn: &Connection, (location, sku, _): &Key) -> TableResult<bool> {
        let of = |replica| (location.clone(), sku.clone(), ReplicaId(replica));
        let mut touched = self.rows.range(of(0)..=of(u64::MAX));
        if touched.any(|(_, row)| row.is_changed) {
            return Ok(true);
        }
        let pair = (location.clone(), sku.clone());
        if self.without.contains(&pair) {
            return Ok(false);
        }
        let found = is_listed(conn, location, sku)?;
        if !found {
            self.without.insert(pair);
        }
        Ok(found)
    }

    /// Whether an entry comes after those of a sealed replica whose rights count.
    fn is_beyond_seal(
        &mut self,
        conn: &Connection,
        writer: ReplicaId,
        seq: Seq,
    ) -> TableResult<bool> {
        let seals = match self.seals.take() {
            Some(seals) => seals,
            None => seals::all(conn)?,
        };
        let beyond = seals.get(&writer).is_some_and(|last| seq > *last);
        self.seals = Some(seals);
        Ok(beyond)
    }

    /// A seal was added: they are to be read again.
    pub(crate) fn forget_seals(&mut self) {
        self.seals = None;
    }

    /// Writes what changed.
    pub(crate) fn flush(&mut self, conn: &Connection) -> TableResult<()> {
        self.known.clear();
        self.without.clear();
        self.seals = None;
        for ((location, sku, writer), Touched { held, is_changed }) in
            std::mem::take(&mut self.rows)
        {
            if !is_changed {
                continue;
            }
            conn.prepare_cached(
                "INSERT INTO cell VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (location, sku, replica) DO UPDATE SET
                   mint = ?4, used = ?5, release = ?6, burn = ?7, stated = ?8",
            )
            .and_then(|mut upsert| {
                upsert.execute(params![
                    location.as_str(),
                    sku.as_str(),
                    int(writer.0),
                    held.own.mint,
                    held.own.used,
                    held.own.release,
                    held.own.burn,
                    int(held.stated)
                ])
            })
            .doing("note a replica's rights")?;
        }
        for (((location, sku, writer), receiver), sent) in std::mem::take(&mut self.sent) {
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
        Ok(())
    }

    fn change(&mut self, key: Key, held: Held) {
        let is_changed = true;
        self.rows.insert(key, Touched { held, is_changed });
    }

    fn held(&mut self, conn: &Connection, key: &Key) -> TableResult<Held> {
        if let Some(touched) = self.rows.get(key) {
            return Ok(touched.held);
        }
        let (location, sku, writer) = key;
        let held = conn
            .prepare_cached(
                "SELECT mint, used, release, burn, stated,
                        (SELECT ifnull(sum(sent), 0) FROM cell_sent AS s
                         WHERE s.location = ?1 AND s.sku = ?2 AND s.replica = ?3)
                 FROM cell WHERE location = ?1 AND sku = ?2 AND replica = ?3",
            )
            .and_then(|mut select| {
                let columns = params![location.as_str(), sku.as_str(), int(writer.0)];
                optional(select.query_row(columns, |row| {
                    Ok(Held {
                        own: Own {
                            mint: row.get(0)?,
                            used: row.get(1)?,
                            release: row.get(2)?,
                            burn: row.get(3)?,
                        },
                        stated: uint(row, 4)?,
                        sent: row.get(5)?,
                    })
                }))
            })
            .doing("read a replica's rights")?
            .unwrap_or_default();
        let is_changed = false;
        self.rows.insert(key.clone(), Touched { held, is_changed });
        Ok(held)
    }

    /// Whether there are rights at a location at all: most have none until they
    /// sell online, and their sales pay for nothing here.
    pub(crate) fn anything_at(
        &mut self,
        conn: &Connection,
        location: &LocationId,
    ) -> TableResult<bool> {
        if let Some(known) = self.known.get(location) {
            return Ok(*known);
        }
        let known = conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM cell WHERE location = ?1)")
            .and_then(|mut select| select.query_row([location.as_str()], |row| row.get(0)))
            .doing("look whether a location has rights")?;
        self.known.insert(location.clone(), known);
        Ok(known)
    }
}

/// Whether the tables have rights of a pair.
fn is_listed(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM cell WHERE location = ?1 AND sku = ?2)")
        .and_then(|mut select| {
            select.query_row([location.as_str(), sku.as_str()], |row| row.get(0))
        })
        .doing("look whether a pair has rights")
}

fn sent_to(
    conn: &Connection,
    (location, sku, writer): &Key,
    receiver: ReplicaId,
) -> TableResult<i64> {
    conn.prepare_cached(
        "SELECT sent FROM cell_sent
         WHERE location = ?1 AND sku = ?2 AND replica = ?3 AND receiver = ?4",
    )
    .and_then(|mut select| {
        let columns = params![
            location.as_str(),
            sku.as_str(),
            int(writer.0),
            int(receiver.0)
        ];
        optional(select.query_row(columns, |row| row.get(0)))
    })
    .doing("read rights that were handed on")
    .map(Option::unwrap_or_default)
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
    for replica in seals::of_location(conn, location)? {
        let seal = cells.seal_of(replica);
        cells.seal(replica, seal);
    }
    Ok(cells)
}
