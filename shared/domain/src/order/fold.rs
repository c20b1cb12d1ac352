//! The fold of an order: its events, in their one order, into one state.
//!
//! Lines and promises are known before anything else is read, so an event of a
//! writer that had not seen them all still finds what it is about. Facts are
//! summed whatever the machines say against them; sums that do not fit become
//! conflicts.
//!
//! Invariant: total; equal events in equal order give equal states.

mod apply;
mod due;
mod money;
mod parcels;
mod sums;

use std::collections::{BTreeMap, BTreeSet};

use super::conflict::{OrderConflict, OrderConflictKind};
use super::customer::{CustomerState, customer_state};
use super::event::{OrderBody, OrderEvent, OrderPlaced};
use super::machine::{OrderStatus, PaymentState};
use super::state::{LineState, MoneyState, OrderState};
use super::words::{FulfilmentKind, RulingKind};
use crate::ids::EventKey;
use crate::money::Money;

/// What an order's events come to, given in the order of
/// [`fold`](crate::fold::fold); `None` when none of them says what was ordered.
#[must_use]
pub fn read(events: &[(EventKey, OrderEvent)]) -> Option<OrderState> {
    let placed = events.iter().find_map(|(_, event)| match &event.body {
        OrderBody::Placed(placed) => Some(placed),
        _ => None,
    })?;
    let mut fold = Fold::of(placed, events);
    for (key, event) in events {
        fold.promise(*key, event);
    }
    for (key, event) in events {
        fold.apply(*key, event);
    }
    Some(fold.finish())
}

/// The state so far, and what its sums are made from.
struct Fold {
    order: OrderState,
    /// What was ever cancelled of each line, and the first event to do so.
    cancelled: BTreeMap<u32, (i64, EventKey)>,
    /// What is said to wait for supply, by line.
    backordered: BTreeMap<u32, i64>,
    /// What was carried out, by obligation, in minor units.
    effects: BTreeMap<String, i64>,
    /// The last event that paid money back.
    last_refund: Option<EventKey>,
    /// Conflicts that were ruled on, by the event they are about.
    settled: BTreeSet<EventKey>,
    rulings: BTreeSet<RulingKind>,
}

impl Fold {
    fn of(placed: &OrderPlaced, events: &[(EventKey, OrderEvent)]) -> Self {
        let zero = Money::zero(placed.currency);
        let lines = placed.lines.iter().map(|line| LineState {
            line: line.clone(),
            ordered: line.quantity.thousandths(),
            promised: 0,
            backordered: 0,
            cancelled: 0,
            fulfilled: 0,
            unallocated: 0,
            surplus: 0,
            expected: None,
        });
        let order = OrderState {
            lines: lines.collect(),
            status: OrderStatus::Placed,
            payment_state: PaymentState::Pending,
            customer_state: CustomerState::Received,
            promises: BTreeMap::new(),
            parcels: Vec::new(),
            hand_overs: Vec::new(),
            holds: BTreeMap::new(),
            resumed_at: None,
            money: MoneyState {
                authorized: zero,
                captured: zero,
                refunded: zero,
                value: zero,
                method: None,
                at_pickup: false,
                expires_at: None,
            },
            cancel_requested: false,
            obligations: Vec::new(),
            conflicts: Vec::new(),
            heads: heads(events),
            version: events.len() as u64,
            updated_at: events
                .iter()
                .map(|(_, event)| event.at)
                .max()
                .unwrap_or(placed.placed_at),
            placed: placed.clone(),
        };
        Self {
            order,
            cancelled: BTreeMap::new(),
            backordered: BTreeMap::new(),
            effects: BTreeMap::new(),
            last_refund: None,
            settled: BTreeSet::new(),
            rulings: BTreeSet::new(),
        }
    }

    fn is_pickup(&self) -> bool {
        self.order.placed.fulfilment.kind == FulfilmentKind::Pickup
    }

    fn conflict(&mut self, kind: OrderConflictKind, about: EventKey) -> &mut OrderConflict {
        self.order.conflicts.push(OrderConflict {
            kind,
            about,
            promise: None,
            line: None,
            quantity: 0,
        });
        let last = self.order.conflicts.last_mut();
        last.expect("invariant: it was pushed above")
    }

    fn finish(mut self) -> OrderState {
        self.sum_lines();
        self.value();
        self.order.status = self.status();
        self.order.customer_state = customer_state(&self.order);
        self.owe();
        let settled = self.settled;
        let mut order = self.order;
        order.conflicts.retain(|c| !settled.contains(&c.about));
        order
    }

    /// Where the order stands: the first of these that holds.
    fn status(&self) -> OrderStatus {
        let lines = &self.order.lines;
        let sum = |figure: fn(&LineState) -> i64| lines.iter().map(figure).sum::<i64>();
        let (open, fulfilled) = (sum(LineState::open), sum(|line| line.fulfilled));
        let awaited = self.order.promises.values().any(|p| p.to_withdraw() > 0);
        let ruled = |kind| self.rulings.contains(&kind);
        if ruled(RulingKind::CloseOrder) {
            OrderStatus::Closed
        } else if ruled(RulingKind::RejectOrder) && fulfilled == 0 {
            OrderStatus::Rejected
        } else if self.order.cancel_requested && awaited {
            OrderStatus::CancelRequested
        } else if open == 0 && fulfilled > 0 {
            OrderStatus::Fulfilled
        } else if open == 0 {
            OrderStatus::Cancelled
        } else if self.order.active_holds().next().is_some() {
            OrderStatus::OnHold
        } else if fulfilled > 0 {
            OrderStatus::PartiallyFulfilled
        } else if sum(|line| line.promised) == 0 && sum(|line| line.backordered) > 0 {
            OrderStatus::AwaitingStock
        } else if sum(|line| line.cancelled) > 0 {
            OrderStatus::PartiallyCancelled
        } else if sum(|line| line.promised) > 0 {
            OrderStatus::Released
        } else {
            OrderStatus::Placed
        }
    }
}

/// The last event of each writer that no event of another names: whatever comes
/// before one of these is behind it.
fn heads(events: &[(EventKey, OrderEvent)]) -> Vec<EventKey> {
    let mut last: BTreeMap<u64, EventKey> = BTreeMap::new();
    for (key, _) in events {
        let of_writer = last.entry(key.actor_prefix).or_insert(*key);
        *of_writer = (*of_writer).max(*key);
    }
    let named = events.iter().flat_map(|(_, event)| &event.parents);
    let named: BTreeSet<EventKey> = named.copied().collect();
    last.into_values()
        .filter(|key| !named.contains(key))
        .collect()
}
