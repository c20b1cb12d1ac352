//! What comes from other machines: frames, feeds, quarantine, verification.

mod counts;
mod feed;
mod hostile;
mod ingest;
mod quarantine;
mod verify;
mod world;
