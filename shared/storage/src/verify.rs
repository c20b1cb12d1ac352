//! Verification: every journal and every feed held here, walked from its
//! beginning to its head, hash by hash.
//!
//! Run it inside one read of the store, and it sees one moment of a database
//! that goes on being written. Memory stays at one entry, however long the
//! journals are.
//!
//! What it finds: bytes that were changed, rows that are missing, swapped or
//! cut off at the end, rows of a journal that is not listed, and projections
//! that stand elsewhere than their journal. What it cannot find is a journal
//! that was rewritten whole, with every hash and the head made anew: that needs
//! a copy of the head kept elsewhere, such as the peer's acknowledgement.
//!
//! Invariant: verifying changes nothing, and the first bad row in the order of
//! replica and number is the one named.

use evertill_domain::{LocationId, ReplicaId, Seq};
use evertill_journal::{Chain, EntryHash, Sealed, Watermark};
use rusqlite::{Connection, Row, params};

use crate::feed;
use crate::journal;
use crate::sql::{Doing, TableError, TableResult, int, optional, text, uint};

/// A journal or feed that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The journal; for a feed, the life of the hub.
    pub replica: ReplicaId,
    /// The location that a feed is for; `None` for a journal.
    pub feed: Option<LocationId>,
    /// How many entries or items it has.
    pub entries: u64,
    /// Hash of the last one.
    pub head: EntryHash,
}

/// The first row that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of replica {replica} is damaged at number {seq}: {reason}", match feed {
    Some(location) => format!("the feed for {location}"),
    None => "the journal".to_owned(),
})]
pub struct FirstBad {
    /// The journal; for a feed, the life of the hub.
    pub replica: ReplicaId,
    /// The location that a feed is for; `None` for a journal.
    pub feed: Option<LocationId>,
    /// The number of the entry or item.
    pub seq: Seq,
    /// What is wrong with it, in words.
    pub reason: String,
}

