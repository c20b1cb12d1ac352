//! Copying the write-ahead log into the database, beside the writer.
//!
//! A passive checkpoint neither waits for the writer nor makes it wait, so a
//! sale pays for its own fsync and nothing else.
//!
//! Invariant: the thread owns its connection and writes nothing by itself.

use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

/// Wakes the checkpoint thread, or ends it.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    state: Mutex<Signal>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Signal {
    #[default]
    Rest,
    Work,
    End,
}

impl Wake {
    /// Asks for one checkpoint; asking again before it starts changes nothing.
    pub(crate) fn wake(&self) {
        self.set(Signal::Work);
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.set(Signal::End);
    }

    fn set(&self, signal: Signal) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state != Signal::End {
            *state = signal;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for work; `false` at the end.
    fn wait(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *state {
                Signal::Rest => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Signal::Work => {
                    *state = Signal::Rest;
                    return true;
                }
                Signal::End => return false,
            }
        }
    }
}

/// The thread: one passive checkpoint per wake.
pub(crate) fn run(conn: &Connection, wake: &Wake) {
    while wake.wait() {
        if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(error = %error, "a checkpoint failed; the next one tries again");
        }
    }
}
