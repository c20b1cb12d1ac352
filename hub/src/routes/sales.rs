//! `GET /sales`: receipts of the whole chain.

use axum::Json;
use axum::extract::State;
use evertill_domain::{DocumentId, LocationId};
use evertill_http::api::ReceiptView;
use evertill_http::{List, Page, Path, Problem, Query};
use evertill_storage::projection::receipts::{ReceiptPosition, StoredReceipt};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use crate::services::sales::{self, Names};
use crate::state::Hub;

/// Which receipts are asked for; all of them without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of one location
    #[param(value_type = Option<String>)]
    location: Option<LocationId>,
}

/// A receipt with what goes back to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkedReceiptView {
    #[serde(flatten)]
    receipt: ReceiptView,
    /// Numbers of the returns and voids that name it, wherever they happened.
    returned_by: Vec<String>,
}

/// Sales, returns and voids in the order in which they arrived.
#[utoipa::path(
    get, path = "/api/v1/sales", tag = "sales",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of receipts", body = List<ReceiptView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<ReceiptView>, Problem> {
    let after: Option<ReceiptPosition> = page.after()?;
    let found = sales::page(&hub, filter.location, after, page.limit + 1).await?;
    let names = found.names;
    let place = |(position, _): &(ReceiptPosition, StoredReceipt)| *position;
    Ok(List::page(found.receipts, page.limit, place).map(|(_, receipt)| view(&receipt, &names)))
}

/// One receipt, with the returns and voids that name it.
#[utoipa::path(
    get, path = "/api/v1/sales/{id}", tag = "sales",
    params(("id" = String, Path, description = "The id of the receipt's document")),
    responses(
        (status = 200, description = "The receipt", body = LinkedReceiptView),
        (status = 404, description = "No such receipt has arrived", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<DocumentId>,
) -> Result<Json<LinkedReceiptView>, Problem> {
    let found = sales::find(&hub, id).await?;
    let linked = found.ok_or_else(|| {
        Problem::not_found(format!(
            "no receipt {id} has arrived at the hub; its store may not have sent it yet"
        ))
    })?;
    Ok(Json(LinkedReceiptView {
        receipt: view(&linked.receipt, &linked.names),
        returned_by: linked.later.iter().map(ToString::to_string).collect(),
    }))
}

fn view(stored: &StoredReceipt, names: &Names) -> ReceiptView {
    ReceiptView::of(&stored.id, &stored.receipt, |sku| {
        names.get(sku).map(String::as_str)
    })
}
