//! A void undoes a sale completely, once.

use std::collections::BTreeMap;

use evertill_domain::receipt::{Receipt, TenderKind};
use evertill_domain::void::decide_void;
use evertill_domain::{BusinessDate, StockKey, Timestamp};

use crate::baskets::{Shop, basket, discount, line, tender, usd};

fn sold() -> Receipt {
    let mut command = basket(vec![line("MILK", 2_000), line("HAM", 750)], 1_000);
    command.lines[0].discounts = vec![discount(25)];
    command.discounts = vec![discount(100)];
    command.tenders.push(tender(TenderKind::Coupon, 50));
    let draft = Shop::new().sell(&command).unwrap();
    draft.numbered("S001-1-ABCD-1".parse().unwrap())
}

fn void(original: &Receipt, earlier: &[Receipt]) -> Result<Receipt, &'static str> {
    let later = Timestamp::from_millis(1_483_400_000_000);
    let day = BusinessDate::from_days(17_168).unwrap();
    decide_void(original, earlier, "wrong customer", later, day)
        .map(|draft| draft.numbered("S001-1-ABCD-2".parse().unwrap()))
        .map_err(|refused| refused.fields()[0].code)
}

#[test]
fn a_sale_and_its_void_add_up_to_nothing() {
    let sale = sold();
    let undone = void(&sale, &[]).unwrap();
    let both = [&sale, &undone];
    let zero = |figure: &dyn Fn(&Receipt) -> i64| {
        assert_eq!(both.iter().map(|receipt| figure(receipt)).sum::<i64>(), 0);
    };
    assert!(sale.total() > usd(0));
    zero(&|receipt| receipt.total().minor());
    zero(&|receipt| receipt.subtotal().minor());
    zero(&|receipt| receipt.discount_total().minor());
    zero(&|receipt| receipt.tax_total().minor());
    zero(&|receipt| receipt.change_due.minor());
    for kind in TenderKind::ALL {
        zero(&|receipt| receipt.tendered(kind).minor());
    }
    let location = "S001".parse().unwrap();
    let mut stock: BTreeMap<StockKey, i64> = BTreeMap::new();
    for movement in both.iter().flat_map(|receipt| receipt.movements()) {
        for delta in movement.deltas(&location) {
            *stock.entry(delta.key).or_default() += delta.delta;
        }
    }
    assert_eq!(stock.len(), 4);
    assert!(stock.values().all(|units| *units == 0), "{stock:?}");
}

#[test]
fn a_void_happens_once_and_only_to_a_sale() {
    let sale = sold();
    let undone = void(&sale, &[]).unwrap();
    assert_eq!(
        void(&sale, std::slice::from_ref(&undone)),
        Err("already_voided")
    );
    assert_eq!(void(&undone, &[]), Err("not_a_sale"));
    let day = BusinessDate::from_days(17_168).unwrap();
    let refused = decide_void(&sale, &[], "  ", sale.sold_at, day).unwrap_err();
    assert_eq!(refused.fields()[0].pointer, "/reason");
}
