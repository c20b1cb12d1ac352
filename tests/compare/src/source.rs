//! Where goods come from: what the router is asked, and what it answers.
//!
//! Invariant: the router and its snapshots are the product's, for every regime;
//! only what may be promised differs.

use std::collections::BTreeMap;

use evertill_domain::routing::{
    Assignment, Candidate, Destination, Plan, Snapshot, Spares, Wanted, plan, worth_asking,
};
use evertill_domain::{LocationId, Sku, Timestamp};

use crate::demand::{Line, STORES};
use crate::order::{Part, State};
use crate::regime::PIECE;
use crate::week::Week;

/// What the router is asked.
pub(crate) struct Question<'a> {
    pub(crate) id: String,
    pub(crate) lines: &'a [Line],
    pub(crate) pickup: Option<usize>,
    pub(crate) without: Option<usize>,
    /// Whether a part may stay open.
    pub(crate) partial: bool,
}

/// What it answers: parts, and pieces of each line that stay open.
pub(crate) struct Answer {
    pub(crate) parts: Vec<Part>,
    pub(crate) open: Vec<i64>,
}

impl Answer {
    /// Pieces that stay open.
    pub(crate) fn open(&self) -> i64 {
        self.open.iter().sum()
    }
}

impl Week<'_> {
    /// The router's answer; with rights, stores that are connected are asked
    /// first where a better plan can be made with what they can spare.
    pub(crate) fn source_and_ask(&mut self, question: &Question<'_>) -> Answer {
        let (snapshot, plan) = self.planned(question, false);
        if plan.is_kept_by_one() || self.hub.rights.is_none() {
            return self.answer(&plan, question.lines);
        }
        let spares = self.spares(question);
        let wishes = worth_asking(&snapshot, &plan, &self.policy, &spares);
        if wishes.is_empty() {
            return self.answer(&plan, question.lines);
        }
        for wish in wishes {
            let store = self.store(&wish.location);
            let mut lines = question.lines.iter();
            let sku = lines.find(|line| self.demand.skus[line.sku] == wish.sku);
            if let Some((rights, line)) = self.hub.rights.as_mut().zip(sku) {
                rights.contact(store, line.sku, wish.quantity / PIECE);
            }
        }
        self.source(question, false)
    }

    /// What stores whose line is up could hand on.
    fn spares(&self, question: &Question<'_>) -> Spares {
        let stores = (0..STORES).filter(|store| question.asks(*store) && self.is_up(*store));
        let of = |store: usize| {
            let of = |line: &Line| {
                let sku = self.demand.skus[line.sku].clone();
                (sku, self.hub.spare(store, line.sku))
            };
            question.lines.iter().map(of).collect()
        };
        stores
            .map(|store| (self.demand.stores[store].clone(), of(store)))
            .collect()
    }

    /// The router's answer; with `truth` it is asked about the shelves.
    pub(crate) fn source(&self, question: &Question<'_>, truth: bool) -> Answer {
        self.answer(&self.planned(question, truth).1, question.lines)
    }

    fn planned(&self, question: &Question<'_>, truth: bool) -> (Snapshot, Plan) {
        let now = i64::try_from(self.now * 1_000).unwrap_or(i64::MAX);
        let now = Timestamp::from_millis(now);
        let stores = (0..STORES).filter(|store| question.asks(*store));
        let wanted = (1..).zip(question.lines).map(|(line, of)| Wanted {
            line,
            sku: self.demand.skus[of.sku].clone(),
            quantity: of.pieces * PIECE,
        });
        let snapshot = Snapshot {
            order: question.id.clone(),
            now,
            wanted: wanted.collect(),
            destination: match question.pickup {
                Some(store) => Destination::Pickup(self.demand.stores[store].clone()),
                None => Destination::Ship {
                    position: None,
                    zone: None,
                    area: None,
                },
            },
            promise_by: None,
            allow_split: true,
            allow_partial: question.partial,
            policy_version: 1,
            candidates: stores
                .map(|store| self.candidate(store, question.lines, truth, now))
                .collect(),
            asked: Vec::new(),
        };
        let plan = plan(&snapshot, &self.policy);
        (snapshot, plan)
    }

    fn answer(&self, plan: &Plan, lines: &[Line]) -> Answer {
        let open = (1..).zip(lines).map(|(line, _)| {
            let open = plan.unsourced.get(&line);
            open.map_or(0, |open| open / PIECE)
        });
        Answer {
            open: open.collect(),
            parts: (plan.assignments.iter())
                .map(|assigned| self.part(assigned, lines))
                .collect(),
        }
    }

    fn store(&self, location: &LocationId) -> usize {
        let mut stores = self.demand.stores.iter();
        let store = stores.position(|store| store == location);
        store.expect("invariant: the router chooses among the stores")
    }

    fn part(&self, assigned: &Assignment, lines: &[Line]) -> Part {
        let store = self.store(&assigned.location);
        let line = usize::try_from(assigned.line).unwrap_or_default() - 1;
        let (of, pieces) = (lines[line], assigned.quantity / PIECE);
        let worth = of.worth_of(pieces);
        Part {
            store,
            line: Line {
                pieces,
                worth,
                ..of
            },
            state: State::Open,
        }
    }

    fn candidate(&self, store: usize, lines: &[Line], truth: bool, now: Timestamp) -> Candidate {
        let silent = self.silent(store);
        let usable = |sku: usize| {
            if truth {
                (self.shop.shelf[store][sku] - self.shop.unpicked[store][sku]).max(0)
            } else {
                self.hub.usable(store, sku, &self.shop, silent)
            }
        };
        let by_sku = |of: &dyn Fn(usize) -> i64| -> BTreeMap<Sku, i64> {
            let pair = |line: &Line| (self.demand.skus[line.sku].clone(), of(line.sku));
            lines.iter().map(pair).collect()
        };
        Candidate {
            location: self.demand.stores[store].clone(),
            position: None,
            kind: None,
            area: None,
            usable: by_sku(&|sku| usable(sku) * PIECE),
            depth: by_sku(&|sku| self.hub.counted(store, sku).max(0) * PIECE),
            demand: by_sku(&|sku| self.demand.daily(store, sku)),
            free_capacity: 100,
            ready_at: now,
            opening: None,
            selling_open: true,
            suspended: !truth && self.hub.is_suspended(silent),
            data_age_s: u32::try_from(silent).unwrap_or(u32::MAX),
            cooling_until: None,
        }
    }
}

impl Question<'_> {
    /// Whether a store is asked.
    fn asks(&self, store: usize) -> bool {
        self.without != Some(store) && self.pickup.is_none_or(|only| only == store)
    }
}
