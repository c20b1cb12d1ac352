//! What the hub does about orders and rights by itself: it takes back what was
//! withdrawn, sources again what was given back or broken, settles debts, and
//! ends carts that ran out.
//!
//! The apply path notes what has changed; a round takes it up after the commit.
//!
//! Where rights that stores can spare make a better plan they are asked, and the
//! order is taken up again a moment later, with what came.
//!
//! An order that nobody can take on is tried again by and by; one that was given
//! back too often is not, until a person has decided.
//!
//! Invariant: a round acts on the tables as they are in its own transaction, so
//! making it twice does nothing the second time.

use std::collections::BTreeMap;
use std::time::Duration;

use evertill_domain::order::{self, EndCause, OrderObligation, OrderState, OrderStatus};
use evertill_domain::policy::ChannelPolicy;
use evertill_domain::rights::{CellWrite, PairCells, Position, Settlement, settle};
use evertill_domain::routing::RightsAsked;
use evertill_domain::{DocumentId, LocationId, Sku, Timestamp};
use evertill_storage::duties::OrderDue;
use evertill_storage::journal::{Author, append_with_rights};
use evertill_storage::projection::{
    backorders as waiting, minters, orders, promises, rights, stock,
};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds;
use evertill_storage::{
    TableError, TableResult, WriteError, completeness, duties, feed, messages, private,
};

use super::attempts;
use super::claims::expire_claims;
use super::revise::{At, cancel};
use super::wishes::{Asking, Sourced};
use super::{OrderRefusal, PrepareError, backorders, picture};
use crate::services::exceptions::Unmet;
use crate::services::ground::Picture;
use crate::services::seals::{self, SucceedError};
use crate::services::{drafts, exceptions, grants};
use crate::state::Hub;

/// Orders of one round.
const ORDERS: usize = 32;
/// Pairs of one round.
const PAIRS: usize = 500;
/// Products that are waited for, of one round.
const PRODUCTS: usize = 16;
/// Rest between rounds, so that a burst is one.
const REST: Duration = Duration::from_millis(20);
/// Longest rest: carts run out by the clock.
const TICK: Duration = Duration::from_secs(1);
/// Rest between two looks for problems that nobody tells of.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long an order that nobody can take on rests before it is tried again,
/// and a round that failed, in milliseconds.
const RETRY_MS: i64 = 5_000;

/// A round that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// What it acts on could not be read.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<OrderRefusal>),
    /// A place could not be given on.
    #[error(transparent)]
    Succeed(#[from] SucceedError),
}

/// Orders that are tried again, and when.
pub type Resting = BTreeMap<DocumentId, Rest>;

/// Why an order rests: nobody could take it on, or stores were asked for rights.
#[derive(Clone, Debug)]
pub struct Rest {
    until: Timestamp,
    asked: Vec<RightsAsked>,
}

/// Makes rounds for as long as the task lives.
pub async fn keep(hub: Hub) {
    let mut commits = hub.store().commits();
    let mut resting = Resting::new();
    loop {
        match round(&hub, &mut resting).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::time::sleep(REST).await;
                let asked = resting.values().any(|rest| !rest.asked.is_empty());
                let tick = if asked { grants::WAIT } else { TICK };
                if let Ok(Err(_)) = tokio::time::timeout(tick, commits.changed()).await {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "orders could not be looked after; it is tried again");
                tokio::time::sleep(Duration::from_millis(RETRY_MS.unsigned_abs())).await;
            }
        }
    }
}

/// Looks for problems that nobody told of, for as long as the task lives.
pub async fn watch(hub: Hub) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = drafts::put_due(&hub).await {
            tracing::warn!(%error, "an approved policy could not be put in force yet");
        }
        if let Err(error) = succeed(&hub).await {
            tracing::warn!(%error, "a place could not be given on; it is tried again");
        }
        if let Err(error) = look(&hub).await {
            tracing::warn!(%error, "problems could not be looked for; it is tried again");
        }
    }
}

