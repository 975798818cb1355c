//! How long ago or until when, in a few characters: what a badge or a list has room for.

/// A span as a person says it: `now`, `12 s`, `3 min`, `5 h`, `2 d`. Cut, not rounded, so that it
/// never claims more than has passed.
pub fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something was, both in milliseconds since 1970. A clock that went backwards makes
/// it `now`, never a negative age.
pub fn age(now_ms: u64, then_ms: u64) -> String {
    span(now_ms.saturating_sub(then_ms))
}

/// How long until something, both in milliseconds. Rounded up: a countdown ends with `1 s`, and
/// stays there while what is due is about to happen.
pub fn until(now_ms: u64, then_ms: u64) -> String {
    let seconds = then_ms.saturating_sub(now_ms).div_ceil(1000);
    span(seconds.max(1) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_cut_to_its_largest_unit() {
        let ages = [
            0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 86_400_000,
        ];
        let texts = ages.map(span);
        assert_eq!(
            texts,
            [
                "now", "now", "1 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d"
            ]
        );
    }

    #[test]
    fn a_clock_that_went_backwards_makes_no_negative_age() {
        assert_eq!(age(1_000, 9_000), "now");
    }

    #[test]
    fn a_countdown_ends_with_a_second() {
        assert_eq!(until(0, 1_200), "2 s");
        assert_eq!(until(1_100, 1_200), "1 s");
        assert_eq!(until(1_200, 1_200), "1 s");
        assert_eq!(until(5_000, 1_200), "1 s");
    }
}
