//! What every request of the node works on: its two databases, who it is, and
//! its clock.
//!
//! A node trades under the location that it enrolled for. Before that it
//! answers, and refuses to sell with the remedy.
//!
//! Invariant: a [`Node`] exists only in the process that holds the data
//! folder's lock; whatever it writes carries the author that
//! [`Node::author`] gives inside the write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use evertill_domain::Timestamp;
use evertill_storage::journal::Author;
use evertill_storage::reference::{ReferenceError, ReferenceStore};
use evertill_storage::{Role, Store, Surroundings};

use crate::services::tills::Tills;
use crate::uplink::Uplink;

/// An open node; clones share it.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    store: Store,
    surroundings: Surroundings,
    reference: ReferenceStore,
    author: RwLock<Option<Author>>,
    hub: RwLock<HubContact>,
    uplink: Mutex<Option<Uplink>>,
    tills: Tills,
}

/// How the connection to the hub stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubContact {
    /// Whether a session with the hub is open.
    pub connected: bool,
    /// Whether hub and node have agreed on the journal since the process started:
    /// only then does the node know that it was not set back.
    pub agreed: bool,
    /// When the hub was last heard; none since the start if never.
    pub last_contact: Option<Timestamp>,
    /// Items that the hub has for this location and this node has not applied,
    /// as far as it knows.
    pub behind: u64,
}

impl Node {
    /// Opens the reference data beside an open store.
    ///
    /// # Errors
    /// The reference database cannot be opened.
    pub fn open(store: Store) -> Result<Self, ReferenceError> {
        Self::open_in(store, Surroundings::Machine)
    }

    /// [`Self::open`], with the time and the chance of `surroundings`.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_in(store: Store, surroundings: Surroundings) -> Result<Self, ReferenceError> {
        let reference = ReferenceStore::open(store.dir(), Role::Node)?;
        Ok(Self(Arc::new(Inner {
            store,
            surroundings,
            reference,
            author: RwLock::default(),
            hub: RwLock::default(),
            uplink: Mutex::default(),
            tills: Tills::default(),
        })))
    }

    /// Journal, projections, answers and tokens.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.surroundings.now()
    }

    /// Time and chance.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    /// Products, locations and policies.
    #[must_use]
    pub fn reference(&self) -> &ReferenceStore {
        &self.0.reference
    }

    /// The tokens of tills that were found before.
    #[must_use]
    pub fn tills(&self) -> &Tills {
        &self.0.tills
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.store.dir()
    }

    /// Who writes here; none before enrolment.
    #[must_use]
    pub fn author(&self) -> Option<Author> {
        let held = self.0.author.read().unwrap_or_else(PoisonError::into_inner);
        held.clone()
    }

    /// Says who writes here from now on. Called when a journal was started, from
    /// the hook of that commit, so that no write in between carries the old one.
    pub fn set_author(&self, author: Author) {
        let mut held = self
            .0
            .author
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Some(author);
    }

    /// How the connection to the hub stands.
    #[must_use]
    pub fn hub(&self) -> HubContact {
        *self.0.hub.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the line to the hub until the node stops.
    pub fn set_uplink(&self, uplink: Uplink) {
        *self.0.uplink.lock().unwrap_or_else(PoisonError::into_inner) = Some(uplink);
    }

    /// Gives the line to the hub up, to be stopped.
    #[must_use]
    pub fn take_uplink(&self) -> Option<Uplink> {
        let mut held = self.0.uplink.lock().unwrap_or_else(PoisonError::into_inner);
        held.take()
    }

    /// Notes how the connection to the hub stands.
    pub fn set_hub(&self, contact: HubContact) {
        *self.0.hub.write().unwrap_or_else(PoisonError::into_inner) = contact;
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&self.dir()).finish()
    }
}
