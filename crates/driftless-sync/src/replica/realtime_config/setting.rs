//! The table of all settings: name, type, unit, default and range of each, once.

use std::fmt;
use std::ops::RangeInclusive;

/// What a number counts, or that it is none.
///
/// ```
/// use driftless_sync::replica::realtime_config::{Setting, Unit};
///
/// assert_eq!(Setting::AutoConnect.unit(), Unit::Switch);
/// assert_eq!(Setting::BackoffMaxMs.unit(), Unit::Milliseconds);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// `true` or `false`.
    Switch,
    /// Milliseconds.
    Milliseconds,
}

/// The value of a setting.
///
/// ```
/// use driftless_sync::replica::realtime_config::{RealtimeConfig, Setting, SettingValue};
///
/// let config = RealtimeConfig::default();
/// assert_eq!(config.value(Setting::AutoConnect), SettingValue::Switch(true));
/// assert_eq!(config.value(Setting::BackoffMaxMs), SettingValue::from(15_000_u64));
/// assert_eq!(SettingValue::Number(15_000).to_string(), "15000");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingValue {
    /// On or off.
    Switch(bool),
    /// A whole number in the setting's unit.
    Number(u64),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(is_on) => is_on.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
        }
    }
}

impl From<bool> for SettingValue {
    fn from(is_on: bool) -> Self {
        Self::Switch(is_on)
    }
}

impl From<u64> for SettingValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// What a setting's value is in code.
pub(super) trait Plain: Copy {
    fn value(self) -> SettingValue;
    fn of(value: SettingValue) -> Self;
}

impl Plain for bool {
    fn value(self) -> SettingValue {
        self.into()
    }

    fn of(value: SettingValue) -> Self {
        value == SettingValue::Switch(true)
    }
}

impl Plain for u64 {
    fn value(self) -> SettingValue {
        self.into()
    }

    fn of(value: SettingValue) -> Self {
        match value {
            SettingValue::Number(number) => number,
            SettingValue::Switch(is_on) => is_on.into(),
        }
    }
}

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $name:ident, $setting:ident: $type:ty, $unit:ident = $default:literal, $range:expr;
    )*) => {
        /// A setting, by name.
        ///
        /// ```
        /// use driftless_sync::replica::realtime_config::{Setting, SettingValue};
        ///
        /// let longest = Setting::named("backoff_max_ms").expect("there is one");
        /// assert_eq!(longest, Setting::BackoffMaxMs);
        /// assert_eq!(longest.variable(), "DRIFTLESS_REALTIME_BACKOFF_MAX_MS");
        /// assert_eq!(longest.range(), "10 to 3600000 ms");
        /// assert!(!longest.takes(SettingValue::Number(9)));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Setting {
            $($(#[doc = $about])+ $setting,)*
        }

        impl Setting {
            /// Every setting, in the order of the table.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::{RealtimeConfig, Setting};
            ///
            /// let config = RealtimeConfig::default();
            /// let mut all = Setting::ALL.iter();
            /// assert!(all.all(|setting| config.value(*setting) == setting.default_value()));
            /// ```
            pub const ALL: &'static [Self] = &[$(Self::$setting,)*];

            /// Its name, as files and attributes write it.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::Setting;
            ///
            /// assert_eq!(Setting::BackoffMaxMs.name(), "backoff_max_ms");
            /// ```
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$setting => stringify!($name),)*
                }
            }

            /// What it does.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::Setting;
            ///
            /// let about = "The longest wait between two attempts to connect.";
            /// assert_eq!(Setting::BackoffMaxMs.about(), about);
            /// ```
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$setting => concat!($($about),+).trim_start(),)*
                }
            }

            /// What its value counts.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::{Setting, Unit};
            ///
            /// assert_eq!(Setting::BackoffMaxMs.unit(), Unit::Milliseconds);
            /// ```
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$setting => Unit::$unit,)*
                }
            }

            /// Its value where no layer says otherwise.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::{Setting, SettingValue};
            ///
            /// assert_eq!(Setting::BackoffMaxMs.default_value(), SettingValue::Number(15_000));
            /// assert_eq!(Setting::AutoConnect.default_value(), SettingValue::Switch(true));
            /// ```
            pub fn default_value(self) -> SettingValue {
                match self {
                    $(Self::$setting => <$type as Plain>::value($default),)*
                }
            }

            /// The least and the greatest value of a number.
            pub(super) fn bounds(self) -> RangeInclusive<u64> {
                match self {
                    $(Self::$setting => $range,)*
                }
            }
        }

        impl super::RealtimeConfig {
            $($(#[doc = $about])+
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::RealtimeConfig;
            ///
            #[doc = concat!("let value = RealtimeConfig::default().", stringify!($name), "();")]
            #[doc = concat!("assert_eq!(value, ", stringify!($default), ");")]
            /// ```
            pub fn $name(&self) -> $type {
                <$type as Plain>::of(self.value(Setting::$setting))
            })*
        }
    };
}

