//! What the events of a document come to.
//!
//! Events of several writers meet in one document, and every replica must read
//! the same from them, in whatever order they came. So a fold first puts them
//! into one order: causes before effects, and among events that did not know of
//! each other by (class, clock, key). It then goes through them once.
//!
//! A fold never refuses a fact. What does not fit is a [`Conflict`] for a
//! person, and what is still to be done is an [`Obligation`]. What an event adds
//! to stock and totals is no matter of the fold: [`effects`](crate::effects())
//! tells it from the event alone, conflict or not.
//!
//! Invariant: total, and the same for every permutation and duplication of the
//! events.

mod causal;

use crate::count::{CountPosted, CountRequest};
use crate::event::{Event, decode};
use crate::ids::EventKey;
use crate::movement::MovementRecord;
use crate::order::{self, OrderBody, OrderEvent, OrderState};
use crate::receipt::Receipt;
use crate::seal::ReplicaSeal;
use crate::time::Hlc;

/// An event where it stands in its document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed<'a> {
    /// Its key.
    pub key: EventKey,
    /// The clock of the entry that carried it.
    pub hlc: Hlc,
    /// Events of the document that its writer had seen last. Those that are not
    /// among the folded events are passed over.
    pub parents: Vec<EventKey>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// How an event ranks among those that did not know of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// It happened; nothing refuses it.
    Fact,
    /// It stands only if the state allows it.
    Decision,
    /// The hub settles a conflict for good.
    Ruling,
    /// A later release knows.
    Unknown,
}

impl Class {
    /// The class of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        match event {
            Event::Receipt(_) | Event::Movements(_) | Event::CountPosted(_) => Self::Fact,
            Event::CountRequested(_) => Self::Decision,
            Event::Order(event) => event.class(),
            Event::ReplicaSealed(_) => Self::Ruling,
            Event::Unknown { .. } => Self::Unknown,
        }
    }
}

/// What a document is, as far as this release understands it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing that is understood has happened in it.
    Empty,
    /// A receipt.
    Receipt(Box<Receipt>),
    /// Goods that moved without a receipt.
    Movements(MovementRecord),
    /// A count that is to be posted.
    CountRequested(CountRequest),
    /// A count that was posted.
    CountPosted {
        /// What was asked for.
        request: CountRequest,
        /// What it changed.
        posted: CountPosted,
    },
    /// An order, with obligations and conflicts of its own.
    Order(Box<OrderState>),
    /// A lost replica's rights stand for good.
    Sealed(ReplicaSeal),
}

/// What is still to be done about a document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Obligation {
    /// The count is to be posted at its location.
    PostCount,
}

/// Why an event did not take the document where it meant to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ConflictKind {
    /// Its bytes cannot be read.
    Unreadable,
    /// It opens a document that is open already.
    SecondOpening,
    /// It goes on with a document that nothing opened, or that is finished.
    Misplaced,
    /// The count was posted already. Both postings are in the stock: count
    /// again.
    SecondPosting,
    /// It posts other figures than those that were counted.
    OtherFigures,
}

/// An event that needs a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Conflict {
    /// The event.
    pub key: EventKey,
    /// What is wrong with it.
    pub kind: ConflictKind,
}

/// What a document's events come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folded {
    /// What the document is.
    pub state: State,
    /// What is still to be done.
    pub obligations: Vec<Obligation>,
    /// What needs a person, in the order of the fold.
    pub conflicts: Vec<Conflict>,
    /// Events of kinds that this release does not know, and their kinds: they
    /// are kept and shown.
    pub unknown: Vec<(EventKey, u32)>,
}

/// Folds a document's events, given in any order and any number of times.
#[must_use]
pub fn fold<'a>(events: impl IntoIterator<Item = Placed<'a>>) -> Folded {
    let mut folded = Folded {
        state: State::Empty,
        obligations: Vec::new(),
        conflicts: Vec::new(),
        unknown: Vec::new(),
    };
    let mut ordered = Vec::new();
    for (key, event) in causal::causal(
        events
            .into_iter()
            .map(|placed| (decode(placed.bytes).ok(), placed)),
    ) {
        match event {
            Some(Event::Order(event)) => ordered.push((key, *event)),
            event => folded.take(key, event),
        }
    }
    folded.order(ordered);
    if matches!(folded.state, State::CountRequested(_)) {
        folded.obligations.push(Obligation::PostCount);
    }
    folded
}

impl Folded {
    fn take(&mut self, key: EventKey, event: Option<Event>) {
        let conflict = match event {
            None => Some(ConflictKind::Unreadable),
            Some(Event::Unknown { kind }) => {
                self.unknown.push((key, kind));
                None
            }
            Some(Event::Receipt(receipt)) => self.open(State::Receipt(receipt)),
            Some(Event::Movements(record)) => self.open(State::Movements(record)),
            Some(Event::CountRequested(request)) => self.open(State::CountRequested(request)),
            Some(Event::CountPosted(posted)) => self.post(posted),
            Some(Event::ReplicaSealed(seal)) => self.open(State::Sealed(seal)),
            // They are folded together, when all are known.
            Some(Event::Order(_)) => None,
        };
        self.conflicts
            .extend(conflict.map(|kind| Conflict { key, kind }));
    }

    fn open(&mut self, state: State) -> Option<ConflictKind> {
        if self.state == State::Empty {
            self.state = state;
            return None;
        }
        Some(ConflictKind::SecondOpening)
    }

    /// Folds what belongs to an order: all of it, or it is misplaced.
    fn order(&mut self, mut events: Vec<(EventKey, OrderEvent)>) {
        let mut opened = self.state != State::Empty;
        let opens = |event: &OrderEvent| matches!(event.body, OrderBody::Placed(_));
        let mut conflicts = Vec::new();
        events.retain(|(key, event)| {
            let second = opens(event) && opened;
            opened |= opens(event);
            if second {
                let kind = ConflictKind::SecondOpening;
                conflicts.push(Conflict { key: *key, kind });
            }
            !second
        });
        match order::read(&events).filter(|_| self.state == State::Empty) {
            Some(state) => self.state = State::Order(Box::new(state)),
            None => conflicts.extend(events.iter().map(|(key, _)| Conflict {
                key: *key,
                kind: ConflictKind::Misplaced,
            })),
        }
        self.conflicts.extend(conflicts);
    }

    fn post(&mut self, posted: CountPosted) -> Option<ConflictKind> {
        let request = match &self.state {
            State::CountRequested(request) => request.clone(),
            State::CountPosted { .. } => return Some(ConflictKind::SecondPosting),
            State::Empty
            | State::Receipt(_)
            | State::Movements(_)
            | State::Order(_)
            | State::Sealed(_) => return Some(ConflictKind::Misplaced),
        };
        let agrees = posts(&posted, &request);
        self.state = State::CountPosted { request, posted };
        (!agrees).then_some(ConflictKind::OtherFigures)
    }
}

/// Whether a posting is that of the request: the same place, and the same
/// figures counted.
fn posts(posted: &CountPosted, request: &CountRequest) -> bool {
    let counted = request
        .lines
        .iter()
        .map(|line| (&line.sku, &line.lot, line.counted));
    let results = posted
        .lines
        .iter()
        .map(|line| (&line.sku, &line.lot, line.counted));
    posted.location == request.location && counted.eq(results)
}
