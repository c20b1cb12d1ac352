//! The end of a run: the lines are whole, people finish what is open, and then
//! everything has to add up.
//!
//! Invariant: nothing is left undone for ever, and all machines show the same.

use anyhow::Result;
use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{
    OrderConflictKind, OrderObligation, OrderState, OrderStatus, PaymentState,
};
use evertill_storage::projection::{orders as listed, rights, stock};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{Store, TableError, TableResult, exceptions, feed, rebuild, verify};

use crate::line;
use crate::oracle::Touched;
use crate::shop::{PRICE, portion, safety_stock, skus, unit};
use crate::truth::Pair;
use crate::world::{Ordered, World};

/// Rounds until everything is still.
const ROUNDS: usize = 400;

impl World {
    /// The lines are whole, and everybody does what is left, until nothing moves.
    pub(crate) fn come_to_rest(&mut self) -> Result<()> {
        self.note("lines are whole");
        self.hub_opens_selling()?;
        self.find_strays()?;
        for line in &mut self.lines {
            line.cut_until = 0;
        }
        for site in &mut self.sites {
            site.skew = 0;
        }
        for round in 0..ROUNDS {
            self.step += 1;
            self.pass(90);
            let mut busy = self.look_after_lives()?;
            for at in 0..self.sites.len() {
                busy += usize::from(self.carry(at, 50)?);
            }
            self.duties()?;
            self.look()?;
            for at in 0..self.sites.len() {
                busy += self.work(at, true)?;
                if round > 20 && round % 5 == 0 {
                    busy += self.count_all(at)?;
                }
            }
            if round > 30 {
                busy += self.give_up_the_rest()?;
            }
            if self.violation.is_some() {
                return Ok(());
            }
            if busy == 0 && round > 40 && !self.orders.iter().any(|o| self.is_open(o)) {
                return self.account();
            }
        }
        let open: Vec<String> = self
            .orders
            .iter()
            .filter(|order| self.is_open(order))
            .map(|order| format!("{:?}", self.truth.orders.get(&order.document)))
            .collect();
        self.violated("everything comes to rest", format!("{open:#?}"));
        Ok(())
    }

    fn hub_opens_selling(&mut self) -> Result<()> {
        self.hub_sql("DELETE FROM selling_closed")
    }

    fn is_open(&self, order: &Ordered) -> bool {
        let state = self.truth.orders.get(&order.document);
        state.is_some_and(|order| {
            let over = matches!(
                order.status,
                OrderStatus::Fulfilled | OrderStatus::Cancelled
            );
            let owed = order.obligations.iter();
            let owed = owed.filter(|o| !matches!(o, OrderObligation::Notify { .. }));
            !over || owed.count() > 0
        })
    }

    /// Every shelf is counted, and what the record says is put right.
    fn count_all(&mut self, at: usize) -> Result<usize> {
        let mut wrong = 0;
        if !self.sites[at].is_minter()? {
            return Ok(1);
        }
        for sku in skus() {
            let pair = (self.sites[at].location.clone(), sku.clone());
            let goods = *self.books.shelf(&pair);
            if goods.missing != 0 && self.nothing_waits(at, &pair)? {
                wrong += 1;
                self.tidy(at, &pair, goods.missing)?;
            }
            let staged = self.books.shelf(&pair).staged;
            if staged > 0 && self.nothing_waits(at, &pair)? {
                wrong += 1;
                let goods = self.books.shelf(&pair);
                goods.staged -= staged;
                goods.free += staged;
                let way = ("adjustment", "staged", "sellable");
                self.move_goods(at, &sku, way, staged)?;
                self.observe(Touched::Site(at))?;
            }
            let goods = *self.books.shelf(&pair);
            let missing = goods.unrecorded - goods.missing;
            wrong += usize::from(missing != 0);
            self.count(at, &sku, missing)?;
        }
        Ok(wrong)
    }

    /// Whether nothing of a product is put aside for anybody.
    fn nothing_waits(&self, at: usize, pair: &Pair) -> Result<bool> {
        let mut open = self.open_at(at)?.into_iter();
        Ok(open.all(|(_, order)| {
            let mut here = order.promises_of(&pair.0);
            here.all(|(_, promise)| {
                let line = order.line(promise.line);
                let other = line.is_none_or(|line| line.line.sku != pair.1);
                promise.staged == 0 || other
            })
        }))
    }

    /// What the records have put aside and is not there, or the other way round,
    /// is put right.
    fn tidy(&mut self, at: usize, pair: &Pair, missing: i64) -> Result<()> {
        let rack = self.books.shelf(pair);
        rack.missing -= missing;
        rack.unrecorded -= missing;
        if missing > 0 {
            self.outflow(pair, missing);
            self.move_goods(at, &pair.1, ("write_off", "staged", "shrinkage"), missing)?;
        } else {
            self.move_goods(at, &pair.1, ("found", "shrinkage", "staged"), -missing)?;
        }
        self.observe(Touched::Site(at))
    }

