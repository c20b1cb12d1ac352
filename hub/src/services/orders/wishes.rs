//! Which rights are worth asking connected stores for before an order is given
//! to more locations than need be.
//!
//! A customer waits for the answer to a new order, so that is tried again within
//! the moment. What a round sources again rests that long and is taken up by a
//! later round, so that no other order waits for it.
//!
//! Invariant: only what a store that is connected can spare counts.

use evertill_domain::availability::{PairBasis, at_location};
use evertill_domain::routing::{RightsAsked, Spare, Spares, worth_asking};
use evertill_domain::trial::usable as usable_of;
use evertill_storage::TableResult;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::decisions;

use super::intake::remember;
use super::revise::{Ask, At};
use super::sourcing::Planned;
use super::{OrderRefusal, known};
use crate::services::grants;
use crate::services::ground::{Ground, Picture};
use crate::state::Hub;

/// Why a decision is kept that gave nothing: nobody could take the order on.
const UNSOURCED: &str = "unsourced";

/// Whether stores may be asked for rights before an order is accepted, and what
/// they were asked for already. By default it is accepted as it can be.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Whether they may be.
    pub may_ask: bool,
    /// What they were asked for.
    pub asked: Vec<RightsAsked>,
}

/// What came of sourcing again what nobody has taken on.
#[derive(Clone, Debug)]
pub(super) enum Sourced {
    /// All of it is promised or waits for supply.
    Whole,
    /// A part of it is still open.
    Open,
    /// Nothing was done yet: stores were asked for rights.
    Asked(Vec<RightsAsked>),
}

impl At<'_> {
    /// Promises as much as can be had of what nobody has taken on; where rights
    /// that connected stores can spare make a better plan, they are asked first.
    pub(super) fn source_what_can(
        &self,
        cause: &str,
        asking: &Asking,
    ) -> Result<Sourced, OrderRefusal> {
        let order = known(self.conn, &self.document)?;
        let Some(mut planned) = self.plan(&order, &Ask::Open)? else {
            return Ok(Sourced::Whole);
        };
        planned.after_asking(asking);
        let (conn, hub, picture) = (self.conn, self.hub, self.picture);
        if asking.may_ask && !planned.recorded.plan.is_kept_by_one() {
            let ground = Ground::of(conn, hub, self.author.replica, picture, self.now)?;
            let wishes = planned.worth_asking((conn, hub), &ground, picture)?;
            let sent = grants::send(conn, (hub, self.author), picture, &wishes, self.now)?;
            if !sent.is_empty() {
                return Ok(Sourced::Asked(wishes));
            }
        }
        let whole = planned.recorded.plan.unsourced.is_empty();
        if whole || Ask::Open.may_stay_open(&order) {
            self.promise(&order, cause, (&planned, &Ask::Open))?;
        } else if decisions::last_cause(conn, &self.document)?.as_deref() != Some(UNSOURCED) {
            // Why nobody takes it on is kept once, however often it is tried.
            remember(conn, &self.document, UNSOURCED, &planned, self.now)?;
        }
        Ok(if whole { Sourced::Whole } else { Sourced::Open })
    }
}

impl Planned {
    /// Keeps what stores were asked for before the plan was made.
    pub(super) fn after_asking(&mut self, asking: &Asking) {
        self.recorded.snapshot.asked.clone_from(&asking.asked);
    }

    /// The rights to ask for, because a better plan could be made with them.
    ///
    /// # Errors
    /// The tables could not be read.
    pub(super) fn worth_asking(
        &self,
        (conn, hub): (&Connection, &Hub),
        ground: &Ground<'_>,
        picture: &Picture,
    ) -> TableResult<Vec<RightsAsked>> {
        let recorded = &self.recorded;
        if recorded.plan.is_kept_by_one() {
            return Ok(Vec::new());
        }
        let mut spares = Spares::new();
        for ((id, sku), pair) in &self.pairs {
            let known = picture.location(id).zip(picture.products.get(sku));
            let asked = recorded.basis.as_ref();
            let asked = asked.and_then(|basis| basis.asked((id, sku), recorded.snapshot.now));
            let Some(((location, product), asked)) = known.zip(asked) else {
                continue;
            };
            let rights = grants::spare(conn, hub, ground, (location, product), &pair.cells)?;
            if rights == 0 {
                continue;
            }
            let with_them = PairBasis {
                hub_rights: pair.basis.hub_rights.saturating_add(rights),
                ..pair.basis
            };
            let selling = &*picture.selling;
            let figures = with_them.figures(&asked, selling, selling);
            let atp = at_location(id.clone(), &figures).atp;
            let spare = Spare {
                rights,
                usable: usable_of(atp, asked.quantum),
            };
            spares
                .entry(id.clone())
                .or_default()
                .insert(sku.clone(), spare);
        }
        let (snapshot, plan) = (&recorded.snapshot, &recorded.plan);
        Ok(worth_asking(snapshot, plan, &recorded.routing, &spares))
    }
}
