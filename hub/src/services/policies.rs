//! Policies: what is in force, what was before, and a new one.
//!
//! Invariant: a body becomes a policy only if this release reads it strictly
//! and the policy finds nothing wrong with itself.

mod warnings;

use evertill_domain::Timestamp;
use evertill_domain::policy::{Policies, Selling};
use evertill_storage::reference::{PolicyName, PolicyRevision, ReferenceError, StoredPolicy, View};
use serde_json::Value;

pub use warnings::unknown_names;

use crate::state::Hub;

/// A policy in force.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// Which one.
    pub name: PolicyName,
    /// How often it was put; 0 for the default.
    pub revision: u64,
    /// The version of the reference data that brought it; 0 for the default.
    pub version: u64,
    /// The policy, every field written out.
    pub policy: Value,
}

/// A policy that was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Somebody put another one since.
    #[error("the policy is at revision {found} by now, not at {expected}")]
    Moved {
        /// The revision that the change was made on.
        expected: u64,
        /// The revision now.
        found: u64,
    },
    /// The database failed, or refused the body.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// The policies in force, by name.
///
/// # Errors
/// The database failed.
pub async fn list(hub: &Hub) -> Result<Vec<InForce>, ReferenceError> {
    let every = |view: &View| {
        let names = PolicyName::ALL.into_iter();
        names.map(|name| in_force(view, name)).collect()
    };
    hub.reference().read(every).await
}

/// One policy in force.
///
/// # Errors
/// The database failed.
pub async fn show(hub: &Hub, name: PolicyName) -> Result<InForce, ReferenceError> {
    hub.reference().read(move |view| in_force(view, name)).await
}

/// Every revision of a policy, the newest first.
///
/// # Errors
/// The database failed.
pub async fn history(
    hub: &Hub,
    name: PolicyName,
) -> Result<Vec<(InForce, Timestamp, String)>, ReferenceError> {
    let revisions = hub
        .reference()
        .read(move |view| view.policy_history(name))
        .await?;
    let shown = |revision: PolicyRevision| {
        let policy = stored(name, &revision.policy)?;
        Ok((policy, revision.at, revision.author))
    };
    revisions.into_iter().rev().map(shown).collect()
}

/// Puts a policy in force for the whole chain. `expected` is the revision that
/// the change was made on, if that matters. Putting what is in force already
/// changes nothing.
///
/// # Errors
/// See [`PutError`].
pub async fn put(
    hub: &Hub,
    name: PolicyName,
    body: String,
    expected: Option<u64>,
    author: String,
) -> Result<InForce, PutError> {
    let now = hub.now();
    let check = move |view: &View| view.policy(name).map(|held| held.map_or(0, |p| p.revision));
    // The revision is read before the batch and the batch names the version it
    // was read on, so a change in between is found.
    let (version, found) = hub
        .reference()
        .read(move |view| Ok::<_, ReferenceError>((view.position().version, check(view)?)))
        .await?;
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(PutError::Moved { expected, found });
    }
    let on = expected.map(|_| version);
    let put = hub
        .reference()
        .batch(on, move |batch| batch.put_policy(name, &body, &author, now))
        .await;
    match put {
        Ok(_) => Ok(show(hub, name).await?),
        Err(ReferenceError::Moved { .. }) => {
            let found = show(hub, name).await?.revision;
            let expected = expected.unwrap_or(found);
            Err(PutError::Moved { expected, found })
        }
        Err(error) => Err(error.into()),
    }
}

fn in_force(view: &View, name: PolicyName) -> Result<InForce, ReferenceError> {
    match view.policy(name)? {
        Some(held) => stored(name, &held),
        None => Ok(InForce {
            name,
            revision: 0,
            version: 0,
            policy: default_of(name),
        }),
    }
}

fn stored(name: PolicyName, held: &StoredPolicy) -> Result<InForce, ReferenceError> {
    let policy = serde_json::from_str(&held.body).map_err(|error| ReferenceError::Policy {
        name: name.as_str(),
        detail: error.to_string(),
    })?;
    Ok(InForce {
        name,
        revision: held.revision,
        version: held.version,
        policy,
    })
}

/// The default of a policy, every field written out.
fn default_of(name: PolicyName) -> Value {
    let (policies, selling) = (Policies::default(), Selling::default());
    match name {
        PolicyName::Tax => serde_json::to_value(policies.tax),
        PolicyName::Rounding => serde_json::to_value(policies.rounding),
        PolicyName::Movements => serde_json::to_value(policies.movements),
        PolicyName::Barcode => serde_json::to_value(policies.barcode),
        PolicyName::SafetyStock => serde_json::to_value(selling.safety_stock),
        PolicyName::Channels => serde_json::to_value(selling.channels),
        PolicyName::Online => serde_json::to_value(selling.online),
        PolicyName::Routing => serde_json::to_value(selling.routing),
        PolicyName::Timers => serde_json::to_value(selling.timers),
    }
    .expect("invariant: a policy is plain JSON")
}
