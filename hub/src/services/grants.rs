//! Asking connected stores for rights when an order wants more than the hub
//! holds, or would be split without them.
//!
//! The wish goes out on the feeds of the stores that hold unused rights; what
//! they hand on comes with their journals, as every grant does. The order waits
//! a moment and is planned again with whatever came.
//!
//! Invariant: of what a store can spare no more is asked for at a time than it
//! has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evertill_domain::rights::{Cells, answer_request};
use evertill_domain::routing::RightsAsked;
use evertill_domain::{Location, LocationId, Product, Sku, Timestamp};
use evertill_storage::feed::{self, GrantRequest};
use evertill_storage::journal::{self, Author};
use evertill_storage::projection::{minters, rights};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{CommitReceiver, ReadError, TableError, TableResult, WriteError};

use super::ground::{Ground, Picture};
use crate::state::Hub;

/// How long an order waits for rights (design: 300 ms).
pub const WAIT: Duration = Duration::from_millis(WAIT_MS.unsigned_abs());
/// The same in milliseconds.
pub const WAIT_MS: i64 = 300;
/// How long a store may answer a wish, by its own clock, which need not agree
/// with the hub's. What comes after the wait serves the next order.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Stores that are asked for one product at a time: those that can spare most.
const STORES: usize = 8;

/// A product at a location.
type Pair = (LocationId, Sku);

/// What is asked for and not yet answered, by pair: thousandths, and when nobody
/// waits any more. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<BTreeMap<Pair, (i64, Instant)>>>);

impl UnderWay {
    /// Of `wanted` what is to be asked for on top of what is under way, of
    /// `spare` in all.
    fn take(&self, pair: &Pair, wanted: i64, spare: i64, at: Instant) -> i64 {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (_, until)| *until > at);
        let (under_way, until) = held.entry(pair.clone()).or_insert((0, at + WAIT));
        let asked = wanted.min(spare - *under_way).max(0);
        *under_way += asked;
        *until = at + WAIT;
        asked
    }
}

/// An order's wishes, and until when it waits for them.
#[derive(Debug)]
pub struct Asked {
    before: BTreeMap<Pair, i64>,
    until: Instant,
    commits: CommitReceiver,
}

/// What an order wants, and from where.
#[derive(Clone, Debug)]
pub struct Wish {
    /// How much of each product, in thousandths.
    pub wanted: BTreeMap<Sku, i64>,
    /// The only location that the customer takes it from.
    pub only: Option<LocationId>,
}

/// Asks stores for rights; `None` when none of them can spare any more.
///
/// # Errors
/// The database could not be written.
pub async fn ask(
    hub: &Hub,
    author: &Author,
    picture: &Arc<Picture>,
    wishes: Vec<RightsAsked>,
    now: Timestamp,
) -> Result<Option<Asked>, WriteError<TableError>> {
    let commits = hub.store().commits();
    let until = Instant::now() + WAIT;
    let (state, author, picture) = (hub.clone(), author.clone(), Arc::clone(picture));
    let before = hub
        .store()
        .write("ask for rights", move |tx| {
            send(tx, (&state, &author), &picture, &wishes, now)
        })
        .await?;
    Ok((!before.is_empty()).then_some(Asked {
        before,
        until,
        commits,
    }))
}

impl Asked {
    /// Waits until more rights have come; false when the time is over.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn more(
        &mut self,
        hub: &Hub,
        author: &Author,
    ) -> Result<bool, ReadError<TableError>> {
        let own = author.replica;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let changed = tokio::time::timeout(left, self.commits.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return Ok(false);
            }
            let pairs: Vec<Pair> = self.before.keys().cloned().collect();
            let held = hub
                .store()
                .read(move |conn| {
                    let held = pairs.into_iter().map(|pair| {
                        let cells = rights::cells(conn, &pair.0, &pair.1)?;
                        Ok((pair, cells.rights(own)))
                    });
                    held.collect::<TableResult<BTreeMap<Pair, i64>>>()
                })
                .await?;
            let more = held.iter().any(|(pair, now)| *now > self.before[pair]);
            self.before = held;
            if more {
                return Ok(true);
            }
        }
    }
}

