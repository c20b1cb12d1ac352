//! A return gives back what was paid, once.

use std::collections::BTreeMap;

use evertill_domain::giveback::{ReturnCommand, ReturnLine, decide_return};
use evertill_domain::policy::CashRounding;
use evertill_domain::receipt::{Receipt, ReceiptKind, Tender, TenderKind};
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_domain::sale::SaleContext;
use evertill_domain::tax::TaxRounding;
use evertill_domain::void::decide_void;
use evertill_domain::{Bucket, BusinessDate, Currency, Money, RoundingRule, StockKey, Timestamp};
use proptest::prelude::*;

use crate::baskets::{Shop, basket, discount, line, tender, thousandths, usd};

fn context(shop: &Shop) -> SaleContext<'_> {
    SaleContext {
        location: &shop.location,
        register: &shop.register,
        now: Timestamp::from_millis(1_483_400_000_000),
        policies: &shop.policies,
        products: &shop.products,
    }
}

fn back(line: u32, quantity: i64) -> ReturnLine {
    ReturnLine {
        line,
        quantity: thousandths(quantity),
        bucket: Bucket::Sellable,
        reason: "too small".to_owned(),
    }
}

fn give(lines: Vec<ReturnLine>, tenders: Vec<Tender>) -> ReturnCommand {
    ReturnCommand {
        lines,
        tenders,
        ..ReturnCommand::default()
    }
}

/// Returns lines for what they are worth on a card, as the refusal tells it.
fn on_card(
    shop: &Shop,
    lines: Vec<ReturnLine>,
    original: &Receipt,
    earlier: &[Receipt],
) -> Result<Receipt, Rejections> {
    let mut command = give(lines, Vec::new());
    let decide =
        |command: &ReturnCommand| decide_return(command, original, earlier, &context(shop));
    let mut decided = decide(&command);
    if let Err(refused) = &decided
        && refused.fields()[0].code == "tenders_differ"
    {
        let detail = &refused.fields()[0].detail;
        let owed = detail.strip_prefix("the customer gets back ").unwrap();
        let owed = owed.split_once(' ').unwrap().0;
        command.tenders = vec![Tender {
            kind: TenderKind::Card,
            amount: Money::parse_decimal(owed, Currency::USD).unwrap(),
            reference: None,
        }];
        decided = decide(&command);
    }
    let number = format!("S001-1-ABCD-{}", earlier.len() + 2);
    decided.map(|draft| draft.numbered(number.parse().unwrap()))
}

fn sold(shop: &Shop) -> Receipt {
    let mut command = basket(vec![line("MILK", 3_000), line("HAM", 750)], 1_000);
    command.lines[0].discounts = vec![discount(25)];
    command.discounts = vec![discount(100)];
    command.tenders.push(tender(TenderKind::Coupon, 50));
    let draft = shop.sell(&command).unwrap();
    draft.numbered("S001-1-ABCD-1".parse().unwrap())
}

fn code(result: Result<Receipt, Rejections>) -> (&'static str, RejectionClass) {
    let refused = result.unwrap_err();
    (refused.fields()[0].code, refused.class())
}

#[test]
fn one_piece_comes_back_for_its_share() {
    let shop = Shop::new();
    let sale = shop.sell(&basket(vec![line("MILK", 2_000)], 406)).unwrap();
    let sale = sale.numbered("S001-1-ABCD-1".parse().unwrap());
    let returned = on_card(&shop, vec![back(1, 1_000)], &sale, &[]).unwrap();
    assert!(matches!(&returned.kind, ReceiptKind::Return { original } if *original == sale.number));
    let line = &returned.lines[0];
    assert_eq!((line.amount, line.unit_price), (usd(-199), Some(usd(199))));
    assert_eq!(
        (returned.total(), returned.tenders[0].amount),
        (usd(-203), usd(-203))
    );
    let movement = &returned.movements()[0];
    assert_eq!(
        (movement.from, movement.to),
        (Bucket::Customer, Bucket::Sellable)
    );
}

#[test]
fn the_part_in_cash_is_rounded_as_it_was_when_paid() {
    let mut shop = Shop::new();
    let five = CashRounding {
        increment: 5,
        rule: RoundingRule::HalfUp,
    };
    shop.policies.rounding.cash.insert(Currency::USD, five);
    let sale = shop.sell(&basket(vec![line("MILK", 1_000)], 500)).unwrap();
    let sale = sale.numbered("S001-1-ABCD-1".parse().unwrap());
    assert_eq!((sale.total(), sale.rounding), (usd(203), usd(2)));
    let command = give(vec![back(1, 1_000)], vec![tender(TenderKind::Cash, 205)]);
    let returned = decide_return(&command, &sale, &[], &context(&shop)).unwrap();
    let returned = returned.numbered("S001-1-ABCD-2".parse().unwrap());
    assert_eq!((returned.total(), returned.rounding), (usd(-203), usd(-2)));
    assert_eq!(returned.tenders[0].amount, usd(-205));
}

