//! Taking a request apart: each extractor refuses with a problem, never with
//! axum's plain text.
//!
//! Invariant: nothing here reads more than its named limit, and what a client
//! sent is never logged.

mod body;
mod headers;
mod json;
mod params;

pub use body::{BODY_LIMIT, Body, EmptyBody, Upload};
pub use headers::{Bearer, IdempotencyKey, wants_csv};
pub use json::{from_json, from_value};
pub use params::{PAGE_DEFAULT, PAGE_LIMIT, Page, Path, Query, segment};
