//! evertill-sync: how a node and its hub talk, as pure state machines.
//!
//! A connection has one [`NodeSession`] on the node's side and one
//! [`HubSession`] on the hub's. Each takes inputs (`now`, bytes that arrived,
//! answers of the database) and returns effects (bytes to send, questions to
//! the database, times to be woken). Sockets, clocks, threads and tables belong
//! to the *shell* around the session: quinn in production, the simulator in
//! tests. Both run exactly this code.
//!
//! What flows, each on a [`Channel`] (one bidirectional ordered stream):
//!
//! - **Control**: the hello both ways, refusals, head announcements, liveness.
//! - **Journal**: the node's journal as frames upstream, acknowledgements and
//!   byte credit downstream.
//! - **Feed**: what the hub has for this location, downstream, acknowledged;
//!   beside it, unchained, who ordered it (the private stream).
//! - **Reference**: products, prices and policies as pages, acknowledged.
//!
//! Order holds within a channel, never between channels.
//!
//! # Duties of a shell
//!
//! 1. Make a session for each connection from what is *durable* at that moment.
//! 2. Hand every input to `handle` and carry out the returned effects in order.
//! 3. Answer each question ([`NodeEffect::ReadJournal`], [`HubEffect::Greet`] …)
//!    with exactly one input, in the order in which questions of one kind were
//!    asked.
//! 4. Report a commit ([`HubInput::FrameCommitted`], [`NodeInput::FeedCommitted`],
//!    [`NodeInput::Committed`], …) only when entries *and* projections are on
//!    stable storage: the session acknowledges on that word.
//! 5. After `Close` drop the session and the connection. [`CloseReason::retry`]
//!    says how soon a node may come again, [`reconnect_delay`] how long to wait.
//!
//! Invariants: the bytes in flight never exceed the credit; nothing is
//! acknowledged that the shell has not reported as committed; a position only
//! moves over entries whose hash the owner confirmed; `decode` is total; every
//! queue has a limit named in [`limits`].

mod backoff;
mod channel;
mod close;
mod credit;
mod divergence;
mod feed;
mod hello;
mod hub;
pub mod limits;
mod liveness;
mod message;
mod node;
mod private;
mod reference;
mod refusal;

pub use backoff::reconnect_delay;
pub use channel::Channel;
pub use close::{CloseReason, Note, Retry};
pub use divergence::{Divergence, DivergenceKind, Whose, compare};
pub use feed::{FeedFrame, FeedPosition};
pub use hello::{Greeting, HubHello, NodeHello, PROTOCOL, PROTOCOL_OLDEST};
pub use hub::{HubEffect, HubInput, HubSession, PeerIdentity};
pub use message::{Decoded, Message, MessageError};
pub use node::{NodeEffect, NodeInput, NodeSession, NodeStart};
pub use private::{PrivatePage, PrivatePosition};
pub use reference::{ReferencePage, ReferencePosition, ReferenceVersion};
pub use refusal::{Refusal, RefusalCode};
