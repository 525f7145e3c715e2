//! A composed push: an event type, the JSON of an editor, and values to set in it. It is read as a whole
//! before anything is sent.

use std::fmt;

use lark_events::event::Schema;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_sim::{Document, ParseDocumentErrorKind};

use super::pushable::Pushable;
use crate::catalogue;
use crate::document::members::Members;
use crate::document::set::Set;
use crate::document::template::{Form, OLD_CARD, Template};
use crate::json_text::{Layout, lay_out};

/// A push as it is composed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Composed<'a> {
    /// Empty for that of a document with an envelope.
    pub(crate) event_type: &'a str,
    /// A body, or a document with its envelope; `None` for the documented sample.
    ///
    /// An event that is not in the catalogue needs its envelope: a typing error in the event type would
    /// otherwise push another event. As in a file of `lark-events push`, each push sets a new id, time,
    /// app and token in the header, and a new key in a body whose duplicates have one.
    pub(crate) json: Option<&'a str>,
    /// Values as `PATH=VALUE`, in the form of `push` in the terminal: a path must be a known field of
    /// the event or in the JSON, and `+PATH=VALUE` sets any.
    pub(crate) sets: &'a [String],
    /// The event id; `None` or empty for a new one.
    pub(crate) event_id: Option<&'a str>,
}

/// Why a composed push cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComposeError {
    pub(crate) kind: ComposeErrorKind,
    text: String,
    /// The place in the JSON, if it is not JSON.
    pub(crate) place: Option<Place>,
}

/// A place in a text. Both numbers count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComposeErrorKind {
    NoEventType,
    UnknownEventType,
    /// The document has another event type.
    OtherEventType,
    NotJson,
    NotAnObject,
    /// A member of the envelope is missing, duplicated, or of another type.
    Envelope,
    TooLarge,
    /// A set that cannot be read, or whose path does not fit the body.
    Set,
    /// A set whose path is not a field of the event.
    UnknownPath,
    EventId,
}

impl ComposeErrorKind {
    /// The stable name, for scripts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoEventType => "no-event-type",
            Self::UnknownEventType => "unknown-event-type",
            Self::OtherEventType => "other-event-type",
            Self::NotJson => "not-json",
            Self::NotAnObject => "not-an-object",
            Self::Envelope => "envelope",
            Self::TooLarge => "too-large",
            Self::Set => "set",
            Self::UnknownPath => "unknown-path",
            Self::EventId => "event-id",
        }
    }
}

impl ComposeError {
    fn new(kind: ComposeErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            place: None,
        }
    }
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ComposeError {}

impl Composed<'_> {
    /// The event to push.
    pub(crate) fn read(&self) -> Result<Pushable, ComposeError> {
        let mut template = match self.json {
            Some(json) => self.template(json)?,
            None if self.event_type.is_empty() => return Err(no_event_type()),
            None => Template::sample(self.event_type)
                .map_err(|why| ComposeError::new(ComposeErrorKind::UnknownEventType, why))?,
        };
        for text in self.sets {
            let set: Set = text
                .parse()
                .map_err(|why| ComposeError::new(ComposeErrorKind::Set, format!("{text} {why}")))?;
            template = template.set(&set).map_err(|error| {
                let kind = match error.is_unknown_path {
                    true => ComposeErrorKind::UnknownPath,
                    false => ComposeErrorKind::Set,
                };
                ComposeError::new(kind, error.to_string())
            })?;
        }
        if let Some(id) = self.event_id.filter(|id| !id.is_empty()) {
            template.form = match template.form {
                Form::Document(document) => Form::Document(document.event_id(id)),
                Form::Card(_) => {
                    let why = format!("{OLD_CARD} has no event id: leave the event id empty");
                    return Err(ComposeError::new(ComposeErrorKind::EventId, why));
                }
            };
        }
        Ok(template.into())
    }

    fn template(&self, json: &str) -> Result<Template, ComposeError> {
        use ComposeErrorKind::{
            Envelope, NotAnObject, NotJson, OtherEventType, TooLarge, UnknownEventType,
        };

        if json.len() > MAX_EVENT_BYTES {
            let size = json.len();
            let why = format!("expected JSON of at most {MAX_EVENT_BYTES} bytes, got {size}");
            return Err(ComposeError::new(TooLarge, why));
        }
        if json.trim_ascii().is_empty() {
            let why = "expected a body or a document as JSON, got an empty text";
            return Err(ComposeError::new(NotJson, why));
        }
        let wanted = Some(self.event_type).filter(|wanted| !wanted.is_empty());
        let known = wanted.and_then(catalogue::find);
        let otherwise = match Document::parse(json.to_owned()) {
            Ok(document) if wanted.is_some() && document.event_type().as_deref() != wanted => {
                OtherEventType
            }
            Ok(_) => Envelope,
            Err(error) => match (error.kind(), wanted) {
                (ParseDocumentErrorKind::NotJson, _) => {
                    return Err(not_json(json, &error.to_string()));
                }
                (ParseDocumentErrorKind::NoEnvelope, None) => return Err(no_event_type()),
                (ParseDocumentErrorKind::NoEnvelope, Some(wanted)) if known.is_none() => {
                    let unknown = catalogue::unknown(wanted);
                    let why = format!(
                        "{unknown}; for an event of your own, give the document with its envelope"
                    );
                    return Err(ComposeError::new(UnknownEventType, why));
                }
                (ParseDocumentErrorKind::NoEnvelope, _) => NotAnObject,
                _ => Envelope,
            },
        };
        let schema = known.map_or(Schema::V2, |known| known.info.schema);
        Template::of(json.to_owned().into(), wanted, schema)
            .map_err(|why| ComposeError::new(otherwise, why))
    }
}

