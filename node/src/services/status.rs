//! Who this node is and how far the hub has its journal.
//!
//! Invariant: `unsent` is 0 exactly when the hub has durably acknowledged every
//! own entry.

use evertill_storage::journal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Failure, Refusal};
use crate::state::Node;

/// Who this node is and how it stands with the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatusView {
    /// Where it trades; null before enrolment.
    #[schema(example = "S001")]
    pub location: Option<String>,
    /// The machine; null before enrolment.
    pub node: Option<String>,
    /// This life of its database; null before enrolment.
    pub replica: Option<String>,
    /// How it stands with the hub.
    pub hub: HubView,
    /// The release that runs.
    #[schema(example = "0.1.0", value_type = String)]
    pub version: &'static str,
}

/// How a node stands with the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HubView {
    /// Whether a session is open.
    pub connected: bool,
    /// When the hub was last heard, RFC 3339; null if not since the start.
    pub last_contact: Option<String>,
    /// Own entries beyond the hub's durable acknowledgement.
    pub unsent: u64,
    /// When the oldest of them was written, RFC 3339; null if there is none.
    pub oldest_unsent: Option<String>,
    /// Items that the hub has for this location and this node has not applied.
    pub behind: u64,
}

/// The node's status.
///
/// # Errors
/// The store could not be read.
pub async fn status(node: &Node) -> Result<StatusView, Failure> {
    let author = node.author();
    let writer = author.clone();
    let unsent = node
        .store()
        .read(move |conn| match &writer {
            Some(author) => Ok::<_, Refusal>(journal::unsent(conn, author)?),
            None => Ok(journal::Unsent::default()),
        })
        .await?;
    let hub = node.hub();
    Ok(StatusView {
        location: author.as_ref().map(|author| author.location.to_string()),
        node: author.as_ref().map(|author| author.node.to_string()),
        replica: author.as_ref().map(|author| author.replica.to_string()),
        hub: HubView {
            connected: hub.connected,
            last_contact: hub.last_contact.map(|at| at.to_string()),
            unsent: unsent.entries,
            oldest_unsent: unsent.oldest.map(|at| at.to_string()),
            behind: hub.behind,
        },
        version: env!("CARGO_PKG_VERSION"),
    })
}
