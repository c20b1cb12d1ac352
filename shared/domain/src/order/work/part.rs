//! The parts of a step: which promises it is about, how much of each, and what
//! that does to them.

use std::collections::BTreeMap;

use super::super::event::{OrderBody, PromiseEnded, StepPart, StepRecorded, Withdrawn};
use super::super::line::PromiseId;
use super::super::revise::quantity;
use super::super::state::{OrderState, PromiseState};
use super::super::words::{EndCause, Substitution};
use super::{StepCommand, StepContext};
use crate::ids::{LocationId, Sku};
use crate::quantity::Quantity;
use crate::rejection::{Rejection, Rejections};
use crate::rights::End;

/// What is asked of one promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartCommand {
    /// Which promise.
    pub promise: PromiseId,
    /// How much; `None` for all of it. Of a short pick: how much was found.
    pub quantity: Option<Quantity>,
    /// What is taken in place of what was not found, and how much of it.
    pub substitute: Option<(Sku, Quantity)>,
    /// Whether the customer agreed to that, where they want to be asked.
    pub agreed: bool,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

impl PartCommand {
    /// All of a promise, with nothing in its place.
    #[must_use]
    pub const fn whole(promise: PromiseId) -> Self {
        Self {
            promise,
            quantity: None,
            substitute: None,
            agreed: false,
            lot: None,
        }
    }
}

/// What a step does with goods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Nothing.
    Mark,
    /// Puts them aside.
    Pick,
    /// Puts them aside, and finds some missing.
    ShortPick,
    /// Gives them to the customer or carrier, and why promises end by it.
    Out(EndCause),
    /// Puts them back for sale, and why.
    Back(EndCause),
    /// Gives up what is promised, and why.
    GiveUp(EndCause),
    /// Takes them back from a carrier.
    Return,
}

/// One promise in a step.
pub(super) struct Target<'a> {
    pub(super) id: PromiseId,
    pub(super) promise: &'a PromiseState,
    asked: Option<&'a PartCommand>,
    pointer: String,
}

/// What a step does to one promise.
pub(super) struct Outcome {
    /// What moved.
    pub(super) parts: Vec<StepPart>,
    /// Promises that end or are given up with it.
    pub(super) ends: Vec<OrderBody>,
    /// Whether some of it stays: the step is one of a part.
    pub(super) in_part: bool,
}

/// The promises of the location that the step is about.
pub(super) fn targets<'a, S>(
    order: &'a OrderState,
    command: &'a StepCommand<S>,
    location: &'a LocationId,
    fits: impl Fn(&PromiseState) -> bool,
) -> Result<Vec<Target<'a>>, Rejections> {
    if command.parts.is_empty() {
        let all = order.promises_of(location);
        let all = all.filter(|(_, promise)| fits(promise));
        return Ok(all
            .map(|(id, promise)| Target {
                id: *id,
                promise,
                asked: None,
                pointer: String::new(),
            })
            .collect());
    }
    let mut targets: BTreeMap<PromiseId, Target<'a>> = BTreeMap::new();
    let mut refused = Vec::new();
    for (i, part) in command.parts.iter().enumerate() {
        let pointer = format!("/lines/{i}");
        let known = order.promises.get(&part.promise);
        let Some(promise) = known.filter(|promise| promise.location == *location) else {
            let detail = format!("no promise {} is to be kept here", part.promise);
            refused.push(Rejection::new(pointer, "unknown_promise", detail).as_not_found());
            continue;
        };
        let target = Target {
            id: part.promise,
            promise,
            asked: Some(part),
            pointer: pointer.clone(),
        };
        if targets.insert(part.promise, target).is_some() {
            let detail = "the promise is named twice; name each once";
            refused.push(Rejection::new(pointer, "duplicate_promise", detail));
        }
    }
    Rejections::unless_empty(refused)?;
    Ok(targets.into_values().collect())
}

