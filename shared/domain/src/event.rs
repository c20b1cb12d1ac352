//! Events: the immutable elements of documents, and their bytes.
//!
//! An event is a CBOR array `[kind, body, * later fields]`; a body is an array
//! of numbered fields (see `receipt`, `stock` and `order`). New fields are optional and last, and
//! a number is never used again. Defaults, and what arithmetic gives back, are
//! left out, so a receipt takes about sixteen bytes a line.
//!
//! Whoever decodes an event keeps its bytes: only those are stored and sent.
//! That is how fields of a later release, and whole kinds of it, survive a trip
//! through this one. A later release that adds a value to a list known here (a
//! unit, a kind of tender) must do so under a new kind of event, because an
//! unknown value in a known kind cannot be summed and is refused.
//!
//! Invariant: an [`Event`] is sound, the check of its type has passed; and
//! decoding what was encoded gives an equal event.

mod order;
mod receipt;
mod record;
mod seal;
mod stock;
mod wire;

use minicbor::Decoder;

use crate::count::{CountPosted, CountRequest};
use crate::movement::MovementRecord;
use crate::order::{OrderBody, OrderEvent};
use crate::receipt::Receipt;
use crate::seal::ReplicaSeal;

/// One immutable element of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A receipt; the only event of its document.
    Receipt(Box<Receipt>),
    /// Goods that moved without a receipt; the only event of its document.
    Movements(MovementRecord),
    /// A count was asked for; it opens its document.
    CountRequested(CountRequest),
    /// A count that was asked for was posted.
    CountPosted(CountPosted),
    /// An event of an order; the first of its document says what was ordered.
    Order(Box<OrderEvent>),
    /// A lost replica's rights stand for good; the only event of its document.
    ReplicaSealed(ReplicaSeal),
    /// An event of a kind that this release does not know: it is kept and sent
    /// on as its bytes, shown, and moves nothing.
    Unknown {
        /// Its kind.
        kind: u32,
    },
}

/// What a document is, by the event that opened it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DocumentKind {
    /// A receipt.
    Receipt,
    /// Goods that moved without a receipt.
    Movements,
    /// A stock count.
    Count,
    /// An order.
    Order,
    /// A seal.
    Seal,
    /// A later release knows.
    Unknown,
}

/// Bytes that are not an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EventError {
    /// The bytes are no `[kind, body]`.
    #[error("the bytes are not an event: {0}")]
    Malformed(String),
    /// The body is not what its kind asks for, or contradicts itself.
    #[error("the event is no sound {kind}: {problem}")]
    Unsound {
        /// The kind, in words.
        kind: &'static str,
        /// What is wrong, in words.
        problem: String,
    },
}

const RECEIPT: u32 = 1;
const MOVEMENTS: u32 = 2;
const COUNT_REQUESTED: u32 = 3;
const COUNT_POSTED: u32 = 4;
const REPLICA_SEALED: u32 = 5;

impl Event {
    /// The kind's stable number on the wire.
    #[must_use]
    pub const fn kind(&self) -> u32 {
        match self {
            Self::Receipt(_) => RECEIPT,
            Self::Movements(_) => MOVEMENTS,
            Self::CountRequested(_) => COUNT_REQUESTED,
            Self::CountPosted(_) => COUNT_POSTED,
            Self::Order(event) => order::kind(&event.body),
            Self::ReplicaSealed(_) => REPLICA_SEALED,
            Self::Unknown { kind } => *kind,
        }
    }

    /// What a document is when this event opens it; `None` when it can only go
    /// on with one.
    #[must_use]
    pub const fn opens(&self) -> Option<DocumentKind> {
        match self {
            Self::Receipt(_) => Some(DocumentKind::Receipt),
            Self::Movements(_) => Some(DocumentKind::Movements),
            Self::CountRequested(_) => Some(DocumentKind::Count),
            Self::Order(event) => match event.body {
                OrderBody::Placed(_) => Some(DocumentKind::Order),
                _ => None,
            },
            Self::CountPosted(_) => None,
            Self::ReplicaSealed(_) => Some(DocumentKind::Seal),
            Self::Unknown { .. } => Some(DocumentKind::Unknown),
        }
    }
}

