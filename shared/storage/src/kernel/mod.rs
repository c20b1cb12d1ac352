//! The storage kernel: one database, one writer thread, group commit.
//!
//! A write is a closure. The writer thread takes every queued closure (never
//! waiting for more), runs each in a savepoint of one transaction, commits once
//! (one fsync) and only then answers all of them. Reads run on their own
//! threads over snapshots; checkpoints run on a second connection so that a
//! sale does not pay for them. See
//! `shared/decisions/0002-one-writer-group-commit.md`.
//!
//! Invariant: an answer that leaves the kernel is on stable storage, and a
//! closure that failed, panicked or met a full disk left nothing behind.

mod checkpoint;
mod command;
mod connection;
pub mod control;
mod disk;
mod error;
mod fault;
mod lock;
mod migrations;
mod options;
mod queue;
mod readers;
mod store;
mod transaction;
mod writer;

pub(crate) use connection::DATABASE_FILE;
pub use error::{OpenError, ReadError, StorageError, WriteError};
pub use lock::DirLock;
pub use migrations::migrate;
pub use options::{
    CHECKPOINT_PAGES, GROUP_LIMIT, QUEUE_LIMIT, READ_QUEUE_LIMIT, READERS_MAX, Role, StoreOptions,
    WAL_KEEP_BYTES, WAL_LIMIT_BYTES,
};
pub use store::{CommitReceiver, Store, StoreStats};
pub use transaction::WriteTx;
