//! Who ordered, on the way to the locations that have to know it.
//!
//! The hub keeps for each location the set of orders whose customer it may know
//! (`contact_place`), numbered by change; a node takes the changes after the
//! number that it holds, or everything anew. Neither is a projection, and nothing
//! of it is in an entry, a feed or a backup of a node: whatever is taken back here
//! is gone.
//!
//! Invariant: a location knows the customer of an order only while it has work
//! with it, and a while after.

mod hub;
mod node;
mod row;

pub use hub::{GRACE_MS, erase, head_of, heads, last, page, refresh, sweep};
pub use node::{KEEP_MS, all, forget_all, keep, of, position, sweep as sweep_kept};
pub use row::{Row, UnreadableRows, decode};

/// What a location may know of a customer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Customer {
    /// Their name.
    pub name: Option<String>,
    /// Where they can be called.
    pub phone: Option<String>,
    /// Where it is shipped, as JSON; only where it is shipped from.
    pub address: Option<String>,
}

/// What is personal appears in no log.
impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Customer(..)")
    }
}

/// A place in a location's changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// The life of the hub's database; 0 before the first page.
    pub hub: u64,
    /// The number of the last change.
    pub version: u64,
}

/// Changes that lead from one place to another; from nothing they are everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Where it starts.
    pub from: Position,
    /// Where it leads.
    pub to: Position,
    /// The changes, as [`decode`] reads them.
    pub rows: Vec<u8>,
}
