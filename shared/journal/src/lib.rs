//! The journal of a replica: entries, their hash chain, and the frames in which
//! they travel.
//!
//! An entry is one local transaction. Its canonical bytes are what is stored,
//! hashed and compared; everything else here is a view of them. A frame carries
//! consecutive entries to a peer without what the peer can recompute.
//!
//! The changes inside an entry are opaque here: the journal keeps and orders
//! them, the documents crate knows what they mean.
//!
//! Invariant: an entry that was decoded, carried in a frame or read back from a
//! table has exactly the bytes, and therefore the hash, that its author wrote.

pub mod chain;
pub mod codec;
pub mod entry;
pub mod frame;
pub mod limits;

pub use chain::{BreakReason, Chain, ChainBreak, EntryHash, Watermark};
pub use codec::{PartCodec, PartOrigin, Short};
pub use entry::{
    CELLS_SCHEMA, Control, Entry, EntryError, Part, RegisterState, RegisterTotal, SCHEMA, Sealed,
    Start,
};
pub use frame::{Compression, Frame, FrameError, PackError, pack, unpack};
pub use limits::{FRAME_BYTES, FRAME_ENTRIES, MAX_ENTRY_BYTES, MAX_PARTS};
