//! Which rights are worth asking connected stores for before an order is given
//! to more locations than need be.
//!
//! Invariant: only what a store that is connected can spare counts.

use evertill_domain::availability::{PairBasis, at_location};
use evertill_domain::routing::{RightsAsked, Spare, Spares, worth_asking};
use evertill_domain::trial::usable as usable_of;
use evertill_storage::TableResult;
use evertill_storage::rusqlite::Connection;

use super::sourcing::Planned;
use crate::services::grants;
use crate::services::ground::{Ground, Picture};
use crate::state::Hub;

/// Whether stores may be asked for rights before an order is accepted, and what
/// they were asked for already. By default it is accepted as it can be.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Whether they may be.
    pub may_ask: bool,
    /// What they were asked for.
    pub asked: Vec<RightsAsked>,
}

impl Planned {
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
