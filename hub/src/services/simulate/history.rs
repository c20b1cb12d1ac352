//! Every revision of the policies that a decision may have been made under.
//!
//! Invariant: a revision that this release cannot read is missing, never
//! replaced by another one.

use std::collections::BTreeMap;

use evertill_domain::policy::{
    ChannelPolicy, OnlinePolicy, Revisions, SafetyStockPolicy, Selling, TimerPolicy,
};
use evertill_storage::reference::{PolicyName, ReferenceError};
use serde::de::DeserializeOwned;

use crate::services::policies;
use crate::state::Hub;

/// The policies about promises, beside routing, by revision.
#[derive(Debug)]
pub struct Puts {
    safety_stock: BTreeMap<u64, SafetyStockPolicy>,
    channels: BTreeMap<u64, ChannelPolicy>,
    online: BTreeMap<u64, OnlinePolicy>,
    timers: BTreeMap<u64, TimerPolicy>,
}

impl Puts {
    /// Reads them all.
    ///
    /// # Errors
    /// The reference data could not be read.
    pub async fn read(hub: &Hub) -> Result<Self, ReferenceError> {
        Ok(Self {
            safety_stock: revisions(hub, PolicyName::SafetyStock).await?,
            channels: revisions(hub, PolicyName::Channels).await?,
            online: revisions(hub, PolicyName::Online).await?,
            timers: revisions(hub, PolicyName::Timers).await?,
        })
    }

    /// The policies of these revisions, with the default routing; none if one of
    /// them cannot be read.
    #[must_use]
    pub fn at(&self, revisions: Revisions) -> Option<Selling> {
        Some(Selling {
            safety_stock: self.safety_stock.get(&revisions.safety_stock)?.clone(),
            channels: self.channels.get(&revisions.channels)?.clone(),
            online: self.online.get(&revisions.online)?.clone(),
            timers: *self.timers.get(&revisions.timers)?,
            revisions,
            ..Selling::default()
        })
    }
}

/// The revisions of one policy; 0 is the default.
async fn revisions<P: DeserializeOwned + Default>(
    hub: &Hub,
    name: PolicyName,
) -> Result<BTreeMap<u64, P>, ReferenceError> {
    let history = policies::history(hub, name).await?;
    let read = history.into_iter().filter_map(|(held, ..)| {
        let policy = serde_json::from_value(held.policy).ok()?;
        Some((held.revision, policy))
    });
    Ok(std::iter::once((0, P::default())).chain(read).collect())
}
