//! Fields to a receipt, with everything that was left out.
//!
//! Invariant: total; every number is checked before it is computed with, and
//! what comes out has passed [`Receipt::check`].

use super::super::wire::{List, Read, Word, day, join_time, quantity};
use super::derived::{self, Sign};
use super::fields::{
    FiscalFields, LabelFields, LineFields, OUTAGE, OriginFields, RETURN, RateSet, ReceiptFields,
    SIGNED, TenderFields, VOID,
};
use crate::discount::{Discount, LineDiscount};
use crate::ids::ReceiptNumber;
use crate::money::{Currency, Money, Rate, RoundingRule, extend_price};
use crate::quantity::Unit;
use crate::receipt::{Fiscal, MAX_TEXT, Receipt, ReceiptKind, ReceiptLine, Tender, TenderKind};
use crate::stock::Bucket;
use crate::tax::{TaxAmount, TaxMethod, TaxRate, TaxRounding, sum_taxes};

/// The receipt of these fields.
pub(in super::super) fn read(fields: &ReceiptFields<'_>) -> Read<Receipt> {
    let currency = Currency::from_numeric(fields.currency).ok_or("a currency is unknown")?;
    let number = ReceiptNumber {
        location: fields.location.parse()?,
        register: fields.register.parse()?,
        code: code(fields.code)?,
        seq: Some(fields.seq)
            .filter(|seq| *seq > 0)
            .ok_or("a number is 0")?,
    };
    let kind = kind(fields.origin.as_ref(), &number)?;
    let sign = Sign::of(&kind);
    let reader = Reader {
        sign,
        currency,
        labels: labels(List::items(fields.labels.as_ref()), currency)?,
    };
    let sold_at = join_time(fields.seconds, fields.millis)?;
    let mut receipt = Receipt {
        kind,
        number,
        cashier: fields.cashier.map(Word::text),
        customer_ref: fields.customer_ref.map(Word::text),
        sold_at,
        business_date: day(sold_at, fields.day)?,
        currency,
        tax_method: method(fields.method.unwrap_or(0))?,
        lines: reader.lines(&fields.lines.0)?,
        discounts: reader.basket(List::items(fields.basket.as_ref()))?,
        taxes: Vec::new(),
        tenders: Vec::new(),
        rounding: reader.money(fields.rounding.unwrap_or(0))?,
        change_due: Money::zero(currency),
        fiscal: fiscal(fields.fiscal.as_ref())?,
    };
    reader.restore_shares(&fields.lines.0, &mut receipt);
    let tenders = List::items(fields.tenders.as_ref());
    receipt.tenders = reader.tenders(tenders)?;
    reader.restore_taxes(fields, &mut receipt)?;
    reader.restore_payment(tenders, &mut receipt)?;
    receipt.check().map_err(|broken| broken.to_string())?;
    Ok(receipt)
}

/// What reading the parts of one receipt needs to know about it.
struct Reader {
    sign: Sign,
    currency: Currency,
    /// Discounts of no amount, one per label.
    labels: Vec<Discount>,
}

impl Reader {
    /// An amount as it was written, with the sign of the receipt.
    fn money(&self, minor: i64) -> Read<Money> {
        Money::new(minor, self.currency)
            .map(|amount| self.sign.turn(amount))
            .map_err(|error| error.to_string())
    }

    fn discount(&self, label: i64, amount: i64) -> Read<Discount> {
        let label = usize::try_from(label).ok().and_then(|i| self.labels.get(i));
        let mut discount = label.ok_or("a discount has no label")?.clone();
        discount.amount = self.money(amount)?;
        Ok(discount)
    }

    fn basket(&self, flat: &[i64]) -> Read<Vec<Discount>> {
        let (pairs, rest) = flat.as_chunks::<2>();
        whole(rest)?;
        let discounts = pairs.iter();
        discounts
            .map(|[label, amount]| self.discount(*label, *amount))
            .collect()
    }

