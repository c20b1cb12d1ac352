//! Returns and voids: a receipt that goes back to an earlier one.
//!
//! What came back before is read once outside the writer, to decide, and once
//! more inside it, where two returns of one line meet; if it changed in
//! between, the writer decides anew.
//!
//! Invariant: never more comes back than was sold, whatever runs at once.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::giveback::decide_return;
use evertill_domain::receipt::Receipt;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::sale::{ReceiptDraft, SaleContext};
use evertill_domain::time::business_date;
use evertill_domain::void::decide_void;
use evertill_domain::{Location, Sku};
use evertill_http::api::{ReturnBody, VoidBody};
use evertill_storage::projection::receipts;
use evertill_storage::rusqlite::Connection;

use super::receipts::{find, journal, names};
use super::{Answer, Failure, Refusal, Request};
use crate::state::Node;

/// A receipt and what went back to it so far.
struct Past {
    original: Receipt,
    earlier: Vec<Receipt>,
}

/// Takes a whole sale back, at the till that asks.
///
/// # Errors
/// There is no such sale, goods of it came back already, or nothing could be
/// stored.
pub async fn void(
    node: &Node,
    request: Request,
    id: String,
    body: VoidBody,
) -> Result<Answer, Failure> {
    let again = request.clone();
    match void_new(node, request, id, body).await {
        Err(refusal) => again.refused(node, refusal).await,
        answer => answer,
    }
}

async fn void_new(
    node: &Node,
    request: Request,
    id: String,
    body: VoidBody,
) -> Result<Answer, Failure> {
    let past = node
        .store()
        .read(move |conn| {
            let original = find(conn, &id)?.receipt;
            past(conn, original)
        })
        .await?;
    let location = location(node).await?;
    let reason = body.reason()?;
    let clock = node.clone();
    back(node, request, "void", past, move |past| {
        let at = clock.now();
        let date = business_date(at, &location.time_zone, location.day_starts_at_minutes);
        decide_void(&past.original, &past.earlier, &reason, at, date)
    })
    .await
}

/// Takes goods of a sale of this store back, at the till that asks.
///
/// # Errors
/// The receipt is not known here, more comes back than was sold, the tenders
/// are not what is owed, or nothing could be stored.
pub async fn give_back(node: &Node, request: Request, body: ReturnBody) -> Result<Answer, Failure> {
    let again = request.clone();
    match give_back_new(node, request, body).await {
        Err(refusal) => again.refused(node, refusal).await,
        answer => answer,
    }
}

async fn give_back_new(node: &Node, request: Request, body: ReturnBody) -> Result<Answer, Failure> {
    let number = body.receipt.clone();
    let past = node
        .store()
        .read(move |conn| {
            let original = receipts::by_number(conn, &number)?.ok_or_else(|| {
                let detail = format!("there is no receipt {number} here; check its number");
                Rejection::new("/receipt", "unknown_receipt", detail)
            })?;
            past(conn, original.receipt)
        })
        .await?;
    let location = location(node).await?;
    let policies = node.reference().policies();
    let command = body.command(&past.original)?;
    let till = request.till.clone();
    let clock = node.clone();
    back(node, request, "return", past, move |past| {
        let context = SaleContext {
            location: &location,
            register: &till,
            now: clock.now(),
            policies: &policies,
            products: &BTreeMap::new(),
        };
        decide_return(&command, &past.original, &past.earlier, &context)
    })
    .await
}

/// Decides outside the writer, then journals; inside it decides anew if more
/// came back meanwhile.
async fn back<D>(
    node: &Node,
    request: Request,
    name: &'static str,
    past: Past,
    decide: D,
) -> Result<Answer, Failure>
where
    D: Fn(&Past) -> Result<ReceiptDraft, Rejections> + Send + 'static,
{
    let draft = decide(&past)?;
    let skus: BTreeSet<Sku> = past.original.lines.iter().map(|l| l.sku.clone()).collect();
    let names = names(node, skus).await?;
    let till = request.till.clone();
    let clock = node.clone();
    request
        .once(node, name, move |tx, author| {
            let earlier = earlier(tx, &past.original)?;
            let draft = if earlier == past.earlier {
                draft
            } else {
                decide(&Past { earlier, ..past })?
            };
            journal(tx, author, &till, draft, &names, clock.now())
        })
        .await
}

fn past(conn: &Connection, original: Receipt) -> Result<Past, Refusal> {
    let earlier = earlier(conn, &original)?;
    Ok(Past { original, earlier })
}

fn earlier(conn: &Connection, original: &Receipt) -> Result<Vec<Receipt>, Refusal> {
    let linked = receipts::linked(conn, &original.number)?;
    Ok(linked.into_iter().map(|stored| stored.receipt).collect())
}

async fn location(node: &Node) -> Result<Location, Failure> {
    let id = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let read = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.location(&id)?));
    Ok(read.await?)
}
