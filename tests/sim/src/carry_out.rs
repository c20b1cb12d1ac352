//! What a store decides and writes: sales, voids, movements, postings.

use std::collections::BTreeMap;
use std::rc::Rc;

use evertill_documents::{Document, append, create};
use evertill_domain::count::decide_count;
use evertill_domain::event::{self, Event};
use evertill_domain::fold::{Folded, Obligation, Placed, fold};
use evertill_domain::giveback::decide_return;
use evertill_domain::movement::{MovementContext, decide_movements};
use evertill_domain::receipt::Receipt;
use evertill_domain::sale::{ReceiptDraft, SaleContext, decide_sale};
use evertill_domain::time::business_date;
use evertill_domain::void::decide_void;
use evertill_domain::{
    Bucket, CountRequest, DocumentId, EventKey, LocationId, ReceiptNumber, Seq, Sku, TimeZoneName,
};
use evertill_journal::Part;

use crate::apply::applied;
use crate::bug::Bug;
use crate::command::{Answer, Back, Basket, Command, Operation, draw, to_movements};
use crate::hub::HUB;
use crate::queue::MINUTE;
use crate::shop::{self, location, location_id, register};
use crate::tables::{Op, Projections, Tables};
use crate::truth::{came_back, owed};
use crate::world::{Event as Happening, World};

/// The first bytes of `[777, operation]`: an event of a kind nobody here knows.
const LATER: [u8; 4] = [0x82, 0x19, 0x03, 0x09];

impl World {
    /// Decides what a client asks for and writes it. Nothing when it is refused
    /// or the disk is full.
    pub(crate) fn carry_out(&mut self, store: usize, operation: Operation) -> Option<Answer> {
        let command = self.command(store, operation);
        let version = self.nodes[store].db.tables.version;
        let seq = self.next_seq(store);
        if version == 0 {
            // A store that never had prices cannot sell; the client waits.
            return None;
        }
        let mut ops = Vec::new();
        let mut receipt = None;
        let bytes = match &command {
            Command::Sale(basket) => {
                let draft = self.decide_sale(store, version, basket);
                let sold = self.number(store, basket.register, draft, operation, &mut ops)?;
                receipt = Some(Rc::new(sold.clone()));
                event::encode(&Event::Receipt(Box::new(sold)))
            }
            Command::Void { of } => {
                let draft = self.decide_void(store, *of);
                let undone = self.number(store, 0, draft, operation, &mut ops)?;
                receipt = Some(Rc::new(undone.clone()));
                event::encode(&Event::Receipt(Box::new(undone)))
            }
            Command::Return(back) => {
                let draft = self.decide_return(store, version, *back);
                let returned = self.number(store, 1, draft, operation, &mut ops)?;
                receipt = Some(Rc::new(returned.clone()));
                event::encode(&Event::Receipt(Box::new(returned)))
            }
            Command::Move { reason, lines } => {
                let reference = self.reference(version);
                let context = MovementContext {
                    location: &location(store),
                    now: self.wall(store),
                    policies: &reference.policies,
                    products: &reference.products,
                };
                let record = decide_movements(&to_movements(*reason, lines), &context)
                    .expect("invariant: clients ask for what the policy allows");
                event::encode(&Event::Movements(record))
            }
            Command::Later => [&LATER[..], &[0x1b], &operation.to_be_bytes()].concat(),
        };
        let part = create(&self.nodes[store].actor, seq, 0, &[bytes]);
        let answer = Answer {
            seq,
            version,
            receipt,
        };
        if self.config.bug != Some(Bug::ForgetIdempotencyKey) {
            ops.push(Op::Answer(operation, answer.clone()));
        }
        self.write_part(store, &part, ops).map(|_| answer)
    }

