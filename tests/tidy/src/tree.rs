//! The files of the repository: everything git tracks or would track.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Paths relative to the root, with `/`, sorted; ignored files are left out.
///
/// # Errors
/// When git is missing or this is not a clone.
pub fn files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("could not start git, which the tidy test asks for the list of files")?;
    ensure!(
        output.status.success(),
        "git could not list the files of {}: {}",
        root().display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut files: Vec<String> = String::from_utf8(output.stdout)?
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Whether the path names something that people write and read as source.
#[must_use]
pub fn is_source(path: &str) -> bool {
    const SOURCE: [&str; 9] = ["rs", "sql", "toml", "sh", "py", "ts", "js", "svelte", "md"];
    Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| SOURCE.contains(&extension))
}

/// The text of a file, or nothing when it is not UTF-8 (a binary fixture).
///
/// # Errors
/// When the file cannot be read.
pub fn text(path: &str) -> Result<Option<String>> {
    let bytes =
        std::fs::read(root().join(path)).with_context(|| format!("could not read {path}"))?;
    Ok(String::from_utf8(bytes).ok())
}
