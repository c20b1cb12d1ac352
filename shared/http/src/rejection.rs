//! The one file that says which refusal answers with which status.
//!
//! Invariant: a status code is chosen here and nowhere else; services speak of
//! classes, never of HTTP.

use crate::Problem;

/// Seconds after which a client may try again when a queue was full or the
/// process is going down.
const RETRY_SOON_S: u32 = 1;

/// 503 for a bounded queue that had no room; nothing was stored.
#[must_use]
pub fn busy() -> Problem {
    Problem::unavailable(
        "busy",
        "more requests wait than the store accepts; nothing was stored; send the same request again",
        RETRY_SOON_S,
    )
}
