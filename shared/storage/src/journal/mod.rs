//! The journals held here: the own one, which is written, and those of others.
//!
//! [`start`] opens a life of this process, [`append`] writes one local
//! transaction as one entry and applies it through the same path that foreign
//! entries take ([`crate::apply`]). The head is read inside the transaction, so
//! nothing has to be put back when it is rolled back.
//!
//! Invariant: the entries of a journal are numbered from 1 without a gap, each
//! names the hash of the one before, and the journal's row holds the last one.

mod append;
mod author;
mod entries;
mod heads;

pub use crate::ingest::actor_at;
pub use append::{Appended, Write, append, append_with_rights};
pub use author::{Author, Beginning, identity, start};
pub(crate) use entries::{arrived, set_receipts, store};
pub use entries::{entries_after, entry, entry_hash};
pub use heads::{
    JournalState, Unsent, head, held, journals, set_acknowledged, set_announced, set_head, state,
    stop, unsent,
};
