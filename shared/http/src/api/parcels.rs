//! Parcels, hand-overs and labels, and the customers that they are for.
//!
//! Invariant: what names a person is only in answers to reading requests, which
//! nobody keeps.

use std::collections::BTreeMap;

use evertill_domain::order::{HandOver, OrderState, Parcel};
use evertill_domain::{Location, LocationId, Product, Sku};
use serde::Serialize;
use utoipa::ToSchema;

use super::orders::AddressBody;
use super::text::thousandths_text;

/// The customer of an order, as a location may know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerView {
    /// Their name.
    pub name: Option<String>,
    /// Where they can be called; in lists it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParcelView {
    /// From where.
    pub location: String,
    /// Where it stands: `packed`, `shipped`, `delivered`, `delivery_failed` or
    /// `returned_to_sender`.
    pub state: &'static str,
    /// The carrier's name for it.
    pub number: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// When the carrier got it.
    pub shipped_at: Option<String>,
    /// When it last changed.
    pub changed_at: String,
    /// What is in it.
    pub lines: Vec<ParcelLineView>,
}

/// What a parcel holds of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParcelLineView {
    /// The order's line.
    pub line: u32,
    /// The promise.
    pub promise: String,
    /// The product: the line's, or what was taken in its place.
    pub sku: String,
    /// How much.
    pub quantity: String,
    /// How much of it was brought back.
    pub returned: String,
}

/// A hand-over at the counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandOverView {
    /// Where.
    pub location: String,
    /// When.
    pub at: String,
    /// Who handed it over.
    pub by: Option<String>,
    /// Whether someone else than the customer collected it.
    pub proxy: bool,
    /// Whether the customer's age was checked.
    pub age_checked: bool,
    /// The receipt that was paid with it.
    pub receipt_number: Option<String>,
}

/// What a carrier's label says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LabelView {
    /// The order's id.
    pub id: String,
    /// The channel that it came from.
    pub channel: String,
    /// The channel's name for the order.
    pub external_id: String,
    /// From where.
    pub from: SenderView,
    /// To whom.
    pub to: AddressBody,
    /// The recipient's telephone, for the carrier.
    pub phone: Option<String>,
    /// The parcels, those that are under way too.
    pub parcels: Vec<LabelParcelView>,
}

/// The location that sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SenderView {
    /// Its id.
    pub location: String,
    /// Its name.
    pub name: String,
    /// Its street address, as the retailer writes it.
    pub address: String,
    /// Region or state.
    pub region: String,
    /// Country.
    pub country: String,
}

/// A parcel on a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LabelParcelView {
    /// Where it stands.
    pub state: &'static str,
    /// The carrier's name for it.
    pub number: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// What its contents weigh in grams, where that is known of all of them.
    pub weight_grams: Option<i64>,
    /// How many lines are in it.
    pub contents: usize,
    /// What is in it.
    pub lines: Vec<LabelLineView>,
}

/// A line of a parcel on a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LabelLineView {
    /// The product.
    pub sku: String,
    /// What it is called.
    pub name: Option<String>,
    /// How much.
    pub quantity: String,
}

/// A parcel as it is shown.
#[must_use]
pub fn parcel_view(parcel: &Parcel) -> ParcelView {
    ParcelView {
        location: parcel.location.to_string(),
        state: parcel.state.as_str(),
        number: parcel.number.clone(),
        carrier: parcel.carrier.clone(),
        shipped_at: parcel.shipped_at.map(|at| at.to_string()),
        changed_at: parcel.changed_at.to_string(),
        lines: parcel
            .lines
            .iter()
            .map(|line| ParcelLineView {
                line: line.line,
                promise: line.promise.to_string(),
                sku: line.sku.to_string(),
                quantity: thousandths_text(line.quantity),
                returned: thousandths_text(line.returned),
            })
            .collect(),
    }
}

/// The parcels of an order, of one location or of all.
pub fn parcel_views(
    order: &OrderState,
    only: Option<&LocationId>,
) -> impl Iterator<Item = ParcelView> {
    let parcels = order.parcels.iter();
    let wanted = parcels.filter(move |parcel| only.is_none_or(|only| parcel.location == *only));
    wanted.map(parcel_view)
}

/// A hand-over as it is shown.
#[must_use]
pub fn hand_over_view(hand_over: &HandOver) -> HandOverView {
    HandOverView {
        location: hand_over.location.to_string(),
        at: hand_over.at.to_string(),
        by: hand_over.by.clone(),
        proxy: hand_over.proxy,
        age_checked: hand_over.age_checked,
        receipt_number: hand_over.receipt.as_ref().map(ToString::to_string),
    }
}

impl SenderView {
    /// A location as a sender.
    #[must_use]
    pub fn of(location: &Location) -> Self {
        Self {
            location: location.id.to_string(),
            name: location.name.clone(),
            address: location.address.clone(),
            region: location.region.clone(),
            country: location.country.clone(),
        }
    }
}

impl LabelParcelView {
    /// A parcel as its label says.
    #[must_use]
    pub fn of(parcel: &Parcel, products: &BTreeMap<Sku, Product>) -> Self {
        let grams = parcel.lines.iter().map(|line| {
            let product = products.get(&line.sku)?;
            product.net_grams(line.quantity)
        });
        Self {
            state: parcel.state.as_str(),
            number: parcel.number.clone(),
            carrier: parcel.carrier.clone(),
            weight_grams: grams.sum(),
            contents: parcel.lines.len(),
            lines: parcel
                .lines
                .iter()
                .map(|line| LabelLineView {
                    sku: line.sku.to_string(),
                    name: products.get(&line.sku).map(|product| product.name.clone()),
                    quantity: thousandths_text(line.quantity),
                })
                .collect(),
        }
    }
}
