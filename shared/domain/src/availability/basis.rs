//! What the figures of a decision were made from, so that they can be made again
//! under other policies.
//!
//! A policy about promises changes what may be promised of goods that stand
//! where they stood. So the facts are kept apart from what the policies made of
//! them: with the policies that were in force the figures come out as they were,
//! with a draft as they would have been.
//!
//! The facts say who held which rights at that moment. Where the hub mints, what
//! it could have minted under a draft is exact. Where a node mints, the rights
//! that the hub would have held by then depend on everything that happened
//! before, and are estimated, see [`PairBasis::hub_rights_under`].
//!
//! Invariant: with the same policies as a draft and in force, the figures are
//! those of the decision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LocationFigures;
use crate::ids::{LocationId, Sku};
use crate::order::ChannelId;
use crate::policy::{Goods, Place, Revisions, Selling};
use crate::product::{LocationKind, Product};
use crate::rights::{grant_by_share, room, whole_up};
use crate::time::Timestamp;

/// What a decision knew of its goods and places.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Basis {
    /// Who sells them; none in particular if left out.
    pub channel: Option<ChannelId>,
    /// The policies in force.
    pub policies: Revisions,
    /// The products.
    pub goods: BTreeMap<Sku, GoodsBasis>,
    /// The locations.
    pub places: BTreeMap<LocationId, PlaceBasis>,
}

/// What rules look at of a product.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GoodsBasis {
    /// Its category.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// Its department.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// Its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// It is promised in multiples of this, in thousandths.
    pub quantum: i64,
}

/// A location and its goods.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PlaceBasis {
    /// How it stands.
    pub situation: Situation,
    /// Its goods; a product of which nothing is known there is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<Sku, PairBasis>,
}

/// How a location stands, whatever the product.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Situation {
    /// What it is.
    pub kind: LocationKind,
    /// Whether the hub mints there, because no node does.
    #[serde(skip_serializing_if = "is_default")]
    pub hub_mints: bool,
    /// For how long it has not been heard, in seconds.
    #[serde(skip_serializing_if = "is_default")]
    pub silent_s: u32,
    /// Of that, for how long it was open, where its hours are listed.
    #[serde(skip_serializing_if = "is_default")]
    pub silent_open_s: Option<u32>,
    /// Whether it sent something that could not be taken and nobody has looked
    /// at yet.
    #[serde(skip_serializing_if = "is_default")]
    pub blocked: bool,
    /// Whether its online selling is closed.
    #[serde(skip_serializing_if = "is_default")]
    pub selling_closed: bool,
}

/// What is known of a product at a location, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PairBasis {
    /// All that stands in the building.
    #[serde(skip_serializing_if = "is_default")]
    pub on_hand: i64,
    /// Of that, what is sellable or staged: A.
    #[serde(skip_serializing_if = "is_default")]
    pub units: i64,
    /// Promises that are alive.
    #[serde(skip_serializing_if = "is_default")]
    pub promised: i64,
    /// Rights of unsealed replicas and live promises: O.
    #[serde(skip_serializing_if = "is_default")]
    pub outstanding: i64,
    /// Of these rights, the hub's.
    #[serde(skip_serializing_if = "is_default")]
    pub hub_rights: i64,
    /// Units in customers' carts.
    #[serde(skip_serializing_if = "is_default")]
    pub soft_holds: i64,
    /// What its tills sell in a day.
    #[serde(skip_serializing_if = "is_default")]
    pub demand_per_day: i64,
    /// Whether the product is to be counted before it is promised again.
    #[serde(skip_serializing_if = "is_default")]
    pub awaits_count: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What of a product, where, for whom and when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The product.
    pub goods: Goods<'a>,
    /// It is promised in multiples of this, in thousandths.
    pub quantum: i64,
    /// The location.
    pub place: Place<'a>,
    /// How that stands.
    pub situation: Situation,
    /// Who sells it; none in particular if left out.
    pub channel: Option<&'a ChannelId>,
    /// When.
    pub now: Timestamp,
}

impl GoodsBasis {
    /// What rules look at of a product.
    #[must_use]
    pub fn of(product: &Product) -> Self {
        let goods = Goods::from(product);
        Self {
            category: goods.category.to_owned(),
            department: goods.department.to_owned(),
            class: goods.class.map(str::to_owned),
            quantum: product.unit.rights_quantum(),
        }
    }
}

impl Basis {
    /// The figures of a product at a location, under `policies`, where
    /// `in_force` were in force; none if the decision did not look at it.
    #[must_use]
    pub fn figures(
        &self,
        (location, sku): (&LocationId, &Sku),
        now: Timestamp,
        policies: &Selling,
        in_force: &Selling,
    ) -> Option<LocationFigures> {
        let place = self.places.get(location)?;
        let asked = self.asked((location, sku), now)?;
        let pair = place.pairs.get(sku).copied().unwrap_or_default();
        Some(pair.figures(&asked, policies, in_force))
    }

