//! A hub inside the test, with the clock in hand: orders, what locations answer,
//! and the rounds that follow.

use std::collections::BTreeMap;

use evertill_domain::order::{
    Destination, Fulfilment, FulfilmentKind, FulfilmentStep, OrderState, PaymentMethod,
    PaymentStatus, PlaceLine, PlaceOrder, PlacePayment, StepCommand, StepContext, Substitution,
    shipment,
};
use evertill_domain::policy::RoutingPolicy;
use evertill_domain::rights::PairCells;
use evertill_domain::routing::{Plan, Snapshot, plan};
use evertill_domain::{Currency, DocumentId, LocationId, Money, Quantity, Timestamp};
use evertill_hub::services::ground::Picture;
use evertill_hub::services::orders::{self, At, OrderRefusal, Resting};
use evertill_hub::state::Hub;
use evertill_storage::exceptions::{self, Exception, Filter};
use evertill_storage::journal::Author;
use evertill_storage::reference::PolicyName;
use evertill_storage::selling::contacts::Contact;
use evertill_storage::selling::decisions::{self, Decision};
use evertill_storage::surroundings::{MadeUp, Surroundings};
use evertill_storage::{Store, StoreOptions};

use crate::client::Folder;
use crate::orders::PRODUCTS;

pub const HEADER: &str = "location,name,kind,legal_entity,tax_id,address,country,region,timezone,\
    currency,latitude,longitude,opening_hours,pick_capacity,brand\n";

/// An order to be shipped, paid, of so many lines of one piece of A.
pub fn order(name: &str, lines: usize) -> PlaceOrder {
    let price = |pieces: usize| {
        let minor = i64::try_from(pieces * 200).unwrap();
        Money::new(minor, Currency::USD).unwrap()
    };
    let line = |number: usize| PlaceLine {
        external_line_id: number.to_string(),
        sku: "A".parse().unwrap(),
        quantity: Quantity::ONE,
        unit_price: price(1),
        discount: None,
        taxes: Vec::new(),
        substitution: Substitution::None,
    };
    PlaceOrder {
        channel: "web".parse().unwrap(),
        external_id: name.to_owned(),
        placed_at: None,
        currency: Currency::USD,
        customer_ref: None,
        lines: (1..=lines).map(line).collect(),
        shipping: None,
        total: price(lines),
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
            amount: price(lines),
            expires_at: None,
        },
        hold_until: None,
        holds: Vec::new(),
    }
}

/// A hub without a network, and its clock.
pub struct Desk {
    pub hub: Hub,
    clock: MadeUp,
    author: Author,
    began: Timestamp,
    orders: u8,
    _folder: Folder,
}

impl Desk {
    /// A hub with these rows of locations and of stock (location, pieces of A),
    /// where it is `now`.
    pub fn open(now: &str, locations: &[&str], stock: &[(&str, u32)]) -> Self {
        let folder = Folder::new();
        let locations = format!("{HEADER}{}\n", locations.join("\n"));
        let rows = stock
            .iter()
            .map(|(location, pieces)| format!("{location},A,{pieces},1.00\n"));
        let stock = format!(
            "location,sku,quantity,unit_cost\n{}",
            rows.collect::<String>()
        );
        for (kind, text) in [
            ("products", PRODUCTS),
            ("locations", &locations),
            ("stock", &stock),
        ] {
            let file = folder.file(&format!("{kind}.csv"), text);
            assert_eq!(folder.import(kind, &file).status, Some(0), "{kind}");
        }
        let began: Timestamp = now.parse().unwrap();
        let clock = MadeUp::new(began, [7; 32]);
        let store = Store::open(&folder.data(), &StoreOptions::hub()).unwrap();
        let hub = Hub::open_in(store, Surroundings::MadeUp(clock.clone())).unwrap();
        let author = hub.author().unwrap();
        Self {
            hub,
            clock,
            author,
            began,
            orders: 0,
            _folder: folder,
        }
    }

    /// Puts the routing policy in force.
    pub fn policy(&self, json: &str) {
        let policy: RoutingPolicy = serde_json::from_str(json).unwrap();
        assert_eq!(policy.validate(), []);
        self.put(PolicyName::Routing, json);
    }

    /// Puts a policy in force.
    pub fn put(&self, name: PolicyName, json: &str) {
        let at = self.hub.now();
        let reference = self.hub.reference();
        let put = reference.batch_blocking(None, |batch| batch.put_policy(name, json, "test", at));
        put.unwrap();
    }

    /// So many minutes after the beginning.
    pub fn at(&self, minutes: i64) -> Timestamp {
        Timestamp::from_millis(self.began.as_millis() + minutes * 60_000)
    }

    /// Sets the clock so many minutes after the beginning.
    pub fn set(&self, minutes: i64) {
        self.clock.set(self.at(minutes));
    }

    /// An order of its own name to be shipped, of so many lines of one piece of A.
    pub fn order(&mut self, lines: usize) -> PlaceOrder {
        self.orders += 1;
        order(&format!("W-{}", self.orders), lines)
    }

