//! What can be promised, by product and location; goods to come; carts; and
//! closed locations.
//!
//! Invariant: what is shown is what the router would be told at that moment.

use evertill_domain::availability::{Incoming, LocationAvailability};
use evertill_domain::order::ChannelId;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::time::business_date;
use evertill_domain::{LocationId, Product, Quantity, Sku, Timestamp};
use evertill_storage::TableError;
use evertill_storage::reference::ReferenceError;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds::{self, SoftHold};
use evertill_storage::selling::{self, Closed};

use super::ground::{Ground, Picture};
use super::orders::{Own, PrepareError, ShortLine, pegged};
use super::supply;
use crate::state::Hub;

/// What a channel may promise of a product.
#[derive(Clone, Debug)]
pub struct Availability {
    /// The product.
    pub product: Product,
    /// Where, and for how long each has not been heard, in seconds.
    pub locations: Vec<(LocationAvailability, u32)>,
    /// What is to come and nobody waits for.
    pub incoming: Vec<Incoming>,
    /// What can be promised over all these locations, by the date asked for.
    pub atp: i64,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The products.
    pub skus: Vec<Sku>,
    /// Who sells them; none in particular if left out.
    pub channel: Option<ChannelId>,
    /// At one location only.
    pub location: Option<LocationId>,
    /// By when; now if left out.
    pub at: Option<Timestamp>,
}

/// Answers a query; products that are not known are left out.
///
/// # Errors
/// A database could not be read.
pub async fn ask(hub: &Hub, query: Query) -> Result<Vec<Availability>, PrepareError> {
    let skus = query.skus.clone();
    let picture = super::orders::picture(hub, skus).await?;
    let author = hub.author()?;
    let state = hub.clone();
    let found = hub
        .store()
        .read(move |conn| {
            let ground = Ground::of(conn, &state, author.replica, &picture, state.now())?;
            let products = query.skus.iter();
            let products = products.filter_map(|sku| picture.products.get(sku));
            products
                .map(|product| of(conn, &ground, &picture, &query, product))
                .collect::<Result<Vec<_>, TableError>>()
        })
        .await?;
    Ok(found)
}

fn of(
    conn: &Connection,
    ground: &Ground<'_>,
    picture: &Picture,
    query: &Query,
    product: &Product,
) -> Result<Availability, TableError> {
    let here = |id: &LocationId| query.location.as_ref().is_none_or(|only| only == id);
    let mut locations = Vec::new();
    for location in picture.locations.iter().filter(|l| here(&l.id)) {
        let pair = ground.pair(location, product, query.channel.as_ref())?;
        let nothing = pair.availability.on_hand == 0 && pair.availability.subtract.is_empty();
        if !nothing || query.location.is_some() {
            locations.push((pair.availability, ground.silent_s(&location.id)));
        }
    }
    let channels = &picture.selling.channels;
    let pegged = pegged(conn, channels, &product.sku, ground.now(), Own::default())?;
    let coming = pegged.free.into_iter().filter(|(_, free)| *free > 0);
    let coming: Vec<_> = coming.filter(|(s, _)| here(&s.location)).collect();
    let by_then = |due: Timestamp| query.at.is_some_and(|at| due <= at);
    let later = coming.iter().filter(|(supply, _)| by_then(supply.due));
    let later: i64 = later.map(|(_, free)| *free).sum();
    let incoming = coming.into_iter().filter_map(|(supply, quantity)| {
        let location = picture.location(&supply.location)?;
        Some(Incoming {
            date: business_date(
                supply.due,
                &location.time_zone,
                location.day_starts_at_minutes,
            ),
            quantity,
            source: supply.source,
        })
    });
    let now: i64 = locations.iter().map(|(found, _)| found.atp).sum();
    Ok(Availability {
        product: product.clone(),
        atp: now.saturating_add(later),
        locations,
        incoming: incoming.collect(),
    })
}

/// Closes or opens a location's online selling.
///
/// # Errors
/// The database could not be written.
pub fn set_selling(
    conn: &Connection,
    location: &LocationId,
    open: bool,
    reason: Option<String>,
    (by, at): (&str, Timestamp),
) -> Result<(), TableError> {
    if open {
        return selling::open(conn, location).map(drop);
    }
    selling::close(
        conn,
        &Closed {
            location: location.clone(),
            reason,
            by: by.to_owned(),
            at,
        },
    )
}

/// Why goods are not kept for a cart.
#[derive(Debug, thiserror::Error)]
pub enum ReserveRefusal {
    /// Something in the request.
    #[error(transparent)]
    Rejected(#[from] Rejections),
    /// There is not enough.
    #[error("there is not enough of {}", .0.sku)]
    Insufficient(ShortLine),
    /// A table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Keeps goods for a cart, in the caller's transaction: from the location named,
/// or from the one that has most.
///
/// # Errors
/// See [`ReserveRefusal`].
pub fn reserve(
    conn: &Connection,
    (hub, replica): (&Hub, evertill_domain::ReplicaId),
    picture: &Picture,
    (channel, sku, quantity): (&ChannelId, &Sku, Quantity),
    location: Option<&LocationId>,
    until: Option<Timestamp>,
) -> Result<(i64, SoftHold), ReserveRefusal> {
    let refuse = |pointer: &str, code, detail: String| {
        ReserveRefusal::Rejected(Rejection::new(pointer, code, detail).into())
    };
    let product = picture.products.get(sku).ok_or_else(|| {
        let detail = format!("no product {sku} is known; import it first");
        refuse("/sku", "unknown_sku", detail)
    })?;
    if !quantity.is_positive() {
        let detail = "the quantity must be above zero".to_owned();
        return Err(refuse("/quantity", "not_positive", detail));
    }
    let now = hub.now();
    let minutes = i64::from(picture.selling.timers.reservation_minutes);
    let expires_at = until.unwrap_or(Timestamp::from_millis(now.as_millis() + minutes * 60_000));
    if expires_at <= now {
        let detail = "send a time after now".to_owned();
        return Err(refuse("/until", "not_later", detail));
    }
    let ground = Ground::of(conn, hub, replica, picture, now)?;
    let mut best: Option<(i64, LocationId)> = None;
    for place in &picture.locations {
        if location.is_some_and(|only| *only != place.id) {
            continue;
        }
        let atp = ground.pair(place, product, Some(channel))?.availability.atp;
        if best.as_ref().is_none_or(|(most, _)| atp > *most) {
            best = Some((atp, place.id.clone()));
        }
    }
    let asked = quantity.thousandths();
    match best {
        Some((atp, location)) if atp >= asked => {
            let hold = SoftHold {
                document: None,
                line: None,
                channel: channel.to_string(),
                location,
                sku: sku.clone(),
                quantity: asked,
                expires_at,
            };
            let id = soft_holds::keep(conn, &hold)?;
            Ok((id, hold))
        }
        best => Err(ReserveRefusal::Insufficient(ShortLine {
            sku: sku.clone(),
            available_now: best.map_or(0, |(most, _)| most.max(0)),
            next_date: supply::next(conn, &picture.selling.channels, sku, now)?,
        })),
    }
}

/// Locations that master data or stock knows.
///
/// # Errors
/// The reference data could not be read.
pub async fn is_listed(hub: &Hub, location: LocationId) -> Result<bool, ReferenceError> {
    hub.reference()
        .read(move |view| Ok(view.listed_location(&location)?.is_some()))
        .await
}
