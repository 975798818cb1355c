//! Every setting of a replica in one typed, documented place: the table of [`Setting`]s, presets,
//! and layers of sources. Pure: whoever has a file or an environment hands their content in.
//! docs/configuration.md is made of the same table.

mod setting;
mod preset;
mod source;
mod nearest;
mod layers;

#[cfg(test)]
mod tests;

pub use layers::{Layers, PRESET_NAME, VARIABLE_PREFIX};
pub use preset::Preset;
pub use setting::{Setting, SettingValue, Unit};
pub use source::{ConfigError, Source};

/// How a replica connects, retries and shows changes. Each setting has a method of its name; the
/// default is the [`Preset::Default`], other presets convert by `into()`, and [`Layers`] builds one
/// from several sources.
///
/// ```
/// use driftless_sync::replica::realtime_config::{Preset, RealtimeConfig, Setting};
///
/// let mut config = RealtimeConfig::from(Preset::Kiosk);
/// config.set(Setting::BackoffMaxMs, 8_000_u64)?;
/// assert_eq!((config.backoff_max_ms(), config.feed_interval_ms()), (8_000, 1_000));
/// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeConfig {
    /// In the order of [`Setting::ALL`].
    values: Vec<(SettingValue, Source)>,
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Preset::Default.into()
    }
}

impl From<Preset> for RealtimeConfig {
    fn from(preset: Preset) -> Self {
        let all = Setting::ALL.iter();
        let mut config = Self {
            values: all
                .map(|setting| (setting.default_value(), Source::Default))
                .collect(),
        };
        for (setting, value) in preset.values() {
            config.put(setting, value, Source::Preset(preset));
        }
        config
    }
}

impl RealtimeConfig {
    /// The value of a setting.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::{RealtimeConfig, Setting, SettingValue};
    ///
    /// let config = RealtimeConfig::default();
    /// assert_eq!(config.value(Setting::BackoffMaxMs), SettingValue::Number(15_000));
    /// ```
    pub fn value(&self, setting: Setting) -> SettingValue {
        self.values[setting as usize].0
    }

    /// Where the value of the setting of this name comes from; `None` where there is no such.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::{RealtimeConfig, Source};
    ///
    /// let config = RealtimeConfig::default();
    /// assert_eq!(config.source("backoff_max_ms"), Some(Source::Default));
    /// assert_eq!(config.source("no such setting"), None);
    /// ```
    pub fn source(&self, name: &str) -> Option<Source> {
        let setting = Setting::named(name)?;
        Some(self.values[setting as usize].1)
    }

    /// Sets one from code, above every layer.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::{RealtimeConfig, Setting};
    ///
    /// let mut config = RealtimeConfig::default();
    /// config.set(Setting::BackoffMaxMs, 8_000_u64)?;
    /// assert!(config.set(Setting::BackoffMaxMs, 9_u64).is_err()); // ten at least
    /// assert_eq!(config.backoff_max_ms(), 8_000);
    /// # Ok::<(), driftless_sync::replica::realtime_config::ConfigError>(())
    /// ```
    pub fn set(
        &mut self,
        setting: Setting,
        value: impl Into<SettingValue>,
    ) -> Result<(), ConfigError> {
        let value = value.into();
        if !setting.takes(value) {
            return Err(ConfigError::Value {
                setting,
                value: value.to_string(),
                source_layer: Source::Attributes,
            });
        }
        self.put(setting, value, Source::Attributes);
        Ok(())
    }

    /// Takes a value that was checked.
    fn put(&mut self, setting: Setting, value: SettingValue, source: Source) {
        self.values[setting as usize] = (value, source);
    }
}
