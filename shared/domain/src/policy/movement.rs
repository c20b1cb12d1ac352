//! Which goods may move from where to where, and for which reason, without a
//! sale.
//!
//! Invariant: a rule never names a reason that only receipts have, nor moves
//! goods from a bucket to itself ([`MovementPolicy::validate`]).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::movement::is_own_reason;
use crate::stock::{Bucket, MovementReason};

/// The movements that a location may record by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MovementPolicy {
    /// Every allowed movement; what is not listed is refused.
    pub allowed: BTreeSet<AllowedMovement>,
}

/// One allowed movement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedMovement {
    /// Why.
    pub reason: MovementReason,
    /// Where the goods are.
    pub from: Bucket,
    /// Where they go.
    pub to: Bucket,
}

/// What a store without rules of its own may record.
const USUAL: [(MovementReason, Bucket, Bucket); 25] = {
    use Bucket::{
        Adjustment, Damaged, Opening, QualityControl, Quarantined, Receiving, Sellable, Shrinkage,
        Supplier,
    };
    use MovementReason as Why;
    [
        (Why::Opening, Opening, Sellable),
        (Why::Opening, Sellable, Opening),
        (Why::Receiving, Supplier, Receiving),
        (Why::Receiving, Supplier, Sellable),
        (Why::Receiving, Receiving, Sellable),
        (Why::Receiving, Receiving, QualityControl),
        (Why::Receiving, Receiving, Supplier),
        (Why::Receiving, QualityControl, Sellable),
        (Why::Adjustment, Adjustment, Sellable),
        (Why::Adjustment, Sellable, Adjustment),
        (Why::Adjustment, Sellable, Quarantined),
        (Why::Adjustment, Quarantined, Sellable),
        (Why::Adjustment, Damaged, Sellable),
        (Why::CountDifference, Adjustment, Sellable),
        (Why::CountDifference, Sellable, Adjustment),
        (Why::Damage, Sellable, Damaged),
        (Why::Damage, Receiving, Damaged),
        (Why::Damage, QualityControl, Damaged),
        (Why::Found, Adjustment, Sellable),
        (Why::Found, Shrinkage, Sellable),
        (Why::WriteOff, Sellable, Shrinkage),
        (Why::WriteOff, Damaged, Shrinkage),
        (Why::WriteOff, Quarantined, Shrinkage),
        (Why::WriteOff, QualityControl, Shrinkage),
        (Why::WriteOff, Receiving, Shrinkage),
    ]
};

impl Default for MovementPolicy {
    fn default() -> Self {
        let allowed = USUAL.map(|(reason, from, to)| AllowedMovement { reason, from, to });
        Self {
            allowed: allowed.into(),
        }
    }
}

impl MovementPolicy {
    /// Whether goods may move so.
    #[must_use]
    pub fn allows(&self, reason: MovementReason, from: Bucket, to: Bucket) -> bool {
        self.allowed.contains(&AllowedMovement { reason, from, to })
    }

    /// From where to where goods may move for this reason, in words:
    /// `supplier to sellable, supplier to receiving`.
    #[must_use]
    pub fn ways(&self, reason: MovementReason) -> String {
        let of_reason = self.allowed.iter().filter(|rule| rule.reason == reason);
        let ways: Vec<String> = of_reason
            .map(|rule| format!("{} to {}", rule.from, rule.to))
            .collect();
        ways.join(", ")
    }

    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        for (i, rule) in self.allowed.iter().enumerate() {
            let pointer = format!("/allowed/{i}");
            if !is_own_reason(rule.reason) {
                let detail = format!("{} belongs to receipts; leave it out", rule.reason);
                errors.push(PolicyError::new(pointer.clone(), detail));
            }
            if rule.from == rule.to {
                let detail = format!("goods cannot move from {} to itself", rule.from);
                errors.push(PolicyError::new(pointer, detail));
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_works_for_every_reason_that_is_no_receipts() {
        let policy = MovementPolicy::default();
        assert_eq!(policy.allowed.len(), USUAL.len());
        assert_eq!(policy.validate(), []);
        for reason in MovementReason::ALL {
            assert_eq!(policy.ways(reason).is_empty(), !is_own_reason(reason));
        }
        assert!(policy.allows(MovementReason::Damage, Bucket::Sellable, Bucket::Damaged));
        assert!(!policy.allows(MovementReason::Damage, Bucket::Damaged, Bucket::Sellable));
    }

    #[test]
    fn rules_that_cannot_be_used_are_named() {
        let policy: MovementPolicy = serde_json::from_str(
            r#"{"allowed":[{"reason":"sale","from":"sellable","to":"sellable"}]}"#,
        )
        .unwrap();
        let details: Vec<String> = policy.validate().iter().map(ToString::to_string).collect();
        assert_eq!(details.len(), 2);
        assert!(details[0].contains("receipts") && details[1].contains("itself"));
    }
}
