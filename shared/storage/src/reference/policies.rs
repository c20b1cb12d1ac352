//! Policies: what was put, every revision of it, and the parsed set that sales
//! are decided with.
//!
//! A policy is kept and sent as the JSON that was accepted, and parsed once per
//! version. A policy nobody ever put has its default.
//!
//! Invariant: a body is stored only if it reads as its policy and passes the
//! policy's own checks; the cached set belongs to the version it is asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use evertill_domain::Timestamp;
use evertill_domain::policy::{
    BarcodePolicy, ChannelPolicy, MovementPolicy, OnlinePolicy, Policies, PolicyError,
    RoundingPolicy, RoutingPolicy, SafetyStockPolicy, Selling, TaxPolicy, TimerPolicy,
};
use minicbor::{Decode, Encode};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ReferenceError;
use super::lenient;
use super::row::Kind;
use super::slot::Slot;
use super::state::Live;

const OPERATION: &str = "read a policy";

/// The layout this release writes and the newest it reads.
const LAYOUT: u8 = 1;

/// Which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyName {
    /// Tax classes, rates and how they are rounded.
    Tax,
    /// Cash rounding.
    Rounding,
    /// Which goods may move without a sale.
    Movements,
    /// How price and weight labels are read.
    Barcode,
    /// How many units are withheld from remote promises.
    SafetyStock,
    /// What each channel may sell.
    Channels,
    /// How rights are shared, and for how long silence is trusted.
    Online,
    /// Where the goods of an order come from.
    Routing,
    /// How long the steps of an order may take.
    Timers,
}

impl PolicyName {
    /// Every policy.
    pub const ALL: [Self; 9] = [
        Self::Tax,
        Self::Rounding,
        Self::Movements,
        Self::Barcode,
        Self::SafetyStock,
        Self::Channels,
        Self::Online,
        Self::Routing,
        Self::Timers,
    ];

    /// The name in routes and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tax => "tax",
            Self::Rounding => "rounding",
            Self::Movements => "movements",
            Self::Barcode => "barcode",
            Self::SafetyStock => "safety_stock",
            Self::Channels => "channels",
            Self::Online => "online",
            Self::Routing => "routing",
            Self::Timers => "timers",
        }
    }

    /// Whether it is about promises to remote customers.
    #[must_use]
    pub const fn is_selling(self) -> bool {
        match self {
            Self::Tax | Self::Rounding | Self::Movements | Self::Barcode => false,
            Self::SafetyStock | Self::Channels | Self::Online | Self::Routing | Self::Timers => {
                true
            }
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no policy has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no policy \"{0}\": use tax, rounding, movements, barcode, safety_stock, channels, online, routing or timers"
)]
pub struct UnknownPolicy(String);

impl FromStr for PolicyName {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| UnknownPolicy(text.chars().take(80).collect()))
    }
}

/// A policy as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// 1 for the first body, then counting.
    pub revision: u64,
    /// The version of the reference data that brought it.
    pub version: u64,
    /// The policy as JSON, every field written out.
    pub body: String,
}

/// One step of a policy's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRevision {
    /// What was put.
    pub policy: StoredPolicy,
    /// When.
    pub at: Timestamp,
    /// By whom: the name of an API key, or of a command.
    pub author: String,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct PolicyFields<'a> {
    #[n(0)]
    layout: u8,
    #[n(1)]
    revision: u64,
    #[b(2)]
    body: &'a str,
}

/// The payload of a policy's row; its name is the row's key.
pub(super) fn encode(revision: u64, body: &str) -> Vec<u8> {
    let layout = LAYOUT;
    minicbor::to_vec(PolicyFields {
        layout,
        revision,
        body,
    })
    .expect("invariant: writing to memory does not fail")
}

