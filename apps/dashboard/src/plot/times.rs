//! Times as people read them: ticks of a time axis, the time under a crosshair, ages.

/// The steps that a time axis may have, in seconds.
const STEPS_S: [u32; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800,
];

/// A tick of a time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeTick {
    /// When, in milliseconds since 1970.
    pub at_ms: f64,
    /// As written.
    pub text: String,
}

/// Ticks from `from_ms` to `to_ms`, at most `count_max` of them, at round local times.
/// `offset_ms` is what is added to universal time to get the local one.
pub fn ticks(from_ms: f64, to_ms: f64, count_max: usize, offset_ms: f64) -> Vec<TimeTick> {
    let span_ms = to_ms - from_ms;
    if span_ms <= 0.0 || count_max == 0 {
        return Vec::new();
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of ticks")]
    let least_s = span_ms / 1000.0 / count_max as f64;
    let coarsest_s = STEPS_S[STEPS_S.len() - 1];
    let fitting = STEPS_S.into_iter().find(|step| f64::from(*step) >= least_s);
    let seconds = fitting.unwrap_or(coarsest_s);
    let step_ms = f64::from(seconds) * 1000.0;
    let first = ((from_ms + offset_ms) / step_ms).ceil() * step_ms;
    let locals = std::iter::successors(Some(first), |local| Some(local + step_ms));
    locals
        .take_while(|local| local - offset_ms <= to_ms)
        .map(|local| TimeTick {
            at_ms: local - offset_ms,
            text: tick_text(local, seconds),
        })
        .collect()
}

fn tick_text(local_ms: f64, step_s: u32) -> String {
    match step_s {
        0..60 => clock(local_ms, true),
        60..86_400 => clock(local_ms, false),
        _ => date(local_ms),
    }
}

/// "14:05:09", or without the seconds.
pub fn clock(local_ms: f64, with_seconds: bool) -> String {
    let second = whole_seconds(local_ms).rem_euclid(86_400);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    if with_seconds {
        format!("{hour:02}:{minute:02}:{:02}", second % 60)
    } else {
        format!("{hour:02}:{minute:02}")
    }
}

fn whole_seconds(local_ms: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "a time of day")]
    let seconds = (local_ms / 1000.0).floor() as i64;
    seconds
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// "12 Mar". From days to the civil date as in Howard Hinnant's `civil_from_days`.
pub fn date(local_ms: f64) -> String {
    let days = whole_seconds(local_ms).div_euclid(86_400) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = usize::try_from((shifted + 2) % 12).expect("a remainder of a positive number");
    format!("{day} {}", MONTHS[month])
}

/// "3 s", "5 min", "2 h", "4 d": a span in its largest whole unit.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0).floor();
    let (size, unit) = match seconds {
        s if s < 60.0 => (1.0, "s"),
        s if s < 3600.0 => (60.0, "min"),
        s if s < 86_400.0 => (3600.0, "h"),
        _ => (86_400.0, "d"),
    };
    format!("{:.0}\u{a0}{unit}", (seconds / size).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: &[TimeTick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn ticks_fall_on_round_times_and_stay_few() {
        let found = ticks(61_000.0, 181_000.0, 5, 0.0);
        assert_eq!(
            texts(&found),
            ["00:01:30", "00:02:00", "00:02:30", "00:03:00"]
        );
        assert!((found[0].at_ms - 90_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn ticks_are_round_in_local_time() {
        let india_ms = 5.5 * 3_600_000.0;
        let found = ticks(0.0, 4.0 * 3_600_000.0, 4, india_ms);
        assert_eq!(texts(&found), ["06:00", "07:00", "08:00", "09:00"]);
    }

    #[test]
    fn days_are_written_as_dates() {
        let leap_day_ms = 951_782_400_000.0;
        let found = ticks(leap_day_ms, leap_day_ms + 2.0 * 86_400_000.0, 3, 0.0);
        assert_eq!(texts(&found), ["29 Feb", "1 Mar", "2 Mar"]);
    }

    #[test]
    fn an_empty_span_has_no_ticks() {
        assert!(ticks(5.0, 5.0, 5, 0.0).is_empty());
        assert!(ticks(0.0, 5.0, 0, 0.0).is_empty());
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        let told = [0.0, 59.9, 60.0, 7_199.0, 86_400.0].map(span);
        assert_eq!(
            told,
            [
                "0\u{a0}s",
                "59\u{a0}s",
                "1\u{a0}min",
                "1\u{a0}h",
                "1\u{a0}d"
            ]
        );
    }
}
