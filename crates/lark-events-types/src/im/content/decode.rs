//! Decoding contents like event bodies: a value that no decoder accepts leaves only its own field
//! empty.

use lark_events::RawJson;
use serde::de::DeserializeOwned;

/// Decodes a JSON object. `None` for anything else, and for an object without any member of `T`.
pub(super) fn decode<T: DeserializeOwned + Default + PartialEq>(content: &str) -> Option<T> {
    read(content).map(|(_, value)| value)
}

/// [`decode`], with the decoded text.
pub(super) fn read<T: DeserializeOwned + Default + PartialEq>(
    content: &str,
) -> Option<(RawJson, T)> {
    let raw = RawJson::parse(content.to_owned()).ok()?;
    let value = raw.decode_leniently().ok()?;
    (value != T::default()).then_some((raw, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::im::{ImageContent, TextContent};

    #[test]
    fn only_an_object_with_something_of_the_type_is_taken() {
        for odd in [
            "",
            " ",
            "null",
            "7",
            r#"["img_1"]"#,
            r#""{\"image_key\":\"img_1\"}""#,
            "{}",
            r#"{"text":"hello"}"#,
            r#"{"image_key":null}"#,
            r#"{"image_key":{}}"#,
            r#"{"image_key":"img_1""#,
            r#"{"image_key":"img_1"}}"#,
        ] {
            assert_eq!(decode::<ImageContent>(odd), None, "{odd}");
        }
        let image = decode::<ImageContent>(" {\"image_key\":\"img_1\",\"more\":1}\n").unwrap();
        assert_eq!(image.image_key.as_deref(), Some("img_1"));
    }

    #[test]
    fn what_no_decoder_takes_costs_its_own_field_only() {
        for odd in [
            r#"{"text":"hello","more":"\ud83d"}"#.to_owned(),
            r#"{"text":"hello","more":1,"more":2}"#.to_owned(),
            r#"{"text":"hello","\ud83d":1}"#.to_owned(),
            format!(
                r#"{{"more":{}{},"text":"hello"}}"#,
                "[".repeat(200_000),
                "]".repeat(200_000)
            ),
        ] {
            let text = decode::<TextContent>(&odd).unwrap();
            assert_eq!(text.text.as_deref(), Some("hello"));
        }
        assert_eq!(decode::<TextContent>(r#"{"text":"\ud83d"}"#), None);
        assert_eq!(decode::<TextContent>(r#"{"text":"a","text":"b"}"#), None);
        assert_eq!(decode::<TextContent>(&r#"{"text":"#.repeat(200_000)), None);
    }
}
