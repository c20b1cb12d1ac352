//! Every step in every state, over HTTP: what the machines allow happens, what
//! they forbid is refused with the state and what is allowed instead.
//!
//! What is expected comes from the domain's tables; how a state is reached is
//! written out here.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use evertill_domain::Timestamp;
use evertill_domain::order::{
    FulfilmentState, FulfilmentStep, OrderStatus, OrderStep, PickupState, PickupStep,
};
use evertill_e2e::Chain;
use evertill_support::{Client, Reply, new_key};
use serde_json::{Value, json};

/// Pieces of each order.
const PIECES: u32 = 3;

/// A store with more milk than these tests order.
fn stocked() -> Result<Chain> {
    let chain = Chain::start(&["S001"])?;
    let rows = "location,sku,quantity,unit_cost\nS001,MILK,2000,0.90\n";
    let file = chain.file("stock.csv", rows)?;
    chain.hub_ok(&["import", "stock", &file])?;
    chain.until("the store has granted rights", |chain| {
        let found = chain.hub()?.get("/availability?sku=MILK")?.json();
        Ok(found["items"][0]["atp"] == "1800")
    })?;
    Ok(chain)
}

/// Places an order and gives its id and its promise.
fn place(chain: &Chain, name: &str, more: &Value) -> Result<(String, String)> {
    let total = format!("{}.{:02}", PIECES * 160 / 100, PIECES * 160 % 100);
    let mut body = json!({
        "channel": "web", "external_id": name, "currency": "USD",
        "lines": [{"external_line_id": "1", "sku": "MILK", "quantity": PIECES,
                   "unit_price": "1.60"}],
        "total": total, "fulfilment": {"kind": "pickup", "location": "S001"},
        "payment": {"status": "captured", "method": "card", "amount": total},
    });
    for (field, value) in more.as_object().context("fields")? {
        body[field] = value.clone();
    }
    let made = chain.hub()?.post("/orders", &new_key(), &body)?.expect(201);
    let promise = &made["lines"][0]["promises"][0]["id"];
    Ok((
        made["id"].as_str().context("an id")?.to_owned(),
        promise.as_str().unwrap_or_default().to_owned(),
    ))
}

/// A time that the policy lets goods wait until.
fn in_an_hour() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or_default();
    Timestamp::from_millis(now + 3_600_000).to_string()
}

/// The work on one order at the store.
struct Work<'a> {
    chain: &'a Chain,
    clerk: Client,
    route: &'static str,
    id: String,
    promise: String,
}

impl<'a> Work<'a> {
    fn new(chain: &'a Chain, route: &'static str, name: &str, more: &Value) -> Result<Self> {
        let (id, promise) = place(chain, name, more)?;
        let clerk = chain.store("S001")?;
        chain.until("the store has the order", |_| {
            Ok(clerk.get(&format!("/{route}/{id}"))?.status == 200)
        })?;
        Ok(Self {
            chain,
            clerk,
            route,
            id,
            promise,
        })
    }

    /// What a step is sent with, beside its name.
    fn body(&self, step: &str) -> Result<Value> {
        let part = |quantity: u32| json!([{"promise": self.promise, "quantity": quantity}]);
        let code = || {
            let codes = self
                .chain
                .hub()?
                .get(&format!("/orders/{}/pickup-codes", self.id))?;
            Ok::<_, anyhow::Error>(codes.json()["items"][0]["code"].clone())
        };
        Ok(match step {
            "reject" => json!({"reason": "no time"}),
            "extend" => json!({"until": in_an_hour()}),
            "hand_over" => json!({"code": code()?}),
            "hand_over_part" => json!({"code": code()?, "parts": part(1)}),
            "short_pick" | "ship_part" => json!({"parts": part(1)}),
            _ => json!({}),
        })
    }

    fn step(&self, step: &str) -> Result<Reply> {
        let path = format!("/{}/{}/{step}", self.route, self.id);
        self.clerk.post(&path, &new_key(), &self.body(step)?)
    }

    /// Takes the steps to a state; `cancel` is the hub's.
    fn reach(&self, path: &str, state: &str) -> Result<()> {
        for step in path.split_whitespace() {
            if step == "cancel" {
                let reason = json!({"reason": "not wanted any more"});
                let path = format!("/orders/{}/cancel", self.id);
                let cancelled = self.chain.hub()?.post(&path, &new_key(), &reason)?;
                assert!(cancelled.status < 300, "{cancelled:?}");
                self.chain
                    .until("the store has heard", |_| Ok(self.state()? == "cancelled"))?;
            } else {
                let done = self.step(step)?;
                assert_eq!(done.status, 200, "{step} on the way to {state}: {done:?}");
            }
        }
        assert_eq!(self.state()?, state, "after {path}");
        Ok(())
    }

