//! Changes as they are told: each with its subject as it is now.

use evertill_domain::order::OrderState;
use evertill_domain::{DocumentId, Sku};
use evertill_http::api::order_view;
use evertill_storage::changes::{Change, ChangeKind};
use serde::Serialize;
use serde_json::{Value, json};

use super::messages;
use crate::routes;
use crate::services::availability::{self, Query};
use crate::services::exceptions;
use crate::services::orders::{self, PrepareError};
use crate::state::Hub;

/// A change as it is told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Its number: what to go on from.
    pub id: i64,
    /// `availability`, `order`, `exception` or `message`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The subject, as its own route shows it.
    pub data: Value,
}

/// Products that are looked up at once.
const PRODUCTS: usize = 100;

/// Looks the subjects of some changes up. One that is gone is left out.
///
/// # Errors
/// A database could not be read.
pub async fn render(hub: &Hub, changes: &[Change]) -> Result<Vec<Told>, PrepareError> {
    let mut told = Vec::with_capacity(changes.len());
    told.extend(availabilities(hub, changes).await?);
    for change in changes {
        let data = match change.kind {
            ChangeKind::Availability => None,
            ChangeKind::Order => order(hub, change).await?,
            ChangeKind::Exception => exception(hub, change).await?,
            ChangeKind::Message => messages::shown(hub, &change.subject).await?,
        };
        told.extend(data.map(|data| tell(change, data)));
    }
    told.sort_by_key(|told| told.id);
    Ok(told)
}

fn tell(change: &Change, data: Value) -> Told {
    Told {
        id: change.id,
        kind: change.kind.as_str(),
        data,
    }
}

async fn availabilities(hub: &Hub, changes: &[Change]) -> Result<Vec<Told>, PrepareError> {
    let products: Vec<&Change> = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Availability)
        .collect();
    let mut told = Vec::with_capacity(products.len());
    for some in products.chunks(PRODUCTS) {
        let skus: Vec<Sku> = some
            .iter()
            .filter_map(|change| change.subject.parse().ok())
            .collect();
        let query = Query {
            skus,
            ..Query::default()
        };
        let found = availability::ask(hub, query).await?;
        let as_of = hub.now().to_string();
        for change in some {
            let mut found = found.iter();
            let Some(found) = found.find(|found| found.product.sku.as_str() == change.subject)
            else {
                continue;
            };
            let mut data = json!(routes::availability_view(found));
            data["as_of"] = json!(as_of);
            told.push(tell(change, data));
        }
    }
    Ok(told)
}

async fn order(hub: &Hub, change: &Change) -> Result<Option<Value>, PrepareError> {
    let Ok(document) = change.subject.parse::<DocumentId>() else {
        return Ok(None);
    };
    let order: Option<OrderState> = orders::show(hub, document).await?;
    Ok(order.map(|order| json!(order_view(&document, &order))))
}

async fn exception(hub: &Hub, change: &Change) -> Result<Option<Value>, PrepareError> {
    let Ok(id) = change.subject.parse() else {
        return Ok(None);
    };
    let found = exceptions::show(hub, id).await?;
    Ok(found.map(|shown| json!(routes::exception_view(shown, hub.now()))))
}
