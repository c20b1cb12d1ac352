//! The sums of the lines.

use std::collections::BTreeMap;

use super::super::conflict::OrderConflictKind;
use super::super::words::RulingKind;
use super::Fold;
use crate::ids::EventKey;

/// What the promises of one line come to.
#[derive(Default)]
struct Sums {
    kept: i64,
    out: i64,
    /// What went out and its promise covered.
    covered: i64,
    /// The latest promise that somebody can still expect.
    latest: Option<EventKey>,
    /// The latest promise of which something went out.
    latest_out: Option<EventKey>,
}

impl Fold {
    /// A hand-over stands: what the customer has is taken off first, then what
    /// is cancelled, then what is promised, then what waits for supply. What
    /// does not fit any more is a conflict, or to be called back.
    pub(super) fn sum_lines(&mut self) {
        let sums = self.promise_sums();
        let rejected = self.rulings.contains(&RulingKind::RejectOrder);
        let mut late = Vec::new();
        for line in &mut self.order.lines {
            let number = line.line.line;
            let none = Sums::default();
            let sums = sums.get(&number).unwrap_or(&none);
            line.fulfilled = sums.out.clamp(0, line.ordered);
            // Two places that knew nothing of each other handed it over.
            if let Some(latest) = sums.latest_out
                && sums.covered > line.ordered
            {
                let kind = OrderConflictKind::DuplicateHandOver;
                late.push((kind, latest, number, sums.covered - line.ordered));
            }
            let asked = self.cancelled.get(&number);
            let mut room = line.ordered - line.fulfilled;
            let cancelled = asked.map_or(0, |(sum, _)| *sum);
            line.cancelled = if rejected { room } else { cancelled.min(room) };
            if let Some((sum, key)) = asked
                && *sum > room
                && line.fulfilled > 0
            {
                let beyond = (*sum - room).min(line.fulfilled);
                let kind = OrderConflictKind::CancelledAfterHandOver;
                late.push((kind, *key, number, beyond));
            }
            room -= line.cancelled;
            line.promised = sums.kept.min(room);
            line.surplus = sums.kept - line.promised;
            if let Some(latest) = sums.latest
                && line.surplus > 0
                && !rejected
            {
                let kind = OrderConflictKind::OverPromised;
                late.push((kind, latest, number, line.surplus));
            }
            room -= line.promised;
            let waiting = self.backordered.get(&number).copied().unwrap_or(0);
            line.backordered = waiting.min(room);
            line.unallocated = room - line.backordered;
        }
        for (kind, about, line, quantity) in late {
            let conflict = self.conflict(kind, about);
            conflict.line = Some(line);
            conflict.quantity = quantity;
        }
    }

    fn promise_sums(&self) -> BTreeMap<u32, Sums> {
        let mut sums: BTreeMap<u32, Sums> = BTreeMap::new();
        for (id, promise) in &self.order.promises {
            let line = sums.entry(promise.line).or_default();
            let kept = promise.kept() + promise.substitutes_staged();
            line.kept += kept;
            let swapped = promise.substituted - promise.returned;
            line.out += promise.parts.settled + swapped;
            // What one promise does not cover is a conflict of its own.
            line.covered += promise.parts.settled.min(promise.parts.promised) + swapped;
            if kept > 0 {
                line.latest = line.latest.max(Some(id.0));
            }
            if promise.parts.settled + swapped > 0 {
                line.latest_out = line.latest_out.max(Some(id.0));
            }
        }
        sums
    }
}
