//! The event to push: the sample of an event, or a body or document from a file.

use std::collections::BTreeMap;

use bytes::Bytes;
use lark_events::RawJson;
use lark_events::event::{Schema, duplicate_key};
use lark_events_sim::{Document, ParseDocumentErrorKind};

use super::set::{Set, SetError};
use crate::catalogue;

/// The only event without an envelope and without its type.
pub(crate) const OLD_CARD: &str = "card.action.trigger_v1";

/// An event to push, in which values can be set.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) event_type: String,
    pub(crate) form: Form,
}

#[derive(Debug)]
pub(crate) enum Form {
    /// A new event each time that it is pushed.
    Document(Document),
    /// The body of [`OLD_CARD`].
    Card(RawJson),
}

impl Template {
    /// The documented sample, or an empty body if there is none.
    pub(crate) fn sample(event_type: &str) -> Result<Self, String> {
        let known = catalogue::find(event_type).ok_or_else(|| catalogue::unknown(event_type))?;
        let sample = known.event.sample.unwrap_or("{}");
        Self::of(sample.into(), Some(event_type), known.info.schema)
    }

    /// A document with its envelope, or a body, which gets an envelope of `schema`.
    pub(crate) fn of(
        json: Bytes,
        event_type: Option<&str>,
        schema: Schema,
    ) -> Result<Self, String> {
        let (own, form) = match Document::parse(json.clone()) {
            Ok(document) => (document.event_type(), Form::Document(document)),
            Err(error) if error.kind() == ParseDocumentErrorKind::NoEnvelope => {
                (None, in_envelope(json, event_type, schema)?)
            }
            Err(error) => return Err(error.to_string()),
        };
        match (own, event_type) {
            (Some(own), Some(wanted)) if own != wanted => Err(format!(
                "expected an event of type {wanted}, but the document has type {own}"
            )),
            (own, wanted) => Ok(Self {
                event_type: own.or(wanted.map(str::to_owned)).unwrap_or_default(),
                form,
            }),
        }
    }

    /// Changes the body. A path that is unknown is an error, unless it has a plus; so is another event
    /// type.
    pub(crate) fn set(self, set: &Set) -> Result<Self, SetError> {
        let event_type = self.event_type.as_str();
        let form = match self.form {
            Form::Card(body) => Form::Card(set.apply(event_type, &body)?),
            Form::Document(document) => {
                let body = set.apply(event_type, &document.body().unwrap_or_default())?;
                let document = document.with_body(body);
                if document.event_type().as_deref() != Some(event_type) {
                    let why =
                        format!("the type of the event stays {event_type}: leave it as it is");
                    return Err(set.error(false, &why));
                }
                let key = duplicate_key(event_type);
                Form::Document(match key.is_some_and(|pointer| set.reaches(pointer)) {
                    true => document.keep_duplicate_key(),
                    false => document,
                })
            }
        };
        Ok(Self { form, ..self })
    }
}

fn in_envelope(body: Bytes, event_type: Option<&str>, schema: Schema) -> Result<Form, String> {
    let body = RawJson::parse(body).map_err(|error| error.to_string())?;
    body.decode::<BTreeMap<String, RawJson>>()
        .map_err(|_| "the body is not a JSON object")?;
    let event_type = event_type
        .ok_or("the body has no envelope with an event type: pass the type as an argument")?;
    if event_type == OLD_CARD {
        return Ok(Form::Card(body));
    }
    let document = match schema {
        Schema::V1 => Document::v1(event_type, &body),
        _ => Document::v2(event_type, &body),
    };
    let document = document.map_err(|error| error.to_string())?;
    Ok(Form::Document(document.new_duplicate_key()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_any_object_that_can_be_read() {
        let of =
            |json: &'static str| Template::of(json.into(), Some("tea.pot.ready_v1"), Schema::V1);
        for body in ["{}", "\n {\"kind\": 1}\n"] {
            assert!(of(body).is_ok(), "{body}");
        }
        for (body, says) in [
            (" [] ", "the body is not a JSON object"),
            ("1", "the body is not a JSON object"),
            (r#"{"\ud800": 1}"#, "not JSON"),
        ] {
            let error = of(body).unwrap_err();
            assert!(error.contains(says), "{body}: {error}");
        }
    }
}
