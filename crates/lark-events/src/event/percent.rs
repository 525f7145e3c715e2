//! Percent-encoding, as parts of a URI and values of CloudEvents headers need it.

use std::borrow::Cow;

/// A text as a part of a URI: all bytes are encoded except those that RFC 3986 (section 2.3) calls
/// unreserved.
pub(crate) fn as_uri_part(text: &str) -> Cow<'_, str> {
    encoded(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

/// A text as the value of a header, by the rule of the CloudEvents HTTP binding (section 3.1.3.2): spaces,
/// `"`, `%` and all but printable ASCII are encoded.
pub(crate) fn as_header_value(text: &str) -> Cow<'_, str> {
    encoded(text, |byte| {
        byte.is_ascii_graphic() && !b"\"%".contains(&byte)
    })
}

/// Encodes the bytes of `text` that are not kept. Only ASCII may be kept.
fn encoded(text: &str, is_kept: fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len().saturating_mul(2));
    for byte in text.bytes() {
        if is_kept(byte) {
            encoded.push(byte.into());
            continue;
        }
        encoded.push('%');
        for digit in [byte >> 4, byte & 0xf] {
            let digit = char::from_digit(digit.into(), 16);
            encoded.extend(digit.map(|digit| digit.to_ascii_uppercase()));
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_keep_printable_ascii_without_quotes_percent_and_space() {
        for (text, expected) in [
            ("", ""),
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            (r#"50% "a"+b~!"#, "50%25%20%22a%22+b~!"),
            ("\t\u{7f}\u{85}\0", "%09%7F%C2%85%00"),
        ] {
            assert_eq!(as_header_value(text), expected);
        }
    }

    #[test]
    fn uri_parts_keep_only_unreserved_characters() {
        for (text, expected) in [
            ("cli_9f-A.~", "cli_9f-A.~"),
            ("a/b?c#d@e:f", "a%2Fb%3Fc%23d%40e%3Af"),
            ("a b%茶", "a%20b%25%E8%8C%B6"),
        ] {
            assert_eq!(as_uri_part(text), expected);
        }
    }
}
