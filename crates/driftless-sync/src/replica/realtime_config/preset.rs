//! Presets: settings that go together, for a place where a replica runs.

use std::fmt;

use super::setting::{Setting, SettingValue};

macro_rules! presets {
    ($(
        $(#[doc = $about:literal])+
        $preset:ident = $name:literal { $($setting:ident = $value:literal,)* }
    )*) => {
        /// Settings that go together, below everything that is set one by one.
        ///
        /// ```
        /// use driftless_sync::replica::realtime_config::{Preset, RealtimeConfig};
        ///
        /// let kiosk = Preset::named("kiosk").expect("there is one");
        /// let config = RealtimeConfig::from(kiosk);
        /// assert!(config.backoff_max_ms() < RealtimeConfig::default().backoff_max_ms());
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[non_exhaustive]
        pub enum Preset {
            #[default]
            $($(#[doc = $about])+ $preset,)*
        }

        impl Preset {
            /// Every preset.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::Preset;
            ///
            /// let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
            /// assert_eq!(names, ["default", "low_bandwidth", "local_network", "kiosk"]);
            /// ```
            pub const ALL: &'static [Self] = &[$(Self::$preset,)*];

            /// Its name, as files and attributes write it.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::Preset;
            ///
            /// assert_eq!(Preset::LowBandwidth.name(), "low_bandwidth");
            /// ```
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$preset => $name,)*
                }
            }

            /// Where it fits.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::Preset;
            ///
            /// assert!(Preset::Kiosk.about().starts_with("A screen on a wall"));
            /// ```
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$preset => concat!($($about),+).trim_start(),)*
                }
            }

            /// What it sets; everything else has its default.
            ///
            /// ```
            /// use driftless_sync::replica::realtime_config::{Preset, Setting, SettingValue};
            ///
            /// let longest = (Setting::BackoffMaxMs, SettingValue::Number(5_000));
            /// assert!(Preset::Kiosk.values().contains(&longest));
            /// assert!(Preset::Default.values().is_empty());
            /// ```
            pub fn values(self) -> Vec<(Setting, SettingValue)> {
                match self {
                    $(Self::$preset => vec![$((Setting::$setting, SettingValue::from($value)),)*],)*
                }
            }
        }
    };
}

presets! {
    /// A browser or a process on the internet.
    Default = "default" {}
    /// A slow, dear or shaky connection: patient with the server, and calm on screen.
    LowBandwidth = "low_bandwidth" {
        BackoffBaseMs = 2_000_u64,
        BackoffMaxMs = 60_000_u64,
        HandshakeTimeoutMs = 30_000_u64,
        RetryLaterMs = 60_000_u64,
        FlushIntervalMs = 100_u64,
        FlushIntervalUnseenMs = 5_000_u64,
        FlushIntervalHiddenMs = 5_000_u64,
        FeedIntervalMs = 2_000_u64,
    }
    /// A server in the same building: a lost connection is back within moments.
    LocalNetwork = "local_network" {
        BackoffBaseMs = 100_u64,
        BackoffMaxMs = 2_000_u64,
        HandshakeTimeoutMs = 3_000_u64,
        RetryLaterMs = 5_000_u64,
        BoardRetryMs = 500_u64,
    }
    /// A screen on a wall that nobody touches: comes back by itself however long the server was
    /// away, and draws though the browser says that it is hidden.
    Kiosk = "kiosk" {
        BackoffMaxMs = 5_000_u64,
        RetryLaterMs = 10_000_u64,
        FlushIntervalMs = 50_u64,
        FlushIntervalHiddenMs = 50_u64,
        FeedIntervalMs = 1_000_u64,
    }
}

impl Preset {
    /// The preset of this name.
    ///
    /// ```
    /// use driftless_sync::replica::realtime_config::Preset;
    ///
    /// assert_eq!(Preset::named("local_network"), Some(Preset::LocalNetwork));
    /// assert_eq!(Preset::named("Kiosk"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|preset| preset.name() == name)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
