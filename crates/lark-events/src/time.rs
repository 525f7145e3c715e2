//! The platform's timestamps: strings in four formats.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads a platform timestamp. Its magnitude decides the unit: seconds below 10¹¹, milliseconds below
/// 10¹⁴, microseconds below 10¹⁷. Seconds may have a fraction.
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let since_epoch = match whole {
        0..100_000_000_000 => {
            Duration::from_secs(whole).saturating_add(fraction_of_second(fraction))
        }
        100_000_000_000..100_000_000_000_000 => Duration::from_millis(whole),
        100_000_000_000_000..100_000_000_000_000_000 => Duration::from_micros(whole),
        _ => return None,
    };
    UNIX_EPOCH.checked_add(since_epoch)
}

/// The digits after a decimal point, of which the first nine count.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "nine digits, and nothing but digits, are less than a second"
)]
fn fraction_of_second(digits: &str) -> Duration {
    let nanos = digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |nanos, digit| nanos * 10 + u64::from(digit - b'0'));
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u128> {
        let time = parse_time(text)?.duration_since(UNIX_EPOCH).unwrap();
        Some(time.as_nanos())
    }

    #[test]
    fn the_unit_is_told_by_magnitude() {
        for (text, expected) in [
            ("0", 0),
            ("1502199207.7171419", 1_502_199_207_717_141_900),
            ("1502199207.1234567899", 1_502_199_207_123_456_789),
            ("99999999999", 99_999_999_999_000_000_000),
            ("100000000000", 100_000_000_000_000_000),
            ("1608725989123", 1_608_725_989_123_000_000),
            ("99999999999999", 99_999_999_999_999_000_000),
            ("100000000000000", 100_000_000_000_000_000),
            ("1603977298000001", 1_603_977_298_000_001_000),
            ("99999999999999999", 99_999_999_999_999_999_000),
        ] {
            assert_eq!(nanos(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_none() {
        for odd in [
            "",
            ".5",
            "-1",
            "+1",
            "1e9",
            "12 ",
            "1.x",
            "１",
            "100000000000000000",
            "18446744073709551616",
        ] {
            assert_eq!(parse_time(odd), None, "{odd:?}");
        }
    }
}
