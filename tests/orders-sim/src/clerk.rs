//! Clerks: they pick what is promised, hand it over, ship it, and put back what
//! nobody wants any more.
//!
//! After a machine was lost its successor's list may be wrong about what lies
//! ready; a clerk believes their eyes, and takes from the shelf what is missing.
//!
//! Invariant: what a clerk moves on the shelf is what the node recorded.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use evertill_domain::order::{
    FulfilmentState as Ship, FulfilmentStep, OrderState, PickupState as Pick, PickupStep,
    PromiseId, PromiseState, Work,
};
use evertill_domain::{DocumentId, Sku, Timestamp};
use evertill_hub::services::orders;
use evertill_node::services::work::{self, Step};
use evertill_storage::TableError;
use evertill_storage::projection::orders as listed;
use serde_json::{Value, json};

use crate::bug::Bug;
use crate::money::cents;
use crate::oracle::Touched;
use crate::shop::{PRICE, portion, quantity};
use crate::truth::Pair;
use crate::world::World;

/// What a clerk does next with one promise.
struct Task {
    document: DocumentId,
    promise: PromiseId,
    sku: Sku,
    before: PromiseState,
    step: Step,
    body: Value,
    /// Of a pick: how much was not there, in thousandths.
    short: i64,
    /// Of a hand-over: how much goes out, in thousandths.
    out: i64,
    /// Whether it is only written down now what a lost machine took with it.
    late: bool,
}

impl World {
    /// The clerks of a store do the next step of everything that is open;
    /// `finish` leaves nothing lying. Gives how many steps that were.
    pub(crate) fn work(&mut self, at: usize, finish: bool) -> Result<usize> {
        let mut done = 0;
        // Whoever takes a place over waits for its history.
        if !self.trades(at) || !self.sites[at].is_minter()? {
            return Ok(0);
        }
        for (document, order) in self.open_at(at)? {
            let place = self.sites[at].location.clone();
            let promises: BTreeMap<PromiseId, PromiseState> = order
                .promises_of(&place)
                .map(|(id, promise)| (*id, promise.clone()))
                .collect();
            for (id, promise) in promises {
                let lazy = !finish && self.rng.chance(1, 3);
                if lazy {
                    continue;
                }
                let Some(task) = self.task(at, finish, (document, &order), (id, promise))? else {
                    continue;
                };
                done += usize::from(self.carry_out(at, &task)?);
                if self.violation.is_some() {
                    return Ok(done);
                }
            }
        }
        Ok(done)
    }

    pub(crate) fn open_at(&self, at: usize) -> Result<Vec<(DocumentId, OrderState)>> {
        let place = self.sites[at].location.clone();
        Ok(self.sites[at].node().store().read_blocking(move |conn| {
            let mut found = Vec::new();
            for document in listed::open_at(conn, &place, None, 200)? {
                if let Some(order) = listed::load(conn, &document)? {
                    found.push((document, order));
                }
            }
            Ok::<_, TableError>(found)
        })?)
    }

    fn task(
        &mut self,
        at: usize,
        finish: bool,
        (document, order): (DocumentId, &OrderState),
        (promise, before): (PromiseId, PromiseState),
    ) -> Result<Option<Task>> {
        let Some(line) = order.line(before.line) else {
            return Ok(None);
        };
        let sku = line.line.sku.clone();
        let size = portion(&sku);
        let pair = (self.sites[at].location.clone(), sku.clone());
        let missing = before.kept() - before.staged;
        let found = missing.min(self.books.shelf(&pair).free * size).max(0);
        let mut body = json!({"parts": [{"promise": promise}], "by": "clerk"});
        let mut short = (missing - found).max(0);
        let moods = Moods {
            refuses: !finish && self.rng.chance(1, 25),
            late: !finish && self.rng.chance(1, 8),
            short: short > 0,
        };
        let step = match before.work {
            Work::Pickup(state) => next_of_pickup(state, &before, moods).map(Step::Pickup),
            Work::Shipment(state) => next_of_shipment(state, &before, moods).map(Step::Shipment),
        };
        let Some(mut step) = step else {
            return Ok(None);
        };
        let mut late = false;
        if goes_out(step) {
            match self.eyes(at, promise, &before, &pair) {
                Eyes::Ready => {}
                Eyes::Gone => late = true,
                Eyes::Nothing if matches!(step, Step::Pickup(_)) => {
                    step = Step::Pickup(PickupStep::NoShow);
                }
                Eyes::Nothing | Eyes::Late => return Ok(None),
            }
        }
        if matches!(
            step,
            Step::Pickup(PickupStep::ShortPick) | Step::Shipment(FulfilmentStep::ShortPick)
        ) {
            body["parts"][0]["quantity"] = json!(quantity(found / size, &sku));
        } else {
            short = 0;
        }
        if matches!(
            step,
            Step::Pickup(PickupStep::Reject) | Step::Shipment(FulfilmentStep::Reject)
        ) {
            body["reason"] = json!("too busy");
        }
        let mut out = before.staged.min(before.kept());
        if goes_out(step) && !finish && !late && out > size && self.rng.chance(1, 4) {
            out = size;
            body["parts"][0]["quantity"] = json!(quantity(1, &sku));
        }
        if step == Step::Pickup(PickupStep::HandOver) {
            self.counter(document, &before, out / size, &mut body)?;
        }
        Ok(Some(Task {
            document,
            promise,
            sku,
            before,
            step,
            body,
            short,
            out,
            late,
        }))
    }

