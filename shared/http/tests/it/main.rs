//! The edge over real sockets: what a client sees, whatever it sends.

mod connections;
mod requests;
mod server;
