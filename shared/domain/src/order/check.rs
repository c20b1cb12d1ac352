//! What makes an event of an order sound, asserted when it is written and when
//! it is read. Whether it fits its order is asked by decisions and seen by the
//! fold.

use super::event::{MAX_PARENTS, OrderBody, OrderEvent, OrderPlaced, StepPart, StepRecorded};
use crate::fold::Class;
use crate::ids::LocationId;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::receipt::MAX_TEXT;
use crate::record::{Check, Unsound};

/// Who may write an event of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorder<'a> {
    /// The hub alone.
    Hub,
    /// The location that it names, or the hub in its place.
    Location(&'a LocationId),
}

/// The location under which a hub writes.
const HUB: &str = "HUB";

impl Recorder<'_> {
    /// Whether a writer at `author` may write it.
    #[must_use]
    pub fn admits(&self, author: &LocationId) -> bool {
        author.as_str() == HUB
            || match self {
                Self::Hub => false,
                Self::Location(location) => *location == author,
            }
    }
}

impl OrderEvent {
    /// Asserts every rule that the event alone can break.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("order event");
        check.texts([&self.by])?;
        check.that(
            self.parents.len() <= MAX_PARENTS,
            "it names more than 64 parents",
        )?;
        let fit = self.body.texts().into_iter().flatten();
        let fit = fit.map(String::len).all(|length| length <= MAX_TEXT);
        check.that(fit, "a text is longer than 200 bytes")?;
        match &self.body {
            OrderBody::Placed(placed) => placed.check(),
            OrderBody::Promised(body) => positive(body.quantity),
            OrderBody::Backordered(body) => {
                let sound = body.quantity.thousandths() >= 0;
                check.that(sound, "its quantity is below zero")
            }
            OrderBody::Payment(body) => {
                check.that(!body.amount.is_negative(), "its amount is below zero")
            }
            OrderBody::LineCancelled(body) => positive(body.quantity),
            OrderBody::LineChanged(body) => positive(body.quantity),
            OrderBody::PromiseCancelled(body) => positive(body.quantity),
            OrderBody::Withdrawn(body) => positive(body.quantity),
            OrderBody::PromiseEnded(body) => positive(body.quantity),
            OrderBody::Pickup(step) => check_parts(&step.parts),
            OrderBody::Fulfilment(step) => check_parts(&step.parts),
            OrderBody::Effect(body) => {
                let below = body.amount.is_some_and(Money::is_negative);
                check.that(!below, "its amount is below zero")
            }
            OrderBody::HoldPlaced(_)
            | OrderBody::HoldReleased(_)
            | OrderBody::CancelRequested(_)
            | OrderBody::Ruling(_) => Ok(()),
        }
    }

    /// How it ranks among events that did not know of it.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self.body {
            OrderBody::Placed(_)
            | OrderBody::Payment(_)
            | OrderBody::Withdrawn(_)
            | OrderBody::PromiseEnded(_)
            | OrderBody::Pickup(_)
            | OrderBody::Fulfilment(_)
            | OrderBody::Effect(_) => Class::Fact,
            OrderBody::Promised(_)
            | OrderBody::Backordered(_)
            | OrderBody::HoldPlaced(_)
            | OrderBody::HoldReleased(_)
            | OrderBody::CancelRequested(_)
            | OrderBody::LineCancelled(_)
            | OrderBody::LineChanged(_)
            | OrderBody::PromiseCancelled(_) => Class::Decision,
            OrderBody::Ruling(_) => Class::Ruling,
        }
    }

    /// Who may write it.
    #[must_use]
    pub fn recorder(&self) -> Recorder<'_> {
        match &self.body {
            OrderBody::Withdrawn(body) => Recorder::Location(&body.location),
            OrderBody::PromiseEnded(body) => Recorder::Location(&body.location),
            OrderBody::Pickup(step) => Recorder::Location(&step.location),
            OrderBody::Fulfilment(step) => Recorder::Location(&step.location),
            OrderBody::Payment(body) => match &body.receipt {
                Some(receipt) => Recorder::Location(&receipt.location),
                None => Recorder::Hub,
            },
            OrderBody::Placed(_)
            | OrderBody::Promised(_)
            | OrderBody::Backordered(_)
            | OrderBody::HoldPlaced(_)
            | OrderBody::HoldReleased(_)
            | OrderBody::CancelRequested(_)
            | OrderBody::LineCancelled(_)
            | OrderBody::LineChanged(_)
            | OrderBody::PromiseCancelled(_)
            | OrderBody::Effect(_)
            | OrderBody::Ruling(_) => Recorder::Hub,
        }
    }

    /// The location that the event makes take part in the order: one that got a
    /// promise, or did something. Its feed carries the order from then on.
    #[must_use]
    pub fn location(&self) -> Option<&LocationId> {
        match (&self.body, self.recorder()) {
            (OrderBody::Promised(body), _) => Some(&body.location),
            (_, Recorder::Location(location)) => Some(location),
            (_, Recorder::Hub) => None,
        }
    }
}

