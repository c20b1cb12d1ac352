//! Every bound of this crate, with its reason. A peer that exceeds one is
//! refused before memory is spent on it.

/// Parts in one entry. A sale has one; the largest hub transaction settles a
/// few hundred documents.
pub const MAX_PARTS: usize = 1_024;

/// Canonical bytes of one entry. A receipt of the largest size, 500 lines,
/// stays below a tenth of it.
pub const MAX_ENTRY_BYTES: usize = 1 << 20;

/// Entries in one frame: the hub applies a frame as one transaction.
pub const FRAME_ENTRIES: usize = 500;

/// Canonical entry bytes in one frame. A single larger entry travels alone.
pub const FRAME_BYTES: usize = 256 << 10;

/// Bytes a frame's payload may inflate to. Packing an entry adds a few bytes
/// of framing where it saves nothing, hence the allowance.
pub const MAX_FRAME_RAW: usize = MAX_ENTRY_BYTES + (64 << 10);

/// Canonical entry bytes that one frame may unpack to: what was left out comes
/// back, so this is bounded on its own.
pub const MAX_UNPACKED: usize = FRAME_BYTES + MAX_ENTRY_BYTES;
