//! The content of a document by another reader: `serde_json`'s values, with a second implementation
//! of the envelope's rules.

use lark_events::EventHeader;
use lark_events::event::Schema;
use serde_json::{Map, Value};

use super::Seen;
use super::app::{APP_ID, App, TOKEN};

/// The expected result of a document without duplicate members.
#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    Refused,
    Challenge(String),
    Event {
        schema: Schema,
        id: String,
        event_type: String,
        created: String,
        app_id: String,
        tenant: String,
        body: Value,
    },
}

impl Expected {
    pub(super) fn of(value: &Value, app: &App) -> Self {
        let Value::Object(document) = value else {
            return Self::Refused;
        };
        Self::of_document(document, app).unwrap_or(Self::Refused)
    }

    fn of_document(document: &Map<String, Value>, app: &App) -> Option<Self> {
        let header = match document.get("header") {
            None | Some(Value::Null) => None,
            Some(header) => Some(header.as_object()?),
        };
        let in_top = |name| text(document.get(name));
        // Of a version 1 document, for what the event itself lacks.
        let beside = header;
        let header = header.filter(|header| text(header.get("event_type")).is_some());
        let token = match header {
            Some(header) => text(header.get("token")),
            None => in_top("token"),
        };
        if app.has_token() && token.as_deref() != Some(TOKEN) {
            return None;
        }
        let body = match document.get("event") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(body) => body.clone(),
        };
        let event = match (header, in_top("type").as_deref()) {
            (Some(header), _) => {
                let member = |name| text(header.get(name)).unwrap_or_default();
                Self::Event {
                    schema: Schema::V2,
                    id: member("event_id"),
                    event_type: member("event_type"),
                    created: member("create_time"),
                    app_id: member("app_id"),
                    tenant: member("tenant_key"),
                    body,
                }
            }
            (None, Some("event_callback")) => {
                let member = |name| text(body.get(name)).unwrap_or_default();
                let either = |name| match member(name) {
                    inner if inner.is_empty() => {
                        text(beside.and_then(|header| header.get(name))).unwrap_or_default()
                    }
                    inner => inner,
                };
                let (event_type, app_id) = (member("type"), either("app_id"));
                let tenant = either("tenant_key");
                body.as_object()?;
                Self::Event {
                    schema: Schema::V1,
                    id: in_top("uuid").unwrap_or_default(),
                    event_type,
                    created: in_top("ts").unwrap_or_default(),
                    app_id,
                    tenant,
                    body,
                }
            }
            (None, Some("url_verification")) => {
                let challenge = in_top("challenge")?;
                let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                let fits = (1..=128).contains(&challenge.len()) && challenge.bytes().all(good);
                return fits.then_some(Self::Challenge(challenge));
            }
            _ => return None,
        };
        event.of_app(app)
    }

    /// Unless it has no type, or names another app than ours. Where it names none it is ours.
    fn of_app(mut self, app: &App) -> Option<Self> {
        let Self::Event {
            event_type, app_id, ..
        } = &mut self
        else {
            return Some(self);
        };
        if event_type.is_empty() {
            return None;
        }
        if app.has_id() {
            if app_id.is_empty() {
                APP_ID.clone_into(app_id);
            }
            return (app_id == APP_ID).then_some(self);
        }
        Some(self)
    }

    /// Unless `exactly`, the text of a number may be another: a value does not keep it.
    pub(super) fn assert_is(&self, seen: &Seen, exactly: bool) {
        let seen = match seen {
            Seen::Refused => Self::Refused,
            Seen::Challenge(challenge) => Self::Challenge(challenge.clone()),
            Seen::Delivery { header, raw } => {
                // It is part of what has been read.
                let body = raw.decode().expect("a value within a value");
                Self::seen(header.clone(), body)
            }
        };
        if exactly || !self.has_float() {
            assert_eq!(seen, *self);
        }
    }

    fn seen(header: EventHeader, body: Value) -> Self {
        Self::Event {
            schema: header.schema,
            id: header.event_id.unwrap_or_default(),
            event_type: header.event_type,
            created: header.create_time.unwrap_or_default(),
            app_id: header.app_id.unwrap_or_default(),
            tenant: header.tenant_key.unwrap_or_default(),
            body,
        }
    }

    /// Whether one of its texts may be that of a number with a fraction, or of more than 64 bits.
    fn has_float(&self) -> bool {
        let Self::Event {
            id,
            event_type,
            created,
            app_id,
            tenant,
            ..
        } = self
        else {
            return matches!(self, Self::Challenge(text) if is_float(text));
        };
        [id, event_type, created, app_id, tenant]
            .into_iter()
            .any(|text| is_float(text))
    }
}

fn is_float(text: &str) -> bool {
    text.parse::<f64>().is_ok() && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

/// A text, or a number as its own.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
