//! Rounds that look for what nobody told, and end what is over.
//!
//! Invariant: a round made twice opens nothing the second time.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::{DocumentId, Hlc, Seq, Timestamp};
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::ingest::Peer;
use evertill_storage::quarantine::{self, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, changes};

use super::AT_ONCE;
use super::breach::look_into;
use super::late::late;
use super::order::{look_at_sealed, refunds_due};
use super::stock::negative;
use crate::services::ground::{Ground, Picture};
use crate::services::orders::{At, OrderRefusal};
use crate::state::Hub;

/// Looks for what nobody told: cases in quarantine, silent locations, late
/// steps, shelf checks that nobody made, refunds that nobody paid; and escalates
/// what is overdue.
///
/// # Errors
/// The tables could not be read or written.
pub fn look(
    conn: &Connection,
    hub: &Hub,
    author: &evertill_storage::journal::Author,
    picture: &Picture,
    now: Timestamp,
) -> Result<(), OrderRefusal> {
    let timers = &picture.selling.timers;
    quarantined(conn, now)?;
    silent(conn, hub, author.replica, picture, now)?;
    negative(conn, now)?;
    late(conn, timers, now)?;
    look_at_sealed(conn, now)?;
    refunds_due(conn, now)?;
    look_into(At {
        conn,
        hub,
        author,
        picture,
        document: DocumentId::from_bytes([0; 16]),
        by: None,
        now,
    })?;
    exceptions::escalate(conn, timers.escalation_minutes, now)?;
    Ok(())
}

fn quarantined(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let cases = quarantine::page(conn, Some(CaseState::Open), None, AT_ONCE)?;
    for case in &cases {
        let opening = Opening {
            kind: ExceptionKind::QuarantinedEntry,
            key: format!("quarantine:{}", case.id),
            location: Some(case.location.clone()),
            sku: None,
            document: None,
            detail: format!("case {} of {}: {}", case.id, case.location, case.reason),
        };
        exceptions::open(conn, &opening, now)?;
    }
    for found in exceptions::open_of_kind(conn, ExceptionKind::QuarantinedEntry)? {
        let id = found.opening.key.strip_prefix("quarantine:");
        let open = id.is_some_and(|id| cases.iter().any(|case| case.id.to_string() == id));
        if !open && cases.len() < AT_ONCE {
            exceptions::gone(conn, &found.opening.key, "the case is settled", now)?;
        }
    }
    Ok(())
}

fn silent(
    conn: &Connection,
    hub: &Hub,
    replica: evertill_domain::ReplicaId,
    picture: &Picture,
    now: Timestamp,
) -> TableResult<()> {
    let ground = Ground::of(conn, hub, replica, picture, now)?;
    for location in &picture.locations {
        let key = format!("silent:{}", location.id);
        let rule = picture.selling.online.of(location);
        if !rule.is_suspended(ground.silence_that_counts_s(location)) {
            if exceptions::gone(conn, &key, "the location is heard again", now)? {
                changes::availability_at(conn, Some(&location.id))?;
            }
            continue;
        }
        let opening = Opening {
            kind: ExceptionKind::SilentLocation,
            key,
            location: Some(location.id.clone()),
            sku: None,
            document: None,
            detail: format!(
                "{} was not heard for {}; nothing is promised from it",
                location.id,
                for_long(ground.silent_s(&location.id) / 60)
            ),
        };
        if exceptions::open(conn, &opening, now)? {
            changes::availability_at(conn, Some(&location.id))?;
        }
    }
    Ok(())
}

/// So many minutes, as people say it.
fn for_long(minutes: u32) -> String {
    if minutes < 120 {
        format!("{minutes} minutes")
    } else {
        format!("{} hours", minutes / 60)
    }
}

/// A node's clock is far ahead of the hub's: what it writes is shown in the
/// wrong order, and its timers are wrong.
///
/// # Errors
/// The row could not be written.
pub fn wild_clock(
    conn: &Connection,
    peer: &Peer,
    (seq, hlc): (Seq, Hlc),
    now: Timestamp,
) -> TableResult<()> {
    let location = &peer.location;
    let opening = Opening {
        kind: ExceptionKind::WildClock,
        key: format!("wild_clock:{}", peer.node),
        location: Some(location.clone()),
        sku: None,
        document: None,
        detail: format!(
            "node {} at {location} wrote entry {seq} at {hlc} by its clock",
            peer.node
        ),
    };
    exceptions::open(conn, &opening, now).map(drop)
}
