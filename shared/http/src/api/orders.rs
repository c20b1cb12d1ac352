//! Orders as channels send them and as the hub shows them.
//!
//! What names a person (name, e-mail, telephone, street) is taken apart from the
//! order at once: it goes into a [`Contact`], which is kept where it can be
//! erased, and never into an event.
//!
//! Invariant: a body becomes a command or is refused with every field named.

mod changes;
mod view;

pub use changes::{
    AssignBody, CancelBody, ChangeBody, HoldBody, PaymentBody, ReasonBody, RefundBody,
    ShipmentBody, ShipmentPartBody,
};
pub use view::{
    HoldView, ObligationView, OrderLineView, OrderView, PromiseView, ShortLineView, order_view,
};

use std::collections::BTreeMap;

use evertill_domain::order::{
    ChannelId, Destination, Fulfilment, FulfilmentKind, HoldKind, HoldPlaced, PaymentMethod,
    PaymentStatus, PlaceLine, PlaceOrder, PlacePayment, Substitution, is_international_phone,
    refuse_card_numbers,
};
use evertill_domain::receipt::MAX_LINES;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::tax::{TaxAmount, TaxCode};
use evertill_domain::{Currency, LocationId, Product, Rate, Sku, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::Refusals;
use super::sales::check_count;
use super::text::{AmountText, QuantityText};

/// Lines of a street address; labels have room for no more.
const MAX_STREET_LINES: usize = 6;

/// An order as a channel sends it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    /// Where it comes from.
    #[schema(value_type = String, example = "web")]
    pub channel: ChannelId,
    /// The channel's name for it; unique in the channel.
    #[schema(example = "W-1001")]
    pub external_id: String,
    /// When the customer ordered, RFC 3339; now if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub placed_at: Option<Timestamp>,
    /// The currency of every amount.
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// The customer.
    #[serde(default)]
    pub customer: CustomerBody,
    /// What is ordered, 1 to 500 lines.
    pub lines: Vec<OrderLineBody>,
    /// What shipping costs.
    pub shipping: Option<AmountText>,
    /// What the customer pays in all.
    pub total: AmountText,
    /// How it reaches the customer.
    pub fulfilment: FulfilmentBody,
    /// The payment.
    pub payment: OrderPaymentBody,
    /// An unpaid order keeps its goods until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub hold_until: Option<Timestamp>,
    /// Reasons to wait.
    #[serde(default)]
    pub holds: Vec<HoldBody>,
}

/// The customer of an order.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerBody {
    /// The channel's reference for the customer; names nobody by itself.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Where they can be written to.
    pub email: Option<String>,
    /// Where they can be called.
    pub phone: Option<String>,
    /// Their language, such as `en-US`.
    pub locale: Option<String>,
}

/// One line of an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderLineBody {
    /// The channel's name for it; unique in the order.
    pub external_line_id: String,
    /// The product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// How much, in the product's unit.
    pub quantity: QuantityText,
    /// Price of one unit.
    pub unit_price: AmountText,
    /// What the whole line is reduced by.
    pub discount: Option<AmountText>,
    /// The taxes of the whole line.
    #[serde(default)]
    pub taxes: Vec<OrderTaxBody>,
    /// Whether something else may be given: `none`, `ask` or `allow`.
    #[serde(default = "no_substitution")]
    #[schema(value_type = String, example = "none")]
    pub substitution: Substitution,
}

fn no_substitution() -> Substitution {
    Substitution::None
}

/// A tax of a line, as the channel computed it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderTaxBody {
    /// The tax.
    #[schema(value_type = String)]
    pub code: TaxCode,
    /// Its rate, such as `"0.19"`.
    #[schema(value_type = String)]
    pub rate: Rate,
    /// The amount without tax.
    pub base: AmountText,
    /// The tax.
    pub amount: AmountText,
    /// Whether the prices already contain it.
    #[serde(default)]
    pub included: bool,
}

/// How an order reaches the customer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilmentBody {
    /// `pickup` or `ship`.
    #[schema(value_type = String, example = "pickup")]
    pub kind: FulfilmentKind,
    /// Where it is collected, or what must ship it.
    #[schema(value_type = Option<String>)]
    pub location: Option<LocationId>,
    /// Where it is shipped to.
    pub address: Option<AddressBody>,
    /// Not before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Timestamp>,
    /// The customer was told to have it by then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub promise_by: Option<Timestamp>,
    /// Whether parts may come from several locations.
    #[serde(default)]
    pub allow_split: bool,
    /// Whether what is not there may wait for supply.
    #[serde(default)]
    pub allow_backorder: bool,
}

