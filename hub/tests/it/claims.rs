//! Offers that nobody answers, with the clock in hand.

use evertill_domain::order::{
    Fulfilment, FulfilmentKind, FulfilmentState, PaymentMethod, PaymentStatus, PlaceLine,
    PlaceOrder, PlacePayment, Substitution, Work,
};
use evertill_domain::{Currency, Money, Quantity, Timestamp};
use evertill_hub::services::orders::{self, Resting};
use evertill_hub::state::Hub;
use evertill_storage::selling::contacts::Contact;
use evertill_storage::selling::decisions;
use evertill_storage::{Store, StoreOptions};

use crate::client::Folder;
use crate::orders::{LOCATIONS, PRODUCTS};

/// A paid order of one piece of A, shipped from wherever it is.
pub fn order() -> PlaceOrder {
    let price = Money::new(200, Currency::USD).unwrap();
    PlaceOrder {
        channel: "web".parse().unwrap(),
        external_id: "W-1".to_owned(),
        placed_at: None,
        currency: Currency::USD,
        customer_ref: None,
        lines: vec![PlaceLine {
            external_line_id: "1".to_owned(),
            sku: "A".parse().unwrap(),
            quantity: Quantity::ONE,
            unit_price: price,
            discount: None,
            taxes: Vec::new(),
            substitution: Substitution::None,
        }],
        shipping: None,
        total: price,
        fulfilment: Fulfilment {
            kind: FulfilmentKind::Ship,
            location: None,
            not_before: None,
            promise_by: None,
            allow_split: false,
            allow_backorder: false,
            destination: None,
        },
        payment: PlacePayment {
            status: PaymentStatus::Captured,
            method: PaymentMethod::Card,
            reference: None,
            amount: price,
            expires_at: None,
        },
        hold_until: None,
        holds: Vec::new(),
    }
}

#[tokio::test]
async fn an_offer_that_nobody_answers_goes_to_another_location() {
    let folder = Folder::new();
    let stock = "location,sku,quantity,unit_cost\nS001,A,1,1.00\nS002,A,1,1.00\n";
    for (kind, text) in [
        ("products", PRODUCTS),
        ("locations", LOCATIONS),
        ("stock", stock),
    ] {
        let file = folder.file(&format!("{kind}.csv"), text);
        assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
    }
    let store = Store::open(&folder.data(), &StoreOptions::hub()).unwrap();
    let hub = Hub::open(store.clone()).unwrap();
    let author = tokio::task::spawn_blocking({
        let hub = hub.clone();
        move || hub.author()
    });
    let author = author.await.unwrap().unwrap();
    let picture = orders::picture(&hub, vec!["A".parse().unwrap()])
        .await
        .unwrap();
    let began = hub.now();
    let (state, who, ground) = (hub.clone(), author.clone(), picture.clone());
    let placed = store.write("place", move |tx| {
        let contact = Contact::default();
        orders::place(
            tx,
            (&state, &who),
            &ground,
            (&order(), &contact),
            &[1; 32],
            began,
        )
    });
    let placed = placed.await.unwrap();
    let first = placed
        .order
        .promises
        .values()
        .next()
        .unwrap()
        .location
        .clone();
    let expire = |minutes: i64| {
        let at = Timestamp::from_millis(began.as_millis() + minutes * 60_000);
        let (state, who, ground) = (hub.clone(), author.clone(), picture.clone());
        store.write("expire", move |tx| {
            orders::expire_claims(tx, (&state, &who), &ground, at)
        })
    };
    assert_eq!(expire(30).await.unwrap(), 0, "there is time to the minute");
    assert_eq!(expire(31).await.unwrap(), 1);
    assert_eq!(expire(31).await.unwrap(), 0, "an offer ends once");
    // Nobody stands there who could say so, so the hub takes it back itself and
    // asks the other one.
    let mut resting = Resting::new();
    while orders::round(&hub, &mut resting).await.unwrap() {}
    let shown = orders::show(&hub, placed.document).await.unwrap().unwrap();
    let second = shown.promises.values().find(|promise| promise.kept() > 0);
    let second = second.unwrap();
    assert_ne!(second.location, first);
    assert_eq!(second.work, Work::Shipment(FulfilmentState::Offered));
    let document = placed.document;
    let made = store.read(move |conn| decisions::of(conn, &document));
    let causes: Vec<String> = made
        .await
        .unwrap()
        .into_iter()
        .map(|made| made.cause)
        .collect();
    assert_eq!(causes, ["placed", "re-sourced"]);
    store.close();
}
