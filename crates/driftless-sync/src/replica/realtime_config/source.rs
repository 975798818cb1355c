//! Where a setting's value comes from, and why one is refused.

use std::fmt;

use super::preset::Preset;
use super::setting::Setting;

/// Where the value of a setting comes from: the layers, lowest first.
///
/// ```
/// use driftless_sync::replica::realtime_config::{Layers, Source};
///
/// // The uppermost layer that says something decides.
/// let config = Layers::default()
///     .file("backoff_max_ms = 8000")?
///     .attributes([("backoff_max_ms", "9000")])?
///     .resolve();
/// assert_eq!(config.backoff_max_ms(), 9_000);
/// assert_eq!(config.source("backoff_max_ms"), Some(Source::Attributes));
/// assert!(Source::Attributes > Source::File);
/// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// The table.
    Default,
    /// The preset.
    Preset(Preset),
    /// A file.
    File,
    /// The environment.
    Environment,
    /// Attributes of a component, or code.
    Attributes,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Preset(preset) => write!(formatter, "preset {preset}"),
            Self::File => formatter.write_str("file"),
            Self::Environment => formatter.write_str("environment"),
            Self::Attributes => formatter.write_str("attributes"),
        }
    }
}

/// Why a setting is refused. Nothing of the layer that it stands in is taken.
///
/// ```
/// use driftless_sync::replica::realtime_config::{ConfigError, Layers};
///
/// let error = Layers::default().file("backof_max_ms = 8000").expect_err("a slip");
/// assert!(matches!(error, ConfigError::Name { nearest: "backoff_max_ms", .. }));
/// let error = Layers::default().file("backoff_max_ms = 1").expect_err("it is too short");
/// assert_eq!(
///     error.to_string(),
///     "backoff_max_ms = \"1\" (file): it takes 10 to 3600000 ms"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value that the setting does not take.
    #[error("{setting} = {value:?} ({source_layer}): it takes {}", .setting.range())]
    Value {
        /// Which.
        setting: Setting,
        /// What was given.
        value: String,
        /// Where.
        source_layer: Source,
    },
    /// No such setting.
    #[error("there is no setting {name:?} ({source_layer}); the nearest is {nearest}")]
    Name {
        /// What was given.
        name: String,
        /// The setting with the most similar name.
        nearest: &'static str,
        /// Where.
        source_layer: Source,
    },
    /// No such preset.
    #[error(
        "there is no preset {name:?} ({source_layer}); the nearest is {nearest}, and there are {}",
        known_presets()
    )]
    Preset {
        /// What was given.
        name: String,
        /// The preset with the most similar name.
        nearest: &'static str,
        /// Where.
        source_layer: Source,
    },
    /// A line of a file that sets nothing.
    #[error("line {line} of the file is {text:?}; write `name = value`, or `#` before a comment")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What it says.
        text: String,
    },
}

fn known_presets() -> String {
    let names: Vec<_> = Preset::ALL.iter().map(|preset| preset.name()).collect();
    names.join(", ")
}
