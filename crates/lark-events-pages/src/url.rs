//! Writes queries of URLs.

use std::fmt::Write as _;

/// The pairs whose value is not empty, percent-encoded.
#[must_use]
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    query.push(char::from(byte));
                }
                // A String takes everything.
                byte => drop(write!(query, "%{byte:02X}")),
            }
        }
    }
    query
}

/// Two queries as one.
#[must_use]
pub fn joined(first: &str, second: &str) -> String {
    match second {
        "" => first.to_owned(),
        second => format!("{first}&{second}"),
    }
}

/// A path with a query, if there is one.
#[must_use]
pub fn with_query(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_what_is_not_empty() {
        let pairs = [("a", "x y&é"), ("b", ""), ("c", "im.message_v1-~")];
        assert_eq!(query(&pairs), "a=x%20y%26%C3%A9&c=im.message_v1-~");
        assert_eq!(joined("a=b", ""), "a=b");
        assert_eq!(joined("a=b", "c=d"), "a=b&c=d");
        assert_eq!(with_query("/", ""), "/");
        assert_eq!(with_query("/", "a=b"), "/?a=b");
    }
}
