//! The envelope around every event, scanned once and borrowed from the received text.
//!
//! Version 2 (`schema`, `header`, `event`) takes one pass. Version 1 (`ts`, `uuid`, `type`, `event`)
//! takes a second, skipping scan of `event` for the type, app and tenant that it keeps there. The
//! event itself is never decoded here, only delimited.
//!
//! Unknown members are ignored, but a *known* one given twice is an error: two readers could
//! disagree on which of two tokens or types counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Most unknown header fields taken. The drive events have two.
const MAX_HEADER_EXTRAS: usize = 64;

/// Decodes a JSON object and nothing else: derived types would also take a list of their members.
pub(crate) fn from_object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut bytes = text.bytes();
    if bytes.find(|byte| !b" \t\r\n".contains(byte)) != Some(b'{') {
        return Err(de::Error::custom("not an object"));
    }
    serde_json::from_str(text)
}

/// One parsed document: whatever of the known members it has.
#[derive(Debug, Deserialize)]
pub(crate) struct Document<'a> {
    #[serde(borrow, default)]
    pub(crate) header: Option<Header<'a>>,
    #[serde(borrow, default)]
    pub(crate) event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) uuid: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) ts: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) token: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) challenge: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    pub(crate) kind: Option<Text<'a>>,
}

impl<'a> Document<'a> {
    /// Parses `text`, which must be one JSON object and nothing after it.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        from_object(text)
    }

    /// The Verification Token that the document carries: in the header (v2) or at the top.
    pub(crate) fn token(&self) -> Option<&str> {
        let header = self
            .header
            .as_ref()
            .and_then(|header| header.token.as_ref());
        Some(&header.or(self.token.as_ref())?.0)
    }

    pub(crate) fn is_url_check(&self) -> bool {
        let kind = self.kind.as_ref().map(|kind| kind.0.as_ref());
        self.header.is_none() && kind == Some("url_verification")
    }
}

/// The header of a version 2 envelope.
#[derive(Debug, Default)]
pub(crate) struct Header<'a> {
    pub(crate) event_id: Option<Text<'a>>,
    pub(crate) event_type: Option<Text<'a>>,
    pub(crate) create_time: Option<Text<'a>>,
    pub(crate) token: Option<Text<'a>>,
    pub(crate) app_id: Option<Text<'a>>,
    pub(crate) tenant_key: Option<Text<'a>>,
    pub(crate) extras: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Header<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
                let mut header = Header::default();
                while let Some(Text(name)) = map.next_key()? {
                    let slot = match name.as_ref() {
                        "event_id" => &mut header.event_id,
                        "event_type" => &mut header.event_type,
                        "create_time" => &mut header.create_time,
                        "token" => &mut header.token,
                        "app_id" => &mut header.app_id,
                        "tenant_key" => &mut header.tenant_key,
                        _ if header.extras.len() == MAX_HEADER_EXTRAS => {
                            return Err(de::Error::custom("too many header fields"));
                        }
                        _ => {
                            header.extras.push((name, map.next_value()?));
                            continue;
                        }
                    };
                    if slot.is_some() {
                        return Err(de::Error::custom("duplicate header field"));
                    }
                    *slot = map.next_value()?;
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// What a version 1 envelope keeps inside its `event`.
#[derive(Debug, Deserialize)]
pub(crate) struct V1Event<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(crate) event_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) app_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tenant_key: Option<Text<'a>>,
}

/// The encrypted wrapper, `{"encrypt": "<base64>"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Wrapper<'a> {
    #[serde(borrow, default)]
    encrypt: Option<Text<'a>>,
}

impl<'a> Wrapper<'a> {
    /// The sealed text, if `text` is a wrapper at all.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Option<Cow<'a, str>>> {
        let wrapper: Self = from_object(text)?;
        Ok(wrapper.encrypt.map(|Text(sealed)| sealed))
    }
}

/// A URL check and nothing else: three members, once each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrlCheck<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) token: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) challenge: Cow<'a, str>,
}

impl<'a> UrlCheck<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let check: Self = from_object(text).ok()?;
        (check.kind == "url_verification").then_some(check)
    }
}

