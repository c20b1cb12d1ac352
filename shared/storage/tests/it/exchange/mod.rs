//! What comes from other machines: frames, feeds, quarantine, verification.

mod counts;
pub(crate) mod events;
mod feed;
mod hostile;
mod ingest;
mod quarantine;
mod release;
mod rights;
mod seals;
mod verify;
pub(crate) mod world;
