//! Stock of one product at one location, as a node and the hub show it.
//!
//! Invariant: `on_hand` is the sum of the physical buckets and may be below
//! zero; `available` never is, and a till may sell past it.

use std::collections::BTreeMap;

use evertill_domain::{Bucket, LocationId, Sku, Unit};
use serde::Serialize;
use utoipa::ToSchema;

use super::text::thousandths_text;

/// Stock here, as a node shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StockView {
    /// The product.
    pub sku: String,
    /// What it is counted in.
    #[schema(value_type = String, example = "each")]
    pub unit: &'static str,
    /// Units in the building: the sum of the physical buckets.
    #[schema(example = "12")]
    pub on_hand: String,
    /// Units in each bucket, the virtual ones included.
    pub buckets: BTreeMap<String, String>,
    /// Units pledged to orders.
    pub promised: String,
    /// Units withheld from remote promises.
    pub safety_stock: String,
    /// max(0, sellable + staged − promised); a till may sell past it.
    pub available: String,
    /// Units that this node may still promise.
    pub rights: String,
}

/// Stock at one location, as the hub shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HubStockView {
    /// Where.
    pub location: String,
    /// The product.
    pub sku: String,
    /// What it is counted in.
    #[schema(value_type = String, example = "each")]
    pub unit: &'static str,
    /// Units in the building: the sum of the physical buckets.
    #[schema(example = "12")]
    pub on_hand: String,
    /// Units in each bucket, the virtual ones included.
    pub buckets: BTreeMap<String, String>,
    /// Units pledged to orders.
    pub promised: String,
    /// Units withheld from remote promises.
    pub safety_stock: String,
    /// Whether everything that the location last announced is counted.
    pub complete: bool,
}

/// What is pledged and withheld of a product at a location, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pledged {
    /// Pledged to orders and not ended.
    pub promised: i64,
    /// Withheld from remote promises.
    pub safety_stock: i64,
    /// What the node may still promise or hand on.
    pub rights: i64,
}

/// Figures of one stock key by bucket, in thousandths, in the order of
/// [`Bucket::ALL`].
type Figures = [i64; Bucket::ALL.len()];

impl StockView {
    /// The view of a product's figures in thousandths, by [`Bucket::code`].
    #[must_use]
    pub fn of(sku: &Sku, unit: Unit, figures: &Figures, pledged: Pledged) -> Self {
        let there = |bucket: Bucket| figures[usize::from(bucket.code())];
        let units = there(Bucket::Sellable).saturating_add(there(Bucket::Staged));
        let available = units.saturating_sub(pledged.promised);
        Self {
            sku: sku.to_string(),
            unit: unit.as_str(),
            on_hand: thousandths_text(on_hand(figures)),
            buckets: buckets(figures),
            promised: thousandths_text(pledged.promised),
            safety_stock: thousandths_text(pledged.safety_stock),
            available: thousandths_text(available.max(0)),
            rights: thousandths_text(pledged.rights),
        }
    }
}

impl HubStockView {
    /// The view of a product's figures at `location`, in thousandths, by
    /// [`Bucket::code`].
    #[must_use]
    pub fn of(
        location: &LocationId,
        sku: &Sku,
        unit: Unit,
        figures: &Figures,
        pledged: Pledged,
        complete: bool,
    ) -> Self {
        Self {
            location: location.to_string(),
            sku: sku.to_string(),
            unit: unit.as_str(),
            on_hand: thousandths_text(on_hand(figures)),
            buckets: buckets(figures),
            promised: thousandths_text(pledged.promised),
            safety_stock: thousandths_text(pledged.safety_stock),
            complete,
        }
    }
}

fn on_hand(figures: &Figures) -> i64 {
    Bucket::ALL
        .into_iter()
        .filter(|bucket| bucket.is_physical())
        .map(|bucket| figures[usize::from(bucket.code())])
        .fold(0, i64::saturating_add)
}

fn buckets(figures: &Figures) -> BTreeMap<String, String> {
    Bucket::ALL
        .into_iter()
        .map(|bucket| {
            let figure = figures[usize::from(bucket.code())];
            (bucket.to_string(), thousandths_text(figure))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_hand_sums_what_is_in_the_building_and_available_stops_at_zero() {
        let mut figures = [0_i64; 12];
        figures[usize::from(Bucket::Sellable.code())] = -2_500;
        figures[usize::from(Bucket::Damaged.code())] = 1_000;
        figures[usize::from(Bucket::Customer.code())] = 1_500;
        let sku: Sku = "A".parse().unwrap();
        let view = StockView::of(&sku, Unit::Kilogram, &figures, Pledged::default());
        assert_eq!(
            (view.on_hand.as_str(), view.available.as_str()),
            ("-1.5", "0")
        );
        assert_eq!(view.buckets["customer"], "1.5");
        assert_eq!(view.buckets.len(), 12);
        let hub = HubStockView::of(
            &"S001".parse().unwrap(),
            &sku,
            Unit::Kilogram,
            &figures,
            Pledged::default(),
            true,
        );
        assert_eq!((hub.on_hand, hub.buckets), (view.on_hand, view.buckets));
    }
}