impl Target<'_> {
    pub(super) fn refuse(&self, field: &str, code: &'static str, detail: String) -> Rejection {
        Rejection::new(format!("{}{field}", self.pointer), code, detail)
    }

    /// What the step does to the promise.
    pub(super) fn outcome(
        &self,
        order: &OrderState,
        action: Action,
        context: &StepContext<'_>,
    ) -> Result<Outcome, Rejection> {
        match action {
            Action::Mark => Ok(self.about(order, self.promise.kept())),
            Action::Pick | Action::ShortPick => self.pick(order, action, context),
            Action::Out(cause) => self.out(order, cause),
            Action::Back(cause) => self.back(order, cause),
            Action::GiveUp(cause) => {
                let mut outcome = self.about(order, self.promise.kept());
                outcome
                    .ends
                    .extend(self.withdrawn(self.promise.kept(), cause));
                Ok(outcome)
            }
            Action::Return => {
                let most = self.promise.parts.settled - self.promise.returned;
                let back = self.asked(order, most, most)?;
                Ok(self.about(order, back))
            }
        }
    }

    fn pick(
        &self,
        order: &OrderState,
        action: Action,
        context: &StepContext<'_>,
    ) -> Result<Outcome, Rejection> {
        let missing = self.promise.kept() - self.promise.staged;
        let found = self.asked(order, missing, missing)?;
        let short = if action == Action::ShortPick {
            missing - found
        } else {
            0
        };
        if action == Action::ShortPick && short == 0 {
            let detail = "all of it was found; pick it, or send how much was found".to_owned();
            return Err(self.refuse("/quantity", "not_short", detail));
        }
        let mut outcome = self.about(order, found);
        let first = outcome.parts.first_mut();
        first.expect("invariant: there is a part").short =
            quantity(short).unwrap_or(Quantity::ZERO);
        let swapped = self.substitute(order, short, context)?;
        let taken = swapped
            .as_ref()
            .map_or(0, |part| part.quantity.thousandths());
        outcome.parts.extend(swapped);
        let ends = [
            (taken, EndCause::Substituted),
            (short - taken, EndCause::ShortPick),
        ];
        for (part, cause) in ends {
            outcome.ends.extend(self.ended(part, End::Breached, cause));
        }
        Ok(outcome)
    }

    /// What is taken in place of what was not found, as the customer allows.
    fn substitute(
        &self,
        order: &OrderState,
        short: i64,
        context: &StepContext<'_>,
    ) -> Result<Option<StepPart>, Rejection> {
        let Some((asked, (sku, wanted))) = self
            .asked
            .and_then(|asked| Some((asked, asked.substitute.as_ref()?)))
        else {
            return Ok(None);
        };
        let refuse = |code, detail: &str| Err(self.refuse("/substitute", code, detail.to_owned()));
        let line = order.line(self.promise.line);
        match line.map(|line| line.line.substitution) {
            Some(Substitution::Allow) => {}
            Some(Substitution::Ask) if asked.agreed => {}
            Some(Substitution::Ask) => {
                return refuse("not_agreed", "the customer wants to be asked first");
            }
            Some(Substitution::None) | None => {
                return refuse(
                    "not_allowed",
                    "the customer takes nothing else for this line",
                );
            }
        }
        let Some(product) = context.products.get(sku) else {
            return refuse("unknown_sku", "no such product is known here");
        };
        if !wanted.is_positive() || !wanted.fits(product.unit) || wanted.thousandths() > short {
            return refuse("too_much", "take no more than was not found");
        }
        Ok(Some(StepPart {
            sku: sku.clone(),
            quantity: *wanted,
            short: Quantity::ZERO,
            substitute: true,
            ..self.part(order, wanted.thousandths())
        }))
    }

    fn out(&self, order: &OrderState, cause: EndCause) -> Result<Outcome, Rejection> {
        let promise = self.promise;
        let most = promise.staged.min(promise.kept());
        let swaps = promise.substitutes_staged();
        if most + swaps == 0 {
            let detail = format!("nothing of promise {} is ready to go out", self.id);
            let conflict = self.refuse("", "nothing_ready", detail).as_conflict();
            return Err(conflict);
        }
        let out = self.asked(order, most, most)?;
        let mut outcome = Outcome {
            parts: Vec::new(),
            ends: self.ended(out, End::Settled, cause).into_iter().collect(),
            in_part: out < promise.kept(),
        };
        if out > 0 {
            outcome.parts.push(self.part(order, out));
        }
        outcome.parts.extend(self.substitutes(order));
        Ok(outcome)
    }

    fn back(&self, order: &OrderState, cause: EndCause) -> Result<Outcome, Rejection> {
        let promise = self.promise;
        if promise.put_aside() == 0 {
            let detail = format!("nothing is put aside for promise {}", self.id);
            return Err(self.refuse("", "nothing_staged", detail).as_conflict());
        }
        let mut outcome = Outcome {
            parts: Vec::new(),
            ends: self.withdrawn(promise.kept(), cause).into_iter().collect(),
            in_part: false,
        };
        if promise.staged > 0 {
            outcome.parts.push(self.part(order, promise.staged));
        }
        outcome.parts.extend(self.substitutes(order));
        Ok(outcome)
    }

    /// How much is asked for: between nothing and `most`.
    fn asked(&self, order: &OrderState, default: i64, most: i64) -> Result<i64, Rejection> {
        let Some(asked) = self.asked.and_then(|asked| asked.quantity) else {
            return Ok(default);
        };
        let unit = order.line(self.promise.line).map(|line| line.line.unit);
        let fits = unit.is_none_or(|unit| asked.fits(unit));
        let thousandths = asked.thousandths();
        if fits && (0..=most).contains(&thousandths) {
            return Ok(thousandths);
        }
        let most = Quantity::from_thousandths(most).unwrap_or(Quantity::ZERO);
        let detail = format!("send a quantity from 0 to {most}");
        Err(self.refuse("/quantity", "out_of_range", detail))
    }

    fn about(&self, order: &OrderState, thousandths: i64) -> Outcome {
        Outcome {
            parts: vec![self.part(order, thousandths)],
            ends: Vec::new(),
            in_part: false,
        }
    }

    fn part(&self, order: &OrderState, thousandths: i64) -> StepPart {
        StepPart {
            lot: self.asked.and_then(|asked| asked.lot.clone()),
            ..step_part(order, self.id, self.promise, thousandths)
        }
    }

    /// Everything that is put aside in place of the line's product. It goes
    /// out, or back, as a whole.
    fn substitutes(&self, order: &OrderState) -> Vec<StepPart> {
        let staged = self.promise.substitutes.iter();
        let staged = staged.filter(|(_, staged)| **staged > 0);
        staged
            .map(|(sku, staged)| StepPart {
                sku: sku.clone(),
                substitute: true,
                lot: None,
                ..self.part(order, *staged)
            })
            .collect()
    }

    fn ended(&self, thousandths: i64, how: End, cause: EndCause) -> Option<OrderBody> {
        quantity(thousandths).map(|quantity| {
            OrderBody::PromiseEnded(PromiseEnded {
                promise: self.id,
                quantity,
                how,
                cause,
                location: self.promise.location.clone(),
            })
        })
    }

    fn withdrawn(&self, thousandths: i64, cause: EndCause) -> Option<OrderBody> {
        quantity(thousandths).map(|quantity| {
            OrderBody::Withdrawn(Withdrawn {
                promise: self.id,
                quantity,
                location: self.promise.location.clone(),
                cause,
            })
        })
    }
}

