//! The run-length encodings of automerge's columns.
//!
//! A column of numbers or texts is a sequence of runs: a positive count and one
//! value, a negative count and that many different values, or a zero and a
//! count of nulls. A column of booleans is counts alone, starting with false.
//!
//! A run can claim 10¹² values in a few bytes, so [`claimed`] adds up the counts
//! before [`decode`] or anything else follows them.
//!
//! Invariant: `encode` is the only spelling of its values; `decode` followed by
//! `encode` gives the input exactly when the input is that spelling.

use super::take_prefixed;
use crate::leb::{put_signed, put_unsigned, take_signed, take_unsigned};

/// A kind of value in a run-length encoded column.
pub(crate) trait Value<'a>: Sized + PartialEq {
    /// Reads one value.
    fn take(input: &mut &'a [u8]) -> Option<Self>;
    /// Writes one value.
    fn put(&self, out: &mut Vec<u8>);
}

impl Value<'_> for u64 {
    fn take(input: &mut &[u8]) -> Option<Self> {
        take_unsigned(input)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_unsigned(out, *self);
    }
}

impl Value<'_> for i64 {
    fn take(input: &mut &[u8]) -> Option<Self> {
        take_signed(input)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_signed(out, *self);
    }
}

impl<'a> Value<'a> for &'a [u8] {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        take_prefixed(input)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.len() as u64);
        out.extend_from_slice(self);
    }
}

/// How many values a column claims, and whether its runs are whole. Stops
/// following the runs once the claim exceeds `limit`.
pub(crate) fn claimed<'a, T: Value<'a>>(mut data: &'a [u8], limit: u64) -> (u64, bool) {
    let mut total = 0_u64;
    while !data.is_empty() && total <= limit {
        let Some(count) = take_signed(&mut data) else {
            return (total, false);
        };
        let (values, stored) = match count {
            0 => match take_unsigned(&mut data) {
                Some(nulls) => (nulls, 0),
                None => return (total, false),
            },
            1.. => (count.unsigned_abs(), 1),
            _ => (count.unsigned_abs(), count.unsigned_abs()),
        };
        total = total.saturating_add(values);
        if total > limit {
            break;
        }
        if (0..stored).any(|_| T::take(&mut data).is_none()) {
            return (total, false);
        }
    }
    (total, true)
}

/// How many values a column of booleans claims, and whether its counts are whole.
pub(crate) fn claimed_booleans(mut data: &[u8], limit: u64) -> (u64, bool) {
    let mut total = 0_u64;
    while !data.is_empty() && total <= limit {
        let Some(count) = take_unsigned(&mut data) else {
            return (total, false);
        };
        total = total.saturating_add(count);
    }
    (total, true)
}

/// The values of a column, at most `limit`.
pub(crate) fn decode<'a, T: Value<'a> + Clone>(
    mut data: &'a [u8],
    limit: usize,
) -> Option<Vec<Option<T>>> {
    let mut values = Vec::new();
    while !data.is_empty() {
        let count = take_signed(&mut data)?;
        let room = limit - values.len();
        let run = if count == 0 {
            take_unsigned(&mut data)?
        } else {
            count.unsigned_abs()
        };
        let run = usize::try_from(run).ok().filter(|run| *run <= room)?;
        match count {
            0 => values.extend(std::iter::repeat_n(None, run)),
            1.. => {
                let value = T::take(&mut data)?;
                values.extend(std::iter::repeat_n(Some(value), run));
            }
            _ => {
                for _ in 0..run {
                    values.push(Some(T::take(&mut data)?));
                }
            }
        }
    }
    Some(values)
}

/// The booleans of a column, at most `limit`.
pub(crate) fn decode_booleans(mut data: &[u8], limit: usize) -> Option<Vec<bool>> {
    let mut values = Vec::new();
    let mut value = false;
    while !data.is_empty() {
        let run = usize::try_from(take_unsigned(&mut data)?).ok()?;
        if run > limit - values.len() {
            return None;
        }
        values.extend(std::iter::repeat_n(value, run));
        value = !value;
    }
    Some(values)
}

/// The column of these values. A column of nothing but nulls is empty.
pub(crate) fn encode<'a, T: Value<'a>>(out: &mut Vec<u8>, values: &[Option<T>]) {
    if values.iter().all(Option::is_none) {
        return;
    }
    let mut rest = values;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|value| *value == first).count();
        match first {
            None => {
                put_signed(out, 0);
                put_unsigned(out, same as u64);
                rest = &rest[same..];
            }
            Some(value) if same > 1 => {
                put_signed(out, same.cast_signed() as i64);
                value.put(out);
                rest = &rest[same..];
            }
            Some(_) => {
                let literal = literal(rest);
                put_signed(out, -(literal.len().cast_signed() as i64));
                for value in literal.iter().flatten() {
                    value.put(out);
                }
                rest = &rest[literal.len()..];
            }
        }
    }
}

/// The longest prefix of values that are present and differ from their
/// neighbours; the first one does.
fn literal<T: PartialEq>(values: &[Option<T>]) -> &[Option<T>] {
    let lone = |at: usize| {
        let value = values.get(at);
        matches!(value, Some(Some(_))) && values.get(at + 1) != value
    };
    let length = (0..values.len()).take_while(|at| lone(*at)).count();
    &values[..length]
}

/// The column of these booleans.
pub(crate) fn encode_booleans(out: &mut Vec<u8>, values: &[bool]) {
    let mut rest = values;
    let mut value = false;
    while !rest.is_empty() {
        let run = rest.iter().take_while(|other| **other == value).count();
        put_unsigned(out, run as u64);
        rest = &rest[run..];
        value = !value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(values: &[Option<u64>]) -> Vec<u8> {
        let mut column = Vec::new();
        encode(&mut column, values);
        assert_eq!(
            decode::<u64>(&column, values.len()).as_deref(),
            Some(values)
        );
        assert_eq!(
            claimed::<u64>(&column, u64::MAX),
            (values.len() as u64, true)
        );
        column
    }

    #[test]
    fn runs_literals_and_nulls_round_trip() {
        assert_eq!(round_trip(&[Some(1)]), [0x7f, 1]);
        assert_eq!(round_trip(&[Some(1); 3]), [3, 1]);
        assert_eq!(
            round_trip(&[Some(1), Some(2), Some(2), None, Some(3), Some(4)]),
            [0x7f, 1, 2, 2, 0, 1, 0x7e, 3, 4]
        );
    }

    #[test]
    fn a_claim_is_counted_without_being_followed() {
        let mut column = Vec::new();
        put_signed(&mut column, 1_000_000_000_000);
        put_unsigned(&mut column, 1);
        assert_eq!(claimed::<u64>(&column, 4_096), (1_000_000_000_000, true));
        assert_eq!(decode::<u64>(&column, 4_096), None);
        let mut literal = Vec::new();
        put_signed(&mut literal, i64::MIN);
        assert_eq!(claimed::<u64>(&literal, 4_096), (1 << 63, true));
    }

    #[test]
    fn booleans_start_with_false() {
        let mut column = Vec::new();
        encode_booleans(&mut column, &[true, false, false]);
        assert_eq!(column, [0, 1, 2]);
        assert_eq!(decode_booleans(&column, 3), Some(vec![true, false, false]));
        assert_eq!(decode_booleans(&column, 2), None);
    }
}
