//! Label data of a shipment: what a carrier's program needs, with or without a
//! line to the hub.

use evertill_domain::order::OrderState;
use evertill_domain::rejection::Rejection;
use evertill_domain::{DocumentId, LocationId};
use evertill_http::api::{LabelParcelView, LabelView, SenderView};
use evertill_storage::{private, projection::orders};

use super::super::{Failure, Refusal};
use super::view::address;
use super::{Kind, products, skus_of, unknown};
use crate::state::Node;

/// The label data of a shipment.
///
/// # Errors
/// There is no shipment of that id here, nothing of it is packed, or its address
/// is not known.
pub async fn label(node: &Node, id: String) -> Result<LabelView, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let document: DocumentId = id.parse().map_err(|_| unknown(&id))?;
    let read = node.store().read(move |conn| {
        let order = orders::load(conn, &document)?;
        Ok::<_, Refusal>((order, private::of(conn, &document)?))
    });
    let (order, customer) = read.await?;
    let order = order.filter(|order| is_shipped_here(order, &location));
    let order = order.ok_or_else(|| unknown(&id))?;
    let products = products(node, skus_of(&order).collect()).await?;
    let place = location.clone();
    let sender = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.location(&place)?))
        .await?;
    let parcels: Vec<LabelParcelView> = order
        .parcels
        .iter()
        .filter(|parcel| parcel.location == location)
        .map(|parcel| LabelParcelView::of(parcel, &products))
        .collect();
    if parcels.is_empty() {
        let detail = "nothing of it is packed yet; pack it first";
        return Err(refuse("not_packed", detail));
    }
    let known = customer.unwrap_or_default();
    let Some(mut to) = address(&known) else {
        let detail = "its address is not known here: it was erased, or the hub has not told it \
                      yet; ask the hub's operators";
        return Err(refuse("no_address", detail));
    };
    to.name = to.name.or(known.name);
    Ok(LabelView {
        id: document.to_string(),
        channel: order.placed.channel.to_string(),
        external_id: order.placed.external_id.clone(),
        from: SenderView::of(&sender),
        to,
        phone: known.phone,
        parcels,
    })
}

fn is_shipped_here(order: &OrderState, location: &LocationId) -> bool {
    let mut here = order.promises_of(location);
    here.any(|(_, promise)| Kind::Shipment.is(promise))
}

fn refuse(code: &'static str, detail: &str) -> Failure {
    let refused = Rejection::new("", code, detail).as_conflict();
    Refusal::from(refused).into()
}
