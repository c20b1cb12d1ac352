//! Group commit: one fsync for many, and each write stands or falls alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use evertill_storage::rusqlite::Error;
use evertill_storage::{Store, StoreOptions, WriteError};

use super::{ids, insert, store, store_with};

/// Keeps the writer busy until the returned sender is used, so that everything
/// queued meanwhile lands in one group.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let store = store.clone();
    thread::spawn(move || {
        store.write_blocking("hold", move |_| {
            started.send(()).expect("the test waits for the start");
            // An error means that the test is over.
            let _ = held.recv();
            Ok::<_, Error>(())
        })
    });
    running.recv().unwrap();
    release
}

#[test]
fn many_writers_share_few_commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let before = store.stats();
    let barrier = Arc::new(Barrier::new(64));
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for n in 0..20 {
                    let id = writer * 20 + n;
                    store
                        .write_blocking("row", move |tx| insert(tx, id))
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(ids(&store), (0..1_280).collect::<Vec<_>>());
    let after = store.stats();
    assert_eq!(after.writes - before.writes, 1_280);
    assert!(after.groups - before.groups < 1_280 / 2, "{after:?}");
}

#[test]
fn a_refused_write_takes_nobody_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let release = hold(&store);
    let writers: Vec<_> = (0..10)
        .map(|id| {
            let store = store.clone();
            thread::spawn(move || {
                store.write_blocking("row", move |tx| {
                    insert(tx, id)?;
                    if id % 2 == 0 {
                        Err(Error::InvalidQuery)
                    } else {
                        Ok(())
                    }
                })
            })
        })
        .collect();
    while store.stats().waiting < 10 {
        thread::yield_now();
    }
    release.send(()).unwrap();
    for (id, writer) in writers.into_iter().enumerate() {
        let result = writer.join().unwrap();
        assert_eq!(result.is_err(), id % 2 == 0, "{id}: {result:?}");
    }
    assert_eq!(ids(&store), [1, 3, 5, 7, 9]);
}

#[test]
fn a_panic_is_contained_and_undone() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let result = store.write_blocking("row", |tx| -> Result<(), Error> {
        insert(tx, 1)?;
        panic!("a test's own panic");
    });
    assert!(
        matches!(result, Err(WriteError::Panicked { name: "row" })),
        "{result:?}"
    );
    store.write_blocking("row", |tx| insert(tx, 2)).unwrap();
    assert_eq!(ids(&store), [2]);
}

#[test]
fn a_full_database_keeps_nothing_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        max_bytes: Some(2 << 20),
        ..StoreOptions::node()
    };
    let store = store_with(dir.path(), &options);
    let large = |id: i64| {
        store.write_blocking("large row", move |tx| {
            tx.execute("INSERT INTO scratch VALUES (?1, zeroblob(65536))", [id])
        })
    };
    let full = (0..100)
        .find(|id| large(*id).is_err())
        .expect("2 MiB hold less than 100 rows");
    let error = large(full).unwrap_err();
    assert!(matches!(error, WriteError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(ids(&store), (0..full).collect::<Vec<_>>());
    store
        .write_blocking("make room", |tx| {
            tx.execute("DELETE FROM scratch WHERE id < 10", [])
        })
        .unwrap();
    large(full).unwrap();
    assert_eq!(ids(&store), (10..=full).collect::<Vec<_>>());
}

#[test]
fn hooks_follow_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (committed, undone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for id in 0..4 {
        let (committed, undone) = (Arc::clone(&committed), Arc::clone(&undone));
        let _ = store.write_blocking("row", move |tx| {
            tx.after_commit(move || _ = committed.fetch_add(1, Ordering::SeqCst));
            tx.on_rollback(move || _ = undone.fetch_add(1, Ordering::SeqCst));
            if id == 3 {
                Err(Error::InvalidQuery)
            } else {
                insert(tx, id)
            }
        });
    }
    assert_eq!(
        (
            committed.load(Ordering::SeqCst),
            undone.load(Ordering::SeqCst)
        ),
        (3, 1)
    );
}

#[test]
fn a_read_sees_one_snapshot_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.write_blocking("row", |tx| insert(tx, 1)).unwrap();
    let writer = store.clone();
    let counts = store.read_blocking(move |conn| {
        let count = || {
            conn.query_row("SELECT count(*) FROM scratch", [], |row| {
                row.get::<_, i64>(0)
            })
        };
        let before = count()?;
        writer.write_blocking("row", |tx| insert(tx, 2)).unwrap();
        Ok::<_, Error>((before, count()?))
    });
    assert_eq!(counts.unwrap(), (1, 1));
    assert!(store.read_blocking(|conn| insert(conn, 3)).is_err());
    assert_eq!(ids(&store), [1, 2]);
}

#[tokio::test]
async fn async_callers_are_answered_and_hear_of_commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let mut commits = store.commits();
    commits.mark_unchanged();
    store.write("row", |tx| insert(tx, 7)).await.unwrap();
    assert!(commits.has_changed().unwrap());
    let one = "SELECT id FROM scratch";
    let found = store.read(move |conn| conn.query_row(one, [], |row| row.get::<_, i64>(0)));
    assert_eq!(found.await.unwrap(), 7);
}

#[test]
fn a_closed_store_says_so_and_a_backup_holds_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    first.write_blocking("row", |tx| insert(tx, 1)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    first.backup_to(&copy.path().join("evertill.db")).unwrap();
    let left = first.clone();
    first.close();
    let result = left.write_blocking("row", |tx| insert(tx, 2));
    assert!(
        matches!(result, Err(WriteError::Closed { .. })),
        "{result:?}"
    );
    assert_eq!(ids(&store(copy.path())), [1]);
}
