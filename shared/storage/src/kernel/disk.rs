//! Room left on the disk that carries a folder.

use std::io;
use std::path::Path;

/// Bytes that this user may still write on the disk of `dir`.
///
/// # Errors
/// The system's error when `dir` cannot be asked.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
