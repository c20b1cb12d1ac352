//! Events: the immutable elements of documents.
//!
//! What a document holds is what happened or was decided, once, as one event
//! after the other. [`effects`](crate::effects::effects) says what an event
//! adds to sums; a fold says what a document's events come to.
//!
//! Invariant: an [`Event`] is sound: the check of its type has passed.

use crate::receipt::Receipt;

/// One immutable element of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A receipt; the only event of its document.
    Receipt(Box<Receipt>),
    /// An event of a kind that this release does not know: it is kept and sent
    /// on as its bytes, shown, and moves nothing.
    Unknown {
        /// Its kind.
        kind: u32,
    },
}
