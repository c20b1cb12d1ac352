//! The handle that the rest of a process works with.
//!
//! Invariant: the data folder stays locked as long as any thread of the store
//! may touch it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::checkpoint::{self, Wake};
use super::command::{Command, Write};
use super::connection::{self, DATABASE_FILE};
use super::disk;
use super::error::{OpenError, ReadError, StorageError, WriteError};
use super::lock::DirLock;
use super::options::{QUEUE_LIMIT, READ_QUEUE_LIMIT, READERS_MAX, StoreOptions};
use super::queue::{Queue, Refused};
use super::readers::{self, Job};
use super::transaction::WriteTx;
use super::writer::{Commands, Counters, Writer};

/// Ticks after each durable commit; the value counts them.
pub type CommitReceiver = watch::Receiver<u64>;

/// Pages that one step of a backup copies before it lets others in.
const BACKUP_STEP: i32 = 512;

/// A store in use; clones share it. [`Store::close`] ends it in order; dropping
/// the last clone does the same.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// Transactions committed; each cost one fsync.
    pub groups: u64,
    /// Writes answered from them.
    pub writes: u64,
    /// Writes that wait now.
    pub waiting: usize,
}

struct Inner {
    path: PathBuf,
    options: StoreOptions,
    commands: Arc<Commands>,
    jobs: Arc<Queue<Job>>,
    counters: Arc<Counters>,
    commits: CommitReceiver,
    checkpoint: Arc<Wake>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: DirLock,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Locks `dir`, opens its database, brings its schema up to date and starts
    /// the threads.
    ///
    /// # Errors
    /// One line that says what is wrong with the folder, file or disk.
    pub fn open(dir: &Path, options: &StoreOptions) -> Result<Self, OpenError> {
        let lock = DirLock::acquire(dir, options.create)?;
        let path = dir.join(DATABASE_FILE);
        let conn = connection::open_writer(&path, options)?;
        let page_bytes = conn
            .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
            .map_or(4_096, i64::cast_unsigned);
        let (sender, commits) = watch::channel(0);
        let inner = Inner {
            path: path.clone(),
            options: options.clone(),
            commands: Arc::new(Queue::new(QUEUE_LIMIT)),
            jobs: Arc::new(Queue::new(READ_QUEUE_LIMIT)),
            counters: Arc::default(),
            commits,
            checkpoint: Arc::default(),
            threads: Mutex::default(),
            lock,
        };
        let writer = Writer {
            dir: dir.to_owned(),
            commands: Arc::clone(&inner.commands),
            counters: Arc::clone(&inner.counters),
            commits: sender,
            checkpoint: Arc::clone(&inner.checkpoint),
            page_bytes,
        };
        inner.spawn("store-writer", move || writer.run(conn))?;
        let (conn, wake) = (
            connection::open_checkpointer(&path)?,
            Arc::clone(&inner.checkpoint),
        );
        inner.spawn("store-checkpoint", move || checkpoint::run(&conn, &wake))?;
        for _ in 0..options.readers.clamp(1, READERS_MAX) {
            let (conn, jobs) = (
                connection::open_reader(&path, options)?,
                Arc::clone(&inner.jobs),
            );
            inner.spawn("store-reader", move || readers::run(&conn, &jobs))?;
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Runs `closure` on the writer thread, inside a savepoint of the next
    /// group, and answers once the group is on stable storage.
    ///
    /// # Errors
    /// [`WriteError::Rejected`] carries the closure's own error; every other
    /// variant says why nothing was kept.
    pub async fn write<F, T, E>(&self, name: &'static str, closure: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&WriteTx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Error + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.queue(
            name,
            Write::new(name, closure, move |result| {
                // The caller may have gone; the write stands all the same.
                let _ = sender.send(result);
            }),
        )?;
        receiver.await.unwrap_or(Err(WriteError::Closed { name }))
    }

    /// [`Store::write`] for a thread that may wait.
    ///
    /// # Errors
    /// As for [`Store::write`].
    pub fn write_blocking<F, T, E>(
        &self,
        name: &'static str,
        closure: F,
    ) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&WriteTx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Error + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.queue(
            name,
            Write::new(name, closure, move |result| {
                let _ = sender.send(result);
            }),
        )?;
        receiver.recv().unwrap_or(Err(WriteError::Closed { name }))
    }