    /// What was asked of a product at a location; none if the decision did not
    /// look at it.
    #[must_use]
    pub fn asked<'a>(
        &'a self,
        (location, sku): (&'a LocationId, &'a Sku),
        now: Timestamp,
    ) -> Option<Asked<'a>> {
        let (goods, place) = (self.goods.get(sku)?, self.places.get(location)?);
        Some(Asked {
            goods: Goods {
                sku,
                category: &goods.category,
                department: &goods.department,
                class: goods.class.as_deref(),
            },
            quantum: goods.quantum,
            place: Place {
                id: location,
                kind: place.situation.kind,
            },
            situation: place.situation,
            channel: self.channel.as_ref(),
            now,
        })
    }

    /// Whether nothing was to be promised from a location under `policies`; none
    /// if the decision did not look at it.
    #[must_use]
    pub fn is_suspended(&self, location: &LocationId, policies: &Selling) -> Option<bool> {
        let situation = self.places.get(location)?.situation;
        let place = Place {
            id: location,
            kind: situation.kind,
        };
        Some(situation.is_suspended(place, policies))
    }
}

impl Situation {
    /// For how long it was open and not heard, in seconds: what counts against its
    /// limit. Without hours that is all of the silence.
    #[must_use]
    pub fn silence_that_counts_s(&self) -> u32 {
        self.silent_open_s.unwrap_or(self.silent_s)
    }

    /// Whether nothing is promised from the location: it was silent for too long,
    /// or sent something that could not be taken.
    #[must_use]
    pub fn is_suspended(&self, place: Place<'_>, policies: &Selling) -> bool {
        self.blocked
            || policies
                .online
                .of(place)
                .is_suspended(self.silence_that_counts_s())
    }
}

impl PairBasis {
    /// What was promised beyond the units: max(0, O − A).
    #[must_use]
    pub fn debt(&self) -> i64 {
        (self.outstanding - self.units).max(0)
    }

    /// The figures under `policies`, where `in_force` were in force. At the
    /// moment of a decision both are the same.
    #[must_use]
    pub fn figures(
        &self,
        asked: &Asked<'_>,
        policies: &Selling,
        in_force: &Selling,
    ) -> LocationFigures {
        let (goods, place) = (asked.goods, asked.place);
        let held = self.hub_rights_under(asked, policies, in_force);
        let (withheld, _) = policies.safety_stock.of(goods, place);
        let rule = policies.online.of(place);
        let expected = rule.expected_since_contact(self.demand_per_day, asked.situation.silent_s);
        let channels = &policies.channels;
        LocationFigures {
            on_hand: self.on_hand,
            sellable_or_staged: self.units,
            promised: self.promised,
            safety_stock: withheld.thousandths(),
            // A part of a piece that may be gone is a piece that may be gone.
            expected_since_contact: whole_up(expected, asked.quantum),
            debt: self.debt(),
            suspended: asked.situation.is_suspended(place, policies),
            awaits_count: self.awaits_count,
            selling_closed: asked.situation.selling_closed,
            channel_excluded: asked
                .channel
                .is_some_and(|channel| channels.exclusion(channel, goods, place).is_some()),
            channel_reserve: asked.channel.map_or(0, |channel| {
                let kept = channels.kept_from(channel, (goods, place), held, asked.now);
                whole_up(kept.quantity(), asked.quantum)
            }),
            soft_holds: self.soft_holds,
            hub_rights: held,
        }
    }

    /// What the hub may mint under `policies` where nobody else does.
    #[must_use]
    pub fn mintable(&self, asked: &Asked<'_>, policies: &Selling) -> i64 {
        if !asked.situation.hub_mints {
            return 0;
        }
        let (withheld, _) = policies.safety_stock.of(asked.goods, asked.place);
        room(
            self.units,
            withheld.thousandths(),
            self.outstanding,
            asked.quantum,
        )
    }

    /// The rights that the hub held, or would have held.
    ///
    /// Where the hub mints: what it held, and what it may mint under `policies`.
    ///
    /// Where a node mints, an estimate. The rights that nobody had used rise or
    /// fall with the level that the safety stock leaves, and the hub's part of
    /// them by as much as the share rule gives it of them more or less. So what
    /// the hub had asked for or used up before stays as it was.
    #[must_use]
    pub fn hub_rights_under(
        &self,
        asked: &Asked<'_>,
        policies: &Selling,
        in_force: &Selling,
    ) -> i64 {
        let held = self.hub_rights.max(0);
        if asked.situation.hub_mints {
            return held + self.mintable(asked, policies);
        }
        if std::ptr::eq(policies, in_force) {
            return held;
        }
        let terms = |policies: &Selling| {
            let (withheld, _) = policies.safety_stock.of(asked.goods, asked.place);
            let share = policies.online.of(asked.place).share(asked.quantum);
            (withheld.thousandths(), share)
        };
        let ((withheld, share), before) = (terms(policies), terms(in_force));
        if (withheld, share) == before {
            return held;
        }
        let level = |withheld| room(self.units, withheld, self.promised, asked.quantum);
        let (aim, risen) = (level(withheld), level(withheld) - level(before.0));
        let unused = (self.outstanding - self.promised).max(0);
        let moved = (unused + risen).max(0);
        // A node mints up to the level and destroys down to it, never past it.
        let would_be = match risen {
            ..0 => unused.min(moved.max(aim)),
            _ if self.awaits_count => unused,
            _ => unused.max(moved.min(aim)),
        };
        let gained = grant_by_share(share, would_be, 0) - grant_by_share(before.1, unused, 0);
        (held + gained).clamp(0, would_be)
    }
}
