//! Trying a draft of the routing policy on what was decided before.
//!
//! Every decision is kept with all it was made from, so it can be made again
//! with another policy: nothing is guessed, and nothing is changed.
//!
//! Invariant: with the policy that decided, every decision comes out as it did.

use evertill_domain::policy::RoutingPolicy;
use evertill_domain::routing::{Assignment, Plan, Snapshot, plan};
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::selling::decisions::{self, Decision};
use evertill_storage::{ReadError, TableError};

use crate::state::Hub;

/// Most decisions of one trial.
pub const MOST: usize = 10_000;

/// What a draft would have decided otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// How many decisions were made again.
    pub decisions: usize,
    /// How many would have come out otherwise.
    pub changed: usize,
    /// Orders that the draft could not have sourced in full, and the policy did.
    pub lost: usize,
    /// Orders that the draft could have sourced in full, and the policy did not.
    pub won: usize,
    /// Orders that would have come from more places.
    pub more_places: usize,
    /// Orders that would have come from fewer places.
    pub fewer_places: usize,
    /// What would have been decided otherwise, the first ones.
    pub differences: Vec<Difference>,
}

/// One decision that would have come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The order.
    pub order: DocumentId,
    /// When it was decided.
    pub at: Timestamp,
    /// From where the goods came.
    pub was: Vec<Assignment>,
    /// From where they would have come.
    pub would_be: Vec<Assignment>,
}

/// Makes the decisions since a time again with a draft; `limit` differences are
/// kept.
///
/// # Errors
/// The database could not be read.
pub async fn routing(
    hub: &Hub,
    draft: RoutingPolicy,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Trial, ReadError<TableError>> {
    let made = hub
        .store()
        .read(move |conn| decisions::since(conn, since, MOST))
        .await?;
    // Planning thousands of orders is work: no request waits behind it.
    let tried = tokio::task::spawn_blocking(move || again(made, &draft, limit));
    tried.await.map_err(|_| ReadError::Panicked)
}

fn again(made: Vec<Decision>, draft: &RoutingPolicy, limit: usize) -> Trial {
    let mut trial = Trial::default();
    for decision in made {
        let snapshot = serde_json::from_str::<Snapshot>(&decision.snapshot);
        let was = serde_json::from_str::<Plan>(&decision.plan);
        // One of another release that this one cannot read is left out.
        let (Ok(snapshot), Ok(was)) = (snapshot, was) else {
            continue;
        };
        let would_be = plan(&snapshot, draft);
        trial.decisions += 1;
        if was.assignments == would_be.assignments {
            continue;
        }
        trial.changed += 1;
        let (before, after) = (was.unsourced.is_empty(), would_be.unsourced.is_empty());
        trial.lost += usize::from(before && !after);
        trial.won += usize::from(!before && after);
        let (from, to) = (places(&was), places(&would_be));
        trial.more_places += usize::from(to > from);
        trial.fewer_places += usize::from(to < from);
        if trial.differences.len() < limit {
            trial.differences.push(Difference {
                order: decision.document,
                at: decision.at,
                was: was.assignments,
                would_be: would_be.assignments,
            });
        }
    }
    trial
}

fn places(plan: &Plan) -> usize {
    let places = plan.assignments.iter().map(|part| &part.location);
    places.collect::<std::collections::BTreeSet<_>>().len()
}
