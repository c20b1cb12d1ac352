//! Keys to the hub's interface: shown once, revoked for good.

use evertill_storage::apikeys::{authenticate, create, list, revoke};

use super::{Tables, at};

fn key(tables: &Tables, name: &'static str, made: i64) -> String {
    tables
        .write(move |conn| create(conn, name, at(made)))
        .unwrap()
}

fn name_of(tables: &Tables, key: &str) -> Option<String> {
    let key = key.to_owned();
    tables.read(move |conn| authenticate(conn, &key))
}

#[test]
fn a_key_authenticates_as_its_name_and_is_stored_nowhere() {
    let tables = Tables::new();
    let key = key(&tables, "console", 1);
    assert_eq!(name_of(&tables, &key).as_deref(), Some("console"));
    let tables = tables.restart();
    assert_eq!(name_of(&tables, &key).as_deref(), Some("console"));
    assert!(!tables.holds(&key));
    assert!(!tables.holds(key.split_once('.').unwrap().1));
}

#[test]
fn two_keys_of_a_name_work_while_one_replaces_the_other() {
    let tables = Tables::new();
    let (old, new) = (key(&tables, "console", 1), key(&tables, "console", 2));
    assert_ne!(old, new);
    assert_eq!(name_of(&tables, &old), name_of(&tables, &new));
}

#[test]
fn a_revoked_key_never_authenticates_again() {
    let tables = Tables::new();
    let (gone, kept) = (key(&tables, "console", 1), key(&tables, "partner", 1));
    // Also at time 0, which means "not revoked" in the table.
    for (when, revoked) in [(0, 1), (9, 0)] {
        let found = tables.write(move |conn| revoke(conn, "console", at(when)));
        assert_eq!(found.unwrap(), revoked);
        assert_eq!(name_of(&tables, &gone), None);
    }
    let again = key(&tables, "console", 10);
    assert_eq!(name_of(&tables, &again).as_deref(), Some("console"));
    assert_eq!(name_of(&tables, &gone), None);
    assert_eq!(name_of(&tables, &kept).as_deref(), Some("partner"));
    let states: Vec<(String, bool)> = tables
        .read(list)
        .into_iter()
        .map(|row| (row.name, row.revoked_at.is_some()))
        .collect();
    let expected = [("console", true), ("console", false), ("partner", false)];
    assert_eq!(
        states,
        expected.map(|(name, revoked)| (name.to_owned(), revoked))
    );
}

#[test]
fn a_key_that_is_almost_right_is_none() {
    let tables = Tables::new();
    let key = key(&tables, "console", 1);
    for wrong in ["", "evk1.", &key[1..], &format!("{key}0")] {
        assert_eq!(name_of(&tables, wrong), None, "{wrong}");
    }
    assert_eq!(name_of(&tables, &"k".repeat(1 << 20)), None);
}
