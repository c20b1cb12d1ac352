//! Pricing the lines of a sale, and what is taken off and put on them.

use super::{SaleCommand, SaleContext, SaleLine};
use crate::discount::{LineDiscount, share_basket};
use crate::money::{Money, MoneyError, extend_price};
use crate::product::Product;
use crate::receipt::{MAX_DISCOUNTS, ReceiptLine, TenderKind};
use crate::rejection::{Rejection, Rejections};
use crate::tax::{TaxableLine, line_taxes};

/// The receipt's lines with their own discounts and without taxes.
pub(super) fn price(
    command: &SaleCommand,
    context: &SaleContext<'_>,
) -> Result<Vec<ReceiptLine>, Rejections> {
    let mut lines = Vec::with_capacity(command.lines.len());
    let mut refused = Vec::new();
    for ((i, line), number) in command.lines.iter().enumerate().zip(1_u32..) {
        match price_line(line, number, context) {
            Ok(priced) => lines.push(priced),
            Err(rejection) => refused.push(Rejection {
                pointer: format!("/lines/{i}{}", rejection.pointer),
                ..rejection
            }),
        }
    }
    Rejections::unless_empty(refused)?;
    Ok(lines)
}

fn price_line(
    line: &SaleLine,
    number: u32,
    context: &SaleContext<'_>,
) -> Result<ReceiptLine, Rejection> {
    let product = context.products.get(&line.sku).ok_or_else(|| {
        Rejection::new(
            "/sku",
            "unknown_sku",
            format!(
                "no product {} is known here; check it or import it",
                line.sku
            ),
        )
    })?;
    check_quantity(line, product)?;
    let (unit_price, amount) = amount_of(line, product)?;
    let currency = context.location.currency;
    for (pointer, given) in [("/unit_price", unit_price), ("/amount", Some(amount))] {
        if given.is_some_and(|given| given.currency() != currency) {
            let detail = format!("the price is not in {currency}, the currency of this location");
            return Err(Rejection::new(pointer, "mixed_currencies", detail));
        }
        if given.is_some_and(Money::is_negative) && !line.quantity.is_zero() {
            let detail = "a price below zero; give goods back with a return";
            return Err(Rejection::new(pointer, "negative_price", detail));
        }
    }
    check_discounts(line, amount)?;
    Ok(ReceiptLine {
        line: number,
        sku: line.sku.clone(),
        unit: product.unit,
        quantity: line.quantity,
        unit_price,
        amount,
        discounts: line.discounts.iter().map(LineDiscount::on_line).collect(),
        price_reason: line.price_reason.clone(),
        taxes: Vec::new(),
        original_line: None,
        bucket: None,
        lot: line.lot.clone(),
        serial: line.serial.clone(),
        reason: None,
    })
}

fn check_quantity(line: &SaleLine, product: &Product) -> Result<(), Rejection> {
    let quantity = line.quantity;
    if !quantity.fits(product.unit) {
        let detail = format!("{quantity} is no whole number of pieces; send a whole number");
        return Err(Rejection::new("/quantity", "too_precise", detail));
    }
    if quantity.is_positive() || (quantity.is_zero() && line.amount.is_some()) {
        return Ok(());
    }
    let detail = "the quantity must be above zero, or zero with an explicit amount";
    Err(Rejection::new("/quantity", "not_positive", detail))
}

/// Unit price and amount: a told amount stands, and a price that does not give
/// it back is left out.
fn amount_of(line: &SaleLine, product: &Product) -> Result<(Option<Money>, Money), Rejection> {
    let priced = |price: Money| {
        extend_price(line.quantity, price)
            .map_err(|error| Rejection::new("/quantity", error.code(), error.to_string()))
    };
    let price = line.unit_price.or(product.price);
    match (line.amount, price) {
        (Some(amount), price) => {
            let agrees = price.filter(|price| priced(*price).is_ok_and(|of| of == amount));
            Ok((agrees, amount))
        }
        (None, Some(price)) => Ok((Some(price), priced(price)?)),
        (None, None) => Err(Rejection::new(
            "/unit_price",
            "no_price",
            format!("{} has no price; send unit_price or amount", line.sku),
        )),
    }
}

