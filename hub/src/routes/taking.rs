//! Taking an order in, with a word to connected stores first where that makes it
//! one parcel instead of two.
//!
//! Invariant: however often it is tried, the order is planned, promised and
//! answered in one write, once.

use std::sync::Arc;

use evertill_domain::order::PlaceOrder;
use evertill_domain::routing::RightsAsked;
use evertill_http::Problem;
use evertill_http::api::order_view;
use evertill_storage::WriteError;
use evertill_storage::journal::Author;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::Contact;

use super::once::answer;
use crate::services::grants;
use crate::services::ground::Picture;
use crate::services::once::{Answer, OnceError, Repeatable, once};
use crate::services::orders::{self, Asking, OrderRefusal};
use crate::state::Hub;

/// An order that is being taken in.
pub(super) struct Taking {
    /// Who writes.
    pub(super) author: Author,
    /// Who sent it, under which key.
    pub(super) request: Repeatable,
    /// BLAKE3 of its body.
    pub(super) digest: [u8; 32],
    /// What is known of its products and of all locations.
    pub(super) picture: Arc<Picture>,
    /// What is ordered, and by whom.
    pub(super) asked_for: Arc<(PlaceOrder, Contact)>,
}

/// What became of an attempt to take an order in.
type Placed = Result<Answer, WriteError<OnceError<OrderRefusal>>>;

impl Taking {
    /// Takes the order in; where connected stores can hand on rights with which
    /// it is kept better, it waits a moment for them, and then does with
    /// whatever came.
    pub(super) async fn place_or_ask(&self, hub: &Hub) -> Result<Answer, Problem> {
        let mut asking = Asking {
            may_ask: true,
            asked: Vec::new(),
        };
        let mut placed = self.place(hub, asking.clone()).await;
        let Some(wishes) = worth_asking(&placed) else {
            return Ok(placed?);
        };
        asking.asked.clone_from(&wishes);
        let (author, picture) = (&self.author, &self.picture);
        let mut sent = grants::ask(hub, author, picture, wishes, hub.now()).await?;
        while let Some(waiting) = &mut sent
            && worth_asking(&placed).is_some()
            && waiting.more(hub, author).await?
        {
            placed = self.place(hub, asking.clone()).await;
        }
        if worth_asking(&placed).is_some() {
            asking.may_ask = false;
            placed = self.place(hub, asking).await;
        }
        Ok(placed?)
    }

    async fn place(&self, hub: &Hub, asking: Asking) -> Placed {
        let (state, author, digest) = (hub.clone(), self.author.clone(), self.digest);
        let (picture, asked_for) = (Arc::clone(&self.picture), Arc::clone(&self.asked_for));
        let work = move |conn: &Connection, now| {
            let (command, contact) = &*asked_for;
            let at = (&state, &author);
            let body = (&digest, &asking);
            let arrived = orders::place(conn, at, &picture, (command, contact), body, now)?;
            let status = if arrived.is_new { 201 } else { 200 };
            let view = order_view(&arrived.document, &arrived.order);
            Ok::<_, OrderRefusal>(answer(status, &view))
        };
        once(hub, "take in an order", self.request.clone(), work).await
    }
}

/// The rights that are to be asked for before an order is taken in.
fn worth_asking(placed: &Placed) -> Option<Vec<RightsAsked>> {
    match placed {
        Err(WriteError::Rejected(OnceError::Refused(OrderRefusal::WorthAsking(wishes)))) => {
            Some(wishes.clone())
        }
        _ => None,
    }
}