fn no_event_type() -> ComposeError {
    let why = "expected an event type, or a document with its envelope: choose an event type";
    ComposeError::new(ComposeErrorKind::NoEventType, why)
}

/// The error of the parser, with its place counted in characters.
fn not_json(json: &str, error: &str) -> ComposeError {
    let place = |error: &str| {
        let (why, place) = error.rsplit_once(" at line ")?;
        let (line, column) = place.split_once(" column ")?;
        let (line, bytes): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
        let text = json.split('\n').nth(line.checked_sub(1)?)?;
        let before = text.char_indices().take_while(|(at, _)| *at < bytes);
        let column = before.count().max(1);
        Some((why.to_owned(), Place { line, column }))
    };
    let Some((why, place)) = place(error) else {
        return ComposeError::new(ComposeErrorKind::NotJson, error);
    };
    let Place { line, column } = place;
    let text = format!("{why} at line {line}, column {column}");
    ComposeError {
        place: Some(place),
        ..ComposeError::new(ComposeErrorKind::NotJson, text)
    }
}

/// The documented sample of an event for an editor, or an empty body if there is none. The members of the
/// header that each push sets anew are left out: changing them would change nothing.
///
/// # Errors
///
/// A text that names a similar event, for an event that is not in the catalogue.
pub(crate) fn sample_text(event_type: &str) -> Result<String, String> {
    let known = catalogue::find(event_type).ok_or_else(|| catalogue::unknown(event_type))?;
    let sample = known.event.sample.unwrap_or("{}");
    let is_document = Document::parse(sample).is_ok();
    let members = Members::parse(sample).filter(|_| is_document);
    let Some(mut members) = members else {
        return Ok(lay_out(sample, Layout::Pretty));
    };
    match known.info.schema {
        Schema::V1 => {
            members.remove(&["uuid", "ts", "token"]);
            members.change("event", |event| event.remove(&["app_id"]));
        }
        _ => members.change("header", |header| {
            header.remove(&["event_id", "create_time", "app_id", "token"]);
        }),
    }
    Ok(lay_out(members.json().as_str(), Layout::Pretty))
}

#[cfg(test)]
mod tests {
    use lark_events_sim::Platform;

    use super::*;

    const MESSAGE: &str = "im.message.receive_v1";

