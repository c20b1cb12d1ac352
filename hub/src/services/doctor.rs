//! `doctor`: looks at everything that can be wrong with a hub and says what to
//! do about it.
//!
//! Invariant: it only looks, and one finding never hides another.

use evertill_storage::kernel::control::Failed;
use evertill_storage::reference::View;
use evertill_storage::{TableResult, apikeys, enrolments, journal, quarantine, rusqlite};
use serde::{Deserialize, Serialize};

use crate::state::{self, Hub};

/// Free space below which a hub should be given more, in bytes.
const FREE_MIN: u64 = 1 << 30;
/// A clock before this (2024-01-01) has lost its battery, in milliseconds.
const CLOCK_MIN: i64 = 1_704_067_200_000;

/// How long before its end a certificate is worth a word: 90 days.
const EXPIRY_WARNING_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

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
    fn new(subject: &str, fine: bool, detail: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            fine,
            detail: detail.into(),
        }
    }
}

/// Looks at a hub.
///
/// # Errors
/// Never; a failure is a finding. The form fits the other commands.
pub fn examine(hub: &Hub) -> Result<Vec<Finding>, Failed> {
    Ok(vec![
        clock(),
        disk(hub),
        database(hub),
        reference(hub),
        keys(hub),
        certificates(hub),
        journals(hub),
        quarantine(hub),
    ])
}

fn clock() -> Finding {
    let now = state::now();
    let fine = now.as_millis() > CLOCK_MIN;
    let remedy = if fine {
        ""
    } else {
        ": set this machine's clock"
    };
    Finding::new("clock", fine, format!("{now}{remedy}"))
}

fn disk(hub: &Hub) -> Finding {
    match hub.store().disk_free() {
        Ok(free) if free >= FREE_MIN => {
            Finding::new("disk", true, format!("{} MiB free", free >> 20))
        }
        Ok(free) => Finding::new(
            "disk",
            false,
            format!(
                "{} MiB free: make room before writes are refused",
                free >> 20
            ),
        ),
        Err(error) => Finding::new("disk", false, error.to_string()),
    }
}

fn database(hub: &Hub) -> Finding {
    let checked = hub.store().read_blocking(|conn| {
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    match checked {
        Ok(said) if said == "ok" => Finding::new("database", true, "no damage found"),
        Ok(said) => Finding::new(
            "database",
            false,
            format!("{said}: stop the hub and restore a backup"),
        ),
        Err(error) => Finding::new("database", false, error.to_string()),
    }
}

fn reference(hub: &Hub) -> Finding {
    let counted = hub
        .reference()
        .read_blocking(|view| Ok((View::count_products(view)?, view.locations()?.len())));
    match counted {
        Ok::<_, evertill_storage::reference::ReferenceError>((products, locations)) => {
            Finding::new(
                "reference data",
                true,
                format!("{products} products, {locations} listed locations"),
            )
        }
        Err(error) => Finding::new("reference data", false, error.to_string()),
    }
}

fn keys(hub: &Hub) -> Finding {
    let live = |conn: &rusqlite::Connection| -> TableResult<usize> {
        let keys = apikeys::list(conn)?;
        Ok(keys.iter().filter(|key| key.revoked_at.is_none()).count())
    };
    match hub.store().read_blocking(live) {
        Ok(0) => Finding::new("API keys", true, "none yet: make one with api-key"),
        Ok(live) => Finding::new("API keys", true, format!("{live} live")),
        Err(error) => Finding::new("API keys", false, error.to_string()),
    }
}

fn certificates(hub: &Hub) -> Finding {
    let subject = "certificates";
    let soon = state::now().as_millis().saturating_add(EXPIRY_WARNING_MS);
    let looked = move |conn: &rusqlite::Connection| -> TableResult<(usize, Vec<String>)> {
        let live = enrolments::certificates(conn)?
            .into_iter()
            .filter(|certificate| certificate.revoked.is_none());
        let (ending, lasting): (Vec<_>, Vec<_>) =
            live.partition(|certificate| certificate.expires_at.as_millis() < soon);
        let ending = ending.iter().map(|one| one.node.to_string());
        Ok((lasting.len(), ending.collect()))
    };
    if let Err(error) = hub.identity() {
        return Finding::new(subject, false, error.to_string());
    }
    match hub.store().read_blocking(looked) {
        Ok((lasting, ending)) if ending.is_empty() => {
            Finding::new(subject, true, format!("{lasting} nodes are enrolled"))
        }
        Ok((_, ending)) => Finding::new(
            subject,
            false,
            format!(
                "those of {} end within 90 days: enrol these nodes again",
                ending.join(", ")
            ),
        ),
        Err(error) => Finding::new(subject, false, error.to_string()),
    }
}

fn journals(hub: &Hub) -> Finding {
    let subject = "journals";
    match hub.store().read_blocking(journal::journals) {
        Ok(journals) => {
            let stopped: Vec<String> = journals
                .iter()
                .filter(|journal| journal.stopped)
                .map(|journal| format!("{} of {}", journal.replica, journal.location))
                .collect();
            if stopped.is_empty() {
                let held = journals.len();
                return Finding::new(subject, true, format!("{held} are held, none is stopped"));
            }
            let stopped = stopped.join(", ");
            Finding::new(
                subject,
                false,
                format!("stopped: {stopped}; settle their cases in quarantine"),
            )
        }
        Err(error) => Finding::new(subject, false, error.to_string()),
    }
}

fn quarantine(hub: &Hub) -> Finding {
    let subject = "quarantine";
    match hub.store().read_blocking(quarantine::open_cases) {
        Ok(0) => Finding::new(subject, true, "no open case"),
        Ok(open) => Finding::new(
            subject,
            false,
            format!("{open} open: look at GET /quarantine, then retry or dismiss each"),
        ),
        Err(error) => Finding::new(subject, false, error.to_string()),
    }
}