/// Why a database did not pass.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something in it is not as it was written.
    #[error("{0}; restore this database from a backup, or fetch the entries from the peer again")]
    Bad(#[from] FirstBad),
    /// It could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

type Verify<T> = Result<T, VerifyError>;

/// Walks every journal, then every feed, in the order of their ids.
///
/// # Errors
/// [`VerifyError::Bad`] with the first bad row, or the tables cannot be read.
pub fn verify(conn: &Connection) -> Verify<Vec<Verified>> {
    let journals = listed(
        conn,
        "SELECT replica, '', head_seq, head_hash FROM journal ORDER BY replica",
    )?;
    let feeds = listed(
        conn,
        "SELECT hub, location, head_seq, head_hash FROM feed ORDER BY hub, location",
    )?;
    let mut verified = Vec::with_capacity(journals.len() + feeds.len());
    for journal in &journals {
        verified.push(walk(conn, journal, next_entry)?);
    }
    for feed in &feeds {
        verified.push(walk(conn, feed, next_item)?);
    }
    unlisted(conn)?;
    Ok(verified)
}

/// A journal or feed as its table lists it.
struct Listed {
    replica: ReplicaId,
    feed: Option<LocationId>,
    head: Watermark,
}

impl Listed {
    fn bad(&self, seq: Seq, reason: impl Into<String>) -> VerifyError {
        VerifyError::Bad(FirstBad {
            replica: self.replica,
            feed: self.feed.clone(),
            seq,
            reason: reason.into(),
        })
    }

    /// The value of the location columns of `entry` (none) and `feed_item`.
    fn location(&self) -> &str {
        self.feed.as_ref().map_or("", LocationId::as_str)
    }
}

fn listed(conn: &Connection, sql: &str) -> TableResult<Vec<Listed>> {
    conn.prepare_cached(sql)
        .and_then(|mut select| {
            select
                .query_map([], |row| {
                    let location: String = row.get(1)?;
                    Ok(Listed {
                        replica: ReplicaId(uint(row, 0)?),
                        feed: if location.is_empty() {
                            None
                        } else {
                            Some(text(row, 1)?)
                        },
                        head: Watermark {
                            seq: uint(row, 2)?,
                            hash: EntryHash(row.get(3)?),
                        },
                    })
                })?
                .collect()
        })
        .doing("list the journals and feeds")
}

/// One stored row: its number, the hash beside it, and its bytes.
struct Stored {
    seq: Seq,
    hash: EntryHash,
    bytes: Vec<u8>,
    /// Journal and number of the entry that a feed item was made of.
    origin: (u64, Seq),
}

/// Whether a row continues a chain, and the head after it.
type Next = fn(&Listed, &Watermark, &Stored) -> Result<Watermark, String>;

fn walk(conn: &Connection, listed: &Listed, next: Next) -> Verify<Verified> {
    let sql = match listed.feed {
        None => {
            "SELECT seq, hash, bytes, replica, seq FROM entry
             WHERE replica = ?1 AND ?2 = '' ORDER BY seq"
        }
        Some(_) => {
            "SELECT seq, hash, bytes, origin, origin_seq FROM feed_item
             WHERE hub = ?1 AND location = ?2 ORDER BY seq"
        }
    };
    let mut select = conn.prepare_cached(sql).doing("verify the journals")?;
    let mut rows = select
        .query(params![int(listed.replica.0), listed.location()])
        .doing("verify the journals")?;
    let mut head = Watermark::nothing(listed.replica);
    while let Some(row) = rows.next().doing("verify the journals")? {
        let due = head.seq.saturating_add(1);
        let stored = read(row).map_err(|error| listed.bad(due, error.to_string()))?;
        if stored.seq != due {
            return Err(listed.bad(due, format!("it is missing; {} follows", stored.seq)));
        }
        head = next(listed, &head, &stored).map_err(|reason| listed.bad(due, reason))?;
    }
    compare_head(listed, &head)?;
    compare_projections(conn, listed)?;
    Ok(Verified {
        replica: listed.replica,
        feed: listed.feed.clone(),
        entries: head.seq,
        head: head.hash,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        seq: uint(row, 0)?,
        hash: EntryHash(row.get(1)?),
        bytes: row.get(2)?,
        origin: (uint(row, 3)?, uint(row, 4)?),
    })
}

fn next_entry(listed: &Listed, head: &Watermark, stored: &Stored) -> Result<Watermark, String> {
    let seq = stored.seq;
    let sealed = Sealed::decode(stored.bytes.clone()).map_err(|error| error.to_string())?;
    if sealed.hash != stored.hash {
        return Err("its bytes do not have the hash that stands beside them".to_owned());
    }
    if sealed.entry.seq != seq {
        let says = sealed.entry.seq;
        return Err(format!("its bytes are those of entry {says}"));
    }
    let mut chain = Chain::from(listed.replica, *head);
    chain
        .next(&sealed)
        .map_err(|broken| broken.reason.to_string())?;
    Ok(chain.head)
}

fn next_item(listed: &Listed, head: &Watermark, stored: &Stored) -> Result<Watermark, String> {
    let Some(location) = &listed.feed else {
        return Err("it belongs to no location".to_owned());
    };
    let hash = feed::item_hash(&head.hash, location, stored.seq, &stored.bytes);
    if hash != stored.hash {
        return Err(
            "its bytes, its place or the item before it are not those that were hashed".to_owned(),
        );
    }
    // A node keeps items that it cannot read; those name no origin.
    if let Ok(item) = feed::Item::decode(&stored.bytes)
        && (item.origin.0, item.seq) != stored.origin
    {
        return Err(format!(
            "it is listed under entry {} of replica {:016x}, its bytes name another",
            stored.origin.1, stored.origin.0
        ));
    }
    Ok(Watermark {
        seq: stored.seq,
        hash,
    })
}

fn compare_head(listed: &Listed, found: &Watermark) -> Verify<()> {
    if *found == listed.head {
        return Ok(());
    }
    if found.seq < listed.head.seq {
        return Err(listed.bad(
            found.seq.saturating_add(1),
            format!("it is cut off; the head says {}", listed.head.seq),
        ));
    }
    let reason = if found.seq > listed.head.seq {
        format!(
            "it lies beyond the head, which says {} is the last",
            listed.head.seq
        )
    } else {
        "it is the last, and the head names another hash".to_owned()
    };
    Err(listed.bad(found.seq, reason))
}

/// The projections must have taken in exactly what is stored. A hub's own feeds
/// are projected from the journals that they were made of.
fn compare_projections(conn: &Connection, listed: &Listed) -> Verify<()> {
    let projected = conn
        .prepare_cached("SELECT seq FROM projection_head WHERE replica = ?1 AND feed = ?2")
        .and_then(|mut select| {
            optional(
                select.query_row(params![int(listed.replica.0), listed.location()], |row| {
                    uint(row, 0)
                }),
            )
        })
        .doing("read how far the projections reach")?;
    if listed.feed.is_some() && projected.is_none() && is_own(conn, listed.replica)? {
        return Ok(());
    }
    let projected = projected.unwrap_or(0);
    if projected == listed.head.seq {
        return Ok(());
    }
    let first = projected.min(listed.head.seq).saturating_add(1);
    Err(listed.bad(
        first,
        format!(
            "the projections reach number {projected}, the journal {}; run rebuild",
            listed.head.seq
        ),
    ))
}

/// Whether a feed is this hub's own, of this life or a former one.
fn is_own(conn: &Connection, hub: ReplicaId) -> TableResult<bool> {
    Ok(journal::held(conn)?.contains(&hub))
}

/// Rows of journals and feeds that no table lists.
fn unlisted(conn: &Connection) -> Verify<()> {
    let found = conn
        .prepare_cached(
            "SELECT replica, '', min(seq) FROM entry
             WHERE replica NOT IN (SELECT replica FROM journal) GROUP BY replica
             UNION ALL
             SELECT hub, location, min(seq) FROM feed_item
             WHERE (hub, location) NOT IN (SELECT hub, location FROM feed)
             GROUP BY hub, location
             LIMIT 1",
        )
        .and_then(|mut select| {
            optional(select.query_row([], |row| {
                let location: String = row.get(1)?;
                Ok(FirstBad {
                    replica: ReplicaId(uint(row, 0)?),
                    feed: location.parse().ok(),
                    seq: uint(row, 2)?,
                    reason: "its journal or feed is not listed at all".to_owned(),
                })
            }))
        })
        .doing("look for rows without a journal")?;
    found.map_or(Ok(()), |bad| Err(bad.into()))
}
