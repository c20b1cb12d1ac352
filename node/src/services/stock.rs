//! Stock of this location.
//!
//! Invariant: a product that never moved has stock of zero, not none.

use evertill_domain::Sku;
use evertill_http::api::{Pledged, StockView};
use evertill_storage::projection::{promises, rights, stock};

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
    let author = node.author().ok_or(Refusal::NotEnrolled)?;
    let location = author.location;
    let (named, here) = (sku.clone(), location.clone());
    let (product, safety_stock) = node
        .reference()
        .read(move |view| {
            let product = view.product(&named)?;
            let withheld = match &product {
                Some(product) => super::rights::terms(view, &here, product)?.safety_stock,
                None => 0,
            };
            Ok::<_, Refusal>((product, withheld))
        })
        .await?;
    let (moved, here) = (sku.clone(), location.clone());
    let replica = author.replica;
    let (figures, promised, rights) = node
        .store()
        .read(move |conn| {
            let figures = stock::of(conn, &here, &moved)?;
            let promised = promises::live(conn, &here, &moved)?;
            let rights = rights::cells(conn, &here, &moved)?.rights(replica);
            Ok::<_, Refusal>((figures, promised, rights))
        })
        .await?;
    // Goods whose product was deleted since are still in the building.
    if product.is_none() && figures.is_none() {
        return Err(unknown().into());
    }
    let unit = product.map(|product| product.unit).unwrap_or_default();
    let buckets = figures.map(|figures| figures.buckets).unwrap_or_default();
    let pledged = Pledged {
        promised,
        safety_stock,
        rights,
    };
    Ok(StockView::of(&sku, unit, &buckets, pledged))
}
