//! Layers of settings: each is checked when it is put on, and the uppermost that says something
//! about a setting decides.

use super::RealtimeConfig;
use super::nearest::nearest;
use super::preset::Preset;
use super::setting::{Setting, SettingValue};
use super::source::{ConfigError, Source};

/// What every environment variable of a setting begins with.
///
/// ```
/// use driftless_sync::replica::realtime_config::{Setting, VARIABLE_PREFIX};
///
/// assert_eq!(Setting::BackoffMaxMs.variable(), format!("{VARIABLE_PREFIX}BACKOFF_MAX_MS"));
/// ```
pub const VARIABLE_PREFIX: &str = "DRIFTLESS_REALTIME_";
/// The name that chooses a preset, beside those of the settings.
///
/// ```
/// use driftless_sync::replica::realtime_config::{Layers, PRESET_NAME, Preset, RealtimeConfig};
///
/// let config = Layers::default().attributes([(PRESET_NAME, "kiosk")])?.resolve();
/// assert_eq!(config, RealtimeConfig::from(Preset::Kiosk));
/// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
/// ```
pub const PRESET_NAME: &str = "preset";

/// Settings from several places, before they are one [`RealtimeConfig`].
///
/// ```
/// use driftless_sync::replica::realtime_config::{Layers, Source};
///
/// let config = Layers::default()
///     .file("preset = kiosk\nbackoff_max_ms = 8000")?
///     .environment([("DRIFTLESS_REALTIME_FLUSH_INTERVAL_MS", "33"), ("HOME", "/home/ann")])?
///     .resolve();
/// assert_eq!(config.backoff_max_ms(), 8_000);
/// assert_eq!(config.source("flush_interval_ms"), Some(Source::Environment));
/// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Layers {
    file: Layer,
    environment: Layer,
    attributes: Layer,
}

#[derive(Debug, Clone, Default)]
struct Layer {
    preset: Option<Preset>,
    values: Vec<(Setting, SettingValue)>,
}

impl Layers {
    /// The content of a file: a line `name = value` for each setting, `preset = name` for the
    /// preset. Blank lines and those that begin with `#` say nothing. Replaces an earlier file.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Layers;
    ///
    /// let layers = Layers::default().file("# a screen in the hall\nbackoff_max_ms = 8000\n")?;
    /// assert_eq!(layers.resolve().backoff_max_ms(), 8_000);
    /// assert!(Layers::default().file("backoff_max_ms: 8000").is_err());
    /// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
    /// ```
    pub fn file(mut self, text: &str) -> Result<Self, ConfigError> {
        let mut pairs = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| ConfigError::Line {
                line: index + 1,
                text: line.to_owned(),
            })?;
            pairs.push((name.trim(), value.trim()));
        }
        self.file = Layer::read(pairs, Source::File)?;
        Ok(self)
    }

    /// The environment, whole: variables whose names do not begin with [`VARIABLE_PREFIX`] are
    /// somebody else's. Replaces an earlier environment.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Layers;
    ///
    /// let variables = [("DRIFTLESS_REALTIME_BACKOFF_MAX_MS", "8000"), ("HOME", "/home/ann")];
    /// let config = Layers::default().environment(variables)?.resolve();
    /// assert_eq!(config.backoff_max_ms(), 8_000);
    /// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
    /// ```
    pub fn environment<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        let pairs = variables.into_iter().filter_map(|(name, value)| {
            let name = name.as_ref().strip_prefix(VARIABLE_PREFIX)?;
            Some((name.to_ascii_lowercase(), value))
        });
        self.environment = Layer::read(pairs, Source::Environment)?;
        Ok(self)
    }

    /// Attributes by name. Replaces earlier ones.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Layers;
    ///
    /// let config = Layers::default().attributes([("auto_connect", "false")])?.resolve();
    /// assert!(!config.auto_connect());
    /// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
    /// ```
    pub fn attributes<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        self.attributes = Layer::read(pairs, Source::Attributes)?;
        Ok(self)
    }

    /// The settings that all layers make together. The preset is that of the uppermost layer which
    /// names one, and lies below all layers.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::{Layers, Preset, Source};
    ///
    /// // The preset is named above the file, and lies below it.
    /// let layers = Layers::default().file("backoff_max_ms = 8000")?;
    /// let config = layers.attributes([("preset", "kiosk")])?.resolve();
    /// assert_eq!(config.source("backoff_max_ms"), Some(Source::File));
    /// assert_eq!(config.source("feed_interval_ms"), Some(Source::Preset(Preset::Kiosk)));
    /// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
    /// ```
    pub fn resolve(&self) -> RealtimeConfig {
        let layers = [
            (&self.file, Source::File),
            (&self.environment, Source::Environment),
            (&self.attributes, Source::Attributes),
        ];
        let preset = layers.iter().rev().find_map(|(layer, _)| layer.preset);
        let mut config = RealtimeConfig::from(preset.unwrap_or_default());
        for (layer, source) in layers {
            for (setting, value) in &layer.values {
                config.put(*setting, *value, source);
            }
        }
        config
    }
}

impl Layer {
    fn read<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
        source: Source,
    ) -> Result<Self, ConfigError> {
        let mut layer = Self::default();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name == PRESET_NAME {
                layer.preset = Some(read_preset(value, source)?);
            } else {
                layer.values.push(read_setting(name, value, source)?);
            }
        }
        Ok(layer)
    }
}

fn read_preset(name: &str, source_layer: Source) -> Result<Preset, ConfigError> {
    Preset::named(name).ok_or_else(|| ConfigError::Preset {
        name: name.to_owned(),
        nearest: nearest(name, Preset::ALL.iter().map(|preset| preset.name())),
        source_layer,
    })
}

fn read_setting(
    name: &str,
    text: &str,
    source_layer: Source,
) -> Result<(Setting, SettingValue), ConfigError> {
    let Some(setting) = Setting::named(name) else {
        let known = Setting::ALL.iter().map(|setting| setting.name());
        return Err(ConfigError::Name {
            name: name.to_owned(),
            nearest: nearest(name, known.chain([PRESET_NAME])),
            source_layer,
        });
    };
    match setting.read(text) {
        Some(value) => Ok((setting, value)),
        None => Err(ConfigError::Value {
            setting,
            value: text.to_owned(),
            source_layer,
        }),
    }
}
