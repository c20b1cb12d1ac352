//! The tills of a node: their bearer tokens and the numbers that they draw.
//!
//! A receipt's number is drawn inside the transaction that records the
//! receipt, so a sale that fails gives its number back and the numbers of a
//! register have no gap.
//!
//! Invariant: within one replica a register's numbers are 1, 2, 3 … or go on
//! from where the register's earlier replica stood.

use evertill_domain::{LocationId, ReceiptNumber, RegisterId, ReplicaId, Timestamp};
use rusqlite::{Connection, params};

use crate::secret::{self, NoRandomness, SECRET_TEXT_MAX};
use crate::sql::{Doing, TableError, TableResult, int, optional, text, uint};

/// What a register's bearer token starts with.
pub const TOKEN_PREFIX: &str = "evr1";

const PURPOSE: &str = "evertill register token v1";

/// A token could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The rows could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A till as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Its id.
    pub register: RegisterId,
    /// The last receipt number that it has drawn; 0 before the first.
    pub last_number: u64,
    /// When it was first given a token.
    pub created_at: Timestamp,
}

/// Makes a bearer token for a register, which is created if it is new, and
/// returns the token's text, which is stored nowhere.
///
/// # Errors
///
/// No random bytes, or the rows could not be written.
pub fn issue_token(
    conn: &Connection,
    register: &RegisterId,
    now: Timestamp,
) -> Result<String, IssueError> {
    let token = secret::draw(TOKEN_PREFIX)?;
    ensure(conn, register, now)?;
    conn.execute(
        "INSERT INTO register_token VALUES (?1, ?2, ?3, 0)",
        params![
            secret::hash(PURPOSE, token.as_bytes()),
            register.as_str(),
            now.as_millis()
        ],
    )
    .doing("store a register token")?;
    Ok(token)
}

/// Creates a register if it is new.
///
/// # Errors
///
/// The row could not be written.
pub fn ensure(conn: &Connection, register: &RegisterId, now: Timestamp) -> TableResult<()> {
    conn.execute(
        "INSERT INTO register VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING",
        params![register.as_str(), now.as_millis()],
    )
    .doing("create a register")?;
    Ok(())
}

/// What the database keeps of a till's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token's text; none for a text that no token has.
    #[must_use]
    pub fn of(token: &str) -> Option<Self> {
        let hash = || Self(secret::hash(PURPOSE, token.as_bytes()));
        (token.len() <= SECRET_TEXT_MAX).then(hash)
    }
}

/// The register whose live token this is.
///
/// # Errors
///
/// The table could not be read.
pub fn authenticate(conn: &Connection, token: &TokenHash) -> TableResult<Option<RegisterId>> {
    conn.prepare_cached(
        "SELECT register FROM register_token WHERE token_hash = ?1 AND revoked_at = 0",
    )
    .and_then(|mut select| optional(select.query_row([token.0], |row| text(row, 0))))
    .doing("look up a register token")
}

/// Revokes every live token of a register; returns how many there were.
///
/// # Errors
///
/// The table could not be written.
pub fn revoke_tokens(
    conn: &Connection,
    register: &RegisterId,
    now: Timestamp,
) -> TableResult<usize> {
    conn.execute(
        "UPDATE register_token SET revoked_at = ?2 WHERE register = ?1 AND revoked_at = 0",
        params![register.as_str(), now.as_millis().max(1)],
    )
    .doing("revoke a register's tokens")
}

/// Draws the next receipt number of a register; `None` if there is no such
/// register here. The number is spent only if the transaction commits.
///
/// # Errors
///
/// The row could not be written.
pub fn draw_number(
    conn: &Connection,
    location: &LocationId,
    register: &RegisterId,
    replica: ReplicaId,
) -> TableResult<Option<ReceiptNumber>> {
    let drawn = conn
        .prepare_cached(
            "UPDATE register SET last_number = last_number + 1 WHERE register = ?1
             RETURNING last_number",
        )
        .and_then(|mut update| optional(update.query_row([register.as_str()], |row| uint(row, 0))))
        .doing("draw a receipt number")?;
    Ok(drawn.map(|seq| ReceiptNumber {
        location: location.clone(),
        register: register.clone(),
        code: replica.code(),
        seq,
    }))
}

/// Raises a register's last number to at least `last_number`, when a new
/// replica takes over where an earlier one stood.
///
/// # Errors
///
/// The row could not be written.
pub fn take_over(
    conn: &Connection,
    register: &RegisterId,
    last_number: u64,
    now: Timestamp,
) -> TableResult<()> {
    ensure(conn, register, now)?;
    conn.execute(
        "UPDATE register SET last_number = max(last_number, ?2) WHERE register = ?1",
        params![register.as_str(), int(last_number)],
    )
    .doing("take over a register's numbers")?;
    Ok(())
}

/// The registers of this node, by id.
///
/// # Errors
///
/// The table could not be read.
pub fn list(conn: &Connection) -> TableResult<Vec<Register>> {
    conn.prepare_cached("SELECT register, last_number, created_at FROM register ORDER BY register")
        .and_then(|mut select| {
            select
                .query_map([], |row| {
                    Ok(Register {
                        register: text(row, 0)?,
                        last_number: uint(row, 1)?,
                        created_at: Timestamp::from_millis(row.get(2)?),
                    })
                })?
                .collect()
        })
        .doing("list the registers")
}
