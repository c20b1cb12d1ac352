//! `GET /days/{location}/{date}`: what a location took on a trading day.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use evertill_domain::{BusinessDate, LocationId};
use evertill_http::api::DayView;
use evertill_http::extract::segment;
use evertill_http::{Path, Problem, wants_csv};

use super::auth::Principal;
use crate::services::days;
use crate::state::Hub;

/// The totals of a trading day, as JSON or, by `Accept`, as CSV.
#[utoipa::path(
    get, path = "/api/v1/days/{location}/{date}", tag = "days",
    params(
        ("location" = String, Path, description = "The location"),
        ("date" = String, Path, description = "The trading day, such as 2026-07-01"),
    ),
    responses(
        (status = 200, description = "The day's totals; zeros if nothing arrived", content(
            (DayView = "application/json"),
            (String = "text/csv"),
        )),
        (status = 400, description = "No such date", body = evertill_http::ProblemDocument),
        (status = 404, description = "No such location", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path((location, date)): Path<(LocationId, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let date: BusinessDate = segment("date", &date)?;
    let (currency, totals) = days::totals(&hub, location.clone(), date).await?;
    let view = DayView::of(&location, date, currency, &totals);
    let varies = (VARY, "accept");
    if wants_csv(&headers) {
        let kind = (CONTENT_TYPE, "text/csv; charset=utf-8");
        return Ok(([kind, varies], view.to_csv()).into_response());
    }
    Ok(([varies], Json(view)).into_response())
}
