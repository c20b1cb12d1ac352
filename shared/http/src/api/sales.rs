//! The body of `POST /sales`, and the command it becomes.
//!
//! Invariant: whatever the body says, the command holds only what the domain's
//! types allow; every field that does not fit is named.

use evertill_domain::Currency;
use evertill_domain::Sku;
use evertill_domain::Timestamp;
use evertill_domain::discount::{Discount, DiscountKind};
use evertill_domain::receipt::{MAX_DISCOUNTS, MAX_LINES, MAX_TENDERS, Tender, TenderKind};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::sale::{SaleCommand, SaleLine};
use serde::Deserialize;
use utoipa::ToSchema;

use super::goods::{Goods, Resolved};
use super::refusals::{Refusals, looks_like_card_number};
use super::text::{AmountText, QuantityText};

/// A basket as a till sends it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleBody {
    /// The till; it must be the one that the token was issued to.
    #[schema(example = "R1")]
    pub register: String,
    /// Who is at the till.
    pub cashier: Option<String>,
    /// When it was sold, RFC 3339; now if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sold_at: Option<Timestamp>,
    /// The customer, as a reference only.
    pub customer_ref: Option<String>,
    /// What was sold, 1 to 500 lines.
    pub lines: Vec<SaleLineBody>,
    /// Discounts on the basket.
    #[serde(default)]
    pub discounts: Vec<DiscountBody>,
    /// The payments; may be empty if nothing is to pay.
    pub tenders: Vec<TenderBody>,
}

/// One line of a basket; it names either a SKU or a barcode.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleLineBody {
    /// The product.
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// A code of the product, or a price or weight label.
    pub barcode: Option<String>,
    /// How much, in the product's unit; 0 only with an amount. A price or
    /// weight label may leave it out.
    pub quantity: Option<QuantityText>,
    /// Price of one unit; the product's if left out.
    pub unit_price: Option<AmountText>,
    /// The line's amount; overrides quantity × price.
    pub amount: Option<AmountText>,
    /// Why the price is not the product's.
    pub price_reason: Option<String>,
    /// Discounts on the line.
    #[serde(default)]
    pub discounts: Vec<DiscountBody>,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
    /// The serial number, where pieces are tracked.
    pub serial: Option<String>,
}

/// A discount on a line or on the basket.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountBody {
    /// What sort of discount, such as `loyalty` or `promotion`.
    #[schema(value_type = String)]
    pub kind: DiscountKind,
    /// How much is taken off, zero or above.
    pub amount: AmountText,
    /// Why, in words.
    pub reason: String,
    /// The promotion that granted it.
    pub promotion: Option<String>,
}

/// One payment.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenderBody {
    /// `cash`, `card` or `coupon`.
    #[schema(value_type = String, example = "cash")]
    pub kind: TenderKind,
    /// How much is handed over, zero or above.
    pub amount: AmountText,
    /// The terminal's or coupon's reference; never a card number.
    pub reference: Option<String>,
}

impl SaleBody {
    /// Refuses more lines, discounts or tenders than a receipt holds, before
    /// anything is looked up for them.
    ///
    /// # Errors
    /// Each list that is too long.
    pub fn check_counts(&self) -> Result<(), Rejections> {
        let mut refusals = Refusals::default();
        check_count(&mut refusals, "/lines", self.lines.len(), MAX_LINES);
        check_count(
            &mut refusals,
            "/discounts",
            self.discounts.len(),
            MAX_DISCOUNTS,
        );
        check_count(&mut refusals, "/tenders", self.tenders.len(), MAX_TENDERS);
        refusals.finish(Some(()))
    }

