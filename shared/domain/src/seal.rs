//! Seals: where the rights of a lost replica stand for good.
//!
//! A dead machine leaves rights that nobody can use, and a journal whose end
//! nobody knows. Two persons who are sure that it is gone write a seal. From
//! then on the rights that its journal held up to the sealed entry are out of
//! everyone's sum; what turns up later counts as facts and moves no right. What
//! it sold last is unknown, so whoever takes the place over counts a product
//! before rights are made for it again (design.md, 4.7 and 4.8).
//!
//! Invariant: [`ReplicaSeal::check`].

use crate::ids::{LocationId, ReplicaId, Seq};
use crate::record::{Check, Unsound};
use crate::time::Timestamp;

/// Persons who agree on a seal.
pub const APPROVERS: usize = 2;

/// The rights of a replica stand for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaSeal {
    /// Where it stood.
    pub location: LocationId,
    /// Which one.
    pub replica: ReplicaId,
    /// The last entry of its journal whose rights count.
    pub seq: Seq,
    /// The hash of that entry.
    pub hash: [u8; 32],
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// Who agreed, by the names of their keys.
    pub approvers: Vec<String>,
    /// Whether the journal may have gone on unseen, so that each product is
    /// counted before rights are made for it.
    pub recount: bool,
}

impl ReplicaSeal {
    /// Asserts every rule of a seal, when it is written and when it is read.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("seal");
        check.that(!self.reason.is_empty(), "it has no reason")?;
        check.texts([&Some(self.reason.clone())])?;
        let distinct = self.approvers.windows(2).all(|pair| pair[0] != pair[1]);
        check.that(
            self.approvers.len() == APPROVERS && distinct,
            "it needs two different persons",
        )?;
        let named = self.approvers.iter().all(|name| !name.is_empty());
        check.that(named, "an approver has no name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, decode, encode};

    fn seal(approvers: &[&str]) -> ReplicaSeal {
        ReplicaSeal {
            location: "S001".parse().unwrap(),
            replica: ReplicaId(7),
            seq: 12,
            hash: [3; 32],
            sealed_at: Timestamp::from_millis(99),
            reason: "stolen".to_owned(),
            approvers: approvers.iter().map(ToString::to_string).collect(),
            recount: true,
        }
    }

    #[test]
    fn a_seal_comes_back_as_it_was_written() {
        let event = Event::ReplicaSealed(seal(&["ann", "bob"]));
        assert_eq!(decode(&encode(&event)), Ok(event));
    }

    #[test]
    fn one_person_alone_seals_nothing() {
        for approvers in [
            &["ann"][..],
            &["ann", "ann"],
            &["ann", ""],
            &["a", "b", "c"],
        ] {
            let seal = seal(approvers);
            assert!(seal.check().is_err(), "{approvers:?}");
            assert!(decode(&encode(&Event::ReplicaSealed(seal))).is_err());
        }
    }
}
