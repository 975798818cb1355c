//! Numbers with their units, in at most four significant digits.

/// How a widget's values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Hundredths: 42 is "42 %".
    Percent,
    /// Bytes, in powers of 1024.
    Bytes,
    /// Bytes a second, in powers of 1024.
    BytesPerSecond,
    /// Anything else, in powers of 1000, with this text behind the number.
    Plain(String),
}

/// Powers of 1000, from 10⁻⁹.
const SI: [&str; 8] = ["n", "µ", "m", "", "k", "M", "G", "T"];
/// Where "no prefix" stands in [`SI`].
const SI_ONE: i32 = 3;
/// Powers of 1024.
const IEC: [&str; 6] = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

/// A prefix: what a value is divided by, and what is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prefix {
    /// The divisor.
    pub factor: f64,
    /// As written before the unit.
    pub text: &'static str,
}

impl Unit {
    /// Reads the `unit` leaf of a widget.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "%" | "percent" => Self::Percent,
            "bytes" | "B" => Self::Bytes,
            "bytes/s" | "B/s" => Self::BytesPerSecond,
            other => Self::Plain(other.to_owned()),
        }
    }

    /// The prefix in which a value reads best.
    pub fn prefix(&self, value: f64) -> Prefix {
        let size = value.abs();
        match self {
            Self::Percent => one(),
            Self::Bytes | Self::BytesPerSecond => {
                let power = power_below(size, 1024.0).clamp(0, 5);
                prefix(1024.0, power, IEC[index(power)])
            }
            Self::Plain(_) => {
                // Below a thousandth of a thousandth a plain count is noise, not a quantity.
                let power = match (power_below(size, 1000.0).clamp(-SI_ONE, 4), self) {
                    // A load of 0.74 is no 740 m of anything.
                    (-1, Self::Plain(unit)) if unit.is_empty() => 0,
                    (power, _) => power,
                };
                prefix(1000.0, power, SI[index(power + SI_ONE)])
            }
        }
    }

    /// What stands behind the number, prefix included.
    pub fn suffix(&self, prefix: Prefix) -> String {
        let text = prefix.text;
        match self {
            Self::Percent => "%".to_owned(),
            Self::Bytes => format!("{text}B"),
            Self::BytesPerSecond => format!("{text}B/s"),
            Self::Plain(unit) => format!("{text}{unit}"),
        }
    }

    /// A value as number and suffix; the suffix may be empty.
    pub fn parts(&self, value: f64) -> (String, String) {
        if !value.is_finite() {
            return ("–".to_owned(), String::new());
        }
        let mut prefix = self.prefix(value);
        // 1023.96 KiB would be written 1024 KiB: the next prefix says it better.
        let rounded = round_to_digits(value / prefix.factor) * prefix.factor;
        prefix = self.prefix(rounded);
        let scaled = value / prefix.factor;
        (digits(scaled, decimals_of(scaled)), self.suffix(prefix))
    }

    /// A value as one text: "41.9 %", "1.5 GiB/s".
    pub fn format(&self, value: f64) -> String {
        let (number, suffix) = self.parts(value);
        if suffix.is_empty() {
            number
        } else {
            format!("{number}\u{a0}{suffix}")
        }
    }
}

fn one() -> Prefix {
    prefix(1.0, 0, "")
}

fn prefix(base: f64, power: i32, text: &'static str) -> Prefix {
    Prefix {
        factor: base.powi(power),
        text,
    }
}

fn index(power: i32) -> usize {
    usize::try_from(power).expect("clamped to the prefixes")
}

/// The greatest power of `base` that is not above `size`; 0 for zero.
fn power_below(size: f64, base: f64) -> i32 {
    if size == 0.0 || !size.is_finite() {
        return 0;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a logarithm of an f64")]
    let power = (size.log(base) + 1e-12).floor() as i32;
    power
}

/// Four significant digits at most, three where there is a fraction.
fn decimals_of(scaled: f64) -> usize {
    match scaled.abs() {
        size if size == 0.0 || size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.0995 => 3,
        size if size >= 0.00995 => 4,
        _ => 5,
    }
}

fn round_to_digits(scaled: f64) -> f64 {
    let decimals = i32::try_from(decimals_of(scaled)).expect("at most 5");
    let unit = 10_f64.powi(decimals);
    (scaled * unit).round() / unit
}

/// A number with so many decimals, without a minus before zero and without trailing zeros.
pub fn digits(scaled: f64, decimals: usize) -> String {
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    if text == "-0" {
        "0".to_owned()
    } else {
        text.replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: f64) -> String {
        Unit::parse("").format(value)
    }

    #[test]
    fn bytes_are_counted_in_powers_of_1024() {
        let bytes = |value| Unit::Bytes.format(value);
        assert_eq!(bytes(0.0), "0\u{a0}B");
        assert_eq!(bytes(1023.0), "1023\u{a0}B");
        assert_eq!(bytes(1536.0), "1.5\u{a0}KiB");
        assert_eq!(bytes(16.0 * 1024.0 * 1024.0 * 1024.0), "16\u{a0}GiB");
    }

    #[test]
    fn a_value_that_rounds_up_to_the_next_prefix_is_written_with_it() {
        assert_eq!(Unit::Bytes.format(1_048_575.9), "1\u{a0}MiB");
        assert_eq!(plain(999.96), "1\u{a0}k");
    }

    #[test]
    fn at_most_four_significant_digits_are_shown() {
        assert_eq!(plain(1234.5), "1.23\u{a0}k");
        assert_eq!(plain(123.456), "123");
        assert_eq!(plain(41.94), "41.9");
        assert_eq!(Unit::Percent.format(7.126), "7.13\u{a0}%");
    }

    #[test]
    fn percent_and_plain_units_stand_behind_the_number() {
        assert_eq!(Unit::Percent.format(100.0), "100\u{a0}%");
        assert_eq!(Unit::parse("req").format(2_500_000.0), "2.5\u{a0}Mreq");
        assert_eq!(Unit::BytesPerSecond.format(2048.0), "2\u{a0}KiB/s");
    }

    #[test]
    fn zero_has_no_sign_and_nothing_is_a_dash() {
        assert_eq!(plain(-0.0), "0");
        assert_eq!(plain(-2.5), "−2.5");
        assert_eq!(plain(f64::NAN), "–");
    }

    #[test]
    fn small_plain_numbers_get_small_prefixes() {
        assert_eq!(Unit::parse("s").format(0.0025), "2.5\u{a0}ms");
    }

    #[test]
    fn a_number_without_a_unit_is_written_out_down_to_a_thousandth() {
        assert_eq!(plain(0.74), "0.74");
        assert_eq!(plain(-0.0417), "−0.0417");
        assert_eq!(plain(0.001), "0.001");
        assert_eq!(plain(0.999_96), "1");
        assert_eq!(plain(0.0004), "400\u{a0}µ");
        assert_eq!(Unit::parse("s").format(0.74), "740\u{a0}ms");
    }

    proptest::proptest! {
        #[test]
        fn no_number_needs_more_than_four_digits(value in -1e14_f64..1e14) {
            for unit in ["", "s", "%", "bytes", "bytes/s"] {
                let unit = Unit::parse(unit);
                if unit == Unit::Percent && value.abs() > 9999.0 { continue; }
                let (number, _) = unit.parts(value);
                let count = number.trim_start_matches(['−', '0', '.']).chars()
                    .filter(char::is_ascii_digit).count();
                proptest::prop_assert!(count <= 4, "{number}");
            }
        }
    }
}
