//! docs/configuration.md, from the table of settings.

use std::fmt::Write as _;

use driftless_sync::replica::realtime_config::{PRESET_NAME, Preset, Setting, VARIABLE_PREFIX};

/// The page.
pub fn text() -> String {
    let mut page = format!(
        "# Configuration of a replica\n\n\
         Made by `cargo xtask pages` from the tables in\n\
         `crates/driftless-sync/src/replica/realtime_config`; change those.\n\n\
         A setting has the value that the uppermost of these layers gives it:\n\n\
         1. attributes: what code sets, by `RealtimeConfig::set` or `Layers::attributes`\n\
         2. environment: the variable `{VARIABLE_PREFIX}` and the setting's name in capitals\n\
         3. file: a line `name = value` for each setting, `#` before a comment\n\
         4. the preset that the uppermost layer names under `{PRESET_NAME}`\n\
         5. the default\n\n\
         `config.source(\"flush_interval_ms\")` tells which layer it was. A value out of its range \
         is refused with\nname, value and range, an unknown name with the nearest known one. The \
         core reads neither files nor\nthe environment: whoever embeds it hands their content to \
         `Layers`, and the result to\n`ClientBuilder::config` or to the provider's `config`.\n\n\
         ## Settings\n\n"
    );
    for setting in Setting::ALL {
        let (name, about) = (setting.name(), setting.about());
        let (default, range) = (setting.default_value(), setting.range());
        let variable = setting.variable();
        write!(
            page,
            "### `{name}`\n\n{about}\n\n\
             | unit | default | range | environment |\n|---|---|---|---|\n\
             | {} | {default} | {range} | `{variable}` |\n\n",
            unit(*setting)
        )
        .expect("a string takes everything");
    }
    presets(&mut page);
    page
}

fn unit(setting: Setting) -> &'static str {
    use driftless_sync::replica::realtime_config::Unit;

    match setting.unit() {
        Unit::Switch => "switch",
        Unit::Milliseconds => "ms",
        _ => "number",
    }
}

fn presets(page: &mut String) {
    page.push_str("## Presets\n");
    for preset in Preset::ALL {
        let values = preset.values();
        write!(page, "\n### `{preset}`\n\n{}\n", preset.about())
            .expect("a string takes everything");
        if values.is_empty() {
            page.push_str("\nEverything has its default.\n");
            continue;
        }
        page.push_str("\n| setting | value | default |\n|---|---|---|\n");
        for (setting, value) in values {
            let default = setting.default_value();
            writeln!(page, "| [`{setting}`](#{setting}) | {value} | {default} |")
                .expect("a string takes everything");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_and_preset_is_on_the_page() {
        let page = text();
        for setting in Setting::ALL {
            assert!(page.contains(&format!("### `{setting}`\n")), "{setting}");
            assert!(page.contains(&setting.variable()), "{setting}");
        }
        for preset in Preset::ALL {
            assert!(page.contains(&format!("### `{preset}`\n")), "{preset}");
        }
    }
}
