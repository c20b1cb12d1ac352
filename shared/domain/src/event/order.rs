//! The bytes of the events of orders, version 1.
//!
//! ```text
//! event = [kind, [head, body, * later fields]]
//! head  = [at, by, [* parent], * later fields]
//! ```
//!
//! Each body is a record whose fields are listed below, in order.

use minicbor::Decoder;

use super::record::{Field, Out, coded, length, next, put_absent, put_length, record, skip};
use super::wire::Read;
use crate::ids::EventKey;
use crate::money::Rate;
use crate::order::{
    Backordered, CancelRequested, Destination, Effect, EndCause, Fulfilment, FulfilmentKind,
    FulfilmentStep, HoldPlaced, HoldReleased, LineCancelled, LineChanged, LinePromised, OrderBody,
    OrderEvent, OrderLine, OrderPlaced, PaymentMethod, PaymentRecorded, PaymentStep, PickupStep,
    PromiseCancelled, PromiseEnded, Ruling, RulingKind, StepPart, StepRecorded, Substitution,
    Withdrawn,
};
use crate::tax::TaxAmount;
use crate::time::Timestamp;

pub(super) const FIRST: u32 = 16;
pub(super) const LAST: u32 = 31;

struct Head {
    at: Timestamp,
    by: Option<String>,
    parents: Vec<EventKey>,
}

record!(Head { at, by, parents });

coded!(
    Substitution,
    FulfilmentKind,
    PaymentStep,
    PaymentMethod,
    EndCause,
    RulingKind,
    PickupStep,
    FulfilmentStep,
);

record!(OrderPlaced {
    channel,
    external_id,
    placed_at,
    currency,
    lines,
    total,
    fulfilment,
    shipping,
    customer_ref,
    hold_until,
});

record!(OrderLine {
    line,
    sku,
    quantity,
    unit_price,
    external_line_id,
    substitution,
    unit,
    discount,
    taxes,
});

record!(Fulfilment {
    kind,
    location,
    not_before,
    promise_by,
    allow_split,
    allow_backorder,
    destination,
});

record!(Destination {
    country,
    region,
    zone,
    latitude,
    longitude,
});

record!(TaxAmount {
    code,
    rate,
    base,
    amount,
    included,
});

impl Field for Rate {
    fn put(&self, e: &mut Out) {
        self.millionths().put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let millionths = u32::get(d)?;
        Self::from_millionths(millionths).ok_or_else(|| "a rate is above 1".to_owned())
    }
}

record!(LinePromised {
    line,
    location,
    quantity,
    promise_by,
    decision,
    replaces,
});

record!(Backordered {
    line,
    quantity,
    expected,
    supply,
});

record!(HoldPlaced { kind, reason });
record!(HoldReleased { hold, reason });

record!(PaymentRecorded {
    step,
    amount,
    method,
    reference,
    expires_at,
    receipt,
});

record!(CancelRequested { lines, reason });

record!(LineCancelled {
    line,
    quantity,
    reason,
});

record!(LineChanged {
    line,
    quantity,
    reason,
});

record!(PromiseCancelled {
    promise,
    quantity,
    cause,
});

record!(Withdrawn {
    promise,
    quantity,
    location,
    cause,
});

record!(PromiseEnded {
    promise,
    quantity,
    how,
    cause,
    location,
});

record!(StepRecorded<PickupStep> {
    step, location, parts, reason, until, receipt, proxy, age_checked, parcel, carrier,
});

record!(StepRecorded<FulfilmentStep> {
    step, location, parts, reason, until, receipt, proxy, age_checked, parcel, carrier,
});

record!(StepPart {
    promise,
    sku,
    quantity,
    short,
    uncovered,
    substitute,
    lot,
});

record!(Effect {
    obligation,
    amount,
    reference,
});

record!(Ruling {
    kind,
    about,
    reason,
});