async fn succeed(hub: &Hub) -> Result<(), RoundError> {
    let author = hub.author().map_err(PrepareError::from)?;
    seals::succeed_due(hub, &author).await?;
    Ok(())
}

async fn look(hub: &Hub) -> Result<(), RoundError> {
    let author = hub.author().map_err(PrepareError::from)?;
    let picture = picture(hub, Vec::new()).await?;
    let state = hub.clone();
    hub.store()
        .write("look for problems", move |tx| {
            let at = state.now();
            expire_claims(tx, (&state, &author), &picture, at)?;
            private::sweep(tx, at)?;
            exceptions::look(tx, &state, &author, &picture, at)
        })
        .await?;
    Ok(())
}

/// Takes up some of what is due; true if anything was done.
///
/// # Errors
/// A database could not be read or written.
pub async fn round(hub: &Hub, resting: &mut Resting) -> Result<bool, RoundError> {
    let now = hub.now();
    // A clock that was set back must not make an order rest for long.
    let wait = |rest: &Rest| rest.until.as_millis() - now.as_millis();
    resting.retain(|_, rest| (-RETRY_MS..=RETRY_MS).contains(&wait(rest)));
    let (rests, over): (Resting, Resting) =
        (resting.clone().into_iter()).partition(|(_, rest)| wait(rest) > 0);
    let channels = hub.reference().selling();
    let mut due = hub
        .store()
        .read(move |conn| Due::read(conn, &channels.channels, &rests, now))
        .await
        .map_err(PrepareError::from)?;
    if due.is_empty() {
        return Ok(false);
    }
    // Who was asked on behalf of an order is not asked again at once.
    let over = over.into_iter().filter(|(_, rest)| !rest.asked.is_empty());
    due.asked = over
        .map(|(document, rest)| (document, rest.asked))
        .collect();
    let author = hub.author().map_err(PrepareError::from)?;
    let skus = due.skus.clone();
    let picture = picture(hub, skus).await?;
    let (state, taken_up) = (hub.clone(), due.orders.clone());
    let again = hub
        .store()
        .write("look after orders", move |tx| {
            due.attend(tx, &state, &author, &picture)
        })
        .await?;
    resting.retain(|document, _| !taken_up.contains(document));
    resting.extend(again);
    Ok(true)
}

/// What is due.
struct Due {
    /// In the order in which they are looked after.
    orders: Vec<DocumentId>,
    /// What stores were asked for, by order.
    asked: BTreeMap<DocumentId, Vec<RightsAsked>>,
    skus: Vec<Sku>,
    pairs: Vec<(LocationId, Sku)>,
    waited_for: Vec<Sku>,
    carts: bool,
}

impl Due {
    /// Who has the better right comes first, by the channel's priority and then
    /// as orders came, so that goods which are sourced again go to who waits for
    /// them in that order too.
    fn read(
        conn: &Connection,
        channels: &ChannelPolicy,
        resting: &Resting,
        now: Timestamp,
    ) -> TableResult<Self> {
        let mut turns = duties::orders_in_line(conn)?;
        turns.retain(|turn| !resting.contains_key(&turn.document));
        let priority = |turn: &OrderDue| turn.channel.as_ref().map(|of| channels.priority(of));
        turns.sort_by_cached_key(|turn| (priority(turn), turn.arrival, turn.document));
        let found: Vec<DocumentId> = turns
            .iter()
            .map(|turn| turn.document)
            .take(ORDERS)
            .collect();
        let mut skus = Vec::new();
        for document in &found {
            let order = orders::load(conn, document)?;
            let lines = order.map(|order| order.lines).unwrap_or_default();
            skus.extend(lines.into_iter().map(|line| line.line.sku));
        }
        let waited_for = waiting::due(conn, PRODUCTS)?;
        skus.extend(waited_for.iter().cloned());
        // A pair is settled once everything that its location announced is in:
        // in the middle of a catch-up a sale may be in, and the delivery before
        // it not yet.
        let incomplete = completeness::incomplete(conn)?;
        let mut pairs = duties::pairs(conn, PAIRS)?;
        pairs.retain(|(location, _)| !incomplete.contains(location));
        Ok(Self {
            orders: found,
            asked: BTreeMap::new(),
            skus,
            pairs,
            waited_for,
            carts: soft_holds::any_expired(conn, now)?,
        })
    }

