//! The one file that says which refusal answers with which status.
//!
//! Invariant: a status code is chosen here and nowhere else; services speak of
//! classes, never of HTTP.

use evertill_domain::rejection::Rejections;

use crate::{FieldError, Problem};

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

/// 422 with one entry per refused field.
impl From<Rejections> for Problem {
    fn from(refused: Rejections) -> Self {
        let fields = refused
            .fields()
            .iter()
            .map(|field| FieldError::new(&*field.pointer, field.code, &*field.detail));
        Self::unprocessable("refused", refused.to_string()).fields(fields)
    }
}

#[cfg(test)]
mod tests {
    use evertill_domain::rejection::Rejection;

    use super::*;

    #[test]
    fn a_refusal_keeps_its_fields() {
        let refused = Rejection::new("/lines/0/sku", "unknown_sku", "no product X is known here");
        let problem = Problem::from(Rejections::from(refused));
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (422, "refused")
        );
        assert_eq!(problem.errors()[0].pointer, "/lines/0/sku");
        assert_eq!(problem.errors()[0].code, "unknown_sku");
    }
}
