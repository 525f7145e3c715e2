//! A document from text: which envelope it has, and what is wrong where it has none.

use std::collections::btree_map::Entry;
use std::fmt;

use bytes::Bytes;
use lark_events::RawJson;
use lark_events::event::duplicate_key;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{Document, Form, Members};

/// What is made up for each push, in the header of version 2.
const NEW_IN_HEADER: [&str; 4] = ["event_id", "create_time", "app_id", "token"];

impl Document {
    /// A new event of the app that it is pushed to, like the one in `document`, which is an event or
    /// callback in its envelope. The event id, the time, the app and the token of its header are made up,
    /// and so is the key in its body where duplicates have another one than the event id
    /// ([`duplicate_key`]): each push is another event. Pushes with the same
    /// [`event_id`](Self::event_id) have the same key, too.
    ///
    /// A version 2 event without a body has an empty one.
    ///
    /// ```
    /// use lark_events_sim::Document;
    ///
    /// let document = Document::parse(r#"{"header": {"event_type": "kitchen.tea.ready_v1"}}"#)?;
    /// assert_eq!(document.event_type().as_deref(), Some("kitchen.tea.ready_v1"));
    ///
    /// let error = Document::parse(r#"{"type": "event_callback", "event": {}}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "/event/type is no string");
    /// # Ok::<(), lark_events_sim::ParseDocumentError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseDocumentError`] when the text is no JSON object, has no envelope, or has a member of the
    /// envelope that cannot be read or is given twice.
    pub fn parse(document: impl Into<Bytes>) -> Result<Self, ParseDocumentError> {
        let document = document.into();
        let Object { mut members, twice } = serde_json::from_slice(&document).map_err(|error| {
            if error.is_data() {
                Problem::NoEnvelope("the document is no object")
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
            let event = object(&event).ok_or(Problem::Member("/event is no object"))?;
            if let Some(name) = event.twice {
                return Err(Problem::Twice("/event", name).into());
            }
            let mut event = event.members;
            let event_type = text(event.get("type"));
            let event_type = event_type.ok_or(Problem::Member("/event/type is no string"))?;
            event.remove("app_id");
            let outer = Members::new();
            (Form::V1 { outer, event }, event_type)
        } else {
            return Err(Problem::NoEnvelope(
                "neither is /header/event_type a string (version 2), nor is /type event_callback (version 1)",
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

/// The members of a JSON object, and the name of one that is given twice.
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

/// Why a text is no [`Document`] in an envelope. Its text says what is wrong and where: by line and
/// column, or by JSON pointer.
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
    /// The text is no JSON.
    NotJson,
    /// The text is JSON without an envelope: a body, or something else.
    NoEnvelope,
    /// A member of the envelope cannot be read, or is given twice.
    Member,
}

impl ParseDocumentError {
    /// What is wrong.
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
            Problem::NotJson(error) => write!(f, "no JSON: {error}"),
            Problem::NoEnvelope(why) => write!(f, "no envelope: {why}"),
            Problem::Member(why) => f.write_str(why),
            Problem::Twice(place, name) => write!(f, "`{name}` is given twice in {place}"),
        }
    }
}

impl std::error::Error for ParseDocumentError {}
