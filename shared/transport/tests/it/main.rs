//! Hub and nodes over real UDP sockets on loopback.

mod channels;
mod enrolment;
mod revocation;
mod strangers;
mod world;
