//! Looking after a data folder, the same at node and hub: reach the folder or
//! its holder, verify, rebuild, examine.
//!
//! Invariant: nothing here changes a journal; standard output carries what a
//! command was asked for and nothing else.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use evertill_domain::Timestamp;
use evertill_storage::kernel::control::{self, Failed, Request};
use evertill_storage::rebuild::{self, Rebuilt};
use evertill_storage::reference::{ReferenceStore, View};
use evertill_storage::{Store, StoreOptions, verify as verification};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;

/// Free space below which a service should be given more, in bytes.
const FREE_MIN: u64 = 1 << 30;
/// A clock before this (2024-01-01) has lost its battery, in milliseconds.
const CLOCK_MIN: i64 = 1_704_067_200_000;

/// Carries a command out: in this process if nobody holds the folder, else in
/// the one that does.
///
/// # Errors
/// The command's failure, with the exit status it decided on.
pub fn carry_out<T: DeserializeOwned>(
    data: &Path,
    options: &StoreOptions,
    request: Request,
    on_progress: &mut dyn FnMut(Value),
    alone: impl FnOnce(&Store, Request, &mut dyn FnMut(Value)) -> Result<Value, Failed>,
) -> Result<T, Failure> {
    let answer = control::carry_out(data, options, request, on_progress, alone)
        .map_err(|error| failure(error.status(), &error))?;
    serde_json::from_value(answer).map_err(|error| {
        Failure::failed(format!(
            "the running service answered in another form ({error}): \
             use the binary of the same release"
        ))
    })
}

/// A command of the control socket, from its request.
///
/// # Errors
/// Wrong use, when this release does not know the command.
pub fn command<C: DeserializeOwned>(request: Request) -> Result<C, Failed> {
    serde_json::to_value(request)
        .and_then(serde_json::from_value)
        .map_err(|error| {
            Failed::wrong_use(format!(
                "the running service does not know this command ({error}): \
                 use the binary of the same release"
            ))
        })
}

/// The result of a service as the control socket carries it.
///
/// # Errors
/// The service's failure.
pub fn answer<T: Serialize, E: Into<Failed>>(done: Result<T, E>) -> Result<Value, Failed> {
    let done = done.map_err(Into::into)?;
    serde_json::to_value(done).map_err(Failed::new)
}

/// A failure with the exit status that a command decided on.
pub fn failure(status: u8, error: &dyn std::error::Error) -> Failure {
    match status {
        2 => Failure::wrong_use(error),
        _ => Failure::failed(error),
    }
}

/// Prints a line that was asked for.
///
/// # Errors
/// Standard output is closed.
pub fn print(line: impl std::fmt::Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::failed(format!("could not write to standard output: {error}")))
}

/// A path as it can be sent to another process.
///
/// # Errors
/// Wrong use, when it is no path.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::wrong_use(format!("{} is no path: {error}", path.display())))
}

/// A journal that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedJournal {
    /// How many entries it has.
    pub entries: u64,
    /// Hash of the last one.
    pub head: String,
}

/// Walks every journal and feed, hash by hash. Blocks.
///
/// # Errors
/// The first bad row, with replica, number and reason, or the database failed.
pub fn verify(store: &Store) -> Result<Vec<VerifiedJournal>, Failed> {
    let verified = store.read_blocking(verification::verify);
    let verified = verified.map_err(Failed::new)?;
    let journals = verified.into_iter().filter(|one| one.feed.is_none());
    Ok(journals
        .map(|journal| VerifiedJournal {
            entries: journal.entries,
            head: journal.head.to_string(),
        })
        .collect())
}

/// Prints one line for each journal that is whole.
///
/// # Errors
/// Standard output is closed.
pub fn print_verified(journals: &[VerifiedJournal]) -> Result<(), Failure> {
    journals
        .iter()
        .try_for_each(|journal| print(format_args!("ok {} {}", journal.entries, journal.head)))
}

/// What a rebuild went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuiltTables {
    /// Entries applied.
    pub entries: u64,
    /// Feed items applied.
    pub items: u64,
    /// Entries and items left out, because they are in quarantine.
    pub left_out: u64,
}

/// Drops the projections and makes them anew from what is stored. Blocks.
///
/// # Errors
/// The database failed; everything is as it was.
pub fn rebuild(store: &Store) -> Result<RebuiltTables, Failed> {
    let rebuilt = store.write_blocking("rebuild", |tx| rebuild::rebuild(tx));
    let Rebuilt {
        entries,
        items,
        left_out,
    } = rebuilt.map_err(Failed::new)?;
    Ok(RebuiltTables {
        entries,
        items,
        left_out,
    })
}

/// Prints what a rebuild went through.
///
/// # Errors
/// Standard output is closed.
pub fn print_rebuilt(rebuilt: &RebuiltTables) -> Result<(), Failure> {
    print(format_args!(
        "rebuilt from {} entries and {} feed items, {} left in quarantine",
        rebuilt.entries, rebuilt.items, rebuilt.left_out
    ))
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// Whether it is as it should be.
    pub fine: bool,
    /// What was found, and what to do if it is not fine.
    pub detail: String,
}

impl Finding {
    /// A finding from its three parts.
    pub fn new(subject: &str, fine: bool, detail: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            fine,
            detail: detail.into(),
        }
    }
}

/// Looks at what node and hub have alike: clock, disk, databases.
#[must_use]
pub fn examine(store: &Store, reference: &ReferenceStore, now: Timestamp) -> Vec<Finding> {
    vec![clock(now), disk(store), database(store), master(reference)]
}

/// Prints findings, and fails if one of them needs attention.
///
/// # Errors
/// How many need attention, or standard output is closed.
pub fn print_findings(findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        let mark = if finding.fine { "ok" } else { "bad" };
        print(format_args!(
            "{mark} {}: {}",
            finding.subject, finding.detail
        ))?;
    }
    match findings.iter().filter(|finding| !finding.fine).count() {
        0 => Ok(()),
        bad => Err(Failure::failed(format!(
            "{bad} of {} things need attention",
            findings.len()
        ))),
    }
}

fn clock(now: Timestamp) -> Finding {
    let fine = now.as_millis() > CLOCK_MIN;
    let remedy = if fine {
        ""
    } else {
        ": set this machine's clock"
    };
    Finding::new("clock", fine, format!("{now}{remedy}"))
}

fn disk(store: &Store) -> Finding {
    match store.disk_free() {
        Ok(free) if free >= FREE_MIN => {
            Finding::new("disk", true, format!("{} MiB free", free >> 20))
        }
        Ok(free) => {
            let free = free >> 20;
            let detail = format!("{free} MiB free: make room before writes are refused");
            Finding::new("disk", false, detail)
        }
        Err(error) => Finding::new("disk", false, error.to_string()),
    }
}

fn database(store: &Store) -> Finding {
    let checked = store.read_blocking(|conn| {
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    match checked {
        Ok(said) if said == "ok" => Finding::new("database", true, "no damage found"),
        Ok(said) => {
            let detail = format!("{said}: stop the service and restore a backup");
            Finding::new("database", false, detail)
        }
        Err(error) => Finding::new("database", false, error.to_string()),
    }
}

fn master(reference: &ReferenceStore) -> Finding {
    let counted =
        reference.read_blocking(|view| Ok((View::count_products(view)?, view.locations()?.len())));
    match counted {
        Ok::<_, evertill_storage::reference::ReferenceError>((products, locations)) => {
            let detail = format!("{products} products, {locations} listed locations");
            Finding::new("reference data", true, detail)
        }
        Err(error) => Finding::new("reference data", false, error.to_string()),
    }
}
