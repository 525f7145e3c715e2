//! The document to push: an event or callback in its envelope, as in a webhook's body before encryption.

mod key;
mod parse;
mod verbatim;
mod written;

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::error::EncodeError;
use lark_events::event::{KnownEvent, Schema, duplicate_key};
use lark_events::{EventInfo, EventType, RawJson};
use serde::Serialize;

use self::key::with_key;
pub use self::parse::{ParseDocumentError, ParseDocumentErrorKind};
pub(crate) use self::written::Written;
use crate::clock::Clock;
use crate::random::Random;
use crate::shared::App;

/// The members of a JSON object, with every digit of their values.
type Members = BTreeMap<String, RawJson>;

/// A document to push. Each push sets missing members of its header, for the app that receives it.
///
/// ```
/// use lark_events::EventType;
/// use lark_events_sim::Document;
/// use vc_events::ReserveConfigUpdatedV1;
///
/// // The documented sample of an event:
/// let sample = Document::sample::<ReserveConfigUpdatedV1>().tenant_key("t-1");
/// // A typed body of your own:
/// let mut body = ReserveConfigUpdatedV1::default();
/// body.scope_id = Some("omm_1".to_owned());
/// let typed = Document::of(&body)?.event_id("e-1");
/// // A document from elsewhere, such as a log:
/// let parsed = Document::parse(r#"{"header":{"event_type":"kitchen.tea.ready_v1"},"event":[]}"#)?;
/// // Any body, in either envelope:
/// let any = Document::v2("kitchen.tea.ready_v1", &["green", "black"])?;
/// let old = Document::v1("message_read", &serde_json::json!({"open_id": "ou_1"}))?;
/// // Any text, pushed unchanged:
/// let verbatim = Document::from("{");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a document does nothing until it is pushed"]
pub struct Document {
    form: Form,
    /// The JSON pointer to a key in the body that is new in every push.
    new_key: Option<&'static str>,
}

#[derive(Clone)]
enum Form {
    Verbatim(Bytes),
    V2 { header: Members, event: RawJson },
    V1 { outer: Members, event: Members },
}

impl Document {
    /// The documented sample of an event type, as a new event in each push ([`like`](Self::like)).
    /// An event without a sample gets an empty body.
    pub fn sample<E: EventType>() -> Self {
        Self::sampled(&E::INFO, E::SAMPLE)
    }

    /// The [`sample`](Self::sample) of an event that is known only at run time.
    pub fn sample_of(event: &KnownEvent) -> Self {
        Self::sampled(event.info, event.sample)
    }

    fn sampled(info: &EventInfo, sample: Option<&'static str>) -> Self {
        match sample {
            Some(sample) => Self::like(Bytes::from_static(sample.as_bytes())),
            None => Self::in_envelope(info.schema, info.event_type, RawJson::default()),
        }
    }

    /// Like [`parse`](Self::parse), but pushes a text without an envelope unchanged.
    pub fn like(document: impl Into<Bytes>) -> Self {
        let document = document.into();
        match Self::parse(document.clone()) {
            Ok(parsed) => parsed,
            Err(_) => Form::Verbatim(document).into(),
        }
    }

    /// Keeps the duplicate key in the body. All pushes of the document are then the same event to
    /// an app that uses the key, even with different event ids.
    pub fn keep_duplicate_key(mut self) -> Self {
        self.new_key = None;
        self
    }

    /// Sets a new duplicate key in the body in each push, as [`parse`](Self::parse) does, if
    /// duplicates of the event have a key other than its id.
    pub fn new_duplicate_key(mut self) -> Self {
        self.new_key = self.event_type().as_deref().and_then(duplicate_key);
        self
    }