    fn state(&self) -> Result<String> {
        let shown = self
            .clerk
            .get(&format!("/{}/{}", self.route, self.id))?
            .json();
        Ok(shown["state"].as_str().unwrap_or_default().to_owned())
    }

    /// Checks that a step is refused with the state and what is allowed.
    fn refused(&self, machine: &str, state: &str, step: &str, allowed: &[&str]) -> Result<()> {
        let refused = self.step(step)?;
        assert_eq!(refused.status, 409, "{state} {step}: {refused:?}");
        assert_forbidden(&refused, machine, state, step, allowed);
        assert_eq!(self.state()?, state, "a refused {step} left a trace");
        Ok(())
    }
}

fn assert_forbidden(reply: &Reply, machine: &str, state: &str, step: &str, allowed: &[&str]) {
    let problem = reply.json();
    assert_eq!(problem["errors"][0]["code"], "forbidden_step", "{problem}");
    let allowed = if allowed.is_empty() {
        "nothing".to_owned()
    } else {
        allowed.join(", ")
    };
    let words = format!("the {machine} is {state} and cannot {step} now; allowed: {allowed}");
    assert_eq!(problem["errors"][0]["detail"], words, "{problem}");
}

/// States of a pickup and how they are reached. Some goods are put aside
/// wherever a step needs them.
const PICKUPS: [(PickupState, &str); 14] = [
    (PickupState::Requested, ""),
    (PickupState::Accepted, "accept"),
    (PickupState::Picking, "accept start_pick"),
    (PickupState::ShortPicked, "accept start_pick short_pick"),
    (PickupState::Ready, "accept start_pick pick ready"),
    (PickupState::Arrived, "accept start_pick pick ready arrive"),
    (
        PickupState::PartiallyHandedOver,
        "accept start_pick pick ready hand_over_part",
    ),
    (
        PickupState::HandedOver,
        "accept start_pick pick ready hand_over",
    ),
    (PickupState::Extended, "accept start_pick pick ready extend"),
    (PickupState::NoShow, "accept start_pick pick ready no_show"),
    (PickupState::Expired, "accept start_pick pick ready expire"),
    (
        PickupState::Cancelled,
        "accept start_pick pick ready cancel",
    ),
    (
        PickupState::PutBack,
        "accept start_pick pick ready no_show put_back",
    ),
    (PickupState::Rejected, "accept start_pick pick reject"),
];

/// Steps that the state allows, but for which there are no goods: all was picked
/// or found missing before, or nothing is left over.
const NO_GOODS_PICKUP: [(PickupState, PickupStep); 3] = [
    (PickupState::HandedOver, PickupStep::PutBack),
    (PickupState::ShortPicked, PickupStep::Pick),
    (PickupState::ShortPicked, PickupStep::ShortPick),
];

#[test]
fn every_step_of_a_pickup_in_every_state() -> Result<()> {
    let chain = stocked()?;
    for (state, path) in PICKUPS {
        let name = |step: &str| format!("{}-{step}", state.as_str());
        let make = |step: &str| Work::new(&chain, "pickups", &name(step), &json!({}));
        let forbidden = make("forbidden")?;
        forbidden.reach(path, state.as_str())?;
        for step in PickupStep::ALL.iter().copied() {
            // The hub cancels; a store cannot.
            if step == PickupStep::Cancel {
                assert_eq!(forbidden.step("cancel")?.status, 404);
                continue;
            }
            let Ok(next) = state.allowed(step) else {
                let allowed: Vec<&str> = state.steps().map(PickupStep::as_str).collect();
                forbidden.refused("pickup", state.as_str(), step.as_str(), &allowed)?;
                continue;
            };
            let work = make(step.as_str())?;
            work.reach(path, state.as_str())?;
            if NO_GOODS_PICKUP.contains(&(state, step)) {
                let refused = work.step(step.as_str())?.status;
                assert!(matches!(refused, 409 | 422), "{state} {step}: {refused}");
                continue;
            }
            if (state, step) == (PickupState::Picking, PickupStep::Ready) {
                assert_eq!(work.step("pick")?.status, 200);
            }
            let done = work.step(step.as_str())?;
            assert_eq!(done.status, 200, "{state} {step}: {done:?}");
            assert_eq!(done.json()["state"], next.as_str(), "{state} {step}");
        }
    }
    Ok(())
}

