//! Certificates that count no more, in a file beside the database.
//!
//! The file is appended to and synced, and a restore of the database leaves it
//! alone: a stolen machine stays out, whatever is restored.
//!
//! Invariant: a fingerprint once in the file is refused for good.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::{IdentityError, files, names};

/// The revoked certificates of a hub; clones share them.
#[derive(Clone, Debug)]
pub struct Revocations(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    fingerprints: RwLock<HashSet<[u8; 32]>>,
    changed: watch::Sender<u64>,
}

impl Revocations {
    /// Reads the list of a data folder; a missing file is an empty list. A line
    /// that was cut off by a crash was never confirmed, and is skipped.
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be read or a line is no
    /// fingerprint.
    pub fn open(dir: &Path) -> Result<Self, IdentityError> {
        let path = dir.join(names::REVOKED);
        let text = files::read(&path)?.unwrap_or_default();
        let mut fingerprints = HashSet::new();
        for line in text.lines().filter(|line| line.len() >= 64) {
            let fingerprint = from_hex(line).ok_or_else(|| IdentityError::Damaged {
                path: path.clone(),
                detail: format!("\"{line}\" is not a fingerprint of 64 hexadecimal digits"),
            })?;
            fingerprints.insert(fingerprint);
        }
        Ok(Self(Arc::new(Inner {
            path,
            fingerprints: RwLock::new(fingerprints),
            changed: watch::Sender::new(0),
        })))
    }

    /// Revokes certificates by fingerprint: on stable storage when this returns,
    /// and told to everyone who [watches](Self::changes).
    ///
    /// # Errors
    /// [`IdentityError`] when the file cannot be written; nothing is revoked
    /// then.
    pub fn revoke(&self, fingerprints: &[[u8; 32]]) -> Result<(), IdentityError> {
        self.append(fingerprints)
            .map_err(|source| IdentityError::File {
                doing: "append to",
                path: self.0.path.clone(),
                source,
            })?;
        let mut held = self
            .0
            .fingerprints
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        held.extend(fingerprints);
        drop(held);
        self.0.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Whether a certificate is revoked.
    #[must_use]
    pub fn contains(&self, fingerprint: &[u8; 32]) -> bool {
        let held = self.0.fingerprints.read();
        held.unwrap_or_else(PoisonError::into_inner)
            .contains(fingerprint)
    }

    /// Ticks after each revocation.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn append(&self, fingerprints: &[[u8; 32]]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.0.path)?;
        // A line that a crash cut off is ended first.
        let mut lines = String::from("\n");
        for fingerprint in fingerprints {
            lines.extend(fingerprint.iter().map(|byte| format!("{byte:02x}")));
            lines.push('\n');
        }
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        files::sync_folder(&self.0.path)
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revoked_stays_revoked_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let list = Revocations::open(dir.path()).unwrap();
        let mut changes = list.changes();
        list.revoke(&[[1; 32], [2; 32]]).unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(list.contains(&[1; 32]));
        let list = Revocations::open(dir.path()).unwrap();
        assert!(list.contains(&[2; 32]) && !list.contains(&[3; 32]));
    }

    #[test]
    fn a_line_cut_off_by_a_crash_loses_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let list = Revocations::open(dir.path()).unwrap();
        list.revoke(&[[1; 32]]).unwrap();
        let path = dir.path().join(names::REVOKED);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("0202");
        std::fs::write(&path, text).unwrap();
        let list = Revocations::open(dir.path()).unwrap();
        assert!(list.contains(&[1; 32]));
        list.revoke(&[[3; 32]]).unwrap();
        let list = Revocations::open(dir.path()).unwrap();
        assert!(list.contains(&[1; 32]) && list.contains(&[3; 32]));
        std::fs::write(&path, "x".repeat(64)).unwrap();
        let damaged = Revocations::open(dir.path());
        assert!(matches!(damaged, Err(IdentityError::Damaged { .. })));
    }
}
