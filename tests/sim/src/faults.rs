//! What a run plans, and how faults strike.
//!
//! Besides the planned faults, any write may find the disk full and any sync
//! may be cut off by a crash: see `write_node` and `write_hub`.

use evertill_documents::create;

use crate::queue::{DAY, HOUR, MINUTE, Millis, SECOND};
use crate::shop::{PRODUCTS, location_id};
use crate::tables::Op;
use crate::world::{Count, Event, World};

/// Counts and price changes of a run are numbered from here, apart from clients'.
const FIRST_COUNT: u64 = 1 << 40;

impl World {
    /// Plans openings, commands and faults.
    pub(crate) fn plan(&mut self) {
        let end = self.config.days * DAY;
        self.queue.at(0, Event::StartHub);
        self.queue.at(SECOND, Event::NewPrices);
        for store in 0..self.config.stores {
            self.queue.at(0, Event::StartNode(store));
            self.plan_clients(store, end);
            for _ in 0..3 * self.config.days {
                let at = self.rng.between(0, end);
                let event = self.fault(store, at);
                self.queue.at(at, event);
            }
            let at = self.rng.between(HOUR, end);
            self.queue.at(at, Event::Hostile(store));
            if self.rng.chance(1, 4) {
                let at = self.rng.between(0, end);
                self.queue.at(at, Event::Revoke(store, true));
                let lasting = self.rng.between(MINUTE, DAY);
                self.queue.at(at + lasting, Event::Revoke(store, false));
            }
        }
        for _ in 0..self.config.days {
            let at = self.rng.between(0, end);
            self.queue.at(at, Event::CrashHub);
            let at = self.rng.between(0, end);
            self.queue.at(at, Event::NewPrices);
        }
        let at = self.rng.between(0, end);
        self.queue.at(at, Event::FillHub(true));
        self.queue.at(at + HOUR, Event::FillHub(false));
    }

    fn plan_clients(&mut self, store: usize, end: Millis) {
        for _ in 0..self.config.sales * self.config.days.unsigned_abs() {
            self.asked += 1;
            let at = self.rng.between(MINUTE, end);
            self.queue.at(at, Event::Ask(store, self.asked));
            if self.rng.chance(1, 15) {
                // Two tills press the same button at once.
                let delay = self.rng.between(0, 5);
                self.queue.at(at + delay, Event::Ask(store, self.asked));
            }
        }
        for _ in 0..3 * self.config.days {
            let operation = FIRST_COUNT + self.counts.len() as u64;
            let count = Count {
                store,
                product: self.rng.index(PRODUCTS),
                counted: 1_000 * self.rng.between(0, 60),
                answered: None,
            };
            self.counts.insert(operation, count);
            let at = self.rng.between(MINUTE, end);
            self.queue.at(at, Event::AskForCount(operation));
        }
    }

    fn fault(&mut self, store: usize, at: Millis) -> Event {
        match self.rng.below(6) {
            0 => Event::CrashNode(store),
            1 => {
                let lasting = *self.rng.pick(&[10 * SECOND, MINUTE, HOUR, DAY, 3 * DAY]);
                Event::Partition(store, at + lasting)
            }
            2 => {
                self.queue.at(at + HOUR, Event::FillNode(store, false));
                Event::FillNode(store, true)
            }
            3 => Event::Jump(store, self.rng.between(-30 * HOUR, 30 * HOUR)),
            _ => Event::Break(store),
        }
    }

    pub(crate) fn strike(&mut self, fault: &Event) {
        if self.calm {
            return;
        }
        self.say(format_args!("fault {fault:?}"));
        match *fault {
            Event::CrashNode(store) => self.crash_node(store),
            Event::CrashHub => self.crash_hub(),
            Event::Break(store) => self.cut(store),
            Event::Partition(store, until) => self.net.partition(store, until),
            Event::FillNode(store, full) => self.nodes[store].db.disk.full = full,
            Event::FillHub(full) => self.hub.db.disk.full = full,
            Event::Jump(store, by) => self.nodes[store].clock += by,
            Event::Hostile(store) => self.hostile_entry(store),
            _ => {}
        }
    }

    /// A connection breaks: each side learns of it at its own time, or never.
    fn cut(&mut self, store: usize) {
        let Some((id, _)) = &self.nodes[store].link else {
            return;
        };
        let id = *id;
        self.net.break_off(id, self.queue.now());
        let delay = self.rng.between(0, 5 * SECOND);
        self.queue.after(delay, Event::NodeNotices(id));
        if self.rng.chance(2, 3) {
            let delay = self.rng.between(0, 20 * SECOND);
            self.queue.after(delay, Event::HubNotices(id));
        }
    }

    /// An entry of a broken or hostile node, with a good part and a bad one:
    /// kept, and applied by nobody.
    fn hostile_entry(&mut self, store: usize) {
        if !self.nodes[store].up {
            return;
        }
        let node = &self.nodes[store];
        let (replica, seq) = (node.replica, node.db.tables.head(node.replica).seq + 1);
        let foreign = location_id(store + 1);
        let Some((good, mut wrong)) = self.hostile_events(store, seq, &foreign) else {
            return;
        };
        let how = self.rng.below(3);
        if how == 1 {
            // An event that contradicts itself.
            wrong.clone_from(&good);
            wrong.pop();
        }
        let actor = self.nodes[store].actor;
        let good = create(&actor, seq, 0, &[good]);
        let mut bad = create(&actor, seq, 1, &[wrong]);
        if how == 2 {
            let place = self.rng.index(bad.change.len());
            bad.change[place] ^= 1 + (self.rng.next().to_be_bytes()[0] & 0x7f);
        }
        let sealed = self.seal(store, None, vec![good, bad]);
        let ops = vec![Op::Entry(std::rc::Rc::new(sealed)), Op::Park(replica, seq)];
        if self.write_node(store, ops).is_some() {
            self.hostile.push((replica, seq));
            self.sync_node(store);
        }
    }
}
