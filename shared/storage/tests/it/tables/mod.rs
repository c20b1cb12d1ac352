//! Small tables that belong to one database: answers, registers, keys, tokens.

mod apikeys;
mod changes;
mod completeness;
mod decisions;
mod enrolments;
mod exceptions;
mod idempotency;
mod imports;
mod private;
mod registers;

use std::path::Path;

use evertill_domain::Timestamp;
use evertill_storage::rusqlite::Connection;
use evertill_storage::{Store, StoreOptions, TableError, WriteError};
use tempfile::TempDir;

/// A store in a folder of its own.
struct Tables {
    store: Store,
    dir: TempDir,
}

/// Why a test undoes a write.
#[derive(Debug, thiserror::Error)]
enum Undo {
    #[error("undone on purpose")]
    OnPurpose,
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Tables {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self {
            store: open(dir.path()),
            dir,
        }
    }

    fn write<T, E>(
        &self,
        closure: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WriteError<E>>
    where
        T: Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        self.store.write_blocking("test", |tx| closure(tx))
    }

    /// Runs a write and undoes it.
    fn undone<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&Connection) -> Result<T, TableError> + Send + 'static,
    ) {
        let undone = self.write(move |conn| {
            closure(conn)?;
            Err::<(), _>(Undo::OnPurpose)
        });
        assert!(
            matches!(undone, Err(WriteError::Rejected(Undo::OnPurpose))),
            "{undone:?}"
        );
    }

    fn read<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&Connection) -> Result<T, TableError> + Send + 'static,
    ) -> T {
        self.store.read_blocking(closure).unwrap()
    }

    /// Closes and opens again, as a restart does.
    fn restart(self) -> Self {
        let Self { store, dir } = self;
        store.close();
        let store = open(dir.path());
        Self { store, dir }
    }

    /// Whether any file of the folder holds this text.
    fn holds(&self, text: &str) -> bool {
        std::fs::read_dir(self.dir.path()).unwrap().any(|file| {
            std::fs::read(file.unwrap().path())
                .unwrap_or_default()
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        })
    }
}

fn open(dir: &Path) -> Store {
    Store::open(dir, &StoreOptions::hub()).unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}
