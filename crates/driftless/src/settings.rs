//! The settings of `driftless serve`, from four layers: the command line goes before the
//! environment, that before the file of `--config`, and that before the defaults.
//!
//! Each layer is read by the same parser: what the file says is put on a command line of its own,
//! so that a value is checked, and complained about, in one way wherever it comes from.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use serde_json::{Value as Json, json};
use toml::Value;

use crate::cli::Cli;

/// Options that are no settings: they say what to do with them.
const NO_SETTINGS: [&str; 5] = ["config", "check-config", "json", "help", "version"];

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings {file} cannot be read: {reason}; name a TOML file with --config")]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A name in the file is no setting.
    #[error("{file}: {name:?} is no setting; `driftless serve --help` names them, without the --")]
    Unknown {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// A value in the file is of no kind that a setting has.
    #[error("{file}: {name} is a text, a number, true or false, or a list of texts")]
    Kind {
        /// The file.
        file: PathBuf,
        /// Which setting.
        name: String,
    },
}

/// What the arguments say, with the file of `--config` where they name one.
pub fn parse(arguments: &[OsString]) -> Result<(Cli, ArgMatches), SettingsError> {
    let command = Cli::command();
    let matches = command.clone().get_matches_from(arguments);
    let matches = match file_of(&matches) {
        None => matches,
        Some(file) => {
            let table = read(&file)?;
            let more = as_arguments(&file, &table, settings(&command), innermost(&matches))?;
            command.get_matches_from(arguments.iter().cloned().chain(more))
        }
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    Ok((cli, matches))
}

/// The matches of the command that was named: `serve`, or `print` of `config`.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    let mut matches = matches;
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    matches
}

fn settings(command: &Command) -> &Command {
    let serve = command.find_subcommand("serve");
    serve.expect("there is a command `serve`")
}

fn file_of(matches: &ArgMatches) -> Option<PathBuf> {
    let inner = innermost(matches);
    let file = inner.try_get_one::<PathBuf>("config").ok().flatten();
    file.cloned()
}

fn read(file: &Path) -> Result<toml::Table, SettingsError> {
    let bad = |reason: String| SettingsError::File {
        file: file.to_owned(),
        reason: reason.trim_end().replace('\n', " "),
    };
    let text = fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    text.parse()
        .map_err(|error: toml::de::Error| bad(error.to_string()))
}

/// What the file says of settings that no stronger layer has said.
fn as_arguments(
    file: &Path,
    table: &toml::Table,
    serve: &Command,
    given: &ArgMatches,
) -> Result<Vec<OsString>, SettingsError> {
    let mut arguments = Vec::new();
    for (name, value) in table {
        let long = name.replace('_', "-");
        let is_setting = !NO_SETTINGS.contains(&long.as_str());
        let setting = serve
            .get_arguments()
            .find(|argument| argument.get_long() == Some(&long));
        let setting = setting.filter(|_| is_setting);
        let setting = setting.ok_or_else(|| SettingsError::Unknown {
            file: file.to_owned(),
            name: name.clone(),
        })?;
        let source = given.value_source(setting.get_id().as_str());
        if matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        ) {
            continue;
        }
        let kind = || SettingsError::Kind {
            file: file.to_owned(),
            name: name.clone(),
        };
        let takes_value = setting.get_action().takes_values();
        arguments.extend(of_value(&long, value, takes_value).ok_or_else(kind)?);
    }
    Ok(arguments)
}

fn of_value(long: &str, value: &Value, takes_value: bool) -> Option<Vec<OsString>> {
    let with = |text: String| OsString::from(format!("--{long}={text}"));
    Some(match (value, takes_value) {
        (Value::Boolean(true), false) => vec![format!("--{long}").into()],
        (Value::Boolean(false), false) => vec![],
        (Value::String(text), true) => vec![with(text.clone())],
        (Value::Integer(number), true) => vec![with(number.to_string())],
        (Value::Array(values), true) => {
            let texts = values.iter().map(Value::as_str);
            let texts = texts.collect::<Option<Vec<_>>>()?;
            texts
                .into_iter()
                .map(|text| with(text.to_owned()))
                .collect()
        }
        _ => return None,
    })
}

/// Prints each setting, its value, and the layer that it comes from.
pub fn print(matches: &ArgMatches, arguments: &[OsString], is_json: bool) -> io::Result<()> {
    let command = Cli::command();
    let serve = settings(&command);
    let inner = innermost(matches);
    let given = command.clone().get_matches_from(arguments);
    let mut rows = Vec::new();
    for argument in serve.get_arguments() {
        let Some(long) = argument
            .get_long()
            .filter(|long| !NO_SETTINGS.contains(long))
        else {
            continue;
        };
        let id = argument.get_id().as_str();
        let value = shown(inner, id, argument.get_action().takes_values());
        let origin = match (innermost(&given).value_source(id), inner.value_source(id)) {
            (Some(ValueSource::CommandLine), _) => "command line".to_owned(),
            (Some(ValueSource::EnvVariable), _) => {
                let name = argument.get_env().unwrap_or_default().to_string_lossy();
                format!("environment {name}")
            }
            (_, Some(ValueSource::CommandLine)) => {
                let file = file_of(matches).unwrap_or_default();
                file.display().to_string()
            }
            _ => "default".to_owned(),
        };
        rows.push((long.to_owned(), value, origin));
    }
    let mut out = io::stdout().lock();
    if is_json {
        let object = |(name, value, origin): &(String, Json, String)| {
            (name.clone(), json!({ "value": value, "origin": origin }))
        };
        let object: serde_json::Map<_, _> = rows.iter().map(object).collect();
        return writeln!(out, "{}", Json::Object(object));
    }
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    for (name, value, origin) in rows {
        writeln!(out, "{name:width$} = {value}  # {origin}")?;
    }
    Ok(())
}

/// A value as it was given, or `false` where a flag was not.
fn shown(matches: &ArgMatches, id: &str, takes_value: bool) -> Json {
    if !takes_value {
        return json!(matches.get_flag(id));
    }
    let raw = matches.get_raw(id).into_iter().flatten();
    let raw: Vec<_> = raw.map(|value| value.to_string_lossy()).collect();
    match &raw[..] {
        [] => Json::Null,
        [one] => json!(one),
        many => json!(many),
    }
}
