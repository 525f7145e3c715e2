//! The envelope around every event, scanned once and borrowed from the received text.
//!
//! A [`Scanner`] reads the form that the platform sends. It leaves all other texts to serde, which
//! reads the same from those that the scanner accepts.
//!
//! Version 2 (`schema`, `header`, `event`) takes one pass. Version 1 (`ts`, `uuid`, `type`, `event`)
//! takes a second, skipping scan of `event` for the type, app and tenant that it keeps there. This
//! module only delimits the event itself and never decodes it.
//!
//! Unknown members are ignored, even if their key is not Unicode. A *known* member given twice is an
//! error, because two readers could disagree on which token or type counts. A string longer than
//! [`MAX_ENVELOPE_TEXT_BYTES`] is an error too, because layers copy headers.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::header::Schema;
use crate::json::{Scanner, from_named, from_object};
use crate::limits::MAX_ENVELOPE_TEXT_BYTES;

/// The maximum number of unknown header fields kept, from the first. The drive events have two.
const MAX_HEADER_EXTRAS: usize = 64;

/// One parsed document: those of the known members that it has.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Document<'a> {
    #[serde(borrow, default)]
    pub(crate) header: Option<Header<'a>>,
    #[serde(borrow, default, deserialize_with = "raw")]
    pub(crate) event: Option<&'a str>,
    #[serde(borrow, default)]
    pub(crate) uuid: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) ts: Text<'a>,
    #[serde(borrow, default)]
    token: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) challenge: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
}

/// The form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event(Schema),
    UrlCheck,
    Unknown,
}

impl<'a> Document<'a> {
    /// Parses `text`, which must be exactly one JSON object.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        Self::scan(text).map_or_else(|| from_named(text), Ok)
    }

    fn scan(text: &'a str) -> Option<Self> {
        let mut document = Self::default();
        let mut scanner = Scanner::new(text);
        scanner.object(|scanner, name| {
            let text = match name {
                "header" => return once(&mut document.header, Header::scan(scanner)?),
                // serde reads null as absent.
                "event" => {
                    let event = scanner.value().filter(|event| *event != "null")?;
                    return once(&mut document.event, event);
                }
                "uuid" => &mut document.uuid,
                "ts" => &mut document.ts,
                "token" => &mut document.token,
                "challenge" => &mut document.challenge,
                "type" => &mut document.kind,
                _ => return scanner.value().map(drop),
            };
            text.scan(scanner)
        })?;
        scanner.end()?;
        Some(document)
    }

    pub(crate) fn kind(&self) -> Kind {
        match (self.header_with_type(), self.kind.as_str()) {
            (Some(_), _) => Kind::Event(Schema::V2),
            (None, Some("event_callback")) => Kind::Event(Schema::V1),
            (None, Some("url_verification")) => Kind::UrlCheck,
            (None, _) => Kind::Unknown,
        }
    }

    /// The Verification Token, in the header (version 2) or at the top level (all others).
    pub(crate) fn token(&self) -> Option<&str> {
        match self.header_with_type() {
            Some(header) => header.token.as_ref().and_then(Text::as_str),
            None => self.token.as_str(),
        }
    }

    /// The header of a version 2 document, which must name an event type.
    fn header_with_type(&self) -> Option<&Header<'a>> {
        let header = self.header.as_ref()?;
        let event_type = header.event_type.as_ref().and_then(Text::as_str);
        event_type.map(|_| header)
    }
}

/// The text of a value, unless it is null.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de str>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    Ok(raw.map(RawValue::get))
}

