//! Orders at the hub: taken in, changed, and looked after.
//!
//! Whatever is decided about an order is decided inside one write: what can be
//! promised is read, planned and used up in the transaction that answers. So a
//! unit's right is used once, however many ask for it at the same time.
//!
//! Invariant: an answered order is in the journal with its promises, or is not
//! answered with success.

mod attempts;
mod backorders;
mod claims;
mod contact;
mod dispatch;
mod intake;
pub mod remedy;
mod revise;
mod rounds;
mod sourcing;
mod timing;
mod wishes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use evertill_domain::order::{OrderState, Work};
use evertill_domain::rejection::Rejections;
use evertill_domain::routing::RightsAsked;
use evertill_domain::{DocumentId, LocationId, LocationKind, Sku, Timestamp};
use evertill_storage::projection::orders::{self, OrderFilter};
use evertill_storage::projection::{minters, stock};
use evertill_storage::reference::ReferenceError;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions::{self, Decision};
use evertill_storage::{ReadError, TableError, TableResult, pickup};

pub(crate) use backorders::{Own, pegged};
pub use claims::expire_claims;
pub use contact::{contact, erase_contact};
pub use dispatch::dispatch;
pub use intake::{Arrived, place};
pub use revise::{At, Revised, assign, cancel, change, hold, pay, refund, release_hold};
pub use rounds::{Resting, RoundError, keep, round, watch};
pub use wishes::Asking;

use super::ground::Picture;
use crate::state::{Hub, StartError};

/// Why an order, or a change of one, was refused.
#[derive(Debug, thiserror::Error)]
pub enum OrderRefusal {
    /// It breaks rules of the trade, or the order's state is against it.
    #[error(transparent)]
    Rejected(#[from] Rejections),
    /// It cannot be promised in full.
    #[error("the order cannot be promised in full{}", .0.reasons())]
    Insufficient(Shortage),
    /// It can be promised, but better with rights that connected stores can
    /// spare: ask them first.
    #[error("connected stores can hand on rights with which the order is kept better")]
    WorthAsking(Vec<RightsAsked>),
    /// The channel used the name for another order.
    #[error("channel {channel} used external_id {external_id} for another order")]
    NameTaken {
        /// The channel.
        channel: String,
        /// Its name for the order.
        external_id: String,
    },
    /// There is no such order.
    #[error("no order {0} is known")]
    Unknown(String),
    /// The tables could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// An order that could not be looked up, or whose ground could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The reference data.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The database.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// The hub's own journal could not be begun.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Why an order cannot be promised in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shortage {
    /// The products of which there is not enough.
    pub lines: Vec<ShortLine>,
    /// Where there is enough: what speaks against each location.
    pub against: Vec<(LocationId, String)>,
}

impl Shortage {
    /// What speaks against the first locations, in words.
    fn reasons(&self) -> String {
        const SHOWN: usize = 3;
        let mut reasons = String::new();
        let mut sign = ':';
        for (location, why) in self.against.iter().take(SHOWN) {
            let _ = write!(reasons, "{sign} {location}: {why}");
            sign = ';';
        }
        if let more @ 1.. = self.against.len().saturating_sub(SHOWN) {
            let _ = write!(reasons, "; and {more} more");
        }
        reasons
    }
}

/// A product of which there is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortLine {
    /// The product.
    pub sku: Sku,
    /// What could be promised now, in thousandths.
    pub available_now: i64,
    /// When more is expected.
    pub next_date: Option<Timestamp>,
}

/// Master data and policies for some products, and every location that is
/// listed or has stock.
///
/// # Errors
/// A database could not be read.
pub async fn picture(hub: &Hub, skus: Vec<Sku>) -> Result<Picture, PrepareError> {
    let stocked = hub.store().read(stock::locations).await?;
    let picture = hub
        .reference()
        .read(move |view| Picture::of(view, &skus, &stocked))
        .await?;
    Ok(picture)
}

/// Master data and policies for the products of an order.
///
/// # Errors
/// A database could not be read. An order that is not known has no products.
pub async fn picture_of(hub: &Hub, document: DocumentId) -> Result<Picture, PrepareError> {
    let order = hub
        .store()
        .read(move |conn| orders::load(conn, &document))
        .await?;
    let lines = order.map(|order| order.lines).unwrap_or_default();
    let skus = lines.into_iter().map(|line| line.line.sku).collect();
    picture(hub, skus).await
}

/// An order; `None` if there is none of that id.
///
/// # Errors
/// The database could not be read.
pub async fn show(
    hub: &Hub,
    document: DocumentId,
) -> Result<Option<OrderState>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| orders::load(conn, &document))
        .await
}

/// Orders in the order in which they came, after an arrival.
///
/// # Errors
/// The database could not be read.
pub async fn page(
    hub: &Hub,
    filter: OrderFilter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, DocumentId, OrderState)>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| {
            let mut page = Vec::new();
            for listed in orders::page(conn, &filter, after, limit)? {
                if let Some(order) = orders::load(conn, &listed.document)? {
                    page.push((listed.arrival, listed.document, order));
                }
            }
            Ok::<_, TableError>(page)
        })
        .await
}

/// The decisions about an order; `None` if there is no such order.
///
/// # Errors
/// The database could not be read.
pub async fn decisions_of(
    hub: &Hub,
    document: DocumentId,
) -> Result<Option<Vec<Decision>>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| {
            if orders::load(conn, &document)?.is_none() {
                return Ok(None);
            }
            decisions::of(conn, &document).map(Some)
        })
        .await
}

/// The pickup codes of an order by location; `None` if there is no such order.
///
/// # Errors
/// The database could not be read.
pub async fn pickup_codes(
    hub: &Hub,
    document: DocumentId,
) -> Result<Option<Vec<(LocationId, String)>>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| {
            let (Some(order), Some(master)) =
                (orders::load(conn, &document)?, pickup::master(conn)?)
            else {
                return Ok(None);
            };
            let promises = order.promises.values();
            let collected = promises.filter(|promise| matches!(promise.work, Work::Pickup(_)));
            let places: BTreeSet<LocationId> =
                collected.map(|promise| promise.location.clone()).collect();
            let codes = places.into_iter().map(|location| {
                let code = master.of(&location).code(&document);
                (location, code)
            });
            Ok::<_, TableError>(Some(codes.collect()))
        })
        .await
}

/// Whether a location is a supplier or warehouse that ships for us without a node:
/// what it does is recorded at the hub, and no customer is served there.
fn ships_without_a_node(
    conn: &Connection,
    picture: &Picture,
    location: &LocationId,
) -> TableResult<bool> {
    let kind = picture.location(location).map(|listed| listed.kind);
    let ships = matches!(kind, Some(LocationKind::Warehouse | LocationKind::Supplier));
    Ok(ships && minters::living(conn, location)?.is_none())
}

/// An order that must be there.
fn known(conn: &Connection, document: &DocumentId) -> Result<OrderState, OrderRefusal> {
    let order = orders::load(conn, document)?;
    order.ok_or_else(|| OrderRefusal::Unknown(document.to_string()))
}

/// Whether an order was refused for a lack of goods: the figures of each line
/// that could not be promised.
fn short_lines(
    open: &BTreeMap<Sku, i64>,
    next: impl Fn(&Sku) -> TableResult<Option<Timestamp>>,
) -> TableResult<Vec<ShortLine>> {
    let lines = open.iter().map(|(sku, available_now)| {
        Ok(ShortLine {
            sku: sku.clone(),
            available_now: *available_now,
            next_date: next(sku)?,
        })
    });
    lines.collect()
}
