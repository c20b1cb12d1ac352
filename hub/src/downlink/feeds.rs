//! How far each feed and each private stream reaches, told to the sessions after
//! each commit that added to one.
//!
//! Invariant: a head that is told is on stable storage.

use std::collections::BTreeMap;

use evertill_domain::{LocationId, ReplicaId};
use evertill_journal::Watermark;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, feed, private};
use tokio::sync::watch;

use crate::state::Hub;

/// The heads of all streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heads {
    /// The feeds.
    pub(super) feeds: BTreeMap<LocationId, Watermark>,
    /// The private streams.
    pub(super) private: BTreeMap<LocationId, u64>,
    /// The number of the last private change of all.
    last: u64,
}

/// How sessions hear of them.
pub(super) type FeedHeads = watch::Receiver<Heads>;

/// Reads the heads after every commit and tells them when they changed.
pub(super) fn watch(hub: &Hub, own: ReplicaId) -> FeedHeads {
    let (tell, heads) = watch::channel(Heads::default());
    let (hub, mut commits) = (hub.clone(), hub.store().commits());
    tokio::spawn(async move {
        loop {
            let last = tell.borrow().last;
            match hub.store().read(move |conn| read(conn, own, last)).await {
                Ok((feeds, private)) => {
                    tell.send_if_modified(|held| {
                        let changed = held.feeds != feeds || private.is_some();
                        held.feeds = feeds;
                        if let Some((last, heads)) = private {
                            (held.last, held.private) = (last, heads);
                        }
                        changed
                    });
                }
                Err(error) => tracing::warn!(%error, "the feeds could not be read"),
            }
            if commits.changed().await.is_err() {
                return;
            }
        }
    });
    heads
}

type Private = (u64, BTreeMap<LocationId, u64>);

/// The heads of the feeds, and of the private streams if one has grown since the
/// change of this number.
fn read(
    conn: &Connection,
    own: ReplicaId,
    known: u64,
) -> TableResult<(BTreeMap<LocationId, Watermark>, Option<Private>)> {
    let feeds = feed::heads(conn, own)?.into_iter().collect();
    let last = private::last(conn)?;
    if last == known {
        return Ok((feeds, None));
    }
    Ok((feeds, Some((last, private::heads(conn)?))))
}
