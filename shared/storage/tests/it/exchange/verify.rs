//! Verification: each way to damage a database is found at its first row.

use evertill_storage::journal::{self, Write};
use evertill_storage::rusqlite::Connection;
use evertill_storage::verify::{FirstBad, Verified, VerifyError, verify};
use evertill_storage::{Store, StoreOptions, feed, ingest};

use super::events::received;
use super::world::{Hub, Site};
use crate::ledger::world::now;

/// A hub with two journals of its stores and a feed for one of them.
fn chain() -> (Hub, Site) {
    let hub = Hub::new();
    let mut site = Site::new("S001", 1);
    for _ in 0..5 {
        site.sell(&[("A", 1)]);
        let post = Write::Open(received("S001", "A", 1_000));
        let at = journal::append(&hub.conn, &hub.author, now(), &[post])
            .unwrap()
            .at
            .seq;
        feed::publish(&hub.conn, &hub.author, at).unwrap();
    }
    hub.take_all(&site);
    (hub, site)
}

fn bad(conn: &Connection) -> FirstBad {
    match verify(conn) {
        Err(VerifyError::Bad(bad)) => bad,
        other => panic!("not found: {other:?}"),
    }
}

/// Damages the store's journal, and says what verification finds.
fn damaged(sql: &str) -> FirstBad {
    let (hub, site) = chain();
    verify(&hub.conn).unwrap();
    hub.conn
        .execute_batch("PRAGMA ignore_check_constraints = 1")
        .unwrap();
    let replica = site.author.replica.0.cast_signed();
    let sql = sql.replace("STORE", &replica.to_string());
    hub.conn.execute_batch(&sql).unwrap();
    let bad = bad(&hub.conn);
    if bad.feed.is_none() {
        assert_eq!(bad.replica, site.author.replica, "{bad}");
    } else {
        assert_eq!(bad.replica, hub.author.replica, "{bad}");
    }
    bad
}

#[test]
fn whole_journals_and_feeds_are_listed_with_their_heads() {
    let (hub, site) = chain();
    let found = verify(&hub.conn).unwrap();
    let of = |replica, feed: Option<&str>| -> &Verified {
        let feed = feed.map(|location| location.parse().unwrap());
        found
            .iter()
            .find(|one| one.replica == replica && one.feed == feed)
            .unwrap()
    };
    assert_eq!(found.len(), 3);
    let head = journal::head(&site.conn, site.author.replica).unwrap();
    let store = of(site.author.replica, None);
    assert_eq!((store.entries, store.head), (6, head.hash));
    assert_eq!(of(hub.author.replica, None).entries, 6);
    assert_eq!(of(hub.author.replica, Some("S001")).entries, 5);
    // A store that has the feed verifies it too.
    let page = feed::read(
        &hub.conn,
        hub.author.replica,
        &site.author.location,
        0,
        500,
        1 << 30,
    );
    feed::commit(
        &site.conn,
        &site.author.location,
        &page.unwrap().unwrap(),
        now(),
    )
    .unwrap()
    .unwrap();
    assert_eq!(verify(&site.conn).unwrap().len(), 2);
}

#[test]
fn tampered_bytes() {
    // One digit of a sale is changed, with and without the hash beside it.
    let flip = "UPDATE entry SET bytes = CAST(substr(bytes, 1, 150) || x'00' || substr(bytes, 152) AS BLOB)
                WHERE replica = STORE AND seq = 3";
    assert_eq!(damaged(flip).seq, 3);
    let swapped =
        "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE replica = STORE AND seq = 4),
                       hash = (SELECT hash FROM entry WHERE replica = STORE AND seq = 4)
                   WHERE replica = STORE AND seq = 3";
    assert_eq!(damaged(swapped).seq, 3);
    let hash = "UPDATE entry SET hash = zeroblob(32) WHERE replica = STORE AND seq = 5";
    let bad = damaged(hash);
    assert_eq!(bad.seq, 5);
    assert!(bad.reason.contains("hash"), "{bad}");
    assert_eq!(
        damaged("UPDATE entry SET bytes = x'' WHERE replica = STORE AND seq = 1").seq,
        1
    );
}

#[test]
fn an_entry_that_was_replaced_with_every_hash_made_anew_behind_it() {
    // The forger owns the file: bytes, hash and the rest of the row agree, so
    // only the next entry, which names another predecessor, tells.
    let (hub, site) = chain();
    let mut forged = site.entries()[2].entry.clone();
    forged.hlc.0 += 1;
    let forged = evertill_journal::Sealed::seal(forged).unwrap();
    hub.conn
        .execute(
            "UPDATE entry SET bytes = ?1, hash = ?2 WHERE replica = ?3 AND seq = 3",
            (
                &forged.bytes,
                forged.hash.0,
                site.author.replica.0.cast_signed(),
            ),
        )
        .unwrap();
    let bad = bad(&hub.conn);
    assert_eq!((bad.replica, bad.seq), (site.author.replica, 4));
}

