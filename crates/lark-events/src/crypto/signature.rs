//! Request signatures: the three headers parsed strictly, the digest over the joined parts, and the
//! comparison in constant time.
//!
//! The platform joins timestamp, nonce, key and body without separators, so an attacker could move a
//! digit from one part to the next under the same digest. The strict header formats and the check of
//! the timestamp's age make such a shift useless.

use http::{HeaderMap, HeaderName};
use sha2::Digest as _;
use subtle::ConstantTimeEq as _;

use crate::limits::{MAX_NONCE, MAX_TIMESTAMP};

const TIMESTAMP: &str = "x-lark-request-timestamp";
const NONCE: &str = "x-lark-request-nonce";
const SIGNATURE: &str = "x-lark-signature";

/// Seconds since the epoch at which the platform signed the request.
pub const SIGNATURE_TIMESTAMP_HEADER: HeaderName = HeaderName::from_static(TIMESTAMP);
/// The random text that the platform mixed into the signature.
pub const SIGNATURE_NONCE_HEADER: HeaderName = HeaderName::from_static(NONCE);
/// The signature, in hexadecimal.
pub const SIGNATURE_HEADER: HeaderName = HeaderName::from_static(SIGNATURE);

/// The three signature headers of one request, well-formed but not yet checked. `N` is the length
/// of the digest: 32 for SHA-256, 20 for the SHA-1 of the old card callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignatureHeaders<'h, const N: usize> {
    timestamp: &'h str,
    nonce: &'h str,
    signature: Digest<N>,
}

/// Some signature headers are present, but not all three, once each and well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedSignature;

impl<'h, const N: usize> SignatureHeaders<'h, N> {
    /// `Ok(None)` when none of the three headers is present.
    pub(crate) fn parse(headers: &'h HeaderMap) -> Result<Option<Self>, MalformedSignature> {
        let (mut timestamp, mut nonce, mut signature) = (None, None, None);
        for (name, value) in headers {
            let place = match name.as_str() {
                TIMESTAMP => &mut timestamp,
                NONCE => &mut nonce,
                SIGNATURE => &mut signature,
                _ => continue,
            };
            if place.replace(value.as_bytes()).is_some() {
                return Err(MalformedSignature);
            }
        }
        let (timestamp, nonce, signature) = match (timestamp, nonce, signature) {
            (None, None, None) => return Ok(None),
            (Some(timestamp), Some(nonce), Some(signature)) => (timestamp, nonce, signature),
            _ => return Err(MalformedSignature),
        };
        let digits = timestamp.iter().all(u8::is_ascii_digit);
        if !digits || !(1..=MAX_TIMESTAMP).contains(&timestamp.len()) {
            return Err(MalformedSignature);
        }
        let printable = nonce.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if !printable || nonce.len() > MAX_NONCE {
            return Err(MalformedSignature);
        }
        let text = |ascii| str::from_utf8(ascii).map_err(|_| MalformedSignature);
        Ok(Some(Self {
            timestamp: text(timestamp)?,
            nonce: text(nonce)?,
            signature: Digest::from_hex(signature).ok_or(MalformedSignature)?,
        }))
    }

    pub(crate) fn timestamp(&self) -> &'h str {
        self.timestamp
    }
}

impl SignatureHeaders<'_, 32> {
    /// Whether the signature is the SHA-256 over timestamp, nonce, `encrypt_key` and `body`.
    pub(crate) fn matches(&self, encrypt_key: &[u8], body: &[u8]) -> bool {
        Digest::sha256(self.timestamp, self.nonce, encrypt_key, body) == self.signature
    }
}

#[cfg(feature = "old-card")]
impl SignatureHeaders<'_, 20> {
    /// Whether the signature is the SHA-1 over timestamp, nonce, `token` and `body`.
    pub(crate) fn matches(&self, token: &[u8], body: &[u8]) -> bool {
        Digest::sha1(self.timestamp, self.nonce, token, body) == self.signature
    }
}

/// A digest, compared in constant time only. All lengths are multiples of four.
#[derive(Debug, Clone, Copy, Eq)]
pub(crate) struct Digest<const N: usize>([u8; N]);

impl<const N: usize> PartialEq for Digest<N> {
    fn eq(&self, other: &Self) -> bool {
        let (left, _) = self.0.as_chunks::<4>();
        let (right, _) = other.0.as_chunks::<4>();
        let differing = |(left, right): (&[u8; 4], &[u8; 4])| {
            u32::from_ne_bytes(*left) ^ u32::from_ne_bytes(*right)
        };
        let pairs = left.iter().zip(right).map(differing);
        pairs.fold(0, |all, one| all | one).ct_eq(&0).into()
    }
}

