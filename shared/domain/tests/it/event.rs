//! Events: what is written is read back, whatever is read is sound, and what a
//! later release adds does not disturb.

use evertill_domain::discount::LineDiscount;
use evertill_domain::event::{self, Event, EventError};
use evertill_domain::policy::CashRounding;
use evertill_domain::receipt::{Fiscal, Receipt, ReceiptKind, TenderKind};
use evertill_domain::sale::SaleCommand;
use evertill_domain::tax::TaxRounding;
use evertill_domain::void::decide_void;
use evertill_domain::{Bucket, BusinessDate, Currency, Money, RoundingRule, Timestamp};
use proptest::prelude::*;

use crate::baskets::{Shop, basket, discount, line, tender, usd};

pub fn numbered(shop: &Shop, command: &SaleCommand) -> Receipt {
    let draft = shop.sell(command).unwrap();
    draft.numbered("S001-1-ABCD-7".parse().unwrap())
}

pub fn voided(receipt: &Receipt) -> Receipt {
    let day = BusinessDate::from_days(17_168).unwrap();
    decide_void(
        receipt,
        &[],
        "wrong customer",
        Timestamp::from_millis(1_483_400_000_001),
        day,
    )
    .unwrap()
    .numbered("S001-1-ABCD-8".parse().unwrap())
}

/// Encodes a receipt, asserts that it comes back, and gives its bytes.
#[track_caller]
pub fn trip(receipt: &Receipt) -> Vec<u8> {
    receipt.check().unwrap();
    let event = Event::Receipt(Box::new(receipt.clone()));
    let bytes = event::encode(&event);
    assert_eq!(event::decode(&bytes), Ok(event), "{}", hex::encode(&bytes));
    bytes
}

prop_compose! {
    /// A store in any tax mode.
    pub fn shop()(
        inclusive in any::<bool>(),
        per_group in any::<bool>(),
        coupon_reduces in any::<bool>(),
        rule in prop::sample::select(vec![
            RoundingRule::HalfUp, RoundingRule::HalfEven, RoundingRule::Up, RoundingRule::Down,
        ]),
        increment in prop::sample::select(vec![1_u32, 5, 10]),
    ) -> Shop {
        let mut shop = Shop::new();
        shop.policies.tax.prices_include_tax = inclusive;
        shop.policies.tax.rounding =
            if per_group { TaxRounding::RateGroup } else { TaxRounding::Line };
        shop.policies.tax.coupon_reduces_base = coupon_reduces;
        shop.policies.tax.rule = rule;
        let rounding = CashRounding { increment, rule: RoundingRule::HalfUp };
        shop.policies.rounding.cash.insert(Currency::USD, rounding);
        shop
    }
}

prop_compose! {
    /// A sale in any tax mode, with discounts, coupons, change and texts. The
    /// discounts leave at least the coupon's worth of every line, so that a
    /// coupon never exceeds what is due.
    pub fn sale()(
        shop in shop(),
        items in prop::collection::vec(
            (prop::sample::select(vec!["MILK", "WINE", "HAM", "MISC"]), 1_i64..20, 0_i64..120), 1..20),
        off in prop::collection::vec(0_i64..20, 0..4),
        coupon in prop::option::of(0_i64..9),
        exact in any::<bool>(),
        told in prop::option::of(200_i64..400),
        customer in prop::option::of("[0-9A-Z]{0,6}"),
        at in -60_000_000_000_000_i64..250_000_000_000_000,
    ) -> Receipt {
        let lines = items.iter().map(|(sku, quantity, off)| {
            let thousandths = if *sku == "HAM" { quantity * 777 } else { quantity * 1_000 };
            let mut line = line(sku, thousandths);
            if *off > 40 { line.discounts = vec![discount(*off)]; }
            if *sku == "MISC" { line.amount = Some(usd(told.unwrap_or(250))); }
            line
        });
        let mut command = basket(lines.collect(), 10_000_000);
        command.discounts = off.iter().map(|minor| discount(*minor)).collect();
        if let Some(coupon) = coupon {
            command.tenders.push(tender(TenderKind::Coupon, coupon));
        }
        command.customer_ref = customer;
        command.sold_at = Some(Timestamp::from_millis(at));
        let receipt = numbered(&shop, &command);
        if !exact {
            return receipt;
        }
        // Paid by card to the cent: the amount need not travel.
        command.tenders.retain(|tender| tender.kind == TenderKind::Coupon);
        let due = receipt.total().minor() - receipt.tendered(TenderKind::Coupon).minor();
        command.tenders.push(tender(TenderKind::Card, due));
        numbered(&shop, &command)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(receipt in sale()) {
        trip(&receipt);
        let mut void = voided(&receipt);
        trip(&void);
        let ReceiptKind::Void { original, .. } = void.kind else { unreachable!() };
        void.kind = ReceiptKind::Return { original };
        trip(&void);
    }

    /// Figures that no decision of ours makes, but that pass the check.
    #[test]
    fn odd_figures_are_written_out(
        receipt in sale(),
        line in any::<prop::sample::Index>(),
        by in -3_i64..3,
        swap in any::<bool>(),
        price in prop::option::of(0_i64..5_000),
    ) {
        let mut receipt = receipt;
        let line = line.index(receipt.lines.len());
        let line = &mut receipt.lines[line];
        if let Some(tax) = line.taxes.first_mut() {
            tax.base = usd(tax.base.minor() + by);
        }
        if swap {
            line.discounts.reverse();
        } else {
            // A share under another name than its basket discount.
            for share in line.discounts.iter_mut().filter(|d| d.basket.is_some()) {
                share.reason = "other".to_owned();
            }
        }
        line.discounts.push(LineDiscount::on_line(&discount(0)));
        line.unit_price = price.map(usd);
        line.bucket = Some(Bucket::Staged);
        line.lot = Some("007".to_owned());
        line.serial = Some("7".to_owned());
        line.price_reason = Some(String::new());
        receipt.taxes = evertill_domain::tax::sum_taxes(
            receipt.lines.iter().map(|line| line.taxes.as_slice()),
        ).unwrap();
        receipt.fiscal = Fiscal::Signed { signature: "Zm9v".to_owned() };
        trip(&receipt);
        receipt.fiscal = Fiscal::OutagePending;
        trip(&receipt);
    }

    /// Any bytes give an event or an error, and never a panic.
    #[test]
    fn reading_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = event::decode(&bytes);
    }

    /// So do bytes close to those of a receipt; what is read is sound.
    #[test]
    fn altered_receipts_are_sound_or_refused(
        receipt in sale(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..5),
    ) {
        let mut bytes = trip(&receipt);
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => { bytes.splice(at..at, [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, byte]); }
            }
        }
        if let Ok(event) = event::decode(&bytes) {
            if let Event::Receipt(receipt) = &event {
                receipt.check().unwrap();
            }
            let _ = evertill_domain::effects(&event);
        }
    }
}

