//! Opening reference.db: its pragmas, its migrations, its pool of readers.
//!
//! Invariant: a connection handed out runs in WAL mode with the durability of
//! its role, read back from SQLite and not assumed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::error::ReferenceError;
use crate::Role;

/// Numbered and immutable: a released file is never edited, only followed.
const MIGRATIONS: &[M<'_>] = &[M::up(include_str!(
    "../../migrations/reference/0001_reference.sql"
))];

/// How long a connection waits for another process, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection.
const STATEMENT_CACHE: usize = 48;
/// What the write-ahead log is cut back to after a large import.
const WAL_KEEP_BYTES: i64 = 16 << 20;

/// The one connection that writes.
pub(super) fn open_writer(path: &Path, role: Role) -> Result<Connection, ReferenceError> {
    let mut conn = Connection::open(path).map_err(|error| failed(path, &error))?;
    configure(&conn, path, role).map_err(|error| failed(path, &error))??;
    Migrations::from_slice(MIGRATIONS)
        .to_latest(&mut conn)
        .map_err(|error| failed(path, &error))?;
    Ok(conn)
}

fn configure(
    conn: &Connection,
    path: &Path,
    role: Role,
) -> rusqlite::Result<Result<(), ReferenceError>> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // A hub is the only home of its reference data. A node can lose the last
    // moments to a power cut: its position goes back with them, and it asks
    // the hub again.
    let (synchronous, level) = match role {
        Role::Hub => ("FULL", "2"),
        Role::Node => ("NORMAL", "1"),
    };
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "cache_size", -4_096)?;
    conn.pragma_update(None, "journal_size_limit", WAL_KEEP_BYTES)?;
    for (pragma, wanted) in [("journal_mode", "wal"), ("synchronous", level)] {
        let found = conn.pragma_query_value(None, pragma, |row| {
            let value: rusqlite::types::Value = row.get(0)?;
            Ok(match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
        })?;
        if found != wanted {
            return Ok(Err(ReferenceError::Pragma {
                path: path.to_owned(),
                pragma,
                wanted,
                found,
            }));
        }
    }
    Ok(Ok(()))
}

fn failed(path: &Path, error: &dyn std::error::Error) -> ReferenceError {
    ReferenceError::Open {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// Read-only connections, opened when first needed and kept.
pub(super) struct Readers {
    path: PathBuf,
    limit: usize,
    state: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

impl Readers {
    /// A pool of at most `limit` connections, at least one.
    pub(super) fn new(path: &Path, limit: usize) -> Self {
        Self {
            path: path.to_owned(),
            limit: limit.max(1),
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Borrows a connection; waits while all are lent.
    pub(super) fn borrow(self: &Arc<Self>) -> Result<Reader, ReferenceError> {
        let mut pool = self.lock();
        loop {
            if let Some(conn) = pool.idle.pop() {
                return Ok(Reader {
                    readers: Arc::clone(self),
                    conn: Some(conn),
                });
            }
            if pool.open < self.limit {
                break;
            }
            pool = self
                .returned
                .wait(pool)
                .unwrap_or_else(PoisonError::into_inner);
        }
        pool.open += 1;
        drop(pool);
        match open_reader(&self.path) {
            Ok(conn) => Ok(Reader {
                readers: Arc::clone(self),
                conn: Some(conn),
            }),
            Err(error) => {
                self.lock().open -= 1;
                self.returned.notify_one();
                Err(failed(&self.path, &error))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // A node has 64 MB for everything.
    conn.pragma_update(None, "cache_size", -1_024)?;
    Ok(conn)
}

/// A lent connection; it goes back to the pool when dropped, with whatever
/// transaction was open on it ended.
pub(super) struct Reader {
    readers: Arc<Readers>,
    conn: Option<Connection>,
}

impl Reader {
    /// Starts a transaction; from its first read on, the reader sees one state
    /// of the database until it is dropped.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.execute_batch("BEGIN")
    }
}

impl std::ops::Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn
            .as_ref()
            .expect("invariant: a lent connection is there until it is dropped")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else {
            return;
        };
        let is_clean = conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok();
        let mut pool = self.readers.lock();
        if is_clean {
            pool.idle.push(conn);
        } else {
            pool.open -= 1;
        }
        drop(pool);
        self.readers.returned.notify_one();
    }
}
