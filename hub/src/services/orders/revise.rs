//! What is asked of an order that exists.
//!
//! Each answers with the order as it is afterwards. Where nobody else has to
//! agree, what follows from it (giving rights back, promising more) happens in
//! the same write.
//!
//! Invariant: a refused change leaves no trace.

use std::collections::BTreeMap;

use evertill_domain::order::{
    self, Effect, HoldKind, HoldPlaced, LineState, OrderBody, OrderObligation, OrderState,
    PaymentRecorded, PromiseEnded, withdraw,
};
use evertill_domain::rejection::Rejection;
use evertill_domain::rights::PairCells;
use evertill_domain::routing::Wanted;
use evertill_domain::{Currency, DocumentId, LocationId, Money, Quantity, Timestamp, Unit};
use evertill_storage::journal::{Author, Write, append_with_rights};
use evertill_storage::projection::{minters, rights};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds;
use evertill_storage::{TableError, TableResult, feed};

use super::attempts;
use super::intake::{insufficient, next_decision, remember};
use super::sourcing::{Order, Planned, plan_order};
use super::{OrderRefusal, backorders, known};
use crate::services::ground::{Ground, Picture};
use crate::state::Hub;

/// An order after a change.
#[derive(Clone, Debug)]
pub struct Revised {
    /// The order.
    pub order: OrderState,
    /// Whether a location has yet to say that it will not hand the goods over.
    pub waits: bool,
}

/// Where a change is made: the transaction, the hub's author, what is known.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The transaction.
    pub conn: &'a Connection,
    /// The hub.
    pub hub: &'a Hub,
    /// Who writes.
    pub author: &'a Author,
    /// Master data and policies for the order's products.
    pub picture: &'a Picture,
    /// The order.
    pub document: DocumentId,
    /// Who asks, as the journal keeps it; none for the hub itself.
    pub by: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// Cancels what is still to come of some lines; of all, when there are none.
///
/// # Errors
/// See [`OrderRefusal`].
pub fn cancel(at: At<'_>, lines: &[u32], reason: &str) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let cancellation = order::cancel(&order, lines, reason)?;
    at.write(&order, cancellation.bodies, &PairCells::new())?;
    at.give_back_soft(lines)?;
    at.attend()?;
    at.revised()
}

/// Changes how much is wanted of a line. More is promised at once, or refused.
///
/// # Errors
/// See [`OrderRefusal`].
pub fn change(
    at: At<'_>,
    line: u32,
    quantity: Quantity,
    reason: Option<&str>,
) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let bodies = order::change(&order, line, quantity, reason)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.attend()?;
    at.source("changed", &Ask::Open)?;
    at.revised()
}

/// Puts a hold on an order.
///
/// # Errors
/// See [`OrderRefusal`].
pub fn hold(at: At<'_>, placed: HoldPlaced) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let kind: HoldKind = placed.kind;
    let bodies = order::hold(&order, kind, placed.reason)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.revised()
}

/// Releases one hold.
///
/// # Errors
/// See [`OrderRefusal`].
pub fn release_hold(
    at: At<'_>,
    hold: order::HoldId,
    reason: Option<String>,
) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let bodies = order::release_hold(&order, hold, reason)?;
    at.write(&order, bodies, &PairCells::new())?;
    at.revised()
}

/// Records what happened to the money. Goods that were only kept for an unpaid
/// order are promised with it.
///
/// # Errors
/// See [`OrderRefusal`].
pub fn pay(at: At<'_>, payment: PaymentRecorded) -> Result<Revised, OrderRefusal> {
    use evertill_domain::order::PaymentStep as Step;
    let order = known(at.conn, &at.document)?;
    let promises = matches!(
        payment.step,
        Step::Authorize | Step::Capture | Step::PayAtPickup | Step::AcceptOffline
    );
    let bodies = order::record_payment(&order, payment)?;
    at.write(&order, bodies, &PairCells::new())?;
    if promises && order.lines.iter().any(|line| line.unallocated > 0) {
        soft_holds::end_of_order(at.conn, &at.document)?;
        at.source("paid", &Ask::Open)?;
    }
    at.revised()
}

