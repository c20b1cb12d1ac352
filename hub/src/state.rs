//! What every command and every request of the hub works on: its two databases
//! and its clock.
//!
//! Invariant: a [`Hub`] exists only in the process that holds the data folder's
//! lock, whether that process serves or carries out one command.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use evertill_domain::Timestamp;
use evertill_storage::reference::{ReferenceError, ReferenceStore};
use evertill_storage::{Role, Store};

/// An open hub; clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    store: Store,
    reference: ReferenceStore,
    importing: Mutex<()>,
}

impl Hub {
    /// Opens the reference data beside an open store.
    ///
    /// # Errors
    /// The reference database cannot be opened.
    pub fn open(store: Store) -> Result<Self, ReferenceError> {
        let reference = ReferenceStore::open(store.dir(), Role::Hub)?;
        Ok(Self(Arc::new(Inner {
            store,
            reference,
            importing: Mutex::default(),
        })))
    }

    /// Journal, projections, keys and certificates.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Products, locations and policies.
    #[must_use]
    pub fn reference(&self) -> &ReferenceStore {
        &self.0.reference
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.store.dir()
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

/// The machine's clock. A clock before 1970 reads as 1970.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
