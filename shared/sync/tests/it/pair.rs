//! A node and a hub in one process: two sessions, four ordered channels, and
//! shells whose database is a vector. Messages wait until a test delivers them.

use std::collections::{BTreeMap, VecDeque};

use evertill_domain::{Hlc, NodeId, ReplicaId, Timestamp};
use evertill_journal::{
    Chain, Compression, Entry, EntryHash, PartCodec, Sealed, Watermark, pack, unpack,
};
use evertill_sync::{
    Channel, CloseReason, FeedFrame, Greeting, HubEffect, HubInput, HubSession, Message,
    NodeEffect, NodeInput, NodeSession, NodeStart, PeerIdentity, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition, ReferenceVersion,
};

pub const NODE: ReplicaId = ReplicaId(0xA11CE);
pub const HUB: ReplicaId = ReplicaId(0xB0B);

/// The two ends and everything between them.
pub struct Pair {
    pub now: Timestamp,
    pub node: NodeSession,
    pub hub: HubSession,
    /// The node's durable journal.
    pub journal: Vec<Sealed>,
    /// What the hub holds of it.
    pub held: Vec<Sealed>,
    /// The hub's feed: items are bytes, hashes are theirs.
    pub feed: Vec<Vec<u8>>,
    /// Feed items that the node applied.
    pub applied: Vec<Vec<u8>>,
    /// The hub's reference version; a page per version.
    pub version: u64,
    pub staged: ReferencePosition,
    /// The location's private stream at the hub: change n is byte n - 1.
    pub private: Vec<u8>,
    /// What the node keeps of it, and how far that is.
    pub kept: (Vec<u8>, PrivatePosition),
    pub window: u64,
    /// While false the hub's writer keeps its frames in line.
    pub writing: bool,
    pub line: VecDeque<(Watermark, evertill_journal::Frame)>,
    to_hub: BTreeMap<Channel, VecDeque<Vec<u8>>>,
    to_node: BTreeMap<Channel, VecDeque<Vec<u8>>>,
    pub node_log: Vec<NodeEffect>,
    pub hub_log: Vec<HubEffect>,
    pub sent_frames: u64,
    pub sent_bytes: u64,
}

pub fn journal(entries: u64) -> Vec<Sealed> {
    journal_of(NODE, entries, 0)
}

/// A chain of empty entries; another `flavour` gives another chain.
pub fn journal_of(replica: ReplicaId, entries: u64, flavour: u64) -> Vec<Sealed> {
    let mut chain = Chain::new(replica);
    (1..=entries)
        .map(|seq| {
            let hlc = Hlc(seq * 1_000 + flavour);
            let sealed = Sealed::seal(Entry::after(replica, &chain.head, hlc)).unwrap();
            chain.next(&sealed).unwrap();
            sealed
        })
        .collect()
}

pub fn end(journal: &[Sealed]) -> Watermark {
    journal
        .last()
        .map_or(Watermark::nothing(NODE), Sealed::watermark)
}

pub fn feed_hash(item: &[u8]) -> EntryHash {
    EntryHash::of(item)
}

impl Pair {
    pub fn new(journal: Vec<Sealed>, held: Vec<Sealed>) -> Self {
        Self::with(journal, held, |_| {})
    }

    pub fn with(
        journal: Vec<Sealed>,
        held: Vec<Sealed>,
        change: impl FnOnce(&mut NodeStart),
    ) -> Self {
        let now = Timestamp::from_millis(1_000_000);
        let mut start = NodeStart {
            node: NodeId(7),
            location: "S001".parse().unwrap(),
            replica: NODE,
            head: end(&journal),
            acknowledged: Watermark::nothing(NODE),
            feed: None,
            reference: ReferencePosition::default(),
            private: Some(PrivatePosition::NOTHING),
            software: "test".to_owned(),
        };
        change(&mut start);
        let peer = PeerIdentity {
            node: NodeId(7),
            location: "S001".parse().unwrap(),
        };
        Self {
            now,
            staged: start.reference.clone(),
            private: Vec::new(),
            kept: (Vec::new(), start.private.unwrap_or_default()),
            node: NodeSession::new(start, now),
            hub: HubSession::new(peer, now),
            journal,
            held,
            feed: Vec::new(),
            applied: Vec::new(),
            version: 0,
            window: evertill_sync::limits::DEFAULT_WINDOW,
            writing: true,
            line: VecDeque::new(),
            to_hub: BTreeMap::new(),
            to_node: BTreeMap::new(),
            node_log: Vec::new(),
            hub_log: Vec::new(),
            sent_frames: 0,
            sent_bytes: 0,
        }
    }

