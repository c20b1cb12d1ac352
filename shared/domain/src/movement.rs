//! The record of goods that moved without a sale: opening stock, deliveries,
//! corrections, breakage, write-offs.
//!
//! Which (reason, from, to) a location allows is the movement policy's matter,
//! asked when a record is made. A record that was made is a fact.
//!
//! Invariant: [`MovementRecord::check`].

mod decide;

pub use decide::{MovementCommand, MovementContext, MovementLine, decide_movements};

use crate::ids::LocationId;
use crate::record::{Check, Unsound};
use crate::stock::{Movement, MovementReason};
use crate::time::{BusinessDate, Timestamp};

/// Goods that moved at one location for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovementRecord {
    /// Where.
    pub location: LocationId,
    /// Why; never one of the reasons that only receipts have.
    pub reason: MovementReason,
    /// When.
    pub at: Timestamp,
    /// The trading day it belongs to.
    pub business_date: BusinessDate,
    /// Who recorded it, as the retailer writes it.
    pub by: Option<String>,
    /// A delivery note, an import, an incident.
    pub reference: Option<String>,
    /// What moved.
    pub lines: Vec<Movement>,
}

impl MovementRecord {
    /// Asserts every rule of a record, when it is written and when it is read.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("movement record");
        check.lines(self.lines.len())?;
        check.texts([&self.by, &self.reference])?;
        check.that(is_own_reason(self.reason), "its reason belongs to receipts")?;
        for (i, line) in self.lines.iter().enumerate() {
            check.line(
                i,
                line.quantity.is_positive(),
                "a quantity is not above zero",
            )?;
            check.line(
                i,
                line.from != line.to,
                "goods move from a bucket to itself",
            )?;
            check.texts([&line.lot, &line.owner])?;
        }
        Ok(())
    }
}

/// Whether goods move for this reason without a receipt.
#[must_use]
pub const fn is_own_reason(reason: MovementReason) -> bool {
    match reason {
        MovementReason::Sale | MovementReason::Return | MovementReason::Void => false,
        MovementReason::Opening
        | MovementReason::Receiving
        | MovementReason::Adjustment
        | MovementReason::CountDifference
        | MovementReason::Damage
        | MovementReason::Found
        | MovementReason::WriteOff => true,
    }
}