    /// Takes an order in.
    pub async fn place(&self, order: PlaceOrder) -> Result<DocumentId, OrderRefusal> {
        let skus = vec!["A".parse().unwrap()];
        let picture = orders::picture(&self.hub, skus).await.unwrap();
        let (state, author) = (self.hub.clone(), self.author.clone());
        let placed = self.hub.store().write("place", move |tx| {
            let digest = digest(&order.external_id);
            let asked = (&order, &Contact::default());
            let body = (&digest, &orders::Asking::default());
            orders::place(tx, (&state, &author), &picture, asked, body, state.now())
        });
        match placed.await {
            Ok(arrived) => Ok(arrived.document),
            Err(evertill_storage::WriteError::Rejected(refused)) => Err(refused),
            Err(error) => panic!("{error}"),
        }
    }

    /// An order of one line, taken in.
    pub async fn placed(&mut self) -> DocumentId {
        let order = self.order(1);
        self.place(order).await.unwrap()
    }

    /// Ends the offers that ran out; how many there were.
    pub async fn expire(&self) -> usize {
        self.write(DocumentId::from_bytes([0; 16]), |at| {
            orders::expire_claims(at.conn, (at.hub, at.author), at.picture, at.now)
        })
        .await
    }

    /// Makes rounds until nothing is left to do.
    pub async fn rounds(&self) {
        let mut resting = Resting::new();
        while orders::round(&self.hub, &mut resting).await.unwrap() {}
    }

    /// The location that has an order refuses it; a round follows.
    pub async fn reject(&self, document: DocumentId) -> LocationId {
        let from = self.held_by(document).await.expect("somebody has it");
        let location = from.clone();
        self.write(document, move |at| {
            let order = evertill_storage::projection::orders::load(at.conn, &document)?.unwrap();
            let context = StepContext {
                location: &location,
                now: at.now,
                products: &BTreeMap::new(),
                extend_minutes: 0,
            };
            let mut command = StepCommand::of(FulfilmentStep::Reject);
            command.reason = Some("the shelf is empty".to_owned());
            let bodies = shipment(&order, &command, &context)?;
            at.write(&order, bodies, &PairCells::new())?;
            Ok(())
        })
        .await;
        self.rounds().await;
        from
    }

    /// Does something as the hub does.
    pub async fn write<T: Send + 'static>(
        &self,
        document: DocumentId,
        how: impl FnOnce(At<'_>) -> Result<T, OrderRefusal> + Send + 'static,
    ) -> T {
        let picture: Picture = orders::picture(&self.hub, Vec::new()).await.unwrap();
        let (hub, author) = (self.hub.clone(), self.author.clone());
        let written = self.hub.store().write("test", move |tx| {
            how(At {
                conn: tx,
                hub: &hub,
                author: &author,
                picture: &picture,
                document,
                by: Some("test"),
                now: hub.now(),
            })
        });
        written.await.unwrap()
    }

    pub async fn show(&self, document: DocumentId) -> OrderState {
        let order = orders::show(&self.hub, document).await.unwrap();
        order.unwrap()
    }

    /// The location that has an order, if one has.
    pub async fn held_by(&self, document: DocumentId) -> Option<LocationId> {
        let order = self.show(document).await;
        let mut promises = order.promises.into_values();
        let kept = promises.find(|promise| promise.kept() > 0);
        kept.map(|promise| promise.location)
    }

    pub async fn decisions(&self, document: DocumentId) -> Vec<Decision> {
        let made = self.hub.store();
        let made = made.read(move |conn| decisions::of(conn, &document));
        made.await.unwrap()
    }

    pub async fn exceptions(&self, state: &str) -> Vec<Exception> {
        let filter = Filter {
            state: Some(state.to_owned()),
            ..Filter::default()
        };
        let found = self.hub.store();
        let found = found.read(move |conn| exceptions::page(conn, &filter, None, 100));
        found.await.unwrap()
    }

    /// Makes every decision again, which must give the identical plan; how many
    /// there were.
    pub async fn replay(&self) -> usize {
        let made = self.hub.store();
        let made = made
            .read(|conn| decisions::page(conn, None, None, 10_000))
            .await;
        let made = made.unwrap();
        for decision in &made {
            let snapshot: Snapshot = serde_json::from_str(&decision.snapshot).unwrap();
            let policy: RoutingPolicy = serde_json::from_str(&decision.policy).unwrap();
            let again: Plan = plan(&snapshot, &policy);
            let again = serde_json::to_string(&again).unwrap();
            assert_eq!(again, decision.plan, "decision {}", decision.id);
        }
        made.len()
    }
}

/// A digest that differs for each name; that it is no hash matters to nobody.
fn digest(name: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    digest
}

/// Where a shipment goes, by region.
pub fn to_region(region: &str) -> Destination {
    Destination {
        country: Some("US".to_owned()),
        region: Some(region.to_owned()),
        ..Destination::default()
    }
}
