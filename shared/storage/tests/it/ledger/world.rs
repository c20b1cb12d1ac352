//! A database with one author, and receipts as a till would make them.

use std::collections::BTreeMap;

use evertill_domain::policy::Policies;
use evertill_domain::receipt::{Receipt, Tender, TenderKind};
use evertill_domain::sale::{SaleCommand, SaleContext, SaleLine, decide_sale};
use evertill_domain::{
    ActorId, Currency, Event, Location, Money, NodeId, Product, Quantity, ReceiptNumber,
    RegisterId, ReplicaId, Sku, TimeZoneName, Timestamp, Unit,
};
use evertill_storage::journal::{self, Appended, Author, Beginning, Write};
use evertill_storage::kernel::migrate;
use evertill_storage::rusqlite::Connection;

pub(crate) const NOW: &str = "2026-07-01T09:30:00.000Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// An empty database in memory, with every table.
pub(crate) fn database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    // As the store sets it; with less, every statement would be parsed anew.
    conn.set_prepared_statement_cache_capacity(256);
    migrate(&mut conn).unwrap();
    conn
}

/// A store's database after its first start; `id` tells replicas apart.
pub(crate) fn store(conn: &Connection, location: &str, id: u8) -> Author {
    journal::start(conn, &beginning(location, id, id)).unwrap()
}

pub(crate) fn beginning(location: &str, id: u8, life: u8) -> Beginning {
    Beginning {
        node: NodeId(u64::from(id)),
        location: location.parse().unwrap(),
        replica: ReplicaId((u64::from(id) << 56) | 0xE),
        renew: false,
        actor: ActorId([life; 16]),
        now: now(),
    }
}

pub(crate) fn product(sku: &str, cents: i64) -> Product {
    let location = location("S001");
    Product {
        sku: sku.parse().unwrap(),
        name: format!("Product {sku}"),
        department: String::new(),
        category: String::new(),
        unit: Unit::Each,
        tax_class: "zero".parse().unwrap(),
        price: Some(Money::new(cents, location.currency).unwrap()),
        cost: None,
        barcodes: Vec::new(),
        minimum_age: None,
        parent: None,
        attributes: BTreeMap::new(),
        net_content: None,
        net_unit: None,
        pack_quantity: None,
    }
}

pub(crate) fn location(id: &str) -> Location {
    Location::with_defaults(id.parse().unwrap(), Currency::USD, TimeZoneName::utc())
}

/// A sale of some pieces at 2.00 each, paid in cash, under this number.
pub(crate) fn sale(author: &Author, register: &str, seq: u64, lines: &[(&str, i64)]) -> Receipt {
    let location = location(author.location.as_str());
    let register: RegisterId = register.parse().unwrap();
    let products: BTreeMap<Sku, Product> = lines
        .iter()
        .map(|(sku, _)| (sku.parse().unwrap(), product(sku, 200)))
        .collect();
    let line = |(sku, pieces): &(&str, i64)| SaleLine {
        sku: sku.parse().unwrap(),
        quantity: Quantity::from_thousandths(pieces * 1_000).unwrap(),
        unit_price: None,
        amount: None,
        price_reason: None,
        discounts: Vec::new(),
        lot: None,
        serial: None,
    };
    let due: i64 = lines.iter().map(|(_, pieces)| pieces * 200).sum();
    let command = SaleCommand {
        lines: lines.iter().map(line).collect(),
        tenders: vec![Tender {
            kind: TenderKind::Cash,
            amount: Money::new(due, location.currency).unwrap(),
            reference: None,
        }],
        ..SaleCommand::default()
    };
    let context = SaleContext {
        location: &location,
        register: &register,
        now: now(),
        policies: &Policies::default(),
        products: &products,
    };
    let draft = decide_sale(&command, &context).unwrap();
    draft.numbered(ReceiptNumber {
        location: author.location.clone(),
        register: register.clone(),
        code: author.replica.code(),
        seq,
    })
}

/// Appends one sale.
pub(crate) fn sell(
    conn: &Connection,
    author: &Author,
    seq: u64,
    lines: &[(&str, i64)],
) -> (Appended, Receipt) {
    let receipt = sale(author, "R1", seq, lines);
    let event = Event::Receipt(Box::new(receipt.clone()));
    let appended = journal::append(conn, author, now(), &[Write::Open(event)]).unwrap();
    (appended, receipt)
}
