//! The decision that records goods moving without a sale.
//!
//! Stock is never asked: what a person sees happen is recorded, and a figure
//! below zero is a reason to count.

use std::collections::BTreeMap;

use super::{MovementRecord, is_own_reason};
use crate::ids::Sku;
use crate::policy::Policies;
use crate::product::{Location, Product};
use crate::quantity::Quantity;
use crate::receipt::{MAX_LINES, MAX_TEXT};
use crate::rejection::{Rejection, Rejections};
use crate::stock::{Bucket, Movement, MovementReason};
use crate::time::{Timestamp, business_date};

/// Movements as somebody asks for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovementCommand {
    /// Why.
    pub reason: MovementReason,
    /// What moves.
    pub lines: Vec<MovementLine>,
    /// Who records it, as the retailer writes it.
    pub by: Option<String>,
    /// A delivery note, an import, an incident.
    pub reference: Option<String>,
}

/// One movement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovementLine {
    /// What.
    pub sku: Sku,
    /// Where it is.
    pub from: Bucket,
    /// Where it goes.
    pub to: Bucket,
    /// How much, above zero.
    pub quantity: Quantity,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// What movements are decided from, besides the command.
#[derive(Clone, Copy, Debug)]
pub struct MovementContext<'a> {
    /// Where.
    pub location: &'a Location,
    /// The time of the decision.
    pub now: Timestamp,
    /// The rules.
    pub policies: &'a Policies,
    /// The products of the lines.
    pub products: &'a BTreeMap<Sku, Product>,
}

/// Decides movements of goods.
///
/// # Errors
/// Every field that breaks a rule, each with its remedy.
pub fn decide_movements(
    command: &MovementCommand,
    context: &MovementContext<'_>,
) -> Result<MovementRecord, Rejections> {
    let mut refused = check_command(command);
    let mut lines = Vec::with_capacity(command.lines.len().min(MAX_LINES));
    for (i, line) in command.lines.iter().take(MAX_LINES).enumerate() {
        match check_line(command.reason, line, context) {
            Ok(movement) => lines.push(movement),
            Err(rejection) => refused.push(Rejection {
                pointer: format!("/lines/{i}{}", rejection.pointer),
                ..rejection
            }),
        }
    }
    Rejections::unless_empty(refused)?;
    let location = context.location;
    let record = MovementRecord {
        location: location.id.clone(),
        reason: command.reason,
        at: context.now,
        business_date: business_date(
            context.now,
            &location.time_zone,
            location.day_starts_at_minutes,
        ),
        by: command.by.clone(),
        reference: command.reference.clone(),
        lines,
    };
    record
        .check()
        .map_err(|unsound| Rejection::new("", "unsound_record", unsound.to_string()))?;
    Ok(record)
}

fn check_command(command: &MovementCommand) -> Vec<Rejection> {
    let mut refused = Vec::new();
    if !is_own_reason(command.reason) {
        let detail = format!(
            "{} is recorded by receipts; use another reason or sell, return or void",
            command.reason
        );
        refused.push(Rejection::new("/reason", "reason_of_receipts", detail));
    }
    let count = command.lines.len();
    if count == 0 {
        let detail = "there are no lines; send at least one";
        refused.push(Rejection::new("/lines", "no_lines", detail));
    } else if count > MAX_LINES {
        let detail = format!("{count} are more than the limit of {MAX_LINES}; send fewer");
        refused.push(Rejection::new("/lines", "too_many_lines", detail));
    }
    for (pointer, text) in [("/by", &command.by), ("/reference", &command.reference)] {
        refused.extend(check_text(pointer, text.as_deref()));
    }
    refused
}

fn check_text(pointer: &str, text: Option<&str>) -> Option<Rejection> {
    let long = text.is_some_and(|text| text.len() > MAX_TEXT);
    long.then(|| {
        let detail = format!("it is longer than {MAX_TEXT} bytes; shorten it");
        Rejection::new(pointer, "too_long", detail)
    })
}

fn check_line(
    reason: MovementReason,
    line: &MovementLine,
    context: &MovementContext<'_>,
) -> Result<Movement, Rejection> {
    let product = context.products.get(&line.sku).ok_or_else(|| {
        let detail = format!(
            "no product {} is known here; check it or import it",
            line.sku
        );
        Rejection::new("/sku", "unknown_sku", detail)
    })?;
    if !line.quantity.fits(product.unit) {
        let detail = format!(
            "{} is no whole number of pieces; send a whole number",
            line.quantity
        );
        return Err(Rejection::new("/quantity", "too_precise", detail));
    }
    if !line.quantity.is_positive() {
        let detail = "the quantity must be above zero; turn from and to round instead";
        return Err(Rejection::new("/quantity", "not_positive", detail));
    }
    let policy = &context.policies.movements;
    if is_own_reason(reason) && !policy.allows(reason, line.from, line.to) {
        let ways = policy.ways(reason);
        let detail = if ways.is_empty() {
            format!("the movement policy allows no {reason} here; ask who keeps it")
        } else {
            format!(
                "the movement policy allows no {reason} from {} to {}; it allows {ways}",
                line.from, line.to
            )
        };
        return Err(Rejection::new("", "movement_not_allowed", detail));
    }
    if let Some(rejection) = check_text("/lot", line.lot.as_deref()) {
        return Err(rejection);
    }
    Ok(Movement {
        sku: line.sku.clone(),
        from: line.from,
        to: line.to,
        quantity: line.quantity,
        lot: line.lot.clone(),
        owner: None,
    })
}
