//! Time as an argument: instants, trading days, time zones and the hybrid
//! logical clock.
//!
//! The hybrid logical clock orders and displays. It never decides stock,
//! rights or duplicates, so a wrong clock can confuse a person but not a sum.
//!
//! Invariant: a [`Timestamp`] lies in the years 0 to 9999, so it can always be
//! written as RFC 3339.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ids::{IdError, text_conversions};

/// A text that is no instant, date or time zone.
pub type TimeError = IdError;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-30T22:00:00.000Z, the last instant that has a local time in
    /// every time zone.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// The instant so many milliseconds after 1970; what lies outside
    /// [`Self::MIN`]..=[`Self::MAX`] becomes the nearer end.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0)
            .expect("invariant: a timestamp lies in the years 0 to 9999")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads RFC 3339 with any offset; fractions below a millisecond are cut.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let rule = "use RFC 3339 with an offset, such as 2026-07-01T09:30:00Z";
        let error = || IdError::new("time", text, rule);
        let instant: jiff::Timestamp = text.parse().map_err(|_| error())?;
        let millis = instant.as_millisecond();
        let timestamp = Self::from_millis(millis);
        if timestamp.0 == millis {
            Ok(timestamp)
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-07-01T09:30:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3}", self.to_jiff()))
    }
}

text_conversions!(Timestamp, TimeError);

/// The trading day that a receipt belongs to: `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessDate(Date);

impl BusinessDate {
    /// Days since 1970-01-01.
    #[must_use]
    pub fn as_days(self) -> i32 {
        (self.0 - epoch()).get_days()
    }

    /// The day so many days after 1970-01-01, if it lies in the years 0 to 9999.
    #[must_use]
    pub fn from_days(days: i32) -> Option<Self> {
        let span = jiff::Span::new().try_days(days).ok()?;
        let date = epoch().checked_add(span).ok()?;
        (date.year() >= 0).then_some(Self(date))
    }

    /// The calendar date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

const fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

impl FromStr for BusinessDate {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let error = || IdError::new("date", text, "use YYYY-MM-DD, such as 2026-07-01");
        let date: Date = text.parse().map_err(|_| error())?;
        // Other spellings of the same day would make two texts for one day.
        if date.to_string() == text {
            Ok(Self(date))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

text_conversions!(BusinessDate, TimeError);

/// The IANA name of a time zone, such as `America/New_York`, known to the
/// built-in database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rules of the zone.
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.0)
            .expect("invariant: a time zone name is checked against the built-in database")
    }
}

impl FromStr for TimeZoneName {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let rule = "use an IANA name, such as America/New_York";
        match TimeZone::get(text) {
            Ok(zone) => Ok(Self(zone.iana_name().unwrap_or(text).to_owned())),
            Err(_) => Err(IdError::new("time zone", text, rule)),
        }
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_conversions!(TimeZoneName, TimeError);

/// The trading day of an instant: the local calendar date, except that the
/// hours before `day_starts_at_minutes` (minutes after midnight) still belong
/// to the day before, as in a bar that closes at 03:00.
#[must_use]
pub fn business_date(
    at: Timestamp,
    time_zone: &TimeZoneName,
    day_starts_at_minutes: u16,
) -> BusinessDate {
    let local = time_zone.zone().to_datetime(at.to_jiff());
    let minutes =
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let date = local.date();
    if minutes < day_starts_at_minutes {
        // The first day of the calendar has no day before it and stays.
        BusinessDate(date.yesterday().unwrap_or(date))
    } else {
        BusinessDate(date)
    }
}

/// When a trading day begins and ends: the next one begins at its end. It is
/// longer or shorter than 24 hours where the clock changes.
#[must_use]
pub fn trading_day(
    date: BusinessDate,
    time_zone: &TimeZoneName,
    day_starts_at_minutes: u16,
) -> (Timestamp, Timestamp) {
    let zone = time_zone.zone();
    let starts = |date: Date| {
        let local = date.to_datetime(jiff::civil::Time::midnight());
        let local = local.checked_add(jiff::Span::new().minutes(day_starts_at_minutes));
        let instant = local.and_then(|local| zone.to_timestamp(local));
        instant.map_or(Timestamp::MAX, |instant| {
            Timestamp::from_millis(instant.as_millisecond())
        })
    };
    (
        starts(date.0),
        date.0.tomorrow().map_or(Timestamp::MAX, starts),
    )
}

/// A hybrid logical clock reading: 48 bits of milliseconds, 16 bits of counter.
///
/// It orders events of different replicas so that what one replica had seen
/// sorts before what it wrote next, close to wall-clock time.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The reading of this many milliseconds with counter 0.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(u64::try_from(now.0).unwrap_or(0) << 16)
    }

    /// The wall-clock part.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millis((self.0 >> 16).cast_signed())
    }

    /// The reading for the next local event: later than `self`, and not behind
    /// `now`. A clock set back does not set the reading back.
    #[must_use]
    pub fn tick(self, now: Timestamp) -> Self {
        // A full counter spills into the milliseconds, which keeps the order.
        Self(self.0.saturating_add(1)).max(Self::at(now))
    }

    /// The reading after seeing `other` from another replica, and whether
    /// `other` was wild: more than `max_ahead_ms` ahead of `now`. A wild
    /// reading is not merged, so one broken clock cannot drag the others along.
    #[must_use]
    pub fn merge(self, other: Self, now: Timestamp, max_ahead_ms: u64) -> (Self, bool) {
        let limit = Self::at(now)
            .0
            .saturating_add(max_ahead_ms.saturating_mul(1 << 16));
        if other.0 > limit | 0xffff {
            (self.tick(now), true)
        } else {
            (self.max(other).tick(now), false)
        }
    }
}

