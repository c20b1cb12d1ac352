//! Taking in what is stored, one entry or feed item at a time: judge it, then
//! apply it or park it, then let follow what had waited for it.
//!
//! Invariant: an entry or item is applied whole or not at all, and one that is
//! not applied has a case in quarantine.

use evertill_domain::rights::PairCells;
use evertill_domain::{DocumentId, Hlc, LocationId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_journal::{Control, Entry, Start};
use rusqlite::Connection;

use super::WILD_CLOCK_MS;
use super::actors;
use super::judge::{self, Carried, Judged, Parked};
use crate::apply::{self, Applying, Batch};
use crate::duties;
use crate::feed::{self, GrantRequest, Item};
use crate::grants;
use crate::journal;
use crate::projection::{minters, rights, seals};
use crate::quarantine::{self, CaseKind, NewCase};
use crate::sql::{Doing, TableResult};

/// One run of taking things in.
pub(crate) struct Intake<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) now: Timestamp,
    pub(crate) batch: Batch,
    clock: Option<Hlc>,
    /// Whether anything in quarantine may wait for a document.
    waiting: Option<bool>,
    /// How many cases may still be looked at again.
    follows_left: usize,
}

/// A stored entry or feed item, ready to be judged.
pub(crate) struct Arrived<'a> {
    pub(crate) kind: CaseKind,
    /// The journal it stands in, or the hub's life whose feed it is in.
    pub(crate) replica: ReplicaId,
    /// Its number there.
    pub(crate) seq: Seq,
    /// The location that its case is listed under.
    pub(crate) listed: &'a LocationId,
    pub(crate) arrival: i64,
    /// Where its changes are found: journal and entry.
    pub(crate) place: (ReplicaId, Seq),
    /// A start, and who may write it.
    pub(crate) start: Option<(&'a Start, NodeId)>,
    pub(crate) carried: Carried<'a>,
    /// What it says of its writer's rights.
    pub(crate) rights: Judged<PairCells>,
    /// The location whose outflows burn its writer's rights.
    pub(crate) burns_at: Option<&'a LocationId>,
    /// The replica that mints at the location from here on.
    pub(crate) minter: Option<ReplicaId>,
    /// Rights that the hub asks for.
    pub(crate) requests: &'a [GrantRequest],
    /// Whether the hub gives it back, whole, from an earlier machine's journal.
    pub(crate) returned: bool,
}

/// What came of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is applied, with so many receipts.
    Applied(u64),
    /// It is in quarantine.
    Parked,
}

impl<'a> Intake<'a> {
    pub(crate) fn new(conn: &'a Connection, now: Timestamp) -> Self {
        Self {
            conn,
            now,
            batch: Batch::default(),
            clock: None,
            waiting: None,
            follows_left: FOLLOW_LIMIT,
        }
    }

    /// One that lets everything follow that waits: for what the hub sends, of
    /// which nobody parks more to delay others. A machine that takes a place over
    /// reads its whole history in a few pages, and most of it waits for the rest.
    pub(crate) fn of_hub(self) -> Self {
        Self {
            follows_left: usize::MAX,
            ..self
        }
    }

    /// One that finds the very entry that would make a sum leave its range.
    pub(crate) fn careful(conn: &'a Connection, now: Timestamp) -> Self {
        Self {
            batch: Batch::careful(),
            ..Self::new(conn, now)
        }
    }

    /// Takes one in; what had waited for it is to follow with [`Self::follow`].
    pub(crate) fn take(&mut self, arrived: &Arrived<'_>) -> TableResult<Taken> {
        match self.try_apply(arrived)? {
            Ok(receipts) => Ok(Taken::Applied(receipts)),
            Err(parked) => {
                if let Ok(cells) = &arrived.rights {
                    let (replica, seq) = arrived.place;
                    let debits = rights::debits(cells);
                    self.batch.note_rights(self.conn, replica, seq, &debits)?;
                }
                self.park(arrived, &parked)?;
                Ok(Taken::Parked)
            }
        }
    }

