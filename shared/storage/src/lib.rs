//! Durable storage of a node or hub: one SQLite database with one writer.
//!
//! [`kernel`] owns the database file, its lock, the writer thread with group
//! commit, the readers and the checkpoints. The other modules are SQL beside
//! its noun: functions over a `rusqlite::Connection` that run inside a kernel
//! write, a kernel read, or a test's own connection.
//!
//! [`mod@reference`] is a database of its own, with its own writer, so that master
//! data never delays a sale.
//!
//! Invariant: nothing outside this crate opens the database file, and every
//! change to it goes through [`Store::write`].

pub mod apikeys;
pub mod apply;
mod arrival;
pub mod backup;
pub mod changes;
pub mod completeness;
pub mod counts;
pub mod drafts;
pub mod duties;
pub mod enrolments;
pub mod exceptions;
pub mod feed;
pub mod grants;
pub mod idempotency;
pub mod imports;
pub mod ingest;
pub mod journal;
pub mod kernel;
pub mod messages;
pub mod pickup;
pub mod private;
pub mod projection;
pub mod quarantine;
pub mod rebuild;
pub mod reference;
pub mod refunds;
pub mod registers;
pub mod seal_proposals;
pub mod secret;
pub mod selling;
mod sql;
pub mod surroundings;
pub mod verify;
pub mod webhooks;

pub use kernel::{
    CommitReceiver, OpenError, ReadError, Role, StorageError, Store, StoreOptions, WriteError,
    WriteTx,
};
pub use rusqlite;
pub use sql::{TableError, TableResult};
pub use surroundings::Surroundings;
