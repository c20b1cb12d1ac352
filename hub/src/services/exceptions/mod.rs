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
mod look;
mod order;
mod stock;

use evertill_storage::exceptions::{self, Exception, Filter};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{ReadError, TableError, TableResult};

pub use act::{act, check_note};
pub use breach::{breach_key, look_again, suspect};
pub use look::{look, wild_clock};
pub use order::{of_order, of_seal};

use crate::state::Hub;

/// Cases and orders that one round looks at.
const AT_ONCE: usize = 200;

/// A problem with what was done about it.
pub type Shown = (Exception, Vec<exceptions::Action>);

/// Problems by number, after one.
///
/// # Errors
/// The database could not be read.
pub async fn page(
    hub: &Hub,
    filter: Filter,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<Exception>, ReadError<TableError>> {
    hub.store()
        .read(move |conn| exceptions::page(conn, &filter, after, limit))
        .await
}

/// One of them; `None` if there is none.
///
/// # Errors
/// The database could not be read.
pub async fn show(hub: &Hub, id: i64) -> Result<Option<Shown>, ReadError<TableError>> {
    hub.store().read(move |conn| shown(conn, id)).await
}

fn shown(conn: &Connection, id: i64) -> TableResult<Option<Shown>> {
    let Some(found) = exceptions::find(conn, id)? else {
        return Ok(None);
    };
    let actions = exceptions::actions(conn, id)?;
    Ok(Some((found, actions)))
}
