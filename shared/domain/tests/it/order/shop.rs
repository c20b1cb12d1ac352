//! An order in the hands of a store, for the tests of its steps.

use std::collections::BTreeMap;

use evertill_domain::order::{
    FulfilmentStep, OrderBody, OrderState, PartCommand, PickupStep, PlaceOrder, Sourcing,
    StepCommand, StepContext, accept, pickup, place, shipment,
};
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_domain::{Bucket, LocationId, Product, Sku, effects, event};

use super::build::{Written, at, promise_id, promised, store, units};
use super::place::{opened, products};

/// An order in the hands of S001: its document, and the next entry's number.
pub(super) struct Shop {
    pub(super) written: Written,
    seq: u64,
    location: LocationId,
}

impl Shop {
    pub(super) fn of(command: &PlaceOrder) -> Self {
        let accepted = accept(command, &products(), at(0)).unwrap();
        let promises = vec![promised(1, "S001", 3), promised(2, "S001", 1)];
        let bodies = place(
            accepted,
            Sourcing {
                promises,
                ..Sourcing::default()
            },
        )
        .unwrap();
        Self {
            written: opened(bodies),
            seq: 1,
            location: store("S001"),
        }
    }

    pub(super) fn state(&self) -> OrderState {
        self.written.state()
    }

    fn context<'a>(&'a self, products: &'a BTreeMap<Sku, Product>) -> StepContext<'a> {
        StepContext {
            location: &self.location,
            now: at(1_000),
            products,
            extend_minutes: 24 * 60,
        }
    }

    pub(super) fn write(&mut self, bodies: Vec<OrderBody>) {
        let heads = self.state().heads;
        self.written
            .entry(2, self.seq, 100 + self.seq, &heads, bodies);
        self.seq += 1;
    }

    pub(super) fn try_pickup(
        &self,
        command: &StepCommand<PickupStep>,
    ) -> Result<Vec<OrderBody>, Rejections> {
        let products = products();
        pickup(&self.state(), command, &self.context(&products))
    }

    pub(super) fn try_ship(
        &self,
        command: &StepCommand<FulfilmentStep>,
    ) -> Result<Vec<OrderBody>, Rejections> {
        let products = products();
        shipment(&self.state(), command, &self.context(&products))
    }

    #[track_caller]
    pub(super) fn pickup(&mut self, command: &StepCommand<PickupStep>) {
        let bodies = self.try_pickup(command).unwrap();
        self.write(bodies);
        assert_eq!(self.state().conflicts, [], "what is decided fits");
    }

    #[track_caller]
    pub(super) fn ship(&mut self, command: &StepCommand<FulfilmentStep>) {
        let bodies = self.try_ship(command).unwrap();
        self.write(bodies);
        assert_eq!(self.state().conflicts, [], "what is decided fits");
    }

    pub(super) fn made_ready(command: &PlaceOrder) -> Self {
        let mut shop = Self::of(command);
        for step in [
            PickupStep::Accept,
            PickupStep::StartPick,
            PickupStep::Pick,
            PickupStep::Ready,
        ] {
            shop.pickup(&StepCommand::of(step));
        }
        shop
    }

    /// The stock of S001 by (bucket, SKU), as the steps moved it.
    pub(super) fn stock(&self) -> BTreeMap<(Bucket, String), i64> {
        let mut sums = BTreeMap::new();
        for (_, _, bytes) in &self.written.0 {
            for delta in effects(&event::decode(bytes).unwrap()).stock {
                let key = (delta.key.bucket, delta.key.sku.to_string());
                *sums.entry(key).or_default() += delta.delta;
            }
        }
        sums.retain(|_, sum| *sum != 0);
        sums
    }
}

pub(super) fn of_line(line: u32, quantity: i64) -> PartCommand {
    PartCommand {
        promise: promise_id(1, 1, 1 + line),
        quantity: Some(units(quantity)),
        substitute: None,
        agreed: false,
        lot: None,
    }
}

pub(super) fn with(step: PickupStep, parts: Vec<PartCommand>) -> StepCommand<PickupStep> {
    StepCommand {
        parts,
        ..StepCommand::of(step)
    }
}

#[track_caller]
pub(super) fn refused(
    result: Result<Vec<OrderBody>, Rejections>,
    class: RejectionClass,
    code: &str,
) -> String {
    let refused = result.unwrap_err();
    assert_eq!(refused.fields()[0].code, code, "{refused}");
    assert_eq!(refused.class(), class, "{refused}");
    refused.to_string()
}

pub(super) fn key(bucket: Bucket, sku: &str) -> (Bucket, String) {
    (bucket, sku.to_owned())
}
