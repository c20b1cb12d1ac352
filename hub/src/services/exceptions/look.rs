//! Rounds that look for what nobody told, and end what is over.
//!
//! Invariant: a round made twice opens nothing the second time.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::PromiseState;
use evertill_domain::{DocumentId, Hlc, Seq, Timestamp};
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::ingest::Peer;
use evertill_storage::projection::orders;
use evertill_storage::quarantine::{self, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, changes};

use super::AT_ONCE;
use super::breach::{break_promises, debt, suspect};
use super::stock::negative;
use crate::services::ground::{Ground, Picture};
use crate::services::orders::{At, OrderRefusal};
use crate::state::Hub;

/// Looks for what nobody told: cases in quarantine, silent locations, late
/// steps, shelf checks that nobody made; and escalates what is overdue.
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
    quarantined(conn, now)?;
    silent(conn, hub, author.replica, picture, now)?;
    negative(conn, now)?;
    late(conn, now)?;
    settled(conn, now)?;
    for found in exceptions::open_of_kind(conn, ExceptionKind::SuspectedBreach)? {
        let Some((location, sku)) = found.opening.location.zip(found.opening.sku) else {
            continue;
        };
        if debt(conn, &location, &sku)? == 0 {
            suspect(conn, &location, &sku, 0, now)?;
        } else if found.due_at < now {
            // Nobody looked in time: the unit counts as missing.
            let at = At {
                conn,
                hub,
                author,
                picture,
                document: DocumentId::from_bytes([0; 16]),
                by: None,
                now,
            };
            break_promises(at, &location, &sku)?;
            let how = Some("nobody looked in time");
            exceptions::resolve(conn, found.id, (exceptions::SYSTEM, "missing", how), now)?;
        }
    }
    exceptions::escalate(conn, now)?;
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
        let silent_s = ground.silent_s(&location.id);
        if !picture.selling.online.of(location).is_suspended(silent_s) {
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
                "{} was not heard for {} hours; nothing is promised from it",
                location.id,
                silent_s / 3_600
            ),
        };
        if exceptions::open(conn, &opening, now)? {
            changes::availability_at(conn, Some(&location.id))?;
        }
    }
    Ok(())
}

/// Promises whose time is over and that are not at their customer's disposal.
fn late(conn: &Connection, now: Timestamp) -> TableResult<()> {
    for (location, document) in orders::late(conn, now, AT_ONCE)? {
        let Some(order) = orders::load(conn, &document)? else {
            continue;
        };
        for (id, promise) in order.promises_of(&location) {
            let over = promise.promise_by.is_some_and(|by| by < now);
            if over && promise.kept() > 0 && !promise.was_ready {
                let name = &order.placed.external_id;
                let opening = Opening {
                    kind: ExceptionKind::LateStep,
                    key: format!("late:{id}"),
                    location: Some(location.clone()),
                    sku: None,
                    document: Some(document),
                    detail: format!(
                        "order {name} is {} and was promised before",
                        promise.work.as_str()
                    ),
                };
                exceptions::open(conn, &opening, now)?;
            }
        }
    }
    Ok(())
}

/// Late steps that were done since, and promises of sealed replicas that ended.
fn settled(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let ended: fn(&PromiseState) -> bool = |promise| promise.parts.live() == 0;
    let done: fn(&PromiseState) -> bool = |promise| promise.kept() == 0 || promise.was_ready;
    let kinds = [
        (ExceptionKind::LateStep, "late:", done, "the step was done"),
        (
            ExceptionKind::SealedPromise,
            "sealed:",
            ended,
            "the promise has ended",
        ),
    ];
    for (kind, prefix, is_over, how) in kinds {
        for found in exceptions::open_of_kind(conn, kind)? {
            let Some(document) = found.opening.document else {
                continue;
            };
            let order = orders::load(conn, &document)?;
            let id = found.opening.key.strip_prefix(prefix);
            let id = id.and_then(|id| id.parse().ok());
            let promise = order
                .as_ref()
                .zip(id)
                .and_then(|(order, id)| order.promises.get(&id));
            if promise.is_none_or(is_over) {
                exceptions::gone(conn, &found.opening.key, how, now)?;
            }
        }
    }
    Ok(())
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