    /// Applies one if it passes, and says how many receipts it added; otherwise
    /// says why not and leaves no trace.
    pub(crate) fn try_apply(&mut self, arrived: &Arrived<'_>) -> TableResult<Judged<u64>> {
        if let Some(parked) = self.is_not_its_own(arrived)? {
            return Ok(Err(parked));
        }
        let cells = match &arrived.rights {
            Ok(cells) => cells,
            Err(parked) => return Ok(Err(parked.clone())),
        };
        let parts = match judge::judge(self.conn, &arrived.carried)? {
            Ok(parts) => parts,
            Err(parked) => return Ok(Err(parked)),
        };
        let (replica, seq) = arrived.place;
        let applying = Applying {
            replica,
            seq,
            burns_at: arrived.burns_at,
            cells,
        };
        let receipts = match apply::apply(self.conn, &mut self.batch, &applying, &parts)? {
            Ok(receipts) => receipts,
            Err(clash) => return Ok(Err(clash.into())),
        };
        if let Some((start, _)) = arrived.start {
            apply::start_actor(self.conn, &start.actor, arrived.replica, arrived.seq)?;
        }
        if let Some(minter) = arrived.minter {
            let location = arrived.carried.about;
            minters::name(self.conn, location.as_str(), minter)?;
            duties::note_location(self.conn, location)?;
            duties::note_orders_of(self.conn, location)?;
        }
        grants::note(self.conn, arrived.carried.about, arrived.requests, self.now)?;
        Ok(Ok(receipts))
    }

    /// Lets what waited for these documents follow, and what waits for that in
    /// turn; gives how many applied. What one run has no room for
    /// ([`FOLLOW_LIMIT`]) stays for the document's next change, or for a
    /// person's retry.
    pub(crate) fn follow(
        &mut self,
        documents: impl Iterator<Item = DocumentId>,
    ) -> TableResult<usize> {
        let waiting = match self.waiting {
            Some(waiting) => waiting,
            None => quarantine::anything_waits(self.conn)?,
        };
        self.waiting = Some(waiting);
        if !waiting || self.follows_left == 0 {
            return Ok(0);
        }
        let limit = self.follows_left;
        let (released, looked_at) =
            quarantine::release_waiting(self, documents.collect(), limit, "arrival")?;
        self.follows_left = limit.saturating_sub(looked_at);
        Ok(released.len())
    }

    /// Merges an author's clock; true when it is too far ahead for that.
    pub(crate) fn hear_clock(&mut self, hlc: Hlc) -> bool {
        let (_, wild) = Hlc::default().merge(hlc, self.now, WILD_CLOCK_MS);
        if !wild {
            self.clock = self.clock.max(Some(hlc));
        }
        wild
    }

    /// Writes the collected sums and the clock.
    pub(crate) fn flush(&mut self) -> TableResult<()> {
        self.batch.flush(self.conn)?;
        if let Some(clock) = self.clock.take() {
            self.conn
                .prepare_cached("UPDATE local SET hlc = max(hlc, ?1)")
                .and_then(|mut update| update.execute([clock.0.cast_signed()]))
                .doing("merge the clock of another machine")?;
        }
        Ok(())
    }

    /// Whether an actor is claimed that belongs to another journal, or a start
    /// names another machine than the one that sends it.
    fn is_not_its_own(&self, arrived: &Arrived<'_>) -> TableResult<Option<Parked>> {
        let location = arrived.carried.location;
        if let Some((start, node)) = arrived.start
            && (start.node != node || start.location != *location)
        {
            return Ok(Some(Parked::new(
                "start",
                format!(
                    "the start names node {} of {}, its certificate node {node} of {location}",
                    start.node, start.location
                ),
            )));
        }
        if arrived.kind == CaseKind::FeedItem
            && let Some(parked) = self.contradicts_its_entry(arrived)?
        {
            return Ok(Some(parked));
        }
        // The actor of other entries comes from the starts themselves.
        let (Some(actor), true) = (
            arrived.carried.actor,
            arrived.start.is_some() || arrived.kind == CaseKind::FeedItem,
        ) else {
            return Ok(None);
        };
        let owner = actors::owner_of(self.conn, &actor)?;
        let relayed = arrived.start.is_none() && owner == Some(arrived.carried.origin);
        Ok(owner.filter(|_| !relayed).map(|owner| {
            Parked::new(
                "start",
                format!("actor {actor} already writes for replica {owner}"),
            )
        }))
    }

    /// Whether a feed item says something else of its entry than the journal
    /// held here, or than another item of the same entry: documents are found
    /// by entry and part, so there can be one of each.
    fn contradicts_its_entry(&self, arrived: &Arrived<'_>) -> TableResult<Option<Parked>> {
        let (replica, seq) = arrived.place;
        // Of a journal that was set back the hub gives the lost end back, once
        // it is sealed and nobody writes it any more.
        let given_back = arrived.returned && seals::of(self.conn, replica)?.is_some();
        let own = !given_back && journal::state(self.conn, replica)?.is_some();
        let held = match journal::entry(self.conn, replica, seq)? {
            Some(sealed) => sealed.entry.parts,
            None if own => Vec::new(),
            None => {
                let carried = feed::carried(self.conn, replica, seq)?;
                carried.map(|(.., parts)| parts).unwrap_or_default()
            }
        };
        let contradicted = arrived.carried.parts.iter().any(|(part, _)| {
            let mut same = held
                .iter()
                .filter(|held| held.n == part.n || held.document == part.document)
                .peekable();
            same.peek().is_none() || same.any(|held| held != *part)
        });
        Ok(contradicted.then(|| {
            Parked::new(
                "origin",
                format!("what is held of entry {seq} of replica {replica} says something else"),
            )
        }))
    }

