//! Sales that stand: what the customer pays, and how it adds up.

use evertill_domain::policy::CashRounding;
use evertill_domain::receipt::{Receipt, ReceiptLine, TenderKind};
use evertill_domain::tax::TaxRounding;
use evertill_domain::{Bucket, Currency, Money, RoundingRule};
use proptest::prelude::*;

use crate::baskets::{Shop, basket, discount, line, tender, thousandths, usd};

fn number(receipt: evertill_domain::sale::ReceiptDraft) -> Receipt {
    receipt.numbered("S001-1-ABCD-7".parse().unwrap())
}

#[test]
fn cash_gives_change_and_goods_move_to_the_customer() {
    let sold = number(
        Shop::new()
            .sell(&basket(vec![line("MILK", 2_000)], 1_000))
            .unwrap(),
    );
    // 3.98 and 2 % tax of it.
    assert_eq!((sold.total(), sold.change_due), (usd(406), usd(594)));
    assert_eq!(sold.number.to_string(), "S001-1-ABCD-7");
    assert_eq!(sold.business_date.to_string(), "2017-01-01");
    let movement = &sold.movements()[0];
    assert_eq!(
        (movement.from, movement.to),
        (Bucket::Sellable, Bucket::Customer)
    );
    assert_eq!(movement.quantity, thousandths(2_000));
}

#[test]
fn a_told_amount_stands_and_a_price_that_does_not_give_it_is_left_out() {
    let mut told = line("HAM", 333);
    told.amount = Some(usd(170));
    let sold = number(Shop::new().sell(&basket(vec![told], 173)).unwrap());
    assert_eq!(
        (sold.lines[0].amount, sold.lines[0].unit_price),
        (usd(170), None)
    );
    // 0.333 lb at 4.99 is 1.66.
    let sold = number(
        Shop::new()
            .sell(&basket(vec![line("HAM", 333)], 169))
            .unwrap(),
    );
    assert_eq!(
        (sold.lines[0].amount, sold.lines[0].unit_price),
        (usd(166), Some(usd(499)))
    );
}

#[test]
fn a_correction_line_moves_nothing_and_a_free_line_is_valid() {
    let mut correction = line("MISC", 0);
    correction.amount = Some(usd(0));
    let mut free = line("MILK", 1_000);
    free.unit_price = Some(usd(0));
    let sold = number(
        Shop::new()
            .sell(&basket(vec![correction, free], 0))
            .unwrap(),
    );
    assert_eq!((sold.total(), sold.movements().len()), (usd(0), 1));
}

#[test]
fn only_the_part_paid_in_cash_is_rounded() {
    let mut shop = Shop::new();
    let rule = RoundingRule::HalfUp;
    shop.policies
        .rounding
        .cash
        .insert(Currency::USD, CashRounding { increment: 5, rule });
    let sold = number(shop.sell(&basket(vec![line("MILK", 1_000)], 205)).unwrap());
    assert_eq!(
        (sold.total(), sold.rounding, sold.change_due),
        (usd(203), usd(2), usd(0))
    );
    let mut card = basket(vec![line("MILK", 1_000)], 0);
    card.tenders = vec![tender(TenderKind::Card, 203)];
    assert_eq!(number(shop.sell(&card).unwrap()).rounding, usd(0));
    card.tenders = vec![tender(TenderKind::Card, 100), tender(TenderKind::Cash, 105)];
    assert_eq!(number(shop.sell(&card).unwrap()).rounding, usd(2));
}

#[test]
fn a_basket_discount_is_shared_and_stored_with_the_lines() {
    let mut command = basket(vec![line("MILK", 1_000), line("WINE", 1_000)], 2_000);
    command.discounts = vec![discount(120)];
    let sold = number(Shop::new().sell(&command).unwrap());
    let shares: Vec<_> = sold.lines.iter().map(ReceiptLine::discount).collect();
    assert_eq!(shares, [usd(20), usd(100)]);
}

fn sum(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.map(Money::minor).sum()
}

prop_compose! {
    fn mode()(
        inclusive in any::<bool>(),
        per_group in any::<bool>(),
        coupon_reduces in any::<bool>(),
        increment in prop::sample::select(vec![1_u32, 5, 10]),
    ) -> Shop {
        let mut shop = Shop::new();
        shop.policies.tax.prices_include_tax = inclusive;
        shop.policies.tax.rounding =
            if per_group { TaxRounding::RateGroup } else { TaxRounding::Line };
        shop.policies.tax.coupon_reduces_base = coupon_reduces;
        let rounding = CashRounding { increment, rule: RoundingRule::HalfUp };
        shop.policies.rounding.cash.insert(Currency::USD, rounding);
        shop
    }
}

proptest! {
    /// Totals equal the sum of the lines to the minor unit, in every tax mode,
    /// with discounts, coupons and cash rounding.
    #[test]
    fn totals_are_the_sum_of_the_lines(
        shop in mode(),
        items in prop::collection::vec(
            (prop::sample::select(vec!["MILK", "WINE", "HAM"]), 1_i64..20, 0_i64..150), 1..20),
        off in 0_i64..150,
        coupon in 0_i64..100,
    ) {
        let lines = items.iter().map(|(sku, quantity, off)| {
            let mut line = line(sku, quantity * 1_000);
            line.discounts = vec![discount(*off)];
            line
        });
        let mut command = basket(lines.collect(), 10_000_000);
        // A line of one MILK may be down to 0.50; the basket's share fits.
        command.discounts = vec![discount(off.min(40))];
        command.tenders.push(tender(TenderKind::Coupon, coupon.min(9)));
        let sold = number(shop.sell(&command).unwrap());
        let nets = sum(sold.lines.iter().map(ReceiptLine::net));
        let taxes = || sold.lines.iter().flat_map(|line| &line.taxes);
        let on_top = sum(taxes().filter(|tax| !tax.included).map(|tax| tax.amount));
        prop_assert_eq!(sold.total().minor(), nets + on_top);
        prop_assert_eq!(sold.tax_total().minor(), sum(taxes().map(|tax| tax.amount)));
        let paid = sum(sold.tenders.iter().map(|tender| tender.amount));
        prop_assert_eq!(
            sold.total().minor() + sold.rounding.minor(),
            paid - sold.change_due.minor()
        );
        let discounts: i64 = items.iter().map(|item| item.2).sum();
        prop_assert_eq!(sold.discount_total().minor(), discounts + off.min(40));
        // With taxes inside, base and taxes of a line are what the customer
        // pays for it, less a coupon that reduces the base.
        if sold.prices_include_tax() && !sold.tax_method.coupon_reduces_base {
            for line in &sold.lines {
                let inside = sum(line.taxes.iter().map(|tax| tax.amount));
                prop_assert!(line.taxes.iter().all(|tax| tax.base.minor() + inside == line.net().minor()));
            }
        }
    }
}
