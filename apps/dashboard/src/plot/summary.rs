//! A chart in words, for those who do not see it.

use crate::plot::samples::Samples;
use crate::plot::times;
use crate::plot::units::Unit;

/// Series that are told one by one; the rest is counted.
const TOLD_MAX: usize = 5;

/// A series with the name that it has on the chart.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values.
    pub samples: Samples<'a>,
}

/// "Processor, last 5 min: 2 series. user now 41 %, from 3 % to 88 %; …".
pub fn summary(title: &str, window_s: u32, unit: &Unit, all: &[Named<'_>]) -> String {
    let span = times::span(f64::from(window_s));
    let told: Vec<String> = all.iter().filter_map(|series| one(series, unit)).collect();
    if told.is_empty() {
        return format!("{title}, last {span}: no data.");
    }
    let count = match told.len() {
        1 => "1 series".to_owned(),
        count => format!("{count} series"),
    };
    let rest = match told.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        rest => format!("; and {rest} more"),
    };
    let told = told[..told.len().min(TOLD_MAX)].join("; ");
    format!("{title}, last {span}: {count}. {told}{rest}.")
}

fn one(series: &Named<'_>, unit: &Unit) -> Option<String> {
    let (_, now) = series.samples.latest()?;
    let (low, high) = series.samples.range()?;
    let [now, low, high] = [now, low, high].map(|value| unit.format(value));
    Some(format!("{} now {now}, from {low} to {high}", series.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(name: &'a str, values: &'a [f64]) -> Named<'a> {
        Named {
            name,
            samples: Samples {
                first_bucket: 0,
                values,
            },
        }
    }

    #[test]
    fn each_series_is_told_with_its_range() {
        let told = summary(
            "CPU",
            300,
            &Unit::Percent,
            &[named("user", &[1.0, 9.0, 4.0])],
        );
        let told = told.replace('\u{a0}', " ");
        assert_eq!(
            told,
            "CPU, last 5 min: 1 series. user now 4 %, from 1 % to 9 %."
        );
    }

    #[test]
    fn many_series_are_counted_and_none_is_said() {
        let all: Vec<_> = (0..7).map(|_| named("s", &[1.0])).collect();
        assert!(summary("T", 60, &Unit::Percent, &all).ends_with("; and 2 more."));
        assert!(summary("T", 60, &Unit::Percent, &[]).ends_with("no data."));
    }
}