fn check_discounts(line: &SaleLine, amount: Money) -> Result<(), Rejection> {
    if line.discounts.len() > MAX_DISCOUNTS {
        let detail = format!("more than {MAX_DISCOUNTS} discounts on one line; send fewer");
        return Err(Rejection::new("/discounts", "too_many_discounts", detail));
    }
    let mut left = amount;
    for (i, discount) in line.discounts.iter().enumerate() {
        let pointer = format!("/discounts/{i}/amount");
        if discount.amount.is_negative() {
            let detail = "a discount is what is taken off; send it above zero";
            return Err(Rejection::new(pointer, "not_positive", detail));
        }
        left = left
            .checked_sub(discount.amount)
            .map_err(|error| Rejection::new(pointer.clone(), error.code(), error.to_string()))?;
        if left.is_negative() {
            let detail = "the discounts are more than the line's amount; lower them";
            return Err(Rejection::new(pointer, "discount_exceeds_line", detail));
        }
    }
    Ok(())
}

/// Gives each line its share of the basket discounts.
pub(super) fn share_discounts(
    command: &SaleCommand,
    lines: &mut [ReceiptLine],
) -> Result<(), Rejections> {
    let nets: Vec<i64> = lines.iter().map(|line| line.net().minor()).collect();
    let mut room: i64 = nets.iter().map(|net| (*net).max(0)).sum();
    let mut amounts = Vec::with_capacity(command.discounts.len());
    for (i, discount) in command.discounts.iter().enumerate() {
        let pointer = format!("/discounts/{i}/amount");
        let currency = lines.first().map(|line| line.amount.currency());
        if Some(discount.amount.currency()) != currency {
            let detail = "the discount is in another currency than the prices";
            return Err(Rejection::new(pointer, "mixed_currencies", detail).into());
        }
        if discount.amount.is_negative() {
            let detail = "a discount is what is taken off; send it above zero";
            return Err(Rejection::new(pointer, "not_positive", detail).into());
        }
        room -= discount.amount.minor();
        if room < 0 {
            let detail = "the discounts are more than the basket's amount; lower them";
            return Err(Rejection::new(pointer, "discount_exceeds_basket", detail).into());
        }
        amounts.push(discount.amount.minor());
    }
    let shares = share_basket(&amounts, &nets);
    for ((discount, shares), position) in command.discounts.iter().zip(shares).zip(0_u32..) {
        for (line, share) in lines.iter_mut().zip(shares) {
            if share != 0 {
                let amount = Money::new(share, discount.amount.currency())
                    .expect("invariant: a share is not above the discount");
                line.discounts
                    .push(LineDiscount::share(discount, amount, position));
            }
        }
    }
    Ok(())
}

/// Charges each line the taxes of its product's class.
pub(super) fn charge_taxes(
    command: &SaleCommand,
    context: &SaleContext<'_>,
    lines: &mut [ReceiptLine],
) -> Result<(), Rejections> {
    let location = &context.location.id;
    let policy = &context.policies.tax;
    let mut taxable = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let class = &context.products[&line.sku].tax_class;
        let rates = policy.rates(location, class).ok_or_else(|| {
            let detail = format!(
                "{} has the tax class {class}, which the tax policy does not know; \
                 add it there or change the product",
                line.sku
            );
            Rejection::new(format!("/lines/{i}/sku"), "unknown_tax_class", detail)
        })?;
        taxable.push(TaxableLine {
            net: line.net(),
            rates,
        });
    }
    let refused = |error: MoneyError| Rejection::new("/tenders", error.code(), error.to_string());
    let coupons = command
        .tenders
        .iter()
        .filter(|tender| tender.kind == TenderKind::Coupon);
    let coupons = Money::sum(
        context.location.currency,
        coupons.map(|tender| tender.amount),
    )
    .map_err(refused)?;
    let taxes = line_taxes(policy.method(location), &taxable, coupons).map_err(refused)?;
    for (line, taxes) in lines.iter_mut().zip(taxes) {
        line.taxes = taxes;
    }
    Ok(())
}
