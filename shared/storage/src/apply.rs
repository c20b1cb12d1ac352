//! The one apply path: what an entry's events add to the projections, whether
//! the entry was written here, came from another machine, or is read again for
//! a rebuild.
//!
//! An entry applies whole or not at all. Its documents and receipt numbers are
//! claimed first; if one is taken, or a figure would leave its range, every
//! claim of the entry is given back and the caller learns why. Sums are
//! collected in a [`Batch`] and written once, however many entries touched them.
//!
//! Invariant: a [`Batch`] is flushed in the transaction in which it was filled;
//! until then the tables of sums are behind the entries.

use std::collections::{BTreeMap, BTreeSet};

use evertill_documents::ChangeInfo;
use evertill_domain::effects::ReceiptFacts;
use evertill_domain::order::{OrderState, Recorder};
use evertill_domain::rights::PairCells;
use evertill_domain::{
    ActorId, Bucket, DocumentId, Effects, Event, EventKey, LocationId, ReplicaId, Seq, Sku, effects,
};
use rusqlite::{Connection, params};

use crate::changes;
use crate::duties;
use crate::journal;
use crate::projection::documents::{self, Place};
use crate::projection::promises::{self, Explained};
use crate::projection::{counts, days, orders, receipts, registers, rights, seals, stock};
use crate::sql::{Doing, TableError, TableResult, int};

/// One part of an entry, gated and decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedPart {
    /// The document.
    pub document: DocumentId,
    /// Number of the part in its entry.
    pub n: u32,
    /// The key of its first event; the others count on from it.
    pub key: EventKey,
    /// The change's place in the document's history.
    pub info: ChangeInfo,
    /// Its events, in order.
    pub events: Vec<Event>,
}

/// The entry that is applied, or the part of it that a feed carries.
#[derive(Debug, Clone, Copy)]
pub struct Applying<'a> {
    /// The journal that it stands in.
    pub replica: ReplicaId,
    /// Its number there.
    pub seq: Seq,
    /// The location whose outflows burn the writer's rights without a word: its
    /// own. `None` for what is written again, and for what a feed carries.
    pub burns_at: Option<&'a LocationId>,
    /// What it says of its writer's rights.
    pub cells: &'a PairCells,
}

/// Why a well-formed entry cannot apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// The document was opened by another entry.
    #[error("document {0} was opened by another entry already")]
    Document(DocumentId),
    /// The receipt number belongs to another receipt.
    #[error("receipt number {0} belongs to another receipt already")]
    ReceiptNumber(evertill_domain::ReceiptNumber),
    /// A sum would leave its range.
    #[error("{0}")]
    Overflow(String),
}

/// Sums that wait to be written, for any number of entries.
#[derive(Debug, Default)]
pub struct Batch {
    is_careful: bool,
    sums: Sums,
    rights: rights::Pending,
    /// Orders that were added to.
    orders: BTreeSet<DocumentId>,
    /// Products of which something else can be promised; at the hub only.
    changed: BTreeSet<Sku>,
    heads: BTreeMap<(ReplicaId, String), Seq>,
    /// Pairs whose debt is left to their location's machine, once they were read;
    /// at the hub only.
    debts: Option<BTreeSet<(LocationId, Sku)>>,
    /// The location that stands here: where rights are minted, or the hub's.
    home: Option<LocationId>,
}

/// Sums of each kind.
#[derive(Debug, Default)]
struct Sums {
    stock: stock::Pending,
    days: days::Pending,
    registers: registers::Pending,
}

