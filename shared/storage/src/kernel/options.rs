//! What an operator or caller may choose about a store, and the named limits
//! that nobody may exceed.
//!
//! Invariant: every queue, group, pool and log of the kernel has its bound here.

/// Commands that one transaction may carry; the writer takes what is queued up
/// to this many and never waits for more.
pub const GROUP_LIMIT: usize = 500;
/// Writes that may wait for the writer; one more is refused as busy.
pub const QUEUE_LIMIT: usize = 4_096;
/// Reads that may wait for a reader; one more is refused as busy.
pub const READ_QUEUE_LIMIT: usize = 4_096;
/// Most reader threads a store starts, whatever is asked for.
pub const READERS_MAX: usize = 16;
/// Pages in the write-ahead log, not yet copied to the database, that wake the
/// checkpoint thread (4 KiB each).
pub const CHECKPOINT_PAGES: u32 = 1_000;
/// Size the write-ahead log file keeps when it starts over. Overwriting a file
/// that already has its blocks syncs faster than growing one.
pub const WAL_KEEP_BYTES: u64 = 16 << 20;
/// Size at which the writer itself finishes a checkpoint between two groups, so
/// that the log starts over even under a load that never pauses.
pub const WAL_LIMIT_BYTES: u64 = 64 << 20;

/// Whose database it is; a folder of one role is refused by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A store's machine.
    Node,
    /// The regional hub.
    Hub,
}

impl Role {
    /// The `application_id` written into the database header: "EVTN" or "EVTH".
    pub(crate) const fn application_id(self) -> i32 {
        match self {
            Self::Node => 0x4556_544e,
            Self::Hub => 0x4556_5448,
        }
    }

    pub(crate) const fn from_application_id(id: i32) -> Option<Self> {
        if id == Self::Node.application_id() {
            Some(Self::Node)
        } else if id == Self::Hub.application_id() {
            Some(Self::Hub)
        } else {
            None
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Hub => "hub",
        })
    }
}

/// How to open a store. Start from [`StoreOptions::node`] or
/// [`StoreOptions::hub`] and change what differs.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Whose database it is.
    pub role: Role,
    /// Upper bound of the database file in bytes (rounded down to whole
    /// pages); a write that needs more is refused as "full". The write-ahead
    /// log comes on top, see [`WAL_LIMIT_BYTES`]. `None`: the disk is the bound.
    pub max_bytes: Option<u64>,
    /// Reader threads, at least 1 and at most [`READERS_MAX`].
    pub readers: usize,
    /// Whether a missing folder or database is created. A command that only
    /// looks (verify, doctor) says no and gets a clear error instead.
    pub create: bool,
}

impl StoreOptions {
    /// A node's defaults: few readers, little memory.
    #[must_use]
    pub const fn node() -> Self {
        Self {
            role: Role::Node,
            max_bytes: None,
            readers: 2,
            create: true,
        }
    }

    /// A hub's defaults.
    #[must_use]
    pub const fn hub() -> Self {
        Self {
            role: Role::Hub,
            max_bytes: None,
            readers: 4,
            create: true,
        }
    }

    /// The same options for an existing database only.
    #[must_use]
    pub const fn existing(mut self) -> Self {
        self.create = false;
        self
    }

    /// Page-cache budget per connection in KiB: (writer, each reader).
    pub(crate) const fn cache_kib(&self) -> (u32, u32) {
        match self.role {
            Role::Node => (4_096, 1_024),
            Role::Hub => (65_536, 8_192),
        }
    }
}
