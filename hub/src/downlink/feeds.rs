//! How far each feed reaches, told to the sessions after each commit that added
//! to one.
//!
//! Invariant: a head that is told is on stable storage.

use std::collections::BTreeMap;

use evertill_domain::{LocationId, ReplicaId};
use evertill_journal::Watermark;
use evertill_storage::feed;
use tokio::sync::watch;

use crate::state::Hub;

/// The heads of all feeds.
pub(super) type FeedHeads = watch::Receiver<BTreeMap<LocationId, Watermark>>;

/// Reads the heads after every commit and tells them when they changed.
pub(super) fn watch(hub: &Hub, own: ReplicaId) -> FeedHeads {
    let (tell, heads) = watch::channel(BTreeMap::new());
    let (hub, mut commits) = (hub.clone(), hub.store().commits());
    tokio::spawn(async move {
        loop {
            match hub.store().read(move |conn| feed::heads(conn, own)).await {
                Ok(found) => {
                    let found: BTreeMap<_, _> = found.into_iter().collect();
                    tell.send_if_modified(|held| {
                        let changed = *held != found;
                        *held = found;
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
