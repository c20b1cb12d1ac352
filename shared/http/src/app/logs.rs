//! Logging: readable sentences with dotted fields on standard error.
//!
//! Invariant: a panic is logged here, once, with its place; whoever catches it
//! does not log it again.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{Common, Failure};

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event, for log collectors.
    Json,
}

/// Starts logging with the filter of `--log` / `EVERTILL_LOG`, else `default`
/// (`info` for a service, `warn` for a command that prints one answer), and
/// makes panics part of the log.
///
/// # Errors
/// Status 2 when the filter cannot be read.
pub fn start_logging(common: &Common, default: &str) -> Result<(), Failure> {
    let wanted = common.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(wanted).map_err(|error| {
        Failure::wrong_use(format!(
            "the log filter {wanted} (--log, EVERTILL_LOG) cannot be read: {error}"
        ))
    })?;
    let writer = std::io::stderr;
    let ansi = writer.make_writer().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    // A second start in one process (tests) keeps the first one's log.
    let _ = match common.log_format {
        LogFormat::Text => builder.with_ansi(ansi).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if tracing::enabled!(tracing::Level::ERROR) {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let message = info.payload_as_str().unwrap_or("no message");
            tracing::error!(
                panic.place = place,
                "a broken invariant ended a task: {message}"
            );
        } else {
            before(info);
        }
    }));
    Ok(())
}