    /// Looks whether what is to go out really lies there. Something that a lost
    /// machine moved is taken from the shelf instead, if there is any.
    fn eyes(&mut self, at: usize, promise: PromiseId, before: &PromiseState, pair: &Pair) -> Eyes {
        let size = portion(&pair.1);
        let listed = before.staged / size;
        let parts = self.truth.orders.values().find_map(|order| {
            let promise = order.promises.get(&promise)?;
            Some(promise.parts)
        });
        let told = parts.map_or(0, |parts| parts.settled) / size;
        let goods = self.books.goods.entry(promise).or_default();
        let untold = goods.carried - before.parts.settled / size;
        if untold >= listed {
            // The customer has it already: nobody asks for it again.
            let may_return = self.strays.iter().any(|stray| stray.at == at);
            return match told < goods.carried {
                true if may_return => Eyes::Nothing,
                true => Eyes::Gone,
                // The news is under way.
                false => Eyes::Late,
            };
        }
        if goods.staged >= listed {
            return Eyes::Ready;
        }
        let wanted = listed - goods.staged;
        let rack = self.books.shelves.entry(pair.clone()).or_default();
        if untold > 0 || rack.free < wanted {
            return Eyes::Nothing;
        }
        goods.staged += wanted;
        rack.free -= wanted;
        rack.staged += wanted;
        rack.missing -= wanted;
        Eyes::Ready
    }

    /// What the customer shows and pays.
    pub(crate) fn counter(
        &self,
        document: DocumentId,
        before: &PromiseState,
        portions: i64,
        body: &mut Value,
    ) -> Result<()> {
        let hub = self.hub.hub();
        let codes = self.hub.run(orders::pickup_codes(hub, document))?;
        let code = codes
            .into_iter()
            .flatten()
            .find(|(at, _)| *at == before.location);
        body["code"] = json!(code.map(|(_, code)| code));
        let order = self.orders.iter().find(|order| order.document == document);
        if order.is_some_and(|order| order.at_counter) {
            body["tenders"] = json!([{"kind": "cash", "amount": cents(portions * PRICE)}]);
        }
        Ok(())
    }

    fn carry_out(&mut self, at: usize, task: &Task) -> Result<bool> {
        let goes_out = goes_out(task.step);
        let pair = (self.sites[at].location.clone(), task.sku.clone());
        self.may_leave(&pair, task, if goes_out { task.out } else { task.short });
        if task.step == Step::Pickup(PickupStep::HandOver) && !self.stranger(at, task)? {
            return Ok(false);
        }
        if goes_out && self.has(Bug::HandOverEndsNothing) {
            self.hand_over_without_end(at, task.document, task.promise, task.step)?;
        } else {
            let site = &mut self.sites[at];
            let request = site.request("/api/v1/steps")?;
            let body = serde_json::from_value(task.body.clone())?;
            let asked = (task.document.to_string(), task.step);
            let stepped = site.run(work::step(site.node(), request, asked, body));
            if let Err(refused) = stepped {
                self.note(&format!("{at} refused {:?}: {refused:?}", task.step));
                self.books.may_owe.clear();
                return Ok(false);
            }
        }
        let back = matches!(
            task.step,
            Step::Pickup(PickupStep::PutBack) | Step::Shipment(FulfilmentStep::PutBack)
        );
        if back && self.has(Bug::PutBackTwice) {
            self.again(at, task.document)?;
        }
        self.note(&format!(
            "{at} {:?} {} {}",
            task.step, task.document, task.promise
        ));
        self.moved(at, task, &pair, goes_out)?;
        self.observe(Touched::Site(at))?;
        Ok(true)
    }

