//! Any events of any writers fold alike in every order, and every figure adds up.

use evertill_domain::fold::{State, fold};
use evertill_domain::order::{
    Backordered, Effect, EndCause, FulfilmentKind, LineCancelled, LineChanged, OrderBody,
    PaymentStep, PickupStep, PromiseCancelled, Withdrawn,
};
use evertill_domain::rights::End;
use proptest::prelude::*;

use super::build::{Written, line, money, part, placed, promise_id, promised, step, store, units};

use super::fold::{HUB, conserves, ended, payment, recollect, refund};

/// Some event about the lines and promises of an order of three lines.
fn any_body() -> impl Strategy<Value = OrderBody> {
    let quantity = 1_i64..4;
    let promise = (1_u64..4, 0_u32..3).prop_map(|(seq, n)| promise_id(HUB, seq, n));
    let amount = (1_u32..5, quantity, promise, 0_usize..200);
    amount.prop_map(|(line, quantity, promise, pick)| {
        let one = |what: PickupStep| {
            OrderBody::Pickup(step(what, "S001", vec![part(promise, "4011", quantity)]))
        };
        match pick % 13 {
            0 | 1 => OrderBody::Promised(promised(line, "S001", quantity)),
            2 => OrderBody::Backordered(Backordered {
                line,
                quantity: units(quantity - 1),
                expected: None,
                supply: None,
            }),
            3 => OrderBody::LineCancelled(LineCancelled {
                line,
                quantity: units(quantity),
                reason: None,
            }),
            4 => OrderBody::LineChanged(LineChanged {
                line,
                quantity: units(quantity + 3),
                reason: None,
            }),
            5 => OrderBody::PromiseCancelled(PromiseCancelled {
                promise,
                quantity: units(quantity),
                cause: EndCause::Cancelled,
            }),
            6 => OrderBody::Withdrawn(Withdrawn {
                promise,
                quantity: units(quantity),
                location: store("S001"),
                cause: EndCause::Cancelled,
            }),
            7 => ended(promise, quantity, End::Settled, EndCause::HandedOver),
            8 => ended(promise, quantity, End::Released, EndCause::Cancelled),
            9 => ended(promise, quantity, End::Breached, EndCause::ShortPick),
            10 => one(PickupStep::ALL[pick % PickupStep::ALL.len()]),
            11 => payment(
                PaymentStep::ALL[pick % PaymentStep::ALL.len()],
                quantity * 400,
            ),
            _ => OrderBody::Effect(Effect {
                obligation: "refund".to_owned(),
                amount: Some(money(quantity * 100)),
                reference: None,
            }),
        }
    })
}

proptest! {
    /// Any events of three writers come to the same in every order and with
    /// every event any number of times, and every figure adds up.
    #[test]
    fn permuted_and_duplicated_orders_fold_alike_and_conserve(
        spec in prop::collection::vec(
            (1_u64..4, 0_u64..6, prop::option::of(0_usize..9), any_body()), 0..14,
        ),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let mut written = Written::default();
        let lines = vec![line(1, "4011", 3), line(2, "4012", 1), line(3, "4013", 2)];
        let opening = placed(lines, FulfilmentKind::Pickup);
        written.entry(HUB, 1, 0, &[], vec![
            OrderBody::Placed(Box::new(opening)),
            OrderBody::Promised(promised(1, "S001", 3)),
        ]);
        let mut seq = [2_u64; 4];
        for (actor, hlc, parent, body) in spec {
            let at = seq[usize::try_from(actor).unwrap()];
            seq[usize::try_from(actor).unwrap()] += 1;
            let parents: Vec<_> = parent
                .and_then(|index| written.0.get(index))
                .map(|(key, _, _)| *key)
                .into_iter()
                .collect();
            written.entry(actor, at, hlc, &parents, vec![body]);
        }
        let plain = written.fold();
        let State::Order(state) = &plain.state else { panic!("{plain:?}") };
        conserves(state);
        let refunds = state.obligations.iter().filter(|due| due.key() == "refund").count();
        prop_assert!(refunds < 2);
        prop_assert!(refund(state) == 0 || recollect(state) == 0);
        let mut shuffled = written.placed();
        shuffled.reverse();
        for index in order {
            let copy = shuffled[index.index(shuffled.len())].clone();
            let at = index.index(shuffled.len());
            shuffled.insert(at, copy);
        }
        prop_assert_eq!(fold(shuffled), plain);
    }
}
