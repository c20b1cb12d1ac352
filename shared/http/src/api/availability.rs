//! What can be promised, and why not more; goods that are to come; carts; and
//! closed locations.

use evertill_domain::availability::{Incoming, LocationAvailability};
use evertill_domain::order::ChannelId;
use evertill_domain::supply::Supply;
use evertill_domain::{LocationId, Sku, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::{QuantityText, thousandths_text};

/// What a channel may promise of a product, quantities in its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AvailabilityView {
    /// The product.
    pub sku: String,
    /// The channel; null for none in particular.
    pub channel: Option<String>,
    /// What it is counted in.
    pub unit: &'static str,
    /// What can be promised, over all locations that are listed.
    pub atp: String,
    /// Where; `on_hand` less all subtractions is `atp`.
    pub locations: Vec<LocationAvailabilityView>,
    /// What is to come, the earliest first.
    pub incoming: Vec<IncomingView>,
}

/// What can be promised from a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LocationAvailabilityView {
    /// Which one.
    pub location: String,
    /// All that stands in the building.
    pub on_hand: String,
    /// What cannot be promised of it, and why.
    pub subtract: Vec<SubtractionView>,
    /// What can be promised.
    pub atp: String,
    /// For how long it has not been heard, in seconds.
    pub data_age_s: u32,
}

/// Units that cannot be promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubtractionView {
    /// Why, such as `promised`, `safety_stock` or `node_share`.
    #[schema(value_type = String)]
    pub reason: evertill_domain::availability::Reason,
    /// How many.
    pub quantity: String,
}

/// Goods that are to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncomingView {
    /// When they can be promised for.
    pub date: String,
    /// How many.
    pub quantity: String,
    /// Where they come from.
    pub source: String,
}

impl LocationAvailabilityView {
    /// The view of what is known of a location.
    #[must_use]
    pub fn of(found: &LocationAvailability, data_age_s: u32) -> Self {
        let subtract = found.subtract.iter().map(|part| SubtractionView {
            reason: part.reason,
            quantity: thousandths_text(part.quantity),
        });
        Self {
            location: found.location.to_string(),
            on_hand: thousandths_text(found.on_hand),
            subtract: subtract.collect(),
            atp: thousandths_text(found.atp),
            data_age_s,
        }
    }
}

impl IncomingView {
    /// The view of goods that are to come.
    #[must_use]
    pub fn of(incoming: &Incoming) -> Self {
        Self {
            date: incoming.date.to_string(),
            quantity: thousandths_text(incoming.quantity),
            source: incoming.source.clone(),
        }
    }
}

/// Goods that are to come; the same id again replaces what was said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplyBody {
    /// Its name: a purchase order's line, a transfer.
    #[schema(example = "PO-17-1")]
    pub id: String,
    /// Where to.
    #[schema(value_type = String, example = "S001")]
    pub location: LocationId,
    /// What.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// When it can be promised for, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    pub date: Timestamp,
    /// How many; zero takes it back.
    pub quantity: QuantityText,
    /// Where it comes from, in words.
    #[schema(example = "supplier")]
    pub source: String,
}

/// Goods that are to come, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SupplyView {
    /// Its name.
    pub id: String,
    /// Where to.
    pub location: String,
    /// What.
    pub sku: String,
    /// When it can be promised for.
    pub date: String,
    /// How many.
    pub quantity: String,
    /// Where it comes from.
    pub source: String,
}

/// Goods that are to come, in their list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComingView {
    /// The goods.
    #[serde(flatten)]
    pub supply: SupplyView,
    /// How many of them nobody waits for.
    pub free: String,
    /// Whether the date is over: nothing is promised of them any more.
    pub overdue: bool,
}

impl SupplyView {
    /// The view of goods that are to come.
    #[must_use]
    pub fn of(supply: &Supply) -> Self {
        Self {
            id: supply.id.clone(),
            location: supply.location.to_string(),
            sku: supply.sku.to_string(),
            date: supply.due.to_string(),
            quantity: thousandths_text(supply.quantity),
            source: supply.source.clone(),
        }
    }
}

impl ComingView {
    /// The view of goods of which `free` thousandths are waited for by nobody.
    #[must_use]
    pub fn of(supply: &Supply, free: i64, overdue: bool) -> Self {
        Self {
            supply: SupplyView::of(supply),
            free: thousandths_text(free),
            overdue,
        }
    }
}

/// Whether a location sells online.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SellingBody {
    /// True to open, false to close.
    pub open: bool,
    /// Why it is closed, in words.
    pub reason: Option<String>,
}

/// Whether a location sells online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SellingView {
    /// Which one.
    pub location: String,
    /// Whether it sells online.
    pub open: bool,
    /// Why it is closed.
    pub reason: Option<String>,
}

/// Goods to be kept for a cart.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationBody {
    /// Who sells them.
    #[schema(value_type = String, example = "web")]
    pub channel: ChannelId,
    /// From where; wherever they can be had if left out.
    #[schema(value_type = Option<String>)]
    pub location: Option<LocationId>,
    /// What.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// How many.
    pub quantity: QuantityText,
    /// Until when; as the timers say if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Goods that are kept for a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReservationView {
    /// Its number.
    pub id: i64,
    /// From where.
    pub location: String,
    /// What.
    pub sku: String,
    /// How many.
    pub quantity: String,
    /// Until when.
    pub until: String,
}
