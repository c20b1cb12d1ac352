//! The journal from the outside: golden bytes, the chain, and frames.

mod chain;
mod entry;
mod frame;
mod support;