/// States of a shipment that a store can see, and how they are reached.
const SHIPMENTS: [(FulfilmentState, &str); 15] = [
    (FulfilmentState::Offered, ""),
    (FulfilmentState::Accepted, "accept"),
    (FulfilmentState::OnHold, "accept hold"),
    (FulfilmentState::Picking, "accept start_pick"),
    (FulfilmentState::Picked, "accept start_pick pick"),
    (FulfilmentState::ShortPicked, "accept start_pick short_pick"),
    (FulfilmentState::Packed, "accept start_pick pick pack"),
    (
        FulfilmentState::Unpacked,
        "accept start_pick pick pack unpack",
    ),
    (
        FulfilmentState::PartiallyShipped,
        "accept start_pick pick pack ship_part",
    ),
    (FulfilmentState::Shipped, "accept start_pick pick pack ship"),
    (
        FulfilmentState::Delivered,
        "accept start_pick pick pack ship deliver",
    ),
    (
        FulfilmentState::DeliveryFailed,
        "accept start_pick pick pack ship fail_delivery",
    ),
    (
        FulfilmentState::ReturnedToSender,
        "accept start_pick pick pack ship return_to_sender",
    ),
    (FulfilmentState::Rejected, "accept reject"),
    (
        FulfilmentState::Cancelled,
        "accept start_pick pick pack cancel",
    ),
];

/// As for pickups; a rejected shipment has nothing put aside.
const NO_GOODS_SHIPMENT: [(FulfilmentState, FulfilmentStep); 9] = [
    (FulfilmentState::Shipped, FulfilmentStep::PutBack),
    (FulfilmentState::Delivered, FulfilmentStep::PutBack),
    (FulfilmentState::DeliveryFailed, FulfilmentStep::PutBack),
    (FulfilmentState::ReturnedToSender, FulfilmentStep::PutBack),
    (FulfilmentState::Picked, FulfilmentStep::Pick),
    (FulfilmentState::Picked, FulfilmentStep::ShortPick),
    (FulfilmentState::ShortPicked, FulfilmentStep::Pick),
    (FulfilmentState::ShortPicked, FulfilmentStep::ShortPick),
    (FulfilmentState::Rejected, FulfilmentStep::PutBack),
];

/// Steps that the hub takes.
const HUBS: [FulfilmentStep; 3] = [
    FulfilmentStep::Offer,
    FulfilmentStep::ExpireClaim,
    FulfilmentStep::Cancel,
];

#[test]
fn every_step_of_a_shipment_in_every_state() -> Result<()> {
    let chain = stocked()?;
    let ship = json!({"fulfilment": {"kind": "ship", "address": {"city": "Chicago"}}});
    for (state, path) in SHIPMENTS {
        let name = |step: &str| format!("{}-{step}", state.as_str());
        let make = |step: &str| Work::new(&chain, "fulfilments", &name(step), &ship);
        let forbidden = make("forbidden")?;
        forbidden.reach(path, state.as_str())?;
        for step in FulfilmentStep::ALL.iter().copied() {
            if HUBS.contains(&step) {
                assert_eq!(forbidden.step(step.as_str())?.status, 404);
                continue;
            }
            let Ok(next) = state.allowed(step) else {
                let allowed: Vec<&str> = state.steps().map(FulfilmentStep::as_str).collect();
                forbidden.refused("fulfilment order", state.as_str(), step.as_str(), &allowed)?;
                continue;
            };
            let work = make(step.as_str())?;
            work.reach(path, state.as_str())?;
            if NO_GOODS_SHIPMENT.contains(&(state, step)) {
                let refused = work.step(step.as_str())?.status;
                assert!(matches!(refused, 409 | 422), "{state} {step}: {refused}");
                continue;
            }
            let done = work.step(step.as_str())?;
            assert_eq!(done.status, 200, "{state} {step}: {done:?}");
            assert_eq!(done.json()["state"], next.as_str(), "{state} {step}");
        }
    }
    Ok(())
}