#[test]
fn what_cannot_come_back_is_refused_with_the_remedy() {
    let shop = Shop::new();
    let sale = sold(&shop);
    let twice = vec![back(1, 2_000), back(1, 2_000)];
    let mut staged = back(1, 1_000);
    staged.bucket = Bucket::Staged;
    let mut mute = back(1, 1_000);
    mute.reason = " ".to_owned();
    let wrong = RejectionClass::Unprocessable;
    for (lines, expected) in [
        (vec![], ("no_lines", wrong)),
        (vec![back(9, 1_000)], ("unknown_line", wrong)),
        (vec![back(1, 4_000)], ("exceeds_sold", wrong)),
        (twice, ("exceeds_sold", RejectionClass::Conflict)),
        (vec![back(1, 500)], ("too_precise", wrong)),
        (vec![back(1, 0)], ("not_positive", wrong)),
        (vec![back(1, -1_000)], ("not_positive", wrong)),
        (vec![staged], ("bucket_not_allowed", wrong)),
        (vec![mute], ("no_reason", wrong)),
    ] {
        assert_eq!(code(on_card(&shop, lines, &sale, &[])), expected);
    }
    let first = on_card(&shop, vec![back(1, 2_000)], &sale, &[]).unwrap();
    let earlier = [first];
    let again = on_card(&shop, vec![back(1, 2_000)], &sale, &earlier);
    assert_eq!(code(again), ("exceeds_sold", RejectionClass::Conflict));
    let of_return = on_card(&shop, vec![back(1, 1_000)], &earlier[0], &[]);
    assert_eq!(code(of_return), ("not_a_sale", RejectionClass::Conflict));
    let day = BusinessDate::from_days(17_168).unwrap();
    let void = decide_void(&sale, &[], "x", Timestamp::from_millis(0), day).unwrap();
    let void = [void.numbered("S001-1-ABCD-3".parse().unwrap())];
    let of_void = on_card(&shop, vec![back(1, 1_000)], &sale, &void);
    assert_eq!(code(of_void), ("already_voided", RejectionClass::Conflict));
}

#[test]
fn the_tenders_are_exactly_what_is_owed() {
    let shop = Shop::new();
    let sale = sold(&shop);
    let owed = on_card(&shop, vec![back(1, 1_000)], &sale, &[])
        .unwrap()
        .total()
        .minor();
    for (tenders, expected) in [
        (vec![tender(TenderKind::Card, -owed)], None),
        (
            vec![
                tender(TenderKind::Card, 1),
                tender(TenderKind::Cash, -owed - 1),
            ],
            None,
        ),
        (
            vec![tender(TenderKind::Card, 1 - owed)],
            Some("tenders_differ"),
        ),
        (
            vec![tender(TenderKind::Cash, -1 - owed)],
            Some("tenders_differ"),
        ),
        (vec![], Some("tenders_differ")),
        (vec![tender(TenderKind::Card, owed)], Some("not_positive")),
    ] {
        let command = give(vec![back(1, 1_000)], tenders);
        let decided = decide_return(&command, &sale, &[], &context(&shop));
        assert_eq!(
            decided.err().map(|refused| refused.fields()[0].code),
            expected
        );
    }
}

/// Every figure of a sale and its returns, which must come to nothing.
fn check_sums(receipts: &[Receipt]) {
    let mut taxes: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut stock: BTreeMap<StockKey, i64> = BTreeMap::new();
    let mut figures = [0_i64; 4];
    for receipt in receipts {
        let own = [
            receipt.total(),
            receipt.subtotal(),
            receipt.discount_total(),
            receipt.tax_total(),
        ];
        for (sum, figure) in figures.iter_mut().zip(own) {
            *sum += figure.minor();
        }
        for tax in &receipt.taxes {
            let sum = taxes
                .entry(format!("{} {}", tax.code, tax.rate))
                .or_default();
            *sum = (sum.0 + tax.base.minor(), sum.1 + tax.amount.minor());
        }
        for movement in receipt.movements() {
            for delta in movement.deltas(&receipt.number.location) {
                *stock.entry(delta.key).or_default() += delta.delta;
            }
        }
    }
    assert_eq!(figures, [0; 4]);
    assert!(taxes.values().all(|sums| *sums == (0, 0)), "{taxes:?}");
    assert!(stock.values().all(|sum| *sum == 0), "{stock:?}");
}

proptest! {
    /// In every tax mode, whatever comes back first.
    #[test]
    fn everything_in_any_steps_adds_up_to_nothing(
        pieces in 1_i64..5,
        weight in 1_i64..3_000,
        told in 0_i64..700,
        off_line in 0_i64..100,
        off_basket in 0_i64..200,
        included: bool,
        grouped: bool,
        first in 1_i64..5,
        part in 1_i64..3_000,
    ) {
        let mut shop = Shop::new();
        shop.policies.tax.prices_include_tax = included;
        if grouped {
            shop.policies.tax.rounding = TaxRounding::RateGroup;
        }
        let mut lines = vec![line("MILK", pieces * 1_000), line("HAM", weight), line("WINE", 3_000)];
        lines[0].discounts = vec![discount(off_line), discount(off_line / 2)];
        lines[1].amount = Some(usd(told));
        let mut command = basket(lines, 10_000);
        command.discounts = vec![discount(off_basket), discount(7)];
        let sale = shop.sell(&command).unwrap().numbered("S001-1-ABCD-1".parse().unwrap());
        let mut receipts = vec![sale.clone()];
        let steps = [
            vec![back(1, first.min(pieces) * 1_000), back(3, 1_000)],
            vec![back(2, part.min(weight)), back(3, 1_000)],
            vec![
                back(1, (pieces - first.min(pieces)) * 1_000),
                back(2, weight - part.min(weight)),
                back(3, 1_000),
            ],
        ];
        for mut step in steps {
            step.retain(|line| line.quantity.is_positive());
            let returned = on_card(&shop, step, &sale, &receipts[1..]).unwrap();
            prop_assert!(returned.total().minor() <= 0);
            receipts.push(returned);
        }
        check_sums(&receipts);
    }
}