/// Sets a member, unless it is set: then it is for serde to fail.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// The header of a version 2 envelope.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Header<'a> {
    pub(crate) event_id: Option<Text<'a>>,
    pub(crate) event_type: Option<Text<'a>>,
    pub(crate) create_time: Option<Text<'a>>,
    token: Option<Text<'a>>,
    pub(crate) app_id: Option<Text<'a>>,
    pub(crate) tenant_key: Option<Text<'a>>,
    pub(crate) extras: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Header<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Option<Self> {
        let mut header = Self::default();
        scanner.object(|scanner, name| {
            let slot = match name {
                "event_id" => &mut header.event_id,
                "event_type" => &mut header.event_type,
                "create_time" => &mut header.create_time,
                "token" => &mut header.token,
                "app_id" => &mut header.app_id,
                "tenant_key" => &mut header.tenant_key,
                other => {
                    let (name, value) = (within(other)?, scanner.value()?);
                    if header.extras.len() < MAX_HEADER_EXTRAS {
                        header.extras.push((Cow::Borrowed(name), value));
                    }
                    return Some(());
                }
            };
            let mut text = Text::default();
            text.scan(scanner)?;
            once(slot, text)
        })?;
        Some(header)
    }
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
                while let Some(Name(name)) = map.next_key()? {
                    let slot = match name.as_ref() {
                        "event_id" => &mut header.event_id,
                        "event_type" => &mut header.event_type,
                        "create_time" => &mut header.create_time,
                        "token" => &mut header.token,
                        "app_id" => &mut header.app_id,
                        "tenant_key" => &mut header.tenant_key,
                        other => {
                            bounded(other, MAX_ENVELOPE_TEXT_BYTES)?;
                            let value: &RawValue = map.next_value()?;
                            if header.extras.len() < MAX_HEADER_EXTRAS {
                                header.extras.push((name, value.get()));
                            }
                            continue;
                        }
                    };
                    if slot.replace(map.next_value()?).is_some() {
                        return Err(de::Error::custom("duplicate header field"));
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// A member's name, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The header fields that a version 1 envelope keeps inside its `event`.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(crate) struct InnerHeader<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(crate) event_type: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) app_id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) tenant_key: Text<'a>,
}

impl<'a> InnerHeader<'a> {
    pub(crate) fn parse(event: &'a str) -> serde_json::Result<Self> {
        Self::scan(event).map_or_else(|| from_named(event), Ok)
    }

    fn scan(event: &'a str) -> Option<Self> {
        let mut header = Self::default();
        let mut scanner = Scanner::new(event);
        scanner.object(|scanner, name| {
            let text = match name {
                "type" => &mut header.event_type,
                "app_id" => &mut header.app_id,
                "tenant_key" => &mut header.tenant_key,
                _ => return scanner.value().map(drop),
            };
            text.scan(scanner)
        })?;
        scanner.end()?;
        Some(header)
    }

    /// Whether the header holds the value at this place of the event.
    pub(crate) fn has(&self, path: &str) -> bool {
        let text = match path {
            "/type" => &self.event_type,
            "/app_id" => &self.app_id,
            "/tenant_key" => &self.tenant_key,
            _ => return false,
        };
        text.as_str().is_some()
    }
}

/// The encrypted wrapper, `{"encrypt": "<base64>"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Wrapper<'a> {
    #[serde(borrow, default)]
    encrypt: Text<'a, { usize::MAX }>,
}

/// The encrypted text of `body`, if `body` is exactly the wrapper that the platform writes, without
/// white space. Nothing is parsed: only valid base64 proves that it is one string.
pub(crate) fn sealed_in(body: &[u8]) -> Option<&[u8]> {
    body.strip_prefix(br#"{"encrypt":""#)?
        .strip_suffix(br#""}"#)
}

impl<'a> Wrapper<'a> {
    /// The encrypted text, if `text` is a wrapper.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Option<Cow<'a, str>>> {
        let wrapper: Self = from_named(text)?;
        Ok(wrapper.encrypt.0)
    }
}

/// A URL check: three members, once each. Other members are ignored.
#[derive(Debug, Deserialize)]
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

/// A string, borrowed if it has no escapes. A number in place of a string becomes its text, digit for
/// digit. Any other value counts as absent. A string of more than `MAX` bytes is an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<'a, const MAX: usize = MAX_ENVELOPE_TEXT_BYTES>(Option<Cow<'a, str>>);

/// The string, unless it is too long.
fn bounded<E: de::Error>(text: &str, max: usize) -> Result<&str, E> {
    if text.len() > max {
        return Err(E::custom("a string in the envelope is too long"));
    }
    Ok(text)
}

/// The string, unless it is too long: then it is for serde to fail.
fn within(text: &str) -> Option<&str> {
    (text.len() <= MAX_ENVELOPE_TEXT_BYTES).then_some(text)
}

impl<'a> Text<'a> {
    /// Reads a string, once.
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        once(&mut self.0, Cow::Borrowed(within(scanner.string()?)?))
    }
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The string, unless it is empty.
    pub(crate) fn into_string(self) -> Option<String> {
        let text = self.0.filter(|text| !text.is_empty())?;
        Some(text.into_owned())
    }
}