/// Asks every store that can spare something for what is missing of a wish.
///
/// # Errors
/// The tables could not be used.
pub fn request(
    conn: &Connection,
    (hub, author): (&Hub, &Author),
    picture: &Picture,
    wish: &Wish,
    now: Timestamp,
) -> TableResult<()> {
    let ground = Ground::of(conn, hub, author.replica, picture, now)?;
    let mut wishes = Vec::new();
    for (sku, wanted) in &wish.wanted {
        let Some(product) = picture.products.get(sku) else {
            continue;
        };
        let mut spares = Vec::new();
        for location in &picture.locations {
            let named = wish.only.as_ref().is_none_or(|only| *only == location.id);
            if !named {
                continue;
            }
            let pair = ground.pair(location, product, None)?;
            let spare = spare(conn, hub, &ground, (location, product), &pair.cells)?;
            if spare > 0 {
                spares.push((spare, pair.availability.atp, &location.id));
            }
        }
        spares.sort_by_key(|(spare, ..)| std::cmp::Reverse(*spare));
        let asked = spares.into_iter().take(STORES);
        wishes.extend(asked.map(|(_, atp, location)| RightsAsked {
            location: location.clone(),
            sku: sku.clone(),
            quantity: wanted - atp,
        }));
    }
    send(conn, (hub, author), picture, &wishes, now).map(drop)
}

/// Writes wishes onto the feeds of the stores that can spare something; gives the
/// pairs that are waited for, with what the hub holds of each now.
///
/// # Errors
/// The tables could not be used.
pub fn send(
    conn: &Connection,
    (hub, author): (&Hub, &Author),
    picture: &Picture,
    wishes: &[RightsAsked],
    now: Timestamp,
) -> TableResult<BTreeMap<Pair, i64>> {
    let ground = Ground::of(conn, hub, author.replica, picture, now)?;
    let expires = Timestamp::from_millis(now.as_millis() + millis(GOOD_FOR));
    let mut requests: BTreeMap<&LocationId, Vec<GrantRequest>> = BTreeMap::new();
    let mut before = BTreeMap::new();
    for wish in wishes {
        let (location, product) = (
            picture.location(&wish.location),
            picture.products.get(&wish.sku),
        );
        let Some((location, product)) = location.zip(product) else {
            continue;
        };
        let cells = rights::cells(conn, &wish.location, &wish.sku)?;
        let spare = spare(conn, hub, &ground, (location, product), &cells)?;
        if spare == 0 {
            continue;
        }
        let pair = (wish.location.clone(), wish.sku.clone());
        let asked = hub
            .grants()
            .take(&pair, wish.quantity, spare, Instant::now());
        if asked > 0 {
            requests
                .entry(&wish.location)
                .or_default()
                .push(GrantRequest {
                    sku: wish.sku.clone(),
                    quantity: asked,
                    expires,
                });
        }
        before.insert(pair, cells.rights(author.replica));
    }
    for (location, requests) in requests {
        feed::request_grants(conn, author, location, requests)?;
    }
    Ok(before)
}

/// What a location can hand on of a product at once, in thousandths: nothing
/// unless it sells online and its minter is connected.
///
/// # Errors
/// The tables could not be read.
pub fn spare(
    conn: &Connection,
    hub: &Hub,
    ground: &Ground<'_>,
    (location, product): (&Location, &Product),
    cells: &Cells,
) -> TableResult<i64> {
    let Some(minter) = minters::living(conn, &location.id)? else {
        return Ok(0);
    };
    let node = journal::state(conn, minter)?.map(|journal| journal.node);
    let connected = node.is_some_and(|node| hub.live().of(node).is_some());
    if !connected || !ground.is_open(&location.id) || ground.is_suspended(location) {
        return Ok(0);
    }
    let terms = ground.share(location, product);
    Ok(answer_request(terms, cells.rights(minter), i64::MAX))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_asked_for_at_a_time_than_can_be_spared() {
        let under_way = UnderWay::default();
        let pair = ("S001".parse().unwrap(), "A".parse().unwrap());
        let at = Instant::now();
        assert_eq!(under_way.take(&pair, 2_000, 5_000, at), 2_000);
        assert_eq!(under_way.take(&pair, 2_000, 5_000, at), 2_000);
        assert_eq!(under_way.take(&pair, 2_000, 5_000, at), 1_000);
        assert_eq!(under_way.take(&pair, 2_000, 5_000, at), 0);
        assert_eq!(under_way.take(&pair, 2_000, 5_000, at + WAIT), 2_000);
    }
}
