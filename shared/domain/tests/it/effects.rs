//! What events add to sums: the same in every order, and nothing together with
//! what undoes them.

use std::collections::BTreeMap;

use evertill_domain::days::{DayFigures, DayKey};
use evertill_domain::event::Event;
use evertill_domain::receipt::{Receipt, ReceiptKind, TenderKind};
use evertill_domain::{Currency, DayDelta, DayTotals, Money, effects};
use proptest::prelude::*;

use crate::baskets::{Shop, basket, discount, line, tender};
use crate::event::{numbered, sale, voided};
use crate::stock_events::stock;

fn event(receipt: &Receipt) -> Event {
    Event::Receipt(Box::new(receipt.clone()))
}

fn day(receipt: &Receipt) -> DayDelta {
    effects(&event(receipt)).day.unwrap()
}

/// The totals of every day and currency.
fn days(events: &[Event]) -> BTreeMap<DayKey, DayTotals> {
    let mut days: BTreeMap<DayKey, DayTotals> = BTreeMap::new();
    for delta in events.iter().filter_map(|event| effects(event).day) {
        let total = days.entry(delta.key.clone());
        total
            .or_insert_with(|| DayTotals::new(delta.key.clone()))
            .add(&delta)
            .unwrap();
    }
    days
}

/// What is left over when every receipt was undone.
fn nothing_left(figures: &DayFigures) -> bool {
    figures.rounding == 0
        && figures
            .taxes
            .values()
            .all(|tax| tax.base == 0 && tax.amount == 0)
        && figures.tenders.values().all(|amount| *amount == 0)
}

#[test]
fn a_day_counts_what_the_words_say() {
    let mut command = basket(vec![line("MILK", 2_000), line("WINE", 1_000)], 2_000);
    command.lines[0].discounts = vec![discount(98)];
    command.tenders.push(tender(TenderKind::Coupon, 50));
    let sold = numbered(&Shop::new(), &command);
    // 3.98 + 10.00, less 0.98; taxes 0.06, 0.60 and 0.13 (half a cent up).
    let figures = day(&sold).figures;
    assert_eq!(
        (figures.gross, figures.discounts, figures.returns),
        (1_398, 98, 0)
    );
    assert_eq!(figures.receipts, 1);
    let taxes: Vec<(i64, i64)> = figures.taxes.values().map(|t| (t.base, t.amount)).collect();
    assert_eq!(taxes, [(1_000, 13), (300, 6), (1_000, 60)]);
    // Cash is net of change.
    let cash = sold.total().minor() - 50;
    assert_eq!(figures.tenders[&TenderKind::Cash], cash);
    assert_eq!(figures.tenders[&TenderKind::Coupon], 50);
    let undone = day(&voided(&sold)).figures;
    assert_eq!((undone.gross, undone.discounts), (0, 0));
    assert_eq!(undone.returns, sold.total().minor());
    assert_eq!(undone.tenders[&TenderKind::Cash], -cash);
}

#[test]
fn a_day_beyond_64_bits_is_an_error_and_changes_nothing() {
    let sold = numbered(&Shop::new(), &basket(vec![line("MILK", 1_000)], 500));
    let mut delta = day(&sold);
    let mut totals = DayTotals::new(delta.key.clone());
    totals.add(&delta).unwrap();
    delta.figures.gross = i64::MAX;
    let before = totals.clone();
    assert!(totals.add(&delta).unwrap_err().to_string().contains("S001"));
    assert_eq!(totals, before);
    delta.key.currency = Currency::EUR;
    let mixed = std::panic::catch_unwind(move || totals.add(&delta));
    assert!(mixed.is_err());
}

proptest! {
    #[test]
    fn a_sale_and_its_void_or_full_return_net_to_nothing(sold in sale()) {
        let mut undone = voided(&sold);
        for full_return in [false, true] {
            if full_return {
                let original = sold.number.clone();
                undone.kind = ReceiptKind::Return { original };
            }
            undone.business_date = sold.business_date;
            let events = [event(&sold), event(&undone)];
            prop_assert!(stock(&events).is_empty());
            let days = days(&events);
            prop_assert_eq!(days.len(), 1);
            let figures = &days[&day(&sold).key].figures;
            prop_assert!(nothing_left(figures), "{:?}", figures);
            prop_assert_eq!(figures.returns, sold.total().minor());
            let facts = effects(&events[1]).receipt.unwrap();
            prop_assert_eq!(facts.original, Some(sold.number.clone()));
            prop_assert_eq!(facts.total, sold.total().negated());
        }
    }

    #[test]
    fn effects_add_up_in_any_order(
        sales in prop::collection::vec((sale(), any::<bool>()), 1..5),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut events = Vec::new();
        for (sold, void) in &sales {
            events.push(event(sold));
            events.extend(void.then(|| event(&voided(sold))));
        }
        let (sums, totals) = (stock(&events), days(&events));
        let turn = turn.index(events.len());
        events.rotate_left(turn);
        prop_assert_eq!(&stock(&events), &sums);
        prop_assert_eq!(&days(&events), &totals);
        events.reverse();
        prop_assert_eq!(stock(&events), sums);
        prop_assert_eq!(days(&events), totals);
    }

    /// Sums of a day agree with sums over its receipts.
    #[test]
    fn a_day_balances(sales in prop::collection::vec((sale(), any::<bool>()), 1..5)) {
        let mut figures = DayFigures::default();
        let mut receipts = Vec::new();
        for (sold, void) in sales {
            receipts.extend(void.then(|| voided(&sold)));
            receipts.push(sold);
        }
        for receipt in &receipts {
            figures = figures.sum(&day(receipt).figures).unwrap();
        }
        let sum = |of: fn(&Receipt) -> Money| receipts.iter().map(|r| of(r).minor()).sum::<i64>();
        let paid: i64 = figures.tenders.values().sum();
        prop_assert_eq!(paid, sum(Receipt::total) + figures.rounding);
        let taxes: i64 = figures.taxes.values().map(|tax| tax.amount).sum();
        prop_assert_eq!(taxes, sum(Receipt::tax_total));
        prop_assert_eq!(figures.receipts, i64::try_from(receipts.len()).unwrap());
    }
}
