//! Goods to come: recorded, listed, and what of them nobody waits for.
//!
//! Invariant: a supply has one name; recording it again replaces it, and whoever
//! waits hears of the new date.

use std::collections::BTreeMap;

use evertill_domain::policy::ChannelPolicy;
use evertill_domain::supply::Supply;
use evertill_domain::{LocationId, Sku, Timestamp, Unit};
use evertill_storage::TableResult;
use evertill_storage::changes;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::supply::{self, SupplyPosition};

use super::orders::{Own, PrepareError, pegged, picture};
use crate::state::Hub;

/// Goods to come, as they stand now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// The goods.
    pub supply: Supply,
    /// What they are counted in.
    pub unit: Unit,
    /// How much of it nobody waits for, in thousandths.
    pub free: i64,
    /// Whether its time is over: nothing is promised of it any more.
    pub overdue: bool,
}

/// Goods to come after a place in the list, the earliest first; with what was
/// due and is still listed.
///
/// # Errors
/// A database could not be read.
pub async fn page(
    hub: &Hub,
    (sku, location): (Option<Sku>, Option<LocationId>),
    after: Option<SupplyPosition>,
    limit: usize,
) -> Result<Vec<Coming>, PrepareError> {
    let listed = hub
        .store()
        .read(move |conn| supply::page(conn, (sku.as_ref(), location.as_ref()), after, limit))
        .await?;
    let skus = listed.iter().map(|supply| supply.sku.clone()).collect();
    let picture = picture(hub, skus).await?;
    let now = hub.now();
    let coming = hub.store().read(move |conn| {
        let mut free: BTreeMap<Sku, BTreeMap<String, i64>> = BTreeMap::new();
        let mut coming = Vec::with_capacity(listed.len());
        for supply in listed {
            if !free.contains_key(&supply.sku) {
                let of = unclaimed(conn, &picture.selling.channels, &supply.sku, now)?;
                free.insert(supply.sku.clone(), of);
            }
            let product = picture.products.get(&supply.sku);
            coming.push(Coming {
                unit: product.map_or(Unit::Each, |product| product.unit),
                free: free[&supply.sku].get(&supply.id).copied().unwrap_or(0),
                overdue: supply.due <= now,
                supply,
            });
        }
        Ok(coming)
    });
    Ok(coming.await?)
}

/// What of each supply of a product nobody waits for, in thousandths.
fn unclaimed(
    conn: &Connection,
    channels: &ChannelPolicy,
    sku: &Sku,
    now: Timestamp,
) -> TableResult<BTreeMap<String, i64>> {
    let pegged = pegged(conn, channels, sku, now, Own::default())?;
    let free = pegged.free.into_iter();
    Ok(free.map(|(supply, free)| (supply.id, free)).collect())
}

/// When the first goods of a product come that nobody waits for.
///
/// # Errors
/// The tables could not be read.
pub fn next(
    conn: &Connection,
    channels: &ChannelPolicy,
    sku: &Sku,
    now: Timestamp,
) -> TableResult<Option<Timestamp>> {
    let pegged = pegged(conn, channels, sku, now, Own::default())?;
    let mut free = pegged.free.into_iter().filter(|(_, free)| *free > 0);
    Ok(free.next().map(|(supply, _)| supply.due))
}

/// Records goods to come, in place of what was said of them before; zero takes
/// them back.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, supply: &Supply) -> TableResult<()> {
    if let Some(before) = supply::record(conn, supply)? {
        changes::availability(conn, [&before])?;
    }
    changes::availability(conn, [&supply.sku])
}
