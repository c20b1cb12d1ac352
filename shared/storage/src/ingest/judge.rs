//! Judging what another machine wrote, before anything of it is applied.
//!
//! The parts of an entry, of a feed item, and of what is released from
//! quarantine all pass here: the gate on the bytes of each change, then the
//! rules that only the receiver can check, because they need its tables.
//!
//! Invariant: judging writes nothing; every part passes or the first broken
//! rule is named.

use evertill_documents::gate::{self, Expected, GateRejection, GateRule, Limits};
use evertill_documents::{ChangeInfo, ReadError};
use evertill_domain::order::{OrderEvent, Recorder};
use evertill_domain::receipt::Receipt;
use evertill_domain::{
    ActorId, DocumentId, DocumentKind, Event, EventKey, LocationId, ReplicaId, Seq,
};
use evertill_journal::Part;
use rusqlite::Connection;

use crate::apply::{AppliedPart, Clash};
use crate::projection::documents;
use crate::sql::{TableError, TableResult};

/// Parts of one entry, whatever carried them here.
pub(crate) struct Carried<'a> {
    /// The journal that its changes were written in: ids and receipt numbers
    /// derive from it. For a reissued entry the original one.
    pub(crate) origin: ReplicaId,
    /// Where its author stands; receipts bear its name.
    pub(crate) location: &'a LocationId,
    /// The location whose affairs its events may record.
    pub(crate) about: &'a LocationId,
    /// Who wrote it; `None` when no start that was accepted names anyone.
    pub(crate) actor: Option<ActorId>,
    /// The entry's number in the journal it was first written in.
    pub(crate) written_as: Seq,
    /// The parts, each with the number that its events stay below.
    pub(crate) parts: Vec<(&'a Part, u32)>,
}

/// The first rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parked {
    /// Its name, as quarantine lists it.
    pub(crate) rule: &'static str,
    /// What is wrong, in words.
    pub(crate) reason: String,
    /// The document that has to be there, or go on, first.
    pub(crate) waits_for: Option<DocumentId>,
}

impl Parked {
    pub(crate) fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self {
            rule,
            reason: reason.into(),
            waits_for: None,
        }
    }
}

/// Most changes that a document may have after its first: each new one is judged
/// against all before it, and nobody waits for who grows one without end.
const MAX_CHANGES: u64 = 256;

/// What passed, or why not.
pub(crate) type Judged<T> = Result<T, Parked>;

/// Judges every part. A change that is held already passes and is left out of
/// the answer: there is nothing to apply.
///
/// # Errors
/// The tables could not be read.
pub(crate) fn judge(
    conn: &Connection,
    carried: &Carried<'_>,
) -> TableResult<Judged<Vec<AppliedPart>>> {
    let Some(actor) = carried.actor else {
        if carried.parts.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        return Ok(Err(Parked::new(
            "actor",
            "no start entry that was accepted says who wrote it",
        )));
    };
    let mut accepted = Vec::with_capacity(carried.parts.len());
    for (part, n_end) in &carried.parts {
        match judge_part(conn, carried, actor, part, *n_end)? {
            Err(parked) => return Ok(Err(parked)),
            Ok(None) => {}
            Ok(Some(passed)) => accepted.push(passed),
        }
    }
    Ok(Ok(accepted))
}

fn judge_part(
    conn: &Connection,
    carried: &Carried<'_>,
    actor: ActorId,
    part: &Part,
    n_end: u32,
) -> TableResult<Judged<Option<AppliedPart>>> {
    if documents::later_changes(conn, &part.document)? >= MAX_CHANGES {
        return Ok(Err(Parked::new(
            "document",
            format!(
                "document {} has as many changes as one may have",
                part.document
            ),
        )));
    }
    let (known, kind) = known(conn, &part.document)?;
    let expected = Expected {
        actor,
        entry_seq: carried.written_as,
        n: part.n,
        n_end,
        document: part.document,
        known: &known,
        kind,
    };
    let gated = match gate::check(&part.change, &expected, &Limits::default()) {
        Ok(gated) if gated.duplicate => return Ok(Ok(None)),
        Ok(gated) => gated,
        Err(rejection) => return Ok(Err(rejected(&rejection, part, &known))),
    };
    let mut events = gated.decoded.iter();
    if let Err(parked) = events.try_for_each(|event| may_record(carried, event)) {
        return Ok(Err(parked));
    }
    Ok(Ok(Some(AppliedPart {
        document: part.document,
        n: part.n,
        key: EventKey {
            actor_prefix: actor.prefix(),
            seq: carried.written_as,
            n: part.n,
        },
        info: gated.info,
        events: gated.decoded,
    })))
}

