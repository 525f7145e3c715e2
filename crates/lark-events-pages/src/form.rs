//! Reads the values of a query or of a form that was sent as `application/x-www-form-urlencoded`.

use std::fmt;

/// The text is not a query: a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected percent-encoded UTF-8, such as name=a%20b: follow a link of the page")
    }
}

impl std::error::Error for Malformed {}

/// The names and values, in order.
///
/// ```
/// let pairs = lark_events_pages::pairs("a=x+y%26&b").unwrap();
/// assert_eq!(pairs, [("a".to_owned(), "x y&".to_owned()), ("b".to_owned(), String::new())]);
/// ```
///
/// # Errors
///
/// Returns an error if the text is not percent-encoded UTF-8.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decode(name)?, decode(value)?))
    };
    parts.map(pair).collect()
}

fn decode(text: &str) -> Result<String, Malformed> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or(Malformed)?;
                u8::try_from(high << 4 | low).map_err(|_| Malformed)?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query;

    #[test]
    fn a_query_is_read_as_it_is_written() {
        let written = [("a", "x y&=%é+"), ("b", "👍\r\n")];
        let read = pairs(&query(&written)).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(read, written);
        assert_eq!(pairs("").unwrap(), []);
        assert_eq!(pairs("&&").unwrap(), []);
        assert_eq!(
            pairs("a=b=c").unwrap(),
            [("a".to_owned(), "b=c".to_owned())]
        );
    }

    #[test]
    fn text_that_is_no_query_is_an_error() {
        for text in ["a=%", "a=%4", "a=%4g", "%+1=a", "a=%ff", "a=%c3"] {
            assert_eq!(pairs(text), Err(Malformed), "{text}");
        }
    }
}
