//! `evertill-hub import`: a progress bar on a terminal, a summary line, and the
//! reject file's path on standard error.

use std::path::PathBuf;

use clap::Args;
use evertill_http::app::Failure;
use evertill_http::app::upkeep::{absolute, print};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use super::ask::Folder;
use crate::imports::{ImportKind, Progress};
use crate::services::commands::{Command, ImportFile};

/// Settings of `evertill-hub import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// What the file holds
    #[arg(value_name = "products|stock|locations")]
    pub kind: ImportKind,

    /// The CSV file, in UTF-8 with a header line
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the flag carries the help")]
    pub folder: Folder,

    /// Say what would happen and change nothing
    #[arg(long, env = "EVERTILL_DRY_RUN")]
    pub dry_run: bool,
}

/// What is shown of an import's summary.
#[derive(Deserialize)]
struct Shown {
    rows: u64,
    accepted: u64,
    unchanged: u64,
    rejected: u64,
    reject_file: Option<PathBuf>,
    rejections: Vec<ShownRejection>,
}

#[derive(Deserialize)]
struct ShownRejection {
    line: u64,
    problems: Vec<ShownProblem>,
}

#[derive(Deserialize)]
struct ShownProblem {
    field: String,
    reason: String,
}

/// Imports a file and says what became of its rows.
pub(super) fn run(options: &Import) -> Result<(), Failure> {
    let file = absolute(&options.file)?;
    let bar = bar();
    let command = Command::Import(ImportFile {
        kind: options.kind,
        file,
        dry_run: options.dry_run,
    });
    let done = options
        .folder
        .ask::<Shown>(&command, &mut |step| show(&bar, step));
    bar.finish_and_clear();
    let done = done?;
    let would = if options.dry_run { "dry run: " } else { "" };
    print(format_args!(
        "{would}{} rows: {} accepted, {} unchanged, {} rejected",
        done.rows, done.accepted, done.unchanged, done.rejected
    ))?;
    if done.rejected == 0 {
        return Ok(());
    }
    if let Some(path) = &done.reject_file {
        return Err(Failure::failed(format!(
            "{} of {} rows were rejected; mend and import them from {}",
            done.rejected,
            done.rows,
            path.display()
        )));
    }
    for rejection in &done.rejections {
        eprintln!("{}", words(rejection));
    }
    Err(Failure::failed(format!(
        "{} of {} rows would be rejected",
        done.rejected, done.rows
    )))
}

fn words(rejection: &ShownRejection) -> String {
    let problems: Vec<String> = rejection
        .problems
        .iter()
        .map(|problem| match problem.field.as_str() {
            "" => problem.reason.clone(),
            field => format!("{field}: {}", problem.reason),
        })
        .collect();
    format!("line {}: {}", rejection.line, problems.join("; "))
}

/// Hidden by itself when standard error is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, step: Value) {
    if let Ok(step) = serde_json::from_value::<Progress>(step) {
        bar.set_length(step.bytes_total.max(1));
        bar.set_position(step.bytes);
        bar.set_message(format!("{} rows", step.rows));
    }
}
