//! Changes: one row a subject, with the number of its latest change.

use evertill_domain::Sku;
use evertill_storage::changes::{self, ChangeKind};

use super::Tables;

fn skus(names: &[&str]) -> Vec<Sku> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn note(tables: &Tables, names: &[&str]) {
    let skus = skus(names);
    tables
        .write(move |conn| changes::availability(conn, &skus))
        .unwrap();
}

/// Subjects after a number, with their own.
fn after(tables: &Tables, position: i64) -> Vec<(i64, String)> {
    let kinds = ChangeKind::ALL;
    let found = tables.read(move |conn| changes::after(conn, position, &kinds, 100));
    let found = found.into_iter().map(|change| (change.id, change.subject));
    found.collect()
}

#[test]
fn a_subject_that_changes_again_is_told_again_and_only_once() {
    let tables = Tables::new();
    note(&tables, &["A", "B", "C"]);
    let seen = after(&tables, 0);
    assert_eq!(seen.len(), 3);
    let last = seen.last().unwrap().0;
    note(&tables, &["B"]);
    let told = after(&tables, last);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1, "B");
    assert_eq!(after(&tables, 0).len(), 3);
}

/// The row of the highest number is the one that is replaced: its number must not
/// be given out again.
#[test]
fn the_subject_that_changed_last_gets_a_higher_number_too() {
    let tables = Tables::new();
    note(&tables, &["A", "B"]);
    for _ in 0..3 {
        let before = tables.read(changes::last);
        note(&tables, &["B"]);
        assert!(tables.read(changes::last) > before);
        assert_eq!(after(&tables, before).len(), 1);
    }
}

#[test]
fn no_product_is_no_change() {
    let tables = Tables::new();
    note(&tables, &[]);
    assert_eq!(tables.read(changes::last), 0);
}