    fn pushed(composed: Composed<'_>) -> String {
        let pushable = composed.read().unwrap();
        let body = Platform::builder().request(pushable.document).into_body();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[track_caller]
    fn refused(composed: Composed<'_>) -> (&'static str, String) {
        let error = composed.read().unwrap_err();
        (error.kind.name(), error.to_string())
    }

    #[test]
    fn the_sample_of_every_event_can_be_edited_and_pushed() {
        for known in catalogue::all() {
            let event_type = known.info.event_type;
            let text = sample_text(event_type).unwrap();
            let composed = Composed {
                event_type,
                json: Some(&text),
                ..Composed::default()
            };
            let pushable = composed.read().unwrap();
            assert_eq!(pushable.event_type, event_type);
            let sample = Document::sample_of(&known.event);
            if event_type != OLD_CARD {
                assert_eq!(pushable.document.body(), sample.body(), "{event_type}");
            }
            let new = ["\"event_id\"", "\"uuid\"", "\"ts\":"];
            let header = text.split("\"event\"").next().unwrap_or_default();
            assert!(!new.iter().any(|name| header.contains(name)), "{text}");
        }
        let error = sample_text("im.message.recieve_v1").unwrap_err();
        assert!(error.contains("similar: im.message.receive_v1"), "{error}");
    }

    #[test]
    fn a_body_or_a_document_is_pushed_with_what_is_set_in_it() {
        let sets = ["message.chat_id=oc_7".to_owned(), "+tea=1e400".to_owned()];
        for json in [
            r#"{"message": {"message_id": "om_1", "n": 12345678901234567890123}}"#,
            r#"{"header": {"event_type": "im.message.receive_v1", "token": "old", "event_id": "old"},
                "event": {"message": {"message_id": "om_1", "n": 12345678901234567890123}}}"#,
        ] {
            let text = pushed(Composed {
                event_type: MESSAGE,
                json: Some(json),
                sets: &sets,
                event_id: Some("e-1"),
            });
            for part in [
                r#""event_id":"e-1""#,
                r#""chat_id":"oc_7""#,
                r#""message_id":"om_e-1""#,
                "12345678901234567890123",
                r#""tea":1e400"#,
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("old"), "{text}");
        }
        let own =
            r#"{"header": {"event_type": "kitchen.tea.ready_v1"}, "event": {"kind": "green"}}"#;
        for event_type in ["", "kitchen.tea.ready_v1"] {
            let text = pushed(Composed {
                event_type,
                json: Some(own),
                sets: &["kind=black".to_owned()],
                event_id: Some(""),
            });
            assert!(text.contains(r#""kind":"black""#), "{text}");
        }
    }

    #[test]
    fn a_callback_is_pushed_as_one_and_the_old_card_without_an_envelope() {
        for (event_type, is_callback) in [
            ("card.action.trigger", true),
            ("url.preview.get", true),
            (OLD_CARD, true),
            (MESSAGE, false),
        ] {
            let composed = Composed {
                event_type,
                ..Composed::default()
            };
            let pushable = composed.read().unwrap();
            assert_eq!(pushable.is_callback, is_callback, "{event_type}");
        }
        let card = Composed {
            event_type: OLD_CARD,
            json: Some(r#"{"open_id": "ou_1"}"#),
            ..Composed::default()
        };
        assert_eq!(pushed(card), r#"{"open_id": "ou_1"}"#);
        let (kind, error) = refused(Composed {
            event_id: Some("e-1"),
            ..card
        });
        assert_eq!(kind, "event-id");
        assert!(error.contains("has no event id"), "{error}");
    }

    #[test]
    fn what_is_wrong_has_a_name_and_says_what_to_do() {
        let whole = r#"{"header": {"event_type": "im.chat.disbanded_v1"}, "event": {}}"#;
        for (event_type, json, kind, says) in [
            ("", None, "no-event-type", "choose an event type"),
            ("", Some("{}"), "no-event-type", "choose an event type"),
            (
                "im.message.recieve_v1",
                None,
                "unknown-event-type",
                "similar: im.message.receive_v1",
            ),
            (
                "kitchen.tea.ready_v1",
                Some("{}"),
                "unknown-event-type",
                "give the document with its envelope",
            ),
            (
                MESSAGE,
                Some(whole),
                "other-event-type",
                "expected an event of type im.message.receive_v1, but the document has type \
                 im.chat.disbanded_v1",
            ),
            (MESSAGE, Some(" \n"), "not-json", "got an empty text"),
            (MESSAGE, Some("[]"), "not-an-object", "not a JSON object"),
            (MESSAGE, Some("null"), "not-an-object", "not a JSON object"),
            (
                "",
                Some(r#"{"type": "event_callback", "event": {}}"#),
                "envelope",
                "/event/type is not a string",
            ),
        ] {
            let (name, error) = refused(Composed {
                event_type,
                json,
                ..Composed::default()
            });
            assert_eq!(name, kind, "{error}");
            assert!(error.contains(says), "{error}");
        }
        let large = format!("\"{}\"", "x".repeat(MAX_EVENT_BYTES));
        let composed = Composed {
            event_type: MESSAGE,
            json: Some(&large),
            ..Composed::default()
        };
        assert_eq!(refused(composed).0, "too-large");
    }

    #[test]
    fn a_set_that_leads_nowhere_is_an_error() {
        for (set, kind, says) in [
            ("message", "set", "message has no `=`"),
            ("message.chat_id.x=1", "set", "cannot set `x`"),
            (
                "mesage.chat_id=1",
                "unknown-path",
                "similar: message.chat_id",
            ),
        ] {
            let (name, error) = refused(Composed {
                event_type: MESSAGE,
                sets: &[set.to_owned()],
                ..Composed::default()
            });
            assert_eq!(name, kind, "{error}");
            assert!(error.contains(says), "{error}");
        }
        let (name, _) = refused(Composed {
            event_type: "add_bot",
            sets: &["type=remove_bot".to_owned()],
            ..Composed::default()
        });
        assert_eq!(name, "set");
    }

    #[test]
    fn what_is_not_json_has_a_place_counted_in_characters() {
        for (json, line, column) in [
            ("{", 1, 1),
            ("{\n  \"a\": 1,\n}", 3, 1),
            ("{\n  \"消息\": tea}", 2, 10),
            ("{\"a\": 1} x", 1, 10),
        ] {
            let composed = Composed {
                event_type: MESSAGE,
                json: Some(json),
                ..Composed::default()
            };
            let error = composed.read().unwrap_err();
            assert_eq!(error.kind.name(), "not-json");
            assert_eq!(error.place, Some(Place { line, column }), "{json}: {error}");
            assert!(error.to_string().starts_with("not JSON: "), "{error}");
            assert!(
                error
                    .to_string()
                    .ends_with(&format!(" at line {line}, column {column}")),
                "{error}"
            );
        }
    }
}
