//! Pickup codes: what a customer shows at the counter.
//!
//! A code follows from the order and a key that only the hub and the location
//! have, so the counter can check it with the line cut, and nobody keeps it.
//! It has six digits; whoever guesses is stopped by counting their attempts.
//!
//! Invariant: codes of one location say nothing about those of another.

use std::fmt;

use crate::ids::{DocumentId, LocationId};

/// The key behind the codes of one location, or of all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PickupKey([u8; 32]);

impl PickupKey {
    /// A key from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept or sent to the location.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of one location, from the key that the hub has for all.
    #[must_use]
    pub fn of(&self, location: &LocationId) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"evertill pickup key of location v1 ");
        hasher.update(location.as_str().as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The code of an order at the location of this key: six digits.
    #[must_use]
    pub fn code(&self, order: &DocumentId) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"evertill pickup code v1 ");
        hasher.update(order.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        format!("{:06}", u64::from_be_bytes(first) % 1_000_000)
    }

    /// Whether a customer showed the code of an order. Spaces and hyphens that
    /// people put between digits do not count.
    #[must_use]
    pub fn accepts(&self, order: &DocumentId, shown: &str) -> bool {
        let digits: String = shown.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        digits == self.code(order)
    }
}

impl fmt::Debug for PickupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PickupKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_of_one_order_at_one_location() {
        let master = PickupKey::new([7; 32]);
        let [one, two] = ["S001", "S002"].map(|id| master.of(&id.parse().unwrap()));
        let order = DocumentId::from_bytes([3; 16]);
        let code = one.code(&order);
        assert_eq!(code.len(), 6);
        assert!(one.accepts(&order, &format!("{} {}", &code[..3], &code[3..])));
        assert!(!one.accepts(&order, ""));
        assert_ne!(code, two.code(&order));
        assert_ne!(code, one.code(&DocumentId::from_bytes([4; 16])));
        assert_eq!(format!("{one:?}"), "PickupKey(..)");
    }
}
