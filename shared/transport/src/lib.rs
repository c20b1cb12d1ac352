//! The line between node and hub: QUIC connections between machines that know
//! each other by certificate.
//!
//! A hub has a certificate authority of its own ([`HubIdentity`]). A node joins
//! once, with a token that a person carries over ([`EnrolmentToken`],
//! [`enrol`]): its key never leaves the machine, and the token names the key of
//! the authority, so neither side can be impersonated. Afterwards both ends
//! authenticate on every connection, and a connection carries a few channels of
//! whole messages ([`Connection`]).
//!
//! Nothing of what the messages say is known here.
//!
//! Invariants: a connection is handed out only after both certificates were
//! checked against the hub's authority and its list of revoked ones; no early
//! data, no tickets, no resumption; a length is checked before memory is taken.

mod clock;
mod connection;
mod enrol;
mod error;
mod files;
mod hub;
mod hub_identity;
mod names;
mod node;
mod node_identity;
mod revocations;
mod tls;
mod token;

pub use clock::SteadyClock;
pub use connection::{Closed, Connection, Receiver, Sender};
pub use enrol::{EnrolmentRequest, enrol};
pub use error::{ConnectError, EnrolError, IdentityError};
pub use hub::{Arrival, HubEndpoint, PeerCertificate};
pub use hub_identity::{HubIdentity, Issued};
pub use names::{HUB_FILES, NODE_FILES, REVOKED_FILE};
pub use node::NodeEndpoint;
pub use node_identity::NodeIdentity;
pub use revocations::Revocations;
pub use token::{EnrolmentToken, SECRET_BYTES, TokenError};

/// How many channels a connection has.
pub const CHANNELS: usize = 4;
