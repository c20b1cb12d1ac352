//! The gate's last rule: the events are sound and stand where their kinds belong.
//!
//! A receipt, a record of movements or a seal opens its document and is its only
//! event.
//! A count is asked for by the event that opens its document, and posted by a
//! later one, at most once in a change. An order is opened by what was ordered,
//! and any number of its other events follow, also in the same change. Kinds that a later release knows pass
//! wherever they stand, also beside known ones.

use evertill_domain::event::decode;
use evertill_domain::{DocumentKind, Event, EventKey};

use super::rules::{Checked, broken};
use super::{Expected, GateRule};

/// Operations in a change that holds a receipt or movements: the event itself,
/// and room for what a later release puts beside it.
const MAX_RECORD_OPERATIONS: usize = 16;

pub(super) fn check(
    events: &[(EventKey, Vec<u8>)],
    opens: bool,
    expected: &Expected<'_>,
) -> Checked<Vec<Event>> {
    let mut place = Place {
        fresh: opens,
        kind: expected.kind.filter(|_| !opens),
        posted: false,
    };
    let mut decoded = Vec::with_capacity(events.len());
    for (key, bytes) in events {
        let event = match decode(bytes) {
            Ok(event) => event,
            Err(error) => return broken(GateRule::Business, format!("event {key}: {error}")),
        };
        if let Err(why) = place.take(&event) {
            return broken(GateRule::Business, format!("event {key} {why}"));
        }
        decoded.push(event);
    }
    let record = decoded.iter().any(is_record);
    if record && decoded.len() > MAX_RECORD_OPERATIONS {
        let detail = format!("a record stands beside more than {MAX_RECORD_OPERATIONS} events");
        return broken(GateRule::Business, detail);
    }
    Ok(decoded)
}

const fn is_record(event: &Event) -> bool {
    matches!(
        event.opens(),
        Some(DocumentKind::Receipt | DocumentKind::Movements | DocumentKind::Seal)
    )
}

/// Where in its document the next event stands.
struct Place {
    /// Whether the change opens the document and no known event did so yet.
    fresh: bool,
    /// What the document is; `None` when nobody here knows.
    kind: Option<DocumentKind>,
    /// Whether the change posted a count already.
    posted: bool,
}

impl Place {
    fn take(&mut self, event: &Event) -> Result<(), &'static str> {
        match event.opens() {
            Some(DocumentKind::Unknown) => Ok(()),
            Some(kind) if self.fresh => {
                self.fresh = false;
                self.kind = Some(kind);
                Ok(())
            }
            Some(_) => Err("opens a document that is open"),
            None => self.go_on(event),
        }
    }

    /// A posted count goes on with a count, an event of an order with an order,
    /// and each with what nobody here knows.
    fn go_on(&mut self, event: &Event) -> Result<(), &'static str> {
        if self.fresh {
            return Err("goes on with a document that nothing opened");
        }
        let order = matches!(event, Event::Order(_));
        if !order && self.posted {
            return Err("posts a count for the second time");
        }
        self.posted |= !order;
        match (self.kind, order) {
            (Some(DocumentKind::Unknown) | None, _)
            | (Some(DocumentKind::Count), false)
            | (Some(DocumentKind::Order), true) => Ok(()),
            (_, false) => Err("posts a count in a document that is none"),
            (_, true) => Err("goes on with an order in a document that is none"),
        }
    }
}
