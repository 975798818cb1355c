//! Numbers as they are read: pure.

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// A size in the largest unit of which there is at least one, cut to a tenth.
pub fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes}{NO_BREAK}B"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    format!("{whole}.{tenth}{NO_BREAK}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_their_largest_unit() {
        let told = [0, 999, 1_000, 3_450, 999_999, 12_300_000, 2_000_000_000].map(bytes);
        let expected = [
            "0 B", "999 B", "1.0 KB", "3.4 KB", "999.9 KB", "12.3 MB", "2.0 GB",
        ];
        assert_eq!(told, expected.map(|size| size.replace(' ', "\u{a0}")));
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_234_567].map(grouped), ["0", "999", "1,234,567"]);
    }
}
