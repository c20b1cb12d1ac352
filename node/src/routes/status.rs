//! `/status`: who this node is and how it stands with the hub.

use axum::Json;
use axum::extract::State;
use evertill_http::{Problem, ProblemDocument};

use super::auth::Till;
use crate::services::status::{self, StatusView};
use crate::state::Node;

/// Who this node is, and what the hub does not have yet.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "status",
    responses(
        (status = 200, description = "The status", body = StatusView),
        (status = 401, description = "No valid token", body = ProblemDocument),
    )
)]
pub(super) async fn show(_: Till, State(node): State<Node>) -> Result<Json<StatusView>, Problem> {
    Ok(Json(status::status(&node).await?))
}
