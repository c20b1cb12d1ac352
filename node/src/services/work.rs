//! Pickups and shipments of this location: what is to be done, and what was.
//!
//! A step is decided inside the writer, from the order as it is there. It needs
//! no hub: whoever cancelled the order meanwhile finds a fact.
//!
//! Invariant: a hand-over that was answered is in the journal once, with the
//! receipt that was paid for it.

mod code;
mod label;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::order::{
    FulfilmentStep, OrderBody, OrderState, Paid, PaymentMethod, PickupStep, PromiseState,
    StepCommand, StepContext, Work, pickup, shipment,
};
use evertill_domain::policy::TimerPolicy;
use evertill_domain::receipt::{Tender, TenderKind};
use evertill_domain::rejection::Rejection;
use evertill_domain::sale::{SaleCommand, SaleContext, SaleLine, decide_sale};
use evertill_domain::{
    DocumentId, Event, LocationId, Money, Product, Quantity, RegisterId, Sku, Timestamp, Unit,
};
use evertill_http::api::{ReceiptView, SaleBody, StepBody, WorkView};
use evertill_storage::journal::{self, Author, Write};
use evertill_storage::projection::orders;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, WriteTx, private, registers};

use super::receipts::render;
use super::{Answer, Failure, Refusal, Request};
use crate::state::Node;

pub use code::keep_key;
pub use label::label;

use code::check_code;
use view::{due, view, with_customer, with_name};

/// Orders that are read at once.
const PAGE: usize = 200;
/// HTTP status of a step that was recorded.
const OK: u16 = 200;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What customers collect here.
    Pickup,
    /// What is shipped from here.
    Shipment,
}

impl Kind {
    fn is(self, promise: &PromiseState) -> bool {
        match promise.work {
            Work::Pickup(_) => self == Self::Pickup,
            Work::Shipment(_) => self == Self::Shipment,
        }
    }
}

/// A step that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Of a pickup.
    Pickup(PickupStep),
    /// Of a shipment.
    Shipment(FulfilmentStep),
}

impl Step {
    fn kind(self) -> Kind {
        match self {
            Self::Pickup(_) => Kind::Pickup,
            Self::Shipment(_) => Kind::Shipment,
        }
    }

    fn hands_over(self) -> bool {
        matches!(
            self,
            Self::Pickup(PickupStep::HandOver | PickupStep::HandOverPart)
        )
    }
}

/// What is to be done here, with its place in the list: the earliest promise
/// first.
///
/// # Errors
/// The node is not enrolled, or a store could not be read.
pub async fn list(
    node: &Node,
    kind: Kind,
    state: Option<String>,
) -> Result<Vec<(String, WorkView)>, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let here = location.clone();
    let found = node
        .store()
        .read(move |conn| {
            let found = open_orders(conn, &here)?;
            Ok::<_, Refusal>((found, private::all(conn)?))
        })
        .await?;
    let (found, customers) = found;
    let skus = found.iter().flat_map(|(_, order)| skus_of(order)).collect();
    let products = products(node, skus).await?;
    let selling = node.reference().selling();
    let when = (&selling.timers, node.now());
    let views = found.iter().filter_map(|(id, order)| {
        let mut view = view(id, order, &location, kind, &products, when)?;
        if let Some(customer) = customers.get(id) {
            view = with_name(view, customer);
        }
        let due = due(order, &location, kind).map_or(i64::MAX, Timestamp::as_millis);
        Some((format!("{due:020}/{}", view.id), view))
    });
    Ok(views
        .filter(|(_, view)| state.as_ref().is_none_or(|state| view.state == *state))
        .collect())
}

/// One of them.
///
/// # Errors
/// There is none of that id here, or a store could not be read.
pub async fn show(node: &Node, kind: Kind, id: String) -> Result<WorkView, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let (document, order) = read(node, &id).await?;
    let products = products(node, skus_of(&order).collect()).await?;
    let selling = node.reference().selling();
    let when = (&selling.timers, node.now());
    let shown = view(&document, &order, &location, kind, &products, when);
    let shown = shown.ok_or_else(|| unknown(&id))?;
    let customer = node
        .store()
        .read(move |conn| Ok::<_, Refusal>(private::of(conn, &document)?))
        .await?;
    Ok(match customer {
        Some(customer) => with_customer(shown, &customer),
        None => shown,
    })
}