impl fmt::Display for Hlc {
    /// The wall-clock part and the counter: `2026-07-01T09:30:00.000Z+3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.timestamp(), self.0 & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn timestamps_are_read_with_any_offset_and_written_in_utc() {
        assert_eq!(
            at("2026-07-01T09:30:00+02:00").to_string(),
            "2026-07-01T07:30:00.000Z"
        );
        assert_eq!(at("1970-01-01T00:00:00.0019Z").as_millis(), 1);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        for text in [
            "",
            "2026-07-01",
            "2026-07-01T09:30:00",
            "yesterday",
            "-000001-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn out_of_range_millis_become_the_nearer_end() {
        assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn dates_round_trip_through_days() {
        let date: BusinessDate = "2026-07-01".parse().unwrap();
        assert_eq!(date.as_days(), 20_635);
        assert_eq!(BusinessDate::from_days(20_635), Some(date));
        assert_eq!(BusinessDate::from_days(i32::MAX), None);
        assert_eq!(BusinessDate::from_days(i32::MIN), None);
        for text in ["", "2026-7-1", "2026-02-30", "20260701"] {
            assert!(text.parse::<BusinessDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_trading_day_follows_the_stores_zone_and_hour() {
        let zone: TimeZoneName = "America/New_York".parse().unwrap();
        let late = at("2026-07-02T03:30:00Z");
        assert_eq!(business_date(late, &zone, 0).to_string(), "2026-07-01");
        let night = at("2026-07-02T07:59:00Z");
        assert_eq!(business_date(night, &zone, 0).to_string(), "2026-07-02");
        assert_eq!(business_date(night, &zone, 240).to_string(), "2026-07-01");
        assert_eq!(
            business_date(at("2026-07-02T08:00:00Z"), &zone, 240).to_string(),
            "2026-07-02"
        );
        assert!("Mars/Olympus".parse::<TimeZoneName>().is_err());
        for at in [Timestamp::MIN, Timestamp::MAX] {
            for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"] {
                let _ = business_date(at, &zone.parse().unwrap(), 240);
            }
        }
    }

    #[test]
    fn a_trading_day_has_the_hours_that_the_clock_gives_it() {
        let zone: TimeZoneName = "Europe/Berlin".parse().unwrap();
        for (date, starts_at, begins, ends) in [
            (
                "2026-07-01",
                0,
                "2026-06-30T22:00:00Z",
                "2026-07-01T22:00:00Z",
            ),
            (
                "2026-07-01",
                240,
                "2026-07-01T02:00:00Z",
                "2026-07-02T02:00:00Z",
            ),
            // The clock leaps forward, and back.
            (
                "2026-03-29",
                0,
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                "2026-10-25",
                0,
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
        ] {
            let date: BusinessDate = date.parse().unwrap();
            let day = trading_day(date, &zone, starts_at);
            assert_eq!(day, (at(begins), at(ends)), "{date}");
            assert_eq!(business_date(day.0, &zone, starts_at), date);
            let last = Timestamp::from_millis(day.1.as_millis() - 1);
            assert_eq!(business_date(last, &zone, starts_at), date);
        }
        let last: BusinessDate = "9999-12-31".parse().unwrap();
        assert_eq!(trading_day(last, &zone, 0).1, Timestamp::MAX);
    }

    #[test]
    fn ticks_rise_even_when_the_wall_clock_falls() {
        let noon = at("2026-07-01T12:00:00Z");
        let first = Hlc::default().tick(noon);
        assert_eq!(first, Hlc::at(noon));
        let second = first.tick(at("2026-07-01T11:00:00Z"));
        assert_eq!(second.0, first.0 + 1);
        assert_eq!(second.timestamp(), noon);
        assert_eq!(
            Hlc(first.0 | 0xffff).tick(noon).timestamp().as_millis(),
            noon.as_millis() + 1
        );
        assert_eq!(Hlc(u64::MAX).tick(noon), Hlc(u64::MAX));
    }

    #[test]
    fn merging_follows_the_later_clock_but_not_a_wild_one() {
        let now = at("2026-07-01T12:00:00Z");
        let own = Hlc::default().tick(now);
        let ahead = Hlc::at(Timestamp::from_millis(now.as_millis() + 500));
        assert_eq!(own.merge(ahead, now, 500), (Hlc(ahead.0 + 1), false));
        assert_eq!(own.merge(ahead, now, 499), (Hlc(own.0 + 1), true));
        let behind = Hlc::at(Timestamp::from_millis(now.as_millis() - 500));
        assert_eq!(own.merge(behind, now, 500), (Hlc(own.0 + 1), false));
        let (merged, wild) = own.merge(Hlc(u64::MAX), now, 500);
        assert!(wild && merged > own);
    }
}
