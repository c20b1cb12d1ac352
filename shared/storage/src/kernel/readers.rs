//! The reader threads: each read sees one snapshot and holds up nobody.
//!
//! Invariant: a read runs inside one deferred transaction on a connection that
//! cannot write, and a panic in it ends neither the thread nor the process.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use super::error::{ReadError, StorageError};
use super::queue::Queue;

/// A read on its way to a reader.
pub(crate) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The thread: reads until the queue is closed and empty.
pub(crate) fn run(conn: &Connection, jobs: &Queue<Job>) {
    while let Some(job) = jobs.take_one() {
        job(conn);
    }
}

/// Runs a read on one snapshot.
pub(crate) fn on_snapshot<T, E: Error + 'static>(
    conn: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, ReadError<E>> {
    let failed = |operation: &str, error: &rusqlite::Error| {
        ReadError::Storage(StorageError {
            operation: operation.to_owned(),
            detail: error.to_string(),
        })
    };
    let run = |sql| conn.prepare_cached(sql)?.execute([]).map(drop);
    run("BEGIN DEFERRED").map_err(|error| failed("open a snapshot", &error))?;
    // The closure owns what it captured: nothing half-changed is seen again.
    let outcome = catch_unwind(AssertUnwindSafe(|| read(conn)));
    let ended = run("COMMIT");
    match outcome {
        Ok(result) => {
            ended.map_err(|error| failed("close a snapshot", &error))?;
            result.map_err(ReadError::Failed)
        }
        Err(_panic) => Err(ReadError::Panicked),
    }
}
