//! Policies about promises: proposed by one key holder, approved by another, in
//! force from a time.
//!
//! What is sold to whom is worth a second look: nobody changes it alone. The
//! other policies come into force when they are put, as before.
//!
//! Invariant: a policy about promises is in force only with two names.

use evertill_domain::Timestamp;
use evertill_storage::drafts::{self, Draft};
use evertill_storage::reference::{PolicyName, ReferenceError};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{ReadError, TableError, WriteError, changes};

use super::policies;
use crate::state::Hub;

/// Why a proposal was not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// There is no such proposal of this policy.
    #[error("there is no draft {0} of this policy; list its drafts")]
    Unknown(i64),
    /// It waits for nobody any more.
    #[error("draft {draft} is {state}; propose the policy again if it is to hold")]
    Over {
        /// The draft.
        draft: i64,
        /// Where it stands.
        state: String,
    },
    /// Its author cannot approve it.
    #[error("draft {draft} was proposed with the key {author}; another key holder approves it")]
    SameKey {
        /// The draft.
        draft: i64,
        /// Its author.
        author: String,
    },
    /// The tables could not be used.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A round that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// The database could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
}

/// Proposes a policy; `body` was read and found right, and `base_revision` is in
/// force now. Who proposes the same again while it waits gets what waits.
///
/// # Errors
/// The database could not be written.
pub async fn propose(
    hub: &Hub,
    name: PolicyName,
    body: String,
    author: String,
    (reason, effective_from): (Option<String>, Option<Timestamp>),
    base_revision: u64,
) -> Result<Draft, WriteError<TableError>> {
    let at = hub.now();
    hub.store()
        .write("propose a policy", move |tx| {
            let same = |held: &Draft| {
                held.state == "draft"
                    && (&held.body, &held.author, &held.reason) == (&body, &author, &reason)
                    && effective_from.is_none_or(|from| held.effective_from == from)
            };
            if let Some(held) = drafts::of(tx, name)?.into_iter().find(same) {
                return Ok(held);
            }
            let mut draft = Draft {
                id: 0,
                name,
                body,
                author,
                reason,
                created_at: at,
                effective_from: effective_from.unwrap_or(at),
                state: "draft".to_owned(),
                base_revision,
                approved: None,
            };
            draft.id = drafts::propose(tx, &draft)?;
            Ok(draft)
        })
        .await
}

/// Every proposal of a policy, the newest first.
///
/// # Errors
/// The database could not be read.
pub async fn list(hub: &Hub, name: PolicyName) -> Result<Vec<Draft>, ReadError<TableError>> {
    hub.store().read(move |conn| drafts::of(conn, name)).await
}

/// Approves a proposal, in the caller's transaction.
///
/// # Errors
/// See [`ApproveError`].
pub fn approve(
    conn: &Connection,
    name: PolicyName,
    id: i64,
    by: &str,
    at: Timestamp,
) -> Result<Draft, ApproveError> {
    let draft = drafts::find(conn, id)?.filter(|draft| draft.name == name);
    let draft = draft.ok_or(ApproveError::Unknown(id))?;
    if draft.state != "draft" {
        let state = draft.state;
        return Err(ApproveError::Over { draft: id, state });
    }
    if draft.author == by {
        return Err(ApproveError::SameKey {
            draft: id,
            author: draft.author,
        });
    }
    drafts::approve(conn, id, by, at)?;
    let approved = Some((by.to_owned(), at));
    Ok(Draft {
        state: "approved".to_owned(),
        approved,
        ..draft
    })
}

/// Withdraws a proposal that is not in force yet, in the caller's transaction:
/// anybody with a key may stop what was not begun.
///
/// # Errors
/// See [`ApproveError`].
pub fn withdraw(conn: &Connection, name: PolicyName, id: i64) -> Result<Draft, ApproveError> {
    let draft = drafts::find(conn, id)?.filter(|draft| draft.name == name);
    let draft = draft.ok_or(ApproveError::Unknown(id))?;
    if !matches!(draft.state.as_str(), "draft" | "approved") {
        let state = draft.state;
        return Err(ApproveError::Over { draft: id, state });
    }
    drafts::withdraw(conn, id)?;
    Ok(Draft {
        state: "withdrawn".to_owned(),
        ..draft
    })
}

/// One proposal; `None` if there is none of that number.
///
/// # Errors
/// The database could not be read.
pub async fn show(hub: &Hub, id: i64) -> Result<Option<Draft>, ReadError<TableError>> {
    hub.store().read(move |conn| drafts::find(conn, id)).await
}

/// Puts every approved policy in force whose time has come; how many there were.
///
/// # Errors
/// A database could not be used.
pub async fn put_due(hub: &Hub) -> Result<usize, DueError> {
    // The round and an approval may meet: the later one finds nothing left.
    let _one = hub.policies_alone().await;
    let now = hub.now();
    let due = hub.store().read(move |conn| drafts::due(conn, now)).await?;
    let count = due.len();
    for draft in due {
        let by = draft.approved.map_or(String::new(), |(by, _)| by);
        let names = format!("{}, approved by {by}", draft.author);
        // A crash in between puts the same body again, which is no new revision.
        let id = draft.id;
        // One that cannot be put any more holds up no other.
        if let Err(error) = policies::put(hub, draft.name, draft.body, None, names).await {
            tracing::error!(%error, policy.draft = id, "an approved policy cannot be put in force");
            continue;
        }
        hub.store()
            .write("note a policy in force", move |tx| {
                drafts::in_force(tx, id)?;
                changes::availability_at(tx, None)
            })
            .await?;
    }
    Ok(count)
}

/// The body of an earlier revision.
///
/// # Errors
/// The reference data could not be read.
pub async fn earlier(
    hub: &Hub,
    name: PolicyName,
    revision: u64,
) -> Result<Option<String>, ReferenceError> {
    let revisions = policies::history(hub, name).await?;
    let found = revisions
        .into_iter()
        .find(|(held, ..)| held.revision == revision);
    Ok(found.map(|(held, ..)| held.policy.to_string()))
}