    /// What the client wants; it makes up its mind when it first asks.
    fn command(&mut self, store: usize, operation: Operation) -> Command {
        if let Some((_, command)) = self.commands.get(&operation) {
            return command.clone();
        }
        let sales = self.answered.iter().filter(|(of, (at, _))| {
            let command = self.commands.get(of);
            *at == store && matches!(command, Some((_, Command::Sale(_))))
        });
        let sales: Vec<Operation> = sales.map(|(of, _)| *of).collect();
        let now = self.hub_clock().as_millis();
        let command = if !sales.is_empty() && self.rng.chance(1, 8) {
            let of = *self.rng.pick(&sales);
            self.draw_return(of)
        } else {
            draw(&mut self.rng, now, &sales)
        };
        self.commands.insert(operation, (store, command.clone()));
        command
    }

    fn next_seq(&self, store: usize) -> Seq {
        let node = &self.nodes[store];
        node.db.tables.head(node.replica).seq + 1
    }

    fn decide_sale(&mut self, store: usize, version: u64, basket: &Basket) -> Option<ReceiptDraft> {
        let reference = self.reference(version);
        let context = SaleContext {
            location: &location(store),
            register: &register(basket.register),
            now: self.wall(store),
            policies: &reference.policies,
            products: &reference.products,
        };
        decide_sale(&basket.to_command(), &context).ok()
    }

    /// Some of a line of a sale comes back, or all that is left of it. The
    /// customer knows what was paid and what came back already.
    fn draw_return(&mut self, of: Operation) -> Command {
        let Some((_, Command::Sale(basket))) = self.commands.get(&of) else {
            return Command::Later;
        };
        let line = self.rng.index(basket.lines.len());
        let sold = &basket.lines[line];
        let before = came_back(self, of, line);
        let left = sold.thousandths - before;
        let step = if shop::is_weighed(sold.product) {
            1
        } else {
            1_000
        };
        let some = (left / 2 / step * step).max(step);
        let thousandths = if self.rng.chance(1, 2) {
            left.max(step)
        } else {
            some
        };
        let (_, answer) = &self.answered[&of];
        let owed = owed(basket, answer.version, line, before, before + thousandths);
        let bucket = *self.rng.pick(&[Bucket::Sellable, Bucket::Damaged]);
        Command::Return(Back {
            of,
            line,
            thousandths,
            owed,
            bucket,
        })
    }

    fn decide_return(&mut self, store: usize, version: u64, back: Back) -> Option<ReceiptDraft> {
        let (original, earlier) = self.past(store, back.of)?;
        let reference = self.reference(version);
        let context = SaleContext {
            location: &location(store),
            register: &register(1),
            now: self.wall(store),
            policies: &reference.policies,
            products: &reference.products,
        };
        decide_return(&back.to_command(), &original, &earlier, &context).ok()
    }

    fn decide_void(&self, store: usize, of: Operation) -> Option<ReceiptDraft> {
        let (original, earlier) = self.past(store, of)?;
        let now = self.wall(store);
        let date = business_date(now, &TimeZoneName::utc(), 0);
        decide_void(&original, &earlier, "wrong customer", now, date).ok()
    }

    /// A sale as the store has it, and what went back to it so far.
    fn past(&self, store: usize, of: Operation) -> Option<(Receipt, Vec<Receipt>)> {
        let (_, answer) = self.answered.get(&of)?;
        let projections = &self.nodes[store].db.tables.projections;
        let number = &answer.receipt.as_ref()?.number;
        let earlier = projections.links.get(number).into_iter().flatten();
        let earlier = earlier.filter_map(|number| stored(projections, number));
        Some((stored(projections, number)?, earlier.collect()))
    }

