//! The hub: its process lives, its writer, and what its operator does.

use std::collections::BTreeMap;
use std::rc::Rc;

use evertill_documents::create;
use evertill_domain::count::CountLine;
use evertill_domain::event::{self, Event as Recorded};
use evertill_domain::{
    ActorId, CountRequest, Hlc, LocationId, NodeId, Quantity, ReplicaId, Seq, Unit,
};
use evertill_journal::{Control, Entry, Part, Sealed, Start, Watermark};
use evertill_storage::feed::{Item, ItemPart, item_hash};
use evertill_sync::{HubInput, HubSession, ReferenceVersion, Refusal, RefusalCode};

use crate::apply::applied;
use crate::command::Operation;
use crate::net::ConnectionId;
use crate::queue::{MINUTE, Millis, SECOND};
use crate::shop::{is_weighed, location_id, sku};
use crate::tables::{Database, FeedItem, Op, Requested};
use crate::world::{Event, World};

/// The hub's own replica.
pub(crate) const HUB: ReplicaId = ReplicaId(0xb0b);
/// The life of the hub's reference data.
pub(crate) const REFERENCE: u64 = 0xda7a;

#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) db: Database,
    pub(crate) up: bool,
    pub(crate) life: u64,
    pub(crate) links: BTreeMap<ConnectionId, (usize, HubSession)>,
    /// What waits for the log to be stable up to some transaction.
    pub(crate) waiting: Vec<(usize, HubWait)>,
    /// What each store's node said to hold of its feed; it may never hold less.
    pub(crate) feed_acked: BTreeMap<usize, Seq>,
    /// Since when the revocation of each store is durable.
    pub(crate) revoked: BTreeMap<usize, Millis>,
    /// Projections that a deliberate bug writes after the acknowledgement.
    pub(crate) late: Vec<Vec<Op>>,
}

/// Who is told once something is stable.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HubWait {
    /// The session, of a frame.
    Frame(ConnectionId),
    /// The operator, of a count.
    Count(Operation),
    /// The operator, of a revocation or its end.
    Revoked(usize, bool),
}

fn hub_location() -> LocationId {
    "HUB".parse().expect("invariant: a location")
}

impl World {
    pub(crate) fn start_hub(&mut self) {
        if self.hub.up {
            return;
        }
        let start = Start {
            actor: ActorId(self.rng.bytes()),
            node: NodeId(HUB.0),
            location: hub_location(),
            predecessor: None,
            registers: Vec::new(),
        };
        let sealed = self.seal_hub(Some(Control::Start(start)), Vec::new());
        if self.write_hub(vec![Op::Entry(Rc::new(sealed))]).is_none() {
            self.queue.after(MINUTE, Event::StartHub);
            return;
        }
        self.hub.up = true;
        self.hub.life += 1;
        self.sync_hub();
    }

    pub(crate) fn crash_hub(&mut self) {
        if !self.hub.up {
            return;
        }
        self.hub.up = false;
        self.hub.life += 1;
        let gone = std::mem::take(&mut self.hub.links);
        for id in gone.into_keys() {
            let delay = self.rng.between(0, 30 * SECOND);
            self.queue.after(delay, Event::NodeNotices(id));
        }
        self.hub.waiting.clear();
        self.hub.late.clear();
        self.hub.db.crash(&mut self.rng);
        // What survived counts, whether or not anybody heard of it.
        let now = self.queue.now();
        let revoked = &self.hub.db.tables.revoked;
        self.hub.revoked.retain(|store, _| revoked.contains(store));
        for store in revoked {
            self.hub.revoked.entry(*store).or_insert(now);
        }
        let restart = self.rng.between(1, 60) * MINUTE;
        self.queue.after(restart, Event::StartHub);
    }

