//! Products of which more left than was recorded.
//!
//! Invariant: a product that is recorded below nothing has one problem.

use evertill_domain::exception::ExceptionKind;
use evertill_domain::{Bucket, LocationId, Quantity, Sku, Timestamp};
use evertill_storage::TableResult;
use evertill_storage::exceptions::{self, Opening};
use evertill_storage::projection::stock;
use evertill_storage::rusqlite::Connection;

use super::AT_ONCE;

/// Products of which more left than was recorded: somebody counts them.
pub(super) fn negative(conn: &Connection, now: Timestamp) -> TableResult<()> {
    let key = |location: &LocationId, sku: &Sku| format!("negative_stock:{location}:{sku}");
    let found = stock::below_nothing(conn, AT_ONCE)?;
    for (location, sku, sellable) in &found {
        let missing = Quantity::from_thousandths(-sellable).unwrap_or(Quantity::ZERO);
        let opening = Opening {
            kind: ExceptionKind::NegativeStock,
            key: key(location, sku),
            location: Some(location.clone()),
            sku: Some(sku.clone()),
            document: None,
            detail: format!("{missing} of {sku} left {location} beyond what is recorded"),
        };
        exceptions::open(conn, &opening, now)?;
    }
    for open in exceptions::open_of_kind(conn, ExceptionKind::NegativeStock)? {
        let Some((location, sku)) = open.opening.location.zip(open.opening.sku) else {
            continue;
        };
        let still = stock::of(conn, &location, &sku)?
            .is_some_and(|figures| figures.bucket(Bucket::Sellable) < 0);
        if !still {
            let how = "it was counted, or came in";
            exceptions::gone(conn, &key(&location, &sku), how, now)?;
        }
    }
    Ok(())
}
