//! When a location can have an order ready, and whether it has time for it.
//!
//! Invariant: work counts only while the location is open, and is counted on the
//! trading day on which it is due.

use evertill_domain::opening::{Opening, Timetable};
use evertill_domain::order::Fulfilment;
use evertill_domain::policy::TimerPolicy;
use evertill_domain::time::trading_day;
use evertill_domain::{Location, Timestamp, time};
use evertill_storage::TableResult;

use crate::services::ground::Ground;

/// Order lines that a location without a capacity can take in a day.
const CAPACITY: u32 = 10_000;
/// Minutes of a trading day whose hours are not listed.
const DAY_MINUTES: u32 = 10 * 60;

/// What time means to a candidate.
pub(super) struct Timing {
    /// Whether it is open now.
    pub(super) opening: Opening,
    /// When the goods could be ready.
    pub(super) ready_at: Timestamp,
    /// Order lines that it can still take on the day on which these are due.
    pub(super) free_capacity: u32,
}

/// When a location could have goods ready, and how many lines it can still take
/// on that day.
pub(super) fn of(
    ground: &Ground<'_>,
    location: &Location,
    fulfilment: &Fulfilment,
    timers: &TimerPolicy,
) -> TableResult<Timing> {
    let timetable = Timetable::of(location);
    let now = ground.now();
    let minutes = timers.preparation_minutes();
    let ready = timetable.ready_at(now, minutes, fulfilment.not_before);
    // One that is never open is out by a rule of its own.
    let ready_at = ready.unwrap_or(Timestamp::MAX);
    let free_capacity = match (location.pick_capacity, ready) {
        (Some(lines_an_hour), Some(ready)) => {
            // The work is due with the promise that will be made for it.
            let due = fulfilment.promise_by.map_or(ready, |by| by.max(ready));
            let zone = &location.time_zone;
            let starts = location.day_starts_at_minutes;
            let day = trading_day(time::business_date(due, zone, starts), zone, starts);
            let minutes = timetable.open_minutes(day.0, day.1).unwrap_or(DAY_MINUTES);
            let lines = u64::from(lines_an_hour) * u64::from(minutes) / 60;
            let lines = u32::try_from(lines).unwrap_or(u32::MAX);
            lines.saturating_sub(ground.lines_due(&location.id, day)?)
        }
        (Some(_), None) => 0,
        (None, _) => CAPACITY,
    };
    Ok(Timing {
        opening: timetable.opening(now),
        ready_at,
        free_capacity,
    })
}
