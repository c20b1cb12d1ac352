//! Ingest alone: real receipts in frames of 500 into a hub's database, durable.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use evertill_data::Sample;
use evertill_documents::PART_CODEC;
use evertill_domain::policy::Policies;
use evertill_domain::sale::{SaleContext, decide_sale};
use evertill_domain::{
    ActorId, Currency, Event, Location, Money, NodeId, Product, ReceiptNumber, RegisterId,
    ReplicaId, Sku, TimeZoneName, Timestamp, Unit,
};
use evertill_http::api::{Goods, Resolved, SaleBody};
use evertill_journal::{Compression, FRAME_ENTRIES, Frame, Watermark, pack};
use evertill_storage::ingest::{self, Peer};
use evertill_storage::journal::{self, Author, Beginning, Write};
use evertill_storage::{Store, StoreOptions, TableError};

use crate::figures::Figures;

const RECEIPTS: u64 = 20_000;

/// Makes a store's journal, and times a hub taking it in.
pub fn measure(dir: &Path, sample: &Sample, figures: &mut Figures) -> Result<()> {
    let (peer, frames) = journal(&dir.join("store"), sample)?;
    let hub = Store::open(&dir.join("hub"), &StoreOptions::hub())?;
    let began = Instant::now();
    for frame in frames {
        let peer = peer.clone();
        let taken = hub.write_blocking("take in journals", move |tx| {
            ingest::ingest(tx, &peer, &frame, now())
        })?;
        let taken = taken?;
        ensure!(taken.parked == 0, "{} entries were parked", taken.parked);
    }
    let seconds = began.elapsed().as_secs_f64();
    hub.close();
    #[expect(clippy::cast_precision_loss, reason = "figures have few digits")]
    figures.set("ingest_receipts_per_s", RECEIPTS as f64 / seconds);
    Ok(())
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_485_000_000_000)
}

/// A store that has sold, and its journal as frames.
fn journal(dir: &Path, sample: &Sample) -> Result<(Peer, Vec<Frame>)> {
    let store = Store::open(dir, &StoreOptions::node())?;
    let receipts = Receipts::new(sample)?;
    let mut events = (0..RECEIPTS).map(|i| receipts.event(i));
    let beginning = Beginning {
        node: NodeId(7),
        location: receipts.location.id.clone(),
        replica: ReplicaId(0x1234_5678_9abc_def0),
        renew: false,
        actor: ActorId([3; 16]),
        now: now(),
    };
    let author = store.write_blocking("start", move |tx| journal::start(tx, &beginning))?;
    loop {
        let some: Vec<Event> = events.by_ref().take(1_000).collect::<Result<_>>()?;
        if some.is_empty() {
            break;
        }
        let own = author.clone();
        store.write_blocking("sell", move |tx| {
            for event in some {
                journal::append(tx, &own, now(), &[Write::Open(event)])?;
            }
            Ok::<_, TableError>(())
        })?;
    }
    let frames = frames(&store, &author)?;
    let peer = Peer {
        node: author.node,
        location: author.location,
    };
    store.close();
    Ok((peer, frames))
}

fn frames(store: &Store, author: &Author) -> Result<Vec<Frame>> {
    let (mut frames, mut at) = (Vec::new(), Watermark::nothing(author.replica));
    loop {
        let replica = author.replica;
        let after = at.seq;
        let entries = store.read_blocking(move |conn| {
            journal::entries_after(conn, replica, after, FRAME_ENTRIES, 1 << 20)
        })?;
        if entries.is_empty() {
            return Ok(frames);
        }
        let actor = (at.seq > 0).then_some(author.actor);
        let frame = pack(&at, actor, &entries, Compression::CatchUp, PART_CODEC)?;
        let count = usize::try_from(frame.count)?;
        at = entries[count - 1].watermark();
        frames.push(frame);
    }
}

/// Receipts of the sample's baskets, over and over, each with its own number.
struct Receipts {
    location: Location,
    register: RegisterId,
    products: BTreeMap<Sku, Product>,
    bodies: Vec<SaleBody>,
}

impl Receipts {
    fn new(sample: &Sample) -> Result<Self> {
        let bodies = sample.baskets.iter().map(|basket| {
            let body = basket.sale("R1", &sample.catalogue);
            serde_json::from_value(body).context("a basket is a sale")
        });
        let currency = Currency::USD;
        let product = |it: &evertill_data::Product| -> Result<(Sku, Product)> {
            let sku: Sku = it.sku().parse()?;
            let product = Product {
                sku: sku.clone(),
                name: it.name.clone(),
                department: it.department.clone(),
                category: it.category.clone(),
                unit: it.unit().parse::<Unit>()?,
                tax_class: "zero".parse()?,
                price: Some(Money::new(it.price, currency)?),
                cost: None,
                barcodes: Vec::new(),
                minimum_age: None,
                parent: None,
                attributes: BTreeMap::new(),
                net_content: None,
                net_unit: None,
                pack_quantity: None,
            };
            Ok((sku, product))
        };
        Ok(Self {
            location: Location::with_defaults("S001".parse()?, currency, TimeZoneName::utc()),
            register: "R1".parse()?,
            products: sample
                .catalogue
                .products()
                .map(product)
                .collect::<Result<_>>()?,
            bodies: bodies.collect::<Result<_>>()?,
        })
    }

    fn event(&self, number: u64) -> Result<Event> {
        let place = usize::try_from(number)? % self.bodies.len();
        let body = &self.bodies[place];
        let mut resolved = Vec::new();
        for goods in body.goods()? {
            let Goods::Sku(sku) = goods else {
                anyhow::bail!("the sample sells by SKU");
            };
            resolved.push(Resolved::plain(sku.clone(), self.products[sku].unit));
        }
        let command = body.command(self.location.currency, &resolved)?;
        let context = SaleContext {
            location: &self.location,
            register: &self.register,
            now: now(),
            policies: &Policies::default(),
            products: &self.products,
        };
        let receipt = decide_sale(&command, &context)?.numbered(ReceiptNumber {
            location: self.location.id.clone(),
            register: self.register.clone(),
            code: ReplicaId(0x1234_5678_9abc_def0).code(),
            seq: number + 1,
        });
        Ok(Event::Receipt(Box::new(receipt)))
    }
}
