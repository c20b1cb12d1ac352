//! The identifiers of documents and of the events in them.
//!
//! All of them follow from who wrote and at which journal position, so nobody
//! needs randomness to name a document and the names need not travel.
//!
//! Invariant: two different (actor, seq, n) never share a document id or key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{IdError, Seq, is_lower_hex, parse_hex_u64, parse_number, text_conversions};

/// The automerge actor of one process life: 16 random bytes, 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActorId(pub [u8; 16]);

impl ActorId {
    /// The first eight bytes as a big-endian number: the part that event keys carry.
    #[must_use]
    pub fn prefix(&self) -> u64 {
        let (prefix, _) = self
            .0
            .split_first_chunk::<8>()
            .expect("invariant: an actor has 16 bytes");
        u64::from_be_bytes(*prefix)
    }
}

impl FromStr for ActorId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError::new("actor", text, "use 32 hexadecimal digits in lower case");
        if text.len() != 32 || !text.bytes().all(is_lower_hex) {
            return Err(error());
        }
        let value = u128::from_str_radix(text, 16).map_err(|_| error())?;
        Ok(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

text_conversions!(ActorId, IdError);

/// A document: a UUID of version 8, derived from the change that opened it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId(pub Uuid);

impl DocumentId {
    /// The id of the `n`-th document opened by entry `seq` of `actor`.
    ///
    /// It is BLAKE3, keyed with a context of its own, over the actor's 16
    /// bytes, `seq` and `n` (big endian, fixed length), cut to 128 bits with
    /// the version and variant bits set. Unique because an actor never writes
    /// two entries of one number; no randomness is needed and the id need not
    /// travel.
    #[must_use]
    pub fn derive(actor: &ActorId, seq: Seq, n: u32) -> Self {
        let mut fields = [0_u8; 28];
        fields[..16].copy_from_slice(&actor.0);
        fields[16..24].copy_from_slice(&seq.to_be_bytes());
        fields[24..].copy_from_slice(&n.to_be_bytes());
        let hash = blake3::derive_key("evertill document id v1", &fields);
        let (id, _) = hash
            .split_first_chunk::<16>()
            .expect("invariant: BLAKE3 gives 32 bytes");
        Self(Uuid::new_v8(*id))
    }

    /// The sixteen bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id made of these sixteen bytes, as read back from a table.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl FromStr for DocumentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError::new("document id", text, "use a UUID in lower case with hyphens");
        let id = Uuid::try_parse(text).map_err(|_| error())?;
        // Other spellings of the same UUID would make two texts for one document.
        if id.to_string() == text {
            Ok(Self(id))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

text_conversions!(DocumentId, IdError);

/// The key of an event in its document: `<16 hex>.<seq>.<n>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventKey {
    /// First eight bytes of the writing actor.
    pub actor_prefix: u64,
    /// Journal entry that wrote the event.
    pub seq: Seq,
    /// Position of the event within that entry.
    pub n: u32,
}

impl FromStr for EventKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rule = "use <16 hexadecimal digits>.<seq>.<n>";
        let error = || IdError::new("event key", text, rule);
        let mut parts = text.split('.');
        let (Some(prefix), Some(seq), Some(n), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error());
        };
        Ok(Self {
            actor_prefix: parse_hex_u64(prefix).ok_or_else(error)?,
            seq: parse_number(seq).ok_or_else(error)?,
            n: parse_number(n)
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(error)?,
        })
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}.{}", self.actor_prefix, self.seq, self.n)
    }
}

text_conversions!(EventKey, IdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_ids_are_stable_and_depend_on_every_field() {
        let actor: ActorId = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let id = DocumentId::derive(&actor, 7, 0);
        assert_eq!(id, DocumentId::derive(&actor, 7, 0));
        assert_eq!(id.0.get_version_num(), 8);
        assert_eq!(id.to_string(), "1b39df41-4df7-86cd-81b0-55e7c255c29c");
        assert_ne!(id, DocumentId::derive(&actor, 8, 0));
        assert_ne!(id, DocumentId::derive(&actor, 7, 1));
        assert_ne!(id, DocumentId::derive(&ActorId([0; 16]), 7, 0));
    }

    #[test]
    fn actor_prefix_is_the_first_eight_bytes() {
        let actor: ActorId = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        assert_eq!(actor.prefix(), 0x0001_0203_0405_0607);
    }
}
