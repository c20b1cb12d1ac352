//! What holds of single weeks; that every unit is counted the runs assert
//! themselves.

use evertill_compare::demand::Weeks;
use evertill_compare::outcome::Outcome;
use evertill_compare::regime::{Buffer, Dial, Regime};
use evertill_compare::scenario::{Drawn, Outage, Scenario};
use evertill_compare::week::play;

/// The worst that is swept, with scarcer shelves: the extract is small.
const WORST: Scenario = Scenario {
    online: 40,
    cover: 0,
    ..Scenario::WORST
};

/// Right records, and lines that hold.
const CALM: Scenario = Scenario {
    error: 0,
    outage: Outage::None,
    ..WORST
};

fn regimes() -> [Regime; 6] {
    let (pieces, stops) = (2, true);
    [
        Regime::Periodic,
        Regime::Counter(Buffer::default()),
        Regime::Counter(Buffer { pieces, stops }),
        Regime::Evertill(Dial::default()),
        Regime::Evertill(Dial::shared(1_000, 0)),
        Regime::Perfect,
    ]
}

fn weeks(scenario: Scenario, regime: Regime) -> Vec<Outcome> {
    let weeks = Weeks::extract().unwrap();
    let demand = &weeks.judged[0];
    (1..=10)
        .map(|seed| play(demand, scenario, regime, seed))
        .collect()
}

fn sum(outcomes: &[Outcome], of: impl Fn(&Outcome) -> i64) -> i64 {
    outcomes.iter().map(of).sum()
}

#[test]
fn a_seed_gives_the_same_week_again() {
    for regime in regimes() {
        let first = weeks(WORST, regime);
        assert_eq!(first, weeks(WORST, regime));
        assert_ne!(first[0], first[1], "the seed draws something");
    }
}

#[test]
fn all_regimes_see_the_same_customers_and_every_order_is_promised_or_refused() {
    let perfect = weeks(WORST, Regime::Perfect);
    assert!(sum(&perfect, |o| o.placed) > 0 && sum(&perfect, |o| o.till_wanted) > 0);
    for regime in regimes() {
        for (o, perfect) in weeks(WORST, regime).iter().zip(&perfect) {
            assert_eq!(
                (o.placed, o.wanted, o.till_wanted),
                (perfect.placed, perfect.wanted, perfect.till_wanted)
            );
            assert_eq!(o.placed, o.accepted() + o.refused);
            assert!(o.promised <= o.wanted && o.cancelled <= o.promised);
        }
    }
}

#[test]
fn perfect_information_breaks_and_withholds_nothing_and_sells_most_online() {
    let perfect = weeks(WORST, Regime::Perfect);
    for o in &perfect {
        assert_eq!((o.broken, o.unsold, o.late, o.resourced), (0, 0, 0, 0));
    }
    let most = sum(&perfect, |o| o.paid_online);
    for regime in regimes() {
        let paid = sum(&weeks(WORST, regime), |o| o.paid_online);
        assert!(paid <= most, "{regime:?}: {paid} of {most}");
    }
}

#[test]
fn with_right_records_and_a_line_one_counter_withholds_nothing_and_what_tills_keep_is() {
    let counter = weeks(CALM, Regime::Counter(Buffer::default()));
    assert_eq!(sum(&counter, |o| o.unsold), 0);
    let kept = weeks(CALM, Regime::Evertill(Dial::shared(900, 2)));
    assert!(
        sum(&kept, |o| o.unsold) > 0,
        "what stays with the tills is the price, and is counted"
    );
    let installed = weeks(CALM, Regime::Evertill(Dial::default()));
    assert_eq!(
        sum(&installed, |o| o.unsold),
        0,
        "what tills do not keep is handed on when it is asked for"
    );
}

/// The two models agree where they should: any difference that a report shows
/// comes from rights that are elsewhere, and from cut lines.
#[test]
fn with_a_line_and_all_rights_at_the_hub_evertill_is_the_central_counter() {
    let line = Scenario {
        outage: Outage::None,
        ..WORST
    };
    for pieces in [0, 1] {
        let counter = Regime::Counter(Buffer {
            pieces,
            stops: false,
        });
        let mut dial = Dial::shared(1_000, 0);
        dial.safety = pieces;
        assert_eq!(weeks(line, counter), weeks(line, Regime::Evertill(dial)));
    }
}

#[test]
fn a_buffer_beyond_all_shelves_sells_nothing_online_and_breaks_nothing() {
    let pieces = 10_000;
    let buffer = Buffer {
        pieces,
        stops: false,
    };
    for o in weeks(WORST, Regime::Counter(buffer)) {
        assert_eq!((o.promised, o.broken, o.paid_online), (0, 0, 0));
        assert_eq!(o.refused, o.placed);
    }
}

#[test]
fn a_store_that_is_cut_off_for_days_keeps_pickups_waiting_unless_the_web_stops() {
    let late = |stops| {
        let buffer = Buffer { pieces: 0, stops };
        sum(&weeks(WORST, Regime::Counter(buffer)), |o| o.late)
    };
    assert!(late(true) < late(false));
}

#[test]
fn an_outage_is_as_long_as_the_cuts_that_touch() {
    let drawn = Drawn {
        ways: Vec::new(),
        cuts: vec![vec![(50, 60), (10, 30), (25, 40)]],
    };
    assert_eq!(drawn.cut_since(0, 35), Some(10));
    assert_eq!(drawn.cut_until(0, 15), Some(40));
    assert_eq!(
        (drawn.cut_since(0, 45), drawn.cut_until(0, 45)),
        (None, None)
    );
    assert_eq!(drawn.cut_since(0, 50), Some(50));
}
