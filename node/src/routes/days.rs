//! `/days`: what was taken on a trading day.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use evertill_domain::BusinessDate;
use evertill_http::api::DayView;
use evertill_http::extract::segment;
use evertill_http::{Path, Problem, ProblemDocument, wants_csv};

use super::auth::Till;
use crate::services::days;
use crate::state::Node;

/// The totals of a trading day, as JSON or, if `Accept` asks for it, as CSV.
#[utoipa::path(
    get, path = "/api/v1/days/{location}/{date}", tag = "days",
    params(
        ("location" = String, Path, description = "This node's location"),
        ("date" = String, Path, description = "The trading day, YYYY-MM-DD"),
    ),
    responses(
        (status = 200, description = "The totals", content(
            (DayView = "application/json"),
            (String = "text/csv"),
        )),
        (status = 400, description = "The date cannot be read", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "Another location", body = ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Till,
    State(node): State<Node>,
    Path((location, date)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let location = location
        .parse()
        .map_err(|error: evertill_domain::IdError| Problem::not_found(error.to_string()))?;
    let date: BusinessDate = segment("date", &date)?;
    let day = days::of(&node, location, date).await?;
    let vary = (VARY, "accept");
    if wants_csv(&headers) {
        let kind = (CONTENT_TYPE, "text/csv; charset=utf-8");
        return Ok(([vary, kind], day.to_csv()).into_response());
    }
    Ok(([vary], Json(day)).into_response())
}
