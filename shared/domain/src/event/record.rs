//! Records of numbered fields: how the events of orders stand in bytes.
//!
//! A record is an array; a field's position is its number. A field that holds
//! nothing is null, or not there when only such fields follow; fields that a
//! later release added are passed over. So new fields go last, hold nothing by
//! default, and a number is never used again.
//!
//! Invariant: reading is total and takes memory in proportion to its input.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::wire::{Read, Word, amount_of_goods, join_time, quantity, split_time};
use crate::ids::{EventKey, LocationId, ReceiptNumber, Sku};
use crate::money::{Currency, Money};
use crate::order::{ChannelId, HoldId, HoldKind, PromiseId};
use crate::quantity::{Quantity, Unit};
use crate::receipt::{MAX_LINES, MAX_TEXT};
use crate::rights::End;
use crate::time::Timestamp;

/// A buffer that is written to; writing to it cannot fail.
pub(super) type Out = Encoder<Vec<u8>>;

/// Something that can be a field.
pub(super) trait Field: Sized {
    /// What a field is that is not there; `None` if it must be.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether it holds nothing, so that it can be left out.
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes it.
    fn put(&self, e: &mut Out);

    /// Reads it.
    fn get(d: &mut Decoder<'_>) -> Read<Self>;
}

/// The next field of a record of which `left` fields are still there.
pub(super) fn next<T: Field>(d: &mut Decoder<'_>, left: &mut u64, name: &str) -> Read<T> {
    let missing = || T::absent().ok_or_else(|| format!("its {name} is missing"));
    if *left == 0 {
        return missing();
    }
    *left -= 1;
    if d.datatype().map_err(words)? == Type::Null {
        d.null().map_err(words)?;
        return missing();
    }
    T::get(d).map_err(|problem| format!("its {name}: {problem}"))
}

/// A record's number of fields.
pub(super) fn length(d: &mut Decoder<'_>) -> Read<u64> {
    d.array()
        .map_err(words)?
        .ok_or_else(|| "a record has no definite length".to_owned())
}

pub(super) fn put_length(e: &mut Out, fields: usize) {
    written(e.array(fields as u64));
}

pub(super) fn put_absent(e: &mut Out) {
    written(e.null());
}

pub(super) fn skip(d: &mut Decoder<'_>, fields: u64) -> Read<()> {
    (0..fields).try_for_each(|_| d.skip().map_err(words))
}

fn written<T>(result: Result<T, minicbor::encode::Error<std::convert::Infallible>>) {
    result.expect("invariant: writing to memory cannot fail");
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where map_err hands the error over"
)]
fn words(error: minicbor::decode::Error) -> String {
    error.to_string()
}

/// Makes a struct a record of the fields named, in this order for ever.
macro_rules! record {
    ($name:ty { $($field:ident),+ $(,)? }) => {
        impl Field for $name {
            fn put(&self, e: &mut Out) {
                let holds = [$(!self.$field.is_absent()),+];
                let fields = holds.iter().rposition(|holds| *holds).map_or(0, |last| last + 1);
                put_length(e, fields);
                let mut holds = holds.into_iter().take(fields);
                $(
                    match holds.next() {
                        Some(true) => self.$field.put(e),
                        Some(false) => put_absent(e),
                        None => {}
                    }
                )+
            }

            fn get(d: &mut Decoder<'_>) -> Read<Self> {
                let mut left = length(d)?;
                $(let $field = next(d, &mut left, stringify!($field))?;)+
                skip(d, left)?;
                Ok(Self { $($field),+ })
            }
        }
    };
}
pub(super) use record;

/// Makes an enum with stable numbers a field.
macro_rules! coded {
    ($($name:ty),+ $(,)?) => {
        $(impl Field for $name {
            fn put(&self, e: &mut Out) {
                u64::from(self.code()).put(e);
            }

            fn get(d: &mut Decoder<'_>) -> Read<Self> {
                let code = u64::get(d)?;
                let known = u8::try_from(code).ok().and_then(Self::from_code);
                known.ok_or_else(|| format!("{code} is unknown"))
            }
        })+
    };
}
pub(super) use coded;

/// Identifiers travel as their text, plain numbers as such.
macro_rules! worded {
    ($($name:ty),+ $(,)?) => {
        $(impl Field for $name {
            fn put(&self, e: &mut Out) {
                written(e.encode(Word::of(self.as_str())));
            }

            fn get(d: &mut Decoder<'_>) -> Read<Self> {
                d.decode::<Word<'_>>().map_err(words)?.parse()
            }
        })+
    };
}

worded!(LocationId, Sku, ChannelId, HoldKind, crate::tax::TaxCode);

impl<T: Field> Field for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn put(&self, e: &mut Out) {
        match self {
            Some(value) => value.put(e),
            None => put_absent(e),
        }
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        T::get(d).map(Some)
    }
}

