//! A queued write with its types erased.
//!
//! Invariant: a command runs at most once and is answered exactly once; one
//! that is dropped unanswered tells its caller that the store is closed.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::error::WriteError;
use super::fault::Fault;
use super::transaction::WriteTx;

/// What the writer does with a command's savepoint.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Release it.
    Keep,
    /// Roll it back; the closure refused or panicked.
    Discard,
    /// Roll it back; the disk or the database failed under the closure.
    Faulty(Fault),
}

/// A write as the writer thread sees it.
pub(crate) trait Command: Send {
    /// Name for logs and errors.
    fn name(&self) -> &'static str;
    /// Runs the closure; a panic is contained.
    fn run(&mut self, tx: &WriteTx, dir: &Path) -> Verdict;
    /// Answers the caller: with the closure's result, or with the fault that
    /// undid the whole group.
    fn answer(self: Box<Self>, fault: Option<&Fault>);
}

/// A write closure on its way to the writer, with the way back to its caller.
pub(crate) struct Write<F, T, E: Error + 'static, R> {
    name: &'static str,
    closure: Option<F>,
    outcome: Option<Result<T, WriteError<E>>>,
    reply: R,
}

impl<F, T, E: Error + 'static, R> Write<F, T, E, R> {
    pub(crate) fn new(name: &'static str, closure: F, reply: R) -> Self {
        Self {
            name,
            closure: Some(closure),
            outcome: None,
            reply,
        }
    }
}

impl<F, T, E, R> Command for Write<F, T, E, R>
where
    F: FnOnce(&WriteTx) -> Result<T, E> + Send,
    T: Send,
    E: Error + Send + 'static,
    R: FnOnce(Result<T, WriteError<E>>) + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, tx: &WriteTx, dir: &Path) -> Verdict {
        let closure = self
            .closure
            .take()
            .expect("invariant: a command runs at most once");
        // The savepoint is rolled back after a panic, and the closure owns
        // what it captured: nothing half-changed is looked at again.
        let (verdict, outcome) = match catch_unwind(AssertUnwindSafe(|| closure(tx))) {
            Ok(Ok(value)) => (Verdict::Keep, Ok(value)),
            Ok(Err(error)) => match Fault::find(&error, dir) {
                Some(fault) => (
                    Verdict::Faulty(fault.clone()),
                    Err(fault.into_write_error(self.name)),
                ),
                None => (Verdict::Discard, Err(WriteError::Rejected(error))),
            },
            Err(_panic) => (
                Verdict::Discard,
                Err(WriteError::Panicked { name: self.name }),
            ),
        };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, fault: Option<&Fault>) {
        let Self {
            name,
            outcome,
            reply,
            ..
        } = *self;
        let result = match (outcome, fault) {
            // A refusal may rest on rows of the group that are gone now, so a
            // fault replaces every answer except what the command knows itself.
            (Some(Ok(_) | Err(WriteError::Rejected(_))) | None, Some(fault)) => {
                Err(fault.clone().into_write_error(name))
            }
            (Some(outcome), _) => outcome,
            (None, None) => Err(WriteError::Closed { name }),
        };
        reply(result);
    }
}
