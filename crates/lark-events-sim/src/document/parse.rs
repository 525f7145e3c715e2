//! Parses a document: finds its envelope, and reports errors in it.

use std::collections::btree_map::Entry;
use std::fmt;

use bytes::Bytes;
use lark_events::RawJson;
use lark_events::event::duplicate_key;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{Document, Form, Members};

/// The members of a version 2 header that each push sets.
const NEW_IN_HEADER: [&str; 4] = ["event_id", "create_time", "app_id", "token"];

impl Document {
    /// Parses an event or callback in its envelope, to push new events like it. Each push sets a
    /// new event id, time, app and token in its header, and a new key in its body if duplicates
    /// have a key other than the event id ([`duplicate_key`]). Pushes with the same
    /// [`event_id`](Self::event_id) also have the same key.
    ///
    /// A version 2 event without a body gets an empty one.
    ///
    /// ```
    /// use lark_events_sim::Document;
    ///
    /// let document = Document::parse(r#"{"header": {"event_type": "kitchen.tea.ready_v1"}}"#)?;
    /// assert_eq!(document.event_type().as_deref(), Some("kitchen.tea.ready_v1"));
    ///
    /// let error = Document::parse(r#"{"type": "event_callback", "event": {}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "/event/type is not a string");
    /// # Ok::<(), lark_events_sim::ParseDocumentError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`ParseDocumentError`] if the text is not a JSON object or has no envelope, or if
    /// a member of the envelope cannot be read or is duplicated.
    pub fn parse(document: impl Into<Bytes>) -> Result<Self, ParseDocumentError> {
        let document = document.into();
        let Object { mut members, twice } = serde_json::from_slice(&document).map_err(|error| {
            if error.is_data() {
                Problem::NoEnvelope("the document is not an object")
            } else {
                Problem::NotJson(error.to_string())
            }
        })?;
        if let Some(name) = twice {
            return Err(Problem::Twice("the document", name).into());
        }
        let text = |json: Option<&RawJson>| json.and_then(|json| json.decode::<String>().ok());
        let header = members.remove("header").map(|header| object(&header));
        let header_type = header.as_ref().and_then(|header| {
            let header = header.as_ref()?;
            text(header.members.get("event_type"))
        });
        let event = members.remove("event").filter(|event| !is_null(event));
        let (form, event_type) = if let (Some(event_type), Some(Some(header))) =
            (header_type, header)
        {
            if let Some(name) = header.twice {
                return Err(Problem::Twice("/header", name).into());
            }
            let mut header = header.members;
            header.retain(|name, _| !NEW_IN_HEADER.contains(&name.as_str()));
            let event = event.unwrap_or_default();
            (Form::V2 { header, event }, event_type)
        } else if text(members.get("type")).as_deref() == Some("event_callback") {
            let event = event.ok_or(Problem::Member("/event is missing"))?;
            let event = object(&event).ok_or(Problem::Member("/event is not an object"))?;
            if let Some(name) = event.twice {
                return Err(Problem::Twice("/event", name).into());
            }
            let mut event = event.members;
            let event_type = text(event.get("type"));
            let event_type = event_type.ok_or(Problem::Member("/event/type is not a string"))?;
            event.remove("app_id");
            let outer = Members::new();
            (Form::V1 { outer, event }, event_type)
        } else {
            return Err(Problem::NoEnvelope(
                "expected a string at /header/event_type (version 2), or event_callback at /type \
                (version 1)",
            )
            .into());
        };
        let new_key = duplicate_key(&event_type);
        Ok(Self { form, new_key })
    }
}

fn is_null(json: &RawJson) -> bool {
    json.as_str() == "null"
}

fn object(json: &RawJson) -> Option<Object> {
    json.decode().ok()
}

/// The members of a JSON object, and the name of a duplicate member.
struct Object {
    members: Members,
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let (mut members, mut twice) = (Members::new(), None);
                while let Some((name, value)) = map.next_entry::<String, RawJson>()? {
                    match members.entry(name) {
                        Entry::Vacant(entry) => {
                            entry.insert(value);
                        }
                        Entry::Occupied(entry) => twice = Some(entry.key().clone()),
                    }
                }
                Ok(Object { members, twice })
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// The error of [`Document::parse`]. The text contains the place: line and column, or a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDocumentError(Problem);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    NotJson(String),
    NoEnvelope(&'static str),
    Member(&'static str),
    Twice(&'static str, String),
}

/// The kinds of [`ParseDocumentError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseDocumentErrorKind {
    /// The text is not JSON.
    NotJson,
    /// The text is JSON without an envelope, such as a body.
    NoEnvelope,
    /// A member of the envelope cannot be read, or is duplicated.
    Member,
}

impl ParseDocumentError {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ParseDocumentErrorKind {
        match self.0 {
            Problem::NotJson(_) => ParseDocumentErrorKind::NotJson,
            Problem::NoEnvelope(_) => ParseDocumentErrorKind::NoEnvelope,
            Problem::Member(_) | Problem::Twice(..) => ParseDocumentErrorKind::Member,
        }
    }
}

impl From<Problem> for ParseDocumentError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl fmt::Display for ParseDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::NotJson(error) => write!(f, "not JSON: {error}"),
            Problem::NoEnvelope(why) => write!(f, "no envelope: {why}"),
            Problem::Member(why) => f.write_str(why),
            Problem::Twice(place, name) => write!(f, "duplicate member `{name}` in {place}"),
        }
    }
}

impl std::error::Error for ParseDocumentError {}