#[test]
fn reordered_rows() {
    let swap = "UPDATE entry SET seq = 1000 WHERE replica = STORE AND seq = 3;
                UPDATE entry SET seq = 3 WHERE replica = STORE AND seq = 4;
                UPDATE entry SET seq = 4 WHERE replica = STORE AND seq = 1000";
    let bad = damaged(swap);
    assert_eq!(bad.seq, 3);
    assert!(bad.reason.contains('4'), "{bad}");
}

#[test]
fn missing_and_truncated_rows() {
    let bad = damaged("DELETE FROM entry WHERE replica = STORE AND seq = 3");
    assert_eq!(bad.seq, 3);
    assert!(bad.reason.contains("missing"), "{bad}");
    let bad = damaged("DELETE FROM entry WHERE replica = STORE AND seq >= 5");
    assert_eq!(bad.seq, 5);
    assert!(bad.reason.contains("cut off"), "{bad}");
    assert_eq!(damaged("DELETE FROM entry WHERE replica = STORE").seq, 1);
}

#[test]
fn a_head_that_is_not_the_last_row() {
    let bad = damaged("UPDATE journal SET head_seq = 4 WHERE replica = STORE");
    assert_eq!(bad.seq, 6);
    assert!(bad.reason.contains("beyond the head"), "{bad}");
    let bad = damaged("UPDATE journal SET head_hash = zeroblob(32) WHERE replica = STORE");
    assert_eq!(bad.seq, 6);
    assert_eq!(
        damaged("UPDATE journal SET head_seq = 9 WHERE replica = STORE").seq,
        7
    );
    let bad = damaged("DELETE FROM journal WHERE replica = STORE");
    assert_eq!(bad.seq, 1);
    assert!(bad.reason.contains("not listed"), "{bad}");
}

#[test]
fn projections_that_stand_elsewhere() {
    for behind in [
        "UPDATE projection_head SET seq = 4 WHERE replica = STORE AND feed = ''",
        "UPDATE projection_head SET seq = 9 WHERE replica = STORE AND feed = ''",
        "DELETE FROM projection_head WHERE replica = STORE AND feed = ''",
    ] {
        let bad = damaged(behind);
        assert!(bad.reason.contains("rebuild"), "{bad}");
    }
}

#[test]
fn damaged_feeds() {
    let flip = "UPDATE feed_item SET bytes = CAST(substr(bytes, 1, 40) || x'ff' || substr(bytes, 42) AS BLOB)
                WHERE seq = 2";
    let cases = [
        (flip, 2),
        ("DELETE FROM feed_item WHERE seq = 3", 3),
        ("DELETE FROM feed_item WHERE seq >= 4", 4),
        ("UPDATE feed SET head_seq = 2", 5),
        ("UPDATE feed_item SET origin_seq = 77 WHERE seq = 4", 4),
        ("UPDATE feed_item SET seq = 99 WHERE seq = 1; UPDATE feed_item SET seq = 1 WHERE seq = 2;
          UPDATE feed_item SET seq = 2 WHERE seq = 99", 1),
        ("DELETE FROM feed", 1),
    ];
    for (sql, seq) in cases {
        let bad = damaged(sql);
        assert_eq!((bad.seq, bad.feed.is_some()), (seq, true), "{sql}: {bad}");
        assert!(bad.to_string().contains("the feed for S001"), "{bad}");
    }
}

#[test]
fn a_running_store_is_verified_from_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    let mut site = Site::new("S001", 1);
    (0..40).for_each(|_| drop(site.sell(&[("A", 1)])));
    let frames = site.frames(2);
    let peer = site.peer();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for frame in &frames {
                let (peer, frame) = (peer.clone(), frame.clone());
                let ingested = store
                    .write_blocking("ingest", move |tx| ingest::ingest(tx, &peer, &frame, now()));
                ingested.unwrap().unwrap();
            }
        });
        let mut walks = 0;
        while !writing.is_finished() || walks < 3 {
            let found = store.read_blocking(verify).unwrap();
            assert!(
                found
                    .iter()
                    .all(|journal| journal.entries % 2 == 0 || journal.entries == 41)
            );
            walks += 1;
        }
    });
    let found = store.read_blocking(verify).unwrap();
    assert_eq!(found[0].entries, 41);
}
