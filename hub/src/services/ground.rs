//! What the hub knows of the goods that it may promise: policies and master
//! data from one version, and of each pair what it holds rights for.
//!
//! The same figures answer `GET /availability` and feed the router, so what is
//! shown is what can be promised.
//!
//! Invariant: `atp` of a pair never exceeds the rights that the hub holds, or
//! may mint where it is the minter.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evertill_domain::availability::{
    Asked, LocationAvailability, PairBasis, Situation, at_location,
};
use evertill_domain::opening::Timetable;
use evertill_domain::order::ChannelId;
use evertill_domain::policy::Selling;
use evertill_domain::rights::{Cells, Position, Share};
use evertill_domain::{Bucket, Location, LocationId, Product, ReplicaId, Sku, Timestamp};
use evertill_storage::TableResult;
use evertill_storage::journal::{self, JournalState};
use evertill_storage::projection::{days, minters, promises, rights, seals, stock};
use evertill_storage::quarantine;
use evertill_storage::reference::{ReferenceError, View};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::{self, soft_holds};

use crate::state::{Hub, hub_location};

/// Master data and policies, of one version.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The products that are asked about.
    pub products: BTreeMap<Sku, Product>,
    /// Every location but the hub, listed or not.
    pub locations: Vec<Location>,
    /// The policies.
    pub selling: Arc<Selling>,
}

impl Picture {
    /// What is known of some products, and of every location that is listed or
    /// `stocked`.
    ///
    /// # Errors
    /// The reference data could not be read.
    pub fn of<'a>(
        view: &View,
        skus: impl IntoIterator<Item = &'a Sku>,
        stocked: &[LocationId],
    ) -> Result<Self, ReferenceError> {
        let mut locations = view.locations()?;
        // What one that is not listed trades in is worked out once for all.
        let mut unlisted: Option<Location> = None;
        for id in stocked {
            if locations.iter().any(|location| location.id == *id) {
                continue;
            }
            let like = match unlisted.take() {
                Some(like) => like,
                None => view.location(id)?,
            };
            let zone = like.time_zone.clone();
            locations.push(Location::with_defaults(id.clone(), like.currency, zone));
            unlisted = Some(like);
        }
        locations.retain(|location| location.id != hub_location());
        Ok(Self {
            products: view.products_by_sku(skus)?,
            locations,
            selling: view.selling()?,
        })
    }

    /// A location that is listed; one that only stock speaks of is a plain store.
    #[must_use]
    pub fn location(&self, id: &LocationId) -> Option<&Location> {
        self.locations.iter().find(|location| location.id == *id)
    }
}

/// The tables at one moment, and what was read of them so far.
pub struct Ground<'a> {
    conn: &'a Connection,
    picture: &'a Picture,
    hub: ReplicaId,
    now: Timestamp,
    closed: BTreeSet<LocationId>,
    blocked: BTreeSet<LocationId>,
    recounting: BTreeSet<LocationId>,
    silence: BTreeMap<LocationId, Silence>,
    demand_days: RefCell<BTreeMap<LocationId, i64>>,
}

/// For how long a location has not been heard, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    whole_s: u32,
    /// Of that, while it was open, where its hours are listed.
    open_s: Option<u32>,
}

/// A product at a location.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What can be promised, and what cannot and why.
    pub availability: LocationAvailability,
    /// The counters of its rights.
    pub cells: Cells,
    /// What the hub may mint on top, where nobody else does.
    pub mintable: i64,
    /// Units that nobody is promised, in thousandths.
    pub free: i64,
    /// What its tills sell in a day, in thousandths.
    pub demand_per_day: i64,
    /// The facts behind the figures.
    pub basis: PairBasis,
}

impl<'a> Ground<'a> {
    /// The ground under a decision of `hub` at `now`.
    ///
    /// # Errors
    /// The tables could not be read.
    pub fn of(
        conn: &'a Connection,
        hub: &Hub,
        replica: ReplicaId,
        picture: &'a Picture,
        now: Timestamp,
    ) -> TableResult<Self> {
        let closed = selling::closed(conn)?;
        let journals = journal::journals(conn)?;
        Ok(Self {
            conn,
            picture,
            hub: replica,
            now,
            closed: closed.into_iter().map(|closed| closed.location).collect(),
            blocked: quarantine::locations_with_open_entries(conn)?,
            recounting: seals::recounting(conn)?,
            silence: silence(hub, &journals, picture, now),
            demand_days: RefCell::default(),
        })
    }

    /// When the decision is made.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// For how long a location has not been heard, in seconds; 0 where no node
    /// stands, because nobody else sells there.
    #[must_use]
    pub fn silent_s(&self, location: &LocationId) -> u32 {
        self.silence_of(location).whole_s
    }

    /// How much of that counts against its limit, in seconds: only while it was
    /// open, where its hours are listed.
    #[must_use]
    pub fn silence_that_counts_s(&self, location: &Location) -> u32 {
        self.standing(location).silence_that_counts_s()
    }

    fn silence_of(&self, location: &LocationId) -> Silence {
        self.silence.get(location).copied().unwrap_or_default()
    }

    /// Whether nothing is promised from a location: it was silent for too long,
    /// or sent something that could not be taken and nobody has looked at yet.
    #[must_use]
    pub fn is_suspended(&self, location: &Location) -> bool {
        let standing = self.standing(location);
        standing.is_suspended(location.into(), &self.picture.selling)
    }

