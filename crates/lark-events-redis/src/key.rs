//! Keys and times as a server keeps them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The longest key as it is, without the prefix, in bytes. An id comes from a body.
const MAX_KEY: usize = 512;
/// What is kept of a longer one besides its hash, in bytes.
const KEPT: usize = 256;

/// The key of a server: the end of a very long one is its SHA-256.
pub(crate) fn full(prefix: &str, key: &str) -> String {
    let mut full = prefix.to_owned();
    full.push_str(&capped(key));
    full
}

fn capped(key: &str) -> Cow<'_, str> {
    if key.len() <= MAX_KEY {
        return Cow::Borrowed(key);
    }
    let start = key.get(..key.floor_char_boundary(KEPT));
    let mut short = start.unwrap_or_default().to_owned();
    short.push('…');
    for byte in Sha256::digest(key) {
        // Writing to a string does not fail.
        let _ = write!(short, "{byte:02x}");
    }
    Cow::Owned(short)
}

/// The slot of a key in a cluster: CRC-16 (XMODEM) of the key, or of its hash tag.
pub(crate) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
    let crc = tag.unwrap_or(key).bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    });
    crc % 16_384
}

/// A time in milliseconds, rounded up: a server rejects 0, and times that end after its last year.
pub(crate) fn millis(time: Duration) -> u64 {
    const MAX: u64 = 1_000 * 365 * 24 * 3_600 * 1_000;
    let millis = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(MAX, |millis| millis.clamp(1, MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_short_and_different_from_others() {
        assert_eq!(full("p:", "app:type:id"), "p:app:type:id");
        assert_eq!(capped(&"k".repeat(MAX_KEY)), "k".repeat(MAX_KEY));
        let long = "会".repeat(1_000);
        let longer = "会".repeat(1_001);
        assert!(capped(&long).len() <= MAX_KEY);
        assert_ne!(capped(&long), capped(&longer));
    }

    #[test]
    fn a_slot_is_that_of_the_specification() {
        // The check value of the CRC.
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("{user1000}.following"), slot("user1000"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
    }

    #[test]
    fn a_time_is_one_that_a_server_accepts() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_micros(1_001)), 2);
        assert_eq!(millis(Duration::from_hours(8)), 28_800_000);
        assert_eq!(
            millis(Duration::MAX),
            millis(Duration::from_hours(1_000 * 365 * 24))
        );
    }
}