impl OrderBody {
    /// The free texts of an event; those of an order's lines are checked when it
    /// is accepted.
    fn texts(&self) -> [Option<&String>; 3] {
        let of = |text| [text, None, None];
        match self {
            Self::Placed(body) => [Some(&body.external_id), body.customer_ref.as_ref(), None],
            Self::Promised(body) => of(body.decision.as_ref()),
            Self::Backordered(body) => of(body.supply.as_ref()),
            Self::HoldPlaced(body) => of(body.reason.as_ref()),
            Self::HoldReleased(body) => of(body.reason.as_ref()),
            Self::Payment(body) => of(body.reference.as_ref()),
            Self::CancelRequested(body) => of(Some(&body.reason)),
            Self::LineCancelled(body) => of(body.reason.as_ref()),
            Self::LineChanged(body) => of(body.reason.as_ref()),
            Self::Pickup(step) => step.texts(),
            Self::Fulfilment(step) => step.texts(),
            Self::Effect(body) => [Some(&body.obligation), body.reference.as_ref(), None],
            Self::Ruling(body) => of(body.reason.as_ref()),
            Self::PromiseCancelled(_) | Self::Withdrawn(_) | Self::PromiseEnded(_) => of(None),
        }
    }
}

impl<S> StepRecorded<S> {
    const fn texts(&self) -> [Option<&String>; 3] {
        [
            self.reason.as_ref(),
            self.parcel.as_ref(),
            self.carrier.as_ref(),
        ]
    }
}

impl OrderPlaced {
    /// Asserts what an order says of itself: its lines are numbered from 1, and
    /// its amounts have one currency and add up.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("order");
        check.lines(self.lines.len())?;
        let mut total = self.shipping.unwrap_or(Money::zero(self.currency));
        for (i, (line, number)) in self.lines.iter().zip(1_u32..).enumerate() {
            check.line(i, line.line == number, "the lines are not numbered from 1")?;
            let quantity = line.quantity;
            check.line(i, quantity.is_positive(), "a quantity is not above zero")?;
            check.line(i, quantity.fits(line.unit), "a quantity is no whole number")?;
            let sum = line.total().and_then(|line| total.checked_add(line));
            let Ok(sum) = sum else {
                return check.line(i, false, "an amount is too large or of another currency");
            };
            total = sum;
        }
        check.that(total == self.total, "the lines do not add up to its total")
    }
}

fn positive(quantity: Quantity) -> Result<(), Unsound> {
    Check("order event").that(quantity.is_positive(), "its quantity is not above zero")
}

fn check_parts(parts: &[StepPart]) -> Result<(), Unsound> {
    let check = Check("order step");
    check.lines(parts.len())?;
    for (i, part) in parts.iter().enumerate() {
        let figures = [part.quantity, part.short, part.uncovered];
        let below = figures.iter().any(|figure| figure.thousandths() < 0);
        check.line(i, !below, "a figure is below zero")?;
        let one = !(part.substitute && part.short.is_positive());
        check.line(
            i,
            one,
            "what is taken in place of a product cannot be short",
        )?;
    }
    Ok(())
}