#[test]
fn the_largest_receipt_and_its_figures_come_back() {
    let mut command = basket(vec![line("HAM", 999); 500], 0);
    let limit = Money::MAX_MINOR / 500;
    for line in &mut command.lines {
        line.amount = Some(usd(limit - limit / 10));
        line.discounts = vec![discount(1); 32];
    }
    command.discounts = vec![discount(1_000_003); 32];
    command.tenders = vec![tender(TenderKind::Cash, Money::MAX_MINOR)];
    let receipt = numbered(&Shop::new(), &command);
    assert!(trip(&receipt).len() < 100_000);
    trip(&voided(&receipt));
}

#[test]
fn bytes_that_are_no_event_say_why() {
    for (bytes, why) in [
        (&[][..], "end of input"),
        (&[0x80], "[kind, body]"),
        (&[0x81, 1], "[kind, body]"),
        (&[0x9f, 1, 0x80, 0xff], "[kind, body]"),
        (&[0x82, 0x20, 0x80], ""),
        (&[0x82, 0x18, 99], "end of input"),
        (&[0x82, 0x18, 99, 0x80, 0x80], "bytes follow"),
        (&[0x82, 1, 0x80], "receipt"),
    ] {
        let error = event::decode(bytes).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let bytes = trip(&numbered(
        &Shop::new(),
        &basket(vec![line("MILK", 1_000)], 1_000),
    ));
    for end in 0..bytes.len() {
        assert!(event::decode(&bytes[..end]).is_err());
    }
}

#[test]
fn a_later_release_may_add_kinds_and_fields() {
    let later = hex::decode("8218639a0001000000").unwrap();
    assert!(matches!(
        event::decode(&later),
        Err(EventError::Malformed(_))
    ));
    // [99, ["new", {1: 2}], "more"]
    let later = hex::decode("8318638263 6e6577 a10102 646d6f7265".replace(' ', "")).unwrap();
    assert_eq!(event::decode(&later), Ok(Event::Unknown { kind: 99 }));
    let receipt = numbered(&Shop::new(), &basket(vec![line("MILK", 1_000)], 1_000));
    let event = Event::Receipt(Box::new(receipt.clone()));
    let bytes = trip(&receipt);
    // [1, body] becomes [1, body, "more"], and body gets a field 19.
    assert_eq!(bytes[..2], [0x82, 1]);
    let fields = bytes[2] - 0x80;
    let nulls = usize::from(19 - fields);
    let more = [
        &[0x83, 1, 0x94],
        &bytes[3..],
        &vec![0xf6; nulls],
        b"dmore",
        b"dmore",
    ]
    .concat();
    assert_eq!(event::decode(&more), Ok(event));
}

#[test]
fn an_event_of_unknown_kind_is_never_written() {
    let written = std::panic::catch_unwind(|| event::encode(&Event::Unknown { kind: 99 }));
    assert!(written.is_err());
}
