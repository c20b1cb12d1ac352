//! The line between hub and node, without sockets: what the sessions carry goes
//! straight from database to database, with the faults of a line.
//!
//! Invariant: nothing reaches a peer that its sender has not committed.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use evertill_documents::PART_CODEC;
use evertill_domain::{ReplicaId, Seq};
use evertill_hub::live::{Admitted, Connected};
use evertill_journal::{Compression, Frame, Watermark, pack};
use evertill_node::services::work;
use evertill_node::state::HubContact;
use evertill_sim::rng::Rng;
use evertill_storage::ingest::{self, Peer};
use evertill_storage::projection::minters;
use evertill_storage::{TableError, feed, journal, pickup};

use crate::machines::{HubSite, Site};

/// Bytes of one frame or page, at most.
const FRAME_BYTES: u64 = 256 << 10;

/// Hello and welcome: both compare what they hold of the node's journal, the
/// hub learns how far it reaches, and the node gets its key. `None` when the two
/// do not agree: the node was set back, and stays without the hub.
pub(crate) fn greet(hub: &HubSite, site: &Site, compares: bool) -> Result<Option<Admitted>> {
    let (replica, now) = (site.author().replica, hub.hub().now());
    let held = held(hub, replica)?;
    let own = site
        .node()
        .store()
        .read_blocking(move |conn| journal::entry_hash(conn, replica, held.seq))?;
    if compares && evertill_sync::compare(&held, own).is_some() {
        return Ok(None);
    }
    let reach = head(site)?;
    let (author, home) = (hub.author().clone(), site.location.clone());
    let id = site.id;
    let key = hub
        .hub()
        .store()
        .write_blocking("note a hello", move |tx| {
            journal::set_announced(tx, replica, (id, &home), &reach, now)?;
            if minters::of(tx, &home)?.is_none() {
                feed::name_minter(tx, &author, &home, replica)?;
            }
            Ok::<_, TableError>(pickup::master(tx)?.map(|master| master.of(&home)))
        })?;
    site.node().set_hub(HubContact {
        connected: true,
        agreed: true,
        last_contact: Some(now),
        behind: 0,
    });
    if let Some(key) = key {
        site.run(work::keep_key(site.node().clone(), key));
    }
    let connected = Connected {
        replica,
        since: now,
        version: String::new(),
        cut: Arc::new(|| {}),
    };
    Ok(Some(hub.hub().live().admit(site.id, connected)))
}

/// How far the hub holds a journal.
pub(crate) fn held(hub: &HubSite, replica: ReplicaId) -> Result<Watermark> {
    let store = hub.hub().store();
    Ok(store.read_blocking(move |conn| journal::head(conn, replica))?)
}

/// The line is gone.
pub(crate) fn part(site: &Site) {
    let held = site.node().hub();
    site.node().set_hub(HubContact {
        connected: false,
        ..held
    });
}

/// How far a machine's journal reaches.
pub(crate) fn head(site: &Site) -> Result<Watermark> {
    let replica = site.author().replica;
    Ok(site
        .node()
        .store()
        .read_blocking(move |conn| journal::head(conn, replica))?)
}

/// How a line misbehaves while it carries something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Send again what the peer holds: so many items.
    pub(crate) overlap: u64,
    /// Send no more than so many.
    pub(crate) most: usize,
    /// Send the same twice.
    pub(crate) twice: bool,
    /// The acknowledgement is lost.
    pub(crate) unheard: bool,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        overlap: 0,
        most: 500,
        twice: false,
        unheard: false,
    };

    pub(crate) fn drawn(rng: &mut Rng) -> Self {
        Self {
            overlap: rng.below(4),
            most: 1 + rng.index(6),
            twice: rng.chance(1, 5),
            unheard: rng.chance(1, 5),
        }
    }
}

