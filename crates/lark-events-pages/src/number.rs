//! Numbers for readers.

/// The number with a comma between thousands.
///
/// ```
/// assert_eq!(lark_events_pages::thousands(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn thousands(number: u64) -> String {
    let mut digits = number.to_string();
    let mut at = digits.len();
    while at > 3 {
        at = at.saturating_sub(3);
        digits.insert(at, ',');
    }
    digits
}
