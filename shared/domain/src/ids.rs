//! Identifiers: one type per meaning, so that a register can never stand where
//! a location is asked for.
//!
//! Text forms are canonical: parsing and displaying give the same bytes back,
//! so identifiers can be compared, hashed and sorted in any form.
//!
//! Invariant: a value of one of these types always satisfies its rule; the only
//! ways to make one check it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use document::{ActorId, DocumentId, EventKey};
pub use receipt_number::ReceiptNumber;

mod document;
mod receipt_number;

/// Position of an entry in a replica's journal; the first entry is 1.
pub type Seq = u64;

/// A text that is not a valid identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not a {what}: {rule}")]
pub struct IdError {
    /// What was expected, in words: "location", "register", "SKU" …
    pub what: &'static str,
    /// The text that was given, cut after 80 characters.
    pub value: String,
    /// The rule that a valid one follows.
    pub rule: &'static str,
}

impl IdError {
    pub(crate) fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        let value = value.chars().take(80).collect();
        Self { what, value, rule }
    }
}

/// Gives a validated newtype its conversions: text in, text out, serde as text.
macro_rules! text_conversions {
    ($name:ident, $error:ty) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}
pub(crate) use text_conversions;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(
            Clone,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            Debug,
            serde::Serialize,
            serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::IdError;

            fn from_str(text: &str) -> Result<Self, $crate::ids::IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::ids::IdError::new($what, text, $rule))
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        $crate::ids::text_conversions!($name, $crate::ids::IdError);
    };
}
pub(crate) use text_id;

text_id!(
    /// A store, warehouse or supplier: 1 to 16 of `A-Z`, `0-9`, `_`.
    LocationId,
    "location",
    "use 1 to 16 capital letters, digits or underscores, such as S001",
    |text| is_code(text, 16)
);

text_id!(
    /// A till within a location: 1 to 8 of `A-Z`, `0-9`, `_`.
    RegisterId,
    "register",
    "use 1 to 8 capital letters, digits or underscores, such as R1",
    |text| is_code(text, 8)
);

text_id!(
    /// A stock-keeping unit: 1 to 64 printable ASCII characters, no blank at
    /// either end.
    Sku,
    "SKU",
    "use 1 to 64 printable ASCII characters without a blank at either end",
    |text| is_printable(text, 64)
);

/// Capital letters, digits and underscores, at most `longest` of them.
fn is_code(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Printable ASCII without a blank at either end, at most `longest` characters.
pub(crate) fn is_printable(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub u64);

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex_u64(text).map(Self).ok_or_else(|| {
                    IdError::new($what, text, "use 16 hexadecimal digits in lower case")
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        text_conversions!($name, IdError);
    };
}

hex_id!(
    /// One machine of a location; drawn once, at enrolment. 16 hexadecimal digits.
    NodeId,
    "node"
);

hex_id!(
    /// One life of a node's or hub's database: 64 random bits, 16 hexadecimal digits.
    ReplicaId,
    "replica"
);

impl ReplicaId {
    /// The four characters that stand for this replica in receipt numbers: its
    /// top 20 bits in Crockford's base 32. The hub checks that they are unique
    /// when it ratifies the replica.
    #[must_use]
    pub fn code(&self) -> String {
        let digit = |shift: u32| {
            let index = usize::try_from((self.0 >> shift) & 31).expect("invariant: five bits");
            char::from(CROCKFORD[index])
        };
        [59, 54, 49, 44].map(digit).iter().collect()
    }
}

/// Crockford's base 32 alphabet: no I, L, O or U, so that people can read it out.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Exactly 16 lower-case hexadecimal digits.
fn parse_hex_u64(text: &str) -> Option<u64> {
    let canonical = text.len() == 16 && text.bytes().all(is_lower_hex);
    canonical
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// Decimal digits without sign or leading zeros.
fn parse_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether a text could be a [`ReplicaId::code`].
pub(crate) fn is_replica_code(code: &str) -> bool {
    code.len() == 4 && code.bytes().all(|b| CROCKFORD.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T>(text: &str)
    where
        T: FromStr<Err = IdError> + fmt::Display,
    {
        let id: T = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
    }

    fn refused<T: FromStr<Err = IdError> + fmt::Debug>(texts: &[&str]) {
        for text in texts {
            let error = text.parse::<T>().unwrap_err();
            assert!(error.to_string().contains(error.rule), "{error}");
        }
    }

    #[test]
    fn canonical_texts_round_trip() {
        round_trip::<LocationId>("S001");
        round_trip::<RegisterId>("R_1");
        round_trip::<Sku>("MILK 1L/3.5%");
        round_trip::<NodeId>("00000000000000ff");
        round_trip::<ReplicaId>("ffffffffffffffff");
        round_trip::<ActorId>("000102030405060708090a0b0c0d0e0f");
        round_trip::<EventKey>("0001020304050607.18446744073709551615.4294967295");
        round_trip::<ReceiptNumber>("S001-R1-7K3Q-42");
        round_trip::<DocumentId>("0b1e7d1f-3c7a-8d2e-9f00-112233445566");
    }

    #[test]
    fn other_spellings_are_refused() {
        refused::<LocationId>(&["", "s001", "S-1", "ABCDEFGHIJKLMNOPQ", "S 1", "Å"]);
        refused::<RegisterId>(&["", "REGISTER1", "r1"]);
        refused::<Sku>(&["", " A", "A ", "A\tB", "ü", &"A".repeat(65)]);
        refused::<ReplicaId>(&["", "FFFFFFFFFFFFFFFF", "ff", "+fffffffffffffff"]);
        refused::<ActorId>(&["", "00", "+0102030405060708090a0b0c0d0e0f0"]);
        refused::<EventKey>(&[
            "",
            "0001020304050607.1",
            "0001020304050607.01.0",
            "0001020304050607.1.4294967296",
            "0001020304050607.1.0.0",
            "0001020304050607.+1.0",
        ]);
        refused::<ReceiptNumber>(&[
            "S001-R1-7K3Q",
            "S001-R1-7K3Q-0",
            "S001-R1-7K3Q-042",
            "S001-R1-7K3U-1",
            "S001-R1-7K3-1",
            "S001-R1-7K3Q-1-1",
        ]);
        refused::<DocumentId>(&[
            "0B1E7D1F-3c7a-8d2e-9f00-112233445566",
            "0b1e7d1f3c7a8d2e9f00112233445566",
            "{0b1e7d1f-3c7a-8d2e-9f00-112233445566}",
        ]);
    }

    #[test]
    fn replica_codes_are_the_top_twenty_bits() {
        assert_eq!(ReplicaId(0).code(), "0000");
        assert_eq!(ReplicaId(u64::MAX).code(), "ZZZZ");
        assert_eq!(ReplicaId(1 << 44).code(), "0001");
        assert_eq!(ReplicaId((1 << 44) - 1).code(), "0000");
        assert_eq!(ReplicaId(1 << 59).code(), "1000");
    }

    #[test]
    fn serde_uses_the_text_form() {
        let number: ReceiptNumber = serde_json::from_str("\"S001-R1-7K3Q-42\"").unwrap();
        assert_eq!(
            serde_json::to_string(&number).unwrap(),
            "\"S001-R1-7K3Q-42\""
        );
        assert!(serde_json::from_str::<LocationId>("\"lower\"").is_err());
    }
}
