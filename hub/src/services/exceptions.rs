//! Exceptions: what opens them, what ends them, and what people do about them.
//!
//! Some are found where their facts are (a debt that only promises can cover, an
//! order that nobody can take on); the others are looked for in rounds. A problem
//! that is gone resolves itself.
//!
//! Invariant: each conflict of an order, each case in quarantine and each silent
//! location has exactly one.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{
    EndCause, FulfilmentState, OrderBody, OrderConflictKind, OrderState, PickupState, PromiseEnded,
    PromiseState, Ruling, RulingKind, Work,
};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::rights::{End, PairCells, Position};
use evertill_domain::seal::ReplicaSeal;
use evertill_domain::{Bucket, DocumentId, Hlc, LocationId, Quantity, Seq, Sku, Timestamp};
use evertill_storage::exceptions::{self, Exception, Filter, Opening};
use evertill_storage::ingest::Peer;
use evertill_storage::projection::{orders, promises, rights, stock};
use evertill_storage::quarantine::{self, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{ReadError, TableError, TableResult, changes, duties};

use super::ground::{Ground, Picture};
use super::orders::{At, OrderRefusal};
use crate::state::Hub;

/// Cases and orders that one round looks at.
const AT_ONCE: usize = 200;

/// A problem with what was done about it.
pub type Shown = (Exception, Vec<exceptions::Action>);

/// Problems by number, after one.
///
/// # Errors
/// The database could not be read.
pub async fn page(
    hub: &Hub,
    filter: Filter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Exception>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| exceptions::page(conn, &filter, after, limit))
        .await
}

/// One of them; `None` if there is none.
///
/// # Errors
/// The database could not be read.
pub async fn show(hub: &Hub, id: i64) -> Result<Option<Shown>, ReadError<TableError>> {
    hub.store().read(move |conn| shown(conn, id)).await
}

fn shown(conn: &Connection, id: i64) -> TableResult<Option<Shown>> {
    let Some(found) = exceptions::find(conn, id)? else {
        return Ok(None);
    };
    let actions = exceptions::actions(conn, id)?;
    Ok(Some((found, actions)))
}

/// Somebody acts on a problem.
///
/// # Errors
/// There is none, it is resolved, or the action does not belong to it.
pub fn act(
    at: At<'_>,
    id: i64,
    action: &str,
    (to, words): (Option<&str>, Option<&str>),
) -> Result<Shown, OrderRefusal> {
    let (conn, now, by) = (at.conn, at.now, at.by.unwrap_or(exceptions::SYSTEM));
    let refuse = |pointer: &str, code, detail: String| {
        let refused = Rejection::new(pointer, code, detail);
        OrderRefusal::Rejected(refused.into())
    };
    let unknown = || {
        let missing = Rejection::new("", "not_found", format!("there is no exception {id}"));
        OrderRefusal::Rejected(missing.as_not_found().into())
    };
    let found = exceptions::find(conn, id)?.ok_or_else(unknown)?;
    let meaning = found.opening.kind.meaning();
    let own = meaning.actions.contains(&action);
    if !own && !matches!(action, "acknowledge" | "assign" | "resolve") {
        let mut known = vec!["acknowledge", "assign", "resolve"];
        known.extend(meaning.actions);
        let detail = format!("use one of {}", known.join(", "));
        let unknown = Rejection::new("", "unknown_action", detail).as_not_found();
        return Err(OrderRefusal::Rejected(unknown.into()));
    }
    if found.resolved.is_some() {
        let done = Rejection::new(
            "",
            "resolved",
            format!("exception {id} is resolved already"),
        );
        return Err(OrderRefusal::Rejected(done.as_conflict().into()));
    }
    match action {
        "acknowledge" => exceptions::acknowledge(conn, id, by, words, now)?,
        "assign" => {
            let to = to.filter(|to| !to.trim().is_empty());
            let to =
                to.ok_or_else(|| refuse("/to", "missing", "say who looks after it".to_owned()))?;
            exceptions::assign(conn, id, (by, to), words, now)?;
        }
        "resolve" => {
            let words = words.filter(|words| !words.trim().is_empty());
            let words = words
                .ok_or_else(|| refuse("/note", "missing", "say how it was resolved".to_owned()))?;
            exceptions::resolve(conn, id, (by, action, Some(words)), now)?;
        }
        _ => {
            own_action(at, &found, action)?;
            exceptions::resolve(conn, id, (by, action, words), now)?;
        }
    }
    shown(conn, id)?.ok_or_else(unknown)
}

/// What only this kind of problem knows.
fn own_action(at: At<'_>, found: &Exception, action: &str) -> Result<(), OrderRefusal> {
    let opening = &found.opening;
    match (opening.kind, action, &opening.location, &opening.sku) {
        (ExceptionKind::SuspectedBreach, "missing", Some(location), Some(sku)) => {
            break_promises(at, location, sku)
        }
        (_, "settle", ..) => settle_conflict(at, opening),
        (_, "retry", ..) => {
            let again = opening.document.as_ref();
            let noted = again.map_or(Ok(()), |document| duties::note_order(at.conn, document));
            Ok(noted?)
        }
        // Found: the count that follows says how much there is.
        _ => Ok(()),
    }
}

