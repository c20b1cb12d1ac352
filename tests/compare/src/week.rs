//! One week under one regime: who comes, what arrives, which lines are cut.
//!
//! Invariant: every promise ends kept or cancelled, and every unit is accounted
//! for.

use std::collections::BTreeMap;

use evertill_domain::policy::RoutingPolicy;

use crate::demand::{DAY, Demand, STORES, Visit};
use crate::order::{Order, State};
use crate::outcome::Outcome;
use crate::regime::{Hub, PERIOD, Regime};
use crate::replenish::{MORNING, mornings};
use crate::scenario::{Drawn, Scenario, Way};
use crate::shop::Shop;

/// When shelves are looked at to see how full they are, in seconds after the
/// morning.
const EVENING: u64 = 12 * 3_600;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Visit(usize),
    Morning,
    Evening,
    Period,
    /// The line of a store is up again.
    Contact(usize),
    /// (order, part)
    Pick(usize, usize),
    /// The hub hears that goods are missing.
    Missing(usize, usize),
}

/// A week that is being played.
pub(crate) struct Week<'a> {
    pub(crate) demand: &'a Demand,
    pub(crate) drawn: Drawn,
    pub(crate) shop: Shop,
    pub(crate) hub: Hub,
    pub(crate) policy: RoutingPolicy,
    pub(crate) orders: Vec<Order>,
    agenda: BTreeMap<(u64, u64), Event>,
    drawn_events: u64,
    pub(crate) now: u64,
    pub(crate) outcome: Outcome,
}

/// Plays a week and counts the units at its end.
#[must_use]
pub fn play(demand: &Demand, scenario: Scenario, regime: Regime, seed: u64) -> Outcome {
    let shop = Shop::open(demand, scenario, seed);
    let mut week = Week {
        demand,
        hub: Hub::new(regime, demand, &shop),
        drawn: Drawn::of(demand, scenario, seed),
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
    /// Puts an event on the agenda; of those of one second the first comes first.
    pub(crate) fn later(&mut self, at: u64, event: Event) {
        self.drawn_events += 1;
        self.agenda.insert((at, self.drawn_events), event);
    }

    fn plan_ahead(&mut self) {
        for (number, visit) in self.demand.visits.iter().enumerate() {
            self.later(visit.at, Event::Visit(number));
        }
        for (_, at) in mornings(self.demand.days) {
            self.later(at, Event::Morning);
            self.later(at + EVENING, Event::Evening);
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
            Event::Morning => {
                for (store, sku, pieces) in self.shop.morning() {
                    self.moved(store, sku, pieces);
                }
            }
            Event::Evening => {
                let (pairs, available) = self.shop.available();
                self.outcome.looked_at += pairs;
                self.outcome.available += available;
            }
            Event::Period => {
                for store in 0..STORES {
                    if self.is_up(store) {
                        self.hub.hear(store, &self.shop);
                    }
                }
            }
            Event::Contact(store) => self.contact(store),
            Event::Pick(order, part) => self.pick(order, part),
            Event::Missing(order, part) => self.missing(order, part),
        }
    }

    /// Whether the line of a store is up; perfect information needs none.
    pub(crate) fn is_up(&self, store: usize) -> bool {
        self.told(store) == self.now
    }

    /// When a message that is sent now arrives.
    pub(crate) fn told(&self, store: usize) -> u64 {
        if self.hub.regime == Regime::Perfect {
            return self.now;
        }
        self.drawn.cut_until(store, self.now).unwrap_or(self.now)
    }

    /// For how long the hub has not heard a store, in seconds.
    pub(crate) fn silent(&self, store: usize) -> u64 {
        if self.is_up(store) {
            return 0;
        }
        let since = self.drawn.cut_since(store, self.now);
        self.now - since.unwrap_or(self.now)
    }

    /// The hub hears of a change at once if the line is up and the regime is
    /// not periodic. If more is promised than there is, somebody goes and looks.
    pub(crate) fn tell(&mut self, store: usize, sku: usize) {
        if self.hub.regime == Regime::Periodic || !self.is_up(store) {
            return;
        }
        if self.hub.hear_one(store, sku, &self.shop) {
            self.look_at_shelf(store, sku);
        }
    }

    fn contact(&mut self, store: usize) {
        if !self.is_up(store) || self.hub.regime == Regime::Periodic {
            return;
        }
        self.hub.hear(store, &self.shop);
        let changed = match &self.hub.rights {
            Some(rights) => rights.stirred(store),
            None => (0..self.demand.skus.len()).collect(),
        };
        for sku in changed {
            self.tell(store, sku);
        }
    }

    /// The record of a pair has changed, and no promise ended by it.
    pub(crate) fn moved(&mut self, store: usize, sku: usize, pieces: i64) {
        let is_up = self.is_up(store);
        if let Some(rights) = &mut self.hub.rights {
            rights.moved(store, sku, pieces, is_up);
        }
        self.tell(store, sku);
    }

    fn visit(&mut self, number: usize) {
        let demand = self.demand;
        let visit = &demand.visits[number];
        match self.drawn.ways[number] {
            Way::WalkIn => self.walk_in(visit),
            Way::Pickup => self.order(number, visit, Some(visit.store)),
            Way::Ship => self.order(number, visit, None),
        }
    }

    fn walk_in(&mut self, visit: &Visit) {
        for line in &visit.lines {
            let sold = self.shop.sell(visit.store, line.sku, line.pieces);
            self.outcome.till_wanted += line.pieces;
            self.outcome.till_short += line.pieces - sold;
            self.outcome.paid_till += line.worth_of(sold);
            if sold > 0 {
                self.moved(visit.store, line.sku, -sold);
            }
        }
    }

    fn close(mut self) -> Outcome {
        let mut kept: Vec<Vec<i64>> = vec![vec![0; self.demand.skus.len()]; STORES];
        for order in &self.orders {
            assert!(order.parts.iter().all(|part| part.state != State::Open));
            for part in order.parts.iter().filter(|p| p.state == State::Picked) {
                kept[part.store][part.line.sku] += part.line.pieces;
            }
            order.count(&mut self.outcome);
        }
        self.shop.check(&kept);
        self.check_counter();
        self.outcome
    }

    /// What has been heard is what is so. Regression: a promise whose goods were
    /// missing was taken off the counter's promises twice, and goods that were
    /// not there were promised again.
    fn check_counter(&self) {
        let heard = (0..STORES).filter(|store| self.is_up(*store));
        for store in heard.filter(|_| self.hub.regime != Regime::Periodic) {
            for sku in 0..self.demand.skus.len() {
                let free = self.shop.record[store][sku] - self.shop.unpicked[store][sku];
                assert_eq!(self.hub.counted(store, sku), free, "the counter is off");
            }
        }
    }
}

/// The hour at which the evening comes, for what a report says.
#[must_use]
pub const fn evening_hour() -> u64 {
    (MORNING + EVENING) / 3_600
}
