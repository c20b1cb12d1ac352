//! What the tests share: real processes on free ports, asked over real HTTP.
//!
//! Invariant: a test ends only the processes that it started, and never waits
//! for time to pass but for something to happen.

mod client;
mod http;
mod line;
mod member;
mod process;
mod service;
mod store;

pub use client::{Client, Reply, new_key};
pub use http::{Answer, get};
pub use line::Line;
pub use member::Member;
pub use process::{Ended, Running, kill_all, run};
pub use service::Service;
pub use store::{Setup, StoreFolder, store};
