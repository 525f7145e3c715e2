//! Keys that identify or group deliveries.

use std::collections::HashMap;
use std::sync::Arc;

use lark_events::{Delivery, RawJson};

/// Returns the key of a delivery, if it has one.
pub(crate) type KeyFn = Arc<dyn Fn(&Delivery) -> Option<String> + Send + Sync>;

/// The string or number at a JSON pointer (RFC 6901) through objects; `None` for an empty string.
pub(crate) fn text_at(raw: &RawJson, pointer: &str) -> Option<String> {
    let mut place = raw.clone();
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let mut members: HashMap<String, RawJson> = place.decode_leniently().ok()?;
        place = members.remove(&name)?;
    }
    let is_number = || matches!(place.as_bytes(), [b'-' | b'0'..=b'9', ..]);
    let text = place.decode::<String>().ok();
    let text = text.or_else(|| is_number().then(|| place.as_str().to_owned()));
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_a_string_or_a_number_and_past_whatever_is_odd() {
        let raw = r#"{"a": {"b/c": {"~": "x"}}, "n": -1e400, "s": "", "odd": "\ud800", "\ud800": 1,
            "l": ["y"], "t": true, "": "root"}"#;
        let raw = RawJson::parse(raw).unwrap();
        for (pointer, expected) in [
            ("/a/b~1c/~0", Some("x")),
            ("/n", Some("-1e400")),
            ("/s", None),
            ("/", Some("root")),
            ("", None),
            ("/a", None),
            ("/a/b", None),
            ("/s/b", None),
            ("/odd", None),
            ("/l/0", None),
            ("/t", None),
        ] {
            assert_eq!(text_at(&raw, pointer).as_deref(), expected, "{pointer}");
        }
    }
}
