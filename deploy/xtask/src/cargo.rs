//! Cargo invocations, each spelled once.
//!
//! Every one selects the whole workspace. Selecting single packages would make
//! cargo choose other features for shared dependencies and compile them a
//! second time; a step that needs only some tests names their test target.

use std::process::Command;

/// A cargo command with the toolchain that started this process.
pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The repository's root folder: two levels above this crate's manifest.
pub fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace that built this program still stands where it was")
}

/// How a person repeats a command, for the line that reports a failure.
pub fn spelled(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    let variables = command.get_envs().filter_map(|(key, value)| {
        let value = value?.to_string_lossy().into_owned();
        Some(format!("{}='{value}'", key.to_string_lossy()))
    });
    let args = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned());
    variables
        .chain(std::iter::once(program))
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
