//! Every way to send a wrong sale: the field, the rule, and nothing else.

use evertill_domain::receipt::TenderKind;
use evertill_domain::sale::SaleCommand;
use evertill_domain::{Currency, Money};

use crate::baskets::{Shop, basket, discount, line, tender, usd};

fn expect(command: &SaleCommand, pointer: &str, code: &str) {
    let refused = Shop::new().sell(command).unwrap_err();
    let field = &refused.fields()[0];
    assert_eq!(
        (field.pointer.as_str(), field.code),
        (pointer, code),
        "{refused}"
    );
    assert!(field.detail.len() > 20, "{refused}");
}

#[test]
fn lines() {
    expect(&basket(Vec::new(), 0), "/lines", "no_lines");
    expect(
        &basket(vec![line("MILK", 1_000); 501], 0),
        "/lines",
        "too_many_lines",
    );
    expect(
        &basket(vec![line("NONSENSE", 1_000)], 0),
        "/lines/0/sku",
        "unknown_sku",
    );
    expect(
        &basket(vec![line("MILK", -1_000)], 0),
        "/lines/0/quantity",
        "not_positive",
    );
    expect(
        &basket(vec![line("MILK", 0)], 0),
        "/lines/0/quantity",
        "not_positive",
    );
    expect(
        &basket(vec![line("MILK", 500)], 0),
        "/lines/0/quantity",
        "too_precise",
    );
    expect(
        &basket(vec![line("MISC", 1_000)], 0),
        "/lines/0/unit_price",
        "no_price",
    );
    let huge = basket(vec![line("WINE", 1_000_000_000_000); 200], 0);
    assert!(Shop::new().sell(&huge).is_err());
    let mut euro = line("MILK", 1_000);
    euro.unit_price = Some(Money::new(199, Currency::EUR).unwrap());
    expect(
        &basket(vec![euro], 0),
        "/lines/0/unit_price",
        "mixed_currencies",
    );
    let mut gift = line("MILK", 1_000);
    gift.unit_price = Some(usd(-1));
    expect(
        &basket(vec![gift], 0),
        "/lines/0/unit_price",
        "negative_price",
    );
    let mut product = Shop::new();
    product.policies.tax.classes.clear();
    let refused = product
        .sell(&basket(vec![line("MILK", 1_000)], 0))
        .unwrap_err();
    assert_eq!(refused.fields()[0].code, "unknown_tax_class");
}

#[test]
fn every_wrong_line_is_named() {
    let command = basket(
        vec![line("A", 1_000), line("MILK", 1_000), line("MILK", 1)],
        0,
    );
    let refused = Shop::new().sell(&command).unwrap_err();
    let pointers: Vec<_> = refused
        .fields()
        .iter()
        .map(|field| &*field.pointer)
        .collect();
    assert_eq!(pointers, ["/lines/0/sku", "/lines/2/quantity"]);
}

#[test]
fn discounts() {
    let mut command = basket(vec![line("MILK", 1_000)], 0);
    command.lines[0].discounts = vec![discount(100), discount(100)];
    expect(
        &command,
        "/lines/0/discounts/1/amount",
        "discount_exceeds_line",
    );
    command.lines[0].discounts = vec![discount(-1)];
    expect(&command, "/lines/0/discounts/0/amount", "not_positive");
    let mut command = basket(vec![line("MILK", 1_000)], 0);
    command.discounts = vec![discount(199), discount(1)];
    expect(&command, "/discounts/1/amount", "discount_exceeds_basket");
}

#[test]
fn tenders() {
    // 1.99 and 2 % tax: 2.03.
    expect(
        &basket(vec![line("MILK", 1_000)], 202),
        "/tenders",
        "tenders_short",
    );
    let mut command = basket(vec![line("MILK", 1_000)], -203);
    expect(&command, "/tenders/0/amount", "not_positive");
    command.tenders = vec![tender(TenderKind::Card, 204)];
    expect(&command, "/tenders", "no_change_for_card");
    command.tenders = vec![tender(TenderKind::Coupon, 204)];
    expect(&command, "/tenders", "no_change_for_card");
    command.tenders.clear();
    expect(&command, "/tenders", "tenders_short");
    command.tenders = vec![tender(TenderKind::Cash, 203)];
    command.tenders[0].amount = Money::new(203, Currency::EUR).unwrap();
    expect(&command, "/tenders/0/amount", "mixed_currencies");
}

#[test]
fn texts_that_are_too_long() {
    let mut command = basket(vec![line("MILK", 1_000)], 203);
    command.cashier = Some("x".repeat(201));
    expect(&command, "", "unsound_receipt");
}
