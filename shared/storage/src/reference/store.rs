//! The store: one writer, pooled readers, and what memory answers from.
//!
//! Invariant: what [`ReferenceStore::live`] and [`ReferenceStore::policies`]
//! answer was committed, and never goes back behind a later commit.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use evertill_domain::policy::{Policies, Selling};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::watch;

use super::batch::Batch;
use super::connection::{self, Readers};
use super::error::ReferenceError;
use super::page::Page;
use super::policies::PolicyCache;
use super::row::Position;
use super::view::View;
use super::{pages, staging, state};
use crate::Role;

/// The database file in the data folder.
pub const REFERENCE_FILE: &str = "reference.db";

/// Read-only connections kept by default.
const READERS: usize = 4;

/// The reference data of one hub or node; clones share it.
///
/// Methods ending in `_blocking` wait on the disk and belong on a blocking
/// thread; the others do that themselves.
#[derive(Clone)]
pub struct ReferenceStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    role: Role,
    writer: Mutex<Connection>,
    readers: Arc<Readers>,
    policies: Arc<PolicyCache>,
    /// Held while committed state is read and published, so that a slower
    /// thread cannot publish an older one.
    publishing: Mutex<()>,
    changes: watch::Sender<Position>,
}

impl ReferenceStore {
    /// Opens DIR/reference.db, creating it if need be. A hub's gets its id now;
    /// a node's has none until its first snapshot.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, or does not keep its settings.
    pub fn open(dir: &Path, role: Role) -> Result<Self, ReferenceError> {
        let path = dir.join(REFERENCE_FILE);
        let writer = connection::open_writer(&path, role)?;
        let store = Self {
            inner: Arc::new(Inner {
                readers: Arc::new(Readers::new(&path, READERS)),
                path,
                role,
                writer: Mutex::new(writer),
                policies: Arc::default(),
                publishing: Mutex::new(()),
                changes: watch::Sender::new(Position::default()),
            }),
        };
        match role {
            Role::Hub => store.name_hub(false)?,
            Role::Node => store.write("tidy the reference data", |conn| {
                staging::tidy(conn).map_err(ReferenceError::storage("tidy the reference data"))
            })?,
        }
        store.publish()?;
        Ok(store)
    }

    /// Gives a restored hub a new id, so that every node fetches a snapshot.
    ///
    /// # Errors
    /// This is a node's store, or the database failed.
    pub fn renew(&self) -> Result<(), ReferenceError> {
        self.only(Role::Hub, "renew the hub's id")?;
        self.name_hub(true)?;
        self.publish()
    }

