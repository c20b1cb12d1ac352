//! When a location's figures are complete.

use evertill_domain::{LocationId, NodeId, ReplicaId};
use evertill_journal::{EntryHash, Watermark};
use evertill_storage::completeness::incomplete;
use evertill_storage::{TableError, journal};

use super::{Tables, at};

fn names(tables: &Tables) -> Vec<String> {
    tables
        .read(incomplete)
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn watermark(seq: u64) -> Watermark {
    let hash = EntryHash([u8::try_from(seq).unwrap(); 32]);
    Watermark { seq, hash }
}

#[test]
fn a_location_is_complete_up_to_the_head_it_last_announced() {
    let tables = Tables::new();
    let place: LocationId = "S001".parse().unwrap();
    let (one, two) = (ReplicaId(1), ReplicaId(2));
    let write = |held: u64, announced: u64| {
        let place = place.clone();
        tables
            .write(move |conn| {
                let whose = (NodeId(7), &place);
                journal::set_announced(conn, one, whose, &watermark(announced), at(1))?;
                journal::set_head(conn, one, whose, &watermark(held))?;
                // Another machine, with nothing outstanding.
                let other: LocationId = "S002".parse().unwrap();
                let whose = (NodeId(8), &other);
                journal::set_head(conn, two, whose, &watermark(4))?;
                journal::set_announced(conn, two, whose, &watermark(4), at(1))
            })
            .unwrap();
    };
    assert_eq!(names(&tables), [""; 0]);
    write(2, 3);
    assert_eq!(names(&tables), ["S001"]);
    write(3, 3);
    assert_eq!(names(&tables), [""; 0]);
    // More than was announced is held: it was announced before it grew.
    write(5, 3);
    assert_eq!(names(&tables), [""; 0]);
    tables
        .write(move |conn| journal::stop(conn, one, true))
        .unwrap();
    assert_eq!(names(&tables), ["S001"]);
}

#[test]
fn what_is_in_quarantine_is_not_counted() {
    let tables = Tables::new();
    let open = |kind: &'static str, state: &'static str| {
        tables
            .write(move |conn| {
                conn.execute("DELETE FROM quarantine", [])?;
                conn.execute(
                    "INSERT INTO quarantine VALUES
                     (1, ?1, 1, 'S001', 5, 9, 'gate', 'why', x'', x'', ?2, 1, 0, '', 0, 0)",
                    [kind, state],
                )?;
                Ok::<_, TableError>(())
            })
            .unwrap();
        names(&tables)
    };
    assert_eq!(open("entry", "open"), ["S001"]);
    assert_eq!(open("replica", "open"), ["S001"]);
    assert_eq!(open("entry", "dismissed"), [""; 0]);
    assert_eq!(open("entry", "released"), [""; 0]);
}
