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
                "header" => {
                    once(&mut document.header, Header::default())?;
                    return document.header.as_mut()?.scan(scanner);
                }
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
    /// Reads an empty header.
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        scanner.object(|scanner, name| {
            let slot = match name {
                "event_id" => &mut self.event_id,
                "event_type" => &mut self.event_type,
                "create_time" => &mut self.create_time,
                "token" => &mut self.token,
                "app_id" => &mut self.app_id,
                "tenant_key" => &mut self.tenant_key,
                other => {
                    let (name, value) = (within(other)?, scanner.value()?);
                    if self.extras.len() < MAX_HEADER_EXTRAS {
                        self.extras.push((Cow::Borrowed(name), value));
                    }
                    return Some(());
                }
            };
            let mut text = Text::default();
            text.scan(scanner)?;
            once(slot, text)
        })
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
mod tests;
