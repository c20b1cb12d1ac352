//! Orders for tests: valid by default, changed by the test that needs another.

use evertill_domain::fold::{Folded, Placed, State, fold};
use evertill_domain::order::{
    Destination, Fulfilment, FulfilmentKind, LinePromised, OrderBody, OrderEvent, OrderLine,
    OrderPlaced, OrderState, PromiseId, StepPart, StepRecorded, Substitution,
};
use evertill_domain::{
    Currency, EventKey, Hlc, LocationId, Money, Quantity, Sku, Timestamp, Unit, event,
};

pub const NOW: i64 = 1_500_000_000_000;

pub fn usd() -> Currency {
    "USD".parse().unwrap()
}

pub fn money(minor: i64) -> Money {
    Money::new(minor, usd()).unwrap()
}

pub fn units(whole: i64) -> Quantity {
    Quantity::from_thousandths(whole * 1_000).unwrap()
}

pub fn store(name: &str) -> LocationId {
    name.parse().unwrap()
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW + millis)
}

pub fn key(actor: u64, seq: u64, n: u32) -> EventKey {
    EventKey {
        actor_prefix: actor,
        seq,
        n,
    }
}

pub fn promise_id(actor: u64, seq: u64, n: u32) -> PromiseId {
    PromiseId(key(actor, seq, n))
}

/// A line at 5.00 a piece.
pub fn line(number: u32, sku: &str, quantity: i64) -> OrderLine {
    OrderLine {
        line: number,
        sku: sku.parse().unwrap(),
        quantity: units(quantity),
        unit: Unit::Each,
        unit_price: money(500),
        discount: None,
        taxes: Vec::new(),
        substitution: Substitution::None,
        external_line_id: format!("L{number}"),
    }
}

pub fn placed(lines: Vec<OrderLine>, kind: FulfilmentKind) -> OrderPlaced {
    let total = lines.iter().map(|line| line.total().unwrap());
    OrderPlaced {
        channel: "web".parse().unwrap(),
        external_id: "W-1001".to_owned(),
        placed_at: at(0),
        currency: usd(),
        total: Money::sum(usd(), total).unwrap(),
        lines,
        fulfilment: Fulfilment {
            kind,
            location: None,
            not_before: None,
            promise_by: Some(at(7_200_000)),
            allow_split: true,
            allow_backorder: false,
            destination: (kind == FulfilmentKind::Ship).then(|| Destination {
                country: Some("US".to_owned()),
                region: Some("OH".to_owned()),
                zone: None,
                latitude: Some(39_961_200),
                longitude: Some(-82_998_800),
            }),
        },
        shipping: None,
        customer_ref: Some("C-77".to_owned()),
        hold_until: None,
    }
}

pub fn promised(line: u32, location: &str, quantity: i64) -> LinePromised {
    LinePromised {
        line,
        location: store(location),
        quantity: units(quantity),
        promise_by: Some(at(7_200_000)),
        decision: Some("D-1".to_owned()),
        replaces: None,
    }
}

pub fn part(promise: PromiseId, sku: &str, quantity: i64) -> StepPart {
    StepPart {
        promise,
        sku: sku.parse::<Sku>().unwrap(),
        quantity: units(quantity),
        short: Quantity::ZERO,
        uncovered: Quantity::ZERO,
        substitute: false,
        lot: None,
    }
}

pub fn step<S>(step: S, location: &str, parts: Vec<StepPart>) -> StepRecorded<S> {
    StepRecorded {
        step,
        location: store(location),
        parts,
        reason: None,
        until: None,
        receipt: None,
        proxy: false,
        age_checked: false,
        parcel: None,
        carrier: None,
    }
}

pub fn event_of(parents: Vec<EventKey>, body: OrderBody) -> OrderEvent {
    OrderEvent {
        at: at(0),
        by: None,
        parents,
        body,
    }
}

/// A document as its writers extend it: every event with its key and clock.
#[derive(Clone, Debug, Default)]
pub struct Written(pub Vec<(EventKey, Hlc, Vec<u8>)>);

impl Written {
    /// One more entry of a writer that had seen `parents`.
    pub fn entry(
        &mut self,
        actor: u64,
        seq: u64,
        hlc: u64,
        parents: &[EventKey],
        bodies: Vec<OrderBody>,
    ) -> &mut Self {
        for (n, body) in (0..).zip(bodies) {
            let bytes = event::encode(&event::Event::Order(Box::new(event_of(
                parents.to_vec(),
                body,
            ))));
            self.0.push((key(actor, seq, n), Hlc(hlc), bytes));
        }
        self
    }

    pub fn placed(&self) -> Vec<Placed<'_>> {
        let events = self.0.iter();
        events
            .map(|(key, hlc, bytes)| Placed {
                key: *key,
                hlc: *hlc,
                parents: Vec::new(),
                bytes,
            })
            .collect()
    }

    pub fn fold(&self) -> Folded {
        fold(self.placed())
    }

    pub fn state(&self) -> OrderState {
        match self.fold().state {
            State::Order(state) => *state,
            other => panic!("{other:?}"),
        }
    }
}