    fn seal_hub(&mut self, control: Option<Control>, parts: Vec<Part>) -> Sealed {
        let now = self.hub_clock();
        let tables = &self.hub.db.tables;
        let last = tables.journals.get(&HUB).and_then(|journal| journal.last());
        let hlc = last.map_or(Hlc(0), |sealed| sealed.entry.hlc).tick(now);
        let entry = Entry {
            control,
            parts,
            ..Entry::after(HUB, &tables.head(HUB), hlc)
        };
        Sealed::seal(entry).expect("invariant: the simulator writes valid entries")
    }

    /// One transaction of the hub: where the log ends then, or nothing if the
    /// disk has no room, which may happen at any write.
    pub(crate) fn write_hub(&mut self, ops: Vec<Op>) -> Option<usize> {
        let full = !self.calm && self.rng.chance(1, 300);
        if full || self.hub.db.commit(ops).is_err() {
            self.say(format_args!("the hub finds its disk full"));
            return None;
        }
        Some(self.hub.db.disk.written())
    }

    /// Begins a sync; power likes to fail just then.
    pub(crate) fn sync_hub(&mut self) {
        if self.hub.db.begin_sync() {
            let latency = self.rng.between(1, 200);
            let life = self.hub.life;
            self.queue.after(latency, Event::HubSynced(life));
            if !self.calm && self.rng.chance(1, 60) {
                let delay = self.rng.between(0, latency + 50);
                self.queue.after(delay, Event::CrashHub);
            }
        }
    }

    pub(crate) fn hub_synced(&mut self, life: u64) {
        if self.hub.life != life || !self.hub.up {
            return;
        }
        self.hub.db.end_sync();
        let stable = self.hub.db.disk.stable();
        let waiting = std::mem::take(&mut self.hub.waiting);
        let (done, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(at, _)| *at <= stable);
        self.hub.waiting = later;
        for (_, wait) in done {
            self.tell_hub(wait);
        }
        for ops in std::mem::take(&mut self.hub.late) {
            if self.hub.db.commit(ops).is_err() {
                self.say(format_args!("late projections found no room"));
            }
        }
        self.spread();
        self.sync_hub();
    }

    /// Tells every session what is durable now.
    fn spread(&mut self) {
        let links: Vec<(ConnectionId, usize)> = self
            .hub
            .links
            .iter()
            .map(|(id, link)| (*id, link.0))
            .collect();
        let version = ReferenceVersion {
            hub: REFERENCE,
            version: self.hub.db.stable.version,
        };
        for (id, store) in links {
            let head = self.hub.db.stable.feed(HUB, &location_id(store));
            self.hub_input(id, HubInput::FeedReaches { head });
            self.hub_input(id, HubInput::ReferenceReaches { version });
            self.squeeze(id);
        }
    }

    fn tell_hub(&mut self, wait: HubWait) {
        match wait {
            HubWait::Frame(id) => self.hub_input(id, HubInput::FrameCommitted),
            HubWait::Count(operation) => {
                let answer = self.hub.db.tables.requested.get(&operation).copied();
                if let Some(count) = self.counts.get_mut(&operation) {
                    count.answered = answer;
                }
            }
            HubWait::Revoked(store, false) => drop(self.hub.revoked.remove(&store)),
            HubWait::Revoked(store, true) => {
                let now = self.queue.now();
                self.hub.revoked.entry(store).or_insert(now);
                let links = self.hub.links.iter().filter(|(_, link)| link.0 == store);
                let links: Vec<ConnectionId> = links.map(|(id, _)| *id).collect();
                for id in links {
                    self.hub_input(id, HubInput::Refuse(revoked()));
                }
            }
        }
    }

    /// The operator has something counted; comes again until it is answered.
    pub(crate) fn ask_for_count(&mut self, operation: Operation) {
        let count = self.counts[&operation];
        if count.answered.is_some() {
            return;
        }
        self.queue.after(MINUTE, Event::AskForCount(operation));
        if !self.hub.up {
            return;
        }
        let known = self.hub.db.tables.requested.contains_key(&operation);
        let written = if known {
            Some(self.hub.db.disk.written())
        } else {
            let ops = self.count_request(operation);
            self.write_hub(ops)
        };
        if let Some(written) = written {
            self.wait_hub(written, HubWait::Count(operation));
        }
    }

