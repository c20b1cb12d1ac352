//! One week under one regime.
//!
//! An order that is accepted is a promise by a time. Its goods are picked some
//! time after the store heard of it; what is missing then is sourced again, by
//! shipping from elsewhere, or the order is cancelled.
//!
//! Invariant: every accepted order ends kept or cancelled, and every unit is
//! accounted for.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::Timestamp;
use evertill_domain::policy::RoutingPolicy;
use evertill_domain::routing::{Candidate, Destination, Snapshot, Wanted, plan};

use crate::demand::{DAY, Demand, STORES, Visit};
use crate::outcome::Outcome;
use crate::regime::{Hub, PERIOD, Regime};
use crate::scenario::{Drawn, Scenario, Way};
use crate::shop::Shop;

/// Seconds from hearing of an order to picking it.
const PICK: u64 = 2_700;
/// When a pickup is promised, after the order.
const PICKUP_BY: u64 = 4 * 3_600;
/// When a shipment is promised to leave, after the order.
const SHIP_BY: u64 = DAY;
const PIECE: i64 = 1_000;

#[derive(Clone, Copy, Debug)]
enum Event {
    Visit(usize),
    Delivery,
    Period,
    /// The line of a store is up again.
    Contact(usize),
    /// (order, part)
    Pick(usize, usize),
    /// The hub hears that goods are missing.
    Missing(usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    Picked,
    Gone,
}

#[derive(Clone, Debug)]
struct Part {
    store: usize,
    sku: usize,
    pieces: i64,
    state: State,
}

#[derive(Clone, Debug)]
struct Order {
    by: u64,
    worth: i64,
    parts: Vec<Part>,
    is_cancelled: bool,
    is_resourced: bool,
    is_late: bool,
}

struct Week<'a> {
    demand: &'a Demand,
    drawn: Drawn,
    shop: Shop,
    hub: Hub,
    policy: RoutingPolicy,
    orders: Vec<Order>,
    agenda: BTreeMap<(u64, u64), Event>,
    drawn_events: u64,
    now: u64,
    outcome: Outcome,
}

/// Plays a week and counts the units at its end.
#[must_use]
pub fn play(demand: &Demand, scenario: Scenario, regime: Regime, seed: u64) -> Outcome {
    let drawn = Drawn::of(demand, scenario, seed);
    let shop = Shop::new(&drawn);
    let mut week = Week {
        demand,
        hub: Hub::new(regime, demand, &shop),
        drawn,
        shop,
        policy: RoutingPolicy::default(),
        orders: Vec::new(),
        agenda: BTreeMap::new(),
        drawn_events: 0,
        now: 0,
        outcome: Outcome::default(),
    };
    week.plan_ahead();
    while let Some(((at, _), event)) = week.agenda.pop_first() {
        week.now = at;
        week.happen(event);
    }
    week.close()
}

