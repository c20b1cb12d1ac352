//! Opening a data folder: what is accepted, and what is said when it is not.

use std::fs;

use evertill_storage::{OpenError, Store, StoreOptions};

use super::{ids, insert, store};

fn refusal(dir: &std::path::Path, options: &StoreOptions) -> (OpenError, String) {
    let error = Store::open(dir, options).unwrap_err();
    let line = error.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains(&*dir.to_string_lossy()), "{line}");
    (error, line)
}

#[test]
fn a_folder_in_use_names_its_holder_and_is_free_again_after_closing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "a foreign file").unwrap();
    let first = store(dir.path());
    let (error, line) = refusal(dir.path(), &StoreOptions::node());
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(line.contains(&std::process::id().to_string()), "{line}");
    first.close();
    store(dir.path()).close();
}

#[test]
fn a_file_is_not_a_folder_and_a_missing_one_is_made_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(
        refusal(&file, &StoreOptions::node()).0,
        OpenError::NotAFolder { .. }
    ));
    let missing = dir.path().join("a/b");
    let looking = StoreOptions::node().existing();
    assert!(matches!(
        refusal(&missing, &looking).0,
        OpenError::NoFolder { .. }
    ));
    assert!(matches!(
        refusal(dir.path(), &looking).0,
        OpenError::NoDatabase { .. }
    ));
    store(&missing).close();
}

#[test]
fn the_other_role_and_foreign_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path()).close();
    let (error, _) = refusal(dir.path(), &StoreOptions::hub());
    assert!(matches!(error, OpenError::WrongRole { .. }), "{error:?}");
    let foreign = tempfile::tempdir().unwrap();
    let path = foreign.path().join("evertill.db");
    fs::write(&path, b"this is a diary, not a database".repeat(64)).unwrap();
    let before = fs::read(&path).unwrap();
    let (error, _) = refusal(foreign.path(), &StoreOptions::node());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    first.write_blocking("row", |tx| insert(tx, 5)).unwrap();
    first.close();
    assert_eq!(ids(&store(dir.path())), [5]);
}
