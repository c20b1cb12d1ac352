//! Every state and every step of every machine: what a table holds is allowed,
//! and everything else is refused in words.

use std::collections::BTreeSet;
use std::fmt::Debug;

use evertill_domain::order::{
    Forbidden, FulfilmentState, FulfilmentStep, OrderStatus, OrderStep, PaymentState, PaymentStep,
    PickupState, PickupStep, ReservationState, ReservationStep,
};

/// Asks a machine everything, and checks that every state can be reached from
/// the first one. Gives the number of allowed and of refused steps.
fn exhaust<S: Copy + Ord + Debug, T: Copy + Ord + Debug>(
    states: &[S],
    steps: &[T],
    table: &[(S, T, S)],
    allowed: impl Fn(S, T) -> Result<S, Forbidden>,
    names: impl Fn(S, T) -> (&'static str, &'static str),
) -> (usize, usize) {
    let (mut yes, mut no) = (0, 0);
    for state in states {
        for step in steps {
            let rows: Vec<_> = table
                .iter()
                .filter(|row| (row.0, row.1) == (*state, *step))
                .collect();
            assert!(rows.len() < 2, "{state:?} {step:?} stands twice");
            let (state_name, step_name) = names(*state, *step);
            match (rows.first(), allowed(*state, *step)) {
                (Some(row), Ok(next)) => {
                    assert_eq!(row.2, next);
                    yes += 1;
                }
                (None, Err(forbidden)) => {
                    assert_eq!((forbidden.state, forbidden.step), (state_name, step_name));
                    let expected: Vec<_> = table.iter().filter(|row| row.0 == *state).collect();
                    assert_eq!(forbidden.allowed.len(), expected.len());
                    for row in expected {
                        assert!(forbidden.allowed.contains(&names(*state, row.1).1));
                    }
                    let words = forbidden.to_string();
                    assert!(words.contains(&format!("is {state_name} and cannot {step_name}")));
                    assert!(forbidden.allowed.iter().all(|step| words.contains(step)));
                    no += 1;
                }
                (row, other) => panic!("{state:?} {step:?}: {row:?} and {other:?}"),
            }
        }
    }
    let mut reached = BTreeSet::from([states[0]]);
    while let Some(row) = table
        .iter()
        .find(|row| reached.contains(&row.0) && !reached.contains(&row.2))
    {
        reached.insert(row.2);
    }
    assert_eq!(
        reached,
        states.iter().copied().collect(),
        "every state is reached"
    );
    assert_eq!(yes, table.len());
    (yes, no)
}

macro_rules! exhausted {
    ($state:ident, $step:ident) => {
        exhaust(
            $state::ALL,
            $step::ALL,
            $state::TABLE,
            $state::allowed,
            |state, step| (state.as_str(), step.as_str()),
        )
    };
}

#[test]
fn every_step_from_every_state_is_allowed_by_the_table_or_refused() {
    // The sizes are pinned so that a row never comes or goes unseen.
    assert_eq!(exhausted!(OrderStatus, OrderStep), (58, 110));
    assert_eq!(exhausted!(PaymentState, PaymentStep), (53, 103));
    assert_eq!(exhausted!(PickupState, PickupStep), (52, 158));
    assert_eq!(exhausted!(FulfilmentState, FulfilmentStep), (52, 254));
    assert_eq!(exhausted!(ReservationState, ReservationStep), (6, 24));
}

#[test]
fn what_is_done_is_done() {
    assert_eq!(PickupState::PutBack.steps().count(), 0);
    assert_eq!(OrderStatus::Closed.steps().count(), 0);
    let over: Vec<_> = PickupState::HandedOver.steps().collect();
    assert_eq!(over, [PickupStep::PutBack], "only of what was left over");
    let over: Vec<_> = FulfilmentState::ReturnedToSender.steps().collect();
    assert_eq!(over, [FulfilmentStep::PutBack]);
    let error = PickupState::PutBack
        .allowed(PickupStep::Cancel)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the pickup is put_back and cannot cancel now; allowed: nothing"
    );
}

/// Words are for ever: their numbers stand in the journals of stores.
#[test]
fn words_come_back_from_names_and_numbers() {
    for step in PickupStep::ALL {
        assert_eq!(step.as_str().parse::<PickupStep>().unwrap(), *step);
        assert_eq!(PickupStep::from_code(step.code()), Some(*step));
    }
    assert_eq!(PickupStep::from_code(15), None);
    let error = "fly".parse::<PickupStep>().unwrap_err().to_string();
    assert!(error.contains("hand_over"), "{error}");
}
