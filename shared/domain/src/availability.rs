//! Availability: what a channel may promise, and every subtraction with its
//! reason.
//!
//! A merchant who sees "3" wants to know where the other 9 are. So nothing is
//! multiplied or clipped out of sight: from what is on hand, one subtraction
//! after the other is taken, each no larger than what is left, until what is
//! left can be promised.
//!
//! Invariant: `on_hand − Σ subtractions = atp`, exactly, for every location; and
//! atp is never above what the hub holds rights for.

mod basis;

use serde::{Deserialize, Serialize};

pub use basis::{Asked, Basis, GoodsBasis, PairBasis, PlaceBasis, Situation};

use crate::ids::LocationId;
use crate::time::BusinessDate;

/// Why units on hand cannot be promised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They stand in a bucket that is not sold from.
    NotSellable,
    /// They are promised already.
    Promised,
    /// They are withheld from remote promises and sold at tills.
    SafetyStock,
    /// They may be gone: the location was not heard for a while, and its tills
    /// sell.
    Staleness,
    /// More was promised than there is; nothing more is until that is settled.
    Debt,
    /// The location has been silent for too long.
    Suspended,
    /// The location's machine was lost, and nobody has counted the product since.
    AwaitsCount,
    /// The location's online selling is closed.
    SellingClosed,
    /// The channel does not sell this here.
    ChannelExcluded,
    /// They are kept for other channels or a promotion.
    ChannelReserve,
    /// They are in customers' carts.
    SoftHolds,
    /// The right to promise them is with the store, or not made yet.
    NodeShare,
}

/// A subtraction, in thousandths; below zero only for stock that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subtraction {
    /// Why.
    pub reason: Reason,
    /// How much.
    pub quantity: i64,
}

/// What is known of a product at a location, in thousandths.
#[expect(clippy::struct_excessive_bools, reason = "each is a reason of its own")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LocationFigures {
    /// All that stands in the building; may be negative.
    pub on_hand: i64,
    /// Of that, what is sellable or staged.
    pub sellable_or_staged: i64,
    /// Promises that are alive.
    pub promised: i64,
    /// Units withheld from remote promises.
    pub safety_stock: i64,
    /// Expected sales at its tills since it was last heard.
    pub expected_since_contact: i64,
    /// What was promised beyond the units.
    pub debt: i64,
    /// Whether it has been silent for too long.
    pub suspended: bool,
    /// Whether the product is to be counted before it is promised again.
    pub awaits_count: bool,
    /// Whether its online selling is closed.
    pub selling_closed: bool,
    /// Whether the channel does not sell the product here.
    pub channel_excluded: bool,
    /// What is kept for other channels or a promotion.
    pub channel_reserve: i64,
    /// Units in customers' carts.
    pub soft_holds: i64,
    /// Unused rights of the hub.
    pub hub_rights: i64,
}

/// A location's availability.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocationAvailability {
    /// Which one.
    pub location: LocationId,
    /// All that stands in the building, in thousandths.
    pub on_hand: i64,
    /// What cannot be promised of it, and why; none is zero.
    pub subtract: Vec<Subtraction>,
    /// What can be promised, in thousandths; never below zero.
    pub atp: i64,
}

/// Goods that are to come.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// When they can be promised for.
    pub date: BusinessDate,
    /// How much, in thousandths.
    pub quantity: i64,
    /// Where from: a purchase order, a transfer, a supplier's feed.
    pub source: String,
}

/// What a channel may promise from a location, and why not more.
#[must_use]
pub fn at_location(location: LocationId, figures: &LocationFigures) -> LocationAvailability {
    let mut left = Left {
        units: figures.on_hand,
        subtract: Vec::new(),
    };
    // The only one that may be below zero: what is sold may exceed what is
    // counted, and the identity holds all the same.
    left.exactly(
        Reason::NotSellable,
        figures.on_hand - figures.sellable_or_staged,
    );
    let all = i64::MAX;
    let when = |condition: bool, quantity: i64| if condition { quantity } else { 0 };
    left.up_to(Reason::Promised, figures.promised);
    left.up_to(Reason::SafetyStock, figures.safety_stock);
    left.up_to(Reason::Suspended, when(figures.suspended, all));
    left.up_to(Reason::AwaitsCount, when(figures.awaits_count, all));
    left.up_to(Reason::SellingClosed, when(figures.selling_closed, all));
    left.up_to(Reason::ChannelExcluded, when(figures.channel_excluded, all));
    left.up_to(Reason::Debt, when(figures.debt > 0, all));
    left.up_to(Reason::Staleness, figures.expected_since_contact);
    left.up_to(Reason::ChannelReserve, figures.channel_reserve);
    left.up_to(Reason::SoftHolds, figures.soft_holds);
    let covered = figures.hub_rights.saturating_sub(figures.soft_holds.max(0));
    let beyond = left.units.saturating_sub(covered.max(0));
    left.up_to(Reason::NodeShare, beyond);
    if left.units < 0 {
        // Less than nothing is sellable: nothing can be promised.
        left.exactly(Reason::Debt, left.units);
    }
    LocationAvailability {
        location,
        on_hand: figures.on_hand,
        subtract: left.subtract,
        atp: left.units,
    }
}

/// What is left after each subtraction.
struct Left {
    units: i64,
    subtract: Vec<Subtraction>,
}

impl Left {
    /// Subtracts as much as there is, and never more.
    fn up_to(&mut self, reason: Reason, quantity: i64) {
        self.exactly(reason, quantity.min(self.units).max(0));
    }

    fn exactly(&mut self, reason: Reason, quantity: i64) {
        if quantity != 0 {
            self.units -= quantity;
            self.subtract.push(Subtraction { reason, quantity });
        }
    }
}

/// What can be promised for a date: what can be now, and what comes by then.
#[must_use]
pub fn by_date(atp_now: i64, incoming: &[Incoming], date: BusinessDate) -> i64 {
    let in_time = incoming.iter().filter(|incoming| incoming.date <= date);
    let coming = in_time.map(|incoming| incoming.quantity.max(0));
    coming.fold(atp_now, i64::saturating_add)
}