    fn is_empty(&self) -> bool {
        let nothing = self.orders.is_empty() && self.pairs.is_empty();
        nothing && self.waited_for.is_empty() && !self.carts
    }

    /// Does it, and gives the orders that are to be tried again.
    fn attend(
        &self,
        conn: &Connection,
        hub: &Hub,
        author: &Author,
        picture: &Picture,
    ) -> Result<Resting, OrderRefusal> {
        let now = hub.now();
        let at = |document| At {
            conn,
            hub,
            author,
            picture,
            document,
            by: None,
            now,
        };
        for document in soft_holds::expire(conn, now)? {
            end_cart(at(document))?;
        }
        let check = picture.selling.timers.shelf_check_minutes;
        settle_pairs(conn, author, &self.pairs, (check, now))?;
        // Stands where no order is meant.
        let nobody = DocumentId::from_bytes([0; 16]);
        for sku in &self.waited_for {
            backorders::look_at(at(nobody), sku)?;
        }
        let mut again = Resting::new();
        let mut rests = |document: &DocumentId, for_ms: i64, asked: Vec<RightsAsked>| {
            let until = Timestamp::from_millis(now.as_millis() + for_ms);
            again.insert(*document, Rest { until, asked });
        };
        for document in &self.orders {
            let asked = self.asked.get(document);
            let asking = Asking {
                may_ask: asked.is_none(),
                asked: asked.cloned().unwrap_or_default(),
            };
            let open = match look_after(at(*document), &asking)? {
                Looked::Done(open) => open,
                Looked::Asked(wishes) => {
                    rests(document, grants::WAIT_MS, wishes);
                    continue;
                }
            };
            if matches!(open, Some(Unmet::NoCandidate)) {
                rests(document, RETRY_MS, Vec::new());
            } else {
                duties::order_done(conn, document)?;
            }
            if let Some(order) = orders::load(conn, document)? {
                exceptions::of_order(conn, document, &order, open, now)?;
                exceptions::look_again(conn, &order)?;
                keep_messages(conn, document, &order, now)?;
                private::refresh(conn, document, &order, now)?;
            }
        }
        Ok(again)
    }
}

/// Keeps what the order's customer is to be told.
pub(super) fn keep_messages(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    now: Timestamp,
) -> TableResult<()> {
    for owed in &order.obligations {
        if matches!(owed, OrderObligation::Notify { .. }) {
            messages::keep(conn, document, &owed.key(), now)?;
        }
    }
    Ok(())
}