    fn wait_hub(&mut self, written: usize, wait: HubWait) {
        if self.hub.db.disk.stable() >= written {
            self.tell_hub(wait);
        } else {
            self.hub.waiting.push((written, wait));
        }
        self.sync_hub();
    }

    /// The entry, its document, its feed item and its answer: one transaction.
    fn count_request(&mut self, operation: Operation) -> Vec<Op> {
        let count = self.counts[&operation];
        let tables = &self.hub.db.tables;
        let location = location_id(count.store);
        let replica = self.nodes[count.store].replica;
        let seen = tables.head(replica).seq;
        let unit = if is_weighed(count.product) {
            Unit::Pound
        } else {
            Unit::Each
        };
        let request = CountRequest {
            location: location.clone(),
            requested_at: self.hub_clock(),
            by: None,
            reference: Some(operation.to_string()),
            lines: vec![CountLine {
                sku: sku(count.product),
                unit,
                counted: Quantity::from_thousandths(count.counted)
                    .expect("invariant: small quantities"),
                lot: None,
            }],
            seen: vec![(replica, seen)],
        };
        let recorded = Recorded::CountRequested(request);
        let actor = tables.actors[&HUB];
        let seq = tables.head(HUB).seq + 1;
        let part = create(&actor, seq, 0, &[event::encode(&recorded)]);
        let sealed = self.seal_hub(None, vec![part.clone()]);
        let hlc = sealed.entry.hlc;
        let item = Item {
            origin: HUB,
            seq,
            actor,
            hlc,
            location: hub_location(),
            reissue: None,
            parts: vec![ItemPart {
                part: part.clone(),
                n_end: u32::MAX,
            }],
            cells: Vec::new(),
            minter: None,
            requests: Vec::new(),
            returned: false,
        };
        let requested = Requested {
            document: part.document,
            seen,
        };
        vec![
            Op::Entry(Rc::new(sealed)),
            Op::Apply(applied((HUB, seq, 0), hlc, &part, &[recorded])),
            self.feed_item(&location, &item),
            Op::Requested(operation, requested),
        ]
    }

    fn feed_item(&self, location: &LocationId, item: &Item) -> Op {
        let bytes = item.encode();
        let last = self.hub.db.tables.feed_head(HUB, location);
        let seq = last.seq + 1;
        let at = Watermark {
            seq,
            hash: item_hash(&last.hash, location, seq, &bytes),
        };
        Op::Feed(location.clone(), Rc::new(FeedItem { bytes, at }))
    }

    /// The operator changes prices.
    pub(crate) fn new_prices(&mut self) {
        if self.calm {
            return;
        }
        let version = self.hub.db.tables.version + 1;
        if self.hub.up && self.write_hub(vec![Op::Version(version)]).is_some() {
            self.say(format_args!("prices of version {version}"));
            self.sync_hub();
        } else {
            self.queue.after(MINUTE, Event::NewPrices);
        }
    }

    /// The operator revokes a certificate or issues another, until it is done.
    pub(crate) fn revoke(&mut self, store: usize, revoked: bool) {
        if revoked && self.calm {
            return;
        }
        let done = self.hub.db.tables.revoked.contains(&store) == revoked;
        if !self.hub.up || (!done && self.write_hub(vec![Op::Revoked(store, revoked)]).is_none()) {
            self.queue.after(MINUTE, Event::Revoke(store, revoked));
            return;
        }
        self.say(format_args!("store {store} is revoked: {revoked}"));
        let written = self.hub.db.disk.written();
        self.wait_hub(written, HubWait::Revoked(store, revoked));
    }
}

/// What a revoked node hears.
pub(crate) fn revoked() -> Refusal {
    let detail = "The certificate of this node is revoked: enrol it again.";
    Refusal::new(RefusalCode::Revoked, detail)
}