    /// How the rights of a product are shared at a location, by policy.
    #[must_use]
    pub fn share(&self, location: &Location, product: &Product) -> Share {
        let rule = self.picture.selling.online.of(location);
        rule.share(product.unit.rights_quantum())
    }

    /// Whether a location sells online now.
    #[must_use]
    pub fn is_open(&self, location: &LocationId) -> bool {
        !self.closed.contains(location)
    }

    /// How many order lines are due at a location on the trading day from one
    /// time until another.
    ///
    /// # Errors
    /// The tables could not be read.
    pub fn lines_due(
        &self,
        location: &LocationId,
        (from, until): (Timestamp, Timestamp),
    ) -> TableResult<u32> {
        promises::lines_due(self.conn, location, from, until)
    }

    /// A product at a location, as `channel` may sell it.
    ///
    /// # Errors
    /// The tables could not be read.
    pub fn pair(
        &self,
        location: &Location,
        product: &Product,
        channel: Option<&ChannelId>,
    ) -> TableResult<Pair> {
        let (conn, selling) = (self.conn, &*self.picture.selling);
        let (place, sku) = (&location.id, &product.sku);
        let stock = stock::of(conn, place, sku)?.unwrap_or_default();
        let cells = rights::cells(conn, place, sku)?;
        let promised = promises::live(conn, place, sku)?;
        let position = Position {
            cells: &cells,
            live_promises: promised,
            units: stock.sellable_or_staged(),
        };
        let basis = PairBasis {
            on_hand: stock.on_hand(),
            units: position.units,
            promised,
            outstanding: position.outstanding(),
            hub_rights: cells.rights(self.hub),
            soft_holds: soft_holds::of_pair(conn, place, sku, self.now)?,
            demand_per_day: self.demand_per_day(place, stock.bucket(Bucket::Customer))?,
            awaits_count: self.recounting.contains(place) && seals::awaits_count(conn, place, sku)?,
        };
        let asked = Asked {
            goods: product.into(),
            quantum: product.unit.rights_quantum(),
            place: location.into(),
            situation: self.situation(location)?,
            channel,
            now: self.now,
        };
        let figures = basis.figures(&asked, selling, selling);
        Ok(Pair {
            availability: at_location(place.clone(), &figures),
            free: (basis.units - promised).max(0),
            mintable: basis.mintable(&asked, selling),
            demand_per_day: basis.demand_per_day,
            cells,
            basis,
        })
    }

    /// How a location stands, whatever the product.
    ///
    /// # Errors
    /// The tables could not be read.
    pub fn situation(&self, location: &Location) -> TableResult<Situation> {
        Ok(Situation {
            hub_mints: minters::of(self.conn, &location.id)?.is_none(),
            ..self.standing(location)
        })
    }

    /// The same, but for who mints there, which takes a look at the tables.
    fn standing(&self, location: &Location) -> Situation {
        let id = &location.id;
        let silence = self.silence_of(id);
        Situation {
            kind: location.kind,
            hub_mints: false,
            silent_s: silence.whole_s,
            silent_open_s: silence.open_s,
            blocked: self.blocked.contains(id),
            selling_closed: !self.is_open(id),
        }
    }

    /// What customers took in a day, over all days that it traded.
    fn demand_per_day(&self, location: &LocationId, sold: i64) -> TableResult<i64> {
        if sold <= 0 {
            return Ok(0);
        }
        let known = self.demand_days.borrow().get(location).copied();
        let days = if let Some(days) = known {
            days
        } else {
            let days = days::count(self.conn, location)?;
            let mut held = self.demand_days.borrow_mut();
            held.insert(location.clone(), days);
            days
        };
        Ok(sold / days.max(1))
    }
}

/// How long each location with a node has not been heard; one that is connected
/// is heard now. Of several machines the one heard last counts.
fn silence(
    hub: &Hub,
    journals: &[JournalState],
    picture: &Picture,
    now: Timestamp,
) -> BTreeMap<LocationId, Silence> {
    let mut silence: BTreeMap<LocationId, Silence> = BTreeMap::new();
    for journal in journals.iter().filter(|j| j.location != hub_location()) {
        let since = match journal.heard_at {
            _ if hub.live().of(journal.node).is_some() => 0,
            Some(at) => now.as_millis().saturating_sub(at.as_millis()) / 1_000,
            None => i64::from(u32::MAX),
        };
        let seconds = u32::try_from(since.max(0)).unwrap_or(u32::MAX);
        let heard = silence.entry(journal.location.clone());
        let held = heard.or_insert(Silence {
            whole_s: seconds,
            open_s: None,
        });
        held.whole_s = held.whole_s.min(seconds);
    }
    for location in &picture.locations {
        // A limit is a whole number of minutes.
        if let Some(held) = silence.get_mut(&location.id)
            && held.whole_s >= 60
        {
            let since = now.as_millis() - i64::from(held.whole_s) * 1_000;
            let timetable = Timetable::of(location);
            let minutes = timetable.open_minutes(Timestamp::from_millis(since), now);
            held.open_s = minutes.map(|minutes| minutes.saturating_mul(60));
        }
    }
    silence
}