/// The changes of a document that are applied here, and what it is. A part that
/// opens one, as every sale does, costs one look-up and reads no entry.
fn known(
    conn: &Connection,
    document: &DocumentId,
) -> TableResult<(Vec<ChangeInfo>, Option<DocumentKind>)> {
    let changes = documents::changes(conn, document)?;
    let damaged = |error: ReadError| TableError::Damaged {
        what: format!("document {document}"),
        detail: error.to_string(),
    };
    let infos = changes.iter().map(|change| ChangeInfo::read(change));
    let infos = infos.collect::<Result<_, _>>().map_err(damaged)?;
    let opening = changes
        .first()
        .map(|change| evertill_documents::kind(change));
    Ok((infos, opening.transpose().map_err(damaged)?))
}

fn rejected(rejection: &GateRejection, part: &Part, known: &[ChangeInfo]) -> Parked {
    let history = rejection.rule == GateRule::History;
    // A change with dependencies may follow what has yet to come, or to be
    // released; one that opens a document waits for nothing.
    let follows = history && ChangeInfo::read(&part.change).is_ok_and(|info| !info.deps.is_empty());
    Parked {
        rule: gate_rule(rejection.rule),
        reason: if follows && known.is_empty() {
            format!("document {} is not here", part.document)
        } else {
            rejection.to_string()
        },
        waits_for: follows.then_some(part.document),
    }
}

/// The name of a gate's rule in quarantine.
fn gate_rule(rule: GateRule) -> &'static str {
    match rule {
        GateRule::Size => "gate.size",
        GateRule::ChunkType => "gate.chunk_type",
        GateRule::Operations => "gate.operations",
        GateRule::Decode => "gate.decode",
        GateRule::Canonical => "gate.canonical",
        GateRule::Actor => "gate.actor",
        GateRule::History => "gate.history",
        GateRule::Shape => "gate.shape",
        GateRule::Business => "gate.business",
    }
}

/// What an event claims must be its author's to claim.
fn may_record(carried: &Carried<'_>, event: &Event) -> Judged<()> {
    let location = match event {
        Event::Receipt(receipt) => {
            bears_its_origin(carried, receipt)?;
            &receipt.number.location
        }
        Event::Movements(movements) => &movements.location,
        Event::CountRequested(request) => &request.location,
        Event::CountPosted(posted) => &posted.location,
        Event::Order(event) => return is_its_to_write(carried, event),
        Event::ReplicaSealed(seal) => {
            if !Recorder::Hub.admits(carried.location) {
                let reason = "only the hub seals a replica".to_owned();
                return Err(Parked::new("location", reason));
            }
            &seal.location
        }
        Event::Unknown { .. } => return Ok(()),
    };
    if location == carried.about {
        return Ok(());
    }
    let about = carried.about;
    Err(Parked::new(
        "location",
        format!("it records something of location {location}, and may only of {about}"),
    ))
}

/// What the hub decides about an order nobody else may, and what happened at a
/// location only that location or the hub in its place.
fn is_its_to_write(carried: &Carried<'_>, event: &OrderEvent) -> Judged<()> {
    let (recorder, author) = (event.recorder(), carried.location);
    if recorder.admits(author) {
        return Ok(());
    }
    let whose = match recorder {
        Recorder::Hub => "the hub".to_owned(),
        Recorder::Location(location) => format!("location {location}"),
    };
    Err(Parked::new(
        "location",
        format!("location {author} wrote into an order what only {whose} may"),
    ))
}

fn bears_its_origin(carried: &Carried<'_>, receipt: &Receipt) -> Judged<()> {
    let number = &receipt.number;
    let code = carried.origin.code();
    if number.location == *carried.location && number.code == code {
        return Ok(());
    }
    let location = carried.location;
    Err(Parked::new(
        "receipt_number",
        format!("receipt {number} does not bear its origin's location {location} and code {code}"),
    ))
}

impl From<Clash> for Parked {
    fn from(clash: Clash) -> Self {
        let rule = match clash {
            Clash::Document(_) => "document",
            Clash::ReceiptNumber(_) => "receipt_number",
            Clash::Overflow(_) => "overflow",
        };
        Self::new(rule, clash.to_string())
    }
}