/// The body with every field written out, if it reads as its policy and the
/// policy finds nothing wrong with itself.
pub(super) fn canonical(name: PolicyName, body: &str) -> Result<String, ReferenceError> {
    match name {
        PolicyName::Tax => canonical_as(name, body, TaxPolicy::validate),
        PolicyName::Rounding => canonical_as(name, body, RoundingPolicy::validate),
        PolicyName::Movements => canonical_as(name, body, MovementPolicy::validate),
        PolicyName::Barcode => canonical_as(name, body, BarcodePolicy::validate),
        PolicyName::SafetyStock => canonical_as(name, body, SafetyStockPolicy::validate),
        PolicyName::Channels => canonical_as(name, body, ChannelPolicy::validate),
        PolicyName::Online => canonical_as(name, body, OnlinePolicy::validate),
        PolicyName::Routing => canonical_as(name, body, RoutingPolicy::validate),
        PolicyName::Timers => canonical_as(name, body, TimerPolicy::validate),
    }
}

fn canonical_as<P: DeserializeOwned + Serialize>(
    name: PolicyName,
    body: &str,
    validate: fn(&P) -> Vec<PolicyError>,
) -> Result<String, ReferenceError> {
    let refused = |detail: String| ReferenceError::Policy {
        name: name.as_str(),
        detail,
    };
    // Without this, a JSON array would be read as the settings in their order.
    let policy = serde_json::from_str::<serde_json::Map<_, _>>(body)
        .and_then(|_: serde_json::Map<String, serde_json::Value>| serde_json::from_str::<P>(body))
        .map_err(|error| refused(error.to_string()))?;
    let wrong: Vec<String> = validate(&policy).iter().map(ToString::to_string).collect();
    if !wrong.is_empty() {
        return Err(refused(wrong.join("; ")));
    }
    serde_json::to_string(&policy).map_err(|error| refused(error.to_string()))
}