impl Digest<32> {
    pub(crate) fn sha256(timestamp: &str, nonce: &str, key: &[u8], body: &[u8]) -> Self {
        let mut hash = sha2::Sha256::new();
        for part in [timestamp.as_bytes(), nonce.as_bytes(), key, body] {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

#[cfg(feature = "old-card")]
impl Digest<20> {
    pub(crate) fn sha1(timestamp: &str, nonce: &str, key: &[u8], body: &[u8]) -> Self {
        let mut hash = sha1::Sha1::new();
        for part in [timestamp.as_bytes(), nonce.as_bytes(), key, body] {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl<const N: usize> Digest<N> {
    /// Reads exactly `2 * N` hexadecimal digits of either case.
    fn from_hex(text: impl AsRef<[u8]>) -> Option<Self> {
        let (pairs, rest) = text.as_ref().as_chunks::<2>();
        if pairs.len() != N || !rest.is_empty() {
            return None;
        }
        let mut digest = [0; N];
        let mut all = 0;
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let [high, low] = pair.map(nibble);
            all |= high | low;
            *byte = (high << 4) | low;
        }
        (all != NO_NIBBLE).then_some(Self(digest))
    }

    pub(crate) fn to_hex(self) -> String {
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0xf])
            .filter_map(|nibble| char::from_digit(nibble.into(), 16))
            .collect()
    }
}

/// Stands for what is no hexadecimal digit.
const NO_NIBBLE: u8 = u8::MAX;

/// The value of a hexadecimal digit, without a branch for each.
fn nibble(digit: u8) -> u8 {
    let number = digit.wrapping_sub(b'0');
    let letter = (digit | 0x20).wrapping_sub(b'a');
    match (number, letter) {
        (0..10, _) => number,
        (_, 0..6) => letter.wrapping_add(10),
        _ => NO_NIBBLE,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn headers(timestamp: &str, nonce: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (SIGNATURE_TIMESTAMP_HEADER, timestamp),
            (SIGNATURE_NONCE_HEADER, nonce),
            (SIGNATURE_HEADER, signature),
        ] {
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn parse(headers: &HeaderMap) -> Result<Option<SignatureHeaders<'_, 32>>, MalformedSignature> {
        SignatureHeaders::parse(headers)
    }

    #[test]
    fn the_digest_is_sha256_over_the_joined_parts() {
        // sha256("abc"), cut into the four parts in different places.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::sha256("a", "b", b"c", b"").to_hex(), abc);
        assert_eq!(Digest::sha256("", "a", b"", b"bc").to_hex(), abc);
        assert_eq!(Digest::sha256("", "", b"", b"").to_hex(), EMPTY_SHA256);
    }

    #[cfg(feature = "old-card")]
    #[test]
    fn the_old_card_digest_is_sha1_over_the_joined_parts() {
        let abc = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(Digest::sha1("a", "", b"b", b"c").to_hex(), abc);
    }

    #[test]
    fn hex_is_read_in_either_case_and_at_its_length_only() {
        let lower = Digest::<32>::from_hex(EMPTY_SHA256).unwrap();
        assert_eq!(lower.to_hex(), EMPTY_SHA256);
        assert_eq!(
            Digest::<32>::from_hex(EMPTY_SHA256.to_uppercase()),
            Some(lower)
        );
        for odd in ["", &EMPTY_SHA256[1..], &EMPTY_SHA256[2..], "zz"] {
            assert_eq!(Digest::<32>::from_hex(odd), None, "{odd:?}");
        }
        assert_eq!(Digest::<32>::from_hex(format!("{EMPTY_SHA256}0")), None);
        assert_eq!(Digest::<32>::from_hex(format!("{EMPTY_SHA256}00")), None);
        assert_eq!(Digest::<32>::from_hex(EMPTY_SHA256.replace('e', "g")), None);
    }

    #[test]
    fn no_signature_header_is_no_signature() {
        assert_eq!(parse(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn any_missing_header_is_malformed() {
        for name in [
            SIGNATURE_TIMESTAMP_HEADER,
            SIGNATURE_NONCE_HEADER,
            SIGNATURE_HEADER,
        ] {
            let mut headers = headers("1", "n", EMPTY_SHA256);
            headers.remove(&name);
            assert_eq!(parse(&headers), Err(MalformedSignature), "without {name}");
        }
    }

    #[test]
    fn any_header_given_twice_is_malformed() {
        for name in [
            SIGNATURE_TIMESTAMP_HEADER,
            SIGNATURE_NONCE_HEADER,
            SIGNATURE_HEADER,
        ] {
            let mut headers = headers("1", "n", EMPTY_SHA256);
            let same = headers[&name].clone();
            headers.append(&name, same);
            assert_eq!(parse(&headers), Err(MalformedSignature), "two of {name}");
        }
    }

    #[test]
    fn each_part_has_its_form() {
        let longest_nonce = "n".repeat(128);
        for (timestamp, nonce) in [
            ("0", ""),
            ("18446744073709551615", " !~"),
            ("1700000000", longest_nonce.as_str()),
        ] {
            let headers = headers(timestamp, nonce, EMPTY_SHA256);
            let parsed = parse(&headers).unwrap().unwrap();
            assert_eq!(parsed.timestamp(), timestamp);
            assert_eq!(parsed.nonce, nonce);
        }

        let too_long = "n".repeat(129);
        for (timestamp, nonce, signature) in [
            ("", "n", EMPTY_SHA256),
            ("1x", "n", EMPTY_SHA256),
            ("-1", "n", EMPTY_SHA256),
            ("184467440737095516150", "n", EMPTY_SHA256),
            ("1", "a\tb", EMPTY_SHA256),
            ("1", "é", EMPTY_SHA256),
            ("1", &too_long, EMPTY_SHA256),
            ("1", "n", ""),
            ("1", "n", "é"),
        ] {
            let headers = headers(timestamp, nonce, signature);
            assert_eq!(
                parse(&headers),
                Err(MalformedSignature),
                "{timestamp:?} {nonce:?} {signature:?}"
            );
        }
    }

    #[test]
    fn a_signature_matches_its_own_parts_only() {
        let signature = Digest::sha256("17", "nonce", b"key", b"body").to_hex();
        let headers = headers("17", "nonce", &signature);
        let parsed = parse(&headers).unwrap().unwrap();
        assert!(parsed.matches(b"key", b"body"));
        assert!(!parsed.matches(b"key", b"bodx"));
        assert!(!parsed.matches(b"kez", b"body"));
    }
}
