//! What people do: customers at tills and on the web, those who bring goods and
//! those who take them.
//!
//! Invariant: goods move on the shelves whether or not a machine hears of it.

use anyhow::{Context as _, Result, bail, ensure};
use evertill_domain::order::{
    Fulfilment, FulfilmentKind, PaymentMethod, PaymentStatus, PaymentStep, PlaceLine, PlaceOrder,
    PlacePayment, Substitution,
};
use evertill_domain::{Currency, DocumentId, LocationId, Money, Quantity, Sku, Timestamp};
use evertill_hub::services::availability;
use evertill_hub::services::orders::{self, Asking, At, OrderRefusal};
use evertill_node::services::{movements, returns, sales};
use evertill_storage::WriteError;
use evertill_storage::feed::{self, GrantRequest};
use evertill_storage::selling::contacts::Contact;
use serde_json::{Value, json};

use crate::bug::Bug;
use crate::money::{cents, payment};
use crate::oracle::Touched;
use crate::shop::{PRICE, plenty, portion, quantity, skus, unit_price};
use crate::world::{Ordered, World};

impl World {
    /// One thing that somebody does.
    pub(crate) fn act(&mut self) -> Result<()> {
        let at = self.rng.index(self.sites.len());
        let sku = self.rng.pick(&skus()).clone();
        let what = self.rng.below(100);
        if what <= 31 && !self.trades(at) {
            return Ok(());
        }
        match what {
            0..=17 => self.sell(at, &sku),
            18..=20 => self.bring_back(),
            21..=26 => {
                let units = self.rng.between(1, 5) * plenty(&sku);
                self.receive(at, &sku, units)
            }
            27..=28 => {
                self.steal(at, &sku);
                Ok(())
            }
            29..=30 => self.write_off(at, &sku),
            31 => self.ask_for_count(at, &sku),
            32..=58 => self.order(at, &sku),
            59..=64 => self.pay_a_cart(),
            65..=71 => self.cancel_one(),
            72..=73 => self.close_or_open(at),
            74 => self.change_one(),
            75..=77 => self.customer_asks(at),
            _ => self.work(at, false).map(drop),
        }
    }

    /// Whether the machine of a store sells, and the hub will hear of it.
    pub(crate) fn trades(&self, at: usize) -> bool {
        !self.astray[at] && self.sites[at].is_ready()
    }

