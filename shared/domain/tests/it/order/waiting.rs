//! What promises wait for, and by when it is due.

use evertill_domain::Timestamp;
use evertill_domain::event::{Event, encode};
use evertill_domain::exception::{ExceptionAction, ExceptionKind, Part, Situation};
use evertill_domain::order::{
    AwaitedStep, EndCause, FulfilmentKind, FulfilmentStep, HoldId, HoldPlaced, HoldReleased,
    OrderBody, OrderEvent, PickupStep, PromiseCancelled, wait,
};
use evertill_domain::policy::TimerPolicy;
use evertill_domain::rights::End;
use evertill_domain::{EventKey, Hlc};

use super::build::{NOW, Written, at, key, line, part, placed, promised, step, units};
use super::fold::{HUB, S001, ended, promise};

const MINUTE: i64 = 60_000;

fn minutes(minutes: i64) -> Timestamp {
    at(minutes * MINUTE)
}

/// An order whose writers say when they wrote.
struct Said {
    written: Written,
    last: Option<EventKey>,
    seq: u64,
}

impl Said {
    /// Three pieces at S001, ordered at minute 0 and promised by a time.
    fn new(kind: FulfilmentKind, not_before: Option<i64>, promise_by: Option<i64>) -> Self {
        let mut order = placed(vec![line(1, "4011", 3)], kind);
        order.fulfilment.not_before = not_before.map(minutes);
        let mut promised = promised(1, "S001", 3);
        promised.promise_by = promise_by.map(minutes);
        let mut said = Self {
            written: Written::default(),
            last: None,
            seq: 0,
        };
        said.say(HUB, 0, OrderBody::Placed(Box::new(order)));
        // The first entry has both, as the promise's name in these tests says.
        said.push(HUB, 1, 1, 0, OrderBody::Promised(promised));
        said
    }

    fn say(&mut self, actor: u64, minute: i64, body: OrderBody) -> &mut Self {
        self.seq += 1;
        self.push(actor, self.seq, 0, minute, body);
        self
    }

    fn push(&mut self, actor: u64, seq: u64, n: u32, minute: i64, body: OrderBody) {
        let event = OrderEvent {
            at: minutes(minute),
            by: None,
            parents: self.last.into_iter().collect(),
            body,
        };
        let bytes = encode(&Event::Order(Box::new(event)));
        let here = key(actor, seq, n);
        let clock = u64::try_from(self.written.0.len()).unwrap();
        self.written.0.push((here, Hlc(clock), bytes));
        self.last = Some(here);
    }

    fn pickup(&mut self, minute: i64, what: PickupStep, pieces: i64) -> &mut Self {
        let parts = vec![part(promise(), "4011", pieces)];
        self.say(S001, minute, OrderBody::Pickup(step(what, "S001", parts)))
    }

    fn ship(&mut self, minute: i64, what: FulfilmentStep) -> &mut Self {
        let parts = vec![part(promise(), "4011", 3)];
        let step = step(what, "S001", parts);
        self.say(S001, minute, OrderBody::Fulfilment(step))
    }

    /// What is waited for, and the minute by which it is due.
    fn due(&self) -> Option<(AwaitedStep, Option<i64>)> {
        let order = self.written.state();
        let found = wait(&order, &order.promises[&promise()])?;
        let due = found.due(&TimerPolicy::default());
        let minute = |at: Timestamp| (at.as_millis() - NOW) / MINUTE;
        Some((found.step, due.map(minute)))
    }

    /// The remedies of a late step that can be carried out.
    fn remedies(&self) -> Vec<&'static str> {
        let order = self.written.state();
        let situation = Situation {
            kind: ExceptionKind::LateStep,
            order: Some(&order),
            part: Part::Promise(promise()),
            case_open: false,
            selling_open: true,
        };
        let actions = situation.actions().into_iter();
        actions.map(ExceptionAction::as_str).collect()
    }
}

