//! Requests that may come twice: the first answer is recorded with the work and
//! repeated.
//!
//! Invariant: work and answer commit together, so a request is carried out at
//! most once however often it comes.

use evertill_domain::Timestamp;
use evertill_http::IdempotencyKey;
use evertill_storage::idempotency::{self, Known, Scope};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableError, TableResult, WriteError};

use crate::state::Hub;

/// Who sent a request, under which key, and what it said.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// The name of the API key.
    pub principal: String,
    /// The request's own key, with method and path.
    pub key: IdempotencyKey,
    /// BLAKE3 of the body.
    pub digest: [u8; 32],
}

/// An answer as it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its body, JSON.
    pub body: Vec<u8>,
}

/// A request that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OnceError<E: std::error::Error + 'static> {
    /// The key was used for another body.
    #[error("the idempotency key was used for another request")]
    OtherBody,
    /// Earlier answers could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The work was refused.
    #[error(transparent)]
    Refused(E),
}

impl Repeatable {
    /// The answer that was given before, if one was.
    ///
    /// # Errors
    /// [`OnceError::OtherBody`], or the table could not be read.
    pub fn earlier<E: std::error::Error + 'static>(
        &self,
        conn: &Connection,
    ) -> Result<Option<Answer>, OnceError<E>> {
        match idempotency::lookup(conn, &self.scope(), &self.digest)? {
            Known::New => Ok(None),
            Known::Repeat { status, answer } => Ok(Some(Answer {
                status,
                body: answer,
            })),
            Known::OtherBody => Err(OnceError::OtherBody),
        }
    }

    /// Records the answer in the transaction that carries the request out.
    ///
    /// # Errors
    /// The row could not be written.
    pub fn record(&self, conn: &Connection, answer: &Answer, now: Timestamp) -> TableResult<()> {
        let scope = self.scope();
        idempotency::record(conn, &scope, &self.digest, answer.status, &answer.body, now)
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            principal: &self.principal,
            method: self.key.method.as_str(),
            path: &self.key.path,
            key: &self.key.key,
        }
    }
}

/// Carries a request out in one write, or repeats the answer to it.
///
/// # Errors
/// The work was refused, the key was used for another body, or the database
/// failed; nothing was kept.
pub async fn once<E>(
    hub: &Hub,
    name: &'static str,
    request: Repeatable,
    work: impl FnOnce(&Connection, Timestamp) -> Result<Answer, E> + Send + 'static,
) -> Result<Answer, WriteError<OnceError<E>>>
where
    E: std::error::Error + Send + 'static,
{
    let state = hub.clone();
    hub.store()
        .write(name, move |tx| {
            if let Some(answer) = request.earlier(tx)? {
                return Ok(answer);
            }
            let now = state.now();
            let answer = work(tx, now).map_err(OnceError::Refused)?;
            request.record(tx, &answer, now)?;
            Ok(answer)
        })
        .await
}