settings! {
    /// Connect as soon as this device's storage is read.
    auto_connect, AutoConnect: bool, Switch = true, 0..=1;
    /// The longest wait before the second attempt to connect. It doubles with each further one, and
    /// the wait itself is drawn between 0 and it (full jitter).
    backoff_base_ms, BackoffBaseMs: u64, Milliseconds = 500, 10..=60_000;
    /// The longest wait between two attempts to connect.
    backoff_max_ms, BackoffMaxMs: u64, Milliseconds = 15_000, 10..=3_600_000;
    /// How long a socket may take to open and the server to answer.
    handshake_timeout_ms, HandshakeTimeoutMs: u64, Milliseconds = 10_000, 100..=300_000;
    /// The wait after a server that asked to come back later, before the backoff is added.
    retry_later_ms, RetryLaterMs: u64, Milliseconds = 30_000, 1_000..=3_600_000;
    /// How long a board that the server could not read is left alone before it is asked for again;
    /// up to as much again is added at random.
    board_retry_ms, BoardRetryMs: u64, Milliseconds = 2_000, 50..=300_000;
    /// How long a board that the user may not read is left alone before it is asked for again; up
    /// to as much again is added at random.
    rights_retry_ms, RightsRetryMs: u64, Milliseconds = 30_000, 50..=3_600_000;
    /// How long a failed write to this device's storage rests before it is tried again.
    storage_retry_ms, StorageRetryMs: u64, Milliseconds = 2_000, 50..=300_000;
    /// How long a tab that shares its replica waits for an answer of the tab that leads before it
    /// takes its place. A tab that is seen asks as often.
    tab_silence_ms, TabSilenceMs: u64, Milliseconds = 3_000, 100..=60_000;
    /// What others change is shown at most once in this time: a frame. Own changes are shown at
    /// once.
    flush_interval_ms, FlushIntervalMs: u64, Milliseconds = 16, 0..=10_000;
    /// The same for records and feeds that the application says are not on screen.
    flush_interval_unseen_ms, FlushIntervalUnseenMs: u64, Milliseconds = 1_000, 0..=60_000;
    /// The same for everything while the page is hidden.
    flush_interval_hidden_ms, FlushIntervalHiddenMs: u64, Milliseconds = 1_000, 16..=60_000;
    /// The samples of a feed are shown at most once in this time, where the feed has no pace of its
    /// own. 0: with every flush.
    feed_interval_ms, FeedIntervalMs: u64, Milliseconds = 0, 0..=60_000;
}

impl Setting {
    /// The setting of this name.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Setting;
    ///
    /// assert_eq!(Setting::named("auto_connect"), Some(Setting::AutoConnect));
    /// assert_eq!(Setting::named("AutoConnect"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|setting| setting.name() == name)
    }

    /// The environment variable that sets it.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Setting;
    ///
    /// assert_eq!(Setting::AutoConnect.variable(), "DRIFTLESS_REALTIME_AUTO_CONNECT");
    /// ```
    pub fn variable(self) -> String {
        let name = self.name().to_ascii_uppercase();
        format!("{}{name}", super::layers::VARIABLE_PREFIX)
    }

    /// Which values it takes, in words.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Setting;
    ///
    /// assert_eq!(Setting::AutoConnect.range(), "true or false");
    /// assert_eq!(Setting::BackoffMaxMs.range(), "10 to 3600000 ms");
    /// ```
    pub fn range(self) -> String {
        let bounds = self.bounds();
        match self.unit() {
            Unit::Switch => "true or false".to_owned(),
            Unit::Milliseconds => format!("{} to {} ms", bounds.start(), bounds.end()),
        }
    }

    /// Whether it takes this value.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::{Setting, SettingValue};
    ///
    /// assert!(Setting::BackoffMaxMs.takes(SettingValue::Number(10)));
    /// assert!(!Setting::BackoffMaxMs.takes(SettingValue::Number(9)));
    /// assert!(!Setting::BackoffMaxMs.takes(SettingValue::Switch(true)));
    /// ```
    pub fn takes(self, value: SettingValue) -> bool {
        match (self.unit(), value) {
            (Unit::Switch, SettingValue::Switch(_)) => true,
            (Unit::Milliseconds, SettingValue::Number(number)) => self.bounds().contains(&number),
            _ => false,
        }
    }

    /// Reads a value as files, environment and attributes write it; `None` where it takes no such.
    pub(super) fn read(self, text: &str) -> Option<SettingValue> {
        let value = match self.unit() {
            Unit::Switch => text.parse().ok().map(SettingValue::Switch),
            Unit::Milliseconds => text.parse().ok().map(SettingValue::Number),
        };
        value.filter(|value| self.takes(*value))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
