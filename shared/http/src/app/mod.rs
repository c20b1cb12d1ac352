//! What both binaries do before and after their own work: read flags,
//! environment and configuration file, start logging, and end with a status
//! that scripts can rely on.
//!
//! A value comes from the flag, else from its `EVERTILL_*` variable, else from
//! the configuration file, else from its default. Invariant: 0 is success, 2 is
//! wrong use, 1 is every other failure; a failure is one line on standard error.

mod config;
mod logs;
pub mod upkeep;
pub mod watch;

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser};

pub use logs::{LogFormat, start_logging};

/// Flags of every command; flatten this into the application's own.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Configuration file with the same keys as the flags (TOML, or JSON if it ends in .json)
    #[arg(long, global = true, env = "EVERTILL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What to log: error, warn, info, debug, trace, or a filter such as `info,quinn=debug`
    #[arg(long, global = true, env = "EVERTILL_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// How to log
    #[arg(
        long, global = true, env = "EVERTILL_LOG_FORMAT", value_enum,
        default_value_t = LogFormat::Text
    )]
    pub log_format: LogFormat,
}

/// Why a command ends without success.
#[derive(Debug)]
pub struct Failure {
    line: String,
    status: u8,
}

impl Failure {
    /// The command was used wrongly: exit status 2.
    pub fn wrong_use(message: impl fmt::Display) -> Self {
        Self {
            line: one_line(&message.to_string()),
            status: 2,
        }
    }

    /// The command could not do its work: exit status 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self {
            line: one_line(&message.to_string()),
            status: 1,
        }
    }

    /// The line on standard error, without the program's name.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    /// Status 1, with the chain of causes in one line.
    fn from(error: E) -> Self {
        Self::failed(format!("{:#}", error.into()))
    }
}

/// Reads the command line and runs `main` with it; prints help, version or the
/// failure, and gives the exit status.
pub fn run<A: Parser>(main: impl FnOnce(A) -> Result<(), Failure>) -> ExitCode {
    match parse(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(Parsed::Command(arguments)) => match main(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(&A::command(), &failure),
        },
        Ok(Parsed::Text(text)) => {
            // A reader that closed the pipe has seen enough of the help.
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => report(&A::command(), &failure),
    }
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed<A> {
    /// Work.
    Command(A),
    /// Only help or the version, to be printed on standard output.
    Text(String),
}

/// Reads a command line (the first argument is the program's name).
///
/// # Errors
/// A [`Failure`] of status 2 that names the flag, the variable or the file.
pub fn parse<A: Parser>(arguments: &[OsString]) -> Result<Parsed<A>, Failure> {
    let file = config::File::of(arguments)?;
    let command = match &file {
        Some(file) => file.apply(A::command())?,
        None => A::command(),
    };
    let parsed = command
        .try_get_matches_from(arguments)
        .and_then(|mut matches| A::from_arg_matches_mut(&mut matches));
    match parsed {
        Ok(arguments) => Ok(Parsed::Command(arguments)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            Ok(Parsed::Text(error.to_string()))
        }
        Err(error) => Err(wrong_use(&error, arguments, file.as_ref(), &A::command())),
    }
}

fn report(command: &clap::Command, failure: &Failure) -> ExitCode {
    // Nothing is left to tell a reader who closed standard error.
    let _ = writeln!(
        std::io::stderr(),
        "{}: {}",
        command.get_name(),
        failure.line
    );
    ExitCode::from(failure.status)
}

/// Clap's paragraphs as one line, with the source of the value and the way on.
fn wrong_use(
    error: &clap::Error,
    arguments: &[OsString],
    file: Option<&config::File>,
    command: &clap::Command,
) -> Failure {
    let help = help_command(arguments, command);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::wrong_use(format!("name a command; see {help}"));
    }
    let text = error.to_string();
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let said = said.join(" ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let source = error
        .get(ContextKind::InvalidArg)
        .and_then(|named| config::source(&named.to_string(), arguments, file, command))
        .map(|source| format!(" (from {source})"))
        .unwrap_or_default();
    Failure::wrong_use(format!("{said}{source}; see {help}"))
}

fn help_command(arguments: &[OsString], command: &clap::Command) -> String {
    let name = command.get_name();
    arguments
        .iter()
        .skip(1)
        .filter_map(|argument| argument.to_str())
        .find(|argument| command.find_subcommand(argument).is_some())
        .map_or_else(
            || format!("{name} --help"),
            |subcommand| format!("{name} {subcommand} --help"),
        )
}

fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
