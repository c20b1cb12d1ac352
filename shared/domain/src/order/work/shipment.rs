//! The steps of what a location ships.

use super::super::event::OrderBody;
use super::super::machine::FulfilmentState;
use super::super::state::{OrderState, PromiseState, Work};
use super::super::words::{EndCause, FulfilmentStep};
use super::part::{Action, Target, recorded, targets};
use super::{StepCommand, StepContext, check_command, check_paid, reason_given};
use crate::rejection::{Rejection, Rejections};

/// Decides a step of what a location ships. The hub offers, and ends a claim that
/// was not answered together with a [`recall`](super::super::recall) of the
/// promise.
///
/// # Errors
/// A step that the state of a promise does not allow, goods that are not there,
/// and every field that breaks a rule.
pub fn shipment(
    order: &OrderState,
    command: &StepCommand<FulfilmentStep>,
    context: &StepContext<'_>,
) -> Result<Vec<OrderBody>, Rejections> {
    Rejections::unless_empty(check_command(command, context.now, false))?;
    let step = command.step;
    if step == FulfilmentStep::Reject {
        reason_given(command)?;
    }
    let fits = |promise: &PromiseState| at_work(promise, step);
    let targets = targets(order, command, context.location, fits)?;
    if targets.is_empty() {
        return Err(nothing_fits(order, step, context));
    }
    // The state comes first: what else is wrong does not matter in a wrong one.
    targets
        .iter()
        .try_for_each(|target| allowed(target, step))?;
    let goes_out = matches!(step, FulfilmentStep::Ship | FulfilmentStep::ShipPart);
    if goes_out {
        check_paid(order)?;
    }
    let (mut whole, mut in_part, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for target in &targets {
        let outcome = target.outcome(order, action(step), context)?;
        let as_part = goes_out && outcome.in_part;
        let step = if as_part {
            FulfilmentStep::ShipPart
        } else {
            whole_step(step)
        };
        allowed(target, step)?;
        let parts = if as_part { &mut in_part } else { &mut whole };
        parts.extend(outcome.parts);
        bodies.extend(outcome.ends);
    }
    let mut all = Vec::new();
    for (step, parts) in [
        (whole_step(step), whole),
        (FulfilmentStep::ShipPart, in_part),
    ] {
        if !parts.is_empty() {
            let step = recorded(command, step, context.location, parts);
            all.push(OrderBody::Fulfilment(step));
        }
    }
    all.extend(bodies);
    Ok(all)
}

/// Whether a step of a part is one is said by what stays.
const fn whole_step(step: FulfilmentStep) -> FulfilmentStep {
    match step {
        FulfilmentStep::ShipPart => FulfilmentStep::Ship,
        step => step,
    }
}

const fn action(step: FulfilmentStep) -> Action {
    match step {
        FulfilmentStep::Pick => Action::Pick,
        FulfilmentStep::ShortPick => Action::ShortPick,
        FulfilmentStep::Ship | FulfilmentStep::ShipPart => Action::Out(EndCause::Dispatched),
        FulfilmentStep::PutBack => Action::Back(EndCause::Cancelled),
        FulfilmentStep::Reject => Action::GiveUp(EndCause::Rejected),
        FulfilmentStep::ReturnToSender => Action::Return,
        FulfilmentStep::Offer
        | FulfilmentStep::ExpireClaim
        | FulfilmentStep::Accept
        | FulfilmentStep::Hold
        | FulfilmentStep::Resume
        | FulfilmentStep::StartPick
        | FulfilmentStep::Pack
        | FulfilmentStep::Unpack
        | FulfilmentStep::Deliver
        | FulfilmentStep::FailDelivery
        | FulfilmentStep::Cancel => Action::Mark,
    }
}

/// Whether the step is meant for this promise, when none is named: its state
/// allows it, and there is something that it could be about.
fn at_work(promise: &PromiseState, step: FulfilmentStep) -> bool {
    let Work::Shipment(state) = promise.work else {
        return false;
    };
    let swaps = promise.substitutes_staged();
    let sent = promise.parts.settled + promise.substituted - promise.returned;
    let about = match (action(step), step) {
        (Action::Back(_), _) | (_, FulfilmentStep::Pack | FulfilmentStep::Unpack) => {
            promise.staged + swaps
        }
        (Action::Pick | Action::ShortPick, _) => promise.kept() - promise.staged,
        (Action::Out(_), _) => promise.staged.min(promise.kept()) + swaps,
        (Action::Return, _) | (_, FulfilmentStep::Deliver | FulfilmentStep::FailDelivery) => sent,
        (Action::Mark | Action::GiveUp(_), _) => promise.kept() + swaps,
    };
    state.allowed(step).is_ok() && about > 0
}

fn allowed(target: &Target<'_>, step: FulfilmentStep) -> Result<(), Rejection> {
    let Work::Shipment(state) = target.promise.work else {
        let detail = format!("promise {} is collected, not shipped", target.id);
        return Err(target.refuse("", "not_a_shipment", detail).as_conflict());
    };
    state.allowed(step).map_err(|forbidden| {
        target
            .refuse("", "forbidden_step", forbidden.to_string())
            .as_conflict()
    })?;
    let staged = target.promise.put_aside();
    if step == FulfilmentStep::Pack && staged == 0 {
        let detail = format!(
            "nothing is put aside for promise {}; pick it first",
            target.id
        );
        return Err(target.refuse("", "nothing_staged", detail).as_conflict());
    }
    if step == FulfilmentStep::Cancel && target.promise.kept() > 0 {
        let detail = format!("promise {} is not cancelled; reject it instead", target.id);
        return Err(target.refuse("", "not_cancelled", detail).as_conflict());
    }
    Ok(())
}

/// The refusal of a step that fits no promise here: it names the state of the
/// first one that is still going on, or of the first.
fn nothing_fits(order: &OrderState, step: FulfilmentStep, context: &StepContext<'_>) -> Rejections {
    let here = || {
        order
            .promises_of(context.location)
            .map(|(_, promise)| promise)
    };
    let state = |promise: &PromiseState| match promise.work {
        Work::Shipment(state) => Some(state),
        Work::Pickup(_) => None,
    };
    let going = here().find(|promise| promise.kept() > 0).and_then(state);
    let Some(state): Option<FulfilmentState> = going.or_else(|| here().find_map(state)) else {
        let detail = format!(
            "nothing of the order is to be shipped from {}",
            context.location
        );
        return Rejection::new("", "not_here", detail).as_not_found().into();
    };
    if let Err(forbidden) = state.allowed(step) {
        return forbidden.rejection("").into();
    }
    let detail = format!("the shipment is {state}, but there are no goods to {step}");
    let conflict = Rejection::new("", "nothing_ready", detail).as_conflict();
    conflict.into()
}
