//! Keys to the hub's interface: named, shown once, kept hashed.
//!
//! Several keys may share a name while one replaces another. The name is the
//! principal that idempotency keys and audit entries are kept under.
//!
//! Invariant: a revoked key never authenticates again.

use evertill_domain::Timestamp;
use rusqlite::{Connection, params};

use crate::secret::{self, NoRandomness, SECRET_TEXT_MAX};
use crate::sql::{Doing, TableError, TableResult, optional};

/// What an API key starts with.
pub const API_KEY_PREFIX: &str = "evk1";

const PURPOSE: &str = "evertill api key v1";

/// A key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The row could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A key as listed: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Makes a key and returns its text, which is stored nowhere.
///
/// # Errors
///
/// No random bytes, or the row could not be written.
pub fn create(conn: &Connection, name: &str, now: Timestamp) -> Result<String, CreateError> {
    let key = secret::draw(API_KEY_PREFIX)?;
    conn.prepare_cached("INSERT INTO api_key VALUES (?1, ?2, ?3, 0)")
        .and_then(|mut insert| {
            insert.execute(params![
                secret::hash(PURPOSE, key.as_bytes()),
                name,
                now.as_millis()
            ])
        })
        .doing("store an API key")?;
    Ok(key)
}

/// The name of the live key with this text.
///
/// # Errors
///
/// The table could not be read.
pub fn authenticate(conn: &Connection, key: &str) -> TableResult<Option<String>> {
    if key.len() > SECRET_TEXT_MAX {
        return Ok(None);
    }
    let hash = secret::hash(PURPOSE, key.as_bytes());
    let name = conn
        .prepare_cached("SELECT name FROM api_key WHERE key_hash = ?1 AND revoked_at = 0")
        .and_then(|mut select| optional(select.query_row([hash], |row| row.get(0))))
        .doing("look up an API key")?;
    Ok(name)
}

/// Revokes every live key of a name; returns how many there were.
///
/// # Errors
///
/// The table could not be written.
pub fn revoke(conn: &Connection, name: &str, now: Timestamp) -> TableResult<usize> {
    conn.execute(
        "UPDATE api_key SET revoked_at = ?2 WHERE name = ?1 AND revoked_at = 0",
        params![name, now.as_millis().max(1)],
    )
    .doing("revoke an API key")
}

/// Every key ever made, by name and age.
///
/// # Errors
///
/// The table could not be read.
pub fn list(conn: &Connection) -> TableResult<Vec<ApiKey>> {
    let mut select = conn
        .prepare_cached(
            "SELECT name, created_at, revoked_at FROM api_key ORDER BY name, created_at, key_hash",
        )
        .doing("list the API keys")?;
    let rows = select.query_map([], |row| {
        let revoked: i64 = row.get(2)?;
        Ok(ApiKey {
            name: row.get(0)?,
            created_at: Timestamp::from_millis(row.get(1)?),
            revoked_at: (revoked != 0).then(|| Timestamp::from_millis(revoked)),
        })
    });
    rows.and_then(Iterator::collect).doing("list the API keys")
}