    /// Customers who wait for what nobody has give up.
    fn give_up_the_rest(&mut self) -> Result<usize> {
        let mut given_up = 0;
        for at in 0..self.orders.len() {
            let state = self.truth.orders.get(&self.orders[at].document);
            let waits = state.is_some_and(|order| {
                order
                    .lines
                    .iter()
                    .any(|line| line.unallocated + line.backordered > 0)
                    && !order.cancel_requested
            });
            // A pickup that nobody collected, or that was broken, ends here too.
            let stuck = state.is_some_and(|order| {
                !matches!(
                    order.status,
                    OrderStatus::Fulfilled | OrderStatus::Cancelled
                ) && !order.promises.iter().any(|(id, promise)| {
                    let size = order
                        .line(promise.line)
                        .map_or(1_000, |line| portion(&line.line.sku));
                    let goods = self.books.goods.get(id).copied().unwrap_or_default();
                    promise.staged > 0 && goods.staged * size >= promise.staged
                })
            });
            if waits || (stuck && self.is_open(&self.orders[at])) {
                self.cancel(at)?;
                given_up += 1;
            }
        }
        Ok(given_up)
    }

    /// Everything adds up.
    fn account(&mut self) -> Result<()> {
        for at in 0..self.sites.len() {
            self.compare(at)?;
        }
        for (number, order) in self.orders.clone().iter().enumerate() {
            self.settled(number, order)?;
        }
        self.conflicts()?;
        let hub = self.hub.hub().store().clone();
        self.sound("the hub", &hub)?;
        for at in 0..self.sites.len() {
            let store = self.sites[at].node().store().clone();
            self.sound(&format!("node {at}"), &store)?;
        }
        Ok(())
    }

    /// Node and hub show the same of a store, and no right is lost.
    fn compare(&mut self, at: usize) -> Result<()> {
        let site = &self.sites[at];
        let (own, place) = (self.hub.author().replica, site.location.clone());
        let head = self
            .hub
            .hub()
            .store()
            .read_blocking(move |conn| feed::head(conn, own, &place))?;
        let items = line::feed_held(site)?;
        if items != head.seq {
            let what = format!("{}: {items} of {} items", site.location, head.seq);
            self.violated("a feed arrives whole", what);
            return Ok(());
        }
        for sku in skus() {
            let pair = (self.sites[at].location.clone(), sku.clone());
            let look = {
                let pair = pair.clone();
                move |conn: &Connection| {
                    let figures = stock::of(conn, &pair.0, &pair.1)?;
                    let cells = rights::cells(conn, &pair.0, &pair.1)?;
                    Ok::<_, TableError>(format!("{figures:?} {cells:?}"))
                }
            };
            let here = self.hub.hub().store().read_blocking(look.clone())?;
            let there = self.sites[at].node().store().read_blocking(look)?;
            if here != there {
                let what = format!("{pair:?}: the hub has {here}, the node {there}");
                self.violated("all machines show the same", what);
            }
            let figures = self.books.figures.get(&pair).cloned().unwrap_or_default();
            let room = figures.units - safety_stock(&pair.1) - figures.rights;
            let quantum = unit(&pair.1).rights_quantum();
            if figures.live != 0 || figures.debt() != 0 || room >= quantum {
                self.violated("no right is stranded", format!("{pair:?}: {figures:?}"));
            }
            let goods = *self.books.shelf(&pair);
            if goods.unrecorded != 0 || goods.missing != 0 || goods.staged != 0 {
                self.violated("shelves are put right", format!("{pair:?}: {goods:?}"));
            }
        }
        Ok(())
    }

