//! Names in a policy that nothing has.
//!
//! Invariant: a warning keeps nobody from putting a policy.

use std::collections::BTreeSet;

use evertill_domain::policy::{
    CLASS_ATTRIBUTE, ChannelPolicy, Known, Mentions, OnlinePolicy, PolicyError, SafetyStockPolicy,
};
use evertill_domain::{Location, LocationId, Sku};
use evertill_storage::projection::stock;
use evertill_storage::reference::{PolicyName, ReferenceError, View};
use evertill_storage::selling::intake;

use crate::services::ViewError;
use crate::services::ground::Picture;
use crate::state::Hub;

/// Products that are read at once.
const PAGE: usize = 1_000;

/// The names in a policy that nothing has; `body` was read and found right.
///
/// # Errors
/// A database could not be read.
pub async fn unknown_names(
    hub: &Hub,
    name: PolicyName,
    body: &str,
) -> Result<Vec<PolicyError>, ViewError> {
    let Some(mentions) = mentions(name, body) else {
        return Ok(Vec::new());
    };
    let channels: Vec<_> = mentions.channels.iter().map(|(_, id)| id.clone()).collect();
    let (stocked, sold) = hub
        .store()
        .read(move |conn| {
            let mut sold = BTreeSet::new();
            for channel in channels {
                if intake::has_sold(conn, channel.as_str())? {
                    sold.insert(channel);
                }
            }
            Ok((stock::locations(conn)?, sold))
        })
        .await?;
    let warnings = hub
        .reference()
        .read(move |view| {
            let mut known = there(view, &mentions, &stocked)?;
            known.channels = sold;
            Ok::<_, ReferenceError>(mentions.unknown(&known))
        })
        .await?;
    Ok(warnings)
}

/// What a policy names; none for one that names nothing of master data.
fn mentions(name: PolicyName, body: &str) -> Option<Mentions> {
    match name {
        PolicyName::SafetyStock => {
            let policy: SafetyStockPolicy = serde_json::from_str(body).ok()?;
            Some(policy.mentions())
        }
        PolicyName::Channels => {
            let policy: ChannelPolicy = serde_json::from_str(body).ok()?;
            Some(policy.mentions())
        }
        PolicyName::Online => {
            let policy: OnlinePolicy = serde_json::from_str(body).ok()?;
            Some(policy.mentions())
        }
        PolicyName::Routing
        | PolicyName::Timers
        | PolicyName::Tax
        | PolicyName::Rounding
        | PolicyName::Movements
        | PolicyName::Barcode => None,
    }
}

/// What there is of what is named. Categories, classes and departments are in the
/// products alone, so these are all read, if one is named.
fn there(
    view: &View,
    mentions: &Mentions,
    stocked: &[LocationId],
) -> Result<Known, ReferenceError> {
    let skus: BTreeSet<&Sku> = mentions.skus().collect();
    let picture = Picture::of(view, skus, stocked)?;
    let kind = |location: Location| (location.id, location.kind);
    let mut known = Known {
        products: picture.products,
        locations: picture.locations.into_iter().map(kind).collect(),
        ..Known::default()
    };
    let mut after: Option<Sku> = None;
    while mentions.names_groups() {
        let page = view.page_products(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.sku.clone());
        for mut product in page {
            known.categories.insert(product.category);
            known.departments.insert(product.department);
            known
                .classes
                .extend(product.attributes.remove(CLASS_ATTRIBUTE));
        }
    }
    Ok(known)
}
