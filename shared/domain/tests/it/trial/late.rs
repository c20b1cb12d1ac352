//! Steps that would be late.

use evertill_domain::order::{
    EndCause, FulfilmentKind, OrderBody, OrderEvent, PickupStep, PromiseCancelled,
};
use evertill_domain::policy::TimerPolicy;
use evertill_domain::trial::{Step, StepKind, TimerTrial, steps};
use evertill_domain::{EventKey, Timestamp};

use crate::order::build::{at, key, line, part, placed, promise_id, promised, step, units};

fn event(minute: i64, n: u32, body: OrderBody) -> (EventKey, OrderEvent) {
    let event = OrderEvent {
        at: at(minute * 60_000),
        by: None,
        parents: Vec::new(),
        body,
    };
    (key(1, 1, n), event)
}

fn picked(step_is: PickupStep) -> OrderBody {
    let parts = vec![part(promise_id(1, 1, 2), "TEA", 1)];
    OrderBody::Pickup(step(step_is, "S001", parts))
}

fn read(events: &[(EventKey, OrderEvent)]) -> Vec<Step> {
    steps(events.iter().map(|(key, event)| (*key, event)))
}

fn minutes(steps: &[Step]) -> Vec<(StepKind, Option<i64>)> {
    let took = |step: &Step| {
        let to = step.to.map(Timestamp::as_millis);
        to.map(|to| (to - step.from.as_millis()) / 60_000)
    };
    steps.iter().map(|step| (step.kind, took(step))).collect()
}

fn opened() -> Vec<(EventKey, OrderEvent)> {
    let order = placed(vec![line(1, "TEA", 1)], FulfilmentKind::Pickup);
    vec![
        event(0, 1, OrderBody::Placed(Box::new(order))),
        event(0, 2, OrderBody::Promised(promised(1, "S001", 1))),
    ]
}

#[test]
fn each_step_is_measured_from_the_one_before() {
    let mut events = opened();
    for (n, minute, step) in [
        (3, 20, PickupStep::Accept),
        (4, 25, PickupStep::StartPick),
        (5, 65, PickupStep::Pick),
        (6, 66, PickupStep::Ready),
        (7, 300, PickupStep::HandOver),
    ] {
        events.push(event(minute, n, picked(step)));
    }
    let found = read(&events);
    assert_eq!(
        minutes(&found),
        [
            (StepKind::Accept, Some(20)),
            (StepKind::Pick, Some(45)),
            (StepKind::Ready, Some(1)),
            (StepKind::Collect, Some(234)),
        ]
    );
    let draft = TimerPolicy {
        pick_minutes: 45,
        accept_minutes: 19,
        ..TimerPolicy::default()
    };
    let mut sums = TimerTrial::default();
    for step in &found {
        sums.add(step.lateness(at(0), &TimerPolicy::default(), &draft));
    }
    assert_eq!((sums.steps, sums.late, sums.would_be_late), (4, 0, 1));
}

#[test]
fn a_promise_that_ended_is_late_for_nothing_more() {
    let mut events = opened();
    let cancelled = PromiseCancelled {
        promise: promise_id(1, 1, 2),
        quantity: units(1),
        cause: EndCause::Cancelled,
    };
    events.push(event(5, 3, OrderBody::PromiseCancelled(cancelled)));
    assert_eq!(minutes(&read(&events)), [(StepKind::Accept, Some(5))]);
}

#[test]
fn an_open_step_grows_older_and_an_unpaid_order_waits() {
    let found = read(&opened());
    assert_eq!(minutes(&found), [(StepKind::Accept, None)]);
    let policy = TimerPolicy::default();
    for (minute, late) in [(30, false), (31, true)] {
        let lateness = found[0].lateness(at(minute * 60_000), &policy, &policy);
        assert_eq!((lateness.took_s, lateness.is_late), (minute * 60, late));
    }
    let unpaid = &opened()[..1];
    assert_eq!(minutes(&read(unpaid)), [(StepKind::Reservation, None)]);
}