/// Records a step.
///
/// # Errors
/// The state does not allow it, the code is wrong, or what else breaks a rule.
pub async fn step(
    node: &Node,
    request: Request,
    (id, step): (String, Step),
    body: StepBody,
) -> Result<Answer, Failure> {
    let again = request.clone();
    match step_new(node, request, (id, step), body).await {
        Err(refusal) => again.refused(node, refusal).await,
        answer => answer,
    }
}

async fn step_new(
    node: &Node,
    request: Request,
    (id, step): (String, Step),
    body: StepBody,
) -> Result<Answer, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let (document, order) = read(node, &id).await?;
    let here = order.promises_of(&location);
    if !here.into_iter().any(|(_, promise)| step.kind().is(promise)) {
        return Err(unknown(&id).into());
    }
    let mut named: BTreeSet<Sku> = skus_of(&order).collect();
    named.extend(body.skus().cloned());
    let products = products(node, named).await?;
    if step.hands_over() {
        check_code(node, &document, body.code.clone()).await?;
    }
    let ground = Ground {
        document,
        products,
        timers: node.reference().selling().timers,
        till: request.till.clone(),
        sale: sale_ground(node, &location).await?,
    };
    let state = node.clone();
    request
        .once_as(node, ("record a step", OK), move |tx, author| {
            ground.record(tx, author, (step, &body), state.now())
        })
        .await
}

/// What a step is recorded from, beside the order.
struct Ground {
    document: DocumentId,
    products: BTreeMap<Sku, Product>,
    timers: TimerPolicy,
    till: RegisterId,
    sale: SaleGround,
}

/// What a sale at the counter, and more time for a customer, is decided from.
struct SaleGround {
    location: evertill_domain::Location,
    policies: std::sync::Arc<evertill_domain::policy::Policies>,
    extend_minutes: u32,
}

async fn sale_ground(node: &Node, location: &LocationId) -> Result<SaleGround, Failure> {
    let id = location.clone();
    let read = node.reference().read(move |view| {
        Ok::<_, Refusal>(SaleGround {
            location: view.location(&id)?,
            policies: view.policies()?,
            extend_minutes: view.selling()?.timers.extend_minutes,
        })
    });
    Ok(read.await?)
}

impl Ground {
    fn record(
        &self,
        tx: &WriteTx,
        author: &Author,
        (step, body): (Step, &StepBody),
        at: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        let order =
            orders::load(tx, &self.document)?.ok_or_else(|| unknown(&self.document.to_string()))?;
        let context = StepContext {
            location: &author.location,
            now: at,
            products: &self.products,
            extend_minutes: self.sale.extend_minutes,
        };
        let unit = |promise: &evertill_domain::order::PromiseId| {
            let promise = order.promises.get(promise);
            let line = promise.and_then(|promise| order.line(promise.line));
            line.map_or(Unit::Each, |line| line.line.unit)
        };
        let mut receipt = None;
        let bodies: Vec<OrderBody> = match step {
            Step::Pickup(step) => {
                let mut command = body.command(step, unit, &self.products)?;
                if !body.tenders.is_empty() {
                    let sold = self.sell(tx, author, &order, &command, body, at)?;
                    command.paid = Some(Paid {
                        receipt: sold.number.clone(),
                        amount: sold.total(),
                        method: method(&sold.tenders),
                    });
                    receipt = Some(Box::new(sold));
                }
                pickup(&order, &command, &context)?
            }
            Step::Shipment(step) => {
                let command = body.command(step, unit, &self.products)?;
                shipment(&order, &command, &context)?
            }
        };
        let events = order.events(at, body.by.as_deref(), bodies);
        let mut writes = vec![Write::ExtendWith(self.document, events)];
        writes.extend(
            receipt
                .clone()
                .map(|receipt| Write::Open(Event::Receipt(receipt))),
        );
        let appended = journal::append(tx, author, at, &writes)?;
        let order =
            orders::load(tx, &self.document)?.ok_or_else(|| unknown(&self.document.to_string()))?;
        let kind = step.kind();
        let shown = view(
            &self.document,
            &order,
            &author.location,
            kind,
            &self.products,
            (&self.timers, at),
        );
        let mut shown = shown.ok_or_else(|| unknown(&self.document.to_string()))?;
        shown.receipt = receipt.zip(appended.documents.get(1)).map(|(receipt, id)| {
            let name = |sku: &Sku| self.products.get(sku).map(|product| product.name.as_str());
            ReceiptView::of(id, &receipt, name)
        });
        Ok(render(&shown))
    }

