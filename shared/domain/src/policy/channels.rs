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

use super::scope::{Goods, Place, Scope};
use super::units::beyond;
use super::{PolicyError, Units};
use crate::order::ChannelId;
use crate::time::Timestamp;

/// Everything, in thousandths.
const WHOLE: u16 = 1_000;

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

/// What is kept from a channel, in thousandths, and by what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// What is beyond its share.
    pub beyond_share: i64,
    /// What is reserved for others now.
    pub reserved: i64,
    /// The first reserve that counts.
    pub reserve: Option<usize>,
}

impl Kept {
    /// How much: whichever of the two is more.
    #[must_use]
    pub fn quantity(&self) -> i64 {
        self.beyond_share.max(self.reserved)
    }
}

/// The most channels, reserves and exclusions of a policy: each decision looks
/// at all of them.
const MOST_RULES: usize = 10_000;

impl ChannelPolicy {
    /// When a channel's turn is when a scarce product is handed out again; lower
    /// goes first. One that is not listed comes after those that are.
    #[must_use]
    pub fn priority(&self, channel: &ChannelId) -> u16 {
        let own = self.channels.get(channel);
        own.map_or(u16::MAX, |channel| channel.priority)
    }

    /// The first exclusion that keeps the channel from selling these goods from
    /// this place; none if it sells them.
    #[must_use]
    pub fn exclusion<'a>(
        &self,
        channel: &ChannelId,
        goods: impl Into<Goods<'a>>,
        place: impl Into<Place<'a>>,
    ) -> Option<usize> {
        let (goods, place) = (goods.into(), place.into());
        self.exclusions
            .iter()
            .position(|e| e.channel == *channel && e.scope.matches(goods, place))
    }

    /// What of the hub's `rights` is kept from a channel, in thousandths.
    #[must_use]
    pub fn kept_from<'a>(
        &self,
        channel: &ChannelId,
        (goods, place): (impl Into<Goods<'a>>, impl Into<Place<'a>>),
        rights: i64,
        now: Timestamp,
    ) -> Kept {
        let (goods, place) = (goods.into(), place.into());
        let rights = rights.max(0);
        let own = self.channels.get(channel);
        let share = own.map_or(WHOLE, |channel| channel.share_per_mille.min(WHOLE));
        let usable = i128::from(rights) * i128::from(share) / i128::from(WHOLE);
        let beyond_share = rights - i64::try_from(usable).unwrap_or(rights);
        let mut for_others = self.reserves.iter().enumerate().filter(|(_, reserve)| {
            reserve.channel != *channel
                && (reserve.from..reserve.to).contains(&now)
                && reserve.scope.matches(goods, place)
        });
        let first = for_others.next();
        let reserved = first
            .into_iter()
            .chain(for_others)
            .map(|(_, reserve)| reserve.units.thousandths())
            .fold(0, i64::saturating_add);
        Kept {
            beyond_share,
            reserved: reserved.min(rights),
            reserve: first.map(|(i, _)| i),
        }
    }

    /// What is wrong with the rules; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        for (name, count) in [
            ("channels", self.channels.len()),
            ("reserves", self.reserves.len()),
            ("exclusions", self.exclusions.len()),
        ] {
            if count > MOST_RULES {
                let detail = format!("{count} are too many; name at most {MOST_RULES}");
                errors.push(PolicyError::new(format!("/{name}"), detail));
            }
        }
        let shares = self.channels.iter().filter(|(_, channel)| {
            let share = channel.share_per_mille;
            share > WHOLE
        });
        errors.extend(shares.map(|(id, _)| {
            let detail = "a share is at most 1000 thousandths; 700 is 70 %";
            PolicyError::new(format!("/channels/{id}/share_per_mille"), detail)
        }));
        for (i, reserve) in self.reserves.iter().enumerate() {
            if reserve.from >= reserve.to {
                errors.push(PolicyError::new(
                    format!("/reserves/{i}/to"),
                    "the reserve ends before it begins; put the end after the beginning",
                ));
            }
            errors.extend(beyond(reserve.units, || format!("/reserves/{i}/units")));
            errors.extend(reserve.scope.validate(&format!("/reserves/{i}/scope")));
        }
        for (i, exclusion) in self.exclusions.iter().enumerate() {
            errors.extend(exclusion.scope.validate(&format!("/exclusions/{i}/scope")));
        }
        errors
    }
}
