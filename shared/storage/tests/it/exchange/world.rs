//! Stores with journals of their own, a hub that takes them in, and a forger
//! who writes entries by hand.

use std::collections::BTreeMap;

use evertill_documents::{PART_CODEC, create};
use evertill_domain::{ActorId, Event, Hlc, LocationId, NodeId, ReplicaId, event};
use evertill_journal::{Compression, Control, Entry, Frame, Part, Sealed, Start, Watermark, pack};
use evertill_storage::ingest::{self, IngestError, Ingested, Peer, Refusal};
use evertill_storage::journal::{self, Appended, Author};
use evertill_storage::quarantine::{self, Case, CaseState};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{rebuild, verify};

use crate::ledger::world::{database, now, sale, sell, store};

/// A store and its database.
pub(crate) struct Site {
    pub(crate) conn: Connection,
    pub(crate) author: Author,
    number: u64,
}

impl Site {
    pub(crate) fn new(location: &str, id: u8) -> Self {
        let conn = database();
        let author = store(&conn, location, id);
        Self {
            conn,
            author,
            number: 0,
        }
    }

    pub(crate) fn sell(&mut self, lines: &[(&str, i64)]) -> Appended {
        self.number += 1;
        sell(&self.conn, &self.author, self.number, lines).0
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer {
            node: self.author.node,
            location: self.author.location.clone(),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Sealed> {
        journal::entries_after(&self.conn, self.author.replica, 0, 100_000, 1 << 40).unwrap()
    }

    /// The whole journal in frames of so many entries.
    pub(crate) fn frames(&self, entries: usize) -> Vec<Frame> {
        frames(self.author.replica, &self.entries(), entries)
    }
}

/// Packs entries from the beginning of their journal.
pub(crate) fn frames(replica: ReplicaId, entries: &[Sealed], size: usize) -> Vec<Frame> {
    let mut after = Watermark::nothing(replica);
    let mut actor = None;
    let mut frames = Vec::new();
    for chunk in entries.chunks(size) {
        frames.push(pack(&after, actor, chunk, Compression::Live, PART_CODEC).unwrap());
        for sealed in chunk {
            actor = sealed.entry.started_actor().or(actor);
            after = sealed.watermark();
        }
    }
    frames
}

/// A hub's database.
pub(crate) struct Hub {
    pub(crate) conn: Connection,
    pub(crate) author: Author,
}

impl Hub {
    pub(crate) fn new() -> Self {
        let conn = database();
        let author = store(&conn, "HUB", 200);
        Self { conn, author }
    }

    pub(crate) fn take(&self, peer: &Peer, frame: &Frame) -> Result<Ingested, IngestError> {
        ingest::ingest(&self.conn, peer, frame, now()).unwrap()
    }

    /// Takes everything of a store, and expects it to be taken.
    pub(crate) fn take_all(&self, site: &Site) {
        for frame in site.frames(50) {
            self.take(&site.peer(), &frame).unwrap();
        }
    }

    pub(crate) fn refused(&self, peer: &Peer, frame: &Frame) -> Refusal {
        match self.take(peer, frame) {
            Err(IngestError::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        quarantine::page(&self.conn, Some(CaseState::Open), None, 10_000).unwrap()
    }

    /// The one open case, as rule and reason.
    pub(crate) fn case(&self) -> Case {
        let mut cases = self.cases();
        assert_eq!(cases.len(), 1, "{cases:?}");
        cases.remove(0)
    }

    pub(crate) fn head(&self, replica: ReplicaId) -> u64 {
        journal::head(&self.conn, replica).unwrap().seq
    }

    pub(crate) fn receipts(&self) -> i64 {
        count(&self.conn, "receipt")
    }
}

pub(crate) fn count(conn: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    conn.query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// A hash of each projection, after making sure that the database verifies and
/// that a rebuild gives the same tables.
pub(crate) fn fingerprint(conn: &Connection) -> BTreeMap<&'static str, [u8; 32]> {
    verify::verify(conn).unwrap();
    let found = rebuild::fingerprint(conn).unwrap();
    conn.execute_batch("SAVEPOINT rebuilt").unwrap();
    rebuild::rebuild(conn).unwrap();
    assert_eq!(rebuild::fingerprint(conn).unwrap(), found, "rebuilt");
    conn.execute_batch("ROLLBACK TO rebuilt; RELEASE rebuilt")
        .unwrap();
    found
}

/// A machine that writes what it likes: well-chained entries of any content.
pub(crate) struct Forger {
    pub(crate) replica: ReplicaId,
    pub(crate) actor: ActorId,
    pub(crate) peer: Peer,
    pub(crate) entries: Vec<Sealed>,
    pub(crate) hlc: Hlc,
}

impl Forger {
    /// A machine at a location, with an honest start.
    pub(crate) fn new(location: &str, id: u8) -> Self {
        let mut forger = Self::silent(location, id);
        let start = forger.start();
        forger.push(Some(Control::Start(start)), Vec::new());
        forger
    }

    /// One that has not even written a start.
    pub(crate) fn silent(location: &str, id: u8) -> Self {
        Self {
            replica: ReplicaId((u64::from(id) << 56) | 0xE),
            actor: ActorId([id; 16]),
            peer: Peer {
                node: NodeId(u64::from(id)),
                location: location.parse().unwrap(),
            },
            entries: Vec::new(),
            hlc: Hlc::at(now()),
        }
    }

    pub(crate) fn start(&self) -> Start {
        Start {
            actor: self.actor,
            node: self.peer.node,
            location: self.peer.location.clone(),
            predecessor: None,
            registers: Vec::new(),
        }
    }

    /// The number of the next entry.
    pub(crate) fn next(&self) -> u64 {
        self.entries.len() as u64 + 1
    }

    pub(crate) fn head(&self) -> Watermark {
        let last = self.entries.last().map(Sealed::watermark);
        last.unwrap_or(Watermark::nothing(self.replica))
    }

    pub(crate) fn push(&mut self, control: Option<Control>, parts: Vec<Part>) -> &Sealed {
        self.hlc = self.hlc.tick(now());
        let mut entry = Entry::after(self.replica, &self.head(), self.hlc);
        entry.control = control;
        entry.parts = parts;
        self.seal(entry)
    }

    pub(crate) fn seal(&mut self, entry: Entry) -> &Sealed {
        self.entries.push(Sealed::seal(entry).unwrap());
        self.entries.last().unwrap()
    }

    /// An entry that opens a document with these events.
    pub(crate) fn open(&mut self, events: &[Event]) -> Part {
        let bytes: Vec<_> = events.iter().map(event::encode).collect();
        self.open_bytes(&bytes)
    }

    pub(crate) fn open_bytes(&mut self, events: &[Vec<u8>]) -> Part {
        let part = create(&self.actor, self.next(), 0, events);
        self.push(None, vec![part.clone()]);
        part
    }

    /// A receipt of this machine's location and code.
    pub(crate) fn receipt(&self, number: u64, lines: &[(&str, i64)]) -> Event {
        self.receipt_of(&self.peer.location, self.replica, number, lines)
    }

    pub(crate) fn receipt_of(
        &self,
        location: &LocationId,
        replica: ReplicaId,
        number: u64,
        lines: &[(&str, i64)],
    ) -> Event {
        let author = Author {
            replica,
            actor: self.actor,
            node: self.peer.node,
            location: location.clone(),
        };
        Event::Receipt(Box::new(sale(&author, "R1", number, lines)))
    }

    pub(crate) fn sell(&mut self, number: u64, lines: &[(&str, i64)]) -> Part {
        let receipt = self.receipt(number, lines);
        self.open(&[receipt])
    }

    pub(crate) fn frame(&self) -> Frame {
        let mut frames = frames(self.replica, &self.entries, 500);
        assert_eq!(frames.len(), 1);
        frames.remove(0)
    }

    /// The entries after `after`, in one frame.
    pub(crate) fn frame_after(&self, after: usize) -> Frame {
        let actor = self.entries[..after]
            .iter()
            .rev()
            .find_map(|sealed| sealed.entry.started_actor());
        let before = after
            .checked_sub(1)
            .map(|last| self.entries[last].watermark());
        let before = before.unwrap_or(Watermark::nothing(self.replica));
        pack(
            &before,
            actor,
            &self.entries[after..],
            Compression::Live,
            PART_CODEC,
        )
        .unwrap()
    }
}

/// A small generator; the seed makes a run repeatable.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
