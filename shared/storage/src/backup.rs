//! Backups of a data folder, taken while it is in use, and their return.
//!
//! A backup is a folder with a copy of each database, of the files that the
//! caller names (identity, certificates), and `backup.json`, which is written
//! last: a folder without it is no backup. A node's copy holds no customers: what
//! is erased must not come back from a copy, and the hub sends again what is
//! needed.
//!
//! What is restored continues no journal: entries written after the backup may
//! live elsewhere, so the database forgets whose journal it wrote and begins a
//! new replica at its next start.
//!
//! Invariant: nothing is put in place before the whole backup was copied and
//! checked, and what stood there before is moved aside, never removed. A
//! restore that was cut off is run again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evertill_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kernel::{DirLock, OpenError, Role, Store, StoreOptions};
use crate::reference::{REFERENCE_FILE, ReferenceError, ReferenceStore};

/// The file that makes a folder a backup.
pub const MANIFEST_FILE: &str = "backup.json";
/// The database of the journal.
const DATABASE_FILE: &str = crate::kernel::DATABASE_FILE;
/// Where a restore prepares what it will put in place.
const STAGING: &str = "restoring";
/// Both databases and what `SQLite` keeps beside them.
const DATABASES: [&str; 6] = [
    DATABASE_FILE,
    "evertill.db-wal",
    "evertill.db-shm",
    REFERENCE_FILE,
    "reference.db-wal",
    "reference.db-shm",
];

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `node` or `hub`.
    pub role: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The release that took it.
    pub version: String,
    /// The files in it.
    pub files: Vec<BackedUp>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its name, in the backup as in the data folder.
    pub name: String,
    /// BLAKE3 of its content, in hexadecimal digits.
    pub blake3: String,
}

/// A backup that was not taken, or not put in place.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target holds something already.
    #[error("{} is not empty: give a folder that does not exist yet", .0.display())]
    TargetTaken(PathBuf),
    /// The source is no backup.
    #[error("{} is no backup ({detail}): give the folder that backup wrote", folder.display())]
    NoBackup {
        /// The folder.
        folder: PathBuf,
        /// What is missing or wrong.
        detail: String,
    },
    /// A node's backup was given to a hub, or the other way round.
    #[error("{} is a backup of a {found}, not of a {wanted}", folder.display())]
    WrongRole {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: Role,
    },
    /// The backup is not what was written.
    #[error("{} is damaged ({detail}): use another backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A file or folder could not be read or written.
    #[error("could not {operation} {}: {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder or its database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be copied.
    #[error(transparent)]
    Storage(#[from] crate::StorageError),
    /// The reference data could not be copied or opened.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

type Backup<T> = Result<T, BackupError>;

/// Copies both databases, and those of the `files` that the data folder holds,
/// to `target`, which is created. Work goes on meanwhile.
///
/// # Errors
/// See [`BackupError`]; a partial folder without a manifest may remain.
///
/// # Panics
/// Never: a manifest is plain JSON.
pub fn back_up(
    store: &Store,
    reference: &ReferenceStore,
    role: Role,
    files: &[&str],
    target: &Path,
    now: Timestamp,
) -> Backup<Manifest> {
    begin(target)?;
    store.backup_to(&target.join(DATABASE_FILE))?;
    reference.backup_to(&target.join(REFERENCE_FILE))?;
    if role == Role::Node {
        forget_customers(&target.join(DATABASE_FILE))?;
    }
    let mut copied = Vec::new();
    for name in files {
        let from = store.dir().join(name);
        if from.exists() {
            copied.push(backed_up(name, copy(&from, &target.join(name))?));
        }
    }
    for name in [DATABASE_FILE, REFERENCE_FILE] {
        let path = target.join(name);
        sync(&path)?;
        copied.push(backed_up(name, hash_of(&path)?));
    }
    let manifest = Manifest {
        role: role.to_string(),
        at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        files: copied,
    };
    let path = target.join(MANIFEST_FILE);
    let text = serde_json::to_vec_pretty(&manifest).expect("invariant: a manifest is plain JSON");
    write(&path, &text)?;
    sync(target)?;
    Ok(manifest)
}

/// Removes from a copy who ordered, with no bytes left behind.
fn forget_customers(copy: &Path) -> Backup<()> {
    let failed = |detail: String| crate::StorageError {
        operation: format!("remove customers from {}", copy.display()),
        detail,
    };
    let conn = rusqlite::Connection::open(copy).map_err(|error| failed(error.to_string()))?;
    conn.execute_batch("PRAGMA secure_delete = ON")
        .map_err(|error| failed(error.to_string()))?;
    crate::private::forget_all(&conn).map_err(|error| failed(error.to_string()))?;
    conn.close()
        .map_err(|(_, error)| failed(error.to_string()))?;
    Ok(())
}

/// Puts a backup in place in `dir`, which is created if need be and must not be
/// in use. Files named in `keep` are only taken from the backup when `dir` has
/// none. Returns the folder that what stood there was moved to, if anything did.
///
/// # Errors
/// See [`BackupError`].
pub fn restore(
    source: &Path,
    dir: &Path,
    role: Role,
    keep: &[&str],
    now: Timestamp,
) -> Backup<Option<PathBuf>> {
    let manifest = read_manifest(source, role)?;
    let _lock = DirLock::acquire(dir, true)?;
    let staging = dir.join(STAGING);
    clear(&staging)?;
    stage(source, &staging, &manifest, role)?;
    let files: Vec<&str> = manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .filter(|name| !(keep.contains(name) && dir.join(name).exists()))
        .collect();
    let aside = move_aside(dir, &files, now)?;
    for name in files {
        rename(&staging.join(name), &dir.join(name))?;
    }
    sync(dir)?;
    clear(&staging)?;
    Ok(aside)
}

fn read_manifest(source: &Path, role: Role) -> Backup<Manifest> {
    let no_backup = |detail: String| BackupError::NoBackup {
        folder: source.to_owned(),
        detail,
    };
    let text = fs::read(source.join(MANIFEST_FILE))
        .map_err(|error| no_backup(format!("{MANIFEST_FILE}: {error}")))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| no_backup(error.to_string()))?;
    if manifest.role != role.to_string() {
        return Err(BackupError::WrongRole {
            folder: source.to_owned(),
            found: manifest.role,
            wanted: role,
        });
    }
    let names: Vec<&str> = manifest.files.iter().map(|file| &*file.name).collect();
    for name in &names {
        let plain = Path::new(name).file_name() == Some(name.as_ref());
        if !plain || !source.join(name).is_file() {
            return Err(no_backup(format!("{name} is missing")));
        }
    }
    if ![DATABASE_FILE, REFERENCE_FILE]
        .iter()
        .all(|name| names.contains(name))
    {
        return Err(no_backup("it lists no database".to_owned()));
    }
    Ok(manifest)
}

