//! How what arrives becomes tables: the hub's ingest of frames and a node's
//! intake of feed items, both behind the real gate, and the rebuild that an
//! oracle compares with.
//!
//! Invariant: an entry or item is applied whole or parked whole.

use std::rc::Rc;

use evertill_documents::{PART_CODEC, gate, read};
use evertill_domain::{ActorId, Event, Hlc, LocationId, ReplicaId, Seq, effects, event};
use evertill_journal::{Chain, Frame, Part, Sealed, Watermark, unpack};
use evertill_storage::feed::{Item, item_hash};
use evertill_sync::FeedFrame;

use crate::bug::Bug;
use crate::tables::{Applied, FeedItem, Op, Place, Projections, Tables};

/// Who wrote some parts, and what they may speak for.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The journal.
    pub replica: ReplicaId,
    /// The entry.
    pub seq: Seq,
    /// Who wrote it, if anybody said so.
    pub actor: Option<ActorId>,
    /// The entry's clock.
    pub hlc: Hlc,
    /// Where its author stands.
    pub author: &'a LocationId,
    /// The location whose affairs its events may record.
    pub about: &'a LocationId,
}

/// What a change that was let in adds.
#[must_use]
pub fn applied(place: Place, hlc: Hlc, part: &Part, events: &[Event]) -> Rc<Applied> {
    Rc::new(Applied {
        document: part.document,
        place,
        hlc,
        change: part.change.clone(),
        effects: events.iter().map(effects).collect(),
    })
}

/// Judges each part: what it adds, or why it is kept out.
fn judge(
    projections: &Projections,
    origin: &Origin<'_>,
    parts: &[(&Part, u32)],
) -> Vec<Option<Rc<Applied>>> {
    let one = |(part, n_end): &(&Part, u32)| {
        let (known, kind) = projections.known(&part.document);
        let expected = gate::Expected {
            actor: origin.actor?,
            entry_seq: origin.seq,
            n: part.n,
            n_end: *n_end,
            document: part.document,
            known: &known,
            kind,
        };
        let gated = gate::check(&part.change, &expected, &gate::Limits::default()).ok()?;
        let mut events = gated.decoded.iter();
        let place = (origin.replica, origin.seq, part.n);
        events
            .all(|event| may_record(origin, event))
            .then(|| applied(place, origin.hlc, part, &gated.decoded))
    };
    parts.iter().map(one).collect()
}

/// Whether an event is its author's to claim.
fn may_record(origin: &Origin<'_>, event: &Event) -> bool {
    let location = match event {
        Event::Receipt(receipt) if receipt.number.code != origin.replica.code() => return false,
        Event::Receipt(receipt) => &receipt.number.location,
        Event::Movements(record) => &record.location,
        Event::CountRequested(request) => &request.location,
        Event::CountPosted(posted) => &posted.location,
        Event::Order(event) => return event.recorder().admits(origin.author),
        // The hub of the simulator seals nobody.
        Event::ReplicaSealed(_) => return false,
        Event::Unknown { .. } => return true,
    };
    location == origin.about
}

fn take(
    origin: &Origin<'_>,
    judged: Vec<Option<Rc<Applied>>>,
    bug: Option<Bug>,
) -> (Vec<Op>, Vec<Op>) {
    let whole = judged.iter().all(Option::is_some);
    let kept = if whole {
        Vec::new()
    } else {
        vec![Op::Park(origin.replica, origin.seq)]
    };
    let applies = whole || bug == Some(Bug::ApplyParkedParts);
    let good = judged.into_iter().flatten().filter(|_| applies);
    (kept, good.map(Op::Apply).collect())
}

/// What a frame changes at the hub: entries, and apart from them projections.
///
/// # Errors
/// Why the frame does not continue the journal.
pub fn ingest(
    tables: &Tables,
    frame: &Frame,
    after: &Watermark,
    location: &LocationId,
    bug: Option<Bug>,
) -> Result<(Vec<Op>, Vec<Op>), String> {
    let mut entries = unpack(frame, after, PART_CODEC).map_err(|error| error.to_string())?;
    if bug == Some(Bug::DropFrameTail) && entries.len() > 1 {
        entries.pop();
    }
    let replica = frame.replica;
    let mut chain = Chain::from(replica, tables.head(replica));
    let mut actor = tables.actors.get(&replica).copied();
    let (mut kept, mut projections) = (Vec::new(), Vec::new());
    for sealed in entries {
        if is_known(tables, &sealed, bug)? {
            continue;
        }
        chain.next(&sealed).map_err(|error| error.to_string())?;
        let entry = &sealed.entry;
        actor = entry.started_actor().or(actor);
        let origin = Origin {
            replica,
            seq: entry.seq,
            actor,
            hlc: entry.hlc,
            author: location,
            about: location,
        };
        // No document meets two entries of one frame here: a node extends only
        // what a feed brought, once.
        let judged = judge(&tables.projections, &origin, &bounded(&sealed));
        let (parked, good) = take(&origin, judged, bug);
        kept.push(Op::Entry(Rc::new(sealed)));
        kept.extend(parked);
        projections.extend(good);
    }
    Ok((kept, projections))
}