impl Week<'_> {
    fn later(&mut self, at: u64, event: Event) {
        self.drawn_events += 1;
        self.agenda.insert((at, self.drawn_events), event);
    }

    fn plan_ahead(&mut self) {
        for (number, visit) in self.demand.visits.iter().enumerate() {
            self.later(visit.at, Event::Visit(number));
        }
        for day in 0..self.demand.days {
            self.later(day * DAY + 6 * 3_600, Event::Delivery);
        }
        if self.hub.regime == Regime::Periodic {
            for tick in 0..self.demand.days * DAY / PERIOD {
                self.later(tick * PERIOD, Event::Period);
            }
        }
        for store in 0..STORES {
            for (_, until) in self.drawn.cuts[store].clone() {
                self.later(until, Event::Contact(store));
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Visit(number) => self.visit(number),
            Event::Delivery => self.deliver(),
            Event::Period => {
                for store in (0..STORES)
                    .filter(|store| self.is_up(*store))
                    .collect::<Vec<_>>()
                {
                    self.hub.hear(store, &self.shop, self.now);
                }
            }
            Event::Contact(store) => self.contact(store),
            Event::Pick(order, part) => self.pick(order, part),
            Event::Missing(order, part) => self.missing(order, part),
        }
    }

    fn is_up(&self, store: usize) -> bool {
        self.hub.regime == Regime::Perfect || self.drawn.cut_until(store, self.now).is_none()
    }

    /// The hub hears of a change at once if the line is up and the regime is
    /// not periodic.
    fn tell(&mut self, store: usize, sku: usize) {
        if self.hub.regime == Regime::Periodic || !self.is_up(store) {
            return;
        }
        self.hub.hear_one(store, sku, &self.shop, self.now);
        let rights = self.hub.rights.as_mut();
        if rights.is_some_and(|rights| rights.contact(store, sku)) {
            self.look_at_shelf(store, sku);
        }
    }

    fn contact(&mut self, store: usize) {
        if !self.is_up(store) || self.hub.regime == Regime::Periodic {
            return;
        }
        self.hub.hear(store, &self.shop, self.now);
        for sku in 0..self.demand.skus.len() {
            self.tell(store, sku);
        }
    }

    /// A suspected breach: whatever is promised there is picked now.
    fn look_at_shelf(&mut self, store: usize, sku: usize) {
        let open: Vec<(usize, usize)> = (self.orders.iter().enumerate())
            .flat_map(|(order, o)| {
                o.parts
                    .iter()
                    .enumerate()
                    .map(move |(p, part)| (order, p, part))
            })
            .filter(|(.., part)| (part.store, part.sku, part.state) == (store, sku, State::Open))
            .map(|(order, part, _)| (order, part))
            .collect();
        for (order, part) in open {
            self.later(self.now, Event::Pick(order, part));
        }
    }

    fn moved(&mut self, store: usize, sku: usize, pieces: i64) {
        if let Some(rights) = &mut self.hub.rights {
            rights.moved(store, sku, pieces);
        }
        self.tell(store, sku);
    }

    fn deliver(&mut self) {
        for store in 0..STORES {
            for sku in 0..self.demand.skus.len() {
                let pieces = self.shop.deliver(self.demand, store, sku);
                if pieces > 0 {
                    self.moved(store, sku, pieces);
                }
            }
        }
    }

    fn visit(&mut self, number: usize) {
        let visit = &self.demand.visits[number];
        let way = self.drawn.ways[number];
        if way != Way::WalkIn {
            return self.order(number, visit, way);
        }
        for (sku, wanted) in &visit.lines {
            let sold = self.shop.sell(visit.store, *sku, *wanted);
            self.outcome.walk_in_short += u32::try_from(wanted - sold).unwrap_or_default();
            if sold > 0 {
                self.moved(visit.store, *sku, -sold);
            }
        }
    }

    fn order(&mut self, number: usize, visit: &Visit, way: Way) {
        self.outcome.placed += 1;
        let pickup = (way == Way::Pickup).then_some(visit.store);
        let id = number.to_string();
        let mut parts = self.source(&id, &visit.lines, pickup, None, false);
        if parts.is_none() && self.hub.regime == Regime::Evertill {
            self.ask_for_rights(&visit.lines, pickup);
            parts = self.source(&id, &visit.lines, pickup, None, false);
        }
        let Some(parts) = parts else {
            let was_there = self.source(&id, &visit.lines, pickup, None, true).is_some();
            self.outcome.refused_available += u32::from(was_there);
            self.outcome.refused_rightly += u32::from(!was_there);
            return;
        };
        self.outcome.accepted += 1;
        let by = if pickup.is_some() { PICKUP_BY } else { SHIP_BY };
        self.orders.push(Order {
            by: self.now + by,
            worth: visit.worth,
            parts: Vec::new(),
            is_cancelled: false,
            is_resourced: false,
            is_late: false,
        });
        self.promise(self.orders.len() - 1, parts);
    }

    /// Each node whose line is up hands over what it can spare.
    fn ask_for_rights(&mut self, lines: &[(usize, i64)], pickup: Option<usize>) {
        for store in (0..STORES).filter(|store| pickup.is_none_or(|only| only == *store)) {
            if !self.is_up(store) {
                continue;
            }
            for (sku, pieces) in lines {
                let usable = self.hub.usable(store, *sku, &self.shop, self.now, true);
                if let Some(rights) = self.hub.rights.as_mut().filter(|_| usable < *pieces) {
                    rights.request(store, *sku, pieces - usable);
                }
            }
        }
    }

    /// The router's answer as (store, product, pieces); `None` if it cannot all
    /// be had. With `truth` it is asked about the shelves.
    fn source(
        &self,
        id: &str,
        lines: &[(usize, i64)],
        pickup: Option<usize>,
        without: Option<usize>,
        truth: bool,
    ) -> Option<Vec<(usize, usize, i64)>> {
        let now = Timestamp::from_millis(i64::try_from(self.now * 1_000).ok()?);
        let wanted = (1..).zip(lines).map(|(line, (sku, pieces))| Wanted {
            line,
            sku: self.demand.skus[*sku].clone(),
            quantity: pieces * PIECE,
        });
        let stores = (0..STORES).filter(|store| Some(*store) != without);
        let snapshot = Snapshot {
            order: id.to_owned(),
            now,
            wanted: wanted.collect(),
            destination: match pickup {
                Some(store) => Destination::Pickup(self.demand.stores[store].clone()),
                None => Destination::Ship {
                    position: None,
                    zone: None,
                },
            },
            promise_by: None,
            allow_split: true,
            allow_partial: false,
            policy_version: 1,
            candidates: stores
                .map(|s| self.candidate(s, lines, truth, now))
                .collect(),
        };
        let plan = plan(&snapshot, &self.policy);
        let place = |part: &evertill_domain::routing::Assignment| {
            let store = self
                .demand
                .stores
                .iter()
                .position(|s| *s == part.location)?;
            let line = usize::try_from(part.line).ok()? - 1;
            Some((store, lines[line].0, part.quantity / PIECE))
        };
        let is_whole = plan.unsourced.values().all(|open| *open == 0);
        is_whole.then(|| plan.assignments.iter().filter_map(place).collect())
    }

    fn candidate(
        &self,
        store: usize,
        lines: &[(usize, i64)],
        truth: bool,
        now: Timestamp,
    ) -> Candidate {
        let is_up = self.is_up(store);
        let usable = |sku: usize| {
            if truth {
                (self.shop.shelf[store][sku] - self.shop.unpicked[store][sku]).max(0)
            } else {
                self.hub.usable(store, sku, &self.shop, self.now, is_up)
            }
        };
        // A right comes in whole pieces; a part of a piece is never planned.
        let usable: BTreeMap<_, _> = lines
            .iter()
            .map(|(sku, _)| (self.demand.skus[*sku].clone(), usable(*sku) * PIECE))
            .collect();
        let daily = |sku: usize| self.demand.earlier[store][sku] * PIECE / self.demand.earlier_days;
        let age = if is_up {
            0
        } else {
            self.hub.age(store, self.now)
        };
        Candidate {
            location: self.demand.stores[store].clone(),
            position: None,
            zones: BTreeSet::new(),
            depth: usable.clone(),
            usable,
            demand: lines
                .iter()
                .map(|(sku, _)| (self.demand.skus[*sku].clone(), daily(*sku)))
                .collect(),
            free_capacity: 100,
            cost: 500,
            ready_at: now,
            selling_open: true,
            suspended: false,
            data_age_s: u32::try_from(age).unwrap_or(u32::MAX),
            cooling_until: None,
        }
    }

    fn promise(&mut self, order: usize, parts: Vec<(usize, usize, i64)>) {
        for (store, sku, pieces) in parts {
            self.hub.promised(store, sku, pieces);
            self.shop.unpicked[store][sku] += pieces;
            self.orders[order].parts.push(Part {
                store,
                sku,
                pieces,
                state: State::Open,
            });
            let part = self.orders[order].parts.len() - 1;
            if self.hub.regime == Regime::Perfect {
                self.pick(order, part);
                continue;
            }
            let told = self.drawn.cut_until(store, self.now).unwrap_or(self.now);
            self.later(told + PICK, Event::Pick(order, part));
            self.tell(store, sku);
        }
    }

    fn pick(&mut self, order: usize, part: usize) {
        let Part {
            store,
            sku,
            pieces,
            state,
        } = self.orders[order].parts[part];
        if state != State::Open {
            return;
        }
        if self.orders[order].is_cancelled {
            return self.withdraw(order, part);
        }
        let before = self.shop.record[store][sku];
        let found = self.shop.pick(store, sku, pieces);
        let fall = before - self.shop.record[store][sku];
        if let Some(rights) = &mut self.hub.rights {
            rights.ended(store, sku, pieces, fall);
        }
        self.orders[order].parts[part].state = if found { State::Picked } else { State::Gone };
        self.orders[order].is_late |= found && self.now > self.orders[order].by;
        self.tell(store, sku);
        if !found {
            let told = if self.is_up(store) {
                self.now
            } else {
                self.drawn.cut_until(store, self.now).unwrap_or(self.now)
            };
            self.later(told, Event::Missing(order, part));
        }
    }

    fn missing(&mut self, order: usize, part: usize) {
        let Part {
            store, sku, pieces, ..
        } = self.orders[order].parts[part];
        self.hub.dropped(store, sku, pieces);
        if self.orders[order].is_cancelled {
            return;
        }
        let lines = [(sku, pieces)];
        let mut parts = None;
        if self.now <= self.orders[order].by {
            let id = format!("{order}-{part}");
            parts = self.source(&id, &lines, None, Some(store), false);
            if parts.is_none() && self.hub.regime == Regime::Evertill {
                self.ask_for_rights(&lines, None);
                parts = self.source(&id, &lines, None, Some(store), false);
            }
        }
        match parts {
            Some(parts) => {
                self.orders[order].is_resourced = true;
                self.promise(order, parts);
            }
            None => self.cancel(order),
        }
    }

    fn cancel(&mut self, order: usize) {
        self.orders[order].is_cancelled = true;
        for part in 0..self.orders[order].parts.len() {
            let Part {
                store,
                sku,
                pieces,
                state,
            } = self.orders[order].parts[part];
            match state {
                State::Open if self.is_up(store) => self.withdraw(order, part),
                State::Picked => {
                    self.orders[order].parts[part].state = State::Gone;
                    self.shop.put_back(store, sku, pieces);
                    self.moved(store, sku, pieces);
                }
                // A store that is cut off learns of it before it picks.
                State::Open | State::Gone => {}
            }
        }
    }

    fn withdraw(&mut self, order: usize, part: usize) {
        let part = &mut self.orders[order].parts[part];
        part.state = State::Gone;
        let (store, sku, pieces) = (part.store, part.sku, part.pieces);
        self.shop.unpicked[store][sku] -= pieces;
        self.hub.dropped(store, sku, pieces);
        if let Some(rights) = &mut self.hub.rights {
            rights.cancelled(store, sku, pieces);
        }
        self.tell(store, sku);
    }

    fn close(mut self) -> Outcome {
        let mut kept: Vec<Vec<i64>> = vec![vec![0; self.demand.skus.len()]; STORES];
        for order in &self.orders {
            assert!(order.parts.iter().all(|part| part.state != State::Open));
            if order.is_cancelled {
                self.outcome.cancelled += 1;
                continue;
            }
            let mut from = BTreeSet::new();
            for part in order.parts.iter().filter(|p| p.state == State::Picked) {
                kept[part.store][part.sku] += part.pieces;
                from.insert(part.store);
            }
            self.outcome.splits += u32::try_from(from.len()).unwrap_or(1).saturating_sub(1);
            self.outcome.resourced += u32::from(order.is_resourced && !order.is_late);
            self.outcome.late += u32::from(order.is_late);
            self.outcome.revenue += order.worth;
        }
        self.shop.check(&kept);
        self.outcome
    }
}
