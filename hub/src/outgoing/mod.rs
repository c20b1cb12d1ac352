//! What leaves the hub by itself: changes to those who want to be told, and
//! messages to customers.
//!
//! What is sent says how things are now, not how they were when they changed:
//! a reader that comes late gets each subject once.
//!
//! Invariant: nobody who reads slowly or not at all holds up anybody else.

pub mod backoff;
pub mod messages;
pub mod render;
pub mod webhooks;
