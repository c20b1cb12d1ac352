//! Every limit of the protocol, by name.
//!
//! Invariant: no queue, page, frame, text or retry in this crate is bounded by
//! a number that does not stand here or in the journal's limits.

pub use evertill_journal::{FRAME_BYTES, FRAME_ENTRIES};

/// Longest message on the Control channel, in bytes.
pub const MAX_CONTROL_BYTES: usize = 4 * 1024;
/// Longest message on the other channels, in bytes: one entry of the largest
/// size, incompressible, with room for the frame around it.
pub const MAX_MESSAGE_BYTES: usize = evertill_journal::MAX_ENTRY_BYTES + 64 * 1024;
/// Longest text in a message (software version, detail of a refusal), in bytes.
pub const MAX_TEXT_BYTES: usize = 512;
/// Longest resume cursor of the reference stream, in bytes.
pub const MAX_CURSOR_BYTES: usize = 1024;

/// Journal frames that a node may have unacknowledged, whatever the credit.
pub const MAX_FRAMES_IN_FLIGHT: usize = 16;
/// A node reads ahead only if at least this much credit is left, in bytes.
pub const MIN_READ_BYTES: u64 = 16 * 1024;
/// What a hub without pressure lets one connection have in flight, in bytes:
/// two full frames, so that one is on the way while the other is written.
pub const DEFAULT_WINDOW: u64 = 512 * 1024;

/// Items in one feed frame.
pub const FEED_FRAME_ITEMS: usize = 500;
/// Bytes of items that a hub reads for one feed frame.
pub const FEED_FRAME_BYTES: u64 = 256 * 1024;
/// Feed frames that a hub may have unacknowledged.
pub const MAX_FEED_IN_FLIGHT: usize = 4;
/// Bytes of rows that a hub reads for one reference page.
pub const REFERENCE_PAGE_BYTES: u64 = 256 * 1024;
/// Bytes of rows that a hub reads for one private page.
pub const PRIVATE_PAGE_BYTES: u64 = 64 * 1024;
/// Reference pages that a hub may have unacknowledged.
pub const MAX_PAGES_IN_FLIGHT: usize = 4;

/// A connection on which no hello was exchanged is closed after this, in ms.
pub const HELLO_TIMEOUT_MS: i64 = 10_000;
/// Silence after which a ping is sent, in ms.
pub const PING_AFTER_MS: i64 = 20_000;
/// Silence after which the connection counts as dead, in ms.
pub const DEAD_AFTER_MS: i64 = 45_000;
/// How long a connection has to prove that it is alive when a second one of the
/// same node arrives, in ms.
pub const PROOF_OF_LIFE_MS: i64 = 1_000;
/// Head announcements that nothing else carries are at least this far apart, in ms.
pub const ANNOUNCE_EVERY_MS: i64 = 1_000;

/// Shortest wait before a node reconnects, in ms.
pub const RECONNECT_MIN_MS: u64 = 250;
/// Longest wait before a node reconnects, in ms.
pub const RECONNECT_MAX_MS: u64 = 60_000;
