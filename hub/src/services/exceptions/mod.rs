//! Exceptions: what opens them, what ends them, and what people do about them.
//!
//! Some are found where their facts are (a debt that only promises can cover, an
//! order that nobody can take on); the others are looked for in rounds. A problem
//! that is gone resolves itself.
//!
//! Invariant: each conflict of an order, each case in quarantine and each silent
//! location has exactly one.

mod act;
mod breach;
mod late;
mod look;
mod order;
mod remedy;
mod situation;
mod stock;

use evertill_domain::Money;
use evertill_domain::order::OrderObligation;
use evertill_storage::exceptions::{self, Exception, Filter};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{ReadError, TableError, TableResult};

pub use act::{Asked, act, check_note};
pub use breach::{breach_key, look_again, suspect};
pub use look::{look, wild_clock};
pub use order::{Unmet, of_order, of_seal, unmet_key};

use super::ground::Picture;
use super::orders::{self, PrepareError};
use crate::state::Hub;

/// Cases and orders that one round looks at.
const AT_ONCE: usize = 200;

/// What can be done about every problem that is not resolved.
const GENERIC: [&str; 3] = ["acknowledge", "assign", "resolve"];

/// A problem with what was done about it and what can be.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The problem.
    pub found: Exception,
    /// What was done about it; none in a list.
    pub history: Vec<exceptions::Action>,
    /// The actions that can be posted; in a list those of its kind.
    pub actions: Vec<&'static str>,
    /// Money that its order owes to its customer, or its customer for it; none
    /// in a list.
    pub owed: Vec<(&'static str, Money)>,
}

impl Shown {
    /// A problem as a list shows it.
    fn listed(found: Exception) -> Self {
        let mut actions = Vec::new();
        if found.resolved.is_none() {
            let own = found.opening.kind.meaning().actions.iter();
            actions.extend(GENERIC.into_iter().chain(own.map(|action| action.as_str())));
        }
        Self {
            found,
            history: Vec::new(),
            actions,
            owed: Vec::new(),
        }
    }
}

/// Problems by number, after one.
///
/// # Errors
/// The database could not be read.
pub async fn page(
    hub: &Hub,
    filter: Filter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Shown>, ReadError<TableError>> {
    let page = hub
        .store()
        .read(move |conn| exceptions::page(conn, &filter, after, limit))
        .await?;
    Ok(page.into_iter().map(Shown::listed).collect())
}

/// One of them; `None` if there is none.
///
/// # Errors
/// The database could not be read.
pub async fn show(hub: &Hub, id: i64) -> Result<Option<Shown>, ReadError<TableError>> {
    hub.store().read(move |conn| shown(conn, id)).await
}

/// Master data and policies for what a problem is about.
///
/// # Errors
/// A database could not be read.
pub async fn picture_of(hub: &Hub, id: i64) -> Result<Picture, PrepareError> {
    let found = hub
        .store()
        .read(move |conn| exceptions::find(conn, id))
        .await?;
    let opening = found.map(|found| found.opening);
    if let Some(document) = opening.as_ref().and_then(|opening| opening.document) {
        return orders::picture_of(hub, document).await;
    }
    let sku = opening.and_then(|opening| opening.sku);
    orders::picture(hub, sku.into_iter().collect()).await
}

fn shown(conn: &Connection, id: i64) -> TableResult<Option<Shown>> {
    let Some(found) = exceptions::find(conn, id)? else {
        return Ok(None);
    };
    let order = situation::order_of(conn, &found.opening)?;
    let owed = order.iter().flat_map(|order| &order.obligations);
    let owed = owed.filter_map(|owed| match owed {
        OrderObligation::Refund { amount } => Some(("refund", *amount)),
        OrderObligation::Recollect { amount } => Some(("recollect", *amount)),
        _ => None,
    });
    Ok(Some(Shown {
        history: exceptions::actions(conn, id)?,
        actions: situation::actions(conn, &found)?,
        owed: owed.collect(),
        found,
    }))
}
