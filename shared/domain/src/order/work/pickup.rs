//! The steps of a pickup.

use super::super::event::{OrderBody, PaymentRecorded};
use super::super::machine::PickupState;
use super::super::state::{OrderState, PromiseState, Work};
use super::super::words::{EndCause, PaymentStep, PickupStep};
use super::part::{Action, Target, recorded, targets};
use super::{StepCommand, StepContext, check_command, check_paid, reason_given};
use crate::rejection::{Rejection, Rejections};
use crate::time::Timestamp;

/// Decides a step of a pickup at a location.
///
/// # Errors
/// A step that the state of a promise does not allow, goods that are not there,
/// a hand-over that is not paid or needs an age check, and every field that
/// breaks a rule.
pub fn pickup(
    order: &OrderState,
    command: &StepCommand<PickupStep>,
    context: &StepContext<'_>,
) -> Result<Vec<OrderBody>, Rejections> {
    let extends = command.step == PickupStep::Extend;
    Rejections::unless_empty(check_command(command, context.now, extends))?;
    if command.step == PickupStep::Reject {
        reason_given(command)?;
    }
    let step = command.step;
    let fits = |promise: &PromiseState| at_work(promise, step);
    let targets = targets(order, command, context.location, fits)?;
    if targets.is_empty() {
        return Err(nothing_fits(order, command.step, context));
    }
    // The state comes first: what else is wrong does not matter in a wrong one.
    targets
        .iter()
        .try_for_each(|target| allowed(target, step))?;
    if extends {
        check_extension(command, context, &targets)?;
    }
    let goes_out = matches!(step, PickupStep::HandOver | PickupStep::HandOverPart);
    if goes_out {
        check_hand_over(order, command, context, &targets)?;
    }
    let (mut whole, mut in_part, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for target in &targets {
        let outcome = target.outcome(order, action(step), context)?;
        let as_part = goes_out && outcome.in_part;
        let step = if as_part {
            PickupStep::HandOverPart
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
        (PickupStep::HandOverPart, in_part),
    ] {
        if !parts.is_empty() {
            let step = recorded(command, step, context.location, parts);
            all.push(OrderBody::Pickup(step));
        }
    }
    all.extend(bodies);
    if goes_out {
        all.extend(payment(command));
    }
    Ok(all)
}

/// Whether a step of a part is one is said by what stays.
const fn whole_step(step: PickupStep) -> PickupStep {
    match step {
        PickupStep::HandOverPart => PickupStep::HandOver,
        step => step,
    }
}

const fn action(step: PickupStep) -> Action {
    match step {
        PickupStep::Pick => Action::Pick,
        PickupStep::ShortPick => Action::ShortPick,
        PickupStep::HandOver | PickupStep::HandOverPart => Action::Out(EndCause::HandedOver),
        PickupStep::PutBack => Action::Back(EndCause::NoShow),
        PickupStep::Reject => Action::GiveUp(EndCause::Rejected),
        PickupStep::Accept
        | PickupStep::StartPick
        | PickupStep::Ready
        | PickupStep::Arrive
        | PickupStep::Leave
        | PickupStep::Extend
        | PickupStep::NoShow
        | PickupStep::Expire
        | PickupStep::Cancel => Action::Mark,
    }
}

/// Whether the step is meant for this promise, when none is named: its state
/// allows it, and there is something that it could be about.
fn at_work(promise: &PromiseState, step: PickupStep) -> bool {
    let Work::Pickup(state) = promise.work else {
        return false;
    };
    let staged = promise.put_aside();
    let about = match action(step) {
        Action::Back(_) => staged,
        Action::Pick | Action::ShortPick => promise.kept() - promise.staged,
        Action::Out(_) => promise.staged.min(promise.kept()) + promise.substitutes_staged(),
        Action::Mark if step == PickupStep::Ready => staged,
        Action::Mark | Action::GiveUp(_) | Action::Return => {
            promise.kept() + promise.substitutes_staged()
        }
    };
    state.allowed(step).is_ok() && about > 0
}

fn allowed(target: &Target<'_>, step: PickupStep) -> Result<(), Rejection> {
    let Work::Pickup(state) = target.promise.work else {
        let detail = format!("promise {} is shipped, not collected", target.id);
        return Err(target.refuse("", "not_a_pickup", detail).as_conflict());
    };
    state.allowed(step).map_err(|forbidden| {
        target
            .refuse("", "forbidden_step", forbidden.to_string())
            .as_conflict()
    })?;
    let staged = target.promise.put_aside();
    if step == PickupStep::Ready && staged == 0 {
        let detail = format!(
            "nothing is put aside for promise {}; pick it first",
            target.id
        );
        return Err(target.refuse("", "nothing_staged", detail).as_conflict());
    }
    if step == PickupStep::Cancel && target.promise.kept() > 0 {
        let detail = format!("promise {} is not cancelled; reject it instead", target.id);
        return Err(target.refuse("", "not_cancelled", detail).as_conflict());
    }
    Ok(())
}

/// The refusal of a step that fits no promise here: it names the state of the
/// first one that is still going on, or of the first.
fn nothing_fits(order: &OrderState, step: PickupStep, context: &StepContext<'_>) -> Rejections {
    let here = || {
        order
            .promises_of(context.location)
            .map(|(_, promise)| promise)
    };
    let state = |promise: &PromiseState| match promise.work {
        Work::Pickup(state) => Some(state),
        Work::Shipment(_) => None,
    };
    let going = here().find(|promise| promise.kept() > 0).and_then(state);
    let Some(state): Option<PickupState> = going.or_else(|| here().find_map(state)) else {
        let detail = format!(
            "nothing of the order is to be collected at {}",
            context.location
        );
        return Rejection::new("", "not_here", detail).as_not_found().into();
    };
    if let Err(forbidden) = state.allowed(step) {
        return forbidden.rejection("").into();
    }
    let detail = format!("the pickup is {state}, but there are no goods to {step}");
    let conflict = Rejection::new("", "nothing_ready", detail).as_conflict();
    conflict.into()
}

/// Goods wait for so long after the time that their customer has, or after now if
/// that is over, and no longer.
fn check_extension(
    command: &StepCommand<PickupStep>,
    context: &StepContext<'_>,
    targets: &[Target<'_>],
) -> Result<(), Rejections> {
    let times = targets
        .iter()
        .filter_map(|target| target.promise.promise_by);
    let from = times.min().map_or(context.now, |by| by.max(context.now));
    let more = i64::from(context.extend_minutes) * 60_000;
    let latest = Timestamp::from_millis(from.as_millis().saturating_add(more));
    if command.until.is_some_and(|until| until > latest) {
        let detail = format!(
            "the policy on timers lets goods wait until {latest}; send that or an earlier time"
        );
        return Err(Rejection::new("/until", "too_late", detail).into());
    }
    Ok(())
}

/// A hand-over needs its payment, and an age check where a product asks for one.
fn check_hand_over(
    order: &OrderState,
    command: &StepCommand<PickupStep>,
    context: &StepContext<'_>,
    targets: &[Target<'_>],
) -> Result<(), Rejections> {
    match &command.paid {
        None => check_paid(order)?,
        Some(_) if order.money.at_pickup && order.to_pay() > 0 => {}
        Some(_) => {
            let detail = "nothing of the order is to be paid at the counter; leave tenders out";
            let conflict = Rejection::new("/tenders", "not_to_be_paid_here", detail).as_conflict();
            return Err(conflict.into());
        }
    }
    let here = |paid: &super::Paid| paid.receipt.location == *context.location;
    if !command.paid.as_ref().is_none_or(here) {
        let detail = "the receipt is of another location; send one of this location";
        return Err(Rejection::new("/receipt", "other_location", detail).into());
    }
    let lines = targets
        .iter()
        .filter_map(|target| order.line(target.promise.line));
    let own = lines.map(|line| &line.line.sku);
    let swaps = targets
        .iter()
        .flat_map(|target| target.promise.substitutes.keys());
    let mut products = own.chain(swaps).filter_map(|sku| context.products.get(sku));
    let age = products.find_map(|product| product.minimum_age);
    match age {
        Some(age) if !command.age_checked => {
            let detail = format!("check that the customer is {age} or older, and say so");
            Err(Rejection::new("/age_checked", "age_check", detail).into())
        }
        _ => Ok(()),
    }
}

fn payment(command: &StepCommand<PickupStep>) -> Option<OrderBody> {
    let paid = command.paid.as_ref()?;
    Some(OrderBody::Payment(PaymentRecorded {
        step: PaymentStep::Capture,
        amount: paid.amount,
        method: paid.method,
        reference: None,
        expires_at: None,
        receipt: Some(paid.receipt.clone()),
    }))
}