    pub(crate) fn park(&mut self, arrived: &Arrived<'_>, parked: &Parked) -> TableResult<()> {
        if parked.waits_for.is_some() {
            self.waiting = Some(true);
        }
        quarantine::open(
            self.conn,
            &NewCase {
                kind: arrived.kind,
                replica: arrived.replica,
                location: arrived.listed,
                seq: arrived.seq,
                arrival: arrived.arrival,
                rule: parked.rule,
                reason: &parked.reason,
                waits_for: parked.waits_for,
                bytes: &[],
                now: self.now,
            },
        )
    }
}

/// Most cases that are looked at again in one run, for all its entries: whoever
/// parks thousands on one document delays nobody by growing it.
const FOLLOW_LIMIT: usize = 256;

impl<'a> Arrived<'a> {
    /// An entry of a machine's journal. `actor` is who its journal says writes
    /// at this place; a start writes under the actor that it names.
    pub(crate) fn entry(
        entry: &'a Entry,
        (node, location): (NodeId, &'a LocationId),
        actor: Option<evertill_domain::ActorId>,
        arrival: i64,
    ) -> Self {
        let start = match &entry.control {
            Some(Control::Start(start)) => Some((start, node)),
            _ => None,
        };
        let (origin, written_as) = entry.reissue.unwrap_or((entry.replica, entry.seq));
        let ends = entry.parts.iter().skip(1).map(|next| next.n);
        Self {
            kind: CaseKind::Entry,
            replica: entry.replica,
            seq: entry.seq,
            listed: location,
            arrival,
            place: (entry.replica, entry.seq),
            start,
            carried: Carried {
                origin,
                location,
                about: location,
                actor: start.map(|(start, _)| start.actor).or(actor),
                written_as,
                parts: entry.parts.iter().zip(ends.chain([u32::MAX])).collect(),
            },
            rights: rights::said(entry, Some(location))
                .map_err(|reason| Parked::new("rights", reason)),
            burns_at: Some(location).filter(|_| entry.reissue.is_none()),
            minter: None,
            requests: &[],
            returned: false,
        }
    }

    /// An item of a hub's feed for the location that this node stands in. The
    /// hub may relay anyone's parts, but only what concerns this location.
    pub(crate) fn item(
        item: &'a Item,
        (hub, seq): (ReplicaId, Seq),
        location: &'a LocationId,
        arrival: i64,
    ) -> Self {
        let parts = item.parts.iter();
        Self {
            kind: CaseKind::FeedItem,
            replica: hub,
            seq,
            listed: location,
            arrival,
            place: (item.origin, item.seq),
            start: None,
            carried: Carried {
                origin: item.reissue.map_or(item.origin, |(replica, _)| replica),
                location: &item.location,
                about: location,
                actor: Some(item.actor),
                written_as: item.written_as(),
                parts: parts.map(|part| (&part.part, part.n_end)).collect(),
            },
            rights: item
                .rights_at(location, hub)
                .map_err(|reason| Parked::new("rights", reason)),
            burns_at: Some(location).filter(|_| item.burns()),
            minter: item.minter,
            requests: &item.requests,
            returned: item.returned,
        }
    }

    /// The documents that it adds to.
    pub(crate) fn documents(&self) -> impl Iterator<Item = DocumentId> + use<'_> {
        self.carried.parts.iter().map(|(part, _)| part.document)
    }
}

/// Runs `work` in a savepoint of the open transaction, undone when it fails.
pub(crate) fn savepoint<T>(
    conn: &Connection,
    work: impl FnOnce() -> TableResult<T>,
) -> TableResult<T> {
    let execute = |sql| {
        conn.prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .doing("mark a place in the transaction")
    };
    execute("SAVEPOINT intake")?;
    match work() {
        Ok(done) => {
            execute("RELEASE intake")?;
            Ok(done)
        }
        Err(error) => {
            // After a full disk SQLite may have ended the transaction itself.
            if !conn.is_autocommit() {
                execute("ROLLBACK TO intake")?;
                execute("RELEASE intake")?;
            }
            Err(error)
        }
    }
}
