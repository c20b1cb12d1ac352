//! The bodies of what is asked of an order that exists.

use evertill_domain::order::{
    FulfilmentStep, HoldKind, PartCommand, PaymentMethod, PaymentStep, PromiseId, StepCommand,
};
use evertill_domain::rejection::Rejections;
use evertill_domain::{LocationId, Timestamp, Unit};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::refusals::Refusals;
use crate::api::{AmountText, QuantityText};

/// A reason to wait.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// What sort, such as `fraud`, `payment`, `address` or `manual`.
    #[schema(value_type = String, example = "fraud")]
    pub kind: HoldKind,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Why, in words.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// Why.
    pub reason: Option<String>,
}

/// What is not wanted any more.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBody {
    /// The numbers of the lines; the whole order if left out.
    #[serde(default)]
    pub lines: Vec<u32>,
    /// Why, in words.
    #[schema(example = "the customer changed their mind")]
    pub reason: String,
}

/// Another quantity of a line.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// The number of the line.
    pub line: u32,
    /// How much is wanted now.
    pub quantity: QuantityText,
    /// Why, in words.
    pub reason: Option<String>,
}

/// Something that happened to the money.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// What, such as `authorize`, `capture`, `decline` or `void`.
    #[schema(value_type = String, example = "capture")]
    pub step: PaymentStep,
    /// The amount; zero where the step has none.
    pub amount: AmountText,
    /// Such as `card` or `wallet`.
    #[schema(value_type = String, example = "card")]
    pub method: PaymentMethod,
    /// The provider's reference; never a card number.
    pub reference: Option<String>,
    /// When an authorization ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Money that went back to the customer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// How much; at most what is owed.
    pub amount: AmountText,
    /// The provider's reference.
    pub reference: Option<String>,
}

/// A location that a person chose.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignBody {
    /// The number of the line.
    pub line: u32,
    /// Where it is to come from.
    #[schema(value_type = String, example = "S001")]
    pub location: LocationId,
    /// How much; all that nobody has taken on if left out.
    pub quantity: Option<QuantityText>,
}

/// What a location without a node did about a shipment.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentBody {
    /// Where.
    #[schema(value_type = String)]
    pub location: LocationId,
    /// What happened: `ship` if left out, with every step before it that was not
    /// recorded; or one of the events that a node's `/fulfilments` takes.
    #[serde(default = "ship")]
    #[schema(value_type = String, example = "ship")]
    pub event: FulfilmentStep,
    /// Of which promises; of all that it fits if left out.
    #[serde(default)]
    pub parts: Vec<ShipmentPartBody>,
    /// Why, in words; a rejection needs it.
    pub reason: Option<String>,
    /// The carrier's name for the parcel.
    pub parcel: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
}

const fn ship() -> FulfilmentStep {
    FulfilmentStep::Ship
}

/// What is done with one promise.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentPartBody {
    /// Which promise.
    #[schema(value_type = String)]
    pub promise: PromiseId,
    /// How much; all of it if left out. Of a short pick: how much was found.
    pub quantity: Option<QuantityText>,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

impl ShipmentBody {
    /// The command of the step. `unit` says what a promise is counted in.
    ///
    /// # Errors
    /// Every field that does not convert.
    pub fn command(
        &self,
        unit: impl Fn(&PromiseId) -> Unit,
    ) -> Result<StepCommand<FulfilmentStep>, Rejections> {
        let mut refusals = Refusals::default();
        let mut command = StepCommand::of(self.event);
        for (i, part) in self.parts.iter().enumerate() {
            let at = format!("/parts/{i}");
            let quantity = part.quantity.as_ref().and_then(|text| {
                refusals.keep(text.read(&format!("{at}/quantity"), unit(&part.promise)))
            });
            command.parts.push(PartCommand {
                promise: part.promise,
                quantity,
                substitute: None,
                agreed: false,
                lot: refusals.text(&format!("{at}/lot"), part.lot.as_ref()),
            });
        }
        command.reason = refusals.text("/reason", self.reason.as_ref());
        command.parcel = refusals.text("/parcel", self.parcel.as_ref());
        command.carrier = refusals.text("/carrier", self.carrier.as_ref());
        refusals.finish(Some(command))
    }
}
