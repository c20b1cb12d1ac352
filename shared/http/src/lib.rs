//! What node and hub share at their HTTP edge and on their command line.
//!
//! One place decides how a refusal becomes a status code (`rejection`), how
//! an error looks on the wire ([`Problem`], RFC 9457), how a request is taken
//! apart ([`extract`]), how a router becomes a service with health, metrics
//! and request log ([`service`]), how that service listens and drains
//! ([`serve`]), and how a binary reads its flags, its configuration file and
//! its environment ([`app`]).
//!
//! Invariant: whatever a client sends, the answer is the documented status
//! with a problem document; a panic in a handler never reaches the socket.

pub mod api;
pub mod app;
pub mod extract;
mod leftover;
pub mod list;
mod observe;
mod problem;
mod rejection;
mod serve;
mod service;

pub use extract::{Bearer, Body, EmptyBody, IdempotencyKey, Page, Path, Query, Upload, wants_csv};
pub use list::{Cursor, List};
pub use observe::RequestId;
pub use problem::{FieldError, Problem, ProblemDocument};
pub use rejection::busy;
pub use serve::{BindError, Limits, bind, serve, shutdown_signal};
pub use service::{Health, Metrics, Phase, service};
