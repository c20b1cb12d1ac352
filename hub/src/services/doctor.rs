//! `doctor`: looks at everything that can be wrong with a hub and says what to
//! do about it.
//!
//! Invariant: it only looks, and one finding never hides another.

use evertill_domain::opening::OpeningHours;
use evertill_http::app::upkeep::{self, Finding};
use evertill_storage::reference::View;
use evertill_storage::{TableResult, apikeys, enrolments, journal, quarantine, rusqlite};

use crate::state::Hub;

/// How long before its end a certificate is worth a word: 90 days.
const EXPIRY_WARNING_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// Looks at a hub.
#[must_use]
pub fn examine(hub: &Hub) -> Vec<Finding> {
    let mut findings = upkeep::examine(hub.store(), hub.reference(), hub.now());
    findings.extend([
        keys(hub),
        certificates(hub),
        journals(hub),
        quarantine(hub),
        opening_hours(hub),
    ]);
    findings
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
    let soon = hub.now().as_millis().saturating_add(EXPIRY_WARNING_MS);
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

fn opening_hours(hub: &Hub) -> Finding {
    let subject = "opening hours";
    let locations = hub.reference().read_blocking(View::locations);
    match locations {
        Ok(locations) => {
            let listed = locations.into_iter().filter(|location| {
                let text = location.opening_hours.trim();
                !text.is_empty() && text.parse::<OpeningHours>().is_err()
            });
            let unread: Vec<String> = listed.map(|location| location.id.to_string()).collect();
            if unread.is_empty() {
                return Finding::new(subject, true, "all that are listed can be read");
            }
            let detail = format!(
                "those of {} cannot be read, so they count as always open: import these \
                 locations with hours such as Mo-Fr 08:00-20:00; Sa 09:00-18:00",
                unread.join(", ")
            );
            Finding::new(subject, false, detail)
        }
        Err(error) => Finding::new(subject, false, error.to_string()),
    }
}