/// Records that money went back to the customer, as was owed.
///
/// # Errors
/// See [`OrderRefusal`]; more than is owed is refused.
pub fn refund(
    at: At<'_>,
    amount: Money,
    reference: Option<String>,
) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let owed = order.obligations.iter().find_map(|owed| match owed {
        OrderObligation::Refund { amount } => Some((owed.key(), *amount)),
        _ => None,
    });
    let refuse = |code, detail: String| {
        let conflict = Rejection::new("/amount", code, detail).as_conflict();
        Err(OrderRefusal::Rejected(conflict.into()))
    };
    let Some((key, owed)) = owed else {
        return refuse(
            "nothing_owed",
            "no refund is owed for this order".to_owned(),
        );
    };
    if amount.currency() != owed.currency() || amount.minor() <= 0 || amount.minor() > owed.minor()
    {
        let detail = format!(
            "send an amount above zero and at most what is owed, {}",
            owed.to_decimal_string()
        );
        return refuse("above_owed", detail);
    }
    let refused = order::refuse_card_numbers(
        reference
            .iter()
            .map(|text| ("/reference".to_owned(), text.as_str())),
    );
    evertill_domain::rejection::Rejections::unless_empty(refused)?;
    let effect = OrderBody::Effect(Effect {
        obligation: key,
        amount: Some(amount),
        reference,
    });
    at.write(&order, [effect], &PairCells::new())?;
    at.revised()
}

/// Has a location that a person chose take on what nobody has.
///
/// # Errors
/// See [`OrderRefusal`]; a location that cannot is refused.
pub fn assign(
    at: At<'_>,
    line: u32,
    location: &LocationId,
    quantity: Option<Quantity>,
) -> Result<Revised, OrderRefusal> {
    let order = known(at.conn, &at.document)?;
    let refuse = |pointer: &str, code, detail: String| {
        let refused = Rejection::new(pointer, code, detail).as_conflict();
        OrderRefusal::Rejected(refused.into())
    };
    if at.picture.location(location).is_none() {
        let detail = format!("no location {location} is known; name one that is listed");
        return Err(refuse("/location", "unknown_location", detail));
    }
    let state = order.line(line).ok_or_else(|| {
        let detail = format!("the order has no line {line}; name one of its lines");
        refuse("/line", "unknown_line", detail)
    })?;
    let open = state.unallocated + state.backordered;
    let asked = quantity.map_or(open, Quantity::thousandths);
    if asked <= 0 || asked > open {
        let detail = "nobody has to take on so much of the line; recall a promise first".to_owned();
        return Err(refuse("/quantity", "nothing_open", detail));
    }
    let chosen = Ask::Chosen(line, location.clone(), asked);
    at.source("assigned", &chosen)?;
    at.revised()
}

/// What of an order is to be promised.
pub(super) enum Ask {
    /// What nobody has taken on.
    Open,
    /// What a person chose: so much of a line, from a location.
    Chosen(u32, LocationId, i64),
    /// What of a line waits for supply, or nobody has taken on.
    Waiting(u32),
}

impl Ask {
    /// How much of a line is asked for, in thousandths.
    fn of(&self, line: &LineState) -> i64 {
        let number = line.line.line;
        match self {
            Self::Open => line.unallocated,
            Self::Chosen(chosen, _, quantity) if *chosen == number => *quantity,
            Self::Waiting(waiting) if *waiting == number => line.unallocated + line.backordered,
            Self::Chosen(..) | Self::Waiting(_) => 0,
        }
    }

    /// How much of a line waits when so much of it was assigned.
    fn waits(&self, line: &LineState, assigned: i64) -> i64 {
        let left = line.unallocated + line.backordered - assigned;
        match self {
            Self::Open | Self::Waiting(_) => left,
            // What a person did not speak of stays as it was.
            Self::Chosen(..) => left.min(line.backordered),
        }
    }

