//! evertill-storage

pub mod apikeys;
pub mod enrolments;
pub mod idempotency;
pub mod registers;
pub mod secret;
mod sql;

pub use sql::{TableError, TableResult};
