//! When a location works: opening hours as people write them, read in the
//! location's time zone.
//!
//! The grammar is the common part of `OpenStreetMap`'s `opening_hours`:
//!
//! ```text
//! hours = "24/7" | rule *( ";" rule )
//! rule  = [ days ] ( span *( "," span ) | "off" | "closed" )
//! days  = day *( "," day )         every day, if left out
//! day   = Mo | Tu | We | Th | Fr | Sa | Su, or a range of two: Mo-Fr, Sa-Mo
//! span  = hh:mm "-" hh:mm          the end is on the next day unless it is later
//! ```
//!
//! A later rule replaces the earlier ones on its days, and a day that no rule
//! names is closed: `Mo-Fr 08:00-20:00; Sa 09:00-18:00; Su off`. Holidays are
//! not known here, so `PH` is refused instead of being passed over.
//!
//! Clock times that a change to summer time leaps over stand for the same time
//! after the leap; those that happen twice stand for the first.
//!
//! Invariant: work is counted in real minutes, and only while it is open.

mod parse;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use parse::OpeningError;

use crate::product::Location;
use crate::time::Timestamp;

/// Days that are looked at before a location counts as never open.
const DAYS_AHEAD: usize = 366;
const DAY_MINUTES: u16 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// Opening hours of a week. Read from text with [`str::parse`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpeningHours {
    /// What is open on each day, Monday first, the earliest first.
    days: [Vec<Span>; 7],
}

/// A time in which it is open, in minutes after the local midnight of its day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Span {
    from: u16,
    /// After `from`; beyond 1,440 it is on the next day.
    to: u16,
}

/// How a location is open when something is planned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// No hours are listed, so it is always open.
    Unlisted,
    /// What is listed cannot be read, so it counts as always open.
    Unreadable(String),
    /// It is open.
    Open,
    /// It is closed and opens then.
    OpensAt(Timestamp),
    /// It does not open within a year.
    Never,
}

/// The hours of a location on its own clock.
#[derive(Clone, Debug)]
pub struct Timetable {
    hours: Listed,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Listed {
    Nothing,
    Unreadable(String),
    Hours(OpeningHours),
}

impl Timetable {
    /// The timetable of a location, from its opening hours and its time zone.
    /// Hours that are not listed, or cannot be read, are always open.
    #[must_use]
    pub fn of(location: &Location) -> Self {
        let text = location.opening_hours.trim();
        let hours = match text.parse() {
            _ if text.is_empty() => Listed::Nothing,
            Ok(hours) => Listed::Hours(hours),
            Err(_) => Listed::Unreadable(text.to_owned()),
        };
        Self {
            hours,
            zone: location.time_zone.zone(),
        }
    }

    /// How it is open at a time.
    #[must_use]
    pub fn opening(&self, at: Timestamp) -> Opening {
        match &self.hours {
            Listed::Nothing => Opening::Unlisted,
            Listed::Unreadable(text) => Opening::Unreadable(text.clone()),
            Listed::Hours(_) => match self.next_open(at) {
                Some(open) if open == at => Opening::Open,
                Some(open) => Opening::OpensAt(open),
                None => Opening::Never,
            },
        }
    }

    /// The first moment at `at` or later in which it is open; none within a
    /// year.
    #[must_use]
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        let Listed::Hours(hours) = &self.hours else {
            return Some(at);
        };
        let (from, _) = hours.intervals(at, &self.zone).next()?;
        Some(Timestamp::from_millis(from))
    }

    /// When so many minutes of work that begins at `from` are done, if it is
    /// done only while the location is open; none if that takes over a year.
    #[must_use]
    pub fn after_work(&self, from: Timestamp, minutes: u32) -> Option<Timestamp> {
        let mut left = i64::from(minutes) * MINUTE_MS;
        let Listed::Hours(hours) = &self.hours else {
            return Some(Timestamp::from_millis(from.as_millis() + left));
        };
        for (opens, closes) in hours.intervals(from, &self.zone) {
            if left <= closes - opens {
                return Some(Timestamp::from_millis(opens + left));
            }
            left -= closes - opens;
        }
        None
    }

    /// When goods can be at their customer's disposal: after so many minutes of
    /// work, and not before the customer wants them, at a time when it is open.
    #[must_use]
    pub fn ready_at(
        &self,
        now: Timestamp,
        minutes: u32,
        not_before: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let done = self.after_work(now, minutes)?;
        match not_before {
            Some(early) if early > done => self.next_open(early),
            _ => Some(done),
        }
    }

    /// Minutes in which it is open from one time until another, rounded down;
    /// none where no hours can be told.
    #[must_use]
    pub fn open_minutes(&self, from: Timestamp, until: Timestamp) -> Option<u32> {
        let Listed::Hours(hours) = &self.hours else {
            return None;
        };
        let end = until.as_millis();
        let open: i64 = hours
            .intervals(from, &self.zone)
            .take_while(|(opens, _)| *opens < end)
            .map(|(opens, closes)| closes.min(end) - opens)
            .sum();
        Some(u32::try_from(open / MINUTE_MS).unwrap_or(u32::MAX))
    }
}

impl OpeningHours {
    /// When it is open from a time on, in milliseconds, in order and without
    /// overlaps; for a year at most.
    fn intervals(&self, from: Timestamp, zone: &TimeZone) -> impl Iterator<Item = (i64, i64)> {
        let today = zone.to_datetime(from.to_jiff()).date();
        // What opened yesterday may still be open.
        let first = today.yesterday().unwrap_or(today);
        let days = if self.days.iter().all(Vec::is_empty) {
            0
        } else {
            DAYS_AHEAD
        };
        let mut reached = from.as_millis();
        first
            .series(jiff::Span::new().days(1))
            .take(days)
            .flat_map(move |date| {
                let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
                self.days[day].iter().map(move |span| (date, *span))
            })
            .filter_map(move |(date, span)| {
                let opens = instant(date, span.from, zone)?.max(reached);
                let closes = instant(date, span.to, zone)?;
                reached = reached.max(closes);
                (opens < closes).then_some((opens, closes))
            })
    }
}

/// So many minutes after the midnight of a day by the clock on the wall, in
/// milliseconds; none beyond the calendar.
fn instant(date: Date, minutes: u16, zone: &TimeZone) -> Option<i64> {
    let days = i64::from(minutes / DAY_MINUTES);
    let minutes = minutes % DAY_MINUTES;
    let date = date.checked_add(jiff::Span::new().days(days)).ok()?;
    let (hour, minute) = (
        i8::try_from(minutes / 60).ok()?,
        i8::try_from(minutes % 60).ok()?,
    );
    let local = date.to_datetime(Time::constant(hour, minute, 0, 0));
    Some(zone.to_timestamp(local).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests;
