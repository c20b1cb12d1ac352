//! The small pieces that event bodies are made of.
//!
//! Invariant: reading is total and takes memory in proportion to its input,
//! because every list has a limit and no length is believed before its items
//! were there.

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::quantity::Quantity;
use crate::time::{BusinessDate, Timestamp};

/// Why a body cannot be read, in words.
pub(super) type Read<T> = Result<T, String>;

/// A list of at most `MOST` items, of definite length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List<T, const MOST: usize>(pub(super) Vec<T>);

impl<T, const MOST: usize> List<T, MOST> {
    /// The list, or nothing where there is nothing to list.
    pub(super) fn unless_empty(items: Vec<T>) -> Option<Self> {
        (!items.is_empty()).then_some(Self(items))
    }

    /// The items of a list that may have been left out.
    pub(super) fn items(list: Option<&Self>) -> &[T] {
        list.map_or(&[], |list| &list.0)
    }
}

impl<C, T: Encode<C>, const MOST: usize> Encode<C> for List<T, MOST> {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(self.0.len() as u64)?;
        self.0.iter().try_for_each(|item| item.encode(e, ctx))
    }
}

impl<'b, C, T: Decode<'b, C>, const MOST: usize> Decode<'b, C> for List<T, MOST> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        match d.array()? {
            Some(length) if length <= MOST as u64 => (0..length)
                .map(|_| T::decode(d, ctx))
                .collect::<Result<_, _>>()
                .map(Self),
            Some(_) => Err(decode::Error::message("a list has too many items")),
            None => Err(decode::Error::message("a list has no definite length")),
        }
    }
}

/// A text. One that is a plain number (`4011`, but neither `04011` nor `+1`)
/// travels as that number, which most SKUs and registers are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Word<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let plain = !text.is_empty()
            && text.len() <= 20
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        match text.parse() {
            Ok(number) if plain => Self::Number(number),
            _ => Self::Text(text),
        }
    }

    /// Hands the text to `read`, without allocating for a number.
    pub(super) fn with<T>(self, read: impl FnOnce(&str) -> T) -> T {
        let mut number = match self {
            Self::Text(text) => return read(text),
            Self::Number(number) => number,
        };
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(number % 10).expect("invariant: one digit");
            number /= 10;
            if number == 0 {
                break;
            }
        }
        read(std::str::from_utf8(&digits[start..]).expect("invariant: digits are ASCII"))
    }

    pub(super) fn text(self) -> String {
        self.with(str::to_owned)
    }

    /// The text as an identifier of some kind.
    pub(super) fn parse<T: std::str::FromStr<Err = crate::ids::IdError>>(self) -> Read<T> {
        self.with(|text| text.parse().map_err(|error: T::Err| error.to_string()))
    }
}

/// The optional text as a field.
pub(super) fn word(text: Option<&String>) -> Option<Word<'_>> {
    text.map(|text| Word::of(text))
}

impl<C> Encode<C> for Word<'_> {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Number(number) => e.u64(*number)?,
            Self::Text(text) => e.str(text)?,
        };
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Word<'b> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        match d.datatype()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => d.u64().map(Self::Number),
            _ => d.str().map(Self::Text),
        }
    }
}

/// An instant as whole seconds since 1970, and the milliseconds above them,
/// left out when there are none.
pub(super) fn split_time(at: Timestamp) -> (i64, Option<u16>) {
    let millis = at.as_millis();
    let rest = u16::try_from(millis.rem_euclid(1_000)).expect("invariant: below 1,000");
    (millis.div_euclid(1_000), (rest > 0).then_some(rest))
}

/// The instant of [`split_time`].
pub(super) fn join_time(seconds: i64, millis: Option<u16>) -> Read<Timestamp> {
    let millis = millis.unwrap_or(0);
    let instant = seconds
        .checked_mul(1_000)
        .and_then(|whole| whole.checked_add(i64::from(millis)))
        .filter(|_| millis < 1_000);
    let timestamp = instant.map(Timestamp::from_millis);
    timestamp
        .filter(|timestamp| Some(timestamp.as_millis()) == instant)
        .ok_or_else(|| "a time is outside the years 0 to 9999".to_owned())
}

/// How many days the trading day is after the UTC date of `at`, left out when
/// it is that date.
pub(super) fn day_offset(at: Timestamp, date: BusinessDate) -> Option<i32> {
    let offset = date.as_days() - utc_days(at);
    (offset != 0).then_some(offset)
}

/// The trading day of [`day_offset`].
pub(super) fn day(at: Timestamp, offset: Option<i32>) -> Read<BusinessDate> {
    utc_days(at)
        .checked_add(offset.unwrap_or(0))
        .and_then(BusinessDate::from_days)
        .ok_or_else(|| "a trading day is outside the years 0 to 9999".to_owned())
}

fn utc_days(at: Timestamp) -> i32 {
    i32::try_from(at.as_millis().div_euclid(86_400_000))
        .expect("invariant: a timestamp lies in the years 0 to 9999")
}

/// A quantity that is not below zero: whole units as they are, anything else as
/// minus its thousandths; one unit is left out.
pub(super) fn amount_of_goods(quantity: Quantity) -> Option<i64> {
    let thousandths = quantity.thousandths();
    debug_assert!(thousandths >= 0, "invariant: the sign was taken off");
    match (thousandths / 1_000, thousandths % 1_000) {
        (1, 0) => None,
        (whole, 0) => Some(whole),
        _ => Some(-thousandths),
    }
}

/// The quantity of [`amount_of_goods`].
pub(super) fn quantity(number: Option<i64>) -> Read<Quantity> {
    let thousandths = match number {
        None => Some(1_000),
        Some(number) if number < 0 => number.checked_neg(),
        Some(number) => number.checked_mul(1_000),
    };
    thousandths
        .and_then(|thousandths| Quantity::from_thousandths(thousandths).ok())
        .ok_or_else(|| "a quantity is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_travel_as_numbers() {
        for text in ["0", "4011", "18446744073709551615"] {
            let word = Word::of(text);
            assert!(matches!(word, Word::Number(_)), "{text}");
            assert_eq!(word.text(), text);
        }
        for text in ["", "04011", "+1", "-1", "1.0", "18446744073709551616", "A1"] {
            assert_eq!(Word::of(text), Word::Text(text));
            assert_eq!(Word::of(text).text(), text);
        }
    }

    #[test]
    fn times_days_and_quantities_come_back() {
        for millis in [
            -62_167_219_200_000,
            -1,
            0,
            1,
            999,
            1_000,
            253_402_207_200_000,
        ] {
            let at = Timestamp::from_millis(millis);
            let (seconds, rest) = split_time(at);
            assert_eq!(join_time(seconds, rest).unwrap(), at);
            let date = day(at, None).unwrap();
            assert_eq!(day_offset(at, date), None);
        }
        assert!(join_time(0, Some(1_000)).is_err());
        assert!(join_time(i64::MAX, None).is_err());
        assert!(join_time(253_402_207_200, Some(1)).is_err());
        assert!(day(Timestamp::MIN, Some(-1)).is_err());
        assert!(day(Timestamp::MAX, Some(i32::MAX)).is_err());
        for thousandths in [0, 1, 999, 1_000, 1_001, 2_000, 10_000, 1_000_000_000_000] {
            let some = Quantity::from_thousandths(thousandths).unwrap();
            assert_eq!(quantity(amount_of_goods(some)).unwrap(), some);
        }
        assert!(quantity(Some(i64::MIN)).is_err());
        assert!(quantity(Some(i64::MAX)).is_err());
    }
}