impl<T: Field> Field for Vec<T> {
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn put(&self, e: &mut Out) {
        put_length(e, self.len());
        for item in self {
            item.put(e);
        }
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let items = length(d)?;
        if items > MAX_LINES as u64 {
            return Err(format!("a list has more than {MAX_LINES} items"));
        }
        (0..items).map(|_| T::get(d)).collect()
    }
}

impl Field for bool {
    fn absent() -> Option<Self> {
        Some(false)
    }

    fn is_absent(&self) -> bool {
        !self
    }

    fn put(&self, e: &mut Out) {
        written(e.bool(*self));
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        d.bool().map_err(words)
    }
}

impl Field for u64 {
    fn put(&self, e: &mut Out) {
        written(e.u64(*self));
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        d.u64().map_err(words)
    }
}

impl Field for u32 {
    fn put(&self, e: &mut Out) {
        written(e.u32(*self));
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        d.u32().map_err(words)
    }
}

impl Field for i64 {
    fn put(&self, e: &mut Out) {
        written(e.i64(*self));
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        d.i64().map_err(words)
    }
}

impl Field for String {
    fn put(&self, e: &mut Out) {
        written(e.encode(Word::of(self)));
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let text = d.decode::<Word<'_>>().map_err(words)?.text();
        if text.len() > MAX_TEXT {
            return Err(format!("it is longer than {MAX_TEXT} bytes"));
        }
        Ok(text)
    }
}

/// Whole units as they are, anything else as minus its thousandths; nothing is
/// left out.
impl Field for Quantity {
    fn absent() -> Option<Self> {
        Some(Self::ZERO)
    }

    fn is_absent(&self) -> bool {
        self.is_zero()
    }

    fn put(&self, e: &mut Out) {
        amount_of_goods(*self).unwrap_or(1).put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        quantity(Some(i64::get(d)?))
    }
}

impl Field for Unit {
    fn absent() -> Option<Self> {
        Some(Self::Each)
    }

    fn is_absent(&self) -> bool {
        *self == Self::Each
    }

    fn put(&self, e: &mut Out) {
        u64::from(self.code()).put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let code = u64::get(d)?;
        let known = u8::try_from(code).ok().and_then(Self::from_code);
        known.ok_or_else(|| format!("{code} is unknown"))
    }
}

impl Field for Currency {
    fn put(&self, e: &mut Out) {
        u64::from(self.numeric()).put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let number = u64::get(d)?;
        let known = u16::try_from(number).ok().and_then(Self::from_numeric);
        known.ok_or_else(|| format!("{number} is unknown"))
    }
}

/// Currency and minor units.
impl Field for Money {
    fn put(&self, e: &mut Out) {
        put_length(e, 2);
        self.currency().put(e);
        self.minor().put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let mut left = length(d)?;
        let currency = next(d, &mut left, "currency")?;
        let minor = next(d, &mut left, "amount")?;
        skip(d, left)?;
        Self::new(minor, currency).map_err(|error| error.to_string())
    }
}

/// Seconds since 1970, or seconds and milliseconds.
impl Field for Timestamp {
    fn put(&self, e: &mut Out) {
        match split_time(*self) {
            (seconds, None) => seconds.put(e),
            (seconds, Some(millis)) => {
                put_length(e, 2);
                seconds.put(e);
                u64::from(millis).put(e);
            }
        }
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        if d.datatype().map_err(words)? != Type::Array {
            return join_time(i64::get(d)?, None);
        }
        let mut left = length(d)?;
        let seconds = next(d, &mut left, "seconds")?;
        let millis: u64 = next(d, &mut left, "milliseconds")?;
        skip(d, left)?;
        let millis = u16::try_from(millis).map_err(|_| "a time is no time".to_owned())?;
        join_time(seconds, Some(millis))
    }
}

record!(EventKey {
    actor_prefix,
    seq,
    n
});

impl Field for PromiseId {
    fn put(&self, e: &mut Out) {
        self.0.put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        EventKey::get(d).map(Self)
    }
}

impl Field for HoldId {
    fn put(&self, e: &mut Out) {
        self.0.put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        EventKey::get(d).map(Self)
    }
}

impl Field for ReceiptNumber {
    fn put(&self, e: &mut Out) {
        self.to_string().put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let number = String::get(d)?;
        number
            .parse()
            .map_err(|error: crate::ids::IdError| error.to_string())
    }
}

const ENDS: [End; 3] = [End::Settled, End::Released, End::Breached];

impl Field for End {
    fn put(&self, e: &mut Out) {
        let code = ENDS.iter().position(|end| end == self);
        (code.expect("invariant: every end is listed") as u64).put(e);
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let code = u64::get(d)?;
        let known = usize::try_from(code).ok();
        let known = known.and_then(|code| ENDS.get(code).copied());
        known.ok_or_else(|| format!("{code} is unknown"))
    }
}