fn step_part(
    order: &OrderState,
    id: PromiseId,
    promise: &PromiseState,
    thousandths: i64,
) -> StepPart {
    let line = order.line(promise.line);
    let line = line.expect("invariant: a promise is kept only of a line of its order");
    StepPart {
        promise: id,
        sku: line.line.sku.clone(),
        quantity: quantity(thousandths).unwrap_or(Quantity::ZERO),
        short: Quantity::ZERO,
        uncovered: Quantity::ZERO,
        substitute: false,
        lot: None,
    }
}

/// The step that ends the work on some promises; nothing when there are none.
pub(super) fn ended<S>(
    order: &OrderState,
    location: &LocationId,
    step: S,
    promises: &[(PromiseId, &PromiseState)],
) -> Option<StepRecorded<S>> {
    let parts = promises.iter();
    let parts: Vec<StepPart> = parts
        .map(|(id, promise)| step_part(order, *id, promise, promise.staged))
        .collect();
    (!parts.is_empty()).then(|| recorded(&StepCommand::of(()), step, location, parts))
}

/// The event of a step.
pub(super) fn recorded<S, C>(
    command: &StepCommand<C>,
    step: S,
    location: &LocationId,
    parts: Vec<StepPart>,
) -> StepRecorded<S> {
    StepRecorded {
        step,
        location: location.clone(),
        parts,
        reason: command.reason.clone(),
        until: command.until,
        receipt: command.paid.as_ref().map(|paid| paid.receipt.clone()),
        proxy: command.proxy,
        age_checked: command.age_checked,
        parcel: command.parcel.clone(),
        carrier: command.carrier.clone(),
    }
}
