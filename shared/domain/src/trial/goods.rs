//! Why more or less of a product could have been promised at a location.
//!
//! Invariant: a reason names a rule of the draft whose subtraction changed.

use super::Because;
use crate::availability::{Asked, LocationFigures, Reason, at_location};
use crate::money::write_scaled;
use crate::policy::Selling;

/// A product at a location, as it was and as it would have been.
pub(super) struct Changed<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) was: LocationFigures,
    pub(super) is: LocationFigures,
    pub(super) draft: &'a Selling,
}

/// A rule, what it subtracts for, and what it does in words.
struct Found {
    reason: Reason,
    rule: String,
    detail: String,
}

impl Changed<'_> {
    /// The rules that take more or less than they did.
    pub(super) fn reasons(&self) -> Vec<Because> {
        let found = [
            self.safety_stock(),
            self.exclusion(),
            self.silence(),
            self.caution(),
            self.reserve(),
            self.rights(),
        ];
        let mut found: Vec<Found> = found.into_iter().flatten().collect();
        let takes = |found: &Found| self.taken(&self.was, found) != self.taken(&self.is, found);
        if found.iter().any(takes) {
            found.retain(takes);
        }
        let estimated =
            !self.asked.situation.hub_mints && self.was.hub_rights != self.is.hub_rights;
        let because = found.into_iter().map(|found| Because {
            location: Some(self.asked.place.id.clone()),
            sku: Some(self.asked.goods.sku.clone()),
            rule: found.rule,
            detail: found.detail,
            is_exact: !estimated,
        });
        because.collect()
    }

    fn taken(&self, figures: &LocationFigures, found: &Found) -> Option<i64> {
        let availability = at_location(self.asked.place.id.clone(), figures);
        let mut parts = availability.subtract.into_iter();
        let part = parts.find(|part| part.reason == found.reason);
        part.map(|part| part.quantity)
    }

    /// The product and the place, in words.
    fn here(&self) -> String {
        format!("{} at {}", self.asked.goods.sku, self.asked.place.id)
    }

    fn safety_stock(&self) -> Option<Found> {
        if self.was.safety_stock == self.is.safety_stock {
            return None;
        }
        let policy = &self.draft.safety_stock;
        let (units, rule) = policy.of(self.asked.goods, self.asked.place);
        let (rule, name) = rule.map_or_else(
            || ("/default".to_owned(), "the default safety stock".to_owned()),
            |i| (format!("/rules/{i}"), format!("safety stock rule {i}")),
        );
        let (here, before) = (self.here(), text(self.was.safety_stock));
        Some(Found {
            reason: Reason::SafetyStock,
            rule,
            detail: format!("{name} withholds {units} of {here} ({before} before)"),
        })
    }

    fn exclusion(&self) -> Option<Found> {
        if self.was.channel_excluded == self.is.channel_excluded {
            return None;
        }
        let (channel, here) = (self.asked.channel?, self.here());
        let policy = &self.draft.channels;
        let found = policy.exclusion(channel, self.asked.goods, self.asked.place);
        let (rule, detail) = match found {
            Some(i) => (
                format!("/exclusions/{i}"),
                format!("exclusion {i} keeps {channel} from selling {here}"),
            ),
            None => (
                "/exclusions".to_owned(),
                format!("no exclusion keeps {channel} from selling {here} any more"),
            ),
        };
        Some(Found {
            reason: Reason::ChannelExcluded,
            rule,
            detail,
        })
    }

    fn silence(&self) -> Option<Found> {
        if self.was.suspended == self.is.suspended {
            return None;
        }
        let place = self.asked.place;
        let limit = self.draft.online.of(place).silence_limit_minutes;
        let silent = self.asked.situation.silence_that_counts_s() / 60;
        let words = if self.is.suspended {
            "beyond"
        } else {
            "within"
        };
        Some(Found {
            reason: Reason::Suspended,
            rule: format!("{}/silence_limit_minutes", self.draft.online.pointer(place)),
            detail: format!(
                "{} was silent for {silent} minutes, {words} its limit of {limit}",
                place.id
            ),
        })
    }

    fn caution(&self) -> Option<Found> {
        let (was, is) = (
            self.was.expected_since_contact,
            self.is.expected_since_contact,
        );
        (was != is).then(|| Found {
            reason: Reason::Staleness,
            rule: format!(
                "{}/caution_per_mille",
                self.draft.online.pointer(self.asked.place)
            ),
            detail: format!(
                "{} of {} may have been sold while it was silent ({} before)",
                text(is),
                self.here(),
                text(was)
            ),
        })
    }

    fn reserve(&self) -> Option<Found> {
        if self.was.channel_reserve == self.is.channel_reserve {
            return None;
        }
        let channel = self.asked.channel?;
        let key = (self.asked.goods, self.asked.place);
        let policy = &self.draft.channels;
        let kept = policy.kept_from(channel, key, self.is.hub_rights, self.asked.now);
        let by_reserve = kept.reserve.filter(|_| kept.reserved > kept.beyond_share);
        let (rule, name) = match by_reserve {
            Some(i) => (format!("/reserves/{i}"), format!("reserve {i}")),
            None => (
                format!("/channels/{channel}/share_per_mille"),
                format!("the share of {channel}"),
            ),
        };
        let (was, is) = (
            text(self.was.channel_reserve),
            text(self.is.channel_reserve),
        );
        Some(Found {
            reason: Reason::ChannelReserve,
            rule,
            detail: format!(
                "{name} keeps {is} of {} from {channel} ({was} before)",
                self.here()
            ),
        })
    }

    /// Rights that the hub would have held, where a node mints.
    fn rights(&self) -> Option<Found> {
        if self.asked.situation.hub_mints || self.was.hub_rights == self.is.hub_rights {
            return None;
        }
        let place = self.asked.place;
        let share = self.draft.online.of(place).share(self.asked.quantum);
        Some(Found {
            reason: Reason::NodeShare,
            rule: format!("{}/share_per_mille", self.draft.online.pointer(place)),
            detail: format!(
                "the hub would have held about {} rights of {} ({} before): its share is {} \
                 thousandths, and {} stay at the tills",
                text(self.is.hub_rights),
                self.here(),
                text(self.was.hub_rights),
                share.per_mille,
                text(share.keep)
            ),
        })
    }
}

/// Thousandths as a decimal text.
fn text(thousandths: i64) -> String {
    let mut text = String::new();
    write_scaled(&mut text, thousandths, 3, true);
    text
}