/// Where a shipment goes. Only country, region, zone and coordinates are kept
/// with the order; the rest is personal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// Who receives it.
    pub name: Option<String>,
    /// Street and number, one line each.
    #[serde(default)]
    pub street: Vec<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Region or state.
    pub region: Option<String>,
    /// Country, two capital letters of ISO 3166.
    #[schema(example = "US")]
    pub country: Option<String>,
    /// The retailer's shipping zone.
    pub zone: Option<String>,
    /// Degrees north, as a decimal string.
    #[schema(value_type = Option<String>, example = "41.88")]
    pub latitude: Option<Decimal>,
    /// Degrees east, as a decimal string.
    #[schema(value_type = Option<String>, example = "-87.63")]
    pub longitude: Option<Decimal>,
}

/// The payment of an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPaymentBody {
    /// `unpaid`, `authorized`, `captured` or `pay_at_pickup`.
    #[schema(value_type = String, example = "captured")]
    pub status: PaymentStatus,
    /// Such as `card` or `wallet`.
    #[schema(value_type = String, example = "card")]
    pub method: PaymentMethod,
    /// The provider's reference; never a card number.
    pub reference: Option<String>,
    /// The amount.
    pub amount: AmountText,
    /// When an authorization ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Who a customer is and where they live: kept beside the order, erasable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Their name.
    pub name: Option<String>,
    /// Where they can be written to.
    pub email: Option<String>,
    /// Where they can be called.
    pub phone: Option<String>,
    /// Their language.
    pub locale: Option<String>,
    /// Where it is shipped, as JSON.
    pub address: Option<String>,
}

impl OrderBody {
    /// The products that it names.
    pub fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.lines.iter().map(|line| &line.sku)
    }

    /// The command, and what names a person.
    ///
    /// # Errors
    /// Every field that does not convert, or looks like a card number.
    pub fn command(
        &self,
        products: &BTreeMap<Sku, Product>,
    ) -> Result<(PlaceOrder, Contact), Rejections> {
        let mut refusals = Refusals::default();
        check_count(&mut refusals, "/lines", self.lines.len(), MAX_LINES);
        let currency = self.currency;
        let lines = self.lines.iter().take(MAX_LINES).enumerate();
        let lines = lines.filter_map(|(i, line)| {
            line.read(&mut refusals, &format!("/lines/{i}"), currency, products)
        });
        let lines = lines.collect();
        let shipping = self.shipping.as_ref();
        let shipping = shipping.and_then(|text| refusals.keep(text.read("/shipping", currency)));
        let total = refusals.keep(self.total.read("/total", currency));
        let payment = self.payment.read(&mut refusals, currency);
        let contact = self.contact(&mut refusals);
        let fulfilment = self.fulfilment.read(&mut refusals);
        let holds = self.holds.iter().map(HoldBody::read).collect();
        let reference = refusals.text("/customer/ref", self.customer.reference.as_ref());
        let ready = total.zip(payment);
        let command = ready.map(|(total, payment)| PlaceOrder {
            channel: self.channel.clone(),
            external_id: self.external_id.clone(),
            placed_at: self.placed_at,
            currency,
            customer_ref: reference,
            lines,
            shipping,
            total,
            fulfilment,
            payment,
            hold_until: self.hold_until,
            holds,
        });
        Ok((refusals.finish(command)?, contact))
    }

    /// What names a person, checked like every text: none of it is a card number.
    fn contact(&self, refusals: &mut Refusals) -> Contact {
        let customer = &self.customer;
        let mut kept = |field: &str, text: &Option<String>| {
            let pointer = format!("/customer/{field}");
            let text = refusals.text(&pointer, text.as_ref());
            // A telephone number may pass the check of a card's by chance.
            let phone = text.as_deref().is_some_and(is_international_phone);
            if !(field == "phone" && phone) {
                let texts = text.iter().map(|text| (pointer.clone(), text.as_str()));
                for refused in refuse_card_numbers(texts) {
                    refusals.add(refused);
                }
            }
            text
        };
        let contact = Contact {
            name: kept("name", &customer.name),
            email: kept("email", &customer.email),
            phone: kept("phone", &customer.phone),
            locale: kept("locale", &customer.locale),
            address: None,
        };
        let address = self.fulfilment.address.as_ref();
        let address = address.map(|address| {
            address.check(refusals);
            serde_json::to_string(address).expect("invariant: an address is plain JSON")
        });
        Contact { address, ..contact }
    }
}