    /// Runs `closure` on a reader thread, on one snapshot.
    ///
    /// # Errors
    /// [`ReadError::Failed`] carries the closure's own error.
    pub async fn read<F, T, E>(&self, closure: F) -> Result<T, ReadError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Error + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.queue_read(Box::new(move |conn| {
            let _ = sender.send(readers::on_snapshot(conn, closure));
        }))?;
        receiver.await.unwrap_or(Err(ReadError::Closed))
    }

    /// [`Store::read`] for a thread that may wait.
    ///
    /// # Errors
    /// As for [`Store::read`].
    pub fn read_blocking<F, T, E>(&self, closure: F) -> Result<T, ReadError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Error + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.queue_read(Box::new(move |conn| {
            let _ = sender.send(readers::on_snapshot(conn, closure));
        }))?;
        receiver.recv().unwrap_or(Err(ReadError::Closed))
    }

    /// Ticks after each durable commit.
    #[must_use]
    pub fn commits(&self) -> CommitReceiver {
        self.0.commits.clone()
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            groups: self.0.counters.groups.load(Ordering::Relaxed),
            writes: self.0.counters.writes.load(Ordering::Relaxed),
            waiting: self.0.commands.len(),
        }
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.lock.dir()
    }

    /// Bytes free on the disk of the data folder.
    ///
    /// # Errors
    /// The system could not say.
    pub fn disk_free(&self) -> std::io::Result<u64> {
        disk::free_bytes(self.dir())
    }

    /// Copies the database, as of now, to a new file while work goes on.
    ///
    /// # Errors
    /// The copy could not be written; a partial file may remain.
    pub fn backup_to(&self, target: &Path) -> Result<(), StorageError> {
        let failed = |detail: String| StorageError {
            operation: format!("back up to {}", target.display()),
            detail,
        };
        let source = connection::open_reader(&self.0.path, &self.0.options)
            .map_err(|error| failed(error.to_string()))?;
        let mut copy = Connection::open(target).map_err(|e| failed(e.to_string()))?;
        rusqlite::backup::Backup::new(&source, &mut copy)
            .and_then(|backup| backup.run_to_completion(BACKUP_STEP, Duration::ZERO, None))
            .map_err(|error| failed(error.to_string()))
    }

    /// Lets nothing more in, finishes what waits, checkpoints and unlocks.
    pub fn close(self) {
        self.0.shut();
    }

    fn queue<E: Error + 'static>(
        &self,
        name: &'static str,
        command: impl Command + 'static,
    ) -> Result<(), WriteError<E>> {
        self.0
            .commands
            .push(Box::new(command))
            .map_err(|refused| match refused {
                Refused::Full => WriteError::Busy {
                    name,
                    waiting: self.0.commands.len(),
                },
                Refused::Closed => WriteError::Closed { name },
            })
    }

    fn queue_read<E: Error + 'static>(&self, job: Job) -> Result<(), ReadError<E>> {
        self.0.jobs.push(job).map_err(|refused| match refused {
            Refused::Full => ReadError::Busy {
                waiting: self.0.jobs.len(),
            },
            Refused::Closed => ReadError::Closed,
        })
    }
}

impl Inner {
    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|source| OpenError::Access {
                operation: "start a thread for",
                path: self.path.clone(),
                source,
            })?;
        self.threads().push(thread);
        Ok(())
    }

    /// Ends every thread; safe to call twice.
    fn shut(&self) {
        self.jobs.close();
        self.commands.close();
        self.checkpoint.end();
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut();
    }
}
