//! Channels: who may sell what, how much of it, and what is kept for a
//! promotion.
//!
//! All channels draw on the same rights of the hub. A channel may use its share
//! of them, less what is reserved for others.
//!
//! Invariant: what is kept from a channel is never below zero nor above the
//! rights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::{PolicyError, Units};
use crate::order::ChannelId;
use crate::product::{Location, Product};
use crate::time::Timestamp;

/// The channels and what is kept from them. A channel that is not listed sells
/// everything, after the listed ones.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelPolicy {
    /// The channels that have rules of their own.
    pub channels: BTreeMap<ChannelId, Channel>,
    /// Units kept for a channel's promotion.
    pub reserves: Vec<Reserve>,
    /// What a channel does not sell.
    pub exclusions: Vec<Exclusion>,
}

/// A channel's rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Lower goes first when a scarce product is handed out again.
    pub priority: u16,
    /// The part of the hub's rights that it may use, in thousandths.
    pub share_per_mille: u16,
}

/// Units kept for one channel for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// Who may sell them.
    pub channel: ChannelId,
    /// Which goods, and where.
    #[serde(default)]
    pub scope: Scope,
    /// How many, of each product at each location.
    pub units: Units,
    /// From when.
    pub from: Timestamp,
    /// Until when; that moment not included.
    pub to: Timestamp,
}

/// What a channel does not sell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Who does not.
    pub channel: ChannelId,
    /// Which goods, and where.
    #[serde(default)]
    pub scope: Scope,
}

impl ChannelPolicy {
    /// Whether the channel does not sell this product from this location.
    #[must_use]
    pub fn excludes(&self, channel: &ChannelId, product: &Product, location: &Location) -> bool {
        let own = self.exclusions.iter().filter(|e| e.channel == *channel);
        own.into_iter().any(|e| e.scope.matches(product, location))
    }

    /// When a channel's turn is when a scarce product is handed out again; lower
    /// goes first. One that is not listed comes after those that are.
    #[must_use]
    pub fn priority(&self, channel: &ChannelId) -> u16 {
        let own = self.channels.get(channel);
        own.map_or(u16::MAX, |channel| channel.priority)
    }

    /// What of the hub's `rights` is kept from a channel, in thousandths: what
    /// is beyond its share, and what is reserved for others now, whichever is
    /// more.
    #[must_use]
    pub fn kept_from(
        &self,
        channel: &ChannelId,
        (product, location): (&Product, &Location),
        rights: i64,
        now: Timestamp,
    ) -> i64 {
        let rights = rights.max(0);
        let own = self.channels.get(channel);
        let share = own.map_or(1_000, |channel| channel.share_per_mille.min(1_000));
        let usable = i128::from(rights) * i128::from(share) / 1_000;
        let beyond_share = rights - i64::try_from(usable).unwrap_or(rights);
        let for_others = self.reserves.iter().filter(|reserve| {
            reserve.channel != *channel
                && (reserve.from..reserve.to).contains(&now)
                && reserve.scope.matches(product, location)
        });
        let reserved = for_others
            .map(|reserve| reserve.units.thousandths())
            .fold(0, i64::saturating_add);
        beyond_share.max(reserved).min(rights)
    }

    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let shares = self.channels.iter().filter(|(_, channel)| {
            let share = channel.share_per_mille;
            share > 1_000
        });
        let shares = shares.map(|(id, _)| {
            let detail = "a share is at most 1000 thousandths; 700 is 70 %";
            PolicyError::new(format!("/channels/{id}/share_per_mille"), detail)
        });
        let reserves = self.reserves.iter().enumerate();
        let backwards = reserves.filter(|(_, reserve)| reserve.from >= reserve.to);
        let backwards = backwards.map(|(i, _)| {
            PolicyError::new(
                format!("/reserves/{i}/to"),
                "the reserve ends before it begins; put the end after the beginning",
            )
        });
        shares.chain(backwards).collect()
    }
}
