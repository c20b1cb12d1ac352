//! A write that happens once, however often it is asked for.
//!
//! A request is decided first and looked up by the writer, where two requests
//! of one key meet: the way of a new one is the shortest. A repeated one changes
//! nothing there, and so waits for no disk; should it be refused by what is true
//! now, a reader looks whether it was answered before. The answer is recorded in
//! the transaction of the effect.
//!
//! Invariant: of all requests under one key at most one has an effect, and all
//! get its answer.

use evertill_domain::RegisterId;
use evertill_storage::idempotency::{self, Known, Scope};
use evertill_storage::journal::Author;
use evertill_storage::{WriteError, WriteTx};

use super::{Failure, Refusal};
use crate::state::Node;

/// HTTP status of everything that these writes answer.
const CREATED: u16 = 201;

/// Who asks for what, under which key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The till whose token the request carries.
    pub till: RegisterId,
    /// The method, as in the request line.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The client's idempotency key.
    pub key: String,
    /// The hash of the request's body.
    pub digest: [u8; 32],
}

/// A committed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its JSON body.
    pub body: Vec<u8>,
}

impl Request {
    fn scope(&self) -> Scope<'_> {
        Scope {
            principal: self.till.as_str(),
            method: &self.method,
            path: &self.path,
            key: &self.key,
        }
    }

    fn lookup(
        &self,
        conn: &evertill_storage::rusqlite::Connection,
    ) -> Result<Option<Answer>, Refusal> {
        match idempotency::lookup(conn, &self.scope(), &self.digest)? {
            Known::New => Ok(None),
            Known::Repeat { status, answer } => Ok(Some(Answer {
                status,
                body: answer,
            })),
            Known::OtherBody => Err(Refusal::OtherBody),
        }
    }

    /// The answer to a request that would be refused now: the one that was
    /// given to it before, if it was.
    ///
    /// # Errors
    /// The refusal; or the key was used for another body, or the store could not
    /// be read.
    pub async fn refused(&self, node: &Node, refusal: Failure) -> Result<Answer, Failure> {
        let request = self.clone();
        let known = node.store().read(move |conn| request.lookup(conn)).await?;
        known.ok_or(refusal)
    }

    /// Carries out `effect` in one transaction with its answer, unless the
    /// request was carried out meanwhile. `effect` writes and returns the JSON
    /// that is answered with 201.
    ///
    /// # Errors
    /// The effect's refusal, or why the store could not commit.
    pub async fn once<F>(
        self,
        node: &Node,
        name: &'static str,
        effect: F,
    ) -> Result<Answer, Failure>
    where
        F: FnOnce(&WriteTx, &Author) -> Result<Vec<u8>, Refusal> + Send + 'static,
    {
        self.once_as(node, (name, CREATED), effect).await
    }

    /// [`Self::once`], answered with another status.
    ///
    /// # Errors
    /// As for [`Self::once`].
    pub async fn once_as<F>(
        self,
        node: &Node,
        (name, status): (&'static str, u16),
        effect: F,
    ) -> Result<Answer, Failure>
    where
        F: FnOnce(&WriteTx, &Author) -> Result<Vec<u8>, Refusal> + Send + 'static,
    {
        let writing = node.clone();
        let answer: Result<Answer, WriteError<Refusal>> = node
            .store()
            .write(name, move |tx| {
                if let Some(answer) = self.lookup(tx)? {
                    return Ok(answer);
                }
                // Asked here, because a journal may have been started since.
                let author = writing.author().ok_or(Refusal::NotEnrolled)?;
                let body = effect(tx, &author)?;
                let now = writing.now();
                idempotency::record(tx, &self.scope(), &self.digest, status, &body, now)?;
                Ok(Answer { status, body })
            })
            .await;
        Ok(answer?)
    }
}