impl OrderLineBody {
    fn read(
        &self,
        refusals: &mut Refusals,
        at: &str,
        currency: Currency,
        products: &BTreeMap<Sku, Product>,
    ) -> Option<PlaceLine> {
        let Some(product) = products.get(&self.sku) else {
            let detail = format!("no product {} is known; import it first", self.sku);
            refusals.add(Rejection::new(format!("{at}/sku"), "unknown_sku", detail));
            return None;
        };
        let quantity = self.quantity.read(&format!("{at}/quantity"), product.unit);
        let quantity = refusals.keep(quantity);
        let price = self.unit_price.read(&format!("{at}/unit_price"), currency);
        let unit_price = refusals.keep(price);
        let discount = self.discount.as_ref();
        let discount =
            discount.and_then(|text| refusals.keep(text.read(&format!("{at}/discount"), currency)));
        let mut taxes = Vec::with_capacity(self.taxes.len());
        for (i, tax) in self.taxes.iter().enumerate() {
            let at = format!("{at}/taxes/{i}");
            let base = refusals.keep(tax.base.read(&format!("{at}/base"), currency));
            let amount = refusals.keep(tax.amount.read(&format!("{at}/amount"), currency));
            taxes.extend(base.zip(amount).map(|(base, amount)| TaxAmount {
                code: tax.code.clone(),
                rate: tax.rate,
                base,
                amount,
                included: tax.included,
            }));
        }
        Some(PlaceLine {
            external_line_id: self.external_line_id.clone(),
            sku: self.sku.clone(),
            quantity: quantity?,
            unit_price: unit_price?,
            discount,
            taxes,
            substitution: self.substitution,
        })
    }
}

impl OrderPaymentBody {
    fn read(&self, refusals: &mut Refusals, currency: Currency) -> Option<PlacePayment> {
        let amount = refusals.keep(self.amount.read("/payment/amount", currency));
        Some(PlacePayment {
            status: self.status,
            method: self.method,
            reference: self.reference.clone(),
            amount: amount?,
            expires_at: self.expires_at,
        })
    }
}

impl FulfilmentBody {
    fn read(&self, refusals: &mut Refusals) -> Fulfilment {
        let address = self.address.as_ref();
        Fulfilment {
            kind: self.kind,
            location: self.location.clone(),
            not_before: self.not_before,
            promise_by: self.promise_by,
            allow_split: self.allow_split,
            allow_backorder: self.allow_backorder,
            destination: address.map(|address| address.destination(refusals)),
        }
    }
}

impl AddressBody {
    fn check(&self, refusals: &mut Refusals) {
        let at = "/fulfilment/address";
        if self.street.len() > MAX_STREET_LINES {
            let detail = format!(
                "the street has {} lines; send at most {MAX_STREET_LINES}",
                self.street.len()
            );
            refusals.add(Rejection::new(format!("{at}/street"), "too_many", detail));
        }
        let street = self.street.iter().take(MAX_STREET_LINES).enumerate();
        let street = street.map(|(i, line)| (format!("{at}/street/{i}"), Some(line)));
        let fields = [
            ("name", &self.name),
            ("postal_code", &self.postal_code),
            ("city", &self.city),
            ("region", &self.region),
            ("country", &self.country),
            ("zone", &self.zone),
        ];
        let fields = fields.map(|(field, text)| (format!("{at}/{field}"), text.as_ref()));
        for (pointer, text) in street.chain(fields) {
            let text = refusals.text(&pointer, text);
            let texts = text.iter().map(|text| (pointer.clone(), text.as_str()));
            for refused in refuse_card_numbers(texts) {
                refusals.add(refused);
            }
        }
    }

    /// What routing may know of it.
    fn destination(&self, refusals: &mut Refusals) -> Destination {
        let mut micro = |field: &str, degrees: Option<Decimal>, limit: i64| {
            let degrees = degrees?;
            let micro = (degrees * Decimal::from(1_000_000)).round().to_i64();
            let fits = micro.filter(|micro| micro.abs() <= limit * 1_000_000);
            if fits.is_none() {
                let pointer = format!("/fulfilment/address/{field}");
                let detail = format!("degrees lie between -{limit} and {limit}");
                refusals.add(Rejection::new(pointer, "out_of_range", detail));
            }
            fits
        };
        Destination {
            latitude: micro("latitude", self.latitude, 90),
            longitude: micro("longitude", self.longitude, 180),
            country: self.country.clone(),
            region: self.region.clone(),
            zone: self.zone.clone(),
        }
    }
}

impl HoldBody {
    /// The hold that it asks for.
    #[must_use]
    pub fn read(&self) -> HoldPlaced {
        let kind: HoldKind = self.kind.clone();
        HoldPlaced {
            kind,
            reason: self.reason.clone(),
        }
    }
}
