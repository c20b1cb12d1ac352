//! `/supply`: goods that are to come.

use axum::extract::State;
use axum::response::Response;
use evertill_domain::supply::Supply;
use evertill_domain::{LocationId, Sku};
use evertill_http::api::{ComingView, SupplyBody, SupplyView};
use evertill_http::{Body, FieldError, IdempotencyKey, List, Page, Problem, Query};
use evertill_storage::TableError;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::supply::SupplyPosition;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::once::{Repeatable, once};
use crate::services::orders;
use crate::services::supply::{self, Coming};
use crate::state::Hub;

/// Which goods are asked for; all of them without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of one product
    #[param(value_type = Option<String>)]
    sku: Option<Sku>,
    /// To one location
    #[param(value_type = Option<String>)]
    location: Option<LocationId>,
}

/// Goods to come, the earliest first; those whose time is over stay listed until
/// they are taken back.
#[utoipa::path(
    get, path = "/api/v1/supply", tag = "availability",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of goods to come", body = List<ComingView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<ComingView>, Problem> {
    let after: Option<SupplyPosition> = page.after()?;
    let wanted = (filter.sku, filter.location);
    let found = supply::page(&hub, wanted, after, page.limit + 1).await?;
    let list = List::page(found, page.limit, |coming| {
        SupplyPosition::of(&coming.supply)
    });
    Ok(list.map(|coming: Coming| ComingView::of(&coming.supply, coming.free, coming.overdue)))
}

/// Records goods that are to come.
#[utoipa::path(
    post, path = "/api/v1/supply", tag = "availability",
    request_body = SupplyBody,
    responses(
        (status = 201, description = "What is kept", body = SupplyView),
        (status = 422, description = "It breaks a rule", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    key: IdempotencyKey,
    body: Body<SupplyBody>,
) -> Result<Response, Problem> {
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    let kept = read(&hub, body.value).await?;
    let work = move |conn: &Connection, _| {
        supply::record(conn, &kept)?;
        Ok::<_, TableError>(answer(201, &SupplyView::of(&kept)))
    };
    let done = once(&hub, "record goods to come", request, work).await?;
    Ok(response(done))
}

/// Goods to come as they are asked to be recorded, if they make sense.
async fn read(hub: &Hub, body: SupplyBody) -> Result<Supply, Problem> {
    let picture = orders::picture(hub, vec![body.sku.clone()]).await?;
    let refuse = |pointer: &str, code: &str, detail: String| {
        Problem::unprocessable(code, detail.clone()).field(FieldError::new(pointer, code, detail))
    };
    let Some(product) = picture.products.get(&body.sku) else {
        let detail = format!("no product {} is known; import it first", body.sku);
        return Err(refuse("/sku", "unknown_sku", detail));
    };
    if picture.location(&body.location).is_none() {
        let detail = format!("no location {} is known; import it first", body.location);
        return Err(refuse("/location", "unknown_location", detail));
    }
    for (pointer, text) in [("/id", &body.id), ("/source", &body.source)] {
        if text.trim().is_empty() || text.len() > 200 {
            let detail = "send 1 to 200 bytes of text".to_owned();
            return Err(refuse(pointer, "invalid_text", detail));
        }
    }
    let quantity = body.quantity.read("/quantity", product.unit);
    let quantity = quantity.map_err(evertill_domain::rejection::Rejections::from)?;
    if quantity.thousandths() < 0 {
        let detail = "send zero or more".to_owned();
        return Err(refuse("/quantity", "negative", detail));
    }
    Ok(Supply {
        id: body.id,
        location: body.location,
        sku: body.sku,
        due: body.date,
        quantity: quantity.thousandths(),
        source: body.source,
    })
}