    /// Draws the number; a draft that was not made is a refusal for good.
    fn number(
        &mut self,
        store: usize,
        till: usize,
        draft: Option<ReceiptDraft>,
        operation: Operation,
        ops: &mut Vec<Op>,
    ) -> Option<Receipt> {
        let Some(draft) = draft else {
            self.say(format_args!("store {store} refuses {operation}"));
            self.refused.insert(operation);
            return None;
        };
        let node = &mut self.nodes[store];
        node.drawn[till] += 1;
        let till_id = register(till);
        let last = node.db.tables.numbers.get(&till_id).copied();
        let seq = if self.config.bug == Some(Bug::ReuseReceiptNumber) {
            node.drawn[till]
        } else {
            last.unwrap_or(0) + 1
        };
        ops.push(Op::Number(till_id.clone(), seq));
        Some(draft.numbered(ReceiptNumber {
            location: location_id(store),
            register: till_id,
            code: node.replica.code(),
            seq,
        }))
    }

    /// Writes one part as an entry, with what belongs into its transaction.
    fn write_part(&mut self, store: usize, part: &Part, mut ops: Vec<Op>) -> Option<usize> {
        let events = decoded(&part.change);
        let sealed = self.seal(store, None, vec![part.clone()]);
        let entry = &sealed.entry;
        let place = (entry.replica, entry.seq, part.n);
        ops.push(Op::Apply(applied(place, entry.hlc, part, &events)));
        ops.insert(0, Op::Entry(Rc::new(sealed)));
        self.write_node(store, ops)
    }

    /// Counts that reached the store and that no clerk saw posted.
    pub(crate) fn open_counts(&self, store: usize) -> Vec<DocumentId> {
        let documents = &self.nodes[store].db.tables.projections.documents;
        let from_hub = documents
            .iter()
            .filter(|(_, changes)| changes.keys().any(|(replica, _, _)| *replica == HUB));
        let open = from_hub.filter(|(document, _)| !self.posted.contains_key(document));
        open.map(|(document, _)| *document).collect()
    }

    /// A clerk posts a count, or looks again whether it is posted.
    pub(crate) fn post(&mut self, store: usize, document: DocumentId) {
        if self.posted.contains_key(&document) {
            return;
        }
        self.queue
            .after(10 * MINUTE, Happening::Post(store, document));
        if !self.nodes[store].up {
            return;
        }
        let tables = &self.nodes[store].db.tables;
        let Some(folded) = folded(&tables.projections, &document) else {
            return;
        };
        let own = self.nodes[store].replica;
        let written = if folded.obligations.contains(&Obligation::PostCount) {
            self.write_posting(store, document, folded)
        } else {
            // Posted before; the clerk only has not seen it.
            let changes = &tables.projections.documents[&document];
            let posting = changes.keys().find(|(replica, _, _)| *replica == own);
            posting.map(|(_, seq, _)| (self.nodes[store].db.disk.written(), *seq))
        };
        if let Some((written, seq)) = written {
            let wait = crate::node::Wait::Clerk(document, seq);
            self.nodes[store].waiting.push((written, wait));
            self.sync_node(store);
            if self.nodes[store].db.is_stable() {
                self.posted.insert(document, (store, seq));
            }
        }
    }

    fn write_posting(
        &mut self,
        store: usize,
        document: DocumentId,
        folded: Folded,
    ) -> Option<(usize, Seq)> {
        let evertill_domain::fold::State::CountRequested(request) = folded.state else {
            return None;
        };
        let seq = self.next_seq(store);
        let node = &self.nodes[store];
        let held = if self.config.bug == Some(Bug::PostAgainstNow) {
            let now = (node.replica, Seq::MAX);
            let seen = vec![now];
            expected(
                &node.db.tables,
                &CountRequest {
                    seen,
                    ..request.clone()
                },
            )
        } else {
            expected(&node.db.tables, &request)
        };
        let posted = decide_count(&request, &held, self.wall(store));
        let changes = node.db.tables.projections.documents[&document].values();
        let loaded = Document::load(document, changes.map(|applied| &applied.change))
            .expect("invariant: the document's changes passed the gate");
        let bytes = event::encode(&Event::CountPosted(posted));
        let part = append(&loaded, &node.actor, seq, 0, &[bytes]);
        let written = self.write_part(store, &part, Vec::new())?;
        Some((written, seq))
    }

