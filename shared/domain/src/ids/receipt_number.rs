//! The number printed on a receipt.
//!
//! Invariant: parsing and displaying give the same text back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdError, LocationId, RegisterId, is_replica_code, parse_number, text_conversions};

/// The printed number of a receipt: `LOCATION-REGISTER-CODE-SEQ`.
///
/// Gapless per register and replica; drawn inside the sale's transaction.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReceiptNumber {
    /// Where it was issued.
    pub location: LocationId,
    /// The till that issued it.
    pub register: RegisterId,
    /// The issuing replica's [`ReplicaId::code`](crate::ReplicaId::code).
    pub code: String,
    /// Running number of the register in that replica, from 1.
    pub seq: u64,
}

impl FromStr for ReceiptNumber {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use LOCATION-REGISTER-CODE-NUMBER as printed, such as S001-R1-7K3Q-42";
        let error = || IdError::new("receipt number", text, rule);
        let mut parts = text.split('-');
        let (Some(location), Some(register), Some(code), Some(seq), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(error());
        };
        if !is_replica_code(code) {
            return Err(error());
        }
        Ok(Self {
            location: location.parse().map_err(|_| error())?,
            register: register.parse().map_err(|_| error())?,
            code: code.to_owned(),
            seq: parse_number(seq).filter(|seq| *seq > 0).ok_or_else(error)?,
        })
    }
}

impl fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{}-{}-{}",
            self.location, self.register, self.code, self.seq
        )
    }
}

text_conversions!(ReceiptNumber, IdError);
