//! The configuration file: flat keys, the same as the long flags.
//!
//! Its values become defaults of the flags before the command line is read, so
//! that flags and variables win by themselves and every value passes the same
//! checks, whatever its source. One file serves all commands: a key is unknown
//! only when no command has such a flag.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Command;

use super::Failure;

/// Keys and values of one file, and where each key stands.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    text: String,
    values: BTreeMap<String, Vec<String>>,
}

impl File {
    /// The file that the command line or `EVERTILL_CONFIG` names, if any.
    pub(super) fn of(arguments: &[OsString]) -> Result<Option<Self>, Failure> {
        let path = named_by_flag(arguments)
            .or_else(|| std::env::var_os("EVERTILL_CONFIG").filter(|path| !path.is_empty()))
            .map(PathBuf::from);
        path.map(|path| Self::read(&path)).transpose()
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::wrong_use(format!(
                "could not read the configuration file {shown}: {error}"
            ))
        })?;
        let json = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        let table: serde_json::Map<String, serde_json::Value> = if json {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            toml::from_str(&text).map_err(|error| error.to_string())
        }
        .map_err(|error| {
            Failure::wrong_use(format!(
                "could not read the configuration file {shown}: {error}"
            ))
        })?;
        let mut file = Self {
            path: path.to_owned(),
            text,
            values: BTreeMap::new(),
        };
        for (key, value) in table {
            let values = scalars(&value).ok_or_else(|| {
                Failure::wrong_use(format!(
                    "{}: the key {key} must hold a text, a number, true or false",
                    file.place(&key)
                ))
            })?;
            file.values.insert(key.replace('_', "-"), values);
        }
        Ok(file)
    }

    /// The command with the file's values as defaults of its flags.
    pub(super) fn apply(&self, command: Command) -> Result<Command, Failure> {
        let mut known = BTreeSet::new();
        let command = self.apply_to(command, &mut known);
        match self.values.keys().find(|key| !known.contains(*key)) {
            Some(key) => Err(Failure::wrong_use(format!(
                "{}: there is no setting {key}; the keys are the long flags of {} and its \
                 commands, without the dashes in front",
                self.place(key),
                command.get_name()
            ))),
            None => Ok(command),
        }
    }

    fn apply_to(&self, command: Command, known: &mut BTreeSet<String>) -> Command {
        let mut command = command.mut_args(|argument| {
            let Some(long) = argument.get_long().filter(|long| *long != "config") else {
                return argument;
            };
            let Some((key, values)) = self.values.get_key_value(long) else {
                return argument;
            };
            known.insert(key.clone());
            argument.required(false).default_values(values.clone())
        });
        let names: Vec<String> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .collect();
        for name in names {
            command = command.mut_subcommand(name, |sub| self.apply_to(sub, known));
        }
        command
    }

    /// `FILE:LINE` of a key, or the file alone when the key is not at a line's start.
    fn place(&self, key: &str) -> String {
        let bare = |text: &str| text.replace('_', "-");
        let line = self.text.lines().position(|line| {
            let line = bare(line.trim_start().trim_start_matches(['"', '\'', '{', ' ']));
            line.strip_prefix(&bare(key)).is_some_and(|rest| {
                rest.trim_start_matches(['"', '\'', ' '])
                    .starts_with(['=', ':'])
            })
        });
        let path = self.path.display();
        line.map_or_else(|| path.to_string(), |line| format!("{path}:{}", line + 1))
    }
}

/// Where the value of an argument, named as clap shows it (`--http <ADDR>`),
/// came from, when it was not the command line.
pub(super) fn source(
    named: &str,
    arguments: &[OsString],
    file: Option<&File>,
    command: &Command,
) -> Option<String> {
    let long = named.strip_prefix("--")?.split([' ', '=']).next()?;
    let flag = format!("--{long}");
    let given = arguments.iter().filter_map(|a| a.to_str()).any(|argument| {
        argument
            .strip_prefix(&flag)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    });
    if given {
        return None;
    }
    let variable = variable_of(command, long);
    if let Some(variable) = variable.filter(|name| std::env::var_os(name).is_some()) {
        return Some(variable);
    }
    file.filter(|file| file.values.contains_key(long))
        .map(|file| file.place(long))
}

fn variable_of(command: &Command, long: &str) -> Option<String> {
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))
        .and_then(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .or_else(|| {
            command
                .get_subcommands()
                .find_map(|sub| variable_of(sub, long))
        })
}

fn named_by_flag(arguments: &[OsString]) -> Option<OsString> {
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        if argument == "--" {
            return None;
        }
        if argument == "--config" {
            return rest.next().cloned();
        }
        if let Some(path) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(path.into());
        }
    }
    None
}

fn scalars(value: &serde_json::Value) -> Option<Vec<String>> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(flag) => Some(vec![flag.to_string()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Array(items) => items
            .iter()
            .map(|item| scalars(item).filter(|one| one.len() == 1 && !item.is_array()))
            .try_fold(Vec::new(), |mut all, one| {
                all.extend(one?);
                Some(all)
            }),
        Value::Null | Value::Object(_) => None,
    }
}