/// Ends as many promises of a pair as are not covered by goods: those that are
/// cancelled already first, then the latest.
fn break_promises(at: At<'_>, location: &LocationId, sku: &Sku) -> Result<(), OrderRefusal> {
    let conn = at.conn;
    let mut debt = debt(conn, location, sku)?;
    let mut live = promises::of_pair(conn, location, sku)?;
    live.sort_by_key(|promise| (promise.cancelled == 0, std::cmp::Reverse(promise.id)));
    for promise in live {
        let part = debt.min(promise.parts.live());
        let Ok(quantity) = Quantity::from_thousandths(part) else {
            continue;
        };
        if part <= 0 {
            break;
        }
        let Some(order) = orders::load(conn, &promise.document)? else {
            continue;
        };
        let ended = OrderBody::PromiseEnded(PromiseEnded {
            promise: promise.id,
            quantity,
            how: End::Breached,
            cause: EndCause::NotFound,
            location: location.clone(),
        });
        let of = At {
            document: promise.document,
            ..at
        };
        of.write(&order, [ended], &PairCells::new())?;
        debt -= part;
    }
    Ok(())
}

fn debt(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<i64> {
    let cells = rights::cells(conn, location, sku)?;
    let figures = stock::of(conn, location, sku)?.unwrap_or_default();
    let position = Position {
        cells: &cells,
        live_promises: promises::live(conn, location, sku)?,
        units: figures.sellable_or_staged(),
    };
    Ok(position.debt())
}

/// The hub rules that a conflict stands as the order has it.
fn settle_conflict(at: At<'_>, opening: &Opening) -> Result<(), OrderRefusal> {
    let about = opening
        .key
        .rsplit(':')
        .next()
        .and_then(|key| key.parse().ok());
    let Some((document, about)) = opening.document.zip(about) else {
        return Ok(());
    };
    let Some(order) = orders::load(at.conn, &document)? else {
        return Ok(());
    };
    let ruling = OrderBody::Ruling(Ruling {
        kind: RulingKind::Settled,
        about: Some(about),
        reason: None,
    });
    At { document, ..at }.write(&order, [ruling], &PairCells::new())?;
    Ok(())
}

/// The name of a suspected breach.
#[must_use]
pub fn breach_key(location: &LocationId, sku: &Sku) -> String {
    format!("suspected_breach:{location}:{sku}")
}

/// More is promised of a pair than there is: somebody has to look on the shelf.
///
/// # Errors
/// The row could not be written.
pub fn suspect(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    thousandths: i64,
    now: Timestamp,
) -> TableResult<()> {
    let key = breach_key(location, sku);
    if thousandths <= 0 {
        return exceptions::gone(conn, &key, "what is promised is covered again", now).map(drop);
    }
    let units = Quantity::from_thousandths(thousandths).unwrap_or(Quantity::ZERO);
    let opening = Opening {
        kind: ExceptionKind::SuspectedBreach,
        key,
        location: Some(location.clone()),
        sku: Some(sku.clone()),
        document: None,
        detail: format!("{units} of {sku} are promised at {location} beyond what is recorded"),
    };
    exceptions::open(conn, &opening, now).map(drop)
}

/// What an order says of itself that a person has to know: each conflict once,
/// and whether nobody can take a part of it on.
///
/// # Errors
/// The rows could not be written.
pub fn of_order(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    unmet: bool,
    now: Timestamp,
) -> TableResult<()> {
    let name = &order.placed.external_id;
    let prefix = format!("conflict:{document}:");
    let mut stand = Vec::new();
    for conflict in &order.conflicts {
        let kind = match conflict.kind {
            OrderConflictKind::DuplicateHandOver => ExceptionKind::DuplicateHandOver,
            OrderConflictKind::CancelledAfterHandOver => ExceptionKind::CancelledAfterHandOver,
            _ => ExceptionKind::OrderConflict,
        };
        let key = format!("{prefix}{}:{}", conflict.kind, conflict.about);
        stand.push(key.clone());
        let promise = conflict.promise.and_then(|id| order.promises.get(&id));
        let opening = Opening {
            kind,
            key,
            location: promise.map(|promise| promise.location.clone()),
            sku: None,
            document: Some(*document),
            detail: format!("order {name}: {}", conflict.kind.as_str().replace('_', " ")),
        };
        exceptions::open(conn, &opening, now)?;
    }
    for (id, promise) in order.promises.iter().filter(|(_, p)| was_short(p)) {
        let opening = Opening {
            kind: ExceptionKind::ShortPick,
            key: format!("short_pick:{id}"),
            location: Some(promise.location.clone()),
            sku: order.line(promise.line).map(|line| line.line.sku.clone()),
            document: Some(*document),
            detail: format!("order {name}: less was found than was promised"),
        };
        exceptions::open_once(conn, &opening, now)?;
    }
    let key = format!("no_candidate:{document}");
    if unmet {
        // A promise that was broken and is not made anew is worse than an order
        // that waits; either way it is one problem.
        let open = |line| order.line(line).is_some_and(|line| line.unallocated > 0);
        let mut promises = order.promises.values();
        let broken = promises.any(|promise| promise.parts.breached > 0 && open(promise.line));
        let opening = Opening {
            kind: if broken {
                ExceptionKind::Breach
            } else {
                ExceptionKind::NoCandidate
            },
            key,
            location: None,
            sku: None,
            document: Some(*document),
            detail: format!("no location can take a part of order {name} on"),
        };
        exceptions::open(conn, &opening, now)?;
    } else {
        exceptions::gone(conn, &key, "the order is taken on", now)?;
    }
    Ok(())
}

/// Whether a clerk found less than was promised: a part is broken, and the rest
/// was picked.
fn was_short(promise: &PromiseState) -> bool {
    let picked = match promise.work {
        Work::Pickup(state) => !matches!(
            state,
            PickupState::Requested
                | PickupState::Accepted
                | PickupState::Picking
                | PickupState::Rejected
        ),
        Work::Shipment(state) => !matches!(
            state,
            FulfilmentState::Scheduled
                | FulfilmentState::Offered
                | FulfilmentState::ClaimExpired
                | FulfilmentState::Accepted
                | FulfilmentState::OnHold
                | FulfilmentState::Picking
                | FulfilmentState::Rejected
        ),
    };
    picked && promise.parts.breached > 0
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

/// Products of which more left than was recorded: somebody counts them.
fn negative(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let key = |location: &LocationId, sku: &Sku| format!("negative_stock:{location}:{sku}");
    let found = stock::below_nothing(conn, AT_ONCE)?;
    for (location, sku, sellable) in &found {
        let missing = Quantity::from_thousandths(-sellable).unwrap_or(Quantity::ZERO);
        let opening = Opening {
            kind: ExceptionKind::NegativeStock,
            key: key(location, sku),
            location: Some(location.clone()),
            sku: Some(sku.clone()),
            document: None,
            detail: format!("{missing} of {sku} left {location} beyond what is recorded"),
        };
        exceptions::open(conn, &opening, now)?;
    }
    for open in exceptions::open_of_kind(conn, ExceptionKind::NegativeStock)? {
        let Some((location, sku)) = open.opening.location.zip(open.opening.sku) else {
            continue;
        };
        let still = stock::of(conn, &location, &sku)?
            .is_some_and(|figures| figures.bucket(Bucket::Sellable) < 0);
        if !still {
            let how = "it was counted, or came in";
            exceptions::gone(conn, &key(&location, &sku), how, now)?;
        }
    }
    Ok(())
}

/// Promises that hang on a replica that was just sealed: nobody knows whether
/// they were handed over.
///
/// # Errors
/// The tables could not be read or written.
pub fn of_seal(conn: &Connection, seal: &ReplicaSeal, now: Timestamp) -> TableResult<()> {
    let location = &seal.location;
    let mut after = None;
    loop {
        let page = orders::open_at(conn, location, after.as_ref(), AT_ONCE)?;
        for document in &page {
            let Some(order) = orders::load(conn, document)? else {
                continue;
            };
            for (id, promise) in order.promises_of(location) {
                if promise.parts.live() == 0 {
                    continue;
                }
                let opening = Opening {
                    kind: ExceptionKind::SealedPromise,
                    key: format!("sealed:{id}"),
                    location: Some(location.clone()),
                    sku: None,
                    document: Some(*document),
                    detail: format!(
                        "order {} was {} at {location} when its machine was lost",
                        order.placed.external_id,
                        promise.work.as_str()
                    ),
                };
                exceptions::open(conn, &opening, now)?;
            }
        }
        if page.len() < AT_ONCE {
            return Ok(());
        }
        after = page.last().copied();
    }
}

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

/// Checks a note before it is kept.
///
/// # Errors
/// It is too long, or looks like a card number.
pub fn check_note(note: Option<&str>) -> Result<(), Rejections> {
    let texts = note.iter().map(|note| ("/note".to_owned(), *note));
    let mut refused = evertill_domain::order::refuse_card_numbers(texts);
    if note.is_some_and(|note| note.len() > 500) {
        let detail = "it is longer than 500 bytes; shorten it";
        refused.push(Rejection::new("/note", "too_long", detail));
    }
    Rejections::unless_empty(refused)
}

/// Pairs with an open suspicion are looked at whenever an order of them changes.
///
/// # Errors
/// The rows could not be written.
pub fn look_again(conn: &Connection, order: &OrderState) -> TableResult<()> {
    for promise in order.promises.values() {
        let Some(line) = order.line(promise.line) else {
            continue;
        };
        let key = breach_key(&promise.location, &line.line.sku);
        if exceptions::open_of(conn, &key)?.is_some() {
            duties::note_pair(conn, &promise.location, &line.line.sku)?;
        }
    }
    Ok(())
}