/// An unpaid order whose time ran out is cancelled.
fn end_cart(at: At<'_>) -> Result<(), OrderRefusal> {
    match cancel(at, &[], "the time to pay ran out") {
        Ok(_) | Err(OrderRefusal::Rejected(_) | OrderRefusal::Unknown(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What came of looking after an order.
enum Looked {
    /// It is done, and why a part of it is still open.
    Done(Option<Unmet>),
    /// Stores were asked for rights; it is taken up again in a moment.
    Asked(Vec<RightsAsked>),
}

/// Does what an order asks of the hub.
fn look_after(at: At<'_>, asking: &Asking) -> Result<Looked, OrderRefusal> {
    if orders::load(at.conn, &at.document)?.is_none() {
        return Ok(Looked::Done(None));
    }
    at.attend()?;
    let order = super::known(at.conn, &at.document)?;
    let surplus = order.obligations.iter().find_map(|owed| match owed {
        OrderObligation::Recall { line, .. } => Some(*line),
        _ => None,
    });
    if let Some(line) = surplus {
        let mut promises = order.promises.iter().rev();
        let latest = promises.find(|(_, promise)| promise.line == line && promise.kept() > 0);
        if let Some((id, _)) = latest {
            let bodies = order::recall(&order, *id, EndCause::Changed)?;
            at.write(&order, bodies, &PairCells::new())?;
            at.attend()?;
        }
    }
    let order = super::known(at.conn, &at.document)?;
    at.write(
        &order,
        order::give_up_uncollected(&order),
        &PairCells::new(),
    )?;
    let order = super::known(at.conn, &at.document)?;
    let kept = soft_holds::of_order(at.conn, &at.document, at.now)?;
    let waits = matches!(order.status, OrderStatus::OnHold) || !kept.is_empty();
    let open = order.obligations.iter();
    let open = open
        .filter(|owed| matches!(owed, OrderObligation::Resource { .. }))
        .count();
    if open == 0 || waits || order.awaits_payment() {
        return Ok(Looked::Done(None));
    }
    let times = attempts::times_given_back(at, &order)?;
    if times >= at.picture.selling.routing.max_attempts as usize {
        return Ok(Looked::Done(Some(Unmet::GivenBack { times })));
    }
    Ok(match at.source_what_can("re-sourced", asking)? {
        Sourced::Whole => Looked::Done(None),
        Sourced::Open => Looked::Done(Some(Unmet::NoCandidate)),
        Sourced::Asked(wishes) => Looked::Asked(wishes),
    })
}

/// Settles what pairs owe, in one entry: the hub's unused rights first. What only
/// promises can cover has to be looked for on the shelf, within `check` minutes.
fn settle_pairs(
    conn: &Connection,
    author: &Author,
    pairs: &[(LocationId, Sku)],
    (check, now): (u32, Timestamp),
) -> TableResult<()> {
    let mut said = PairCells::new();
    let left = duties::debts_left(conn)?;
    for pair in pairs {
        let (location, sku) = pair;
        let (burned, settlement) = settlement_of(conn, author, pair, now)?;
        if let Some(write) = burned {
            said.insert(pair.clone(), write);
        }
        exceptions::suspect(conn, location, sku, settlement.suspected, (check, now))?;
        let is_left = settlement.left_to_node > 0;
        if is_left != left.contains(pair) {
            duties::leave_debt(conn, location, sku, is_left)?;
        }
    }
    if !said.is_empty() {
        let appended = append_with_rights(conn, author, now, &[], &said)?;
        feed::publish(conn, author, appended.at.seq)?;
    }
    for (location, sku) in pairs {
        duties::pair_done(conn, location, sku)?;
    }
    Ok(())
}

/// How a pair's debt is settled, and what the hub burns for it.
fn settlement_of(
    conn: &Connection,
    author: &Author,
    (location, sku): &(LocationId, Sku),
    now: Timestamp,
) -> TableResult<(Option<CellWrite>, Settlement)> {
    let cells = rights::cells(conn, location, sku)?;
    let figures = stock::of(conn, location, sku)?.unwrap_or_default();
    let position = Position {
        cells: &cells,
        live_promises: promises::live(conn, location, sku)?,
        units: figures.sellable_or_staged(),
    };
    if position.debt() == 0 {
        return Ok((None, Settlement::default()));
    }
    let minter = minters::of(conn, location)?.unwrap_or(author.replica);
    let kept = soft_holds::of_pair(conn, location, sku, now)?;
    let settlement = settle(&position, author.replica, minter, kept);
    if settlement.burn == 0 {
        return Ok((None, settlement));
    }
    let burned = cells.burn(author.replica, settlement.burn);
    let burned = burned.map_err(|error| TableError::Unfit {
        reason: format!("rights of {sku} at {location}: {error}"),
    })?;
    Ok((Some(burned), settlement))
}
