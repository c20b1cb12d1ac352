//! A store with a journal of its own, as its node would write it, and its way
//! into a hub's folder without a line between them.

use std::collections::BTreeMap;
use std::path::Path;

use evertill_documents::PART_CODEC;
use evertill_domain::policy::Policies;
use evertill_domain::receipt::{Receipt, Tender, TenderKind};
use evertill_domain::sale::{SaleCommand, SaleContext, SaleLine, decide_sale};
use evertill_domain::void::decide_void;
use evertill_domain::{
    ActorId, Currency, Event, Location, Money, NodeId, Product, Quantity, ReceiptNumber, ReplicaId,
    Sku, TimeZoneName, Timestamp, Unit,
};
use evertill_journal::{Compression, Frame, Sealed, Watermark, pack};
use evertill_storage::WriteError;
use evertill_storage::ingest::{self, IngestError, Ingested, Peer};
use evertill_storage::journal::{self, Author, Beginning, Write};
use evertill_storage::kernel::migrate;
use evertill_storage::rusqlite::Connection;

use crate::client::open;

/// Everything that these stores sell costs this much.
const PRICE: i64 = 200;

pub struct Till {
    conn: Connection,
    pub author: Author,
    number: u64,
}

pub fn now() -> Timestamp {
    "2026-07-01T09:30:00.000Z".parse().unwrap()
}

impl Till {
    /// A store after its first start; `id` tells stores apart.
    pub fn new(location: &str, id: u8) -> Self {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let beginning = Beginning {
            node: NodeId(u64::from(id)),
            location: location.parse().unwrap(),
            replica: ReplicaId(u64::from(id) << 56),
            renew: false,
            actor: ActorId([id; 16]),
            now: now(),
        };
        let author = journal::start(&conn, &beginning).unwrap();
        Self {
            conn,
            author,
            number: 0,
        }
    }

    /// Sells some pieces for cash; returns the receipt and its document's id.
    pub fn sell(&mut self, lines: &[(&str, i64)]) -> (Receipt, String) {
        self.number += 1;
        let receipt = self.receipt(lines);
        let id = self.record(receipt.clone());
        (receipt, id)
    }

    /// Voids a receipt of this store.
    pub fn void(&mut self, original: &Receipt) -> (Receipt, String) {
        self.number += 1;
        let draft = decide_void(original, &[], "by mistake", now(), original.business_date);
        let receipt = draft.unwrap().numbered(self.drawn());
        let id = self.record(receipt.clone());
        (receipt, id)
    }

    fn record(&self, receipt: Receipt) -> String {
        let event = Event::Receipt(Box::new(receipt));
        let appended = journal::append(&self.conn, &self.author, now(), &[Write::Open(event)]);
        appended.unwrap().documents[0].to_string()
    }

    fn drawn(&self) -> ReceiptNumber {
        ReceiptNumber {
            location: self.author.location.clone(),
            register: "R1".parse().unwrap(),
            code: self.author.replica.code(),
            seq: self.number,
        }
    }

    fn receipt(&self, lines: &[(&str, i64)]) -> Receipt {
        let products: BTreeMap<Sku, Product> = lines
            .iter()
            .map(|(sku, _)| {
                let sku: Sku = sku.parse().unwrap();
                let mut product = Product::new(sku.clone(), "As it was called then");
                product.price = Some(Money::new(PRICE, Currency::USD).unwrap());
                product.unit = Unit::Each;
                (sku, product)
            })
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
        let due: i64 = lines.iter().map(|(_, pieces)| pieces * PRICE).sum();
        let command = SaleCommand {
            lines: lines.iter().map(line).collect(),
            tenders: vec![Tender {
                kind: TenderKind::Cash,
                amount: Money::new(due, Currency::USD).unwrap(),
                reference: None,
            }],
            ..SaleCommand::default()
        };
        let location = Location::with_defaults(
            self.author.location.clone(),
            Currency::USD,
            TimeZoneName::utc(),
        );
        let context = SaleContext {
            location: &location,
            register: &"R1".parse().unwrap(),
            now: now(),
            policies: &Policies::default(),
            products: &products,
        };
        let draft = decide_sale(&command, &context).unwrap();
        draft.numbered(self.drawn())
    }

    pub fn entries(&self) -> Vec<Sealed> {
        journal::entries_after(&self.conn, self.author.replica, 0, 1_000, 1 << 30).unwrap()
    }

    /// The whole journal as one frame.
    pub fn frame(&self) -> Frame {
        let nothing = Watermark::nothing(self.author.replica);
        pack(
            &nothing,
            None,
            &self.entries(),
            Compression::Live,
            PART_CODEC,
        )
        .unwrap()
    }

    /// Has a stopped hub take the whole journal in.
    pub fn deliver(&self, data: &Path) -> Result<Ingested, IngestError> {
        let store = open(data);
        let peer = Peer {
            node: self.author.node,
            location: self.author.location.clone(),
        };
        let frame = self.frame();
        let taken = store.write_blocking("deliver", move |tx| {
            ingest::ingest(tx, &peer, &frame, now())
        });
        store.close();
        match taken {
            Ok(taken) => taken,
            Err(WriteError::Rejected(error)) => Err(error.into()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Has a stopped hub hear how far the journal goes.
    pub fn announce(&self, data: &Path, seq: u64) {
        let store = open(data);
        let (author, hash) = (self.author.clone(), self.entries()[0].hash);
        store
            .write_blocking("announce", move |tx| {
                let whose = (author.node, &author.location);
                let head = Watermark { seq, hash };
                journal::set_announced(tx, author.replica, whose, &head, now())
            })
            .unwrap();
        store.close();
    }
}
