//! Parcels, step by step.

use std::collections::{BTreeMap, BTreeSet};

use super::super::event::{OrderEvent, StepPart, StepRecorded};
use super::super::line::PromiseId;
use super::super::parcel::{HandOver, Parcel, ParcelLine, ParcelState};
use super::super::words::{FulfilmentStep, PickupStep};
use super::Fold;

impl Fold {
    /// Takes note of what a step says about parcels. Call it before the step is
    /// applied: what is packed is what is put aside then.
    pub(super) fn parcel(&mut self, event: &OrderEvent, step: &StepRecorded<FulfilmentStep>) {
        match step.step {
            FulfilmentStep::Pack => self.pack(event, step),
            FulfilmentStep::Unpack | FulfilmentStep::PutBack | FulfilmentStep::Cancel => {
                self.unpack(step);
            }
            FulfilmentStep::Ship | FulfilmentStep::ShipPart => self.send(event, step),
            FulfilmentStep::Deliver => self.reach(event, step, ParcelState::Delivered),
            FulfilmentStep::FailDelivery => self.reach(event, step, ParcelState::DeliveryFailed),
            FulfilmentStep::ReturnToSender => self.bring_back(event, step),
            FulfilmentStep::Offer
            | FulfilmentStep::ExpireClaim
            | FulfilmentStep::Accept
            | FulfilmentStep::Reject
            | FulfilmentStep::Hold
            | FulfilmentStep::Resume
            | FulfilmentStep::StartPick
            | FulfilmentStep::Pick
            | FulfilmentStep::ShortPick => {}
        }
    }

    /// Takes note of who collected something.
    pub(super) fn hand_over(&mut self, event: &OrderEvent, step: &StepRecorded<PickupStep>) {
        if matches!(step.step, PickupStep::HandOver | PickupStep::HandOverPart) {
            self.order.hand_overs.push(HandOver {
                location: step.location.clone(),
                at: event.at,
                by: event.by.clone(),
                proxy: step.proxy,
                age_checked: step.age_checked,
                receipt: step.receipt.clone(),
            });
        }
    }

    fn pack(&mut self, event: &OrderEvent, step: &StepRecorded<FulfilmentStep>) {
        self.unpack(step);
        let mut lines = Vec::new();
        for promise in named(step) {
            let Some(state) = self.order.promises.get(&promise) else {
                continue;
            };
            let Some(line) = self.order.line(state.line) else {
                continue;
            };
            let own = std::iter::once((line.line.sku.clone(), state.staged));
            let swaps = state.substitutes.iter();
            let swaps = swaps.map(|(sku, staged)| (sku.clone(), *staged));
            let staged = own.chain(swaps).filter(|(_, staged)| *staged > 0);
            lines.extend(staged.map(|(sku, quantity)| ParcelLine {
                promise,
                line: state.line,
                sku,
                quantity,
                returned: 0,
            }));
        }
        if !lines.is_empty() {
            let parcel = parcel(event, step, ParcelState::Packed, lines);
            self.order.parcels.push(parcel);
        }
    }

    /// What a step is about is in no parcel any more that is still there.
    fn unpack(&mut self, step: &StepRecorded<FulfilmentStep>) {
        let about: Vec<PromiseId> = named(step).collect();
        for parcel in packed(&mut self.order.parcels) {
            parcel.lines.retain(|line| !about.contains(&line.promise));
        }
        self.order.parcels.retain(|parcel| !parcel.lines.is_empty());
    }

    /// What leaves is taken out of what was packed. A dispatch that names its
    /// parcel is one; any other sends the parcels as they were packed, and what
    /// was in none of them goes as one more.
    fn send(&mut self, event: &OrderEvent, step: &StepRecorded<FulfilmentStep>) {
        let mut loose = Vec::new();
        let mut sent: BTreeMap<usize, Vec<ParcelLine>> = BTreeMap::new();
        for part in &step.parts {
            let Some(line) = self.order.promises.get(&part.promise).map(|p| p.line) else {
                continue;
            };
            let mut left = part.quantity.thousandths();
            for (i, parcel) in self.order.parcels.iter_mut().enumerate() {
                let taken = take(parcel, part, left);
                left -= taken;
                if taken > 0 && step.parcel.is_none() {
                    let lines = sent.entry(i).or_default();
                    lines.push(parcel_line(part, line, taken));
                } else if taken > 0 {
                    loose.push(parcel_line(part, line, taken));
                }
            }
            if left > 0 {
                loose.push(parcel_line(part, line, left));
            }
        }
        for (i, lines) in sent {
            let mut whole = parcel(event, step, ParcelState::Shipped, lines);
            let packed = &self.order.parcels[i];
            whole.number.clone_from(&packed.number);
            let carrier = step.carrier.as_ref().or(packed.carrier.as_ref());
            whole.carrier = carrier.cloned();
            self.order.parcels.push(whole);
        }
        if !loose.is_empty() {
            let parcel = parcel(event, step, ParcelState::Shipped, merged(loose));
            self.order.parcels.push(parcel);
        }
        self.order.parcels.retain(|parcel| !parcel.lines.is_empty());
    }