    /// A promise that was broken elsewhere already, or given back, is not ended
    /// by handing it over, or by missing it: that much may be owed.
    fn may_leave(&mut self, pair: &Pair, task: &Task, out: i64) {
        let order = self.truth.orders.get(&task.document);
        let live = order.and_then(|order| order.promises.get(&task.promise));
        let live = live.map_or(0, |promise| promise.parts.live());
        let owed = (out - live).max(0);
        if owed > 0 {
            *self.books.may_owe.entry(pair.clone()).or_insert(0) += owed;
        }
    }

    /// Now and then somebody shows a wrong code first, and must get nothing.
    fn stranger(&mut self, at: usize, task: &Task) -> Result<bool> {
        if !self.rng.chance(1, 10) {
            return Ok(true);
        }
        let mut body = task.body.clone();
        if !self.has(Bug::CodeUnchecked) {
            body["code"] = json!("000000");
        }
        let site = &mut self.sites[at];
        let request = site.request("/api/v1/steps")?;
        let asked = (task.document.to_string(), task.step);
        let body = serde_json::from_value(body)?;
        let stepped = site.run(work::step(site.node(), request, asked, body));
        if stepped.is_ok() {
            let what = format!("{} at {at}", task.document);
            self.violated("nobody gets goods without the code", what);
            return Ok(false);
        }
        Ok(true)
    }

    /// What is on the shelves after a step.
    fn moved(&mut self, at: usize, task: &Task, pair: &Pair, goes_out: bool) -> Result<()> {
        let document = task.document;
        let order = self.sites[at]
            .node()
            .store()
            .read_blocking(move |conn| listed::load(conn, &document))?;
        let after = order.and_then(|order| order.promises.get(&task.promise).cloned());
        let after = after.unwrap_or_else(|| task.before.clone());
        let size = portion(&task.sku);
        let out = (task.before.staged - after.staged) / size;
        let goods = self.books.goods.entry(task.promise).or_default();
        let rack = self.books.shelves.entry(pair.clone()).or_default();
        if goes_out {
            if task.late {
                // What is still put aside goes back; the rest went long ago.
                let back = goods.staged;
                goods.staged = 0;
                rack.staged -= back;
                rack.free += back;
                rack.missing -= out - back;
                rack.unrecorded -= out;
            } else {
                goods.staged -= out;
                goods.carried += out;
                rack.staged -= out;
                let mut known = self.orders.iter_mut();
                if let Some(known) = known.find(|order| order.document == document) {
                    known.got += out;
                }
                self.done.delivered += out;
            }
            let ended = after.parts.settled - task.before.parts.settled;
            let expected = (out * size).min(task.before.kept());
            if ended != expected {
                let what = format!("{document}: {out} portions left, {ended} ended");
                self.violated("a hand-over ends the promise", what);
            }
        } else {
            // What a lost machine put back, or gave away, cannot go back again.
            let really = out.min(goods.staged);
            goods.staged -= really;
            rack.staged -= really;
            rack.free += really;
            rack.missing -= out - really;
            // What was not found leaves the records with the promise.
            rack.unrecorded -= task.short / size;
        }
        ensure!(
            shelf_is_sound(self.books.shelf(pair)),
            "a clerk moved what is not there"
        );
        *self.books.not_found.entry(pair.clone()).or_insert(0) += task.short;
        Ok(())
    }

    /// A customer asks for more time, or stands at the counter and leaves again.
    pub(crate) fn customer_asks(&mut self, at: usize) -> Result<()> {
        if !self.trades(at) || !self.sites[at].is_minter()? {
            return Ok(());
        }
        let place = self.sites[at].location.clone();
        let until = Timestamp::from_millis(self.now + 24 * 3_600_000);
        for (document, order) in self.open_at(at)? {
            let mut promises = order.promises_of(&place);
            let waits = promises.find(|(_, promise)| {
                let ready = matches!(
                    promise.work,
                    Work::Pickup(Pick::Ready | Pick::Extended | Pick::NoShow)
                );
                ready && promise.kept() > 0
            });
            let Some((id, _)) = waits else { continue };
            let step = if self.rng.chance(1, 2) {
                PickupStep::Extend
            } else {
                PickupStep::Arrive
            };
            let mut body = json!({"parts": [{"promise": id}], "by": "clerk"});
            if step == PickupStep::Extend {
                body["until"] = json!(until.to_string());
            }
            let site = &mut self.sites[at];
            let request = site.request("/api/v1/steps")?;
            let asked = (document.to_string(), Step::Pickup(step));
            let body = serde_json::from_value(body)?;
            let stepped = site.run(work::step(site.node(), request, asked, body));
            self.note(&format!("{at} {step:?} {document}: {}", stepped.is_ok()));
            return self.observe(Touched::Site(at));
        }
        Ok(())
    }
}

