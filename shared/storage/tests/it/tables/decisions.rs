//! Decisions come back as they were kept, packed or not, and go when they are old.

use evertill_domain::{DocumentId, Timestamp};
use evertill_storage::rusqlite::params;
use evertill_storage::selling::decisions::{self, Decision, KEPT_MS};

use super::*;

fn decision(number: u8, at: i64) -> Decision {
    let candidates: Vec<String> = (0..50)
        .map(|n| format!(r#"{{"location":"S{n:03}","on_hand":"12","promised":"3","passes":true}}"#))
        .collect();
    Decision {
        id: 0,
        document: DocumentId::from_bytes([number; 16]),
        at: Timestamp::from_millis(at),
        cause: "placed".to_owned(),
        snapshot: format!("[{}]", candidates.join(",")),
        policy: r#"{"name":"caf\u00e9 é"}"#.to_owned(),
        plan: "{}".to_owned(),
        basis: number.is_multiple_of(2).then(|| "[1,2]".to_owned()),
    }
}

fn kept(tables: &Tables, decision: &Decision) -> i64 {
    let decision = decision.clone();
    tables
        .write(move |conn| decisions::record(conn, &decision))
        .unwrap()
}

#[test]
fn a_decision_comes_back_as_it_was_kept_in_a_tenth_of_its_size() {
    let tables = Tables::new();
    for number in [1, 2] {
        let told = decision(number, 5);
        let id = kept(&tables, &told);
        let document = told.document;
        let found = tables.read(move |conn| decisions::of(conn, &document));
        assert_eq!(found, [Decision { id, ..told.clone() }]);
        let size: u32 = tables.read(move |conn| {
            let sql = "SELECT length(packed) + length(snapshot) + length(policy) + length(plan)
                       FROM decision WHERE id = ?1";
            Ok(conn.query_row(sql, [id], |row| row.get(0)).unwrap())
        });
        assert!(size as usize * 10 < told.snapshot.len(), "{size}");
    }
}

#[test]
fn decisions_of_earlier_releases_are_read_as_they_stand() {
    let tables = Tables::new();
    let old = decision(2, 5);
    let told = old.clone();
    let inserted = tables.write(move |conn| {
        conn.execute(
            "INSERT INTO decision (document, at, cause, snapshot, policy, plan, basis)
             VALUES (?1, 5, 'placed', ?2, ?3, ?4, ?5)",
            params![
                told.document.as_bytes(),
                told.snapshot,
                told.policy,
                told.plan,
                told.basis
            ],
        )
    });
    assert_eq!(inserted.unwrap(), 1);
    let document = old.document;
    let found = tables.read(move |conn| decisions::of(conn, &document));
    assert_eq!(found, [Decision { id: 1, ..old }]);
}

#[test]
fn what_is_old_goes_and_the_rest_stays() {
    let tables = Tables::new();
    for number in 1..4 {
        kept(&tables, &decision(number, i64::from(number) * 10));
    }
    let now = Timestamp::from_millis(KEPT_MS + 20);
    let prune = || tables.write(move |conn| decisions::prune(conn, now));
    assert_eq!(prune().unwrap(), 1);
    assert_eq!(prune().unwrap(), 0, "once");
    let left = tables.read(|conn| decisions::page(conn, None, None, 10));
    let left: Vec<i64> = left.iter().map(|one| one.id).collect();
    assert_eq!(left, [3, 2]);
}