impl<'de: 'a, 'a, const MAX: usize> Deserialize<'de> for Text<'a, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<const MAX: usize>;

        impl<'de, const MAX: usize> Visitor<'de> for TextVisitor<MAX> {
            type Value = Text<'de, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de, MAX>, E> {
                Ok(Text(Some(Cow::Borrowed(bounded(text, MAX)?))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de, MAX>, E> {
                Ok(Text(Some(Cow::Owned(bounded(text, MAX)?.to_owned()))))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'de, MAX>, E> {
                bounded(&text, MAX)?;
                Ok(Text(Some(Cow::Owned(text))))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text<'de, MAX>, E> {
                self.visit_string(number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text<'de, MAX>, E> {
                self.visit_string(number.to_string())
            }

            /// The digits are lost here; the second pass reads them from the text.
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text<'de, MAX>, E> {
                Err(E::custom("a number that a float cannot represent"))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'de, MAX>, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text<'de, MAX>, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text<'de, MAX>, A::Error> {
                IgnoredAny.visit_seq(seq).map(|_| Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text<'de, MAX>, A::Error> {
                IgnoredAny.visit_map(map).map(|_| Text(None))
            }
        }

        deserializer.deserialize_any(TextVisitor::<MAX>)
    }
}

#[cfg(test)]
mod agreement;

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
        text.as_ref().and_then(Text::as_str)
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
        let extras: Vec<_> = header.extras.iter().map(|(n, v)| (&**n, *v)).collect();
        assert_eq!(
            extras,
            [
                ("resource_id", "\"r\""),
                ("user_list", r#"[{"open_id":"o"}]"#)
            ]
        );
        assert_eq!(document.event.unwrap(), r#"{"x": 1}"#);
        assert_eq!(document.kind(), Kind::Event(Schema::V2));
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
            r#"{"header":{"event_type":null,"event_type":"b"}}"#,
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
        assert_eq!(document.token(), Some("t"), "no event type, no version 2");
        let header = document.header.as_ref().unwrap();
        assert_eq!(text(&header.event_id), None);
        assert_eq!(text(&header.app_id), Some("a"));
        assert_eq!(header.extras[0].0, "b");
    }

    #[test]
    fn each_version_has_its_token_in_its_place() {
        for (document, kind, token) in [
            (
                r#"{"token":"top","header":{"event_type":"x","token":"h"}}"#,
                Kind::Event(Schema::V2),
                Some("h"),
            ),
            (
                r#"{"token":"top","header":{"event_type":"x"}}"#,
                Kind::Event(Schema::V2),
                None,
            ),
            (
                r#"{"token":"top","type":"event_callback","header":{}}"#,
                Kind::Event(Schema::V1),
                Some("top"),
            ),
            (
                r#"{"token":"top","type":"url_verification"}"#,
                Kind::UrlCheck,
                Some("top"),
            ),
            (
                r#"{"token":"top","header":{"token":"h"}}"#,
                Kind::Unknown,
                Some("top"),
            ),
            (r#"{"type":"another"}"#, Kind::Unknown, None),
        ] {
            let parsed = Document::parse(document).unwrap();
            assert_eq!((parsed.kind(), parsed.token()), (kind, token), "{document}");
        }
    }

    #[test]
    fn numbers_stand_for_strings_digit_for_digit_and_anything_else_is_absent() {
        for (json, expected) in [
            (r#""a""#, Some("a")),
            (r#""""#, Some("")),
            (r#""a\"b""#, Some("a\"b")),
            (r#""\u0061""#, Some("a")),
            (r#""\ud800""#, None),
            ("1502199207.7171419", Some("1502199207.7171419")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            ("-3", Some("-3")),
            ("1e400", Some("1e400")),
            ("null", None),
            ("true", None),
            ("{}", None),
            ("[\"a\"]", None),
        ] {
            let document = format!(r#"{{"uuid": {json} }}"#);
            let document = Document::parse(&document).unwrap();
            assert_eq!(document.uuid.as_str(), expected, "{json}");
        }
    }

    #[test]
    fn a_header_that_is_no_object_is_an_error_that_says_so() {
        let error = Document::parse(r#"{"header":[]}"#).unwrap_err();
        assert!(error.to_string().contains("expected an event header"));
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let text: Text<'_> = serde_json::from_str(r#""a""#).unwrap();
        assert!(matches!(text.0, Some(Cow::Borrowed("a"))));
    }

    #[test]
    fn the_number_of_extra_header_fields_is_bounded() {
        let with = |count: usize| {
            let fields: Vec<_> = (0..count).map(|n| format!("\"f{n}\":{n}")).collect();
            format!("{{\"header\":{{{}}}}}", fields.join(","))
        };
        for (sent, kept) in [(63, 63), (64, 64), (65, 64), (1_000, 64)] {
            let document = with(sent);
            let header = Document::parse(&document).unwrap().header;
            assert_eq!(header.unwrap().extras.len(), kept, "{sent}");
        }
    }

    #[test]
    fn each_text_of_an_envelope_is_bounded() {
        for document in [
            r#"{"uuid":TEXT}"#,
            r#"{"ts":TEXT}"#,
            r#"{"token":TEXT}"#,
            r#"{"challenge":TEXT}"#,
            r#"{"type":TEXT}"#,
            r#"{"header":{"event_id":TEXT}}"#,
            r#"{"header":{"event_type":TEXT}}"#,
            r#"{"header":{"create_time":TEXT}}"#,
            r#"{"header":{"token":TEXT}}"#,
            r#"{"header":{"app_id":TEXT}}"#,
            r#"{"header":{"tenant_key":TEXT}}"#,
            r#"{"header":{TEXT:{}}}"#,
        ] {
            let with = |text: &str| Document::parse(&document.replace("TEXT", text)).is_ok();
            let quoted = |text: String| format!("\"{text}\"");
            let most = MAX_ENVELOPE_TEXT_BYTES;
            assert!(with(&quoted("x".repeat(most))), "{document}");
            assert!(with(&quoted(r"\u0078".repeat(most))), "{document}");
            assert!(!with(&quoted("x".repeat(most + 1))), "{document}");
            assert!(!with(&quoted(r"\u0078".repeat(most + 1))), "{document}");
            if !document.contains("TEXT:") {
                assert!(with(&"1".repeat(most)), "{document}");
                assert!(!with(&"1".repeat(most + 1)), "{document}");
            }
        }
        // Strings that are not kept have no limit.
        let long = format!("\"{}\"", "x".repeat(1 << 20));
        for document in [r#"{"new":TEXT}"#, r#"{"header":{"new":TEXT}}"#, "{TEXT:1}"] {
            assert!(
                Document::parse(&document.replace("TEXT", &long)).is_ok(),
                "{document}"
            );
        }
        let wrapper = format!(r#"{{"encrypt":{long}}}"#);
        assert!(Wrapper::parse(&wrapper).is_ok());
        for member in ["type", "app_id", "tenant_key"] {
            let event = format!(r#"{{"{member}":{long}}}"#);
            assert!(InnerHeader::parse(&event).is_err(), "{member}");
        }
    }

    #[test]
    fn a_url_check_is_three_members_and_perhaps_others() {
        let good = r#"{"challenge":"c","token":"t","type":"url_verification"}"#;
        let check = UrlCheck::parse(good).unwrap();
        assert_eq!((&*check.token, &*check.challenge), ("t", "c"));
        let more = good.replace("}", r#","event":{}}"#);
        assert!(UrlCheck::parse(&more).is_some());
        for odd in [
            r#"{"challenge":"c","token":"t","type":"event_callback"}"#,
            r#"{"challenge":"c","token":"t"}"#,
            r#"{"challenge":"c","type":"url_verification"}"#,
            r#"{"token":"t","type":"url_verification"}"#,
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
