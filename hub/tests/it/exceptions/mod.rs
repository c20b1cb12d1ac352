//! Exceptions: each remedy mends what it is about, and is written down.

mod cases;
mod late;
mod orders;
mod stock;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::{
    OrderBody, OrderState, PartCommand, PickupStep, PromiseId, StepCommand, StepContext, pickup,
};
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_domain::rights::PairCells;
use evertill_domain::{DocumentId, LocationId, Timestamp};
use evertill_hub::services::exceptions::{self, Asked, Shown};
use evertill_hub::services::ground::Picture;
use evertill_hub::services::orders::{Asking, At, OrderRefusal, Resting, place, round};
use evertill_hub::state::Hub;
use evertill_storage::exceptions::Opening;
use evertill_storage::journal::Author;
use evertill_storage::projection::orders as listed;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::Contact;
use evertill_storage::{Store, StoreOptions, TableError, WriteError};

use serde_json::Value;

use crate::client::Folder;
use crate::desk::order;
use crate::orders::{LOCATIONS, PRODUCTS};

/// A hub in this process with a clock in hand, where a person acts.
struct Desk {
    store: Store,
    hub: Hub,
    author: Author,
    picture: Picture,
    began: Timestamp,
    _folder: Folder,
}

impl Desk {
    /// A hub with so many pieces of A at some stores.
    async fn new(stock: &[(&str, u32)]) -> Self {
        let folder = Folder::new();
        let mut rows = "location,sku,quantity,unit_cost\n".to_owned();
        for (location, pieces) in stock {
            writeln!(rows, "{location},A,{pieces},1.00").unwrap();
        }
        for (kind, text) in [
            ("products", PRODUCTS),
            ("locations", LOCATIONS),
            ("stock", &rows),
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
        let skus = vec!["A".parse().unwrap()];
        let picture = evertill_hub::services::orders::picture(&hub, skus).await;
        Self {
            store,
            picture: picture.unwrap(),
            began: hub.now(),
            hub,
            author,
            _folder: folder,
        }
    }

    fn minute(&self, minutes: i64) -> Timestamp {
        Timestamp::from_millis(self.began.as_millis() + minutes * 60_000)
    }

    /// A paid order of one piece: collected at a store, or shipped.
    async fn order(&self, pickup_at: Option<&str>) -> DocumentId {
        let mut wanted = order("W-1", 1);
        if let Some(location) = pickup_at {
            wanted.fulfilment.kind = evertill_domain::order::FulfilmentKind::Pickup;
            wanted.fulfilment.location = Some(location.parse().unwrap());
        }
        let (hub, author) = (self.hub.clone(), self.author.clone());
        let (picture, began) = (self.picture.clone(), self.began);
        let placed = self.store.write("place", move |tx| {
            let contact = Contact::default();
            let asked = (&wanted, &contact);
            let body = (&[1; 32], &Asking::default());
            place(tx, (&hub, &author), &picture, asked, body, began)
        });
        placed.await.unwrap().document
    }

    /// Does something to an order, as `ann`.
    async fn at<T: Send + 'static>(
        &self,
        document: DocumentId,
        minute: i64,
        what: impl FnOnce(At<'_>) -> Result<T, OrderRefusal> + Send + 'static,
    ) -> Result<T, WriteError<OrderRefusal>> {
        let (hub, author) = (self.hub.clone(), self.author.clone());
        let (picture, now) = (self.picture.clone(), self.minute(minute));
        let write = self.store.write("act", move |conn: &_| {
            what(At {
                conn,
                hub: &hub,
                author: &author,
                picture: &picture,
                document,
                by: Some("ann"),
                now,
            })
        });
        write.await
    }

    /// Writes events of an order.
    async fn write(&self, document: DocumentId, minute: i64, bodies: Vec<OrderBody>) {
        let order = self.state(document).await;
        let done = self.at(document, minute, move |at| {
            Ok(at.write(&order, bodies, &PairCells::new())?)
        });
        done.await.unwrap();
    }

    /// A step at the counter, where the hub stands in for a node.
    async fn step(&self, document: DocumentId, minute: i64, step: PickupStep) {
        let order = self.state(document).await;
        let (id, promise) = order.promises.iter().next().unwrap();
        let mut command = StepCommand::of(step);
        command.parts = vec![PartCommand::whole(*id)];
        let context = StepContext {
            location: &promise.location,
            now: self.minute(minute),
            products: &self.picture.products,
            extend_minutes: 0,
        };
        let bodies: Result<_, Rejections> = pickup(&order, &command, &context);
        self.write(document, minute, bodies.unwrap()).await;
    }

    /// One look for problems at a minute.
    async fn look(&self, minute: i64) {
        let (hub, author) = (self.hub.clone(), self.author.clone());
        let (picture, now) = (self.picture.clone(), self.minute(minute));
        let looked = self.store.write("look", move |tx| {
            exceptions::look(tx, &hub, &author, &picture, now)
        });
        looked.await.unwrap();
    }

    /// Rounds until nothing is left to do.
    async fn rounds(&self) {
        let mut resting = Resting::new();
        while round(&self.hub, &mut resting).await.unwrap() {}
    }

    /// A person does something about a problem.
    async fn act(
        &self,
        id: i64,
        minute: i64,
        action: &'static str,
        asked: Asked,
    ) -> Result<Shown, Refused> {
        let nobody = DocumentId::from_bytes([0; 16]);
        let done = self.at(nobody, minute, move |at| {
            exceptions::act(at, id, action, &asked)
        });
        done.await.map_err(|error| match error {
            WriteError::Rejected(OrderRefusal::Rejected(refused)) => Refused(refused),
            other => panic!("{action}: {other}"),
        })
    }

    async fn state(&self, document: DocumentId) -> OrderState {
        let order = self.store.read(move |conn| listed::load(conn, &document));
        order.await.unwrap().unwrap()
    }

    /// What is open of a kind.
    async fn open(&self, kind: ExceptionKind) -> Vec<Shown> {
        let open = self
            .store
            .read(move |conn| evertill_storage::exceptions::open_of_kind(conn, kind));
        let mut all = Vec::new();
        for found in open.await.unwrap() {
            all.push(self.shown(found.id).await);
        }
        all
    }

    /// The only one that is open of a kind.
    async fn only(&self, kind: ExceptionKind) -> Shown {
        let mut open = self.open(kind).await;
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    async fn shown(&self, id: i64) -> Shown {
        exceptions::show(&self.hub, id).await.unwrap().unwrap()
    }

    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, TableError> + Send + 'static,
    ) -> T {
        self.store.read(what).await.unwrap()
    }

    /// Opens a problem as its finder does.
    async fn found(&self, minute: i64, opening: Opening) -> i64 {
        let now = self.minute(minute);
        let key = opening.key.clone();
        let opened = self.store.write("open", move |tx| {
            evertill_storage::exceptions::open(tx, &opening, now)
        });
        assert!(opened.await.unwrap());
        let open = self.read(move |conn| evertill_storage::exceptions::open_of(conn, &key));
        open.await.unwrap().id
    }
}

/// A remedy that was refused.
#[derive(Debug)]
struct Refused(Rejections);

impl Refused {
    /// Its code and its field.
    fn code(&self) -> (&'static str, &str) {
        let first = &self.0.fields()[0];
        (first.code, &first.pointer)
    }

    /// Asserts that the state is against it, and gives its words.
    fn of_state(&self) -> &str {
        assert_eq!(self.0.class(), RejectionClass::Conflict, "{self:?}");
        assert_eq!(self.code().0, "action_not_allowed");
        &self.0.fields()[0].detail
    }
}

/// What was done about a problem, by whom.
fn history(shown: &Shown) -> Vec<(&str, &str)> {
    let history = shown.history.iter();
    history
        .map(|done| (done.action.as_str(), done.by.as_str()))
        .collect()
}

fn promise_at(order: &OrderState, location: &str) -> Option<PromiseId> {
    let location: LocationId = location.parse().unwrap();
    let mut promises = order.promises.iter();
    let found = promises.find(|(_, promise)| promise.location == location && promise.kept() > 0);
    found.map(|(id, _)| *id)
}

/// Waits until a list of a served hub is so.
fn until(served: &crate::client::Hub, path: &str, is: impl Fn(&[Value]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is(&served.items(path)) {
        let left = deadline > Instant::now();
        assert!(left, "{path}: {:?}", served.items(path));
        std::thread::sleep(Duration::from_millis(20));
    }
}
