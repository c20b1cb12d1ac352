//! Who writes here: the replica of this database and the actor of this process.
//!
//! Every start takes a fresh actor and says so in an entry of its own. An actor
//! that was used before, in a copy of the database, would write two different
//! changes under one name.
//!
//! Invariant: `local` has one row, and its actor is the one that the journal's
//! last start entry names.

use evertill_domain::rights::PairCells;
use evertill_domain::{ActorId, Hlc, LocationId, NodeId, ReplicaId, Timestamp};
use evertill_journal::{Control, RegisterState, RegisterTotal, Start};
use rusqlite::{Connection, params};

use super::append::write_entry;
use crate::projection;
use crate::registers;
use crate::sql::{Doing, TableError, TableResult, int, optional, text, uint};

/// The writer of the own journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// This life of the database.
    pub replica: ReplicaId,
    /// This life of the process.
    pub actor: ActorId,
    /// The machine.
    pub node: NodeId,
    /// Where it stands.
    pub location: LocationId,
}

/// What a start needs; ids and the time are the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The machine.
    pub node: NodeId,
    /// Where it stands.
    pub location: LocationId,
    /// A fresh replica id, used if this database never started before or begins
    /// a new life.
    pub replica: ReplicaId,
    /// Whether a new life begins, because the former one was sealed or lost its
    /// latest entries: whatever it wrote next would contradict them.
    pub renew: bool,
    /// A fresh actor.
    pub actor: ActorId,
    /// The time.
    pub now: Timestamp,
}

/// Who wrote here last; `None` before the first start.
///
/// # Errors
/// The table could not be read.
pub fn identity(conn: &Connection) -> TableResult<Option<Author>> {
    conn.prepare_cached("SELECT replica, actor, node, location FROM local")
        .and_then(|mut select| {
            optional(select.query_row([], |row| {
                Ok(Author {
                    replica: ReplicaId(uint(row, 0)?),
                    actor: ActorId(row.get(1)?),
                    node: NodeId(uint(row, 2)?),
                    location: text(row, 3)?,
                })
            }))
        })
        .doing("read who this database belongs to")
}

/// Begins a life of the process: notes the actor and writes the start entry.
///
/// # Errors
/// The tables could not be written, or this database belongs to another
/// machine or location.
pub fn start(conn: &Connection, beginning: &Beginning) -> TableResult<Author> {
    let before = identity(conn)?;
    if let Some(before) = &before {
        let same = before.node == beginning.node && before.location == beginning.location;
        if !same {
            return Err(TableError::Unfit {
                reason: format!(
                    "this database belongs to node {} at {}, not to node {} at {}; \
                     use the folder that belongs to this machine",
                    before.node, before.location, beginning.node, beginning.location
                ),
            });
        }
    }
    let author = Author {
        replica: match &before {
            Some(before) if !beginning.renew => before.replica,
            Some(_) | None => beginning.replica,
        },
        actor: beginning.actor,
        node: beginning.node,
        location: beginning.location.clone(),
    };
    conn.execute(
        "INSERT INTO local VALUES (1, ?1, ?2, ?3, ?4, 0)
         ON CONFLICT (one) DO UPDATE SET replica = ?1, actor = ?4",
        params![
            int(author.replica.0),
            int(author.node.0),
            author.location.as_str(),
            author.actor.0
        ],
    )
    .doing("note who writes here")?;
    let control = Control::Start(Start {
        actor: author.actor,
        node: author.node,
        location: author.location.clone(),
        predecessor: before
            .map(|before| before.replica)
            .filter(|former| *former != author.replica),
        registers: register_states(conn, &author.location)?,
    });
    write_entry(
        conn,
        &author,
        beginning.now,
        Some(control),
        &[],
        &PairCells::new(),
    )?;
    Ok(author)
}

/// The clock reading of the next local entry, which is noted.
pub(super) fn tick(conn: &Connection, now: Timestamp) -> TableResult<Hlc> {
    let last = conn
        .prepare_cached("SELECT hlc FROM local")
        .and_then(|mut select| select.query_row([], |row| uint(row, 0).map(Hlc)))
        .doing("read the clock")?;
    let next = last.tick(now);
    conn.prepare_cached("UPDATE local SET hlc = ?1")
        .and_then(|mut update| update.execute([int(next.0)]))
        .doing("advance the clock")?;
    Ok(next)
}

/// Where every till of this database stands, for the start entry.
fn register_states(conn: &Connection, location: &LocationId) -> TableResult<Vec<RegisterState>> {
    let totals = projection::registers::of_location(conn, location)?;
    let tills = registers::list(conn)?;
    let state = |till: registers::Register| {
        let own = totals.iter().filter(|(id, ..)| *id == till.register);
        RegisterState {
            totals: own
                .map(|(_, currency, figures)| RegisterTotal {
                    currency: *currency,
                    sales: figures.sales,
                    returns: figures.returns,
                })
                .collect(),
            register: till.register,
            last_number: till.last_number,
        }
    };
    Ok(tills.into_iter().map(state).collect())
}