    /// Opens the connection and delivers everything until nothing moves.
    pub fn connect(&mut self) {
        self.node_does(NodeInput::Opened { clock: self.now });
        self.settle();
    }

    /// Appends an entry to the node's journal, durably.
    pub fn sell(&mut self, entries: u64) {
        let total = self.journal.len() as u64 + entries;
        self.journal = journal(total);
        let head = end(&self.journal);
        self.node_does(NodeInput::Committed { head });
    }

    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the two sides never come to rest");
    }

    /// Delivers one message or writes one frame; false if there is nothing to do.
    fn step(&mut self) -> bool {
        for channel in Channel::ALL {
            if let Some(bytes) = self.to_hub.entry(channel).or_default().pop_front() {
                self.hub_does(HubInput::Received { channel, bytes });
                return true;
            }
            if let Some(bytes) = self.to_node.entry(channel).or_default().pop_front() {
                self.node_does(NodeInput::Received { channel, bytes });
                return true;
            }
        }
        self.writing && self.write_frame()
    }

    /// The hub's writer takes the oldest frame in line.
    pub fn write_frame(&mut self) -> bool {
        let Some((after, frame)) = self.line.pop_front() else {
            return false;
        };
        let input = match unpack(&frame, &after, PartCodec::VERBATIM) {
            Ok(entries) => {
                for sealed in entries {
                    if sealed.entry.seq > self.held.len() as u64 {
                        self.held.push(sealed);
                    }
                }
                HubInput::FrameCommitted
            }
            Err(error) => HubInput::FrameRefused {
                detail: error.to_string(),
            },
        };
        self.hub_does(input);
        true
    }

    pub fn node_does(&mut self, input: NodeInput) {
        let effects = self.node.handle(self.now, input);
        for effect in effects {
            self.node_log.push(effect.clone());
            if let Some(answer) = self.node_shell(effect) {
                self.node_does(answer);
            }
        }
    }

    fn node_shell(&mut self, effect: NodeEffect) -> Option<NodeInput> {
        match effect {
            NodeEffect::Send { channel, bytes } => {
                if channel == Channel::Journal {
                    self.sent_frames += 1;
                    self.sent_bytes += bytes.len() as u64;
                }
                self.to_hub.entry(channel).or_default().push_back(bytes);
                None
            }
            NodeEffect::LookUpOwn { seq } => {
                let own = seq
                    .checked_sub(1)
                    .and_then(|at| self.journal.get(at as usize));
                Some(NodeInput::OwnEntry {
                    seq,
                    hash: own.map(|sealed| sealed.hash),
                })
            }
            NodeEffect::ReadJournal {
                after,
                max_entries,
                max_bytes,
                ..
            } => {
                let mut bytes = 0;
                let page: Vec<Sealed> = self.journal[after.seq as usize..]
                    .iter()
                    .take(max_entries)
                    .take_while(|sealed| {
                        let first = bytes == 0;
                        bytes += sealed.bytes.len() as u64;
                        first || bytes <= max_bytes
                    })
                    .cloned()
                    .collect();
                let frame = (!page.is_empty()).then(|| {
                    pack(&after, None, &page, Compression::Live, PartCodec::VERBATIM).unwrap()
                });
                Some(NodeInput::JournalRead { frame })
            }
            NodeEffect::CommitFeed { frame, .. } => {
                let at = frame.end().unwrap();
                self.applied.extend(frame.items);
                Some(NodeInput::FeedCommitted { at })
            }
            NodeEffect::StageReference { page } => {
                self.staged = page.to.clone();
                Some(NodeInput::ReferenceStaged { position: page.to })
            }
            NodeEffect::KeepPrivate { page } => {
                if page.from == PrivatePosition::NOTHING {
                    self.kept.0.clear();
                }
                self.kept.0.extend(page.rows);
                self.kept.1 = page.to;
                Some(NodeInput::PrivateKept { position: page.to })
            }
            _ => None,
        }
    }

    pub fn hub_does(&mut self, input: HubInput) {
        let effects = self.hub.handle(self.now, input);
        for effect in effects {
            self.hub_log.push(effect.clone());
            if let Some(answer) = self.hub_shell(effect) {
                self.hub_does(answer);
            }
        }
    }

    fn hub_shell(&mut self, effect: HubEffect) -> Option<HubInput> {
        match effect {
            HubEffect::Send { channel, bytes } => {
                self.to_node.entry(channel).or_default().push_back(bytes);
                None
            }
            HubEffect::Greet(hello) => Some(HubInput::Greeting(Box::new(Ok(Greeting {
                hub: HUB,
                watermark: end(&self.held),
                feed_head: self.feed_head(),
                feed_at: hello
                    .feed
                    .and_then(|feed| feed.at.seq.checked_sub(1))
                    .and_then(|at| self.feed.get(at as usize))
                    .map(|item| feed_hash(item)),
                reference: ReferenceVersion {
                    hub: 9,
                    version: self.version,
                },
                private: self.private.len() as u64,
                window: self.window,
                clock: self.now,
                software: "test hub".to_owned(),
                pickup_key: None,
            })))),
            HubEffect::CommitFrame { after, frame, .. } => {
                self.line.push_back((after, frame));
                None
            }
            HubEffect::ReadFeed { after, .. } => {
                let items: Vec<_> = self
                    .feed
                    .iter()
                    .skip(after.seq as usize)
                    .take(3)
                    .cloned()
                    .collect();
                let frame = items.last().cloned().map(|last| FeedFrame {
                    hub: HUB,
                    first_seq: after.seq + 1,
                    items,
                    head: feed_hash(&last),
                });
                Some(HubInput::FeedRead { frame })
            }
            HubEffect::ReadReference { from, .. } => {
                let to = ReferencePosition {
                    hub: 9,
                    version: from.version + 1,
                    cursor: None,
                };
                let page = (from.version < self.version).then(|| ReferencePage {
                    from,
                    to,
                    rows: vec![1, 2, 3],
                });
                Some(HubInput::ReferenceRead { page })
            }
            HubEffect::ReadPrivate { from, .. } => Some(HubInput::PrivateRead {
                page: self.private_page(from),
            }),
            _ => None,
        }
    }

    /// At most two changes after a position; everything anew after one that is
    /// not this hub's.
    fn private_page(&self, from: PrivatePosition) -> Option<PrivatePage> {
        let known = from.hub == HUB.0 && from.version <= self.private.len() as u64;
        let from = if known {
            from
        } else {
            PrivatePosition::NOTHING
        };
        let left = &self.private[from.version as usize..];
        let rows: Vec<u8> = left.iter().take(2).copied().collect();
        let to = PrivatePosition {
            hub: HUB.0,
            version: from.version + rows.len() as u64,
        };
        (from != to).then_some(PrivatePage { from, to, rows })
    }

    pub fn feed_head(&self) -> Watermark {
        self.feed
            .last()
            .map_or(Watermark::nothing(HUB), |item| Watermark {
                seq: self.feed.len() as u64,
                hash: feed_hash(item),
            })
    }

    /// Lets time pass and wakes both sides.
    pub fn pass(&mut self, millis: i64) {
        self.now = Timestamp::from_millis(self.now.as_millis() + millis);
        self.node_does(NodeInput::Woke);
        self.hub_does(HubInput::Woke);
    }

    pub fn inject_to_hub(&mut self, message: &Message) {
        let (channel, bytes) = (message.channel(), message.encode());
        self.hub_does(HubInput::Received { channel, bytes });
    }

    pub fn inject_to_node(&mut self, message: &Message) {
        let (channel, bytes) = (message.channel(), message.encode());
        self.node_does(NodeInput::Received { channel, bytes });
    }

    pub fn node_close(&self) -> Option<&CloseReason> {
        self.node_log.iter().find_map(|effect| match effect {
            NodeEffect::Close(reason) => Some(reason),
            _ => None,
        })
    }

    pub fn hub_close(&self) -> Option<&CloseReason> {
        self.hub_log.iter().find_map(|effect| match effect {
            HubEffect::Close(reason) => Some(reason),
            _ => None,
        })
    }

    pub fn acknowledged(&self) -> Option<Watermark> {
        self.node_log.iter().rev().find_map(|effect| match effect {
            NodeEffect::Acknowledged { at } => Some(*at),
            _ => None,
        })
    }

    pub fn announced(&self) -> u64 {
        self.hub_log
            .iter()
            .rev()
            .find_map(|effect| match effect {
                HubEffect::HeadAnnounced { head } => Some(head.seq),
                _ => None,
            })
            .unwrap_or(0)
    }
}
