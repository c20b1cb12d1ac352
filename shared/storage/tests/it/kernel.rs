//! The kernel: what an answer promises, and what a failure leaves behind.

mod control;
mod crash;
mod open;
mod write;

use std::path::Path;

use evertill_storage::rusqlite::{Connection, Result};
use evertill_storage::{Store, StoreOptions};

/// A store with a scratch table beside the real ones.
fn store(dir: &Path) -> Store {
    store_with(dir, &StoreOptions::node())
}

fn store_with(dir: &Path, options: &StoreOptions) -> Store {
    let store = Store::open(dir, options).unwrap();
    store
        .write_blocking("scratch", |tx| {
            tx.execute_batch("CREATE TABLE IF NOT EXISTS scratch (id INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT")
        })
        .unwrap();
    store
}

fn insert(conn: &Connection, id: i64) -> Result<usize> {
    conn.execute("INSERT INTO scratch VALUES (?1, x'00')", [id])
}

fn ids(store: &Store) -> Vec<i64> {
    store
        .read_blocking(|conn| {
            conn.prepare("SELECT id FROM scratch ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_>>()
        })
        .unwrap()
}