/// The kind's stable number.
pub(super) const fn kind(body: &OrderBody) -> u32 {
    match body {
        OrderBody::Placed(_) => 16,
        OrderBody::Promised(_) => 17,
        OrderBody::Backordered(_) => 18,
        OrderBody::HoldPlaced(_) => 19,
        OrderBody::HoldReleased(_) => 20,
        OrderBody::Payment(_) => 21,
        OrderBody::CancelRequested(_) => 22,
        OrderBody::LineCancelled(_) => 23,
        OrderBody::LineChanged(_) => 24,
        OrderBody::PromiseCancelled(_) => 25,
        OrderBody::Withdrawn(_) => 26,
        OrderBody::PromiseEnded(_) => 27,
        OrderBody::Pickup(_) => 28,
        OrderBody::Fulfilment(_) => 29,
        OrderBody::Effect(_) => 30,
        OrderBody::Ruling(_) => 31,
    }
}

/// The bytes of an event that was made here.
pub(super) fn write(event: &OrderEvent) -> Vec<u8> {
    let mut e = Out::new(Vec::with_capacity(128));
    put_length(&mut e, 2);
    kind(&event.body).put(&mut e);
    put_length(&mut e, 2);
    let head = Head {
        at: event.at,
        by: event.by.clone(),
        parents: event.parents.clone(),
    };
    head.put(&mut e);
    put_body(&event.body, &mut e);
    e.into_writer()
}

fn put_body(body: &OrderBody, e: &mut Out) {
    match body {
        OrderBody::Placed(body) => body.put(e),
        OrderBody::Promised(body) => body.put(e),
        OrderBody::Backordered(body) => body.put(e),
        OrderBody::HoldPlaced(body) => body.put(e),
        OrderBody::HoldReleased(body) => body.put(e),
        OrderBody::Payment(body) => body.put(e),
        OrderBody::CancelRequested(body) => body.put(e),
        OrderBody::LineCancelled(body) => body.put(e),
        OrderBody::LineChanged(body) => body.put(e),
        OrderBody::PromiseCancelled(body) => body.put(e),
        OrderBody::Withdrawn(body) => body.put(e),
        OrderBody::PromiseEnded(body) => body.put(e),
        OrderBody::Pickup(body) => body.put(e),
        OrderBody::Fulfilment(body) => body.put(e),
        OrderBody::Effect(body) => body.put(e),
        OrderBody::Ruling(body) => body.put(e),
    }
}

/// Reads the body of an event of this kind, and checks it.
pub(super) fn read(kind: u32, d: &mut Decoder<'_>) -> Read<OrderEvent> {
    let mut left = length(d)?;
    let head: Head = next(d, &mut left, "head")?;
    let body = get_body(kind, d, &mut left)?;
    skip(d, left)?;
    let event = OrderEvent {
        at: head.at,
        by: head.by,
        parents: head.parents,
        body,
    };
    event.check().map_err(|unsound| unsound.to_string())?;
    Ok(event)
}

fn get_body(kind: u32, d: &mut Decoder<'_>, left: &mut u64) -> Read<OrderBody> {
    fn body<T: Field>(d: &mut Decoder<'_>, left: &mut u64) -> Read<T> {
        next(d, left, "body")
    }
    Ok(match kind {
        16 => OrderBody::Placed(Box::new(body(d, left)?)),
        17 => OrderBody::Promised(body(d, left)?),
        18 => OrderBody::Backordered(body(d, left)?),
        19 => OrderBody::HoldPlaced(body(d, left)?),
        20 => OrderBody::HoldReleased(body(d, left)?),
        21 => OrderBody::Payment(body(d, left)?),
        22 => OrderBody::CancelRequested(body(d, left)?),
        23 => OrderBody::LineCancelled(body(d, left)?),
        24 => OrderBody::LineChanged(body(d, left)?),
        25 => OrderBody::PromiseCancelled(body(d, left)?),
        26 => OrderBody::Withdrawn(body(d, left)?),
        27 => OrderBody::PromiseEnded(body(d, left)?),
        28 => OrderBody::Pickup(body(d, left)?),
        29 => OrderBody::Fulfilment(body(d, left)?),
        30 => OrderBody::Effect(body(d, left)?),
        31 => OrderBody::Ruling(body(d, left)?),
        other => return Err(format!("{other} is no kind of order event")),
    })
}
