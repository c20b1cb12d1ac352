//! Enrolment: single-use tokens that let a node of a location join, and the
//! certificates that were issued for them.
//!
//! A token is redeemed in the transaction that records the certificate, so it
//! gives one certificate at most. The token's text is the transport's; here
//! only its secret is hashed and kept.
//!
//! Invariant: a token is used at most once and never after it expired; a
//! revoked certificate stays revoked.

use evertill_domain::{LocationId, NodeId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::secret;
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// How long a token can be used: 15 minutes in milliseconds.
pub const TOKEN_LIFE_MS: i64 = 15 * 60 * 1_000;

const PURPOSE: &str = "evertill enrolment token v1";

/// What became of a token that a node presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// It was good, and is used up now: the node belongs to this location.
    Accepted(LocationId),
    /// No token with this secret was ever issued.
    Unknown,
    /// It was used before, then.
    Used(Timestamp),
    /// It could be used until then.
    Expired(Timestamp),
}

/// A certificate that the hub issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// The node that it names.
    pub node: NodeId,
    /// The node's location.
    pub location: LocationId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When and why it was revoked.
    pub revoked: Option<(Timestamp, String)>,
}

/// Stores a token's secret, good for [`TOKEN_LIFE_MS`] from `now`; returns
/// when it expires.
///
/// # Errors
///
/// The row could not be written.
pub fn issue_token(
    conn: &Connection,
    secret: &[u8],
    location: &LocationId,
    now: Timestamp,
) -> TableResult<Timestamp> {
    let expires = Timestamp::from_millis(now.as_millis().saturating_add(TOKEN_LIFE_MS));
    conn.execute(
        "INSERT INTO enrolment_token VALUES (?1, ?2, ?3, ?4, 0, 0)",
        params![
            secret::hash(PURPOSE, secret),
            location.as_str(),
            now.as_millis(),
            expires.as_millis()
        ],
    )
    .doing("store an enrolment token")?;
    Ok(expires)
}

/// Uses a token up for a node, if it is good. Call [`record_certificate`] in
/// the same transaction.
///
/// # Errors
///
/// The table could not be read or written.
pub fn redeem(
    conn: &Connection,
    secret: &[u8],
    node: NodeId,
    now: Timestamp,
) -> TableResult<Redeemed> {
    let hash = secret::hash(PURPOSE, secret);
    let row: Option<(LocationId, i64, i64)> = optional(conn.query_row(
        "SELECT location, expires_at, used_at FROM enrolment_token WHERE token_hash = ?1",
        [hash],
        |row| Ok((text(row, 0)?, row.get(1)?, row.get(2)?)),
    ))
    .doing("look up an enrolment token")?;
    let Some((location, expires, used)) = row else {
        return Ok(Redeemed::Unknown);
    };
    if used != 0 {
        return Ok(Redeemed::Used(Timestamp::from_millis(used)));
    }
    if now.as_millis() > expires {
        return Ok(Redeemed::Expired(Timestamp::from_millis(expires)));
    }
    conn.execute(
        "UPDATE enrolment_token SET used_at = ?2, used_by = ?3 WHERE token_hash = ?1",
        params![hash, now.as_millis().max(1), int(node.0)],
    )
    .doing("use up an enrolment token")?;
    Ok(Redeemed::Accepted(location))
}

/// Records a certificate when it is issued.
///
/// # Errors
///
/// The row could not be written.
pub fn record_certificate(conn: &Connection, certificate: &Certificate) -> TableResult<()> {
    let (revoked_at, reason) = certificate
        .revoked
        .as_ref()
        .map_or((0, ""), |(at, why)| (at.as_millis().max(1), why));
    conn.execute(
        "INSERT INTO certificate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            certificate.fingerprint,
            int(certificate.node.0),
            certificate.location.as_str(),
            certificate.issued_at.as_millis(),
            certificate.expires_at.as_millis(),
            revoked_at,
            reason
        ],
    )
    .doing("record a certificate")?;
    Ok(())
}

/// The certificate of a fingerprint.
///
/// # Errors
///
/// The table could not be read.
pub fn certificate(conn: &Connection, fingerprint: &[u8; 32]) -> TableResult<Option<Certificate>> {
    conn.prepare_cached("SELECT * FROM certificate WHERE fingerprint = ?1")
        .and_then(|mut select| optional(select.query_row([fingerprint], read_certificate)))
        .doing("look up a certificate")
}

/// Every certificate, the oldest first.
///
/// # Errors
///
/// The table could not be read.
pub fn certificates(conn: &Connection) -> TableResult<Vec<Certificate>> {
    conn.prepare_cached("SELECT * FROM certificate ORDER BY issued_at, fingerprint")
        .and_then(|mut select| select.query_map([], read_certificate)?.collect())
        .doing("list the certificates")
}

/// Revokes every live certificate of a node; returns their fingerprints.
///
/// # Errors
///
/// The table could not be written.
pub fn revoke_node(
    conn: &Connection,
    node: NodeId,
    reason: &str,
    now: Timestamp,
) -> TableResult<Vec<[u8; 32]>> {
    conn.prepare_cached(
        "UPDATE certificate SET revoked_at = ?2, reason = ?3
         WHERE node = ?1 AND revoked_at = 0 RETURNING fingerprint",
    )
    .and_then(|mut update| {
        update
            .query_map(
                params![int(node.0), now.as_millis().max(1), reason],
                |row| row.get(0),
            )?
            .collect()
    })
    .doing("revoke a node's certificates")
}

fn read_certificate(row: &Row<'_>) -> rusqlite::Result<Certificate> {
    let revoked_at: i64 = row.get(5)?;
    let reason: String = row.get(6)?;
    Ok(Certificate {
        fingerprint: row.get(0)?,
        node: NodeId(uint(row, 1)?),
        location: text(row, 2)?,
        issued_at: Timestamp::from_millis(row.get(3)?),
        expires_at: Timestamp::from_millis(row.get(4)?),
        revoked: (revoked_at != 0).then(|| (Timestamp::from_millis(revoked_at), reason)),
    })
}
