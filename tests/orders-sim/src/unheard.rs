//! Trade with a machine that the hub does not hear: goods leave the shelf, and no
//! record that counts says so.
//!
//! Invariant: what is done here changes what is on the shelves, and the machine
//! that it is done with.

use anyhow::Result;
use evertill_domain::Sku;
use evertill_domain::order::{PickupState, PickupStep, Work};
use evertill_node::services::sales;
use evertill_node::services::work::{self, Step};
use evertill_storage::TableError;
use evertill_storage::projection::orders as listed;
use serde_json::json;

use crate::machines::Site;
use crate::money::cents;
use crate::oracle::Books;
use crate::shop::{PRICE, portion, quantity, skus};
use crate::strays::Stray;
use crate::world::World;

/// A sale that somebody wants to make.
pub(crate) struct Unheard {
    sku: Sku,
    portions: i64,
}

impl Unheard {
    /// Sells what there is of it.
    pub(crate) fn sell(&mut self, machine: &mut Site, books: &mut Books) -> Result<()> {
        let pair = (machine.location.clone(), self.sku.clone());
        let rack = books.shelf(&pair);
        let portions = self.portions.min(rack.free);
        if portions <= 0 {
            return Ok(());
        }
        rack.free -= portions;
        rack.unrecorded += portions;
        let body = json!({
            "register": "R1",
            "lines": [{"sku": self.sku, "quantity": quantity(portions, &self.sku)}],
            "tenders": [{"kind": "cash", "amount": cents(portions * PRICE)}],
        });
        let request = machine.request("/api/v1/sales")?;
        machine.run(sales::sell(
            machine.node(),
            request,
            serde_json::from_value(body)?,
        ))?;
        Ok(())
    }
}

impl World {
    /// What somebody buys at a machine that nobody hears.
    pub(crate) fn unheard(&mut self, at: usize) -> Unheard {
        let sku = self.rng.pick(&skus()).clone();
        let portions = self.rng.between(1, 2);
        self.note(&format!("{portions} {sku} wanted at {at}, unheard"));
        Unheard { sku, portions }
    }

    /// A customer collects at a machine that nobody hears.
    pub(crate) fn hand_over_unheard(&mut self, stray: &mut Stray) -> Result<()> {
        let (at, place) = (stray.at, self.sites[stray.at].location.clone());
        let here = place.clone();
        let store = stray.machine.node().store();
        let open = store.read_blocking(move |conn| {
            let mut found = Vec::new();
            for document in listed::open_at(conn, &here, None, 200)? {
                if let Some(order) = listed::load(conn, &document)? {
                    found.push((document, order));
                }
            }
            Ok::<_, TableError>(found)
        })?;
        for (document, order) in open {
            let mut promises = order.promises_of(&place);
            let ready = promises.find(|(id, promise)| {
                let goods = self.books.goods.get(id).copied().unwrap_or_default();
                let listed = promise.staged.min(promise.kept());
                let state = matches!(promise.work, Work::Pickup(PickupState::Ready));
                state && listed > 0 && goods.staged * 1_000 >= listed
            });
            let Some((id, promise)) = ready else { continue };
            let Some(line) = order.line(promise.line) else {
                continue;
            };
            let (sku, size) = (line.line.sku.clone(), portion(&line.line.sku));
            let out = promise.staged.min(promise.kept()) / size;
            let really = self.books.goods.get(id).map_or(0, |goods| goods.staged);
            if really < out {
                continue;
            }
            let mut body = json!({"parts": [{"promise": id}], "by": "clerk"});
            self.counter(document, promise, out, &mut body)?;
            let machine = &mut stray.machine;
            let request = machine.request("/api/v1/steps")?;
            let asked = (document.to_string(), Step::Pickup(PickupStep::HandOver));
            let body = serde_json::from_value(body)?;
            let stepped = machine.run(work::step(machine.node(), request, asked, body));
            if stepped.is_err() {
                continue;
            }
            let pair = (place.clone(), sku);
            let goods = self.books.goods.entry(*id).or_default();
            goods.staged -= out;
            goods.carried += out;
            let rack = self.books.shelf(&pair);
            rack.staged -= out;
            rack.missing += out;
            rack.unrecorded += out;
            let mut known = self.orders.iter_mut();
            if let Some(known) = known.find(|order| order.document == document) {
                known.got += out;
            }
            self.done.delivered += out;
            self.note(&format!("{document} handed over at {at}, unheard"));
            return Ok(());
        }
        Ok(())
    }
}
