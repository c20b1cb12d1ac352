//! Documents from the outside: their bytes against automerge's own, merging,
//! short forms, and the gate.

mod automerge_bytes;
mod events;
mod gate;
mod mutation;
mod orders;
mod short;
mod support;