/// One policy as it was put, if it ever was.
pub(super) fn stored(
    conn: &Connection,
    slot: Slot,
    name: PolicyName,
) -> Result<Option<StoredPolicy>, ReferenceError> {
    let found: Option<(i64, Vec<u8>)> = conn
        .prepare_cached(&slot.sql(
            "SELECT version, payload FROM reference_row_{s}
             WHERE kind = ?1 AND key = ?2 AND deleted = 0",
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![Kind::POLICY.code(), name.as_str()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .map_err(ReferenceError::storage(OPERATION))?;
    let Some((version, payload)) = found else {
        return Ok(None);
    };
    let fields: PolicyFields<'_> =
        minicbor::decode(&payload).map_err(|error| unreadable(name, error.to_string()))?;
    if fields.layout > LAYOUT {
        return Err(unreadable(name, format!("it has layout {}", fields.layout)));
    }
    Ok(Some(StoredPolicy {
        revision: fields.revision,
        version: version.cast_unsigned(),
        body: fields.body.to_owned(),
    }))
}

/// Every revision of a policy, oldest first.
pub(super) fn history(
    conn: &Connection,
    name: PolicyName,
) -> Result<Vec<PolicyRevision>, ReferenceError> {
    conn.prepare_cached(
        "SELECT revision, version, body, recorded_at, author
         FROM reference_policy_revision WHERE name = ?1 ORDER BY revision",
    )
    .and_then(|mut statement| {
        statement
            .query_map([name.as_str()], |row| {
                Ok(PolicyRevision {
                    policy: StoredPolicy {
                        revision: row.get::<_, i64>(0)?.cast_unsigned(),
                        version: row.get::<_, i64>(1)?.cast_unsigned(),
                        body: row.get(2)?,
                    },
                    at: Timestamp::from_millis(row.get(3)?),
                    author: row.get(4)?,
                })
            })?
            .collect()
    })
    .map_err(ReferenceError::storage(OPERATION))
}

/// All policies of one version of the reference data.
#[derive(Clone, Default)]
pub(super) struct Held {
    /// What a sale is decided with.
    pub(super) policies: Arc<Policies>,
    /// What promises are decided with.
    pub(super) selling: Arc<Selling>,
}

/// The policies in force. One that this release cannot read counts as never
/// put, and the log says so: a tax class it does not know is then refused at the
/// till instead of being charged wrongly, and everything else goes on.
pub(super) fn load(conn: &Connection, slot: Slot) -> Result<Held, ReferenceError> {
    let (mut policies, mut selling) = (Policies::default(), Selling::default());
    for name in PolicyName::ALL {
        let read = match stored(conn, slot, name) {
            Ok(None) => continue,
            Ok(Some(policy)) => take(&mut policies, &mut selling, name, &policy),
            Err(error @ ReferenceError::Unreadable { .. }) => Err(error),
            Err(error) => return Err(error),
        };
        if let Err(error) = read {
            tracing::error!(policy.name = %name, %error, "a policy is not in force");
        }
    }
    Ok(Held {
        policies: Arc::new(policies),
        selling: Arc::new(selling),
    })
}

fn take(
    policies: &mut Policies,
    selling: &mut Selling,
    name: PolicyName,
    held: &StoredPolicy,
) -> Result<(), ReferenceError> {
    let body = held.body.as_str();
    match name {
        PolicyName::Tax => read_into(&mut policies.tax, name, body),
        PolicyName::Rounding => read_into(&mut policies.rounding, name, body),
        PolicyName::Movements => read_into(&mut policies.movements, name, body),
        PolicyName::Barcode => read_into(&mut policies.barcode, name, body),
        PolicyName::SafetyStock => read_into(&mut selling.safety_stock, name, body)
            .map(|()| selling.revisions.safety_stock = held.revision),
        PolicyName::Channels => read_into(&mut selling.channels, name, body)
            .map(|()| selling.revisions.channels = held.revision),
        PolicyName::Online => read_into(&mut selling.online, name, body)
            .map(|()| selling.revisions.online = held.revision),
        PolicyName::Routing => read_into(&mut selling.routing, name, body)
            .map(|()| selling.routing_revision = held.revision),
        PolicyName::Timers => read_into(&mut selling.timers, name, body)
            .map(|()| selling.revisions.timers = held.revision),
    }
}

fn read_into<P: DeserializeOwned>(
    place: &mut P,
    name: PolicyName,
    body: &str,
) -> Result<(), ReferenceError> {
    let (policy, dropped) =
        lenient::from_str(body).map_err(|error| unreadable(name, error.to_string()))?;
    if !dropped.is_empty() {
        tracing::warn!(
            policy.name = %name,
            policy.unknown = dropped.join(", "),
            "a policy has settings that this release does not know; update this machine"
        );
    }
    *place = policy;
    Ok(())
}

fn unreadable(name: PolicyName, detail: String) -> ReferenceError {
    ReferenceError::Unreadable {
        kind: Kind::POLICY,
        key: name.as_str().to_owned(),
        detail,
    }
}

/// The parsed policies: those in force, and those of the last view that asked.
#[derive(Default)]
pub(super) struct PolicyCache {
    current: RwLock<Held>,
    viewed: Mutex<Option<(u64, u64, Held)>>,
}

impl PolicyCache {
    /// The policies in force.
    pub(super) fn current(&self) -> Held {
        let held = self.current.read().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }

    pub(super) fn set_current(&self, policies: Held) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = policies;
    }

    /// The policies of exactly this version, which may not be the newest: a view
    /// keeps its snapshot while another set is swapped in.
    pub(super) fn get_or_load(
        &self,
        live: Live,
        load: impl FnOnce() -> Result<Held, ReferenceError>,
    ) -> Result<Held, ReferenceError> {
        let mut viewed = self.viewed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((hub, version, policies)) = &*viewed
            && (*hub, *version) == (live.hub, live.version)
        {
            return Ok(policies.clone());
        }
        let policies = load()?;
        *viewed = Some((live.hub, live.version, policies.clone()));
        Ok(policies)
    }
}