    fn reach(
        &mut self,
        event: &OrderEvent,
        step: &StepRecorded<FulfilmentStep>,
        state: ParcelState,
    ) {
        let about: Vec<PromiseId> = named(step).collect();
        let parcels = self.order.parcels.iter_mut();
        for parcel in parcels.filter(|parcel| parcel.is_shipped()) {
            let mut lines = parcel.lines.iter();
            if parcel.state != ParcelState::ReturnedToSender
                && lines.any(|line| about.contains(&line.promise))
            {
                parcel.state = state;
                parcel.changed_at = event.at;
            }
        }
    }

    /// What comes back is taken from the parcels in the order in which they went.
    fn bring_back(&mut self, event: &OrderEvent, step: &StepRecorded<FulfilmentStep>) {
        for part in &step.parts {
            let mut left = part.quantity.thousandths();
            let parcels = self.order.parcels.iter_mut();
            for parcel in parcels.filter(|parcel| parcel.is_shipped()) {
                let lines = parcel.lines.iter_mut();
                for line in lines.filter(|line| line.promise == part.promise) {
                    let back = left.min(line.quantity - line.returned);
                    line.returned += back;
                    left -= back;
                    if back > 0 {
                        parcel.changed_at = event.at;
                    }
                }
                if parcel
                    .lines
                    .iter()
                    .all(|line| line.returned == line.quantity)
                {
                    parcel.state = ParcelState::ReturnedToSender;
                }
            }
        }
    }
}

/// The promises that a step is about, each as often as it is named.
fn named(step: &StepRecorded<FulfilmentStep>) -> impl Iterator<Item = PromiseId> {
    let promises: BTreeSet<PromiseId> = step.parts.iter().map(|part| part.promise).collect();
    promises.into_iter()
}

fn packed(parcels: &mut [Parcel]) -> impl Iterator<Item = &mut Parcel> {
    parcels.iter_mut().filter(|parcel| !parcel.is_shipped())
}

fn parcel(
    event: &OrderEvent,
    step: &StepRecorded<FulfilmentStep>,
    state: ParcelState,
    lines: Vec<ParcelLine>,
) -> Parcel {
    Parcel {
        location: step.location.clone(),
        state,
        number: step.parcel.clone(),
        carrier: step.carrier.clone(),
        by: event.by.clone(),
        shipped_at: (state == ParcelState::Shipped).then_some(event.at),
        changed_at: event.at,
        lines,
    }
}

fn parcel_line(part: &StepPart, line: u32, quantity: i64) -> ParcelLine {
    ParcelLine {
        promise: part.promise,
        line,
        sku: part.sku.clone(),
        quantity,
        returned: 0,
    }
}

/// Takes up to `most` of what a part is about out of a parcel that is still there;
/// gives how much.
fn take(parcel: &mut Parcel, part: &StepPart, most: i64) -> i64 {
    let mut taken = 0;
    if parcel.is_shipped() {
        return taken;
    }
    for line in &mut parcel.lines {
        if line.promise == part.promise && line.sku == part.sku {
            let some = line.quantity.min(most - taken);
            line.quantity -= some;
            taken += some;
        }
    }
    parcel.lines.retain(|line| line.quantity > 0);
    taken
}

/// Lines of the same goods as one.
fn merged(lines: Vec<ParcelLine>) -> Vec<ParcelLine> {
    let mut all: Vec<ParcelLine> = Vec::with_capacity(lines.len());
    for line in lines {
        let mut known = all.iter_mut();
        match known.find(|known| known.promise == line.promise && known.sku == line.sku) {
            Some(known) => known.quantity += line.quantity,
            None => all.push(line),
        }
    }
    all
}
