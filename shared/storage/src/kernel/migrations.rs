//! The schema, as numbered immutable SQL files, and the runner that applies
//! what a database has not seen yet.
//!
//! Invariant: a released file never changes; a change of schema is a new file
//! at the end of the list. The number applied is SQLite's `user_version`.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::error::OpenError;
use super::fault::Fault;

/// The files in order; the n-th brings the schema to version n.
const FILES: &[&str] = &[
    include_str!("../../migrations/0001_journal.sql"),
    include_str!("../../migrations/0002_imports.sql"),
    include_str!("../../migrations/0003_rights.sql"),
    include_str!("../../migrations/0004_orders.sql"),
    include_str!("../../migrations/0008_selling.sql"),
    include_str!("../../migrations/0009_pickup.sql"),
    include_str!("../../migrations/0010_exceptions.sql"),
    include_str!("../../migrations/0011_policy_drafts.sql"),
    include_str!("../../migrations/0012_grant_requests.sql"),
    include_str!("../../migrations/0013_seals.sql"),
    include_str!("../../migrations/0014_changes.sql"),
    include_str!("../../migrations/0015_exception_lookups.sql"),
    include_str!("../../migrations/0016_trials.sql"),
    include_str!("../../migrations/0017_exceptions_and_timers.sql"),
    include_str!("../../migrations/0018_private.sql"),
    include_str!("../../migrations/0019_work_load.sql"),
    include_str!("../../migrations/0020_backorders.sql"),
    include_str!("../../migrations/0021_packed_decisions.sql"),
    include_str!("../../migrations/0022_change_numbers.sql"),
    include_str!("../../migrations/0023_debts_left.sql"),
];

/// Brings the schema of an open database up to date; `path` is for the error.
///
/// # Errors
/// [`OpenError::Newer`] for a database of a later release; otherwise what
/// SQLite reported, with the database as it was.
pub(crate) fn run(conn: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let migrations: Migrations = FILES.iter().map(|sql| M::up(sql)).collect();
    match migrations.to_latest(conn) {
        Ok(()) => Ok(()),
        Err(rusqlite_migration::Error::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        )) => Err(OpenError::Newer {
            path: path.to_owned(),
            found: conn
                .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
                .map_or(usize::MAX, |found| found as usize),
            known: FILES.len(),
        }),
        Err(error) => {
            let dir = path.parent().unwrap_or(path);
            Err(match Fault::find(&error, dir) {
                Some(Fault::Full(detail)) => OpenError::Full {
                    path: path.to_owned(),
                    detail,
                },
                _ => OpenError::Storage {
                    operation: "bring up to date the schema of",
                    path: path.to_owned(),
                    detail: error.to_string(),
                },
            })
        }
    }
}

/// Gives a connection the current schema: for tests over an in-memory
/// database and for tools that work on a copy.
///
/// # Errors
/// As for opening a store.
pub fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    run(conn, Path::new(":memory:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_strict_and_complete() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let loose: Vec<String> = conn
            .prepare(
                "SELECT name FROM pragma_table_list
                 WHERE schema = 'main' AND type = 'table' AND strict = 0
                   AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(loose.is_empty(), "tables that are not STRICT: {loose:?}");
    }

    #[test]
    fn a_newer_schema_is_refused_with_both_numbers() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "user_version", 999).unwrap();
        let error = migrate(&mut conn).unwrap_err();
        assert!(
            matches!(error, OpenError::Newer { found: 999, known, .. } if known == FILES.len())
        );
    }
}
