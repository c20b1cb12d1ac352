//! Opening the database file, with every setting that durability rests on.
//!
//! Invariant: a connection leaves this module only after its settings were
//! read back from SQLite and found as wanted.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::fault::Fault;
use super::migrations;
use super::options::{Role, StoreOptions, WAL_KEEP_BYTES};

/// Name of the database file in the data folder.
pub(crate) const DATABASE_FILE: &str = "evertill.db";
/// How long a connection waits for another one's lock. Only a checkpoint and
/// the opening of a connection ever hold one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements that a connection keeps.
const STATEMENT_CACHE: usize = 256;

/// The connection of the writer thread: schema up to date, role checked.
///
/// # Errors
/// What is wrong with the file or the disk.
pub(crate) fn open_writer(path: &Path, options: &StoreOptions) -> Result<Connection, OpenError> {
    if !options.create && !path.exists() {
        return Err(OpenError::NoDatabase {
            dir: path.parent().unwrap_or(path).to_owned(),
            role: options.role,
        });
    }
    let mut conn = open(path, OpenFlags::SQLITE_OPEN_CREATE)?;
    claim(&conn, path, options.role)?;
    settle(&conn, path, "journal_mode", &"wal")?;
    settle(&conn, path, "synchronous", &2)?;
    settle(&conn, path, "foreign_keys", &1)?;
    // What a savepoint copies aside stays in memory instead of a file of its own.
    settle(&conn, path, "temp_store", &2)?;
    // What is erased is overwritten.
    settle(&conn, path, "secure_delete", &1)?;
    settle(&conn, path, "wal_autocheckpoint", &0)?;
    let keep = i64::try_from(WAL_KEEP_BYTES).expect("invariant: a constant below 2^63");
    settle(&conn, path, "journal_size_limit", &keep)?;
    limit_cache(&conn, path, options.cache_kib().0)?;
    migrations::run(&mut conn, path)?;
    limit_size(&conn, path, options.max_bytes)?;
    Ok(conn)
}

/// A connection that cannot write.
///
/// # Errors
/// What is wrong with the file or the disk.
pub(crate) fn open_reader(path: &Path, options: &StoreOptions) -> Result<Connection, OpenError> {
    let conn = open(path, OpenFlags::empty())?;
    limit_cache(&conn, path, options.cache_kib().1)?;
    settle(&conn, path, "query_only", &1)?;
    Ok(conn)
}

/// The connection that copies the write-ahead log into the database.
///
/// # Errors
/// What is wrong with the file or the disk.
pub(crate) fn open_checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let conn = open(path, OpenFlags::empty())?;
    settle(&conn, path, "wal_autocheckpoint", &0)?;
    settle(&conn, path, "synchronous", &2)?;
    Ok(conn)
}

fn open(path: &Path, extra: OpenFlags) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let conn = Connection::open_with_flags(path, flags).map_err(|e| failed("open", path, &e))?;
    conn.busy_timeout(BUSY_TIMEOUT)
        .map_err(|e| failed("open", path, &e))?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(conn)
}

/// Checks that the file is this role's, or makes an empty one so.
fn claim(conn: &Connection, path: &Path, role: Role) -> Result<(), OpenError> {
    let number = |pragma: &str| -> Result<i32, OpenError> {
        conn.pragma_query_value(None, pragma, |row| row.get(0))
            .map_err(|e| failed("read", path, &e))
    };
    let id = number("application_id")?;
    if id == role.application_id() {
        return Ok(());
    }
    if let Some(found) = Role::from_application_id(id) {
        return Err(OpenError::WrongRole {
            dir: path.parent().unwrap_or(path).to_owned(),
            found,
            wanted: role,
        });
    }
    let tables: u32 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|e| failed("read", path, &e))?;
    if id != 0 || number("user_version")? != 0 || tables != 0 {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
            detail: format!("application id {id:#010x} with {tables} tables"),
        });
    }
    conn.pragma_update(None, "application_id", role.application_id())
        .map_err(|e| failed("write", path, &e))
}

/// Sets a pragma and refuses to go on if it did not take.
fn settle<V>(
    conn: &Connection,
    path: &Path,
    setting: &'static str,
    wanted: &V,
) -> Result<(), OpenError>
where
    V: rusqlite::ToSql + std::fmt::Display,
{
    // Some pragmas answer their new value, others nothing; both are fine here.
    conn.pragma_update_and_check(None, setting, wanted, |_| Ok(()))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(failed("set up", path, &other)),
        })?;
    let found = conn
        .pragma_query_value(None, setting, |row| row.get::<_, rusqlite::types::Value>(0))
        .map_err(|e| failed("read", path, &e))?;
    let found = match found {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if found == wanted.to_string() {
        return Ok(());
    }
    Err(OpenError::Setting {
        path: path.to_owned(),
        setting,
        wanted: wanted.to_string(),
        found,
    })
}

fn limit_cache(conn: &Connection, path: &Path, kib: u32) -> Result<(), OpenError> {
    settle(conn, path, "cache_size", &-i64::from(kib))
}

/// The operator's upper bound, in whole pages. A database that is already
/// larger keeps its size and only may not grow.
fn limit_size(conn: &Connection, path: &Path, max_bytes: Option<u64>) -> Result<(), OpenError> {
    let Some(max_bytes) = max_bytes else {
        return Ok(());
    };
    let page: u64 = conn
        .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
        .map_err(|e| failed("read", path, &e))?;
    let pages = i64::try_from((max_bytes / page).max(1)).unwrap_or(i64::MAX);
    conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .map_err(|e| failed("set up", path, &e))
}

fn failed(operation: &'static str, path: &Path, error: &rusqlite::Error) -> OpenError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        return OpenError::Foreign {
            path: path.to_owned(),
            detail: error.to_string(),
        };
    }
    let dir = path.parent().unwrap_or(path);
    match Fault::of_own(error, dir) {
        Fault::Full(detail) => OpenError::Full {
            path: path.to_owned(),
            detail,
        },
        Fault::Storage(detail) => OpenError::Storage {
            operation,
            path: path.to_owned(),
            detail,
        },
    }
}