    /// Sells what is handed over to a customer who pays at the counter, at the
    /// order's prices.
    fn sell(
        &self,
        tx: &WriteTx,
        author: &Author,
        order: &OrderState,
        command: &StepCommand<PickupStep>,
        body: &StepBody,
        at: Timestamp,
    ) -> Result<evertill_domain::receipt::Receipt, Refusal> {
        let mut lines = Vec::new();
        for (id, promise) in order.promises_of(&author.location) {
            let asked = command.parts.iter().find(|part| part.promise == *id);
            if !command.parts.is_empty() && asked.is_none() {
                continue;
            }
            let staged = promise.staged.min(promise.kept());
            let out = asked.and_then(|part| part.quantity);
            let out = out.map_or(staged, |quantity| quantity.thousandths().min(staged));
            let Some(line) = order.line(promise.line) else {
                continue;
            };
            let price = line.line.unit_price;
            let swaps = promise.substitutes.iter();
            let swaps = swaps.map(|(sku, staged)| (sku.clone(), *staged));
            for (sku, quantity) in std::iter::once((line.line.sku.clone(), out)).chain(swaps) {
                if quantity > 0 {
                    lines.push(sale_line(order, sku, quantity, price)?);
                }
            }
        }
        if lines.is_empty() {
            let detail = "nothing is put aside that could be paid for; pick it first";
            let refused = Rejection::new("/tenders", "nothing_staged", detail).as_conflict();
            return Err(refused.into());
        }
        let command = SaleCommand {
            lines,
            tenders: SaleBody::tenders_of(order.placed.currency, &body.tenders)?,
            customer_ref: order.placed.customer_ref.clone(),
            cashier: body.by.clone(),
            ..SaleCommand::default()
        };
        let context = SaleContext {
            location: &self.sale.location,
            register: &self.till,
            now: at,
            policies: &self.sale.policies,
            products: &self.products,
        };
        let draft = decide_sale(&command, &context)?;
        let number = registers::draw_number(tx, &author.location, &self.till, author.replica)?;
        let number = number.ok_or_else(|| {
            let detail = "there is no such register here";
            Rejection::new("/register", "unknown_register", detail)
        })?;
        Ok(draft.numbered(number))
    }
}

fn sale_line(
    order: &OrderState,
    sku: Sku,
    thousandths: i64,
    price: Money,
) -> Result<SaleLine, Refusal> {
    let quantity = Quantity::from_thousandths(thousandths);
    let quantity =
        quantity.map_err(|error| Rejection::new("/parts", error.code(), error.to_string()))?;
    Ok(SaleLine {
        sku,
        quantity,
        unit_price: Some(price),
        amount: None,
        price_reason: Some(format!("order {}", order.placed.external_id)),
        discounts: Vec::new(),
        lot: None,
        serial: None,
    })
}

/// How a customer paid for the most part.
fn method(tenders: &[Tender]) -> PaymentMethod {
    let most = tenders.iter().max_by_key(|tender| tender.amount.minor());
    match most.map(|tender| tender.kind) {
        Some(TenderKind::Cash) => PaymentMethod::Cash,
        Some(TenderKind::Card) => PaymentMethod::Card,
        _ => PaymentMethod::Other,
    }
}

fn open_orders(
    conn: &Connection,
    location: &LocationId,
) -> TableResult<Vec<(DocumentId, OrderState)>> {
    let mut found = Vec::new();
    let mut after: Option<DocumentId> = None;
    loop {
        let page = orders::open_at(conn, location, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = Some(*last);
        for document in page {
            if let Some(order) = orders::load(conn, &document)? {
                found.push((document, order));
            }
        }
    }
}

async fn read(node: &Node, id: &str) -> Result<(DocumentId, OrderState), Failure> {
    let document: DocumentId = id.parse().map_err(|_| unknown(id))?;
    let order = node
        .store()
        .read(move |conn| Ok::<_, Refusal>(orders::load(conn, &document)?))
        .await?;
    let order = order.ok_or_else(|| unknown(id))?;
    Ok((document, order))
}

fn unknown(id: &str) -> Refusal {
    Refusal::Unknown(format!("there is no order {id} to be kept here"))
}

fn skus_of(order: &OrderState) -> impl Iterator<Item = Sku> {
    let lines = order.lines.iter().map(|line| line.line.sku.clone());
    let promises = order.promises.values();
    let swaps = promises.flat_map(|promise| promise.substitutes.keys().cloned());
    lines.chain(swaps).collect::<BTreeSet<Sku>>().into_iter()
}

async fn products(node: &Node, skus: BTreeSet<Sku>) -> Result<BTreeMap<Sku, Product>, Failure> {
    let read = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.products_by_sku(&skus)?));
    Ok(read.await?)
}