/// A string, borrowed where it has no escapes; a number where a string is documented is taken as its
/// text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
        text.as_ref().map(|text| text.0.as_ref())
    }

    #[test]
    fn version_2_is_read_in_one_pass_with_its_extra_header_fields() {
        let document = Document::parse(
            r#"{"schema":"2.0","new":[{}],"header":{"event_id":"e","event_type":"drive.file.edit_v1",
                "create_time":1700000000123,"token":"t","app_id":"a","tenant_key":"k",
                "resource_id":"r","user_list":[{"open_id":"o"}]},"event": {"x": 1} }"#,
        )
        .unwrap();
        let header = document.header.as_ref().unwrap();
        assert_eq!(text(&header.event_id), Some("e"));
        assert_eq!(text(&header.event_type), Some("drive.file.edit_v1"));
        assert_eq!(text(&header.create_time), Some("1700000000123"));
        assert_eq!(text(&header.app_id), Some("a"));
        assert_eq!(text(&header.tenant_key), Some("k"));
        assert_eq!(document.token(), Some("t"));
        let extras: Vec<_> = header.extras.iter().map(|(n, v)| (&**n, v.get())).collect();
        assert_eq!(
            extras,
            [
                ("resource_id", "\"r\""),
                ("user_list", r#"[{"open_id":"o"}]"#)
            ]
        );
        assert_eq!(document.event.unwrap().get(), r#"{"x": 1}"#);
        assert!(!document.is_url_check());
    }

    #[test]
    fn a_known_member_given_twice_is_an_error() {
        for twice in [
            r#"{"token":"a","token":"b"}"#,
            r#"{"type":"a","type":"b"}"#,
            r#"{"event":{},"event":{}}"#,
            r#"{"header":{},"header":{}}"#,
            r#"{"header":{"token":"a","token":"b"}}"#,
            r#"{"header":{"event_type":"a","event_type":"b"}}"#,
        ] {
            assert!(Document::parse(twice).is_err(), "{twice}");
        }
    }

    #[test]
    fn escaped_names_and_values_are_read_and_null_is_absent() {
        let document = Document::parse(
            r#"{"to\u006ben":"\u0074","header":{"event_id":null,"\u0061pp_id":"\u0061","\u0062":1}}"#,
        )
        .unwrap();
        assert_eq!(document.token(), Some("t"));
        let header = document.header.as_ref().unwrap();
        assert_eq!(header.event_id, None);
        assert_eq!(text(&header.app_id), Some("a"));
        assert_eq!(header.extras[0].0, "b");
    }

    #[test]
    fn the_header_token_counts_before_the_one_at_the_top() {
        let document = Document::parse(r#"{"token":"top","header":{"token":"header"}}"#).unwrap();
        assert_eq!(document.token(), Some("header"));
    }

    #[test]
    fn numbers_stand_for_strings() {
        let document = Document::parse(r#"{"ts":1502199207.5,"uuid":-3,"token":7}"#).unwrap();
        assert_eq!(text(&document.ts), Some("1502199207.5"));
        assert_eq!(text(&document.uuid), Some("-3"));
        assert_eq!(document.token(), Some("7"));
        assert!(Document::parse(r#"{"token":{}}"#).is_err());
        assert!(Document::parse(r#"{"token":true}"#).is_err());
    }

    #[test]
    fn the_number_of_extra_header_fields_is_bounded() {
        let with = |count: usize| {
            let fields: Vec<_> = (0..count).map(|n| format!("\"f{n}\":{n}")).collect();
            format!("{{\"header\":{{{}}}}}", fields.join(","))
        };
        assert!(Document::parse(&with(MAX_HEADER_EXTRAS)).is_ok());
        assert!(Document::parse(&with(MAX_HEADER_EXTRAS + 1)).is_err());
    }

    #[test]
    fn a_url_check_is_three_members_and_no_more() {
        let good = r#"{"challenge":"c","token":"t","type":"url_verification"}"#;
        let check = UrlCheck::parse(good).unwrap();
        assert_eq!((&*check.token, &*check.challenge), ("t", "c"));
        for odd in [
            r#"{"challenge":"c","token":"t","type":"event_callback"}"#,
            r#"{"challenge":"c","token":"t"}"#,
            r#"{"challenge":"c","type":"url_verification"}"#,
            r#"{"token":"t","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification","event":{}}"#,
            r#"{"challenge":"c","token":"t","token":"t","type":"url_verification"}"#,
            r#"{"challenge":1,"token":"t","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification"} {}"#,
            r#"["url_verification","t","c"]"#,
            "",
        ] {
            assert!(UrlCheck::parse(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_wrapper_is_told_from_a_plain_document() {
        assert_eq!(
            Wrapper::parse(r#"{"encrypt":"YQ=="}"#).unwrap().as_deref(),
            Some("YQ==")
        );
        assert_eq!(
            Wrapper::parse(r#"{"encrypt":"a\/b="}"#).unwrap().as_deref(),
            Some("a/b=")
        );
        assert_eq!(Wrapper::parse(r#"{"schema":"2.0"}"#).unwrap(), None);
        assert!(Wrapper::parse(r#"{"encrypt":"a","encrypt":"b"}"#).is_err());
        assert!(Wrapper::parse("{}x").is_err());
        assert!(Wrapper::parse(r#"["YQ=="]"#).is_err());
        assert_eq!(Wrapper::parse(" \t\r\n{} ").unwrap(), None);
    }
}
