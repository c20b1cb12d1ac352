//! The duties of a location's minter: to mint and hand on rights as stock and
//! policies allow, and to withdraw what the hub cancelled.
//!
//! Sales burn rights by themselves and wait for none of this. The apply path
//! notes which pairs and orders have changed; a round takes them up after the
//! commit, in a transaction of its own.
//!
//! Invariant: only the replica that the location's feed names does any of it, and
//! only once the hub has said, since the process started, that it was not set back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evertill_domain::order::withdraw;
use evertill_domain::policy::Selling;
use evertill_domain::rights::{PairCells, Position, Terms, tend};
use evertill_domain::{DocumentId, LocationId, Product, Sku, Timestamp};
use evertill_storage::journal::{self, Author, Write};
use evertill_storage::projection::{minters, orders, promises, rights, seals, stock};
use evertill_storage::reference::{ReferenceError, View};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{
    ReadError, TableError, TableResult, WriteError, WriteTx, duties, feed, grants,
};

use crate::state::Node;

/// Pairs of one transaction, so that no sale waits long behind them.
const PAIRS: usize = 200;
/// Orders of one transaction.
const ORDERS: usize = 16;
/// Rest after a round, so that a burst of sales is one.
const REST: Duration = Duration::from_millis(20);
/// Longest rest: that hub and node agree is no commit.
const TICK: Duration = Duration::from_secs(1);
/// Rest after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A round that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// The store could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
    /// The reference data could not be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// Makes rounds for as long as the task lives: after each commit that left
/// something to do, and when policies or products changed.
pub async fn keep(node: Node) {
    let (mut commits, mut reference) = (node.store().commits(), node.reference().changes());
    let mut applied: Option<Arc<Selling>> = None;
    loop {
        match round(&node).await {
            Ok(true) => {}
            Ok(false) => {
                if let Err(error) = apply_policies(&node, &mut applied).await {
                    tracing::warn!(%error, "new policies could not be applied to rights yet");
                }
                tokio::time::sleep(REST).await;
                tokio::select! {
                    changed = commits.changed() => if changed.is_err() {
                        return;
                    },
                    Ok(()) = reference.changed() => {}
                    () = tokio::time::sleep(TICK) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "rights could not be looked after; it is tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Takes up some of what is due; true if there was anything.
///
/// # Errors
/// A store could not be read or written.
pub async fn round(node: &Node) -> Result<bool, RoundError> {
    let Some(author) = node.author().filter(|_| node.hub().agreed) else {
        return Ok(false);
    };
    let own = author.clone();
    let (pairs, orders) = node
        .store()
        .read(move |conn| {
            if minters::of(conn, &own.location)? != Some(own.replica) {
                return Ok((Vec::new(), Vec::new()));
            }
            Ok((duties::pairs(conn, PAIRS)?, duties::orders(conn, ORDERS)?))
        })
        .await?;
    if pairs.is_empty() && orders.is_empty() {
        return Ok(false);
    }
    let (named, location) = (pairs.clone(), author.location.clone());
    let terms = node
        .reference()
        .read(move |view| terms_of(view, &location, &named))
        .await?;
    let writing = node.clone();
    node.store()
        .write("look after rights", move |tx| {
            let Some(author) = writing.author() else {
                return Ok(());
            };
            let now = writing.now();
            for document in &orders {
                withdraw_cancelled(tx, &author, document, now)?;
            }
            tend_pairs(tx, &author, &pairs, &terms, now)
        })
        .await?;
    Ok(true)
}

/// What holds for a product here, by policy.
///
/// # Errors
/// The reference data could not be read.
pub fn terms(
    view: &View,
    location: &LocationId,
    product: &Product,
) -> Result<Terms, ReferenceError> {
    let location = view.location(location)?;
    let selling = view.selling()?;
    let (withheld, _) = selling.safety_stock.of(product, &location);
    Ok(Terms {
        safety_stock: withheld.thousandths(),
        share: selling
            .online
            .of(&location)
            .share(product.unit.rights_quantum()),
        awaits_count: false,
    })
}

fn terms_of(
    view: &View,
    location: &LocationId,
    pairs: &[(LocationId, Sku)],
) -> Result<BTreeMap<Sku, Terms>, ReferenceError> {
    let mut found = BTreeMap::new();
    for (_, sku) in pairs {
        // Goods whose product was deleted are still in the building.
        let product = view.product(sku)?;
        let product = product.unwrap_or_else(|| Product::new(sku.clone(), sku.as_str()));
        found.insert(sku.clone(), terms(view, location, &product)?);
    }
    Ok(found)
}

/// Notes every pair when other policies hold than were `applied` last; once
/// after a start, too. New prices alone change nothing.
async fn apply_policies(node: &Node, applied: &mut Option<Arc<Selling>>) -> Result<(), RoundError> {
    let selling = node.reference().selling();
    let Some(author) = node.author().filter(|_| applied.as_ref() != Some(&selling)) else {
        return Ok(());
    };
    node.store()
        .write("note rights to look at", move |tx| {
            duties::note_location(tx, &author.location)
        })
        .await?;
    *applied = Some(selling);
    Ok(())
}

fn tend_pairs(
    tx: &WriteTx,
    author: &Author,
    pairs: &[(LocationId, Sku)],
    terms: &BTreeMap<Sku, Terms>,
    now: Timestamp,
) -> TableResult<()> {
    let hub = feed::position(tx, &author.location)?.map(|(hub, _)| hub);
    let mut said = PairCells::new();
    for (location, sku) in pairs {
        let Some(terms) = terms.get(sku).filter(|_| *location == author.location) else {
            duties::pair_done(tx, location, sku)?;
            continue;
        };
        let cells = rights::cells(tx, location, sku)?;
        let position = Position {
            cells: &cells,
            live_promises: promises::live(tx, location, sku)?,
            units: units(tx, location, sku)?,
        };
        let terms = Terms {
            awaits_count: seals::awaits_count(tx, location, sku)?,
            ..*terms
        };
        let asked = grants::take(tx, location, sku, now)?;
        let write = tend(&position, author.replica, hub, (terms, asked));
        match write {
            Ok(Some(write)) => {
                said.insert((location.clone(), sku.clone()), write);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, sku = %sku, "rights of a product stay as they are");
            }
        }
    }
    if !said.is_empty() {
        journal::append_with_rights(tx, author, now, &[], &said)?;
    }
    for (location, sku) in pairs {
        duties::pair_done(tx, location, sku)?;
    }
    Ok(())
}

/// Units sellable or staged.
fn units(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<i64> {
    let figures = stock::of(conn, location, sku)?;
    Ok(figures.map_or(0, |figures| figures.sellable_or_staged()))
}

/// Says that cancelled promises will not be handed over, unless they were.
fn withdraw_cancelled(
    tx: &WriteTx,
    author: &Author,
    document: &DocumentId,
    now: Timestamp,
) -> TableResult<()> {
    if let Some(order) = orders::load(tx, document)? {
        let bodies = withdraw(&order, &author.location);
        if !bodies.is_empty() {
            let events = order.events(now, None, bodies);
            let writes = [Write::ExtendWith(*document, events)];
            journal::append(tx, author, now, &writes)?;
        }
    }
    duties::order_done(tx, document)
}