    /// The lines without taxes and without shares that can be derived.
    fn lines(&self, lines: &[LineFields<'_>]) -> Read<Vec<ReceiptLine>> {
        let lines = lines.iter().zip(1_u32..);
        lines
            .map(|(fields, line)| self.line(fields, line))
            .collect()
    }

    fn line(&self, fields: &LineFields<'_>, line: u32) -> Read<ReceiptLine> {
        let sold = quantity(fields.quantity)?;
        let quantity = match self.sign {
            Sign::Plus => sold,
            Sign::Minus => sold.negated(),
        };
        let price = |minor| Money::new(minor, self.currency).map_err(|error| error.to_string());
        let unit_price = fields.unit_price.map(price).transpose()?;
        let amount = match (fields.amount, unit_price) {
            (Some(minor), _) => self.money(minor)?,
            (None, Some(price)) => {
                extend_price(quantity, price).map_err(|error| error.to_string())?
            }
            (None, None) => return Err("a line has neither price nor amount".to_owned()),
        };
        let unit = Unit::from_code(fields.unit.unwrap_or(0)).ok_or("a unit is unknown")?;
        let bucket = |code| Bucket::from_code(code).ok_or("a bucket is unknown");
        let sale = self.sign == Sign::Plus;
        Ok(ReceiptLine {
            line,
            sku: fields.sku.parse()?,
            unit,
            quantity,
            unit_price,
            amount,
            discounts: self.line_discounts(fields)?,
            price_reason: fields.price_reason.map(Word::text),
            taxes: Vec::new(),
            original_line: (!sale).then(|| fields.original_line.unwrap_or(line)),
            bucket: fields.bucket.map(bucket).transpose()?,
            lot: fields.lot.map(Word::text),
            serial: fields.serial.map(Word::text),
            reason: fields.reason.map(Word::text),
        })
    }

    fn line_discounts(&self, fields: &LineFields<'_>) -> Read<Vec<LineDiscount>> {
        let (given, rest) = List::items(fields.discounts.as_ref()).as_chunks::<2>();
        whole(rest)?;
        let (shared, rest) = List::items(fields.shared.as_ref()).as_chunks::<3>();
        whole(rest)?;
        let given = given.iter().map(|[label, amount]| {
            let discount = self.discount(*label, *amount)?;
            Ok(LineDiscount::on_line(&discount))
        });
        let shared = shared.iter().map(|[label, amount, share]| {
            let discount = self.discount(*label, *amount)?;
            let share = u32::try_from(*share).map_err(|_| "a share is out of range")?;
            Ok(match share.checked_sub(1) {
                None => LineDiscount::on_line(&discount),
                Some(position) => LineDiscount::share(&discount, discount.amount, position),
            })
        });
        given.chain(shared).collect()
    }

    fn restore_shares(&self, fields: &[LineFields<'_>], receipt: &mut Receipt) {
        let shares = derived::shares(self.sign, &receipt.discounts, &receipt.lines);
        let lines = receipt.lines.iter_mut().zip(fields).zip(shares);
        for ((line, _), shares) in lines.filter(|((_, fields), _)| fields.shared.is_none()) {
            line.discounts.extend(shares);
        }
    }

    fn restore_taxes(&self, fields: &ReceiptFields<'_>, receipt: &mut Receipt) -> Read<()> {
        let sets = List::items(fields.taxes.as_ref());
        if sets.is_empty() {
            return Ok(());
        }
        let sets = sets.iter().map(rates).collect::<Read<Vec<_>>>()?;
        let mut of_lines: Vec<&[TaxRate]> = Vec::with_capacity(receipt.lines.len());
        for line in &fields.lines.0 {
            let set = usize::try_from(line.taxes.unwrap_or(0)).ok();
            let set = set.and_then(|set| sets.get(set));
            of_lines.push(set.ok_or("a line names no set of taxes")?);
        }
        let derived = derived::taxes(self.sign, receipt.tax_method, receipt, &of_lines);
        let included = receipt.tax_method.prices_include_tax;
        let lines = receipt.lines.iter_mut().zip(&fields.lines.0).zip(&of_lines);
        for (i, ((line, fields), rates)) in lines.enumerate() {
            line.taxes = match (&fields.charged, &derived) {
                (Some(charged), _) => self.charged(rates, &charged.0, included)?,
                (None, Some(derived)) => derived[i].clone(),
                (None, None) => return Err("taxes are too large".to_owned()),
            };
        }
        let lines = receipt.lines.iter().map(|line| line.taxes.as_slice());
        receipt.taxes = sum_taxes(lines).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn charged(&self, rates: &[TaxRate], flat: &[i64], included: bool) -> Read<Vec<TaxAmount>> {
        let (figures, rest) = flat.as_chunks::<2>();
        whole(rest)?;
        if figures.len() != rates.len() {
            return Err("a line's taxes are not those of its set".to_owned());
        }
        let taxes = rates.iter().zip(figures).map(|(tax, [base, amount])| {
            Ok(TaxAmount {
                code: tax.code.clone(),
                rate: tax.rate,
                base: self.money(*base)?,
                amount: self.money(*amount)?,
                included,
            })
        });
        taxes.collect()
    }

    /// The tenders; one whose amount was left out has none yet.
    fn tenders(&self, fields: &[TenderFields<'_>]) -> Read<Vec<Tender>> {
        let tender = |fields: &TenderFields<'_>| {
            Ok(Tender {
                kind: TenderKind::from_code(fields.kind).ok_or("a tender is of unknown kind")?,
                amount: self.money(fields.amount.unwrap_or(0))?,
                reference: fields.reference.map(Word::text),
            })
        };
        fields.iter().map(tender).collect()
    }

    /// The change, or the last tender's amount where there was none.
    fn restore_payment(&self, fields: &[TenderFields<'_>], receipt: &mut Receipt) -> Read<()> {
        let paid: i128 = receipt
            .tenders
            .iter()
            .map(|t| i128::from(t.amount.minor()))
            .sum();
        let due = receipt.total().minor();
        let due = i128::from(due) + i128::from(receipt.rounding.minor());
        let rest = |minor: i128| {
            let minor = i64::try_from(minor).map_err(|error| error.to_string())?;
            Money::new(minor, self.currency).map_err(|error| error.to_string())
        };
        let open = fields.iter().position(|tender| tender.amount.is_none());
        match open {
            Some(i) if receipt.tenders[i].kind == TenderKind::Coupon => {
                return Err("a coupon has no amount".to_owned());
            }
            None => receipt.change_due = rest(paid - due)?,
            Some(i) if i + 1 == fields.len() => receipt.tenders[i].amount = rest(due - paid)?,
            Some(_) => return Err("a tender before the last has no amount".to_owned()),
        }
        Ok(())
    }
}

fn whole(rest: &[i64]) -> Read<()> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err("a list of figures is cut off".to_owned())
    }
}

fn code(code: &str) -> Read<String> {
    if crate::ids::is_replica_code(code) {
        Ok(code.to_owned())
    } else {
        Err("the code of a receipt number is malformed".to_owned())
    }
}

fn kind(origin: Option<&OriginFields<'_>>, own: &ReceiptNumber) -> Read<ReceiptKind> {
    let Some(origin) = origin else {
        return Ok(ReceiptKind::Sale);
    };
    let original = ReceiptNumber {
        location: match origin.location {
            Some(location) => location.parse()?,
            None => own.location.clone(),
        },
        register: match origin.register {
            Some(register) => register.parse()?,
            None => own.register.clone(),
        },
        code: code(origin.code.unwrap_or(&own.code))?,
        seq: Some(origin.seq)
            .filter(|seq| *seq > 0)
            .ok_or("a number is 0")?,
    };
    match (origin.kind, origin.reason) {
        (RETURN, None) => Ok(ReceiptKind::Return { original }),
        (VOID, Some(reason)) => Ok(ReceiptKind::Void {
            original,
            reason: reason.to_owned(),
        }),
        _ => Err("it is neither sale, return nor void".to_owned()),
    }
}

/// The labels as discounts without an amount. Long texts are refused here,
/// because many discounts can share one label.
fn labels(labels: &[LabelFields<'_>], currency: Currency) -> Read<Vec<Discount>> {
    let label = |label: &LabelFields<'_>| {
        let texts = label.reason.iter().chain(&label.promotion);
        if texts.into_iter().any(|text| text.len() > MAX_TEXT) {
            return Err("a text is longer than 200 bytes".to_owned());
        }
        Ok(Discount {
            kind: Word::Text(label.kind).parse()?,
            amount: Money::zero(currency),
            reason: label.reason.unwrap_or_default().to_owned(),
            promotion: label.promotion.map(str::to_owned),
        })
    };
    labels.iter().map(label).collect()
}

fn rates(set: &RateSet<'_>) -> Read<Vec<TaxRate>> {
    let rates = set.0.iter().map(|rate| {
        Ok(TaxRate {
            code: Word::Text(rate.code).parse()?,
            rate: Rate::from_millionths(rate.millionths).ok_or("a tax rate is above 1")?,
        })
    });
    rates.collect()
}

fn method(bits: u8) -> Read<TaxMethod> {
    let rule = match bits >> 3 {
        0 => RoundingRule::HalfUp,
        1 => RoundingRule::HalfEven,
        2 => RoundingRule::Up,
        3 => RoundingRule::Down,
        _ => return Err("a method of taxing is unknown".to_owned()),
    };
    Ok(TaxMethod {
        prices_include_tax: bits & 1 != 0,
        rounding: if bits & 2 != 0 {
            TaxRounding::RateGroup
        } else {
            TaxRounding::Line
        },
        rule,
        coupon_reduces_base: bits & 4 != 0,
    })
}

fn fiscal(fields: Option<&FiscalFields<'_>>) -> Read<Fiscal> {
    match fields.map(|fields| (fields.kind, fields.signature)) {
        None => Ok(Fiscal::NotRequired),
        Some((SIGNED, Some(signature))) => Ok(Fiscal::Signed {
            signature: signature.to_owned(),
        }),
        Some((OUTAGE, None)) => Ok(Fiscal::OutagePending),
        Some(_) => Err("the fiscal state is unknown".to_owned()),
    }
}
