//! `GET /fleet`: the nodes of the chain.

use axum::extract::State;
use evertill_http::{List, Page, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Principal;
use crate::services::fleet::{self, FleetNode};
use crate::state::Hub;

/// A node with one of its journals.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that a person asks about"
)]
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FleetView {
    /// Where it stands.
    location: String,
    /// The machine, 16 hexadecimal digits.
    node: String,
    /// One life of its database; null if it never sent an entry.
    replica: Option<String>,
    /// Whether it is connected now.
    connected: bool,
    /// When it was last heard, RFC 3339; null if never.
    last_contact: Option<String>,
    /// How far its journal is known.
    head: FleetHeadView,
    /// Whether everything that the location last announced is applied.
    complete: bool,
    /// Whether its journal broke, and nothing more of it is taken until a
    /// person settles the case in quarantine.
    stopped: bool,
    /// Whether its certificates are revoked.
    revoked: bool,
    /// Whether it was sealed: its rights stand for good, because it is lost.
    sealed: bool,
    /// Whether it makes the rights of its location.
    minter: bool,
    /// Its open quarantine cases.
    quarantined: usize,
    /// The release that it runs, while it is connected.
    version: Option<String>,
}

/// How far a journal is known.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FleetHeadView {
    /// The last entry that is held here.
    applied: u64,
    /// The last entry that the node said it has.
    announced: u64,
}

/// Every node, by location; one item for each of its journals.
#[utoipa::path(
    get, path = "/api/v1/fleet", tag = "fleet",
    params(super::PageParameters),
    responses(
        (status = 200, description = "A page of nodes", body = List<FleetView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    page: Page,
) -> Result<List<FleetView>, Problem> {
    let nodes = page.of(fleet::list(&hub).await?, |node| {
        let replica = node.replica.map(|replica| replica.to_string());
        format!(
            "{}/{}/{}",
            node.location,
            node.node,
            replica.unwrap_or_default()
        )
    })?;
    Ok(nodes.map(view))
}

fn view(node: FleetNode) -> FleetView {
    FleetView {
        location: node.location.to_string(),
        node: node.node.to_string(),
        replica: node.replica.map(|replica| replica.to_string()),
        connected: node.connected,
        last_contact: node.last_contact.map(|at| at.to_string()),
        head: FleetHeadView {
            applied: node.applied,
            announced: node.announced,
        },
        complete: node.complete,
        stopped: node.stopped,
        revoked: node.revoked,
        sealed: node.sealed,
        minter: node.minter,
        quarantined: node.quarantined,
        version: node.version,
    }
}
