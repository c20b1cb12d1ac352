//! What comes from other machines: frames, feeds, quarantine, verification.

mod counts;
mod feed;
mod hostile;
mod ingest;
pub(crate) mod quarantine;
mod verify;
pub(crate) mod world;
