//! Availability: the sum is exact, and nothing is promised without a right.

use evertill_domain::availability::{Incoming, LocationFigures, Reason, at_location, by_date};
use proptest::prelude::*;

fn figures() -> LocationFigures {
    LocationFigures {
        on_hand: 12_000,
        sellable_or_staged: 11_000,
        promised: 2_000,
        safety_stock: 1_000,
        hub_rights: 5_000,
        ..LocationFigures::default()
    }
}

fn reasons(figures: &LocationFigures) -> (Vec<(Reason, i64)>, i64) {
    let found = at_location("S001".parse().unwrap(), figures);
    let all = found.subtract.iter().map(|s| (s.reason, s.quantity));
    (all.collect(), found.atp)
}

#[test]
fn every_unit_that_is_missing_is_explained() {
    assert_eq!(
        reasons(&figures()),
        (
            vec![
                (Reason::NotSellable, 1_000),
                (Reason::Promised, 2_000),
                (Reason::SafetyStock, 1_000),
                (Reason::NodeShare, 3_000),
            ],
            5_000
        )
    );
}

#[test]
fn one_word_closes_a_location() {
    for (closed, reason) in [
        (
            LocationFigures {
                suspended: true,
                ..figures()
            },
            Reason::Suspended,
        ),
        (
            LocationFigures {
                selling_closed: true,
                ..figures()
            },
            Reason::SellingClosed,
        ),
        (
            LocationFigures {
                channel_excluded: true,
                ..figures()
            },
            Reason::ChannelExcluded,
        ),
        (
            LocationFigures {
                debt: 1,
                ..figures()
            },
            Reason::Debt,
        ),
    ] {
        let (subtract, atp) = reasons(&closed);
        assert_eq!(subtract.last(), Some(&(reason, 8_000)));
        assert_eq!(atp, 0);
    }
}

#[test]
fn carts_take_from_the_hubs_rights() {
    let carts = LocationFigures {
        soft_holds: 4_000,
        ..figures()
    };
    assert_eq!(reasons(&carts).1, 1_000);
}

#[test]
fn stock_below_nothing_promises_nothing() {
    let negative = LocationFigures {
        on_hand: -3_000,
        sellable_or_staged: -3_000,
        ..LocationFigures::default()
    };
    assert_eq!(reasons(&negative), (vec![(Reason::Debt, -3_000)], 0));
}

#[test]
fn what_comes_by_the_date_counts() {
    let date = |text: &str| text.parse().unwrap();
    let incoming = |day: &str, quantity| Incoming {
        date: date(day),
        quantity,
        source: "PO-1".to_owned(),
    };
    let all = [incoming("2026-12-01", 5_000), incoming("2026-12-24", 9_000)];
    assert_eq!(by_date(1_000, &all, date("2026-11-30")), 1_000);
    assert_eq!(by_date(1_000, &all, date("2026-12-01")), 6_000);
    assert_eq!(by_date(1_000, &all, date("2026-12-31")), 15_000);
}

proptest! {
    #[test]
    fn the_sum_is_exact_and_no_unit_is_promised_without_a_right(
        on_hand in -50_000_i64..50_000, aside in -5_000_i64..20_000,
        promised in 0_i64..30_000, safety_stock in 0_i64..9_000,
        expected_since_contact in 0_i64..9_000, debt in prop_oneof![3 => Just(0), 1 => 1_i64..9],
        suspended in prop::bool::weighted(0.1), channel_reserve in 0_i64..9_000,
        soft_holds in 0_i64..9_000, hub_rights in 0_i64..40_000,
    ) {
        let figures = LocationFigures {
            on_hand, sellable_or_staged: on_hand - aside, promised, safety_stock,
            expected_since_contact, debt, suspended, channel_reserve, soft_holds, hub_rights,
            ..LocationFigures::default()
        };
        let found = at_location("S001".parse().unwrap(), &figures);
        let subtracted: i64 = found.subtract.iter().map(|s| s.quantity).sum();
        prop_assert_eq!(found.on_hand - subtracted, found.atp);
        prop_assert!(found.atp >= 0);
        prop_assert!(found.atp <= (hub_rights - soft_holds).max(0));
        prop_assert!(found.subtract.iter().all(|s| s.quantity != 0));
    }
}