/// Copies the backup, checks it by opening it, and makes it forget whose
/// journal it wrote.
fn stage(source: &Path, staging: &Path, manifest: &Manifest, role: Role) -> Backup<()> {
    begin(staging)?;
    for BackedUp { name, blake3 } in &manifest.files {
        let file = source.join(name);
        if copy(&file, &staging.join(name))?.to_hex().as_str() != blake3 {
            let detail = format!("it is not what {MANIFEST_FILE} describes");
            return Err(BackupError::Damaged { file, detail });
        }
    }
    let options = match role {
        Role::Node => StoreOptions::node(),
        Role::Hub => StoreOptions::hub(),
    };
    let store = Store::open(staging, &options.existing())?;
    let checked = store
        .write_blocking("check a restored database", |tx| {
            let said: String = tx.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            tx.execute("DELETE FROM local", [])?;
            Ok::<_, rusqlite::Error>(said)
        })
        .unwrap_or_else(|error| error.to_string());
    store.close();
    if checked != "ok" {
        return Err(BackupError::Damaged {
            file: source.join(DATABASE_FILE),
            detail: checked,
        });
    }
    let reference = ReferenceStore::open(staging, role)?;
    if role == Role::Hub {
        reference.renew()?;
    }
    drop(reference);
    for name in [DATABASE_FILE, REFERENCE_FILE] {
        fold_log(&staging.join(name))?;
    }
    Ok(())
}

/// Copies what stands in the write-ahead log into the database, because only
/// the database is put in place.
fn fold_log(path: &Path) -> Backup<()> {
    let folded = rusqlite::Connection::open(path).and_then(|conn| {
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    match folded {
        Ok(0) => sync(path),
        other => Err(BackupError::Damaged {
            file: path.to_owned(),
            detail: format!("its log cannot be folded in: {other:?}"),
        }),
    }
}

fn move_aside(dir: &Path, files: &[&str], now: Timestamp) -> Backup<Option<PathBuf>> {
    let mut there: Vec<&str> = DATABASES
        .into_iter()
        .chain(files.iter().copied())
        .filter(|name| dir.join(name).exists())
        .collect();
    there.sort_unstable();
    there.dedup();
    if there.is_empty() {
        return Ok(None);
    }
    let aside = dir.join(format!("replaced-{}", now.as_millis()));
    begin(&aside)?;
    for name in there {
        rename(&dir.join(name), &aside.join(name))?;
    }
    sync(&aside)?;
    Ok(Some(aside))
}

/// Creates a folder, or takes an empty one.
fn begin(folder: &Path) -> Backup<()> {
    let failed = |source| BackupError::File {
        operation: "create",
        path: folder.to_owned(),
        source,
    };
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::TargetTaken(folder.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// Removes what an interrupted restore left.
fn clear(staging: &Path) -> Backup<()> {
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BackupError::File {
            operation: "remove",
            path: staging.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

fn backed_up(name: &str, hash: blake3::Hash) -> BackedUp {
    BackedUp {
        name: name.to_owned(),
        blake3: hash.to_hex().to_string(),
    }
}

/// Copies a file and hashes what it wrote.
fn copy(from: &Path, to: &Path) -> Backup<blake3::Hash> {
    let failed = |source| BackupError::File {
        operation: "copy",
        path: from.to_owned(),
        source,
    };
    let mut source = File::open(from).map_err(failed)?;
    let mut target = create(to).map_err(failed)?;
    io::copy(&mut source, &mut target).map_err(failed)?;
    target.sync_all().map_err(failed)?;
    hash_of(to)
}

fn hash_of(path: &Path) -> Backup<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hasher))
        .map_err(|source| BackupError::File {
            operation: "read",
            path: path.to_owned(),
            source,
        })?;
    Ok(hasher.finalize())
}

fn write(path: &Path, bytes: &[u8]) -> Backup<()> {
    create(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(|source| BackupError::File {
            operation: "write",
            path: path.to_owned(),
            source,
        })
}

/// Keys are among the files, so none is for others to read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn rename(from: &Path, to: &Path) -> Backup<()> {
    fs::rename(from, to).map_err(|source| BackupError::File {
        operation: "move",
        path: from.to_owned(),
        source,
    })
}

fn sync(path: &Path) -> Backup<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| BackupError::File {
            operation: "write to disk",
            path: path.to_owned(),
            source,
        })
}
