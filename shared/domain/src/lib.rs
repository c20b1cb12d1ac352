//! The pure retail model: identifiers, time, money, quantities, products,
//! stock, receipts, policies, the decisions that make them and the folds that
//! read them.
//!
//! Nothing here reads a clock, draws randomness, touches a disk or starts a
//! thread. Time, identifiers and master data are arguments; what happened is
//! the return value. That is why a till, the hub, a rebuild and the simulator
//! reach the same figures from the same events.
//!
//! Invariant: the same arguments give the same result on every machine.

#![allow(
    clippy::missing_panics_doc,
    reason = "every expect states an invariant that the types uphold"
)]

pub mod availability;
pub mod barcode;
pub mod count;
pub mod days;
pub mod discount;
pub mod effects;
pub mod event;
pub mod exception;
pub mod fold;
pub mod giveback;
pub mod ids;
pub mod money;
pub mod movement;
pub mod opening;
pub mod order;
pub mod policy;
pub mod product;
pub mod quantity;
pub mod receipt;
pub mod record;
pub mod rejection;
pub mod rights;
pub mod routing;
pub mod sale;
pub mod seal;
pub mod stock;
pub mod supply;
pub mod tax;
pub mod time;
pub mod trial;
pub mod void;

pub use barcode::Barcode;
pub use count::{CountPosted, CountRequest};
pub use days::{DayDelta, DayTotals};
pub use effects::{Effects, effects};
pub use event::{DocumentKind, Event};
pub use fold::fold;
pub use ids::{
    ActorId, DocumentId, EventKey, IdError, LocationId, NodeId, ReceiptNumber, RegisterId,
    ReplicaId, Seq, Sku,
};
pub use money::{Currency, Money, MoneyError, Rate, RoundingRule};
pub use movement::MovementRecord;
pub use product::{Location, LocationKind, Product, TaxClassName};
pub use quantity::{Quantity, QuantityError, Unit};
pub use stock::{Bucket, Movement, MovementReason, StockDelta, StockKey};
pub use time::{BusinessDate, Hlc, TimeError, TimeZoneName, Timestamp};