    /// An order ended in one way, and its money with it.
    fn settled(&mut self, number: usize, known: &Ordered) -> Result<()> {
        let document = known.document;
        let load = move |conn: &Connection| listed::load(conn, &document);
        let Some(order) = self.hub.hub().store().read_blocking(load)? else {
            self.violated("an order stays", format!("order {number} is gone"));
            return Ok(());
        };
        for site in &self.sites {
            if order.promises_of(&site.location).next().is_none() {
                continue;
            }
            // A store whose part is over hears no more of what others do.
            let there = site.node().store().read_blocking(load)?;
            let own = |order: &OrderState| {
                let promises = order.promises_of(&site.location);
                let promises = promises.map(|(id, promise)| (*id, promise.clone()));
                promises.collect::<Vec<_>>()
            };
            let (here, there) = (own(&order), there.as_ref().map(own));
            if there.as_ref() != Some(&here) {
                let what = format!("order {number}: {there:?} at {}, {here:?}", site.location);
                self.violation
                    .get_or_insert(("all machines show the same", what));
                return Ok(());
            }
        }
        let fulfilled: i64 = order.lines.iter().map(|line| line.fulfilled).sum();
        let ordered: i64 = order.lines.iter().map(|line| line.ordered).sum();
        let (size, untold) = (portion(&known.sku), self.untold(&order));
        let got = (known.got - untold) * size;
        if fulfilled != got.min(ordered) {
            let what = format!(
                "order {number}: {} were handed over, {untold} of it untold: {order:?}",
                known.got
            );
            self.violated("customers have what the order says", what);
        }
        let conflicts = order.conflicts.iter();
        let twice = conflicts.filter(|c| c.kind == OrderConflictKind::DuplicateHandOver);
        let twice: i64 = twice.map(|conflict| conflict.quantity).sum();
        if got - ordered > twice {
            let what = format!("order {number}: {} were handed over: {order:?}", known.got);
            self.violated("what a customer has beyond the order is said", what);
        }
        let money = &order.money;
        if money.refunded.minor() != known.refunded {
            let what = format!("order {number}: {} went back: {money:?}", known.refunded);
            self.violated("a refund is paid once", what);
        }
        let kept = money.captured.minor() - money.refunded.minor();
        let unpaid = matches!(order.payment_state, PaymentState::Pending);
        if !unpaid && kept != fulfilled / size * PRICE {
            let what = format!("order {number}: got {}, {money:?}", known.got);
            self.violated("customers pay for what they have", what);
        }
        Ok(())
    }

    /// What customers of an order have and no record says, because a machine was
    /// lost with it.
    fn untold(&self, order: &OrderState) -> i64 {
        let lossy = order
            .promises
            .iter()
            .filter(|(_, promise)| self.books.lossy.contains(&promise.location));
        let untold = lossy.map(|(id, promise)| {
            let size = order
                .line(promise.line)
                .map_or(1_000, |line| portion(&line.line.sku));
            let carried = self.books.goods.get(id).map_or(0, |goods| goods.carried);
            carried - promise.parts.settled / size
        });
        untold.sum()
    }

    /// Each conflict has one exception.
    fn conflicts(&mut self) -> Result<()> {
        let found = self.hub.hub().store().read_blocking(|conn| {
            let mut select = conn
                .prepare("SELECT key FROM exception WHERE key LIKE 'conflict:%'")
                .map_err(TableError::from)?;
            let rows = select.query_map([], |row| row.get::<_, String>(0));
            let rows = rows.map_err(TableError::from)?;
            rows.collect::<Result<Vec<_>, _>>()
                .map_err(TableError::from)
        })?;
        for number in 0..self.orders.len() {
            let document = self.orders[number].document;
            let load = move |conn: &Connection| listed::load(conn, &document);
            let order = self.hub.hub().store().read_blocking(load)?;
            for conflict in order.map(|order| order.conflicts).unwrap_or_default() {
                self.done.conflicts += 1;
                let key = format!("conflict:{document}:{}:{}", conflict.kind, conflict.about);
                let opened = found.iter().filter(|one| **one == key).count();
                if opened != 1 {
                    let what = format!("order {number}: {key} has {opened}");
                    self.violated("each conflict opens one exception", what);
                }
            }
        }
        let open =
            self.hub.hub().store().read_blocking(|conn| {
                exceptions::open_of_kind(conn, ExceptionKind::SuspectedBreach)
            })?;
        if !open.is_empty() {
            self.violated("a suspicion ends", format!("{open:?}"));
        }
        Ok(())
    }

    /// A machine owes nothing, its journals verify, and its tables can be made
    /// anew.
    fn sound(&mut self, name: &str, store: &Store) -> Result<()> {
        let parked = store.read_blocking(|conn| count(conn, "quarantine WHERE state = 'open'"))?;
        if parked != 0 {
            self.violated(
                "nothing stays in quarantine",
                format!("{name}: {parked} cases"),
            );
        }
        let left = store.read_blocking(|conn| {
            Ok::<_, TableError>((count(conn, "rights_due")?, count(conn, "order_due")?))
        })?;
        if left != (0, 0) {
            self.violated(
                "no duty rests",
                format!("{name}: {left:?} pairs and orders"),
            );
        }
        store.read_blocking(|conn| verify::verify(conn).map(drop))?;
        let before = store.read_blocking(rebuild::fingerprint)?;
        store.write_blocking("rebuild", |tx| rebuild::rebuild(tx).map(drop))?;
        let after = store.read_blocking(rebuild::fingerprint)?;
        for (table, hash) in &before {
            if after.get(table) != Some(hash) {
                let what = format!("{name}: {table}");
                self.violated("a rebuild gives the same tables", what);
            }
        }
        Ok(())
    }
}

fn count(conn: &Connection, table: &str) -> TableResult<i64> {
    let sql = format!("SELECT count(*) FROM {table}");
    conn.query_row(&sql, [], |row| row.get(0))
        .map_err(TableError::from)
}