/// What a clerk sees where goods should lie ready.
enum Eyes {
    /// They do.
    Ready,
    /// Their customer has them, and nobody wrote it down.
    Gone,
    /// They do not, and there are no others.
    Nothing,
    /// Their customer has them, and the store will hear of it.
    Late,
}

const fn goes_out(step: Step) -> bool {
    matches!(
        step,
        Step::Pickup(PickupStep::HandOver) | Step::Shipment(FulfilmentStep::Ship)
    )
}

/// What decides about the next step, beside the state.
#[derive(Clone, Copy)]
struct Moods {
    /// The clerk cannot do it.
    refuses: bool,
    /// The customer does not come.
    late: bool,
    /// Not all of it is on the shelf.
    short: bool,
}

fn next_of_pickup(state: Pick, promise: &PromiseState, moods: Moods) -> Option<PickupStep> {
    let (staged, kept) = (promise.staged > 0, promise.kept() > 0);
    let picks = promise.kept() > promise.staged;
    Some(match state {
        Pick::Requested | Pick::Accepted if moods.refuses => PickupStep::Reject,
        Pick::Requested => PickupStep::Accept,
        Pick::Accepted => PickupStep::StartPick,
        Pick::Picking | Pick::ShortPicked if picks && moods.short => PickupStep::ShortPick,
        Pick::Picking | Pick::ShortPicked if picks => PickupStep::Pick,
        Pick::Picking | Pick::ShortPicked if staged => PickupStep::Ready,
        Pick::Ready if moods.late => PickupStep::NoShow,
        Pick::Ready | Pick::PartiallyHandedOver | Pick::Extended if staged && kept => {
            PickupStep::HandOver
        }
        Pick::Ready | Pick::PartiallyHandedOver | Pick::Extended if staged => PickupStep::NoShow,
        Pick::Arrived => PickupStep::Leave,
        // Of a pickup that was handed over: a part was broken after it was put
        // aside, and the customer has the rest.
        Pick::NoShow | Pick::Expired | Pick::Cancelled | Pick::Rejected | Pick::HandedOver
            if staged =>
        {
            PickupStep::PutBack
        }
        _ => return None,
    })
}

fn next_of_shipment(state: Ship, promise: &PromiseState, moods: Moods) -> Option<FulfilmentStep> {
    let (staged, kept) = (promise.staged > 0, promise.kept() > 0);
    let picks = promise.kept() > promise.staged;
    Some(match state {
        Ship::Offered | Ship::Accepted if moods.refuses => FulfilmentStep::Reject,
        Ship::Offered => FulfilmentStep::Accept,
        Ship::Accepted => FulfilmentStep::StartPick,
        Ship::Picking | Ship::Picked | Ship::ShortPicked if picks && moods.short => {
            FulfilmentStep::ShortPick
        }
        Ship::Picking | Ship::Picked | Ship::ShortPicked if picks => FulfilmentStep::Pick,
        Ship::Picked | Ship::ShortPicked | Ship::Unpacked if staged && kept => FulfilmentStep::Pack,
        Ship::Packed | Ship::PartiallyShipped if kept && staged => FulfilmentStep::Ship,
        // All that was put aside was broken or called back since.
        Ship::Picked
        | Ship::ShortPicked
        | Ship::Packed
        | Ship::Unpacked
        | Ship::PartiallyShipped
            if staged && !kept =>
        {
            FulfilmentStep::Cancel
        }
        // Of one that was sent: a part was broken after it was packed.
        Ship::Shipped | Ship::Delivered | Ship::Cancelled | Ship::Rejected if staged => {
            FulfilmentStep::PutBack
        }
        Ship::Shipped => FulfilmentStep::Deliver,
        Ship::OnHold => FulfilmentStep::Resume,
        _ => return None,
    })
}

fn shelf_is_sound(goods: &crate::oracle::Shelf) -> bool {
    goods.free >= 0 && goods.staged >= 0
}
