//! A composed push: an event type, the JSON of an editor, and values to set in it. It is read as a whole
//! before anything is sent.

#[cfg(test)]
mod tests;

use std::fmt;

use lark_events::event::Schema;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_sim::{Document, ParseDocumentErrorKind};

use super::pushable::Pushable;
use crate::catalogue;
use crate::document::members::Members;
use crate::document::set::Set;
use crate::document::template::{Form, OLD_CARD, Template};
use lark_events_pages::{Layout, lay_out};

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
