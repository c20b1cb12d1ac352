//! Receipts of the whole chain: sales, returns and voids.
//!
//! Invariant: a receipt shows exactly as the till recorded it; only product
//! names are the present ones.

use std::collections::BTreeMap;

use evertill_domain::{DocumentId, LocationId, ReceiptNumber, Sku};
use evertill_storage::TableError;
use evertill_storage::projection::receipts::{self, ReceiptPosition, StoredReceipt};

use super::ViewError;
use crate::state::Hub;

/// Present names of products by SKU.
pub type Names = BTreeMap<Sku, String>;

/// A page of receipts in the order in which they arrived.
#[derive(Clone, Debug)]
pub struct Receipts {
    /// The receipts with their places.
    pub receipts: Vec<(ReceiptPosition, StoredReceipt)>,
    /// The names of what was sold.
    pub names: Names,
}

/// One receipt and what goes back to it.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The receipt.
    pub receipt: StoredReceipt,
    /// Numbers of the returns and voids that name it, wherever they happened.
    pub later: Vec<ReceiptNumber>,
    /// The names of what was sold.
    pub names: Names,
}

/// Receipts in arrival order, at most `limit` after a place.
///
/// # Errors
/// A database failed.
pub async fn page(
    hub: &Hub,
    location: Option<LocationId>,
    after: Option<ReceiptPosition>,
    limit: usize,
) -> Result<Receipts, ViewError> {
    let receipts = hub
        .store()
        .read(move |conn| receipts::page(conn, location.as_ref(), after, limit))
        .await?;
    let names = names(hub, receipts.iter().map(|(_, receipt)| receipt)).await?;
    Ok(Receipts { receipts, names })
}

/// One receipt with its returns and voids; `None` if it has not arrived.
///
/// # Errors
/// A database failed.
pub async fn find(hub: &Hub, id: DocumentId) -> Result<Option<Linked>, ViewError> {
    let found = hub
        .store()
        .read(move |conn| {
            let Some(receipt) = receipts::by_id(conn, &id)? else {
                return Ok(None);
            };
            let later = receipts::linked(conn, &receipt.receipt.number)?;
            let later = later.into_iter().map(|later| later.receipt.number);
            Ok::<_, TableError>(Some((receipt, later.collect())))
        })
        .await?;
    let Some((receipt, later)) = found else {
        return Ok(None);
    };
    let names = names(hub, [&receipt]).await?;
    Ok(Some(Linked {
        receipt,
        later,
        names,
    }))
}

async fn names<'r>(
    hub: &Hub,
    receipts: impl IntoIterator<Item = &'r StoredReceipt>,
) -> Result<Names, ViewError> {
    let mut skus: Vec<Sku> = receipts
        .into_iter()
        .flat_map(|stored| &stored.receipt.lines)
        .map(|line| line.sku.clone())
        .collect();
    skus.sort_unstable();
    skus.dedup();
    let products = hub
        .reference()
        .read(move |view| view.products_by_sku(&skus))
        .await?;
    let named = |(sku, product): (Sku, evertill_domain::Product)| (sku, product.name);
    Ok(products.into_iter().map(named).collect())
}