    /// Removes the event id and the time, and sets a [new duplicate key](Self::new_duplicate_key), so that each
    /// push is a new event. A document that is pushed unchanged stays as it is.
    ///
    /// ```
    /// # use lark_events_sim::{Document, Platform};
    /// # async fn replay(platform: Platform) {
    /// let push = platform.push(Document::v2("kitchen.tea.ready_v1", &["green"]).unwrap());
    /// let same_event = Document::from(push.document().clone());
    /// let new_event = Document::like(push.document().clone()).as_new();
    /// # }
    /// ```
    pub fn as_new(mut self) -> Self {
        match &mut self.form {
            Form::Verbatim(_) => return self,
            Form::V2 { header, .. } => {
                header.remove("event_id");
                header.remove("create_time");
            }
            Form::V1 { outer, .. } => {
                outer.remove("uuid");
                outer.remove("ts");
            }
        }
        self.new_duplicate_key()
    }

    /// The event type; `None` if the document is pushed unchanged.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        let event_type = match &self.form {
            Form::Verbatim(_) => None,
            Form::V2 { header, .. } => header.get("event_type"),
            Form::V1 { event, .. } => event.get("type"),
        };
        event_type?.decode().ok()
    }

    /// The body, in version 1 with the members of the envelope in it; `None` if the document is
    /// pushed unchanged.
    #[must_use]
    pub fn body(&self) -> Option<RawJson> {
        match &self.form {
            Form::Verbatim(_) => None,
            Form::V2 { event, .. } => Some(event.clone()),
            Form::V1 { event, .. } => RawJson::encode(event).ok(),
        }
    }

    /// Replaces the [`body`](Self::body).
    ///
    /// # Panics
    ///
    /// Panics if a version 1 body is not an object, and like [`header`](Self::header).
    #[track_caller]
    pub fn with_body(mut self, body: RawJson) -> Self {
        match &mut self.form {
            Form::Verbatim(_) => {
                panic!("cannot set the body of a document that is pushed unchanged")
            }
            Form::V2 { event, .. } => *event = body,
            Form::V1 { event, .. } => *event = v1_members(&body),
        }
        self
    }

    /// An event with a typed body, in the envelope of its type.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if the body cannot be written as JSON.
    ///
    /// # Panics
    ///
    /// Panics if its envelope has version 1 and the body is not an object.
    #[track_caller]
    pub fn of<E: EventType + Serialize>(body: &E) -> Result<Self, EncodeError> {
        let body = RawJson::encode(body)?;
        Ok(Self::in_envelope(E::INFO.schema, E::EVENT_TYPE, body))
    }

    /// An event or callback in an envelope of version 2.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if the body cannot be written as JSON.
    pub fn v2(event_type: &str, body: &impl Serialize) -> Result<Self, EncodeError> {
        let body = RawJson::encode(body)?;
        Ok(Self::in_envelope(Schema::V2, event_type, body))
    }

    /// An event in an envelope of version 1. The members of `body` become members of its `event`,
    /// except `type`, which is the event type.
    ///
    /// # Errors
    ///
    /// Returns an [`EncodeError`] if the body cannot be written as JSON.
    ///
    /// # Panics
    ///
    /// Panics if the body is not an object.
    #[track_caller]
    pub fn v1(event_type: &str, body: &impl Serialize) -> Result<Self, EncodeError> {
        let body = RawJson::encode(body)?;
        Ok(Self::in_envelope(Schema::V1, event_type, body))
    }

    #[track_caller]
    fn in_envelope(schema: Schema, event_type: &str, body: RawJson) -> Self {
        let event_type = text(event_type);
        if schema == Schema::V1 {
            let mut event = v1_members(&body);
            event.insert("type".to_owned(), event_type);
            let outer = Members::new();
            return Form::V1 { outer, event }.into();
        }
        let header = Members::from([("event_type".to_owned(), event_type)]);
        let event = body;
        Form::V2 { header, event }.into()
    }

    /// Sets the id by which receivers recognise duplicates: `event_id`, in version 1 `uuid`.
    ///
    /// # Panics
    ///
    /// Panics like [`header`](Self::header).
    #[track_caller]
    pub fn event_id(self, id: &str) -> Self {
        self.set("event_id", Some("uuid"), id)
    }

    /// Sets the tenant of the event; in version 1 inside `event`.
    ///
    /// # Panics
    ///
    /// Panics like [`header`](Self::header).
    #[track_caller]
    pub fn tenant_key(self, key: &str) -> Self {
        self.set("tenant_key", None, key)
    }

    /// Sets the time of the event, in the event's documented unit; in version 1 `ts`.
    ///
    /// # Panics
    ///
    /// Panics like [`header`](Self::header).
    #[track_caller]
    pub fn create_time(self, time: &str) -> Self {
        self.set("create_time", Some("ts"), time)
    }

    /// Sets a member of the header to a string: `token`, `app_id` or one that a domain adds. In
    /// version 1 it is a member of `event`, except `token`.
    ///
    /// # Panics
    ///
    /// Panics if the document is pushed unchanged, since its text is fixed.
    #[track_caller]
    pub fn header(self, name: &str, value: &str) -> Self {
        let outer = (name == "token").then_some(name);
        self.set(name, outer, value)
    }

    /// Sets `name` in the header of version 2; in version 1, sets `outer` outside the event, or
    /// else `name` in the event.
    #[track_caller]
    fn set(mut self, name: &str, outer: Option<&str>, value: &str) -> Self {
        let (members, name) = match (&mut self.form, outer) {
            (Form::V2 { header, .. }, _) => (header, name),
            (Form::V1 { outer, .. }, Some(name)) => (outer, name),
            (Form::V1 { event, .. }, None) => (event, name),
            (Form::Verbatim(_), _) => {
                panic!("cannot set {name} of a document that is pushed unchanged")
            }
        };
        members.insert(name.to_owned(), text(value));
        self
    }

    /// Writes the document for an app, and sets missing members.
    pub(crate) fn written(self, app: &App, clock: &Clock, random: &Random) -> Written {
        fn or_insert(members: &mut Members, name: &str, value: impl FnOnce() -> String) {
            if !members.contains_key(name) {
                members.insert(name.to_owned(), text(&value()));
            }
        }
        let new_key = |event: RawJson, event_id: Option<&RawJson>| {
            let event_id = event_id.and_then(|id| id.decode::<String>().ok());
            let (Some(pointer), Some(event_id)) = (self.new_key, event_id) else {
                return event;
            };
            with_key(&event, pointer, &event_id).unwrap_or(event)
        };
        let json = match self.form {
            Form::Verbatim(text) => return Written::new(text),
            Form::V2 { mut header, event } => {
                or_insert(&mut header, "event_id", || random.hex(16));
                let event = new_key(event, header.get("event_id"));
                or_insert(&mut header, "create_time", || clock.millis().to_string());
                or_insert(&mut header, "token", || app.token.clone());
                or_insert(&mut header, "app_id", || app.id.clone());
                or_insert(&mut header, "tenant_key", || "2ca1d211f64f6438".to_owned());
                #[derive(Serialize)]
                struct V2 {
                    schema: &'static str,
                    header: Members,
                    event: RawJson,
                }
                RawJson::encode(&V2 {
                    schema: "2.0",
                    header,
                    event,
                })
            }
            Form::V1 {
                mut outer,
                mut event,
            } => {
                or_insert(&mut outer, "uuid", || random.hex(16));
                or_insert(&mut outer, "token", || app.token.clone());
                or_insert(&mut outer, "ts", || {
                    let since = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    format!("{:.7}", since.as_secs_f64())
                });
                or_insert(&mut event, "app_id", || app.id.clone());
                let event = RawJson::encode(&event).expect("JSON values can be written");
                let event = new_key(event, outer.get("uuid"));
                #[derive(Serialize)]
                struct V1 {
                    #[serde(flatten)]
                    outer: Members,
                    r#type: &'static str,
                    event: RawJson,
                }
                RawJson::encode(&V1 {
                    outer,
                    r#type: "event_callback",
                    event,
                })
            }
        };
        let json = json.expect("JSON values and strings can be written");
        Written::new(Bytes::copy_from_slice(json.as_bytes()))
    }
}

fn text(value: &str) -> RawJson {
    RawJson::encode(&value).expect("strings can be written")
}

#[track_caller]
fn v1_members(body: &RawJson) -> Members {
    members(body.as_str()).expect("a body of version 1 is an object")
}

fn members(json: &str) -> Option<Members> {
    serde_json::from_str(json).ok()
}
