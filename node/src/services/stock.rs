//! Stock of this location.
//!
//! Invariant: a product that never moved has stock of zero, not none.

use evertill_domain::Sku;
use evertill_http::api::StockView;
use evertill_storage::projection::stock;

use super::{Failure, Refusal};
use crate::state::Node;

/// The stock of a product here.
///
/// # Errors
/// The node is not enrolled, nothing here has that SKU, or a store could not be
/// read.
pub async fn of(node: &Node, sku: String) -> Result<StockView, Failure> {
    let unknown = || Refusal::Unknown(format!("no product {sku} is known here"));
    let sku: Sku = sku.parse().map_err(|_| unknown())?;
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let named = sku.clone();
    let product = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.product(&named)?))
        .await?;
    let moved = sku.clone();
    let figures = node
        .store()
        .read(move |conn| Ok::<_, Refusal>(stock::of(conn, &location, &moved)?))
        .await?;
    // Goods whose product was deleted since are still in the building.
    if product.is_none() && figures.is_none() {
        return Err(unknown().into());
    }
    let unit = product.map(|product| product.unit).unwrap_or_default();
    let buckets = figures.map(|figures| figures.buckets).unwrap_or_default();
    Ok(StockView::of(&sku, unit, &buckets))
}
