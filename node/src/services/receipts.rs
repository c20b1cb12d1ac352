//! Receipts: journalling a decided one, and showing what the journal has.
//!
//! Invariant: a receipt number is drawn in the transaction that journals its
//! receipt, so a register's numbers have no gap.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::receipt::Receipt;
use evertill_domain::rejection::Rejection;
use evertill_domain::sale::ReceiptDraft;
use evertill_domain::{DocumentId, Event, ReceiptNumber, RegisterId, Sku, Timestamp};
use evertill_http::List;
use evertill_http::api::ReceiptView;
use evertill_storage::WriteTx;
use evertill_storage::journal::{self, Appended, Author, Write};
use evertill_storage::projection::receipts::{self, ReceiptPosition, StoredReceipt};
use evertill_storage::registers;
use evertill_storage::rusqlite::Connection;

use super::{Failure, Refusal};
use crate::state::Node;

/// Names of products.
pub(super) type Names = BTreeMap<Sku, String>;

/// Numbers a decided receipt, journals it, and renders the answer.
///
/// # Errors
/// The till has no register here, or the journal could not be written.
pub(super) fn journal(
    tx: &WriteTx,
    author: &Author,
    till: &RegisterId,
    draft: ReceiptDraft,
    names: &Names,
    now: Timestamp,
) -> Result<Vec<u8>, Refusal> {
    let number =
        registers::draw_number(tx, &author.location, till, author.replica)?.ok_or_else(|| {
            Rejection::new(
                "/register",
                "unknown_register",
                "there is no such register here",
            )
        })?;
    let receipt = Box::new(draft.numbered(number));
    let event = Event::Receipt(receipt.clone());
    let appended = journal::append(tx, author, now, &[Write::Open(event)])?;
    Ok(render(&view(opened(&appended), &receipt, names)))
}

/// The document of a write that opened one.
pub(super) fn opened(appended: &Appended) -> &DocumentId {
    appended
        .documents
        .first()
        .expect("invariant: one document was opened")
}

fn view(id: &DocumentId, receipt: &Receipt, names: &Names) -> ReceiptView {
    ReceiptView::of(id, receipt, |sku| names.get(sku).map(String::as_str))
}

/// A view as JSON.
pub(super) fn render(view: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(view).expect("invariant: a view is plain JSON")
}

/// The receipt of an id, or of a printed number.
///
/// # Errors
/// There is none, or the journal could not be read.
pub(super) fn find(conn: &Connection, id: &str) -> Result<StoredReceipt, Refusal> {
    let found = if let Ok(id) = id.parse::<DocumentId>() {
        receipts::by_id(conn, &id)?
    } else if let Ok(number) = id.parse::<ReceiptNumber>() {
        receipts::by_number(conn, &number)?
    } else {
        None
    };
    found.ok_or_else(|| Refusal::Unknown("there is no such receipt here; check its id".to_owned()))
}

/// One receipt, by its id or printed number.
///
/// # Errors
/// There is none, or the store could not be read.
pub async fn one(node: &Node, id: String) -> Result<ReceiptView, Failure> {
    let found = node.store().read(move |conn| find(conn, &id)).await?;
    let skus: BTreeSet<Sku> = skus(&found.receipt).cloned().collect();
    let names = names(node, skus).await?;
    Ok(view(&found.id, &found.receipt, &names))
}

/// Receipts of this location in journal order.
///
/// # Errors
/// The node is not enrolled, or the store could not be read.
pub async fn list(
    node: &Node,
    after: Option<ReceiptPosition>,
    limit: usize,
) -> Result<List<ReceiptView>, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let read = node.store().read(move |conn| {
        Ok::<_, Refusal>(receipts::page(conn, Some(&location), after, limit + 1)?)
    });
    let page = List::page(read.await?, limit, |(position, _)| *position);
    let skus: BTreeSet<Sku> = page
        .items
        .iter()
        .flat_map(|(_, stored)| skus(&stored.receipt).cloned())
        .collect();
    let names = names(node, skus).await?;
    Ok(page.map(|(_, stored)| view(&stored.id, &stored.receipt, &names)))
}

fn skus(receipt: &Receipt) -> impl Iterator<Item = &Sku> {
    receipt.lines.iter().map(|line| &line.sku)
}

/// The present names of products; those that master data does not know are
/// left out.
pub(super) async fn names(node: &Node, skus: BTreeSet<Sku>) -> Result<Names, Failure> {
    let found = node.reference().read(move |view| {
        let products = view.products_by_sku(&skus)?;
        let named = products
            .into_iter()
            .map(|(sku, product)| (sku, product.name));
        Ok::<_, Refusal>(named.collect())
    });
    Ok(found.await?)
}
