use super::*;

fn refusal(layers: Result<Layers, ConfigError>) -> String {
    layers.expect_err("refused").to_string()
}

#[test]
fn a_higher_layer_wins_and_each_value_tells_its_source() {
    let config = Layers::default()
        .attributes([("backoff_max_ms", "3000")])
        .and_then(|layers| layers.file("preset = kiosk\n# slow\nbackoff_max_ms = 9000\n\n"))
        .and_then(|layers| {
            layers.environment([
                ("DRIFTLESS_REALTIME_BACKOFF_MAX_MS", "8000"),
                ("DRIFTLESS_REALTIME_RETRY_LATER_MS", "2000"),
                ("DRIFTLESS_LISTEN", "127.0.0.1:1"),
            ])
        })
        .expect("valid")
        .resolve();
    let told = |name| {
        (
            config.value(Setting::named(name).expect("known")),
            config.source(name),
        )
    };
    let number = SettingValue::Number;
    assert_eq!(
        told("backoff_max_ms"),
        (number(3_000), Some(Source::Attributes))
    );
    assert_eq!(
        told("retry_later_ms"),
        (number(2_000), Some(Source::Environment))
    );
    let kiosk = Source::Preset(Preset::Kiosk);
    assert_eq!(told("feed_interval_ms"), (number(1_000), Some(kiosk)));
    assert_eq!(
        told("backoff_base_ms"),
        (number(500), Some(Source::Default))
    );
    assert_eq!(config.source("colour"), None);
}

#[test]
fn the_preset_of_the_uppermost_layer_that_names_one_counts() {
    let layers = Layers::default()
        .file("preset = kiosk\nbackoff_max_ms = 9000")
        .and_then(|layers| layers.environment([("DRIFTLESS_REALTIME_PRESET", "local_network")]))
        .expect("valid");
    let config = layers.resolve();
    assert_eq!(
        (config.backoff_base_ms(), config.backoff_max_ms()),
        (100, 9_000)
    );
    assert_eq!(config.feed_interval_ms(), 0);
}

#[test]
fn an_invalid_value_is_refused_with_its_name_value_and_range() {
    assert_eq!(
        refusal(Layers::default().file("flush_interval_ms = 99999")),
        "flush_interval_ms = \"99999\" (file): it takes 0 to 10000 ms"
    );
    assert_eq!(
        refusal(Layers::default().attributes([("auto_connect", "maybe")])),
        "auto_connect = \"maybe\" (attributes): it takes true or false"
    );
    let mut config = RealtimeConfig::default();
    assert!(config.set(Setting::AutoConnect, 1_u64).is_err());
    assert!(config.set(Setting::BackoffBaseMs, 9_u64).is_err());
    assert_eq!(config, RealtimeConfig::default());
}

#[test]
fn every_number_is_taken_at_its_bounds_and_refused_past_them() {
    for setting in Setting::ALL
        .iter()
        .filter(|setting| setting.unit() != Unit::Switch)
    {
        let bounds = setting.bounds();
        assert!(
            setting.takes(SettingValue::Number(*bounds.start())),
            "{setting}"
        );
        assert!(
            setting.takes(SettingValue::Number(*bounds.end())),
            "{setting}"
        );
        assert!(
            !setting.takes(SettingValue::Number(bounds.end() + 1)),
            "{setting}"
        );
        let below = bounds.start().checked_sub(1);
        assert!(
            below.is_none_or(|below| !setting.takes(SettingValue::Number(below))),
            "{setting}"
        );
    }
}

#[test]
fn defaults_and_presets_keep_to_the_ranges() {
    for setting in Setting::ALL {
        assert!(setting.takes(setting.default_value()), "{setting}");
    }
    for preset in Preset::ALL {
        for (setting, value) in preset.values() {
            assert!(setting.takes(value), "{preset}: {setting}");
        }
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        refusal(Layers::default().file("flush_intervall_ms = 5")),
        "there is no setting \"flush_intervall_ms\" (file); the nearest is flush_interval_ms"
    );
    assert_eq!(
        refusal(Layers::default().environment([("DRIFTLESS_REALTIME_PRESETS", "kiosk")])),
        "there is no setting \"presets\" (environment); the nearest is preset"
    );
    assert_eq!(
        refusal(Layers::default().file("preset = kisok")),
        "there is no preset \"kisok\" (file); the nearest is kiosk, and there are default, \
         low_bandwidth, local_network, kiosk"
    );
}

#[test]
fn a_line_that_sets_nothing_is_refused_with_its_number() {
    assert_eq!(
        refusal(Layers::default().file("# first\nkiosk\n")),
        "line 2 of the file is \"kiosk\"; write `name = value`, or `#` before a comment"
    );
}