/// The bytes of an event that was made here.
///
/// # Panics
/// When the event is of an unknown kind: such events are only ever sent on as
/// the bytes in which they came.
#[must_use]
pub fn encode(event: &Event) -> Vec<u8> {
    match event {
        Event::Receipt(receipt) => written(RECEIPT, &receipt::write(receipt)),
        Event::Movements(record) => written(MOVEMENTS, &stock::write_movements(record)),
        Event::CountRequested(request) => written(COUNT_REQUESTED, &stock::write_request(request)),
        Event::CountPosted(posted) => written(COUNT_POSTED, &stock::write_posted(posted)),
        Event::Order(event) => order::write(event),
        Event::ReplicaSealed(seal) => {
            let mut e = minicbor::Encoder::new(Vec::with_capacity(128));
            e.array(2)
                .and_then(|e| e.u32(REPLICA_SEALED))
                .expect("invariant: writing to memory cannot fail");
            seal::write(seal, &mut e);
            e.into_writer()
        }
        Event::Unknown { kind } => {
            panic!("invariant: an event of unknown kind {kind} is sent on as its bytes")
        }
    }
}

/// Reads an event. Total: any bytes give an event or an error, and memory stays
/// in proportion to them. The caller keeps the bytes.
///
/// # Errors
/// [`EventError`] when the bytes are no event, or say something unsound.
pub fn decode(bytes: &[u8]) -> Result<Event, EventError> {
    let malformed = |error: minicbor::decode::Error| EventError::Malformed(error.to_string());
    let mut d = Decoder::new(bytes);
    let fields = match d.array().map_err(malformed)? {
        Some(fields) if fields >= 2 => fields,
        _ => return Err(EventError::Malformed("it is no [kind, body]".to_owned())),
    };
    let kind = d.u32().map_err(malformed)?;
    let event = match kind {
        RECEIPT => {
            let receipt = sound(&mut d, "receipt", receipt::read)?;
            Event::Receipt(Box::new(receipt))
        }
        MOVEMENTS => Event::Movements(sound(&mut d, "movement record", stock::read_movements)?),
        COUNT_REQUESTED => {
            Event::CountRequested(sound(&mut d, "count request", stock::read_request)?)
        }
        COUNT_POSTED => Event::CountPosted(sound(&mut d, "posted count", stock::read_posted)?),
        REPLICA_SEALED => {
            Event::ReplicaSealed(seal::read(&mut d).map_err(|problem| EventError::Unsound {
                kind: "seal",
                problem,
            })?)
        }
        order::FIRST..=order::LAST => {
            Event::Order(Box::new(order::read(kind, &mut d).map_err(|problem| {
                EventError::Unsound {
                    kind: "order event",
                    problem,
                }
            })?))
        }
        kind => {
            d.skip().map_err(malformed)?;
            Event::Unknown { kind }
        }
    };
    for _ in 2..fields {
        d.skip().map_err(malformed)?;
    }
    if d.position() == bytes.len() {
        Ok(event)
    } else {
        Err(EventError::Malformed("bytes follow it".to_owned()))
    }
}

fn written(kind: u32, body: &impl minicbor::Encode<()>) -> Vec<u8> {
    let mut e = minicbor::Encoder::new(Vec::with_capacity(256));
    e.array(2)
        .and_then(|e| e.u32(kind))
        .and_then(|e| e.encode(body))
        .expect("invariant: writing to memory cannot fail");
    e.into_writer()
}

/// Reads the fields of a body and makes of them what its kind asks for.
fn sound<'b, F: minicbor::Decode<'b, ()>, T>(
    d: &mut Decoder<'b>,
    kind: &'static str,
    read: impl FnOnce(&F) -> Result<T, String>,
) -> Result<T, EventError> {
    let fields = d.decode().map_err(|error| error.to_string());
    let sound = fields.and_then(|fields| read(&fields));
    sound.map_err(|problem| EventError::Unsound { kind, problem })
}
