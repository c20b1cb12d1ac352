//! Pickups and shipments at a location: how they are shown, and what is done
//! about them.
//!
//! Invariant: `allowed` names exactly the events that the state allows now.

use evertill_domain::order::{PartCommand, PromiseId, StepCommand};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::{Product, Quantity, Sku, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::orders::AddressBody;
use super::parcels::{CustomerView, HandOverView, ParcelView};
use super::receipts::ReceiptView;
use super::refusals::Refusals;
use super::sales::TenderBody;
use super::text::QuantityText;

/// What happened to a pickup or shipment.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepBody {
    /// Of which promises; of all that it fits if left out.
    #[serde(default)]
    pub parts: Vec<StepPartBody>,
    /// Who did it.
    pub by: Option<String>,
    /// Why, in words; a rejection needs it.
    pub reason: Option<String>,
    /// The new time; an extension needs it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The code that the customer shows; a hand-over needs it.
    #[schema(example = "042 137")]
    pub code: Option<String>,
    /// Whether someone else than the customer collects it.
    #[serde(default)]
    pub proxy: bool,
    /// Whether the customer's age was checked.
    #[serde(default)]
    pub age_checked: bool,
    /// The carrier's name for the parcel. What is packed or sent under one name is
    /// one parcel; a dispatch without a name sends the parcels as they were packed.
    pub parcel: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// The payments of an order that is paid at the counter.
    #[serde(default)]
    pub tenders: Vec<TenderBody>,
}

/// What is done with one promise.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepPartBody {
    /// Which promise.
    #[schema(value_type = String)]
    pub promise: PromiseId,
    /// How much; all of it if left out. Of a short pick: how much was found.
    pub quantity: Option<QuantityText>,
    /// What is taken in place of what was not found.
    pub substitute: Option<SubstituteBody>,
    /// Whether the customer agreed to that.
    #[serde(default)]
    pub agreed: bool,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// What is taken in place of what was not found.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubstituteBody {
    /// The product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// How much of it.
    pub quantity: QuantityText,
}

impl StepBody {
    /// The products that it names itself.
    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        let parts = self.parts.iter();
        parts.filter_map(|part| Some(&part.substitute.as_ref()?.sku))
    }

    /// The command of a step. `unit` says what a promise is counted in.
    ///
    /// # Errors
    /// Every field that does not convert.
    pub fn command<S>(
        &self,
        step: S,
        unit: impl Fn(&PromiseId) -> Unit,
        products: &BTreeMap<Sku, Product>,
    ) -> Result<StepCommand<S>, Rejections> {
        let mut refusals = Refusals::default();
        let mut parts = Vec::with_capacity(self.parts.len());
        for (i, part) in self.parts.iter().enumerate() {
            let at = format!("/parts/{i}");
            let quantity: Option<Quantity> = part.quantity.as_ref().and_then(|text| {
                refusals.keep(text.read(&format!("{at}/quantity"), unit(&part.promise)))
            });
            let substitute = part.substitute.as_ref().and_then(|swap| {
                let at = format!("{at}/substitute");
                let product = products.get(&swap.sku).ok_or_else(|| {
                    let detail = format!("no product {} is known here", swap.sku);
                    Rejection::new(format!("{at}/sku"), "unknown_sku", detail)
                });
                let product = refusals.keep(product)?;
                let quantity = swap.quantity.read(&format!("{at}/quantity"), product.unit);
                Some((swap.sku.clone(), refusals.keep(quantity)?))
            });
            parts.push(PartCommand {
                promise: part.promise,
                quantity,
                substitute,
                agreed: part.agreed,
                lot: refusals.text(&format!("{at}/lot"), part.lot.as_ref()),
            });
        }
        refusals.text("/by", self.by.as_ref());
        let command = StepCommand {
            step,
            parts,
            reason: refusals.text("/reason", self.reason.as_ref()),
            until: self.until,
            paid: None,
            proxy: self.proxy,
            age_checked: self.age_checked,
            parcel: refusals.text("/parcel", self.parcel.as_ref()),
            carrier: refusals.text("/carrier", self.carrier.as_ref()),
        };
        refusals.finish(Some(command))
    }
}

/// A pickup or shipment at this location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkView {
    /// The order's id.
    pub id: String,
    /// The channel that it came from.
    pub channel: String,
    /// The channel's name for the order.
    pub external_id: String,
    /// Where it stands: the least advanced part that is still open.
    pub state: &'static str,
    /// By when the customer has it, or has time to collect it.
    pub promise_by: Option<String>,
    /// The step that has to come next: `accept`, `pick`, `ready`, `collect` or
    /// `ship`.
    pub next_step: Option<&'static str>,
    /// By when it is due, by the timers and by what was promised.
    pub due_at: Option<String>,
    /// Whether that time is over.
    pub late: bool,
    /// Whether the order waits for a reason; nothing should be handed over.
    pub on_hold: bool,
    /// What is still to be paid before goods leave: at the counter, or, for an
    /// order that is paid elsewhere, to the hub.
    pub to_pay: Option<String>,
    /// The currency of `to_pay`.
    pub currency: &'static str,
    /// The age that the customer must have reached, in years.
    pub minimum_age: Option<u8>,
    /// Who ordered, as far as this location may know; not in answers to events,
    /// which are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerView>,
    /// Where it is shipped; not in lists, nor in answers to events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressBody>,
    /// What it consists of.
    pub lines: Vec<WorkLineView>,
    /// The parcels that were packed or sent from here.
    pub parcels: Vec<ParcelView>,
    /// What the customer collected here, each time.
    pub hand_overs: Vec<HandOverView>,
    /// The events that can be posted now.
    pub allowed: Vec<&'static str>,
    /// The receipt of what was paid with this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptView>,
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkLineView {
    /// Its name.
    pub promise: String,
    /// The product.
    pub sku: String,
    /// What it is called.
    pub name: Option<String>,
    /// What it is counted in.
    pub unit: &'static str,
    /// How much is to be kept.
    pub quantity: String,
    /// How much of it is put aside.
    pub staged: String,
    /// Where it stands.
    pub state: &'static str,
    /// Whether something else may be given: `none`, `ask` or `allow`.
    pub substitution: &'static str,
    /// What is put aside in its place.
    pub substitutes: BTreeMap<String, String>,
}