    /// A walk-in takes what lies there, promised or not.
    fn sell(&mut self, at: usize, sku: &Sku) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        let units = self.rng.between(1, 3).min(self.books.shelf(&pair).free);
        if units == 0 {
            return Ok(());
        }
        let body = json!({
            "register": "R1",
            "lines": [{"sku": sku, "quantity": quantity(units, sku)}],
            "tenders": [{"kind": "cash", "amount": cents(units * PRICE)}],
        });
        self.outflow(&pair, units);
        self.books.shelf(&pair).free -= units;
        let before = self.burnt(at, &pair)?;
        let site = &mut self.sites[at];
        let request = site.request("/api/v1/sales")?;
        let answer = site.run(sales::sell(
            site.node(),
            request,
            serde_json::from_value(body)?,
        ))?;
        let receipt: Value = serde_json::from_slice(&answer.body)?;
        let number = receipt["receipt_number"].as_str().context("a number")?;
        let number = number.to_owned();
        self.note(&format!("sold {units} {sku} at {at}: {number}"));
        self.receipts.push((at, number, sku.clone()));
        self.done.sales += 1;
        if self.has(Bug::SaleBurnsNothing) {
            self.unburn(at, &pair, before)?;
        }
        self.observe(Touched::Site(at))
    }

    /// A customer brings one unit of an earlier purchase back.
    fn bring_back(&mut self) -> Result<()> {
        let Some((at, number, sku)) = self.receipts.pop() else {
            return Ok(());
        };
        if !self.trades(at) {
            return Ok(());
        }
        let body = json!({
            "register": "R1", "receipt": number,
            "lines": [{
                "line": 1, "quantity": quantity(1, &sku), "bucket": "sellable",
                "reason": "unwanted",
            }],
            "tenders": [{"kind": "cash", "amount": cents(PRICE)}],
        });
        let site = &mut self.sites[at];
        let request = site.request("/api/v1/returns")?;
        let back = returns::give_back(site.node(), request, serde_json::from_value(body)?);
        if let Err(refused) = site.run(back) {
            // A machine that was lost took the receipt with it.
            ensure!(
                self.books.lossy.contains(&site.location),
                "{number}: {refused:?}"
            );
            return Ok(());
        }
        let pair = (site.location.clone(), sku);
        self.books.shelf(&pair).free += 1;
        self.note(&format!("returned at {at}: {number}"));
        self.observe(Touched::Site(at))
    }

    /// Goods come in.
    pub(crate) fn receive(&mut self, at: usize, sku: &Sku, units: i64) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        self.books.shelf(&pair).free += units;
        self.move_goods(at, sku, ("receiving", "supplier", "sellable"), units)?;
        if self.has(Bug::MintByReceipt) {
            self.mint(Touched::Site(at), &pair, units * portion(sku))?;
        }
        self.observe(Touched::Site(at))
    }

    /// Goods go, and nobody writes it down.
    fn steal(&mut self, at: usize, sku: &Sku) {
        let pair = (self.sites[at].location.clone(), sku.clone());
        let goods = self.books.shelf(&pair);
        if goods.free > 0 {
            goods.free -= 1;
            goods.unrecorded += 1;
            self.note(&format!("stolen {sku} at {at}"));
        }
    }

    /// Somebody counts a shelf and puts the record right, or wrong.
    pub(crate) fn write_off(&mut self, at: usize, sku: &Sku) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        let mistaken = i64::from(self.rng.chance(1, 6));
        let goods = *self.books.shelf(&pair);
        self.count(at, sku, goods.unrecorded - goods.missing + mistaken)
    }

    /// The record of a shelf falls by so many units; rises, if below zero.
    pub(crate) fn count(&mut self, at: usize, sku: &Sku, missing: i64) -> Result<()> {
        let pair = (self.sites[at].location.clone(), sku.clone());
        if missing == 0 {
            return Ok(());
        }
        self.books.shelf(&pair).unrecorded -= missing;
        if missing > 0 {
            self.outflow(&pair, missing);
            self.move_goods(at, sku, ("write_off", "sellable", "shrinkage"), missing)?;
        } else {
            self.move_goods(at, sku, ("found", "shrinkage", "sellable"), -missing)?;
        }
        self.observe(Touched::Site(at))
    }

    pub(crate) fn move_goods(
        &mut self,
        at: usize,
        sku: &Sku,
        (reason, from, to): (&str, &str, &str),
        units: i64,
    ) -> Result<()> {
        let body = json!({
            "reason": reason,
            "lines": [{"sku": sku, "from": from, "to": to, "quantity": quantity(units, sku)}],
        });
        let site = &mut self.sites[at];
        let request = site.request("/api/v1/movements")?;
        let moved = movements::record(site.node(), request, serde_json::from_value(body)?);
        site.run(moved)?;
        self.note(&format!("{reason} {units} {sku} at {at}"));
        Ok(())
    }

    /// Somebody orders on the web.
    fn order(&mut self, at: usize, sku: &Sku) -> Result<()> {
        self.named += 1;
        let portions = self.rng.between(1, 3);
        let (ship, kind) = (self.rng.chance(2, 5), self.rng.below(10));
        let status = match kind {
            0..=2 => PaymentStatus::Unpaid,
            3..=4 if !ship => PaymentStatus::PayAtPickup,
            _ => PaymentStatus::Captured,
        };
        let (backorder, split) = (self.rng.chance(1, 6), self.rng.chance(1, 2));
        let command = self.command((at, sku, portions), (ship, status), (backorder, split))?;
        let forgets = self.has(Bug::SoftHoldsForgotten);
        if forgets {
            self.hub_sql("UPDATE soft_hold SET sku = 'X' || sku")?;
        }
        let indebted = self.indebted(sku);
        if self.has(Bug::PromiseInDebt) {
            self.hub_sql(
                "UPDATE stock SET sellable = sellable + 90000, customer = customer - 90000",
            )?;
        }
        let (hub, author) = (self.hub.hub().clone(), self.hub.author().clone());
        let picture = self.hub.run(orders::picture(&hub, vec![sku.clone()]))?;
        let digest = *blake3::hash(command.external_id.as_bytes()).as_bytes();
        let (state, now, name) = (hub.clone(), hub.now(), command.external_id.clone());
        let placed = hub.store().write_blocking("place", move |tx| {
            let contact = Contact::default();
            orders::place(
                tx,
                (&state, &author),
                &picture,
                (&command, &contact),
                (&digest, &Asking::default()),
                now,
            )
        });
        if forgets {
            self.hub_sql("UPDATE soft_hold SET sku = substr(sku, 2) WHERE sku LIKE 'X%'")?;
        }
        if self.has(Bug::PromiseInDebt) {
            self.hub_sql(
                "UPDATE stock SET sellable = sellable - 90000, customer = customer + 90000",
            )?;
        }
        match placed {
            Ok(arrived) => {
                let promises = arrived.order.promises.values();
                let mut sources = promises.map(|promise| &promise.location);
                if let Some(place) = sources.find(|place| indebted.contains(place)) {
                    let what = format!("{name}: {sku} at {place}");
                    self.violated("nothing is promised in debt", what);
                }
                self.note(&format!(
                    "{name}: {portions} {sku}, {status:?}, ship {ship}, {at}"
                ));
                self.done.orders += 1;
                self.orders.push(Ordered {
                    document: arrived.document,
                    sku: sku.clone(),
                    quantity: portions,
                    unpaid: status == PaymentStatus::Unpaid,
                    at_counter: status == PaymentStatus::PayAtPickup,
                    got: 0,
                    refunded: 0,
                });
            }
            Err(WriteError::Rejected(OrderRefusal::Insufficient(_))) => {
                self.note(&format!("{name}: too few {sku}"));
                self.done.short += 1;
                if self.rng.chance(1, 3) {
                    self.ask_for_rights(at, sku, portions)?;
                }
            }
            Err(error) => return Err(error).context(name),
        }
        self.observe(Touched::Hub)
    }

    /// The hub asks a store for rights beyond its share.
    fn ask_for_rights(&mut self, at: usize, sku: &Sku, portions: i64) -> Result<()> {
        let (place, author) = (self.sites[at].location.clone(), self.hub.author().clone());
        let request = GrantRequest {
            sku: sku.clone(),
            quantity: portions * portion(sku),
            expires: Timestamp::from_millis(self.now + 3_600_000),
        };
        let store = self.hub.hub().store();
        store.write_blocking("ask for rights", move |tx| {
            feed::request_grants(tx, &author, &place, vec![request]).map(drop)
        })?;
        Ok(())
    }

    /// Where the hub itself sees more promised of a product than there is.
    fn indebted(&self, sku: &Sku) -> Vec<LocationId> {
        let places = self.sites.iter().map(|site| site.location.clone());
        let owes = |place: &LocationId| self.pictures[0].debt(&(place.clone(), sku.clone())) > 0;
        places.filter(owes).collect()
    }

    fn command(
        &mut self,
        (at, sku, portions): (usize, &Sku, i64),
        (ship, status): (bool, PaymentStatus),
        (backorder, split): (bool, bool),
    ) -> Result<PlaceOrder> {
        let total = Money::new(PRICE * portions, Currency::USD)?;
        let channel = if self.rng.chance(1, 3) {
            "market"
        } else {
            "web"
        };
        Ok(PlaceOrder {
            channel: channel.parse()?,
            external_id: format!("W-{}", self.named),
            placed_at: None,
            currency: Currency::USD,
            customer_ref: None,
            lines: vec![PlaceLine {
                external_line_id: "1".to_owned(),
                sku: sku.clone(),
                quantity: Quantity::from_thousandths(portions * portion(sku))?,
                unit_price: unit_price(sku)?,
                discount: None,
                taxes: Vec::new(),
                substitution: Substitution::None,
            }],
            shipping: None,
            total,
            fulfilment: Fulfilment {
                kind: if ship {
                    FulfilmentKind::Ship
                } else {
                    FulfilmentKind::Pickup
                },
                location: (!ship).then(|| self.sites[at].location.clone()),
                not_before: None,
                promise_by: None,
                allow_split: ship && split,
                allow_backorder: backorder,
                destination: None,
            },
            payment: PlacePayment {
                status,
                method: PaymentMethod::Card,
                reference: None,
                amount: total,
                expires_at: None,
            },
            hold_until: (status == PaymentStatus::Unpaid)
                .then(|| Timestamp::from_millis(self.now + 4 * 3_600_000)),
            holds: Vec::new(),
        })
    }

    /// Changes an order at the hub, in one write.
    pub(crate) fn revise<T: Send + 'static>(
        &mut self,
        document: DocumentId,
        work: impl FnOnce(At<'_>) -> Result<T, OrderRefusal> + Send + 'static,
    ) -> Result<Option<T>> {
        let (hub, author) = (self.hub.hub().clone(), self.hub.author().clone());
        let picture = self.hub.run(orders::picture_of(&hub, document))?;
        let state = hub.clone();
        let revised = hub.store().write_blocking("revise", move |tx| {
            work(At {
                conn: tx,
                hub: &state,
                author: &author,
                picture: &picture,
                document,
                by: None,
                now: state.now(),
            })
        });
        let revised = match revised {
            Ok(revised) => Some(revised),
            Err(WriteError::Rejected(
                OrderRefusal::Rejected(_) | OrderRefusal::Insufficient(_),
            )) => None,
            Err(error) => bail!("order {document}: {error}"),
        };
        self.observe(Touched::Hub)?;
        Ok(revised)
    }

    fn one_order(&mut self) -> Option<usize> {
        (!self.orders.is_empty()).then(|| self.rng.index(self.orders.len()))
    }

    /// A customer pays for a cart whose goods are still kept.
    fn pay_a_cart(&mut self) -> Result<()> {
        let carts = self.orders.iter().rposition(|order| order.unpaid);
        let Some(at) = carts.filter(|_| self.rng.chance(2, 3)) else {
            return Ok(());
        };
        let (document, portions) = (self.orders[at].document, self.orders[at].quantity);
        let amount = Money::new(PRICE * portions, Currency::USD)?;
        let payment = payment(PaymentStep::Capture, amount);
        let paid = self.revise(document, move |at| orders::pay(at, payment))?;
        self.note(&format!("cart {at} paid: {}", paid.is_some()));
        self.orders[at].unpaid = paid.is_none() && self.orders[at].unpaid;
        Ok(())
    }

    /// A customer changes their mind.
    fn cancel_one(&mut self) -> Result<()> {
        let Some(at) = self.one_order() else {
            return Ok(());
        };
        self.cancel(at)
    }

    pub(crate) fn cancel(&mut self, at: usize) -> Result<()> {
        let document = self.orders[at].document;
        let early = self.has(Bug::ReleaseBeforeWithdrawal);
        let cancelled = self.revise(document, move |at| {
            let revised = orders::cancel(at, &[], "changed my mind")?;
            if early {
                crate::tamper::release_now(at, &revised.order)?;
            }
            Ok(revised)
        })?;
        if cancelled.is_some() {
            self.note(&format!("order {at} cancelled"));
            self.orders[at].unpaid = false;
            self.done.cancelled += 1;
        }
        Ok(())
    }

    /// A customer who pays at the counter wants one more.
    fn change_one(&mut self) -> Result<()> {
        let counter = self.orders.iter().rposition(|order| order.at_counter);
        let Some(at) = counter else {
            return Ok(());
        };
        let portions = self.orders[at].quantity + 1;
        let quantity = Quantity::from_thousandths(portions * portion(&self.orders[at].sku))?;
        let document = self.orders[at].document;
        let changed = self.revise(document, move |at| orders::change(at, 1, quantity, None))?;
        if changed.is_some() {
            self.note(&format!("order {at} is for one more"));
            self.orders[at].quantity += 1;
        }
        Ok(())
    }

    fn close_or_open(&mut self, at: usize) -> Result<()> {
        let (place, open) = (self.sites[at].location.clone(), self.rng.chance(2, 3));
        let hub = self.hub.hub().clone();
        let now = hub.now();
        hub.store()
            .write_blocking("close or open selling", move |tx| {
                availability::set_selling(tx, &place, open, None, ("operator", now))
            })?;
        self.note(&format!("{at} sells online: {open}"));
        Ok(())
    }
}
