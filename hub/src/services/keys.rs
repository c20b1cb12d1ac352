//! Who may talk to the hub: keys to its interface, tokens that let a node join,
//! and taking either back.
//!
//! Invariant: the text of a key or token is returned once and stored nowhere; a
//! revocation is on stable storage before any connection is cut.

use std::collections::BTreeSet;

use evertill_domain::{LocationId, NodeId};
use evertill_storage::enrolments::{self, Certificate};
use evertill_storage::kernel::control::Failed;
use evertill_storage::{TableError, apikeys};
use serde::{Deserialize, Serialize};

use crate::state::{HUB_LOCATION, Hub};

/// Longest name of a key, in characters.
const NAME_MAX: usize = 80;

/// Makes a key and returns its text.
///
/// # Errors
/// The name does not fit, or the database failed.
pub fn create(hub: &Hub, name: &str) -> Result<String, Failed> {
    check_name(name, "--name")?;
    let (name, now) = (name.to_owned(), hub.now());
    hub.store()
        .write_blocking("api-key", move |tx| apikeys::create(tx, &name, now))
        .map_err(Failed::new)
}

/// Revokes the keys of a name and returns how many there were.
///
/// # Errors
/// No live key has this name, or the database failed.
pub fn revoke(hub: &Hub, name: &str) -> Result<usize, Failed> {
    let (owned, now) = (name.to_owned(), hub.now());
    let revoked = hub
        .store()
        .write_blocking("revoke an API key", move |tx| {
            apikeys::revoke(tx, &owned, now)
        })
        .map_err(Failed::new)?;
    if revoked == 0 {
        let short: String = name.chars().take(NAME_MAX).collect();
        return Err(Failed::new(format!(
            "there is no live API key of the name \"{short}\": names are as given to api-key --name"
        )));
    }
    Ok(revoked)
}

/// Makes a single-use token that lets one node of a location join within 15
/// minutes, and returns its text. A location that no import listed has its
/// defaults.
///
/// # Errors
/// The location is the hub's own, or a file or the database failed.
pub fn enrol_token(hub: &Hub, location: &LocationId) -> Result<String, Failed> {
    if location.as_str() == HUB_LOCATION {
        return Err(Failed::wrong_use(
            "HUB is the hub itself: name the location where the new node stands",
        ));
    }
    let identity = hub.identity().map_err(Failed::new)?;
    let secret: [u8; evertill_transport::SECRET_BYTES] =
        hub.surroundings().draw_bytes().map_err(Failed::new)?;
    let (location, now) = (location.clone(), hub.now());
    hub.store()
        .write_blocking("enrol-token", move |tx| {
            enrolments::issue_token(tx, &secret, &location, now)
        })
        .map_err(Failed::new)?;
    Ok(identity.token(secret).to_string())
}

/// Whose certificates are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Those of one machine.
    Node(NodeId),
    /// Those of every machine of a location.
    Location(LocationId),
}

/// Revokes certificates and cuts the connections made with them; returns how
/// many there were.
///
/// # Errors
/// There is no live certificate of that node or location, or a file or the
/// database failed.
pub fn revoke_certificates(hub: &Hub, whose: &Whose, reason: &str) -> Result<usize, Failed> {
    check_name(reason, "--reason")?;
    let concerned = |certificate: &Certificate| match whose {
        Whose::Node(node) => certificate.node == *node,
        Whose::Location(location) => certificate.location == *location,
    };
    let certificates: Vec<Certificate> = hub
        .store()
        .read_blocking(enrolments::certificates)
        .map_err(Failed::new)?
        .into_iter()
        .filter(|certificate| certificate.revoked.is_none() && concerned(certificate))
        .collect();
    if certificates.is_empty() {
        let subject = match whose {
            Whose::Node(node) => format!("node {node}"),
            Whose::Location(location) => format!("location {location}"),
        };
        return Err(Failed::new(format!(
            "there is no live certificate of {subject}: nodes are listed by GET /fleet"
        )));
    }
    let fingerprints: Vec<[u8; 32]> = certificates.iter().map(|one| one.fingerprint).collect();
    hub.revocations()
        .revoke(&fingerprints)
        .map_err(Failed::new)?;
    let nodes: BTreeSet<NodeId> = certificates.iter().map(|one| one.node).collect();
    let (named, reason, now) = (nodes.clone(), reason.to_owned(), hub.now());
    hub.store()
        .write_blocking("revoke", move |tx| {
            for node in named {
                enrolments::revoke_node(tx, node, &reason, now)?;
            }
            Ok::<_, TableError>(())
        })
        .map_err(Failed::new)?;
    for node in nodes {
        if hub.live().cut(node) {
            tracing::info!(node.id = %node, "the connection of a revoked node was cut");
        }
    }
    Ok(fingerprints.len())
}

/// A name stands in logs and audit entries, so it is short and printable.
fn check_name(name: &str, flag: &str) -> Result<(), Failed> {
    let fits = (1..=NAME_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    if fits {
        return Ok(());
    }
    Err(Failed::wrong_use(format!(
        "{flag} takes 1 to {NAME_MAX} printable characters without a blank at either end"
    )))
}
