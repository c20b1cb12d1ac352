//! What a write closure sees: the writer's connection inside its savepoint.
//!
//! In-memory state (caches, published events) follows the database through the
//! two hooks: `after_commit` runs once the whole group is durable,
//! `on_rollback` runs if the savepoint or the group is undone.
//!
//! Invariant: of a command's hooks, either all of `after_commit` run or all of
//! `on_rollback`, never both.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

type Hook = Box<dyn FnOnce()>;

/// The open transaction of a write. Dereferences to [`Connection`] for SQL.
///
/// A closure must not begin, commit or roll back a transaction of its own (a
/// nested savepoint is fine) and must not wait for another write.
pub struct WriteTx {
    conn: Connection,
    hooks: RefCell<Hooks>,
}

/// What one command asked to happen afterwards.
#[derive(Default)]
pub(crate) struct Hooks {
    after_commit: Vec<Hook>,
    on_rollback: Vec<Hook>,
}

impl WriteTx {
    pub(crate) fn new(conn: Connection) -> Self {
        Self {
            conn,
            hooks: RefCell::default(),
        }
    }

    /// Runs `publish` on the writer thread once this write is durable, before
    /// its caller is answered. Keep it short: the next group waits for it.
    pub fn after_commit(&self, publish: impl FnOnce() + 'static) {
        self.hooks.borrow_mut().after_commit.push(Box::new(publish));
    }

    /// Runs `undo` on the writer thread if this write is rolled back, alone or
    /// with its group, before the next command starts. Hooks run newest first,
    /// so a cache can be put back step by step.
    pub fn on_rollback(&self, undo: impl FnOnce() + 'static) {
        self.hooks.borrow_mut().on_rollback.push(Box::new(undo));
    }

    /// Takes the hooks that the command just run has left.
    pub(crate) fn take_hooks(&self) -> Hooks {
        self.hooks.take()
    }
}

impl Deref for WriteTx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl Hooks {
    pub(crate) fn committed(self) {
        self.after_commit.into_iter().for_each(run);
    }

    pub(crate) fn rolled_back(self) {
        self.on_rollback.into_iter().rev().for_each(run);
    }
}

/// A hook's panic must not take the writer with it: the database is right
/// either way.
fn run(hook: Hook) {
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        tracing::error!("a hook of a write panicked; the database is unaffected");
    }
}