#[test]
fn what_a_customer_does_not_take_is_cancelled_and_not_sent_again() -> Result<()> {
    let chain = stocked()?;
    let ship = json!({"fulfilment": {"kind": "ship", "address": {"city": "Chicago"}}});
    for (route, more, path) in [
        (
            "pickups",
            json!({}),
            "accept start_pick pick ready no_show put_back",
        ),
        (
            "fulfilments",
            ship,
            "accept start_pick pick pack ship return_to_sender",
        ),
    ] {
        let work = Work::new(&chain, route, route, &more)?;
        for step in path.split(' ') {
            assert_eq!(work.step(step)?.status, 200, "{step}");
        }
        let order =
            || Ok::<_, anyhow::Error>(chain.hub()?.get(&format!("/orders/{}", work.id))?.json());
        chain.until(
            "the order is over",
            |_| Ok(order()?["state"] == "cancelled"),
        )?;
        let shown = order()?;
        let line = &shown["lines"][0];
        assert_eq!(line["cancelled"], PIECES.to_string(), "{shown}");
        assert_eq!(
            line["promises"].as_array().map(Vec::len),
            Some(1),
            "{shown}"
        );
        let owed = json!({"amount": shown["total"], "reference": "re_1"});
        let path = format!("/orders/{}/refunds", work.id);
        let refunded = chain.hub()?.post(&path, &new_key(), &owed)?;
        assert!(refunded.status < 300, "{refunded:?}");
    }
    Ok(())
}

/// An order in a state, as the hub shows it.
fn in_state(chain: &Chain, state: OrderStatus, name: &str) -> Result<String> {
    let ready = "accept start_pick pick ready";
    let collected = |more: &str| -> Result<String> {
        let work = Work::new(chain, "pickups", name, &json!({}))?;
        for step in ready.split(' ').chain(more.split_whitespace()) {
            assert_eq!(work.step(step)?.status, 200, "{step}");
        }
        Ok(work.id)
    };
    let id = match state {
        OrderStatus::Released => place(chain, name, &json!({}))?.0,
        OrderStatus::OnHold => place(chain, name, &json!({"holds": [{"kind": "fraud_review"}]}))?.0,
        OrderStatus::AwaitingStock => {
            let lines = json!([{"external_line_id": "1", "sku": "TEA", "quantity": PIECES,
                                "unit_price": "1.60"}]);
            let waits = json!({"kind": "pickup", "location": "S001", "allow_backorder": true});
            place(chain, name, &json!({"lines": lines, "fulfilment": waits}))?.0
        }
        OrderStatus::Cancelled => {
            let id = place(chain, name, &json!({}))?.0;
            let reason = json!({"reason": "not wanted any more"});
            chain
                .hub()?
                .post(&format!("/orders/{id}/cancel"), &new_key(), &reason)?;
            id
        }
        OrderStatus::PartiallyFulfilled => collected("hand_over_part")?,
        OrderStatus::Fulfilled => collected("hand_over")?,
        other => anyhow::bail!("{other} is not reached here"),
    };
    chain.until(&format!("the order is {state}"), |chain| {
        let shown = chain.hub()?.get(&format!("/orders/{id}"))?.json();
        Ok(shown["state"] == state.as_str())
    })?;
    Ok(id)
}

#[test]
fn what_can_be_done_with_an_order_in_every_state() -> Result<()> {
    let chain = stocked()?;
    let asks = [
        (
            OrderStep::RequestCancel,
            "cancel",
            json!({"reason": "not wanted any more"}),
        ),
        (
            OrderStep::Change,
            "change",
            json!({"line": 1, "quantity": PIECES - 1}),
        ),
        (OrderStep::Hold, "holds", json!({"kind": "manual"})),
    ];
    for state in [
        OrderStatus::Released,
        OrderStatus::OnHold,
        OrderStatus::AwaitingStock,
        OrderStatus::PartiallyFulfilled,
        OrderStatus::Fulfilled,
        OrderStatus::Cancelled,
    ] {
        for (step, route, body) in &asks {
            let id = in_state(&chain, state, &format!("{state}-{step}"))?;
            let asked = chain
                .hub()?
                .post(&format!("/orders/{id}/{route}"), &new_key(), body)?;
            if state.allowed(*step).is_ok() {
                assert!(
                    (200..300).contains(&asked.status),
                    "{state} {step}: {asked:?}"
                );
            } else {
                let allowed: Vec<&str> = state.steps().map(OrderStep::as_str).collect();
                assert_eq!(asked.status, 409, "{state} {step}: {asked:?}");
                assert_forbidden(&asked, "order", state.as_str(), step.as_str(), &allowed);
            }
        }
    }
    Ok(())
}