    /// What each line names, in the order of the lines.
    ///
    /// # Errors
    /// A line names nothing, or both a SKU and a barcode.
    pub fn goods(&self) -> Result<Vec<Goods<'_>>, Rejections> {
        let mut refusals = Refusals::default();
        let mut goods = Vec::with_capacity(self.lines.len());
        for (i, line) in self.lines.iter().enumerate() {
            match (&line.sku, &line.barcode) {
                (Some(sku), None) => goods.push(Goods::Sku(sku)),
                (None, Some(barcode)) => goods.push(Goods::Barcode(barcode)),
                (Some(_), Some(_)) => refusals.add(Rejection::new(
                    format!("/lines/{i}/barcode"),
                    "sku_and_barcode",
                    "the line names a SKU and a barcode; send one of them",
                )),
                (None, None) => refusals.add(Rejection::new(
                    format!("/lines/{i}/sku"),
                    "missing_field",
                    "the line names no product; send sku or barcode",
                )),
            }
        }
        refusals.finish(Some(goods))
    }

    /// The payments of another body, read as those of a sale.
    ///
    /// # Errors
    /// Every field that does not convert.
    pub fn tenders_of(
        currency: Currency,
        bodies: &[TenderBody],
    ) -> Result<Vec<Tender>, Rejections> {
        let mut refusals = Refusals::default();
        check_count(&mut refusals, "/tenders", bodies.len(), MAX_TENDERS);
        let tenders = tenders(&mut refusals, currency, bodies);
        refusals.finish(Some(tenders))
    }

    /// The command in `currency`, with the product that each line turned out to
    /// name.
    ///
    /// # Errors
    /// Every field that does not convert.
    ///
    /// # Panics
    /// When `resolved` has not one entry per line, which is the caller's mistake.
    pub fn command(
        &self,
        currency: Currency,
        resolved: &[Resolved],
    ) -> Result<SaleCommand, Rejections> {
        assert_eq!(
            self.lines.len(),
            resolved.len(),
            "invariant: every line was resolved"
        );
        let mut refusals = Refusals::default();
        let lines = self.lines.iter().zip(resolved).enumerate();
        let lines: Vec<_> = lines
            .filter_map(|(i, (line, of))| {
                line.read(&mut refusals, &format!("/lines/{i}"), currency, of)
            })
            .collect();
        let command = SaleCommand {
            cashier: refusals.text("/cashier", self.cashier.as_ref()),
            sold_at: self.sold_at,
            customer_ref: refusals.text("/customer_ref", self.customer_ref.as_ref()),
            lines,
            discounts: discounts(&mut refusals, "", currency, &self.discounts),
            tenders: tenders(&mut refusals, currency, &self.tenders),
        };
        refusals.finish(Some(command))
    }
}

impl SaleLineBody {
    fn read(
        &self,
        refusals: &mut Refusals,
        at: &str,
        currency: Currency,
        of: &Resolved,
    ) -> Option<SaleLine> {
        let mut money = |field: &str, text: &Option<AmountText>| {
            let text = text.as_ref()?;
            refusals.keep(text.read(&format!("{at}/{field}"), currency))
        };
        let unit_price = money("unit_price", &self.unit_price);
        let amount = money("amount", &self.amount);
        let quantity = of.quantity(&format!("{at}/quantity"), self.quantity.as_ref());
        let quantity = refusals.keep(quantity);
        check_count(
            refusals,
            &format!("{at}/discounts"),
            self.discounts.len(),
            MAX_DISCOUNTS,
        );
        let discounts = discounts(refusals, at, currency, &self.discounts);
        let price_reason = refusals.text(&format!("{at}/price_reason"), self.price_reason.as_ref());
        let lot = refusals.text(&format!("{at}/lot"), self.lot.as_ref());
        let serial = refusals.text(&format!("{at}/serial"), self.serial.as_ref());
        Some(SaleLine {
            sku: of.sku.clone(),
            quantity: quantity?,
            unit_price,
            amount: amount.or(of.amount),
            price_reason,
            discounts,
            lot,
            serial,
        })
    }
}

/// The payments of a body.
pub(super) fn tenders(
    refusals: &mut Refusals,
    currency: Currency,
    bodies: &[TenderBody],
) -> Vec<Tender> {
    let mut read = Vec::with_capacity(bodies.len());
    for (i, body) in bodies.iter().enumerate() {
        let at = format!("/tenders/{i}");
        let amount = refusals.keep(body.amount.read(&format!("{at}/amount"), currency));
        let pointer = format!("{at}/reference");
        // The reference of a card payment is the terminal's: a number of the
        // card itself must be neither stored nor repeated.
        let card_number = body.kind == TenderKind::Card
            && body
                .reference
                .as_deref()
                .is_some_and(looks_like_card_number);
        let reference = if card_number {
            let detail = "this looks like a card number, which is never kept; \
                          send the terminal's reference";
            refusals.add(Rejection::new(pointer, "card_number", detail));
            None
        } else {
            refusals.text(&pointer, body.reference.as_ref())
        };
        read.extend(amount.map(|amount| Tender {
            kind: body.kind,
            amount,
            reference,
        }));
    }
    read
}

fn discounts(
    refusals: &mut Refusals,
    at: &str,
    currency: Currency,
    bodies: &[DiscountBody],
) -> Vec<Discount> {
    let mut read = Vec::with_capacity(bodies.len());
    for (i, body) in bodies.iter().take(MAX_DISCOUNTS).enumerate() {
        let at = format!("{at}/discounts/{i}");
        let amount = refusals.keep(body.amount.read(&format!("{at}/amount"), currency));
        let reason = refusals.text(&format!("{at}/reason"), Some(&body.reason));
        let promotion = refusals.text(&format!("{at}/promotion"), body.promotion.as_ref());
        read.extend(amount.zip(reason).map(|(amount, reason)| Discount {
            kind: body.kind.clone(),
            amount,
            reason,
            promotion,
        }));
    }
    read
}

/// Refuses a list that is longer than a document holds.
pub(super) fn check_count(refusals: &mut Refusals, pointer: &str, count: usize, limit: usize) {
    if count > limit {
        let detail = format!("{count} are more than the limit of {limit}; send fewer");
        refusals.add(Rejection::new(pointer, "too_many", detail));
    }
}