/// The parts of an entry, each with the number that its events stay below.
fn bounded(sealed: &Sealed) -> Vec<(&Part, u32)> {
    let parts = &sealed.entry.parts;
    let ends = parts.iter().skip(1).map(|part| part.n).chain([u32::MAX]);
    parts.iter().zip(ends).collect()
}

/// Whether the hub holds this very entry already.
fn is_known(tables: &Tables, sealed: &Sealed, bug: Option<Bug>) -> Result<bool, String> {
    let seq = sealed.entry.seq;
    if bug == Some(Bug::DedupeBySeqAlone) {
        let longest = tables.journals.values().map(Vec::len).max();
        return Ok(longest.unwrap_or(0) as u64 >= seq);
    }
    match tables.hash_at(sealed.entry.replica, seq) {
        None => Ok(false),
        Some(held) if held == sealed.hash => Ok(true),
        Some(_) => Err(format!("entry {seq} differs from the one held")),
    }
}

/// What a page of the feed changes at a node.
///
/// # Errors
/// Why it does not continue the feed.
pub fn take_feed(
    tables: &Tables,
    location: &LocationId,
    frame: &FeedFrame,
    after: &Watermark,
) -> Result<Vec<Op>, String> {
    let (mut at, mut ops) = (*after, Vec::new());
    let held = tables.feeds.get(location).map_or(&[][..], Vec::as_slice);
    for (seq, bytes) in (frame.first_seq..).zip(&frame.items) {
        let hash = item_hash(&at.hash, location, seq, bytes);
        at = Watermark { seq, hash };
        let index = usize::try_from(seq - 1).map_err(|error| error.to_string())?;
        match held.get(index) {
            // An older connection brought it already.
            Some(known) if known.at == at => continue,
            Some(_) => return Err(format!("feed item {seq} differs from the one held")),
            None => {}
        }
        let item = Item::decode(bytes).map_err(|error| error.to_string())?;
        let origin = Origin {
            replica: item.origin,
            seq: item.seq,
            actor: Some(item.actor),
            hlc: item.hlc,
            author: &item.location,
            about: location,
        };
        let parts: Vec<_> = item.parts.iter().map(|p| (&p.part, p.n_end)).collect();
        let judged = judge(&tables.projections, &origin, &parts);
        let (parked, good) = take(&origin, judged, None);
        let bytes = bytes.clone();
        ops.push(Op::Feed(location.clone(), Rc::new(FeedItem { bytes, at })));
        ops.extend(parked);
        ops.extend(good);
    }
    if at.hash == frame.head {
        Ok(ops)
    } else {
        Err("the page's head is not the hash of its items".to_owned())
    }
}

/// The projections made again from journals and feeds, and from nothing else.
#[must_use]
pub fn rebuild(tables: &Tables) -> Projections {
    let mut again = Projections::default();
    let mut add = |replica: ReplicaId, seq: Seq, hlc: Hlc, part: &Part| {
        if tables.parked.contains(&(replica, seq)) {
            return;
        }
        let events = read(&part.change).unwrap_or_default();
        let events: Vec<Event> = events
            .iter()
            .filter_map(|(_, bytes)| event::decode(bytes).ok())
            .collect();
        again.add(&applied((replica, seq, part.n), hlc, part, &events));
    };
    for sealed in tables.journals.values().flatten() {
        let entry = &sealed.entry;
        for part in &entry.parts {
            add(entry.replica, entry.seq, entry.hlc, part);
        }
    }
    for feed_item in tables.feeds.values().flatten() {
        let item = Item::decode(&feed_item.bytes).expect("invariant: it was decoded before");
        // The hub holds the journals that its feeds are made of.
        if tables.journals.contains_key(&item.origin) {
            continue;
        }
        for part in &item.parts {
            add(item.origin, item.seq, item.hlc, &part.part);
        }
    }
    again
}