    /// A good event, and one that speaks for another location.
    pub(crate) fn hostile_events(
        &mut self,
        store: usize,
        seq: Seq,
        foreign: &LocationId,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let version = self.nodes[store].db.tables.version;
        let now = self.hub_clock().as_millis();
        let Command::Sale(basket) = draw_sale(self, now) else {
            return None;
        };
        let draft = self.decide_sale(store, version, &basket)?;
        let mut receipt = draft.numbered(ReceiptNumber {
            location: location_id(store),
            register: register(0),
            code: self.nodes[store].replica.code(),
            seq: 1_000_000 + seq,
        });
        let good = event::encode(&Event::Receipt(Box::new(receipt.clone())));
        receipt.number.location = foreign.clone();
        let wrong = event::encode(&Event::Receipt(Box::new(receipt)));
        Some((good, wrong))
    }
}

fn draw_sale(world: &mut World, now: crate::queue::Millis) -> Command {
    draw(&mut world.rng, now, &[])
}

/// The events of a change that was written here.
fn decoded(change: &[u8]) -> Vec<Event> {
    let events = evertill_documents::read(change).expect("invariant: it was written here");
    let decode = |(_, bytes): &(EventKey, Vec<u8>)| event::decode(bytes);
    let decoded: Result<Vec<Event>, _> = events.iter().map(decode).collect();
    decoded.expect("invariant: only sound events are written")
}

/// The receipt of a number, read back from its document.
fn stored(projections: &Projections, number: &ReceiptNumber) -> Option<Receipt> {
    let document = projections.receipts.get(number)?.first()?;
    let changes = projections.documents.get(document)?;
    let events = decoded(&changes.values().next()?.change);
    events.into_iter().find_map(|event| match event {
        Event::Receipt(receipt) => Some(*receipt),
        _ => None,
    })
}

/// What a document comes to.
pub(crate) fn folded(projections: &Projections, document: &DocumentId) -> Option<Folded> {
    let changes = projections.documents.get(document)?;
    // The changes that a change builds on are its events' causes.
    let mut last = BTreeMap::new();
    let mut events = Vec::new();
    for applied in changes.values() {
        let info = evertill_documents::ChangeInfo::read(&applied.change).ok()?;
        let read = evertill_documents::read(&applied.change).ok()?;
        last.insert(info.hash, read.last()?.0);
        events.push((applied.hlc, info, read));
    }
    let mut placed = Vec::new();
    for (hlc, info, read) in &events {
        let mut parents: Vec<EventKey> = info
            .deps
            .iter()
            .filter_map(|dep| last.get(dep))
            .copied()
            .collect();
        for (key, bytes) in read {
            placed.push(Placed {
                key: *key,
                hlc: *hlc,
                parents: std::mem::replace(&mut parents, vec![*key]),
                bytes,
            });
        }
    }
    Some(fold(placed))
}

/// What the shelf held at the entries that the counter had seen.
fn expected(tables: &Tables, request: &CountRequest) -> BTreeMap<(Sku, Option<String>), i64> {
    let seen = |replica, seq| {
        let mut positions = request.seen.iter();
        positions.any(|(journal, last)| *journal == replica && seq <= *last)
    };
    let changes = tables.projections.documents.values().flatten();
    let changes = changes.filter(|((replica, seq, _), _)| seen(*replica, *seq));
    let effects = changes.flat_map(|(_, applied)| &applied.effects);
    let mut held = BTreeMap::new();
    for delta in effects.flat_map(|effects| &effects.stock) {
        if delta.key.bucket == Bucket::Sellable {
            let key = (delta.key.sku.clone(), delta.key.lot.clone());
            *held.entry(key).or_default() += delta.delta;
        }
    }
    held
}
