//! The counters behind rights, their merge, and what a replica may debit.
//!
//! Invariant: a counter never falls, and only its own replica raises it.

use std::collections::BTreeMap;

use crate::ids::ReplicaId;

/// The counters that one replica writes about itself, in thousandths since the
/// beginning of its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Own {
    /// Rights that it created; only the minter has any.
    pub mint: i64,
    /// Rights that its promises used.
    pub used: i64,
    /// Rights that came back from promises that it had made.
    pub release: i64,
    /// Rights that it destroyed, because units left or a debt was settled.
    pub burn: i64,
}

impl Own {
    const fn merge(&mut self, other: &Self) {
        self.mint = max(self.mint, other.mint);
        self.used = max(self.used, other.used);
        self.release = max(self.release, other.release);
        self.burn = max(self.burn, other.burn);
    }

    const fn is_sound(&self) -> bool {
        self.mint >= 0 && self.used >= 0 && self.release >= 0 && self.burn >= 0
    }
}

const fn max(a: i64, b: i64) -> i64 {
    if a > b { a } else { b }
}

/// Where the counters of a replica stand for good, because it is lost. Whatever
/// it wrote beyond them changes no rights any more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seal {
    /// Its own counters.
    pub own: Own,
    /// What it had handed on, by receiver.
    pub sent: BTreeMap<ReplicaId, i64>,
}

/// What one entry writes about its own replica: the new values of its counters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CellWrite {
    /// The counters after the entry.
    pub own: Own,
    /// What it has handed on since the beginning, by receiver; only those that
    /// the entry raised.
    pub sent: BTreeMap<ReplicaId, i64>,
}

/// A debit that the replica's durable view does not cover, or counters that
/// cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RightsError {
    /// More was asked for than the replica holds.
    #[error("{asked} thousandths were asked for, and the replica holds rights to {held}")]
    NotHeld {
        /// What was asked for.
        asked: i64,
        /// What it holds.
        held: i64,
    },
    /// The replica is sealed: its counters stand for good.
    #[error("the replica is sealed, and its rights stand for good")]
    SealedReplica,
    /// A counter is negative, or would leave 64 bits.
    #[error("a counter of rights is out of range")]
    OutOfRange,
}

/// All counters of one (location, SKU), as far as one replica knows them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cells {
    own: BTreeMap<ReplicaId, Own>,
    /// By sender, then receiver.
    sent: BTreeMap<(ReplicaId, ReplicaId), i64>,
    seals: BTreeMap<ReplicaId, Seal>,
}

impl Cells {
    /// The counters of a replica; zeros when nothing is known of it.
    #[must_use]
    pub fn own(&self, replica: ReplicaId) -> Own {
        let sealed = self.seals.get(&replica).map(|seal| seal.own);
        sealed.unwrap_or_else(|| self.own.get(&replica).copied().unwrap_or_default())
    }

    /// What `from` has handed on to `to` since the beginning.
    #[must_use]
    pub fn sent(&self, from: ReplicaId, to: ReplicaId) -> i64 {
        match self.seals.get(&from) {
            Some(seal) => seal.sent.get(&to).copied().unwrap_or_default(),
            None => self.sent.get(&(from, to)).copied().unwrap_or_default(),
        }
    }

    /// Every replica that these counters know of.
    pub fn replicas(&self) -> impl Iterator<Item = ReplicaId> {
        let mut known: Vec<ReplicaId> = self.own.keys().chain(self.seals.keys()).copied().collect();
        known.extend(self.sent.keys().flat_map(|(from, to)| [*from, *to]));
        for seal in self.seals.values() {
            known.extend(seal.sent.keys());
        }
        known.sort_unstable();
        known.dedup();
        known.into_iter()
    }

    /// The rights of a replica, by this view. Of itself a replica never sees
    /// more than it has; of others it may see too many or too few.
    #[must_use]
    pub fn rights(&self, replica: ReplicaId) -> i64 {
        let own = self.own(replica);
        let others = self.replicas().filter(|other| *other != replica);
        let moved: i64 = others
            .map(|other| self.sent(other, replica) - self.sent(replica, other))
            .sum();
        own.mint + own.release + moved - own.used - own.burn
    }

    /// The rights that a replica may use: not those that it minted and no
    /// second medium holds yet. `safe_mint` is its mint counter as acknowledged.
    #[must_use]
    pub fn usable(&self, replica: ReplicaId, safe_mint: i64) -> i64 {
        let unsafe_mint = (self.own(replica).mint - safe_mint).max(0);
        (self.rights(replica) - unsafe_mint).max(0)
    }

    /// The rights of all replicas that are not sealed: the first part of O.
    #[must_use]
    pub fn unsealed_rights(&self) -> i64 {
        self.replicas()
            .filter(|replica| !self.is_sealed(*replica))
            .map(|replica| self.rights(replica))
            .sum()
    }

    /// Whether the replica's counters stand for good.
    #[must_use]
    pub fn is_sealed(&self, replica: ReplicaId) -> bool {
        self.seals.contains_key(&replica)
    }

