//! Sealing a lost replica: two persons agree that a machine is gone, and its
//! place becomes free.
//!
//! Invariant: a seal has two different names, and names a journal whose owner is
//! not connected.

use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{Event, LocationId, ReplicaId, Seq, Timestamp};
use evertill_journal::Control;
use evertill_storage::journal::{self, Author, JournalState, Write, append};
use evertill_storage::kernel::control::Failed;
use evertill_storage::projection::seals;
use evertill_storage::rusqlite::Connection;
use evertill_storage::seal_proposals::{self, SealProposal};
use evertill_storage::{ReadError, TableError, WriteError, apikeys, feed};

use super::exceptions;
use crate::state::{Hub, hub_location};

/// Entries of a sealed journal that go onto a feed in one transaction.
const AT_ONCE: usize = 500;

/// Why a replica was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealRefusal {
    /// There is no such replica.
    #[error("no replica {0} is known; GET /fleet lists them")]
    Unknown(ReplicaId),
    /// It is one of the hub's own.
    #[error("replica {0} is one of this hub; only those of locations are sealed")]
    OwnJournal(ReplicaId),
    /// It was sealed before.
    #[error("replica {0} was sealed before")]
    Sealed(ReplicaId),
    /// Its machine is connected.
    #[error(
        "replica {0} is connected now, so it is not lost; revoke its node first if it must not \
         trade on"
    )]
    Alive(ReplicaId),
    /// Who proposed it cannot approve it.
    #[error(
        "the seal of replica {replica} was proposed with the key {by}; another key holder approves it"
    )]
    SameKey {
        /// Which one.
        replica: ReplicaId,
        /// Who proposed it.
        by: String,
    },
    /// The reason is missing, or does not fit.
    #[error(transparent)]
    Rejected(#[from] Rejections),
    /// The tables could not be used.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Where a seal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The replica.
    pub replica: ReplicaId,
    /// Where it stood.
    pub location: LocationId,
    /// The last entry whose rights count.
    pub seq: Seq,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it; nobody yet while it is a proposal.
    pub approved_by: Option<String>,
    /// Whether each product is to be counted before rights are made for it.
    pub recount: bool,
}

