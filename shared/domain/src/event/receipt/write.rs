//! A receipt to fields.

use std::collections::BTreeMap;

use super::super::wire::{List, Word, amount_of_goods, day_offset, split_time, word};
use super::derived::{self, Sign};
use super::fields::{
    FiscalFields, LabelFields, LineFields, OUTAGE, OriginFields, RETURN, RateFields, RateSet,
    ReceiptFields, SIGNED, TenderFields, VOID,
};
use crate::discount::LineDiscount;
use crate::money::{RoundingRule, extend_price};
use crate::quantity::Unit;
use crate::receipt::{Fiscal, Receipt, ReceiptKind, ReceiptLine, TenderKind};
use crate::tax::{TaxAmount, TaxMethod, TaxRate, TaxRounding};

/// The fields of a receipt that passes its check.
pub(in super::super) fn write(receipt: &Receipt) -> ReceiptFields<'_> {
    let sign = Sign::of(&receipt.kind);
    let mut labels = Labels::default();
    let mut basket = Vec::with_capacity(2 * receipt.discounts.len());
    for discount in &receipt.discounts {
        let label = labels.number(
            &discount.kind,
            &discount.reason,
            discount.promotion.as_deref(),
        );
        basket.extend([label, sign.minor(discount.amount)]);
    }
    let sets = RateSets::of(receipt);
    let shares = derived::shares(sign, &receipt.discounts, &receipt.lines);
    let taxes = sets.taxes(sign, receipt);
    let lines = receipt.lines.iter().zip(shares).enumerate();
    let lines = lines.map(|(i, (line, shares))| LineFields {
        taxes: u32::try_from(sets.of_line[i]).ok().filter(|set| *set > 0),
        charged: match &taxes {
            Some(taxes) if taxes[i] == line.taxes => None,
            _ => List::unless_empty(charged(sign, &line.taxes)),
        },
        ..line_fields(sign, line, &shares, &mut labels)
    });
    let lines = List(lines.collect());
    let (seconds, millis) = split_time(receipt.sold_at);
    ReceiptFields {
        location: Word::of(receipt.number.location.as_str()),
        register: Word::of(receipt.number.register.as_str()),
        code: &receipt.number.code,
        seq: receipt.number.seq,
        seconds,
        currency: receipt.currency.numeric(),
        lines,
        tenders: List::unless_empty(tenders(sign, receipt)),
        millis,
        day: day_offset(receipt.sold_at, receipt.business_date),
        labels: List::unless_empty(labels.list),
        customer_ref: word(receipt.customer_ref.as_ref()),
        cashier: word(receipt.cashier.as_ref()),
        taxes: List::unless_empty(sets.fields(receipt)),
        method: method(receipt.tax_method),
        basket: List::unless_empty(basket),
        rounding: Some(sign.minor(receipt.rounding)).filter(|minor| *minor != 0),
        origin: origin(receipt),
        fiscal: fiscal(&receipt.fiscal),
    }
}

fn line_fields<'a>(
    sign: Sign,
    line: &'a ReceiptLine,
    shares: &[LineDiscount],
    labels: &mut Labels<'a>,
) -> LineFields<'a> {
    let given = line.discounts.iter().filter(|d| d.basket.is_none());
    let plain = given.clone().chain(shares).eq(&line.discounts);
    let (mut discounts, mut all) = (Vec::new(), Vec::new());
    for discount in &line.discounts {
        let amount = sign.minor(discount.amount);
        let mut label = || {
            labels.number(
                &discount.kind,
                &discount.reason,
                discount.promotion.as_deref(),
            )
        };
        match (plain, discount.basket) {
            (true, None) => discounts.extend([label(), amount]),
            (true, Some(_)) => {}
            (false, basket) => {
                let share = basket.map_or(0, |position| i64::from(position) + 1);
                all.extend([label(), amount, share]);
            }
        }
    }
    let extended = line
        .unit_price
        .and_then(|price| extend_price(line.quantity, price).ok());
    LineFields {
        sku: Word::of(line.sku.as_str()),
        unit_price: line.unit_price.map(crate::Money::minor),
        quantity: amount_of_goods(line.quantity.abs()),
        amount: (extended != Some(line.amount)).then(|| sign.minor(line.amount)),
        discounts: List::unless_empty(discounts),
        taxes: None,
        unit: (line.unit != Unit::Each).then(|| line.unit.code()),
        bucket: line.bucket.map(crate::Bucket::code),
        original_line: line.original_line.filter(|of| *of != line.line),
        reason: word(line.reason.as_ref()),
        lot: word(line.lot.as_ref()),
        serial: word(line.serial.as_ref()),
        price_reason: word(line.price_reason.as_ref()),
        charged: None,
        shared: List::unless_empty(all),
    }
}

fn charged(sign: Sign, taxes: &[TaxAmount]) -> Vec<i64> {
    let figures = |tax: &TaxAmount| [sign.minor(tax.base), sign.minor(tax.amount)];
    taxes.iter().flat_map(figures).collect()
}

