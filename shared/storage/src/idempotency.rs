//! Answers to repeated requests: one POST has one effect, however often it is
//! sent.
//!
//! The answer is written in the same transaction as the effect, so a crash
//! leaves both or neither. Only committed answers are here: a refused request
//! leaves no trace. The writer thread runs one closure at a time, so of two
//! concurrent requests with one key the second finds the first one's answer.
//!
//! Invariant: a key, once recorded, answers with the same bytes until it is
//! pruned, and never for another body.

use evertill_domain::Timestamp;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional};

/// How long an answer is kept: 90 days in milliseconds.
pub const KEEP_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// The most answers that one call of [`prune`] removes, so that it never holds
/// the writer for long.
pub const PRUNE_LIMIT: u32 = 1_000;

/// The longest `Idempotency-Key` that is accepted, in bytes.
pub const KEY_MAX: usize = 255;

/// Who asked for what under which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The register or API key that asks.
    pub principal: &'a str,
    /// HTTP method.
    pub method: &'a str,
    /// Path, without the query.
    pub path: &'a str,
    /// The client's `Idempotency-Key`.
    pub key: &'a str,
}

impl Scope<'_> {
    /// A hash over the four fields, each with its length before it, so that
    /// no two scopes share one.
    fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("evertill idempotency scope v1");
        for field in [self.principal, self.method, self.path, self.key] {
            hasher.update(&(field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// What is known about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: carry it out.
    New,
    /// It was carried out: repeat this answer.
    Repeat {
        /// The answer's HTTP status.
        status: u16,
        /// The answer's body.
        answer: Vec<u8>,
    },
    /// The key was used for another body: refuse with 422.
    OtherBody,
}

/// Whether this request was carried out before.
///
/// # Errors
///
/// The table could not be read.
pub fn lookup(conn: &Connection, scope: &Scope<'_>, body: &[u8]) -> TableResult<Known> {
    let row: Option<([u8; 32], u16, Vec<u8>)> = conn
        .prepare_cached("SELECT body_hash, status, answer FROM idempotency WHERE scope = ?1")
        .and_then(|mut select| {
            optional(select.query_row([scope.hash()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            }))
        })
        .doing("look up an idempotency key")?;
    Ok(match row {
        None => Known::New,
        Some((hash, ..)) if hash != *blake3::hash(body).as_bytes() => Known::OtherBody,
        Some((_, status, answer)) => Known::Repeat { status, answer },
    })
}

/// Records the answer to a request, in the transaction that carries it out.
///
/// # Errors
///
/// The row could not be written, or the key is already recorded.
pub fn record(
    conn: &Connection,
    scope: &Scope<'_>,
    body: &[u8],
    status: u16,
    answer: &[u8],
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO idempotency (scope, body_hash, status, answer, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            scope.hash(),
            *blake3::hash(body).as_bytes(),
            status,
            answer,
            now.as_millis()
        ])
    })
    .doing("record an idempotency key")?;
    Ok(())
}

/// Removes answers older than [`KEEP_MS`], at most [`PRUNE_LIMIT`]; returns
/// how many. Call again while it returns the limit.
///
/// # Errors
///
/// The table could not be written.
pub fn prune(conn: &Connection, now: Timestamp) -> TableResult<usize> {
    conn.prepare_cached(
        "DELETE FROM idempotency WHERE id IN
           (SELECT id FROM idempotency WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
    )
    .and_then(|mut delete| {
        delete.execute(params![
            now.as_millis().saturating_sub(KEEP_MS),
            PRUNE_LIMIT
        ])
    })
    .doing("prune old idempotency keys")
}