/// Applies the parts of one entry, all or none; gives how many receipts they
/// added.
///
/// # Errors
/// The outer error when the tables could not be used: give the whole
/// transaction up; for [`TableError::Overflow`], which a batch that is not
/// careful gives, take it again with one that is. The inner one when this entry
/// cannot apply: nothing of it is in the tables or the batch, and the others are
/// not concerned.
pub fn apply(
    conn: &Connection,
    batch: &mut Batch,
    applying: &Applying<'_>,
    parts: &[AppliedPart],
) -> TableResult<Result<u64, Clash>> {
    let (replica, seq) = (applying.replica, applying.seq);
    let place = |n| Place { replica, seq, n };
    let mut fresh: Vec<(&AppliedPart, Vec<Effects>)> = Vec::with_capacity(parts.len());
    let mut claims = Claims::default();
    for part in parts {
        match claims.document(conn, part, place(part.n))? {
            Ok(Claimed::New) => fresh.push((part, part.events.iter().map(effects).collect())),
            Ok(Claimed::Held) => {}
            Err(clash) => return claims.give_back(conn, clash),
        }
    }
    for (part, effects) in &fresh {
        for facts in effects.iter().filter_map(|e| e.receipt.as_ref()) {
            if let Err(clash) = claims.receipt(conn, facts, place(part.n))? {
                return claims.give_back(conn, clash);
            }
        }
    }
    match batch
        .sums
        .add(conn, fresh.iter().flat_map(|(_, effects)| effects))
    {
        Ok(()) => {}
        // A batch that is not careful cannot tell whose fault it is.
        Err(TableError::Overflow { figure }) if batch.is_careful => {
            return claims.give_back(conn, Clash::Overflow(figure));
        }
        Err(error) => return Err(error),
    }
    let mut explained = Explained::new();
    for (part, _) in &fresh {
        for (event, key) in part.events.iter().zip(part.keys()) {
            counts::note(conn, &part.document, event)?;
            if seals::note(conn, replica, event)? {
                batch.rights.forget_seals();
            }
            if let Event::Order(order) = event {
                promises::note(conn, &part.document, key, &order.body, &mut explained)?;
                batch.orders.insert(part.document);
            }
        }
    }
    let effects = fresh.iter().flat_map(|(_, effects)| effects);
    batch.balance(conn, applying, &net(effects), &explained)?;
    batch.note_rights(conn, replica, seq, applying.cells)?;
    Ok(Ok(claims.receipts.len() as u64))
}

impl AppliedPart {
    /// The keys of its events, in order.
    fn keys(&self) -> impl Iterator<Item = EventKey> + use<> {
        let first = self.key;
        (first.n..).map(move |n| EventKey { n, ..first })
    }
}

/// By how much sellable and staged units of each pair rise or fall.
fn net<'a>(effects: impl Iterator<Item = &'a Effects>) -> BTreeMap<(&'a LocationId, &'a Sku), i64> {
    let mut net = BTreeMap::new();
    for delta in effects.flat_map(|effects| &effects.stock) {
        if matches!(delta.key.bucket, Bucket::Sellable | Bucket::Staged) {
            let sum: &mut i64 = net
                .entry((&delta.key.location, &delta.key.sku))
                .or_default();
            *sum = sum.saturating_add(delta.delta);
        }
    }
    net
}