/// Sends entries of the node's journal; true if the hub got any that are new.
pub(crate) fn send_up(hub: &HubSite, site: &Site, faults: Faults) -> Result<bool> {
    let replica = site.author().replica;
    let before = held(hub, replica)?;
    let after = before.seq.saturating_sub(faults.overlap);
    let Some(frame) = frame(site, after, faults.most)? else {
        return Ok(false);
    };
    let peer = Peer {
        node: site.id,
        location: site.location.clone(),
    };
    let now = hub.hub().now();
    let taken = hub
        .hub()
        .store()
        .write_blocking("take in journals", move |tx| {
            let mut frames = vec![(&peer, &frame)];
            if faults.twice {
                frames.push((&peer, &frame));
            }
            ingest::group(tx, &frames, now)
        })?;
    for result in taken {
        let ingested = result.map_err(|error| anyhow!("{}: {error}", site.location))?;
        ensure!(
            ingested.parked == 0,
            "{}: an entry is parked",
            site.location
        );
    }
    let held = held(hub, replica)?;
    if !faults.unheard {
        site.node()
            .store()
            .write_blocking("note what the hub holds", move |tx| {
                journal::set_acknowledged(tx, replica, &held)
            })?;
    }
    // What the node wrote meanwhile is announced before the next entry.
    let (reach, id, home) = (head(site)?, site.id, site.location.clone());
    hub.hub()
        .store()
        .write_blocking("note what a node announced", move |tx| {
            journal::set_announced(tx, replica, (id, &home), &reach, now)
        })?;
    Ok(held.seq > before.seq)
}

fn frame(site: &Site, after: Seq, most: usize) -> Result<Option<Frame>> {
    let replica = site.author().replica;
    Ok(site.node().store().read_blocking(move |conn| {
        let entries = journal::entries_after(conn, replica, after, most, FRAME_BYTES)?;
        if entries.is_empty() {
            return Ok(None);
        }
        let nothing = Watermark::nothing(replica);
        let from = match journal::entry_hash(conn, replica, after)? {
            Some(hash) => Watermark { seq: after, hash },
            None => nothing,
        };
        let writer = journal::actor_at(conn, replica, after)?;
        let packed = pack(&from, writer, &entries, Compression::Live, PART_CODEC);
        packed.map(Some).map_err(|error| TableError::Damaged {
            what: "a journal".to_owned(),
            detail: error.to_string(),
        })
    })?)
}

/// Sends items of the location's feed; true if the node got any that are new.
/// `lose` is what a line never does: it leaves an item out.
pub(crate) fn send_down(hub: &HubSite, site: &Site, faults: Faults, lose: bool) -> Result<bool> {
    let (own, location, now) = (hub.author().replica, site.location.clone(), hub.hub().now());
    let before = feed_held(site)?;
    let after = before.saturating_sub(faults.overlap);
    let place = location.clone();
    let page = hub.hub().store().read_blocking(move |conn| {
        feed::read(conn, own, &place, after, faults.most, FRAME_BYTES)
    })?;
    let Some(mut page) = page else {
        return Ok(false);
    };
    if lose && page.items.len() > 1 {
        page.items.remove(0);
    }
    let was_minter = site.is_minter()?;
    let place = location.clone();
    let taken = site
        .node()
        .store()
        .write_blocking("take in the feed", move |tx| {
            if faults.twice
                && let Err(error) = feed::commit(tx, &place, &page, now)?
            {
                return Ok(Err(error));
            }
            feed::commit(tx, &place, &page, now)
        })?;
    let taken = taken.map_err(|error| anyhow!("{location}: {error}"))?;
    // Before the history of an earlier machine is back, what builds on it waits.
    ensure!(
        taken.parked == 0 || !was_minter,
        "{location}: an item is parked"
    );
    if !faults.unheard {
        let id = site.id;
        hub.hub()
            .store()
            .write_blocking("note what a node holds", move |tx| {
                feed::acknowledge(tx, own, &location, id, &taken.at, now)
            })?;
    }
    Ok(feed_held(site)? > before)
}

/// How much of its feed a node holds.
pub(crate) fn feed_held(site: &Site) -> Result<Seq> {
    let location = site.location.clone();
    let held = site
        .node()
        .store()
        .read_blocking(move |conn| feed::position(conn, &location))?;
    Ok(held.map_or(0, |(_, at)| at.seq))
}

/// Brings the node's reference data to the hub's version.
pub(crate) fn refer(hub: &HubSite, site: &Site) -> Result<()> {
    loop {
        let reference = site.node().reference();
        let from = reference.position_blocking()?;
        let live = hub.hub().reference().live();
        if (from.hub, from.version) == (live.hub, live.version) && from.cursor.is_none() {
            return Ok(());
        }
        let page = hub
            .hub()
            .reference()
            .page_after_blocking(&from, usize::try_from(FRAME_BYTES)?)?;
        let staged = reference.stage_blocking(&page)?;
        if staged == from {
            return Err(anyhow!("reference data makes no progress")).context("a page");
        }
    }
}
