//! Trying a draft of a policy on what was decided before.
//!
//! Every decision is kept with all it was made from, so it can be made again
//! under another policy; orders that were refused are kept beside, so that a
//! draft can show what it would have won. Nothing is changed.
//!
//! Invariant: with the policies that decided, every decision comes out as it did.

mod history;
mod timers;

use evertill_domain::policy::{
    ChannelPolicy, OnlinePolicy, RoutingPolicy, SafetyStockPolicy, Selling, TimerPolicy,
};
use evertill_domain::routing::{Assignment, Snapshot, plan};
use evertill_domain::trial::{Because, Recorded, Retried, Sums, Untried, again};
use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::reference::{PolicyName, ReferenceError};
use evertill_storage::selling::decisions::{self, Decision};
use evertill_storage::selling::refused::{self, Refused};
use evertill_storage::{ReadError, TableError, WriteError};

pub use history::Puts;
pub use timers::{LateStep, Timers};

use crate::state::Hub;

/// Most decisions of one trial; of refused orders no more are kept than these.
pub const MOST: usize = 10_000;
/// Decisions that are read at once.
const PAGE: usize = 200;

/// A draft of a policy about promises.
#[derive(Clone, Debug)]
pub enum Draft {
    /// What is withheld where.
    SafetyStock(SafetyStockPolicy),
    /// Who may sell what.
    Channels(ChannelPolicy),
    /// How rights are shared.
    Online(OnlinePolicy),
    /// How goods are chosen.
    Routing(RoutingPolicy),
    /// How long steps may take.
    Timers(TimerPolicy),
}

impl Draft {
    /// Which policy it is of.
    #[must_use]
    pub const fn name(&self) -> PolicyName {
        match self {
            Self::SafetyStock(_) => PolicyName::SafetyStock,
            Self::Channels(_) => PolicyName::Channels,
            Self::Online(_) => PolicyName::Online,
            Self::Routing(_) => PolicyName::Routing,
            Self::Timers(_) => PolicyName::Timers,
        }
    }

    /// The policies that were in force with this one in its place.
    fn in_place(&self, in_force: &Selling) -> Selling {
        let mut selling = in_force.clone();
        match self {
            Self::SafetyStock(draft) => selling.safety_stock = draft.clone(),
            Self::Channels(draft) => selling.channels = draft.clone(),
            Self::Online(draft) => selling.online = draft.clone(),
            Self::Routing(draft) => selling.routing = draft.clone(),
            Self::Timers(draft) => selling.timers = *draft,
        }
        selling
    }
}

/// What a draft would have decided otherwise.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// What became of orders that were taken in.
    pub orders: Sums,
    /// What became of orders that were refused.
    pub refused: Sums,
    /// What would have been decided otherwise, the first ones: orders that were
    /// refused and would have been taken in, then the others, the newest first.
    pub differences: Vec<Difference>,
    /// How long steps took, for a draft of timers.
    pub timers: Option<Timers>,
}

/// One decision that would have come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The order; none for one that was refused.
    pub order: Option<DocumentId>,
    /// The channel and its name for an order that was refused.
    pub refused: Option<(String, String)>,
    /// When it was decided.
    pub at: Timestamp,
    /// From where the goods came.
    pub was: Vec<Assignment>,
    /// From where they would have come.
    pub would_be: Vec<Assignment>,
    /// Whether all that was asked for was had.
    pub was_whole: bool,
    /// Whether all of it would have been had.
    pub would_be_whole: bool,
    /// Why.
    pub because: Vec<Because>,
}

/// A draft that could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// What was decided could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// What was refused could not be kept.
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
    /// Earlier policies could not be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// Makes the decisions since a time again with a draft; `limit` differences are