/// Proposes to seal a replica, or carries out what another person proposed, in
/// the caller's transaction. A proposal from before the replica was heard again
/// counts for nothing and is made anew.
///
/// # Errors
/// See [`SealRefusal`]; nothing is kept then.
pub fn seal(
    conn: &Connection,
    (hub, author): (&Hub, &Author),
    replica: ReplicaId,
    (by, reason): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Seal, SealRefusal> {
    let state = journal::state(conn, replica)?.ok_or(SealRefusal::Unknown(replica))?;
    if state.location == hub_location() {
        return Err(SealRefusal::OwnJournal(replica));
    }
    if seals::of(conn, replica)?.is_some() {
        return Err(SealRefusal::Sealed(replica));
    }
    let live = hub.live().of(state.node);
    if live.is_some_and(|live| live.replica == replica) {
        return Err(SealRefusal::Alive(replica));
    }
    let earlier = seal_proposals::find(conn, replica)?;
    match earlier.filter(|proposal| proposal.seq == state.head.seq) {
        None => propose(conn, &state, (by, reason), now),
        Some(proposal) if proposal.proposed_by == by => Err(SealRefusal::SameKey {
            replica,
            by: proposal.proposed_by,
        }),
        Some(proposal) => carry_out(conn, author, &state, (proposal, by), now),
    }
}

fn propose(
    conn: &Connection,
    state: &JournalState,
    (by, reason): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Seal, SealRefusal> {
    let reason = checked(reason)?;
    let proposal = SealProposal {
        replica: state.replica,
        seq: state.head.seq,
        reason: reason.to_owned(),
        proposed_by: by.to_owned(),
        proposed_at: now,
    };
    seal_proposals::propose(conn, &proposal)?;
    Ok(Seal {
        replica: state.replica,
        location: state.location.clone(),
        seq: proposal.seq,
        reason: proposal.reason,
        proposed_by: proposal.proposed_by,
        approved_by: None,
        recount: !is_closed(conn, state)?,
    })
}

fn carry_out(
    conn: &Connection,
    author: &Author,
    state: &JournalState,
    (proposal, by): (SealProposal, &str),
    now: Timestamp,
) -> Result<Seal, SealRefusal> {
    let seal = ReplicaSeal {
        location: state.location.clone(),
        replica: state.replica,
        seq: state.head.seq,
        hash: state.head.hash.0,
        sealed_at: now,
        reason: proposal.reason,
        approvers: vec![proposal.proposed_by, by.to_owned()],
        recount: !is_closed(conn, state)?,
    };
    seal.check()
        .expect("invariant: a proposal has a reason and another author");
    let writes = [Write::Open(Event::ReplicaSealed(seal.clone()))];
    let appended = append(conn, author, now, &writes)?;
    feed::publish(conn, author, appended.at.seq)?;
    seal_proposals::done(conn, state.replica)?;
    exceptions::of_seal(conn, &seal, now)?;
    let [proposed_by, approved_by] =
        <[String; 2]>::try_from(seal.approvers).expect("invariant: a seal has two approvers");
    Ok(Seal {
        replica: seal.replica,
        location: seal.location,
        seq: seal.seq,
        reason: seal.reason,
        proposed_by,
        approved_by: Some(approved_by),
        recount: seal.recount,
    })
}

/// [`seal`], as a command of this machine asks for it: `key` is the API key of
/// the person, so that two persons are two keys here too. Blocks.
///
/// # Errors
/// The refusal in one line; no live key is `key`.
pub fn by_command(
    hub: &Hub,
    replica: ReplicaId,
    reason: Option<String>,
    key: &str,
) -> Result<String, Failed> {
    let (key, author) = (key.to_owned(), hub.author().map_err(Failed::new)?);
    let state = hub.clone();
    let sealed = hub
        .store()
        .write_blocking("seal a replica", move |tx| {
            let Some(by) = apikeys::authenticate(tx, &key)? else {
                return Ok(None);
            };
            let who = (by.as_str(), reason.as_deref());
            seal(tx, (&state, &author), replica, who, state.now()).map(Some)
        })
        .map_err(|error: WriteError<SealRefusal>| Failed::new(error))?;
    let sealed = sealed.ok_or_else(|| {
        Failed::wrong_use("--key is no live API key; make one with evertill-hub api-key")
    })?;
    let (replica, seq) = (sealed.replica, sealed.seq);
    Ok(if sealed.approved_by.is_some() {
        format!("sealed {replica} at entry {seq}")
    } else {
        format!("proposed to seal {replica} at entry {seq}; another key holder repeats the command")
    })
}

/// Whether a journal ends with the word of its owner that nothing follows.
fn is_closed(conn: &Connection, state: &JournalState) -> Result<bool, TableError> {
    let last = journal::entry(conn, state.replica, state.head.seq)?;
    Ok(last.is_some_and(|sealed| matches!(sealed.entry.control, Some(Control::Closing))))
}

fn checked(reason: Option<&str>) -> Result<&str, Rejections> {
    let refuse = |code, detail: &str| Err(Rejection::new("/reason", code, detail).into());
    match reason.map(str::trim) {
        None | Some("") => refuse(
            "required",
            "say why the machine is lost, for those who read it later",
        ),
        Some(reason) if reason.len() > evertill_domain::receipt::MAX_TEXT => {
            refuse("too_long", "it is longer than 200 bytes; shorten it")
        }
        Some(reason) => Ok(reason),
    }
}

/// A step of a succession that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SucceedError {
    /// The database could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
}

/// Gives the history of sealed replicas to those that take their places, and the
/// places with it; as far as there is anybody to take them.
///
/// # Errors
/// The database could not be used.
pub async fn succeed_due(hub: &Hub, author: &Author) -> Result<(), SucceedError> {
    for location in hub.store().read(feed::due).await? {
        loop {
            let (author, at) = (author.clone(), location.clone());
            let step = hub
                .store()
                .write("give a place on", move |tx| {
                    feed::succeed(tx, &author, &at, AT_ONCE)
                })
                .await?;
            match step {
                feed::Succession::Returning => {}
                feed::Succession::Rests => break,
                feed::Succession::Named(replica) => {
                    tracing::info!(%location, %replica, "a replica has taken its location over");
                    break;
                }
            }
        }
    }
    Ok(())
}
