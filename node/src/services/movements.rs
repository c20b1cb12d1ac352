//! `POST /movements`: goods that move without a sale.
//!
//! Invariant: only the (reason, from, to) that policy allows are recorded.

use std::collections::BTreeMap;

use evertill_domain::movement::{MovementContext, MovementRecord, decide_movements};
use evertill_domain::{Event, LocationId, Sku, Timestamp, Unit};
use evertill_http::api::{MovementBody, MovementView};
use evertill_storage::journal::{self, Write};
use evertill_storage::reference::View;

use super::receipts::{opened, render};
use super::{Answer, Failure, Refusal, Request};
use crate::state::Node;

/// What the products of a record are counted in.
type Units = BTreeMap<Sku, Unit>;

/// Records goods that move at this location.
///
/// # Errors
/// Every field that breaks a rule, or why nothing could be stored.
pub async fn record(node: &Node, request: Request, body: MovementBody) -> Result<Answer, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let now = node.now();
    let decided = node
        .reference()
        .read(move |view| decide(view, &location, &body, now));
    let (record, units) = match decided.await {
        Ok(decided) => decided,
        Err(refusal) => return request.refused(node, refusal.into()).await,
    };
    request
        .once(node, "move goods", move |tx, author| {
            let writes = [Write::Open(Event::Movements(record.clone()))];
            let appended = journal::append(tx, author, now, &writes)?;
            let unit = |sku: &Sku| units.get(sku).copied().unwrap_or_default();
            Ok(render(&MovementView::of(opened(&appended), &record, unit)))
        })
        .await
}

fn decide(
    view: &View,
    location: &LocationId,
    body: &MovementBody,
    now: Timestamp,
) -> Result<(MovementRecord, Units), Refusal> {
    let location = view.location(location)?;
    let policies = view.policies()?;
    let products = view.products_by_sku(body.lines.iter().map(|line| &line.sku))?;
    let context = MovementContext {
        location: &location,
        now,
        policies: &policies,
        products: &products,
    };
    let record = decide_movements(&body.command(&products)?, &context)?;
    let units = products
        .into_iter()
        .map(|(sku, product)| (sku, product.unit))
        .collect();
    Ok((record, units))
}
