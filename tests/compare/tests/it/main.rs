//! The comparison is fair: repeatable, bounded by perfect information, and every
//! unit is counted (the runs assert that themselves).

use evertill_compare::demand::Demand;
use evertill_compare::outcome::Outcome;
use evertill_compare::regime::Regime;
use evertill_compare::scenario::{Outage, Scenario};
use evertill_compare::week::play;

const REGIMES: [Regime; 5] = [
    Regime::Periodic,
    Regime::Counter(0),
    Regime::Counter(2),
    Regime::Evertill,
    Regime::Perfect,
];

const WORST: Scenario = Scenario {
    online: 20,
    error: 30,
    outage: Outage::Days,
};

fn sum(demand: &Demand, scenario: Scenario, regime: Regime) -> (u32, u32, u32) {
    let outcomes = (1..=10).map(|seed| play(demand, scenario, regime, seed));
    outcomes.fold((0, 0, 0), |(kept, cancelled, refused), o| {
        (
            kept + o.kept(),
            cancelled + o.cancelled,
            refused + o.refused_available,
        )
    })
}

#[test]
fn a_seed_gives_the_same_week_again() {
    let demand = Demand::extract().unwrap();
    for regime in REGIMES {
        let first: Outcome = play(&demand, WORST, regime, 7);
        assert_eq!(first, play(&demand, WORST, regime, 7));
        let other = play(&demand, WORST, regime, 8);
        assert_ne!(first, other, "the seed draws something");
    }
}

#[test]
fn every_order_is_accepted_or_refused_and_all_regimes_see_the_same_customers() {
    let demand = Demand::extract().unwrap();
    let placed = play(&demand, WORST, Regime::Perfect, 3).placed;
    assert!(placed > 0);
    for regime in REGIMES {
        let o = play(&demand, WORST, regime, 3);
        assert_eq!(o.placed, placed);
        assert_eq!(
            o.placed,
            o.accepted + o.refused_available + o.refused_rightly
        );
    }
}

#[test]
fn perfect_information_keeps_most_and_cancels_and_refuses_nothing_that_is_there() {
    let demand = Demand::extract().unwrap();
    let (most, cancelled, refused) = sum(&demand, WORST, Regime::Perfect);
    assert_eq!((cancelled, refused), (0, 0));
    for regime in REGIMES {
        assert!(sum(&demand, WORST, regime).0 <= most, "{regime:?}");
    }
}

#[test]
fn with_right_records_and_a_line_one_counter_refuses_nothing_that_is_there() {
    let demand = Demand::extract().unwrap();
    let calm = Scenario {
        online: 20,
        error: 0,
        outage: Outage::None,
    };
    assert_eq!(sum(&demand, calm, Regime::Counter(0)).2, 0);
    let ours = sum(&demand, calm, Regime::Evertill).2;
    assert!(
        ours > 0,
        "what stays with the tills is the price, and is counted"
    );
}
