//! The network between the stores and the hub.
//!
//! A connection carries four channels each way. Within a channel order holds,
//! as in a QUIC stream; between channels anything goes. A connection can break
//! anywhere: each channel loses its own tail, and each side learns of it at its
//! own time, or never. A partition holds messages back until the line is mended;
//! by then the sessions may have given each other up.
//!
//! Invariant: a message arrives at most once, unchanged, and never before one
//! that was sent earlier on the same channel of the same connection.

use std::collections::BTreeMap;

use evertill_sync::Channel;

use crate::queue::{Millis, SECOND};
use crate::rng::Rng;

/// A connection's number; never used twice.
pub type ConnectionId = u64;

/// Which way a message travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// From a store to the hub.
    Up,
    /// From the hub to a store.
    Down,
}

/// The lines of all stores and the connections over them.
#[derive(Debug)]
pub struct Net {
    rng: Rng,
    lines: Vec<Line>,
    connections: BTreeMap<ConnectionId, Connection>,
    opened: u64,
}

/// One store's line to the hub.
#[derive(Clone, Debug, Default)]
struct Line {
    down_until: Millis,
    latency: Millis,
}

#[derive(Debug)]
struct Connection {
    store: usize,
    /// When the last message of each channel arrives.
    last: BTreeMap<(Way, Channel), Millis>,
    /// After the break: until when each channel still delivers.
    broken: Option<BTreeMap<(Way, Channel), Millis>>,
}

impl Net {
    /// Lines for so many stores.
    #[must_use]
    pub fn new(stores: usize, mut rng: Rng) -> Self {
        let lines = (0..stores)
            .map(|_| Line {
                down_until: 0,
                latency: rng.between(1, 60),
            })
            .collect();
        Self {
            rng,
            lines,
            connections: BTreeMap::new(),
            opened: 0,
        }
    }

    /// Whether the line of a store works at this time.
    #[must_use]
    pub fn is_up(&self, store: usize, now: Millis) -> bool {
        now >= self.lines[store].down_until
    }

    /// Cuts the line of a store until some time.
    pub fn partition(&mut self, store: usize, until: Millis) {
        let line = &mut self.lines[store];
        line.down_until = line.down_until.max(until);
    }

    /// Mends all lines.
    pub fn mend(&mut self) {
        for line in &mut self.lines {
            line.down_until = 0;
        }
    }

    /// How long a round trip takes just now, for a handshake.
    pub fn round_trip(&mut self, store: usize) -> Millis {
        2 * self.delay(store)
    }

    /// Opens a connection for a store.
    pub fn open(&mut self, store: usize) -> ConnectionId {
        self.opened += 1;
        let connection = Connection {
            store,
            last: BTreeMap::new(),
            broken: None,
        };
        self.connections.insert(self.opened, connection);
        self.opened
    }

    /// Plans a message: when it arrives, if it ever does.
    pub fn send(
        &mut self,
        id: ConnectionId,
        way: Way,
        channel: Channel,
        now: Millis,
    ) -> Option<Millis> {
        let store = self
            .connections
            .get(&id)
            .filter(|c| c.broken.is_none())?
            .store;
        let delay = self.delay(store);
        let starts = now.max(self.lines[store].down_until);
        let connection = self.connections.get_mut(&id)?;
        let last = connection.last.entry((way, channel)).or_insert(0);
        *last = (*last).max(starts + delay);
        Some(*last)
    }

    /// Whether a message that was planned for now really arrives.
    #[must_use]
    pub fn arrives(&self, id: ConnectionId, way: Way, channel: Channel, now: Millis) -> bool {
        match self.connections.get(&id).map(|c| &c.broken) {
            None => false,
            Some(None) => true,
            Some(Some(until)) => until.get(&(way, channel)).is_some_and(|until| now < *until),
        }
    }

    /// Breaks a connection; every channel loses its own tail.
    pub fn break_off(&mut self, id: ConnectionId, now: Millis) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let mut until = BTreeMap::new();
        for way in [Way::Up, Way::Down] {
            for channel in Channel::ALL {
                until.insert((way, channel), now + self.rng.between(0, 2 * SECOND));
            }
        }
        connection.broken.get_or_insert(until);
    }

    /// Forgets a connection that neither side has any more.
    pub fn forget(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    fn delay(&mut self, store: usize) -> Millis {
        let latency = self.lines[store].latency;
        let jitter = match self.rng.below(200) {
            // A packet was lost and comes again, or a router thought about it.
            0 => self.rng.between(SECOND, 8 * SECOND),
            1..=9 => self.rng.between(50, 900),
            _ => self.rng.between(0, 5),
        };
        latency + jitter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_holds_within_a_channel_and_not_between_them() {
        let mut net = Net::new(1, Rng::new(3));
        let id = net.open(0);
        let mut arrivals = Vec::new();
        for (n, channel) in (0_i64..2_000).zip(Channel::ALL.into_iter().cycle()) {
            arrivals.push((channel, net.send(id, Way::Up, channel, n).unwrap()));
        }
        let ordered = |of: &dyn Fn(Channel) -> bool| {
            arrivals
                .iter()
                .filter(|(c, _)| of(*c))
                .map(|(_, at)| at)
                .is_sorted()
        };
        for channel in Channel::ALL {
            assert!(ordered(&|c| c == channel));
        }
        assert!(!ordered(&|_| true));
    }

    #[test]
    fn a_broken_connection_takes_nothing_more_and_loses_tails() {
        let mut net = Net::new(1, Rng::new(4));
        let id = net.open(0);
        net.break_off(id, 100);
        assert_eq!(net.send(id, Way::Up, Channel::Feed, 101), None);
        assert!(!net.arrives(id, Way::Up, Channel::Feed, 100 + 2 * SECOND));
    }

    #[test]
    fn a_partition_holds_messages_back() {
        let mut net = Net::new(2, Rng::new(5));
        let id = net.open(1);
        net.partition(1, 50_000);
        assert!(net.is_up(0, 10) && !net.is_up(1, 10));
        assert!(net.send(id, Way::Down, Channel::Control, 10).unwrap() > 50_000);
    }
}
