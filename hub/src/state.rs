//! What every command and every request of the hub works on: its databases, its
//! own journal, who is connected, and the clock.
//!
//! Invariant: a [`Hub`] exists only in the process that holds the data folder's
//! lock, whether that process serves or carries out one command.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evertill_domain::order::PickupKey;
use evertill_domain::{ActorId, LocationId, NodeId, ReplicaId, Timestamp};
use evertill_storage::journal::{self, Author, Beginning};
use evertill_storage::pickup;
use evertill_storage::reference::{ReferenceError, ReferenceStore};
use evertill_storage::rusqlite::Connection;
use evertill_storage::secret::NoRandomness;
use evertill_storage::{ReadError, Role, Store, Surroundings, TableError, TableResult, WriteError};

use evertill_transport::{HubIdentity, IdentityError, Revocations};

use crate::live::Live;
use crate::services::grants::UnderWay;
use crate::services::refused::Attempts;

/// The location that the hub's own entries name.
pub const HUB_LOCATION: &str = "HUB";

/// An open hub; clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    store: Store,
    surroundings: Surroundings,
    reference: ReferenceStore,
    importing: Mutex<()>,
    policies: tokio::sync::Mutex<()>,
    author: Mutex<Option<Author>>,
    identity: Mutex<Option<Arc<HubIdentity>>>,
    revocations: Revocations,
    live: Live,
    grants: UnderWay,
    refused: Attempts,
}

/// A hub that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Its reference data.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Its list of revoked certificates.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The hub's own journal could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No random bytes for its ids.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<TableError>),
    /// The start entry could not be written.
    #[error(transparent)]
    Write(#[from] WriteError<TableError>),
}

impl Hub {
    /// Opens what stands beside an open store.
    ///
    /// # Errors
    /// The reference database or the list of revoked certificates cannot be
    /// opened.
    pub fn open(store: Store) -> Result<Self, HubError> {
        Self::open_in(store, Surroundings::Machine)
    }

    /// [`Self::open`], with the time and the chance of `surroundings`.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_in(store: Store, surroundings: Surroundings) -> Result<Self, HubError> {
        let reference = ReferenceStore::open(store.dir(), Role::Hub)?;
        let revocations = Revocations::open(store.dir())?;
        Ok(Self(Arc::new(Inner {
            store,
            surroundings,
            reference,
            importing: Mutex::default(),
            policies: tokio::sync::Mutex::default(),
            author: Mutex::default(),
            identity: Mutex::default(),
            revocations,
            live: Live::default(),
            grants: UnderWay::default(),
            refused: Attempts::default(),
        })))
    }

    /// Journal, projections, keys and certificates.
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

    /// Who is connected now.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// Rights that stores are asked for and have not handed on yet.
    #[must_use]
    pub fn grants(&self) -> &UnderWay {
        &self.0.grants
    }

    /// Orders that were refused and are not kept yet.
    #[must_use]
    pub fn refused(&self) -> &Attempts {
        &self.0.refused
    }

    /// The certificates that count no more.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// The hub's authority and certificate; the first call on a new folder
    /// makes them.
    ///
    /// # Errors
    /// A file cannot be read or written, or is damaged.
    pub fn identity(&self) -> Result<Arc<HubIdentity>, IdentityError> {
        let mut identity = self
            .0
            .identity
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*identity {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(HubIdentity::open(self.dir(), self.now())?);
        *identity = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Who writes the hub's own journal in this process. The first call writes
    /// the start entry; a command that writes nothing never calls it. Blocks.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn author(&self) -> Result<Author, StartError> {
        let mut author = self.0.author.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = &*author {
            return Ok(started.clone());
        }
        let started = self.start_journal()?;
        *author = Some(started.clone());
        Ok(started)
    }

    fn start_journal(&self) -> Result<Author, StartError> {
        let drawn = self.surroundings();
        let node = match self.store().read_blocking(former_node)? {
            Some(former) => former,
            None => NodeId(u64::from_be_bytes(drawn.draw_bytes()?)),
        };
        let beginning = Beginning {
            node,
            location: hub_location(),
            replica: ReplicaId(u64::from_be_bytes(drawn.draw_bytes()?)),
            renew: false,
            actor: ActorId(drawn.draw_bytes()?),
            now: self.now(),
        };
        let key = PickupKey::new(drawn.draw_bytes()?);
        let start = move |tx: &evertill_storage::WriteTx| {
            pickup::ensure_master(tx, &key)?;
            journal::start(tx, &beginning)
        };
        Ok(self.store().write_blocking("start the journal", start)?)
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.store.dir()
    }

    /// Waits until nobody else puts approved policies in force.
    pub(crate) async fn policies_alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.policies.lock().await
    }

    /// Waits for the import that runs, if one does; the next waits for the
    /// guard. Two imports at once would each decide on what the other changes.
    pub(crate) fn import_alone(&self) -> MutexGuard<'_, ()> {
        self.0
            .importing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hub").field(&self.dir()).finish()
    }
}

/// The machine that wrote the hub's journal before. A restored database has
/// forgotten whose journal it wrote, and still holds it.
fn former_node(conn: &Connection) -> TableResult<Option<NodeId>> {
    if let Some(own) = journal::identity(conn)? {
        return Ok(Some(own.node));
    }
    let hub = hub_location();
    let journals = journal::journals(conn)?;
    let former = journals.iter().find(|journal| journal.location == hub);
    Ok(former.map(|journal| journal.node))
}

/// [`HUB_LOCATION`] as its type.
///
/// # Panics
/// Never: it is the id of a location.
#[must_use]
pub fn hub_location() -> LocationId {
    HUB_LOCATION
        .parse()
        .expect("invariant: HUB is the id of a location")
}
