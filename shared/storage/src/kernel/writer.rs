//! The writer thread: every queued write, one transaction, one fsync.
//!
//! Invariant: a command is answered after the commit of its group, and a fault
//! answers the whole group with the fault and leaves nothing of it behind.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::watch;

use super::checkpoint::Wake;
use super::command::{Command, Verdict};
use super::fault::Fault;
use super::options::{CHECKPOINT_PAGES, GROUP_LIMIT, WAL_LIMIT_BYTES};
use super::queue::Queue;
use super::transaction::{Hooks, WriteTx};

thread_local! {
    /// Pages in the write-ahead log after this thread's last commit.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Commands on their way to the writer.
pub(crate) type Commands = Queue<Box<dyn Command>>;

/// What the writer has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) writes: AtomicU64,
}

/// The writer's surroundings; [`Writer::run`] is the thread.
pub(crate) struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) commands: Arc<Commands>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) commits: watch::Sender<u64>,
    pub(crate) checkpoint: Arc<Wake>,
    pub(crate) page_bytes: u64,
}

impl Writer {
    /// Works until the queue is closed and empty, then checkpoints.
    pub(crate) fn run(self, conn: Connection) {
        conn.wal_hook(Some(|_, pages| {
            WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        let _abandon = AbandonOnDrop(Arc::clone(&self.commands));
        let tx = WriteTx::new(conn);
        let mut group = VecDeque::new();
        while self.commands.take(GROUP_LIMIT, &mut group) {
            self.work(&tx, &mut group);
        }
        if let Err(error) = tx.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(error = %error, "the last checkpoint failed; the next start does it");
        }
    }

    fn work(&self, tx: &WriteTx, group: &mut VecDeque<Box<dyn Command>>) {
        let (hooks, fault) = self.transact(tx, group);
        match &fault {
            None => {
                self.counters.groups.fetch_add(1, Ordering::Relaxed);
                let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
                self.counters.writes.fetch_add(count, Ordering::Relaxed);
                hooks.into_iter().for_each(Hooks::committed);
                self.commits.send_modify(|commits| *commits += 1);
            }
            Some(fault) => {
                tracing::error!(
                    writes = group.len(),
                    "could not commit a group of writes: {fault}; nothing of it was kept"
                );
                hooks.into_iter().rev().for_each(Hooks::rolled_back);
            }
        }
        for command in group.drain(..) {
            command.answer(fault.as_ref());
        }
        if fault.is_none() {
            self.bound_log(tx);
        }
    }

    /// Runs and commits the group; gives the hooks of the commands that were
    /// kept, to be run one way or the other.
    fn transact(
        &self,
        tx: &WriteTx,
        group: &mut VecDeque<Box<dyn Command>>,
    ) -> (Vec<Hooks>, Option<Fault>) {
        let mut hooks = Vec::with_capacity(group.len());
        let outcome = self.run_group(tx, group, &mut hooks);
        let fault = outcome.err();
        if fault.is_some() && !tx.is_autocommit() {
            // SQLite may have rolled back by itself; if this fails too, the
            // next group's BEGIN says so.
            if let Err(error) = execute(tx, "ROLLBACK") {
                tracing::error!(error = %error, "could not roll back");
            }
        }
        (hooks, fault)
    }

    /// Each command of several runs in a savepoint, so that one that is refused
    /// takes back nothing but its own. For that SQLite copies every page aside
    /// before it changes; a command that is alone does without, and the whole
    /// transaction is taken back if it is refused.
    fn run_group(
        &self,
        tx: &WriteTx,
        group: &mut VecDeque<Box<dyn Command>>,
        kept: &mut Vec<Hooks>,
    ) -> Result<(), Fault> {
        let own = |error: rusqlite::Error| Fault::of_own(&error, &self.dir);
        let alone = group.len() == 1;
        execute(tx, "BEGIN IMMEDIATE").map_err(own)?;
        for command in group {
            if !alone {
                execute(tx, "SAVEPOINT command").map_err(own)?;
            }
            let verdict = command.run(tx, &self.dir);
            let hooks = tx.take_hooks();
            match verdict {
                Verdict::Keep => {
                    kept.push(hooks);
                    if !alone {
                        execute(tx, "RELEASE command").map_err(own)?;
                    }
                }
                Verdict::Discard => {
                    hooks.rolled_back();
                    tracing::debug!(write.name = command.name(), "a write was refused");
                    if alone {
                        return execute(tx, "ROLLBACK").map_err(own);
                    }
                    execute(tx, "ROLLBACK TO command").map_err(own)?;
                    execute(tx, "RELEASE command").map_err(own)?;
                }
                Verdict::Faulty(fault) => {
                    kept.push(hooks);
                    return Err(fault);
                }
            }
        }
        execute(tx, "COMMIT").map_err(own)
    }

    /// Wakes the checkpoint thread in time; finishes a checkpoint here when the
    /// load leaves it no gap.
    fn bound_log(&self, tx: &WriteTx) {
        let pages = WAL_PAGES.get();
        if u64::from(pages) * self.page_bytes >= WAL_LIMIT_BYTES {
            if let Err(error) = tx.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())) {
                tracing::warn!(error = %error, "could not restart the write-ahead log");
            }
            WAL_PAGES.set(0);
        } else if pages >= CHECKPOINT_PAGES {
            self.checkpoint.wake();
        }
    }
}

/// Should the thread ever unwind, whoever waits hears that the store is closed
/// instead of waiting for ever.
struct AbandonOnDrop(Arc<Commands>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn execute(tx: &WriteTx, sql: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(sql)?.execute([]).map(drop)
}