    /// Whether a part of it may wait. A person who chose gets all of it or hears
    /// that it cannot be had.
    pub(super) fn may_stay_open(&self, order: &OrderState) -> bool {
        let waits = order.placed.fulfilment.allow_backorder;
        waits && !matches!(self, Self::Chosen(..))
    }

    /// The only location that is asked. What comes later of an order that may
    /// not be shared comes from where the rest did.
    fn only(&self, order: &OrderState) -> Option<LocationId> {
        match self {
            Self::Open => None,
            Self::Chosen(_, location, _) => Some(location.clone()),
            Self::Waiting(_) if order.placed.fulfilment.allow_split => None,
            Self::Waiting(_) => {
                let mut promises = order.promises.values();
                let stands = promises.find(|p| p.kept() > 0 || p.parts.settled > 0);
                stands.map(|promise| promise.location.clone())
            }
        }
    }
}

impl At<'_> {
    /// What a line of the order is counted in.
    ///
    /// # Errors
    /// There is no such order; a line that it does not have is counted in
    /// pieces, and refused by what follows.
    pub fn unit_of(&self, line: u32) -> Result<Unit, OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        Ok(order.line(line).map_or(Unit::Each, |line| line.line.unit))
    }

    /// What a promise of the order is counted in.
    ///
    /// # Errors
    /// As for [`At::unit_of`].
    pub fn unit_of_promise(&self, promise: order::PromiseId) -> Result<Unit, OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        let line = order.promises.get(&promise).map(|promise| promise.line);
        let line = line.and_then(|line| order.line(line));
        Ok(line.map_or(Unit::Each, |line| line.line.unit))
    }

    /// The currency of the order.
    ///
    /// # Errors
    /// There is no such order.
    pub fn currency(&self) -> Result<Currency, OrderRefusal> {
        Ok(known(self.conn, &self.document)?.placed.currency)
    }

    pub(super) fn revised(&self) -> Result<Revised, OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        let waits = order.promises.values().any(|p| p.to_withdraw() > 0);
        Ok(Revised { order, waits })
    }

    /// Writes events of one entry and publishes them.
    ///
    /// # Errors
    /// The tables could not be used.
    pub fn write(
        &self,
        order: &OrderState,
        bodies: impl IntoIterator<Item = OrderBody>,
        cells: &PairCells,
    ) -> TableResult<()> {
        let events = order.events(self.now, self.by, bodies);
        if events.is_empty() {
            return Ok(());
        }
        let writes = [Write::ExtendWith(self.document, events)];
        let appended = append_with_rights(self.conn, self.author, self.now, &writes, cells)?;
        feed::publish(self.conn, self.author, appended.at.seq).map(drop)
    }

    /// Does what follows without anybody else: where no node lives the hub says
    /// itself that it will not hand goods over, and what was withdrawn is given
    /// back.
    pub(super) fn attend(&self) -> Result<(), OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        let mut bodies = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for promise in order.promises.values() {
            let own = minters::living(self.conn, &promise.location)?.is_none();
            if own && seen.insert(&promise.location) {
                bodies.extend(withdraw(&order, &promise.location));
            }
        }
        self.write(&order, bodies, &PairCells::new())?;
        let order = known(self.conn, &self.document)?;
        let ends = order::release(&order);
        let cells = self.released(&order, &ends)?;
        let bodies = ends.into_iter().map(OrderBody::PromiseEnded);
        self.write(&order, bodies, &cells)?;
        Ok(())
    }

    /// The hub's counters after it took promises back.
    fn released(&self, order: &OrderState, ends: &[PromiseEnded]) -> TableResult<PairCells> {
        let mut sums = BTreeMap::new();
        for end in ends {
            let promise = order.promises.get(&end.promise);
            let line = promise.and_then(|promise| order.line(promise.line));
            if let Some(line) = line {
                let key = (end.location.clone(), line.line.sku.clone());
                *sums.entry(key).or_insert(0) += end.quantity.thousandths();
            }
        }
        let mut said = PairCells::new();
        for (key, quantity) in sums {
            let cells = rights::cells(self.conn, &key.0, &key.1)?;
            let write = cells.release(self.author.replica, quantity);
            let write = write.map_err(|error| TableError::Unfit {
                reason: format!("rights of {} at {}: {error}", key.1, key.0),
            })?;
            said.insert(key, write);
        }
        Ok(said)
    }

    /// Promises what is asked for, if it can be had in full.
    ///
    /// # Errors
    /// [`OrderRefusal::Insufficient`] when it cannot be had and may not wait.
    pub(super) fn source(&self, cause: &str, ask: &Ask) -> Result<(), OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        let Some(planned) = self.plan(&order, ask)? else {
            return Ok(());
        };
        let open = !planned.recorded.plan.unsourced.is_empty();
        if open && !ask.may_stay_open(&order) {
            return Err(insufficient((self.conn, self.picture), &planned, self.now));
        }
        self.promise(&order, cause, (&planned, ask))
    }

    /// Promises what can be had of a line that waits; gives from where, and how
    /// much.
    pub(super) fn source_line(
        &self,
        order: &OrderState,
        line: u32,
    ) -> Result<Vec<(LocationId, i64)>, OrderRefusal> {
        let ask = Ask::Waiting(line);
        let planned = self.plan(order, &ask)?;
        let Some(planned) = planned.filter(|planned| planned.assigned(line) > 0) else {
            return Ok(Vec::new());
        };
        self.promise(order, "supplied", (&planned, &ask))?;
        let parts = planned.recorded.plan.assignments.iter();
        let parts = parts.map(|part| (part.location.clone(), part.quantity));
        Ok(parts.collect())
    }

    /// Plans what an order still asks for; `None` for nothing.
    pub(super) fn plan(
        &self,
        order: &OrderState,
        ask: &Ask,
    ) -> Result<Option<Planned>, OrderRefusal> {
        let lines = order.lines.iter().filter_map(|line| {
            let open = ask.of(line);
            (open > 0).then(|| Wanted {
                line: line.line.line,
                sku: line.line.sku.clone(),
                quantity: open,
            })
        });
        let wanted: Vec<Wanted> = lines.collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let ground = Ground::of(
            self.conn,
            self.hub,
            self.author.replica,
            self.picture,
            self.now,
        )?;
        let by_hand = matches!(ask, Ask::Chosen(..));
        let asked = Order {
            id: self.document.to_string(),
            placed: &order.placed,
            wanted,
            cooling: if by_hand {
                BTreeMap::new()
            } else {
                attempts::cooling(*self, order)?
            },
            only: ask.only(order),
            allow_partial: ask.may_stay_open(order),
            allow_split: order.placed.fulfilment.allow_split,
        };
        Ok(Some(plan_order(&ground, self.picture, &asked, self.now)?))
    }

    /// Writes the promises of a plan, and what waits.
    pub(super) fn promise(
        &self,
        order: &OrderState,
        cause: &str,
        (planned, ask): (&Planned, &Ask),
    ) -> Result<(), OrderRefusal> {
        let number = next_decision(self.conn)?;
        let promises = planned.promises(number, order.placed.fulfilment.promise_by);
        let lines = order.lines.iter().filter(|line| ask.of(line) > 0);
        let lines = lines.filter_map(|line| {
            let waits = ask.waits(line, planned.assigned(line.line.line));
            let changed = waits > 0 || line.backordered > 0;
            changed.then(|| (line.line.line, (line.line.sku.clone(), waits)))
        });
        let ground = (self.conn, self.picture);
        let document = Some(self.document);
        let waits = backorders::told(ground, &order.placed, document, &lines.collect(), self.now)?;
        let bodies = order::source(order, promises, waits)?;
        let cells = planned.cells(self.author.replica)?;
        self.write(order, bodies, &cells)?;
        remember(self.conn, &self.document, cause, planned, self.now)?;
        Ok(())
    }

    /// Ends what was only kept for an order that is cancelled as a whole.
    fn give_back_soft(&self, lines: &[u32]) -> TableResult<()> {
        if lines.is_empty() {
            soft_holds::end_of_order(self.conn, &self.document)?;
        }
        Ok(())
    }
}
