//! Reference data: the products, locations and policies that a hub publishes
//! and every node holds a copy of.
//!
//! It lives in a database of its own, reference.db, with its own writer, so that
//! a first snapshot of a hundred thousand products never delays a sale. The hub
//! is its only author: a batch of changes raises the version by one, rows carry
//! the version that last changed them, and a deletion leaves a tombstone. A node
//! asks for what follows its position, keeps page after page, and swaps the new
//! set in when it is complete.
//!
//! A restored hub must call [`ReferenceStore::renew`], because the versions it
//! published after the backup would otherwise be given out again with other
//! content.
//!
//! Invariant: a reader sees the complete set of one version of one hub, and
//! nothing in between.

#![allow(
    clippy::missing_panics_doc,
    reason = "every expect states an invariant that the types uphold"
)]

pub use apply::Change;
pub use batch::Batch;
pub use error::ReferenceError;
pub use page::{PAGE_MAX_BYTES, Page};
pub use policies::{PolicyName, PolicyRevision, StoredPolicy, UnknownPolicy};
pub use row::{Cursor, Kind, Position, Row};
pub use store::{REFERENCE_FILE, ReferenceStore};
pub use view::{PRODUCTS_MAX, View};

mod apply;
mod batch;
mod codec;
mod connection;
mod error;
mod lenient;
mod page;
mod pages;
mod policies;
mod row;
mod search;
mod slot;
mod staging;
mod state;
mod store;
mod text;
mod view;