    /// Takes what another view knows: of each counter the larger value, and
    /// every seal.
    pub fn merge(&mut self, other: &Self) {
        for (replica, own) in &other.own {
            self.own.entry(*replica).or_default().merge(own);
        }
        for (key, quantity) in &other.sent {
            let known = self.sent.entry(*key).or_default();
            *known = (*known).max(*quantity);
        }
        for (replica, seal) in &other.seals {
            self.seal(*replica, seal.clone());
        }
    }

    /// Takes what an entry of `writer` says of its own counters.
    pub fn apply(&mut self, writer: ReplicaId, write: &CellWrite) {
        self.own.entry(writer).or_default().merge(&write.own);
        for (to, quantity) in &write.sent {
            let known = self.sent.entry((writer, *to)).or_default();
            *known = (*known).max(*quantity);
        }
    }

    /// Raises the burn counter of `writer` by what an event of it says.
    pub fn apply_burn(&mut self, writer: ReplicaId, quantity: i64) {
        self.own.entry(writer).or_default().burn += quantity.max(0);
    }

    /// Fixes a lost replica's counters. A first seal stands; only a hub seals,
    /// and it seals a replica once.
    pub fn seal(&mut self, replica: ReplicaId, seal: Seal) {
        self.seals.entry(replica).or_insert(seal);
    }

    /// The seal that fixes what is known here of a replica.
    #[must_use]
    pub fn seal_of(&self, replica: ReplicaId) -> Seal {
        let receivers = self.replicas().map(|to| (to, self.sent(replica, to)));
        Seal {
            own: self.own(replica),
            sent: receivers.filter(|(_, sent)| *sent != 0).collect(),
        }
    }

    /// What `writer` writes to create rights. Whether it may is said by
    /// [`Position::mintable`](super::Position::mintable).
    ///
    /// # Errors
    /// A sealed replica creates nothing; counters stay within 64 bits.
    pub fn mint(&self, writer: ReplicaId, quantity: i64) -> Result<CellWrite, RightsError> {
        self.write(writer, quantity, |own| &mut own.mint)
    }

    /// What `writer` writes to promise units: the promise goes into the same
    /// entry. `usable` is what [`usable`](Self::usable) says, less its soft holds.
    ///
    /// # Errors
    /// [`RightsError::NotHeld`] beyond `usable`.
    pub fn promise(
        &self,
        writer: ReplicaId,
        quantity: i64,
        usable: i64,
    ) -> Result<CellWrite, RightsError> {
        self.covers(writer, quantity, usable)?;
        self.write(writer, quantity, |own| &mut own.used)
    }

    /// What `writer` writes to take back a promise of its own that was
    /// withdrawn; the end of the promise goes into the same entry.
    ///
    /// # Errors
    /// A sealed replica takes nothing back.
    pub fn release(&self, writer: ReplicaId, quantity: i64) -> Result<CellWrite, RightsError> {
        self.write(writer, quantity, |own| &mut own.release)
    }

    /// What `writer` writes to destroy rights of its own.
    ///
    /// # Errors
    /// [`RightsError::NotHeld`] beyond what it holds.
    pub fn burn(&self, writer: ReplicaId, quantity: i64) -> Result<CellWrite, RightsError> {
        self.covers(writer, quantity, self.rights(writer))?;
        self.write(writer, quantity, |own| &mut own.burn)
    }

    /// What `writer` writes to hand rights on to `to`.
    ///
    /// # Errors
    /// [`RightsError::NotHeld`] beyond `usable`; nothing goes to a sealed replica.
    pub fn transfer(
        &self,
        writer: ReplicaId,
        to: ReplicaId,
        quantity: i64,
        usable: i64,
    ) -> Result<CellWrite, RightsError> {
        self.covers(writer, quantity, usable)?;
        if self.is_sealed(to) {
            return Err(RightsError::SealedReplica);
        }
        let mut write = self.write(writer, 0, |own| &mut own.used)?;
        let sent = self.sent(writer, to).checked_add(quantity);
        write.sent.insert(to, sent.ok_or(RightsError::OutOfRange)?);
        Ok(write)
    }

    fn covers(&self, writer: ReplicaId, asked: i64, usable: i64) -> Result<(), RightsError> {
        let held = usable.min(self.rights(writer));
        if asked > held {
            return Err(RightsError::NotHeld { asked, held });
        }
        Ok(())
    }

    fn write(
        &self,
        writer: ReplicaId,
        quantity: i64,
        counter: impl FnOnce(&mut Own) -> &mut i64,
    ) -> Result<CellWrite, RightsError> {
        if self.is_sealed(writer) {
            return Err(RightsError::SealedReplica);
        }
        let mut own = self.own(writer);
        let counter = counter(&mut own);
        *counter = counter
            .checked_add(quantity)
            .filter(|_| quantity >= 0)
            .ok_or(RightsError::OutOfRange)?;
        Ok(CellWrite {
            own,
            sent: BTreeMap::new(),
        })
    }
}

impl CellWrite {
    /// Joins a later write of the same entry into this one.
    pub fn join(&mut self, later: Self) {
        self.own.merge(&later.own);
        self.sent.extend(later.sent);
    }

    /// Whether every counter can be: none is negative.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.own.is_sound() && self.sent.values().all(|sent| *sent >= 0)
    }
}
