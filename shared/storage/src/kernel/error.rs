//! What can go wrong with a store, in words an operator can act on.
//!
//! Invariant: every message names the operation, its subject and a remedy; no
//! variant carries customer data.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::options::Role;

/// Why a store could not be opened. Each message is one line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path exists and is something else.
    #[error("{} is not a folder: give a folder for the data", dir.display())]
    NotAFolder {
        /// The path given as data folder.
        dir: PathBuf,
    },
    /// The folder is missing, and the command may not create it.
    #[error("there is no folder {}: check the path", dir.display())]
    NoFolder {
        /// The path given as data folder.
        dir: PathBuf,
    },
    /// The folder holds no database, and the command may not create one.
    #[error("{} holds no {role} database: check the path, or start the {role} there first", dir.display())]
    NoDatabase {
        /// The data folder.
        dir: PathBuf,
        /// The role that was looked for.
        role: Role,
    },
    /// The folder or a file of the kernel in it cannot be used.
    #[error("could not {operation} {}: {source}; make it readable and writable for this user, or give another data folder", path.display())]
    Access {
        /// What was tried, e.g. "create" or "open".
        operation: &'static str,
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process has the folder open.
    #[error("{} is in use by {}: stop it first, or give another data folder", dir.display(), holder_words(*holder))]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// Process id of the holder, when it could be read.
        holder: Option<u32>,
    },
    /// The file is not a database of ours.
    #[error("{} is not an Evertill database ({detail}): move it away or give another data folder", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A hub's folder was given to a node, or the other way round.
    #[error("{} belongs to a {found}, not to a {wanted}: give the {wanted}'s own data folder", dir.display())]
    WrongRole {
        /// The data folder.
        dir: PathBuf,
        /// The role in the database.
        found: Role,
        /// The role asked for.
        wanted: Role,
    },
    /// A later release wrote this database.
    #[error("{} was written by a newer release (schema {found}, this one knows {known}): install that release or restore a backup", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Schema number in the file.
        found: usize,
        /// Highest schema number this release knows.
        known: usize,
    },
    /// SQLite did not take a setting that durability rests on.
    #[error("{} refuses {setting} = {wanted} (it says {found}): put the data folder on a local disk with working file locks", path.display())]
    Setting {
        /// The database file.
        path: PathBuf,
        /// Name of the pragma.
        setting: &'static str,
        /// The value that is needed.
        wanted: String,
        /// The value read back.
        found: String,
    },
    /// No room for the first pages or for a migration.
    #[error("no room to open {}: {detail}; free some disk space or raise the size limit", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// Anything else SQLite or the system reports.
    #[error("could not {operation} {}: {detail}; check the disk, then restore a backup if the file is damaged", path.display())]
    Storage {
        /// What was tried.
        operation: &'static str,
        /// The database file.
        path: PathBuf,
        /// What was reported.
        detail: String,
    },
}

fn holder_words(holder: Option<u32>) -> String {
    match holder {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// The database or its disk failed; what was asked did not happen.
#[derive(Clone, Debug, Error)]
#[error("could not {operation}: {detail}; nothing was changed, check the disk and try again")]
pub struct StorageError {
    /// What was tried.
    pub operation: String,
    /// What SQLite or the system reported.
    pub detail: String,
}

/// Why a write did not happen. Whatever the variant, the write left nothing
/// behind.
#[derive(Debug, Error)]
pub enum WriteError<E: Error + 'static> {
    /// The closure's own error; only its savepoint was rolled back.
    #[error(transparent)]
    Rejected(E),
    /// [`super::QUEUE_LIMIT`] writes are waiting already.
    #[error("could not queue {name}: {waiting} writes are waiting; try again in a moment")]
    Busy {
        /// Name of the write.
        name: &'static str,
        /// Writes waiting.
        waiting: usize,
    },
    /// The disk, or the size limit of the database, is reached.
    #[error(
        "could not commit {name}: the disk or the database's size limit is full ({detail}); free some space or raise the limit"
    )]
    Full {
        /// Name of the write.
        name: &'static str,
        /// What SQLite reported.
        detail: String,
    },
    /// The database or its disk failed.
    #[error(transparent)]
    Storage(StorageError),
    /// The closure panicked; the panic message is in the log.
    #[error(
        "could not finish {name}: it failed in an unforeseen way and was undone; please report it with the log"
    )]
    Panicked {
        /// Name of the write.
        name: &'static str,
    },
    /// The store is closing or closed.
    #[error("could not run {name}: the store is closed")]
    Closed {
        /// Name of the write.
        name: &'static str,
    },
}

/// Why a read did not give its result.
#[derive(Debug, Error)]
pub enum ReadError<E: Error + 'static> {
    /// The closure's own error.
    #[error(transparent)]
    Failed(E),
    /// [`super::READ_QUEUE_LIMIT`] reads are waiting already.
    #[error("could not queue a read: {waiting} reads are waiting; try again in a moment")]
    Busy {
        /// Reads waiting.
        waiting: usize,
    },
    /// The snapshot could not be opened.
    #[error(transparent)]
    Storage(StorageError),
    /// The closure panicked; the panic message is in the log.
    #[error(
        "could not finish a read: it failed in an unforeseen way; please report it with the log"
    )]
    Panicked,
    /// The store is closing or closed.
    #[error("could not read: the store is closed")]
    Closed,
}
