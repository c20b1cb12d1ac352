//! Day totals of this location.
//!
//! Invariant: a day without receipts is a day of zeros.

use evertill_domain::{BusinessDate, LocationId};
use evertill_http::api::DayView;
use evertill_storage::projection::days;

use super::{Failure, Refusal};
use crate::state::Node;

/// What this location took on a trading day.
///
/// # Errors
/// The node is not enrolled or stands elsewhere, or a store could not be read.
pub async fn of(node: &Node, location: LocationId, date: BusinessDate) -> Result<DayView, Failure> {
    let own = node.author().ok_or(Refusal::NotEnrolled)?.location;
    if location != own {
        let detail = format!("this node stands at {own}; ask the hub for the days of {location}");
        return Err(Refusal::Unknown(detail).into());
    }
    let place = own.clone();
    let currency = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.location(&place)?.currency))
        .await?;
    let totals = node
        .store()
        .read(move |conn| Ok::<_, Refusal>(days::totals(conn, &location, date)?))
        .await?;
    Ok(DayView::of(&own, date, currency, &totals))
}
