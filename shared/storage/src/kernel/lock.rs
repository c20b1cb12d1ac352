//! `DIR/lock`: one process at a time works in a data folder.
//!
//! The lock is the kernel's advisory lock on the open file, so it ends with the
//! process however that ends; the file itself stays and only carries the
//! holder's process id for the error message.
//!
//! Invariant: whoever holds a [`DirLock`] is the only one to touch the kernel's
//! files in that folder. Foreign files are left alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::error::OpenError;

/// Name of the lock file in the data folder.
pub const LOCK_FILE: &str = "lock";

/// Exclusive use of a data folder until dropped.
#[derive(Debug)]
pub struct DirLock {
    dir: PathBuf,
    /// Held open for the lock's sake.
    _file: File,
}

impl DirLock {
    /// Locks `dir`, creating it (mode 0700) when `create` says so.
    ///
    /// # Errors
    /// [`OpenError::Locked`] naming the holder's process id, or what is wrong
    /// with the folder.
    pub fn acquire(dir: &Path, create: bool) -> Result<Self, OpenError> {
        prepare(dir, create)?;
        let path = dir.join(LOCK_FILE);
        let access = |operation| {
            let path = path.clone();
            move |source: io::Error| OpenError::Access {
                operation,
                path,
                source,
            }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(access("open"))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::Locked {
                    dir: dir.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(errno) => return Err(access("lock")(errno.into())),
        }
        write_pid(&mut file).map_err(access("write"))?;
        Ok(Self {
            dir: dir.to_owned(),
            _file: file,
        })
    }

    /// The folder that is locked.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

fn prepare(dir: &Path, create: bool) -> Result<(), OpenError> {
    let access = |operation: &'static str, source| OpenError::Access {
        operation,
        path: dir.to_owned(),
        source,
    };
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotAFolder {
            dir: dir.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(OpenError::NotAFolder {
            dir: dir.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !create {
                return Err(OpenError::NoFolder {
                    dir: dir.to_owned(),
                });
            }
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(|source| access("create", source))
        }
        Err(source) => Err(access("read", source)),
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

/// The process id in the lock file; `None` when its holder is just writing it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
