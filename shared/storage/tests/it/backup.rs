//! Backups while in use, and what a restore puts in place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use evertill_domain::Timestamp;
use evertill_storage::backup::{BackupError, MANIFEST_FILE, back_up, restore};
use evertill_storage::reference::{REFERENCE_FILE, ReferenceStore};
use evertill_storage::{Role, Store, StoreOptions, apikeys, rusqlite};
use tempfile::TempDir;

const FILES: [&str; 2] = ["ca.key", "revoked"];

struct Hub {
    store: Store,
    reference: ReferenceStore,
}

impl Hub {
    fn open(dir: &Path) -> Self {
        Self {
            store: Store::open(dir, &StoreOptions::hub()).unwrap(),
            reference: ReferenceStore::open(dir, Role::Hub).unwrap(),
        }
    }

    fn key(&self, name: &'static str) {
        self.store
            .write_blocking("key", move |tx| apikeys::create(tx, name, at(1)))
            .unwrap();
    }

    fn keys(&self) -> Vec<String> {
        let keys = self.store.read_blocking(apikeys::list).unwrap();
        keys.into_iter().map(|key| key.name).collect()
    }

    fn back_up(&self, target: &Path) -> Result<(), BackupError> {
        back_up(
            &self.store,
            &self.reference,
            Role::Hub,
            &FILES,
            target,
            at(5),
        )
        .map(drop)
    }

    /// As if this database had started and written a journal.
    fn begin_journal(&self) {
        self.store
            .write_blocking("local", |tx| {
                tx.execute(
                    "INSERT INTO local VALUES (1, 7, 8, 'HUB', zeroblob(16), 0)",
                    [],
                )
            })
            .unwrap();
    }

    fn has_journal(&self) -> bool {
        let count = |conn: &rusqlite::Connection| {
            conn.query_row("SELECT count(*) FROM local", [], |row| row.get::<_, i64>(0))
        };
        self.store.read_blocking(count).unwrap() == 1
    }

    fn close(self) {
        self.store.close();
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

struct Folders {
    top: TempDir,
}

impl Folders {
    fn new() -> Self {
        Self {
            top: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// A hub with one key and its backup, after which it made another key.
    fn backed_up(&self) -> (PathBuf, PathBuf) {
        let (data, copy) = (self.path("data"), self.path("copy"));
        let hub = Hub::open(&data);
        hub.begin_journal();
        hub.key("before");
        for name in FILES {
            fs::write(data.join(name), format!("{name} before")).unwrap();
        }
        hub.back_up(&copy).unwrap();
        hub.key("after");
        for name in FILES {
            fs::write(data.join(name), format!("{name} after")).unwrap();
        }
        hub.close();
        (data, copy)
    }
}

fn put_back(copy: &Path, data: &Path) -> Result<Option<PathBuf>, BackupError> {
    restore(copy, data, Role::Hub, &["revoked"], at(9))
}

#[test]
fn a_restored_folder_holds_what_was_backed_up_and_begins_a_new_journal() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let before = Hub::open(&data);
    let hub_id = before.reference.live().hub;
    assert!(before.has_journal());
    before.close();
    let aside = put_back(&copy, &data).unwrap().unwrap();
    let hub = Hub::open(&data);
    assert_eq!(hub.keys(), ["before"]);
    assert!(!hub.has_journal());
    assert_ne!(hub.reference.live().hub, hub_id);
    assert_eq!(
        fs::read_to_string(data.join("ca.key")).unwrap(),
        "ca.key before"
    );
    hub.close();
    // What stood there is kept, whole.
    let replaced = Hub::open(&aside);
    assert_eq!(replaced.keys(), ["after", "before"]);
    replaced.close();
    let key = fs::metadata(data.join("ca.key")).unwrap().permissions();
    assert_eq!(key.mode() & 0o777, 0o600);
}

#[test]
fn the_list_of_revoked_certificates_is_never_taken_back() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    put_back(&copy, &data).unwrap();
    assert_eq!(
        fs::read_to_string(data.join("revoked")).unwrap(),
        "revoked after"
    );
    let empty = folders.path("empty");
    assert_eq!(put_back(&copy, &empty).unwrap(), None);
    assert_eq!(
        fs::read_to_string(empty.join("revoked")).unwrap(),
        "revoked before"
    );
}

#[test]
fn a_folder_in_use_is_not_restored_over() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let hub = Hub::open(&data);
    let error = put_back(&copy, &data).unwrap_err();
    assert!(
        error.to_string().contains("is in use by process"),
        "{error}"
    );
    assert_eq!(hub.keys(), ["after", "before"]);
    hub.close();
}

#[test]
fn what_is_no_sound_backup_changes_nothing() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let unchanged = || {
        let hub = Hub::open(&data);
        assert_eq!(hub.keys(), ["after", "before"]);
        hub.close();
    };
    let refused = |folder: &Path, role, words: &str| {
        let error = restore(folder, &data, role, &[], at(9)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        unchanged();
    };
    refused(&folders.path("nowhere"), Role::Hub, "is no backup");
    refused(&data, Role::Hub, "is no backup");
    refused(&copy, Role::Node, "is a backup of a hub");
    fs::remove_file(copy.join(REFERENCE_FILE)).unwrap();
    refused(&copy, Role::Hub, "reference.db is missing");
    fs::write(copy.join(REFERENCE_FILE), "x").unwrap();
    refused(&copy, Role::Hub, "reference.db");
    let other = folders.path("other");
    let hub = Hub::open(&folders.path("other-data"));
    hub.back_up(&other).unwrap();
    hub.close();
    let database = other.join("evertill.db");
    let mut bytes = fs::read(&database).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&database, bytes).unwrap();
    refused(&other, Role::Hub, "is damaged");
    fs::write(other.join(MANIFEST_FILE), "{}").unwrap();
    refused(&other, Role::Hub, "is no backup");
}

#[test]
fn a_manifest_cannot_reach_outside_its_folder() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let manifest = fs::read_to_string(copy.join(MANIFEST_FILE)).unwrap();
    fs::write(folders.path("secret"), "x").unwrap();
    fs::write(
        copy.join(MANIFEST_FILE),
        manifest.replace("ca.key", "../secret"),
    )
    .unwrap();
    let error = put_back(&copy, &data).unwrap_err();
    assert!(matches!(error, BackupError::NoBackup { .. }), "{error}");
}

#[test]
fn a_backup_goes_into_a_folder_of_its_own() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let hub = Hub::open(&data);
    let error = hub.back_up(&copy).unwrap_err();
    assert!(matches!(error, BackupError::TargetTaken(_)), "{error}");
    let file = folders.path("file");
    fs::write(&file, "x").unwrap();
    assert!(hub.back_up(&file).is_err());
    hub.close();
}

/// A restore that was killed in the middle leaves its staging folder.
#[test]
fn a_restore_starts_over_after_an_interrupted_one() {
    let folders = Folders::new();
    let (data, copy) = folders.backed_up();
    let staging = data.join("restoring");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("evertill.db"), "half").unwrap();
    put_back(&copy, &data).unwrap();
    let hub = Hub::open(&data);
    assert_eq!(hub.keys(), ["before"]);
    hub.close();
    assert!(!staging.exists());
}
