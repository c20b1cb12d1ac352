//! An order: asked for, promised, picked, and sourced again where goods are
//! missing.
//!
//! The web shows what can be promised, and a customer orders that much of what
//! they want and leaves the rest. What is promised and missing when it is
//! picked is sent from elsewhere, or cancelled, and the rest of the order stays.
//!
//! Invariant: what is promised of an order ends picked or gone, once.

use std::collections::BTreeSet;

use crate::demand::{DAY, Line, Visit};
use crate::outcome::Outcome;
use crate::regime::Regime;
use crate::source::Question;
use crate::week::{Event, Week};

/// Seconds from hearing of an order to picking it.
pub const PICK: u64 = 2_700;
/// When a pickup is promised, in seconds after the order.
pub const PICKUP_BY: u64 = 4 * 3_600;
/// When a parcel is promised to leave, in seconds after the order.
pub const SHIP_BY: u64 = DAY;

/// How far a promise has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Open,
    Picked,
    /// It was not there.
    Gone,
}

/// A promise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) store: usize,
    pub(crate) line: Line,
    pub(crate) state: State,
}

/// An order of which something was promised.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    by: u64,
    pub(crate) parts: Vec<Part>,
    cancelled: i64,
    is_resourced: bool,
    is_late: bool,
}

impl Order {
    /// Adds what became of it.
    pub(crate) fn count(&self, outcome: &mut Outcome) {
        let kept = || self.parts.iter().filter(|p| p.state == State::Picked);
        let from: BTreeSet<usize> = kept().map(|part| part.store).collect();
        outcome.splits += i64::try_from(from.len().saturating_sub(1)).unwrap_or(i64::MAX);
        outcome.paid_online += kept().map(|part| part.line.worth).sum::<i64>();
        outcome.cancelled += self.cancelled;
        outcome.broken += i64::from(self.cancelled > 0);
        outcome.late += i64::from(self.is_late);
        outcome.resourced += i64::from(self.is_resourced && !self.is_late && self.cancelled == 0);
    }
}

impl Week<'_> {
    pub(crate) fn order(&mut self, number: usize, visit: &Visit, pickup: Option<usize>) {
        let question = Question {
            id: number.to_string(),
            lines: &visit.lines,
            pickup,
            without: None,
            partial: true,
        };
        let answer = self.source_and_ask(&question);
        let truth = self.source(&question, true);
        let wanted: i64 = visit.lines.iter().map(|line| line.pieces).sum();
        let promised = wanted - answer.open();
        let beyond = answer.open.iter().zip(&truth.open);
        self.outcome.placed += 1;
        self.outcome.wanted += wanted;
        self.outcome.promised += promised;
        self.outcome.unsold += beyond
            .map(|(open, truly)| (open - truly).max(0))
            .sum::<i64>();
        self.outcome.whole += i64::from(promised == wanted);
        self.outcome.partly += i64::from(0 < promised && promised < wanted);
        self.outcome.refused += i64::from(promised == 0);
        if promised > 0 {
            let by = if pickup.is_some() { PICKUP_BY } else { SHIP_BY };
            self.orders.push(Order {
                by: self.now + by,
                parts: Vec::new(),
                cancelled: 0,
                is_resourced: false,
                is_late: false,
            });
            self.promise(self.orders.len() - 1, answer.parts);
        }
    }

    fn promise(&mut self, order: usize, parts: Vec<Part>) {
        for part in parts {
            let (store, sku) = (part.store, part.line.sku);
            self.hub.promised(store, sku, part.line.pieces);
            self.shop.unpicked[store][sku] += part.line.pieces;
            self.orders[order].parts.push(part);
            let number = self.orders[order].parts.len() - 1;
            if self.hub.regime == Regime::Perfect {
                self.pick(order, number);
                continue;
            }
            self.later(self.told(store) + PICK, Event::Pick(order, number));
            self.tell(store, sku);
        }
    }

    /// A promise may be broken: whatever is promised of the pair is picked now.
    pub(crate) fn look_at_shelf(&mut self, store: usize, sku: usize) {
        let mut open = Vec::new();
        for (order, of) in self.orders.iter().enumerate() {
            let parts = of.parts.iter().enumerate();
            let here = parts.filter(|(_, part)| {
                (part.store, part.line.sku, part.state) == (store, sku, State::Open)
            });
            open.extend(here.map(|(part, _)| (order, part)));
        }
        for (order, part) in open {
            self.later(self.now, Event::Pick(order, part));
        }
    }

    pub(crate) fn pick(&mut self, order: usize, number: usize) {
        let Part { store, line, state } = self.orders[order].parts[number];
        if state != State::Open {
            return;
        }
        let before = self.shop.record[store][line.sku];
        let found = self.shop.pick(store, line.sku, line.pieces);
        let fall = before - self.shop.record[store][line.sku];
        let is_up = self.is_up(store);
        if let Some(rights) = &mut self.hub.rights {
            rights.ended((store, line.sku), line.pieces, fall, is_up);
        }
        let late = found && self.now > self.orders[order].by;
        self.orders[order].is_late |= late;
        self.orders[order].parts[number].state = if found { State::Picked } else { State::Gone };
        self.tell(store, line.sku);
        if !found {
            self.later(self.told(store), Event::Missing(order, number));
        }
    }

    /// The hub hears that goods are missing, in every regime with what is in the
    /// record now. Until the promised hour they are sent from elsewhere.
    pub(crate) fn missing(&mut self, order: usize, number: usize) {
        let Part { store, line, .. } = self.orders[order].parts[number];
        self.hub.hear_one(store, line.sku, &self.shop);
        let in_time = self.now <= self.orders[order].by;
        let question = Question {
            id: format!("{order}-{number}"),
            lines: &[line],
            pickup: None,
            without: Some(store),
            partial: false,
        };
        if in_time {
            let answer = self.source_and_ask(&question);
            if answer.open() == 0 {
                self.orders[order].is_resourced = true;
                return self.promise(order, answer.parts);
            }
        }
        self.orders[order].cancelled += line.pieces;
    }
}
