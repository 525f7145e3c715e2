//! What is pushed: the sample of an event or a body of one's own, as a document with its envelope.

use std::collections::BTreeMap;

use bytes::Bytes;
use lark_events::{RawJson, Schema, duplicate_key};
use lark_events_sim::Document;

use super::set::Set;
use crate::catalogue;

/// The one event without an envelope: its type is nowhere in it.
pub(crate) const CARD_V1: &str = "card.action.trigger_v1";

/// A document whose header is made anew when it is pushed.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) event_type: String,
    /// Whole, or the body alone where there is no envelope.
    members: BTreeMap<String, RawJson>,
    /// Whether the key of duplicates is set in the body, so that it is not made up.
    has_own_key: bool,
}

impl Template {
    /// The documented sample; an empty body where there is none.
    pub(crate) fn sample(event_type: &str) -> Result<Self, String> {
        let known = catalogue::find(event_type).ok_or_else(|| catalogue::unknown(event_type))?;
        let schema = known.info.schema;
        match known.info.sample {
            Some(sample) => Self::of(sample.into(), Some(event_type), schema),
            None => Self::of("{}".into(), Some(event_type), schema),
        }
    }

    /// A document or a body, whichever the JSON is.
    pub(crate) fn of(
        json: Bytes,
        event_type: Option<&str>,
        schema: Schema,
    ) -> Result<Self, String> {
        let json = RawJson::parse(json).map_err(|error| error.to_string())?;
        let members: BTreeMap<String, RawJson> =
            json.decode().map_err(|_| "the body is no JSON object")?;
        let text = |json: Option<&RawJson>| json.and_then(|json| json.decode::<String>().ok());
        let inside = |name: &str, member: &str| {
            let inner = members
                .get(name)?
                .decode::<BTreeMap<String, RawJson>>()
                .ok()?;
            text(inner.get(member))
        };
        let (own, schema) = if let Some(own) = inside("header", "event_type") {
            (Some(own), Schema::V2)
        } else if text(members.get("type")).as_deref() == Some("event_callback") {
            (inside("event", "type"), Schema::V1)
        } else {
            (None, schema)
        };
        if let (Some(own), Some(wanted)) = (&own, event_type)
            && own != wanted
        {
            return Err(format!("the document is one of {own}, not of {wanted}"));
        }
        let event_type = own.as_deref().or(event_type);
        let event_type =
            event_type.ok_or("the body does not say of which event it is: name its type")?;
        let mut members = match own {
            None if event_type == CARD_V1 => members,
            None => in_envelope(event_type, schema, members),
            Some(_) => members,
        };
        // What the simulator tells the envelopes by; it makes the id up.
        if schema == Schema::V1 && event_type != CARD_V1 {
            members.remove("header");
            members.insert("uuid".to_owned(), RawJson::default());
        } else if members.get("event").is_none_or(is_null) && event_type != CARD_V1 {
            members.insert("event".to_owned(), RawJson::default());
        }
        Ok(Self {
            event_type: event_type.to_owned(),
            members,
            has_own_key: false,
        })
    }

    /// Changes the body.
    pub(crate) fn set(&mut self, set: &Set) -> Result<(), String> {
        if self.event_type == CARD_V1 {
            let whole = RawJson::encode(&self.members).map_err(|error| error.to_string())?;
            let whole = set.apply(&whole)?;
            self.members = whole.decode().map_err(|error| error.to_string())?;
            return Ok(());
        }
        let key = duplicate_key(&self.event_type);
        self.has_own_key |= key.is_some_and(|pointer| set.reaches(pointer));
        let event = self.members.remove("event").unwrap_or_default();
        self.members.insert("event".to_owned(), set.apply(&event)?);
        Ok(())
    }

    pub(crate) fn json(&self) -> Result<RawJson, String> {
        RawJson::encode(&self.members).map_err(|error| error.to_string())
    }

    /// What the simulator pushes as a new event of the app.
    pub(crate) fn document(&self) -> Result<Document, String> {
        let document = Document::like(self.json()?.into_bytes());
        Ok(match self.has_own_key {
            true => document.keep_duplicate_key(),
            false => document,
        })
    }
}

fn is_null(json: &RawJson) -> bool {
    json.as_str() == "null"
}

fn in_envelope(
    event_type: &str,
    schema: Schema,
    mut body: BTreeMap<String, RawJson>,
) -> BTreeMap<String, RawJson> {
    let json = |value: &serde_json::Value| RawJson::encode(value).unwrap_or_default();
    let text = |text: &str| json(&serde_json::Value::from(text));
    let mut members = BTreeMap::new();
    if schema == Schema::V1 {
        body.insert("type".to_owned(), text(event_type));
        members.insert("type".to_owned(), text("event_callback"));
    } else {
        let header = serde_json::json!({ "event_type": event_type });
        members.insert("header".to_owned(), json(&header));
    }
    let body = RawJson::encode(&body).unwrap_or_default();
    members.insert("event".to_owned(), body);
    members
}
