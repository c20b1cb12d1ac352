//! The rights that the hub would have held, against the real minter.

use evertill_domain::ReplicaId;
use evertill_domain::availability::{Asked, PairBasis, Situation};
use evertill_domain::policy::{Goods, Place, Selling, Units};
use evertill_domain::rights::{Cells, Position, Terms, tend};
use proptest::prelude::*;

use super::{sku, store};

const NODE: ReplicaId = ReplicaId(1);
const HUB: ReplicaId = ReplicaId(2);

fn selling(withheld: u32, share: u16, keep: u32) -> Selling {
    let mut selling = Selling::default();
    selling.safety_stock.default = Units::whole(withheld);
    selling.online.default.share_per_mille = share;
    selling.online.default.keep = Units::whole(keep);
    selling
}

/// What a node mints and hands on from nothing.
fn from_nothing(selling: &Selling, units: i64) -> Cells {
    let mut cells = Cells::default();
    let terms = Terms {
        safety_stock: selling.safety_stock.default.thousandths(),
        share: selling.online.default.share(1_000),
        awaits_count: false,
    };
    let position = Position {
        cells: &cells.clone(),
        live_promises: 0,
        units,
    };
    if let Some(write) = tend(&position, NODE, Some(HUB), (terms, 0)).unwrap() {
        cells.apply(NODE, &write);
    }
    cells
}

fn under(pair: &PairBasis, draft: &Selling, in_force: &Selling) -> i64 {
    let (sku, location) = (sku("TEA"), store("S001"));
    let asked = Asked {
        goods: Goods {
            sku: &sku,
            category: "",
            department: "",
            class: None,
        },
        quantum: 1_000,
        place: Place {
            id: &location,
            kind: evertill_domain::LocationKind::Store,
        },
        situation: Situation::default(),
        channel: None,
        now: evertill_domain::Timestamp::from_millis(0),
    };
    pair.hub_rights_under(&asked, draft, in_force)
}

#[test]
fn what_waits_for_a_count_is_not_estimated_up() {
    let pair = PairBasis {
        units: 10_000,
        outstanding: 4_000,
        hub_rights: 2_000,
        awaits_count: true,
        ..PairBasis::default()
    };
    let (strict, generous) = (selling(6, 700, 0), selling(0, 700, 0));
    assert_eq!(under(&pair, &generous, &strict), 2_000);
    assert_eq!(under(&pair, &strict, &strict.clone()), 2_000);
}

proptest! {
    /// Where a node had begun under the draft and nothing was sold, the estimate is
    /// what it would have handed on.
    #[test]
    fn a_fresh_start_is_estimated_to_the_piece(
        units in 0_i64..40, was in (0_u32..6, 0_u16..1_000, 0_u32..6),
        is in (0_u32..6, 0_u16..1_000, 0_u32..6),
    ) {
        let (in_force, draft) = (selling(was.0, was.1, was.2), selling(is.0, is.1, is.2));
        let units = units * 1_000;
        let cells = from_nothing(&in_force, units);
        let pair = PairBasis {
            on_hand: units,
            units,
            outstanding: cells.unsealed_rights(),
            hub_rights: cells.rights(HUB),
            ..PairBasis::default()
        };
        let expected = from_nothing(&draft, units).rights(HUB);
        prop_assert_eq!(under(&pair, &draft, &in_force), expected);
    }

    /// However it stood, no more is estimated than there are units.
    #[test]
    fn an_estimate_stays_within_the_units(
        units in 0_i64..40, promised in 0_i64..10, hub in 0_i64..20, node in 0_i64..20,
        was in (0_u32..6, 0_u16..1_000, 0_u32..6), is in (0_u32..6, 0_u16..1_000, 0_u32..6),
    ) {
        let (in_force, draft) = (selling(was.0, was.1, was.2), selling(is.0, is.1, is.2));
        let pair = PairBasis {
            on_hand: units * 1_000,
            units: units * 1_000,
            promised: promised * 1_000,
            outstanding: (promised + hub + node) * 1_000,
            hub_rights: hub * 1_000,
            ..PairBasis::default()
        };
        let held = under(&pair, &draft, &in_force);
        prop_assert!(held >= 0);
        let unused = (hub + node).max(units - promised).max(0) * 1_000;
        prop_assert!(held <= unused.max(hub * 1_000));
        prop_assert_eq!(under(&pair, &in_force.clone(), &in_force), hub * 1_000);
    }
}
