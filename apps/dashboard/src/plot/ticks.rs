//! Ticks of a value axis: steps of 1, 2 or 5 times a power of the base.

use crate::plot::units::{Unit, digits};

/// A tick of a value axis.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueTick {
    /// Where.
    pub value: f64,
    /// As written.
    pub text: String,
}

/// The vertical axis of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueAxis {
    /// The value at the bottom.
    pub low: f64,
    /// The value at the top.
    pub high: f64,
    /// Its ticks, bottom first.
    pub ticks: Vec<ValueTick>,
}

/// An axis around values from `low` to `high` with about `count` ticks. It starts at zero unless
/// values are negative: a line that hides how far zero is misleads.
pub fn axis(low: f64, high: f64, count: usize, unit: &Unit) -> ValueAxis {
    let (low, high) = widened(low.min(0.0), high.max(0.0));
    let prefix = unit.prefix(low.abs().max(high.abs()));
    #[allow(clippy::cast_precision_loss, reason = "a handful of ticks")]
    let step = nice((high - low) / prefix.factor / count.max(1) as f64);
    let first = (low / prefix.factor / step).floor();
    let last = (high / prefix.factor / step - 1e-9).ceil();
    let decimals = decimals_of(step);
    let suffix = unit.suffix(prefix);
    let gap = if suffix.is_empty() { "" } else { "\u{a0}" };
    let numbers = std::iter::successors(Some(first), |number| Some(number + 1.0));
    let ticks = numbers.take_while(|number| *number <= last).map(|number| {
        let scaled = number * step;
        ValueTick {
            value: scaled * prefix.factor,
            text: format!("{}{gap}{suffix}", digits(scaled, decimals)),
        }
    });
    ValueAxis {
        low: first * step * prefix.factor,
        high: last * step * prefix.factor,
        ticks: ticks.collect(),
    }
}

/// A flat or unknown range still needs an axis.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() || high <= low {
        return (0.0, 1.0);
    }
    (low, high)
}

/// The least of 1, 2, 5 times a power of ten that is not below `step`.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let fraction = step / power;
    let factor = [1.0, 2.0, 5.0, 10.0];
    let factor = factor.into_iter().find(|factor| fraction <= factor + 1e-9);
    factor.unwrap_or(10.0) * power
}

fn decimals_of(step: f64) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and an f64 has few decimals"
    )]
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
    decimals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &ValueAxis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn ticks_are_one_two_or_five_times_a_power_of_ten() {
        let found = axis(0.0, 87.0, 4, &Unit::Percent);
        assert_eq!(texts(&found), ["0\u{a0}%", "50\u{a0}%", "100\u{a0}%"]);
        let found = axis(0.0, 7.3, 4, &Unit::parse(""));
        assert_eq!(texts(&found), ["0", "2", "4", "6", "8"]);
    }

    #[test]
    fn bytes_have_round_ticks_in_their_own_prefix() {
        let gib = 1024.0 * 1024.0 * 1024.0;
        let found = axis(0.0, 7.5 * gib, 4, &Unit::Bytes);
        assert_eq!(
            texts(&found),
            [
                "0\u{a0}GiB",
                "2\u{a0}GiB",
                "4\u{a0}GiB",
                "6\u{a0}GiB",
                "8\u{a0}GiB"
            ]
        );
    }

    #[test]
    fn small_steps_keep_their_decimals() {
        let found = axis(0.0, 0.5, 5, &Unit::Percent);
        assert_eq!(found.ticks[1].text, "0.1\u{a0}%");
    }

    #[test]
    fn nothing_and_zero_have_an_axis_too() {
        for (low, high) in [(0.0, 0.0), (f64::INFINITY, f64::NEG_INFINITY)] {
            let found = axis(low, high, 4, &Unit::parse(""));
            assert!(found.high > found.low && found.ticks.len() > 1, "{found:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_value_lies_on_its_axis(a in -1e12_f64..1e12, b in -1e12_f64..1e12) {
            let (low, high) = (a.min(b), a.max(b));
            for unit in ["", "%", "bytes"] {
                let found = axis(low, high, 4, &Unit::parse(unit));
                let slack = (high - low).abs() * 1e-6 + 1e-9;
                proptest::prop_assert!(found.low <= low + slack && found.high >= high - slack);
                proptest::prop_assert!((2..=12).contains(&found.ticks.len()), "{found:?}");
            }
        }
    }
}