    /// Ticks whenever another version is live here, with its position.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Position> {
        self.inner.changes.subscribe()
    }

    /// What is live here: hub and version, from memory.
    #[must_use]
    pub fn live(&self) -> Position {
        self.inner.changes.borrow().clone()
    }

    /// Runs a read over one consistent set on a blocking thread.
    ///
    /// # Errors
    /// The read's own error, or the database could not be read.
    pub async fn read<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ReferenceError> + Send + 'static,
        F: FnOnce(&View) -> Result<T, E> + Send + 'static,
    {
        self.on_blocking_thread("read the reference data", move |store| {
            store.read_blocking(read)
        })
        .await
    }

    /// Runs a read over one consistent set.
    ///
    /// # Errors
    /// The read's own error, or the database could not be read.
    pub fn read_blocking<T, E: From<ReferenceError>>(
        &self,
        read: impl FnOnce(&View) -> Result<T, E>,
    ) -> Result<T, E> {
        let reader = self.inner.readers.borrow()?;
        let view = View::open(reader, Arc::clone(&self.inner.policies))?;
        read(&view)
    }

    /// Hub: runs a batch of changes as one version, all or nothing. `expected`
    /// is the version that the changes were decided on, if that matters.
    /// Returns the batch's result and the version that is live now.
    ///
    /// # Errors
    /// This is a node's store, the version moved, two products would share a
    /// barcode, the batch's own error, or the database failed.
    pub fn batch_blocking<T, E: From<ReferenceError>>(
        &self,
        expected: Option<u64>,
        change: impl FnOnce(&mut Batch<'_>) -> Result<T, E>,
    ) -> Result<(T, u64), E> {
        self.only(Role::Hub, "change the reference data")?;
        let done = self.write("change the reference data", |conn| {
            let mut batch = Batch::begin(conn, expected)?;
            let result = change(&mut batch)?;
            Ok::<_, E>((result, batch.finish()?))
        })?;
        self.publish()?;
        Ok(done)
    }

    /// Hub: [`Self::batch_blocking`] on a blocking thread.
    ///
    /// # Errors
    /// As [`Self::batch_blocking`].
    pub async fn batch<T, E, F>(&self, expected: Option<u64>, change: F) -> Result<(T, u64), E>
    where
        T: Send + 'static,
        E: From<ReferenceError> + Send + 'static,
        F: FnOnce(&mut Batch<'_>) -> Result<T, E> + Send + 'static,
    {
        self.on_blocking_thread("change the reference data", move |store| {
            store.batch_blocking(expected, change)
        })
        .await
    }

    /// Hub: the rows that follow a node's position, about `max_bytes` of them
    /// before compression and at least one.
    ///
    /// # Errors
    /// The database failed.
    pub fn page_after_blocking(
        &self,
        position: &Position,
        max_bytes: usize,
    ) -> Result<Page, ReferenceError> {
        let failed = || ReferenceError::storage("read a page of reference data");
        let reader = self.inner.readers.borrow()?;
        reader.begin().map_err(failed())?;
        pages::page_after(&reader, position, max_bytes).map_err(failed())
    }

    /// Hub: [`Self::page_after_blocking`] on a blocking thread.
    ///
    /// # Errors
    /// The database failed.
    pub async fn page_after(
        &self,
        position: Position,
        max_bytes: usize,
    ) -> Result<Page, ReferenceError> {
        self.on_blocking_thread("read a page of reference data", move |store| {
            store.page_after_blocking(&position, max_bytes)
        })
        .await
    }

    /// What to ask a hub for: what is live, or how far a fetch has come.
    ///
    /// # Errors
    /// The database failed.
    pub fn position_blocking(&self) -> Result<Position, ReferenceError> {
        let reader = self.inner.readers.borrow()?;
        reader
            .begin()
            .and_then(|()| state::position(&reader))
            .map_err(ReferenceError::storage("read the reference position"))
    }

    /// [`Self::position_blocking`] on a blocking thread.
    ///
    /// # Errors
    /// The database failed.
    pub async fn position(&self) -> Result<Position, ReferenceError> {
        self.on_blocking_thread("read the reference position", |store| {
            store.position_blocking()
        })
        .await
    }

    /// Node: keeps a page durably; if it completes a snapshot or delta, the new
    /// set is live when this returns. Returns the position after it.
    ///
    /// # Errors
    /// This is a hub's store, the page does not continue the position (nothing
    /// was changed: ask again from [`Self::position`]), or the database failed.
    pub fn stage_blocking(&self, page: &Page) -> Result<Position, ReferenceError> {
        self.only(Role::Node, "take over reference data")?;
        let staged = self.write("take over reference data", |conn| {
            staging::stage(conn, page)
        })?;
        if page.complete.is_some() {
            self.publish()?;
            let live = self.live();
            tracing::info!(
                reference.hub = format_args!("{:016x}", live.hub),
                reference.version = live.version,
                reference.snapshot = page.base == 0,
                "reference data is complete"
            );
        }
        if staged.swapped {
            // The swap is done; only space is freed here, and the next start
            // would do it as well.
            self.write("tidy the reference data", |conn| {
                staging::tidy(conn).map_err(ReferenceError::storage("tidy the reference data"))
            })?;
        }
        self.position_blocking()
    }

    /// Node: [`Self::stage_blocking`] on a blocking thread.
    ///
    /// # Errors
    /// As [`Self::stage_blocking`].
    pub async fn stage(&self, page: Page) -> Result<Position, ReferenceError> {
        self.on_blocking_thread("take over reference data", move |store| {
            store.stage_blocking(&page)
        })
        .await
    }

    /// The policies in force, from memory.
    #[must_use]
    pub fn policies(&self) -> Arc<Policies> {
        self.inner.policies.current().policies
    }

    /// The policies about promises in force, from memory.
    #[must_use]
    pub fn selling(&self) -> Arc<Selling> {
        self.inner.policies.current().selling
    }

    /// Writes a copy of the database, consistent while the store is in use.
    ///
    /// # Errors
    /// The target exists or cannot be written.
    pub fn backup_to(&self, target: &Path) -> Result<(), ReferenceError> {
        let reader = self.inner.readers.borrow()?;
        reader
            .execute("VACUUM INTO ?1", [target.to_string_lossy()])
            .map(drop)
            .map_err(ReferenceError::storage("back up the reference data"))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Draws the hub's id: if there is none yet, or anew.
    fn name_hub(&self, anew: bool) -> Result<(), ReferenceError> {
        const OPERATION: &str = "name the hub's reference data";
        self.write(OPERATION, |conn| {
            let live = state::live(conn).map_err(ReferenceError::storage(OPERATION))?;
            if live.hub != 0 && !anew {
                return Ok(());
            }
            let hub = getrandom::u64()
                .map_err(|error| ReferenceError::Open {
                    path: self.inner.path.clone(),
                    detail: format!("the system gives no random numbers: {error}"),
                })?
                .max(1);
            state::set_live(conn, state::Live { hub, ..live })
                .map_err(ReferenceError::storage(OPERATION))
        })
    }

    /// Makes the committed state the one that memory answers from.
    fn publish(&self) -> Result<(), ReferenceError> {
        let _alone = self
            .inner
            .publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (live, policies) =
            self.read_blocking(|view| Ok::<_, ReferenceError>((view.position(), view.held()?)))?;
        self.inner.policies.set_current(policies);
        self.inner
            .changes
            .send_if_modified(|held| std::mem::replace(held, live.clone()) != live);
        Ok(())
    }

    fn write<T, E: From<ReferenceError>>(
        &self,
        operation: &'static str,
        write: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = || ReferenceError::storage(operation);
        // A panic in an earlier write rolled its transaction back as it left.
        let mut conn = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed())?;
        let result = write(&transaction)?;
        transaction.commit().map_err(failed())?;
        Ok(result)
    }

    fn only(&self, role: Role, operation: &'static str) -> Result<(), ReferenceError> {
        if self.inner.role == role {
            return Ok(());
        }
        let role = match role {
            Role::Hub => "hub",
            Role::Node => "node",
        };
        Err(ReferenceError::Role { operation, role })
    }

    async fn on_blocking_thread<T, E, F>(&self, operation: &'static str, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ReferenceError> + Send + 'static,
        F: FnOnce(&Self) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || run(&store))
            .await
            .unwrap_or_else(|_| Err(ReferenceError::Panicked { operation }.into()))
    }
}
