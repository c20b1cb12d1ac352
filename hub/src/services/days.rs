//! What a location took on a trading day.
//!
//! Invariant: the figures are those of the receipts that have arrived.

use evertill_domain::days::DayTotals;
use evertill_domain::{BusinessDate, Currency, LocationId};
use evertill_storage::projection::days;

use super::ViewError;
use crate::state::Hub;

/// The totals of a day, one for each currency, and the location's currency.
///
/// # Errors
/// A database failed.
pub async fn totals(
    hub: &Hub,
    location: LocationId,
    date: BusinessDate,
) -> Result<(Currency, Vec<DayTotals>), ViewError> {
    let asked = location.clone();
    let totals = hub
        .store()
        .read(move |conn| days::totals(conn, &asked, date))
        .await?;
    let trading = hub
        .reference()
        .read(move |view| view.location(&location))
        .await?;
    Ok((trading.currency, totals))
}