/// Notes which replica an actor writes for, as its start entry says.
///
/// # Errors
/// The row could not be written.
pub fn start_actor(
    conn: &Connection,
    actor: &ActorId,
    replica: ReplicaId,
    since: Seq,
) -> TableResult<bool> {
    conn.prepare_cached("INSERT OR IGNORE INTO actor VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| insert.execute(params![actor.0, int(replica.0), int(since)]))
        .doing("note an actor")
        .map(|rows| rows == 1)
}

impl Batch {
    /// A batch that reads every sum before it adds to it, and so knows which
    /// entry would make one leave its range. Slower; for a batch that could
    /// not be flushed because one might.
    #[must_use]
    pub fn careful() -> Self {
        let mut batch = Self {
            is_careful: true,
            ..Self::default()
        };
        batch.sums.stock = stock::Pending::careful();
        batch
    }

    /// Burns rights for what left without ending a promise, and notes the pairs
    /// that have to be looked at: where rights are minted because the units
    /// changed or a promise ended, anywhere because more left than was covered, the
    /// hub says that units are not there, or a debt was left to the machine there.
    fn balance(
        &mut self,
        conn: &Connection,
        applying: &Applying<'_>,
        net: &BTreeMap<(&LocationId, &Sku), i64>,
        explained: &Explained,
    ) -> TableResult<()> {
        let tells = self.is_hub(conn)?;
        for (&(location, sku), &change) in net {
            let sold_online =
                applying.burns_at != Some(location) || self.rights.anything_at(conn, location)?;
            if tells && sold_online {
                self.changed.insert(sku.clone());
            }
            let ends = explained.get(&(location.clone(), sku.clone()));
            let ended = ends.map_or(0, |ends| ends.recorded);
            let outflow = (-change).saturating_sub(ended);
            let uncovered = if outflow > 0 && applying.burns_at == Some(location) {
                let by = (applying.replica, applying.seq);
                self.rights.burn(conn, by, (location, sku), outflow)?
            } else {
                0
            };
            // The hub counts where nobody else does, and holds rights there.
            let posted = outflow > 0 && tells && applying.burns_at != Some(location);
            let looked_at = uncovered > 0 || posted || self.is_left(conn, (location, sku))?;
            if looked_at || (change > 0 && self.is_home(conn, location)?) {
                duties::note_pair(conn, location, sku)?;
            }
        }
        for ((location, sku), ends) in explained {
            if tells {
                self.changed.insert(sku.clone());
            }
            if ends.beyond > 0 || self.is_home(conn, location)? {
                duties::note_pair(conn, location, sku)?;
            }
        }
        Ok(())
    }

    /// Notes what an entry says of its writer's rights.
    pub(crate) fn note_rights(
        &mut self,
        conn: &Connection,
        replica: ReplicaId,
        seq: Seq,
        cells: &PairCells,
    ) -> TableResult<()> {
        let tells = self.is_hub(conn)?;
        for (location, sku) in cells.keys() {
            if tells {
                self.changed.insert(sku.clone());
            }
            if self.is_home(conn, location)? || self.is_left(conn, (location, sku))? {
                duties::note_pair(conn, location, sku)?;
            }
        }
        self.rights.note(conn, (replica, seq), cells)
    }

    /// Whether a pair's debt was left to the machine of its location.
    fn is_left(
        &mut self,
        conn: &Connection,
        (location, sku): (&LocationId, &Sku),
    ) -> TableResult<bool> {
        if !self.is_hub(conn)? {
            return Ok(false);
        }
        let debts = match self.debts.take() {
            Some(debts) => debts,
            None => duties::debts_left(conn)?,
        };
        let is_left = !debts.is_empty() && debts.contains(&(location.clone(), sku.clone()));
        self.debts = Some(debts);
        Ok(is_left)
    }

    fn is_home(&mut self, conn: &Connection, location: &LocationId) -> TableResult<bool> {
        self.know_home(conn)?;
        Ok(self.home.as_ref() == Some(location))
    }

    /// Whether this is the hub, which tells others what changed.
    fn is_hub(&mut self, conn: &Connection) -> TableResult<bool> {
        self.know_home(conn)?;
        Ok(self
            .home
            .as_ref()
            .is_some_and(|home| Recorder::Hub.admits(home)))
    }

    fn know_home(&mut self, conn: &Connection) -> TableResult<()> {
        if self.home.is_none() {
            self.home = journal::identity(conn)?.map(|own| own.location);
        }
        Ok(())
    }

    /// Notes that everything up to entry `seq` of a journal (`feed` empty), or
    /// item `seq` of a location's feed, is taken in: applied or in quarantine.
    pub fn taken_in(&mut self, replica: ReplicaId, feed: &str, seq: Seq) {
        let head = self.heads.entry((replica, feed.to_owned())).or_default();
        *head = seq.max(*head);
    }

    /// Writes the sums, and gives the orders that were added to, as they are now.
    ///
    /// # Errors
    /// The tables could not be written, a row is damaged, or a sum might leave
    /// its range ([`TableError::Overflow`]): give the transaction up, and take a
    /// [`Batch::careful`] to find the entry that does it.
    pub fn flush(&mut self, conn: &Connection) -> TableResult<BTreeMap<DocumentId, OrderState>> {
        self.sums.stock.flush(conn)?;
        self.sums.days.flush(conn)?;
        self.sums.registers.flush(conn)?;
        self.rights.flush(conn)?;
        self.debts = None;
        let tells = !self.orders.is_empty() && self.is_hub(conn)?;
        let mut refreshed = BTreeMap::new();
        for document in std::mem::take(&mut self.orders) {
            duties::note_order(conn, &document)?;
            if tells {
                changes::order(conn, &document)?;
            }
            if let Some((order, waited_for)) = orders::refresh(conn, &document)? {
                refreshed.insert(document, order);
                self.changed
                    .extend(waited_for.into_iter().filter(|_| tells));
            }
        }
        changes::availability(conn, &std::mem::take(&mut self.changed))?;
        for ((replica, feed), seq) in std::mem::take(&mut self.heads) {
            conn.prepare_cached(
                "INSERT INTO projection_head VALUES (?1, ?2, ?3)
                 ON CONFLICT (replica, feed) DO UPDATE SET seq = max(seq, ?3)",
            )
            .and_then(|mut upsert| upsert.execute(params![int(replica.0), feed, int(seq)]))
            .doing("note what the projections have taken in")?;
        }
        Ok(refreshed)
    }
}

impl Sums {
    /// Adds the effects of one entry, all or none.
    fn add<'a>(
        &mut self,
        conn: &Connection,
        effects: impl Iterator<Item = &'a Effects>,
    ) -> TableResult<()> {
        let mut days = days::Pending::default();
        let mut registers = registers::Pending::default();
        let mut add = |effects: &Effects| -> TableResult<()> {
            self.stock.add(conn, &effects.stock)?;
            if let Some(day) = &effects.day {
                days.add(conn, &self.days, day)?;
            }
            if let Some(facts) = &effects.receipt {
                registers.add(conn, &self.registers, facts)?;
            }
            Ok(())
        };
        for effects in effects {
            if let Err(error) = add(effects) {
                self.stock.undo();
                return Err(error);
            }
        }
        self.stock.keep();
        self.days.absorb(days);
        self.registers.absorb(registers);
        Ok(())
    }
}