/// kept.
///
/// # Errors
/// See [`TrialError`].
pub async fn run(
    hub: &Hub,
    draft: Draft,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Trial, TrialError> {
    super::refused::keep(hub).await?;
    let tries = Tries {
        policies: Puts::read(hub).await?,
        draft,
        limit,
    };
    let mut run = (tries, Trial::default());
    let mut before: Option<Refused> = None;
    for _ in 0..MOST.div_ceil(PAGE) {
        let after = before.take();
        let page = hub
            .store()
            .read(move |conn| refused::page(conn, since, after.as_ref(), PAGE))
            .await?;
        let Some(last) = page.last() else { break };
        before = Some(last.clone());
        run = aside(run, move |tries, trial| {
            for one in &page {
                tries.refused(trial, one);
            }
        })
        .await?;
    }
    let mut before: Option<i64> = None;
    for _ in 0..MOST.div_ceil(PAGE) {
        let page = hub
            .store()
            .read(move |conn| decisions::page(conn, since, before, PAGE))
            .await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        run = aside(run, move |tries, trial| {
            for made in &page {
                tries.decision(trial, made);
            }
        })
        .await?;
    }
    let (tries, mut trial) = run;
    if let Draft::Timers(draft) = &tries.draft {
        trial.timers = Some(timers::measure(hub, *draft, since, limit).await?);
    }
    Ok(trial)
}

/// Planning thousands of orders is work: no request waits behind it.
async fn aside(
    (tries, mut trial): (Tries, Trial),
    work: impl FnOnce(&Tries, &mut Trial) + Send + 'static,
) -> Result<(Tries, Trial), ReadError<TableError>> {
    let done = tokio::task::spawn_blocking(move || {
        work(&tries, &mut trial);
        (tries, trial)
    });
    done.await.map_err(|_| ReadError::Panicked)
}

/// What is tried.
struct Tries {
    policies: Puts,
    draft: Draft,
    limit: usize,
}

impl Tries {
    fn decision(&self, trial: &mut Trial, made: &Decision) {
        let basis = made.basis.as_deref();
        let recorded = read(&made.snapshot, Some(&made.plan), &made.policy, basis);
        let Some(recorded) = recorded else {
            trial.orders.other_release += 1;
            return;
        };
        let tried = self.again(&recorded);
        trial.orders.add(&recorded.plan, &tried);
        let name = (Some(made.document), None);
        self.show(trial, name, made.at, &recorded, tried);
    }

    fn refused(&self, trial: &mut Trial, one: &Refused) {
        let basis = Some(one.basis.as_str());
        let recorded = read(&one.snapshot, None, &one.policy, basis);
        // One that would not be refused any more is decided otherwise by now.
        let recorded = recorded.filter(|recorded| !recorded.plan.unsourced.is_empty());
        let Some(recorded) = recorded else {
            trial.refused.other_release += 1;
            return;
        };
        let tried = self.again(&recorded);
        trial.refused.add(&recorded.plan, &tried);
        let name = (one.channel.clone(), one.external_id.clone());
        self.show(trial, (None, Some(name)), one.at, &recorded, tried);
    }

    fn again(&self, recorded: &Recorded) -> Result<Retried, Untried> {
        let in_force = match &recorded.basis {
            Some(basis) => self
                .policies
                .at(basis.policies)
                .ok_or(Untried::OtherRelease)?,
            None => Selling::default(),
        };
        let in_force = Selling {
            routing: recorded.routing.clone(),
            ..in_force
        };
        again(recorded, &self.draft.in_place(&in_force), &in_force)
    }

    fn show(
        &self,
        trial: &mut Trial,
        (order, refused): (Option<DocumentId>, Option<(String, String)>),
        at: Timestamp,
        recorded: &Recorded,
        tried: Result<Retried, Untried>,
    ) {
        let Ok(retried) = tried else { return };
        if !retried.is_otherwise() || trial.differences.len() >= self.limit {
            return;
        }
        trial.differences.push(Difference {
            order,
            refused,
            at,
            was: recorded.plan.assignments.clone(),
            was_whole: recorded.plan.unsourced.is_empty(),
            would_be_whole: retried.plan.unsourced.is_empty(),
            would_be: retried.plan.assignments,
            because: retried.because,
        });
    }
}

/// A decision as it was kept, its plan made again where none was; none if this
/// release cannot read it.
fn read(snapshot: &str, made: Option<&str>, policy: &str, basis: Option<&str>) -> Option<Recorded> {
    let snapshot: Snapshot = serde_json::from_str(snapshot).ok()?;
    let routing: RoutingPolicy = serde_json::from_str(policy).ok()?;
    Some(Recorded {
        plan: match made {
            Some(made) => serde_json::from_str(made).ok()?,
            None => plan(&snapshot, &routing),
        },
        basis: match basis {
            Some(basis) => serde_json::from_str(basis).ok()?,
            None => None,
        },
        snapshot,
        routing,
    })
}