#[test]
fn each_step_of_a_pickup_has_its_own_time() {
    let mut said = Said::new(FulfilmentKind::Pickup, None, None);
    assert_eq!(said.due(), Some((AwaitedStep::Accept, Some(30))));
    said.pickup(10, PickupStep::Accept, 3);
    assert_eq!(said.due(), Some((AwaitedStep::Pick, Some(70))));
    // Who goes to fetch the goods has not fetched them.
    said.pickup(20, PickupStep::StartPick, 3);
    said.pickup(30, PickupStep::Pick, 2);
    assert_eq!(said.due(), Some((AwaitedStep::Pick, Some(70))));
    assert_eq!(said.remedies(), ["cancel"]);
    said.pickup(40, PickupStep::Pick, 1);
    assert_eq!(said.due(), Some((AwaitedStep::Ready, Some(55))));
    said.pickup(50, PickupStep::Ready, 3);
    let three_days = 3 * 24 * 60;
    let collect = Some((AwaitedStep::Collect, Some(50 + three_days)));
    assert_eq!(said.due(), collect);
    // A customer who was there and left waits no longer for it.
    said.pickup(60, PickupStep::Arrive, 3);
    said.pickup(61, PickupStep::Leave, 3);
    assert_eq!(said.due(), collect);
    assert_eq!(said.remedies(), ["extend", "cancel"]);
    let mut more = step(PickupStep::Extend, "S001", vec![part(promise(), "4011", 3)]);
    more.until = Some(minutes(9_000));
    said.say(S001, 70, OrderBody::Pickup(more));
    assert_eq!(said.due(), Some((AwaitedStep::Collect, Some(9_000))));
    // Goods that nobody collected wait to be put back.
    said.pickup(9_001, PickupStep::NoShow, 3);
    assert_eq!(said.due(), Some((AwaitedStep::Collect, Some(9_000))));
    said.pickup(9_002, PickupStep::Arrive, 3);
    said.pickup(9_003, PickupStep::HandOver, 3);
    let settled = ended(promise(), 3, End::Settled, EndCause::HandedOver);
    said.say(S001, 9_003, settled);
    assert_eq!(said.due(), None);
    assert_eq!(said.remedies(), [""; 0]);
}

#[test]
fn a_time_that_was_named_to_the_customer_comes_first() {
    let mut said = Said::new(FulfilmentKind::Pickup, None, Some(20));
    assert_eq!(said.due(), Some((AwaitedStep::Accept, Some(20))));
    said.pickup(19, PickupStep::Accept, 3);
    assert_eq!(said.due(), Some((AwaitedStep::Pick, Some(20))));
}

#[test]
fn what_a_part_less_is_wanted_of_does_not_make_the_rest_late() {
    let mut said = Said::new(FulfilmentKind::Pickup, None, None);
    said.pickup(0, PickupStep::Accept, 3);
    said.pickup(1, PickupStep::StartPick, 3);
    said.pickup(2, PickupStep::Pick, 2);
    let cancelled = OrderBody::PromiseCancelled(PromiseCancelled {
        promise: promise(),
        quantity: units(1),
        cause: EndCause::Changed,
    });
    said.say(HUB, 50, cancelled);
    // All that is still wanted is put aside, since then.
    assert_eq!(said.due(), Some((AwaitedStep::Ready, Some(65))));
}

#[test]
fn nothing_of_an_order_on_hold_is_late() {
    let mut said = Said::new(FulfilmentKind::Pickup, None, None);
    let placed = OrderBody::HoldPlaced(HoldPlaced {
        kind: "fraud_check".parse().unwrap(),
        reason: None,
    });
    said.say(HUB, 5, placed);
    let hold = HoldId(said.last.unwrap());
    assert_eq!(said.due(), None);
    let released = HoldReleased { hold, reason: None };
    said.say(HUB, 100, OrderBody::HoldReleased(released));
    assert_eq!(said.due(), Some((AwaitedStep::Accept, Some(130))));
}

#[test]
fn a_shipment_is_due_at_the_carrier_by_its_promise() {
    let mut said = Said::new(FulfilmentKind::Ship, None, Some(600));
    said.ship(5, FulfilmentStep::Accept);
    assert_eq!(said.remedies(), ["re_source", "cancel"]);
    said.ship(6, FulfilmentStep::StartPick);
    said.ship(10, FulfilmentStep::Pick);
    assert_eq!(said.due(), Some((AwaitedStep::Ready, Some(25))));
    said.ship(11, FulfilmentStep::Pack);
    assert_eq!(said.due(), Some((AwaitedStep::Ship, Some(600))));
    said.ship(12, FulfilmentStep::Unpack);
    assert_eq!(said.due(), Some((AwaitedStep::Ready, Some(27))));

    let open = Said::new(FulfilmentKind::Ship, Some(120), None);
    assert_eq!(open.due(), Some((AwaitedStep::Accept, Some(150))));
}