/// What became of a claim on a document.
enum Claimed {
    /// The change is new.
    New,
    /// The very same change is held already, by way of another entry or feed:
    /// there is nothing to add.
    Held,
}

/// What an entry has claimed so far, to be given back if it cannot apply.
#[derive(Default)]
struct Claims<'a> {
    opened: Vec<&'a DocumentId>,
    extended: Vec<(&'a DocumentId, &'a [u8; 32])>,
    receipts: Vec<&'a ReceiptFacts>,
}

impl<'a> Claims<'a> {
    fn document(
        &mut self,
        conn: &Connection,
        part: &'a AppliedPart,
        place: Place,
    ) -> TableResult<Result<Claimed, Clash>> {
        let document = &part.document;
        if !part.info.deps.is_empty() {
            if !documents::extend(conn, document, &part.info, place)? {
                return Ok(Ok(Claimed::Held));
            }
            self.extended.push((document, &part.info.hash));
        } else if documents::open(conn, document, place)? {
            self.opened.push(document);
        } else if documents::is_opened_by(conn, document, &part.info)? {
            return Ok(Ok(Claimed::Held));
        } else {
            return Ok(Err(Clash::Document(*document)));
        }
        Ok(Ok(Claimed::New))
    }

    fn receipt(
        &mut self,
        conn: &Connection,
        facts: &'a ReceiptFacts,
        place: Place,
    ) -> TableResult<Result<(), Clash>> {
        if !receipts::claim(conn, facts, place)? {
            return Ok(Err(Clash::ReceiptNumber(facts.number.clone())));
        }
        self.receipts.push(facts);
        Ok(Ok(()))
    }

    /// Takes everything back and gives the clash on.
    fn give_back<T>(self, conn: &Connection, clash: Clash) -> TableResult<Result<T, Clash>> {
        for facts in self.receipts {
            receipts::unclaim(conn, facts)?;
        }
        for (document, hash) in self.extended {
            documents::shorten(conn, document, hash)?;
        }
        for document in self.opened {
            documents::close(conn, document)?;
        }
        Ok(Err(clash))
    }
}