fn tenders(sign: Sign, receipt: &Receipt) -> Vec<TenderFields<'_>> {
    // A coupon's amount can change the taxes, so it does not follow from them.
    let open = receipt.tenders.len().checked_sub(1).filter(|last| {
        receipt.change_due.is_zero() && receipt.tenders[*last].kind != TenderKind::Coupon
    });
    let tenders = receipt.tenders.iter().enumerate();
    tenders
        .map(|(i, tender)| TenderFields {
            kind: tender.kind.code(),
            amount: (open != Some(i)).then(|| sign.minor(tender.amount)),
            reference: word(tender.reference.as_ref()),
        })
        .collect()
}

fn method(method: TaxMethod) -> Option<u8> {
    let rounding = match method.rounding {
        TaxRounding::Line => 0,
        TaxRounding::RateGroup => 2,
    };
    let rule = match method.rule {
        RoundingRule::HalfUp => 0,
        RoundingRule::HalfEven => 8,
        RoundingRule::Up => 16,
        RoundingRule::Down => 24,
    };
    let bits = u8::from(method.prices_include_tax)
        | rounding
        | u8::from(method.coupon_reduces_base) << 2
        | rule;
    (bits != 0).then_some(bits)
}

fn origin(receipt: &Receipt) -> Option<OriginFields<'_>> {
    let (kind, original, reason) = match &receipt.kind {
        ReceiptKind::Sale => return None,
        ReceiptKind::Return { original } => (RETURN, original, None),
        ReceiptKind::Void { original, reason } => (VOID, original, Some(reason.as_str())),
    };
    let own = &receipt.number;
    Some(OriginFields {
        kind,
        seq: original.seq,
        reason,
        code: (original.code != own.code).then_some(&original.code),
        register: (original.register != own.register).then(|| Word::of(original.register.as_str())),
        location: (original.location != own.location).then(|| Word::of(original.location.as_str())),
    })
}

fn fiscal(fiscal: &Fiscal) -> Option<FiscalFields<'_>> {
    let (kind, signature) = match fiscal {
        Fiscal::NotRequired => return None,
        Fiscal::Signed { signature } => (SIGNED, Some(signature.as_str())),
        Fiscal::OutagePending => (OUTAGE, None),
    };
    Some(FiscalFields { kind, signature })
}

/// Every different discount once, numbered as they appear.
#[derive(Default)]
struct Labels<'a> {
    numbers: BTreeMap<LabelFields<'a>, i64>,
    list: Vec<LabelFields<'a>>,
}

impl<'a> Labels<'a> {
    fn number(
        &mut self,
        kind: &'a crate::discount::DiscountKind,
        reason: &'a str,
        promotion: Option<&'a str>,
    ) -> i64 {
        let label = LabelFields {
            kind: kind.as_str(),
            reason: (!reason.is_empty()).then_some(reason),
            promotion,
        };
        let next = i64::try_from(self.list.len()).expect("invariant: a list in memory");
        *self.numbers.entry(label).or_insert_with(|| {
            self.list.push(label);
            next
        })
    }
}

/// The sets of taxes on a receipt, the most frequent first, and which one each
/// line is charged.
struct RateSets {
    sets: Vec<Vec<TaxRate>>,
    of_line: Vec<usize>,
}

impl RateSets {
    fn of(receipt: &Receipt) -> Self {
        if receipt.lines.iter().all(|line| line.taxes.is_empty()) {
            let of_line = vec![0; receipt.lines.len()];
            return Self {
                sets: Vec::new(),
                of_line,
            };
        }
        let rate = |tax: &TaxAmount| TaxRate {
            code: tax.code.clone(),
            rate: tax.rate,
        };
        let of_lines: Vec<Vec<TaxRate>> = receipt
            .lines
            .iter()
            .map(|line| line.taxes.iter().map(rate).collect())
            .collect();
        let mut counts: BTreeMap<&[TaxRate], usize> = BTreeMap::new();
        for set in &of_lines {
            *counts.entry(set).or_default() += 1;
        }
        let mut sets: Vec<(usize, &[TaxRate])> = counts
            .into_iter()
            .map(|(set, count)| (count, set))
            .collect();
        sets.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let position: BTreeMap<&[TaxRate], usize> = sets
            .iter()
            .enumerate()
            .map(|(i, (_, set))| (*set, i))
            .collect();
        Self {
            of_line: of_lines
                .iter()
                .map(|set| position[set.as_slice()])
                .collect(),
            sets: sets.iter().map(|(_, set)| set.to_vec()).collect(),
        }
    }

    fn fields<'a>(&self, receipt: &'a Receipt) -> Vec<RateSet<'a>> {
        let field = |tax: &'a TaxAmount| RateFields {
            code: tax.code.as_str(),
            millionths: tax.rate.millionths(),
        };
        let fields = |set| {
            let line = self.of_line.iter().position(|of| *of == set);
            let line = line.expect("invariant: every set is that of a line");
            List(receipt.lines[line].taxes.iter().map(field).collect())
        };
        (0..self.sets.len()).map(fields).collect()
    }

    /// What the reader will compute for each line.
    fn taxes(&self, sign: Sign, receipt: &Receipt) -> Option<Vec<Vec<TaxAmount>>> {
        if self.sets.is_empty() {
            return Some(vec![Vec::new(); receipt.lines.len()]);
        }
        let rates: Vec<&[TaxRate]> = self.of_line.iter().map(|set| &*self.sets[*set]).collect();
        derived::taxes(sign, receipt.tax_method, receipt, &rates)
    }
}
