//! What to push: an event or callback in its envelope, as a webhook's body has it before it is
//! sealed.

mod parse;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::error::EncodeError;
use lark_events::event::{KnownEvent, Schema, duplicate_key};
use lark_events::{Delivery, EventInfo, EventType, RawJson, Transport};
use serde::Serialize;

pub use self::parse::{ParseDocumentError, ParseDocumentErrorKind};
use crate::clock::Clock;
use crate::random::Random;
use crate::shared::App;

/// The members of a JSON object, their values to the last digit.
type Members = BTreeMap<String, RawJson>;

/// A document to push: what is not set in its header is made up when it is pushed, by the app that
/// it goes to.
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
/// // A document of your own, such as one from a log:
/// let parsed = Document::parse(r#"{"header":{"event_type":"kitchen.tea.ready_v1"},"event":[]}"#)?;
/// // Any body, in either envelope:
/// let any = Document::v2("kitchen.tea.ready_v1", &["green", "black"])?;
/// let old = Document::v1("message_read", &serde_json::json!({"open_id": "ou_1"}))?;
/// // Text, pushed as it is, whatever it is:
/// let verbatim = Document::from("{");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a document does nothing until it is pushed"]
pub struct Document {
    form: Form,
    /// The place in the body of a key that is new in every push.
    new_key: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Form {
    Verbatim(Bytes),
    V2 { header: Members, event: RawJson },
    V1 { outer: Members, event: Members },
}

impl Document {
    /// The documented sample, as a new event: [`like`](Self::like) it. An event without a sample gets an
    /// empty body.
    pub fn sample<E: EventType>() -> Self {
        Self::sampled(&E::INFO, E::SAMPLE)
    }

    /// [`sample`](Self::sample) of an event that is known by its name alone.
    pub fn sample_of(event: &KnownEvent) -> Self {
        Self::sampled(event.info, event.sample)
    }

    fn sampled(info: &EventInfo, sample: Option<&'static str>) -> Self {
        match sample {
            Some(sample) => Self::like(Bytes::from_static(sample.as_bytes())),
            None => Self::in_envelope(info.schema, info.event_type, RawJson::default()),
        }
    }

    /// [`parse`](Self::parse), but what is no document in an envelope is pushed as it is.
    pub fn like(document: impl Into<Bytes>) -> Self {
        let document = document.into();
        match Self::parse(document.clone()) {
            Ok(parsed) => parsed,
            Err(_) => Form::Verbatim(document).into(),
        }
    }

    /// Keeps the key of duplicates in the body as it is: all pushes of the document are one event to an
    /// app that goes by the key, under whatever event ids.
    pub fn keep_duplicate_key(mut self) -> Self {
        self.new_key = None;
        self
    }

    /// Has the key of duplicates in the body made up in each push, as [`parse`](Self::parse) has it,
    /// where duplicates of the event have another key than its id.
    pub fn new_duplicate_key(mut self) -> Self {
        self.new_key = self.event_type().as_deref().and_then(duplicate_key);
        self
    }

    /// The event type; `None` where the document is pushed as it is.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        let event_type = match &self.form {
            Form::Verbatim(_) => None,
            Form::V2 { header, .. } => header.get("event_type"),
            Form::V1 { event, .. } => event.get("type"),
        };
        event_type?.decode().ok()
    }

    /// The body, in version 1 with the members that the envelope keeps there; `None` where the
    /// document is pushed as it is.
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
    /// When the body is one of version 1 and no object, and as [`header`](Self::header).
    #[track_caller]
    pub fn with_body(mut self, body: RawJson) -> Self {
        match &mut self.form {
            Form::Verbatim(_) => panic!("the body is set of a document that is pushed as it is"),
            Form::V2 { event, .. } => *event = body,
            Form::V1 { event, .. } => *event = v1_members(&body),
        }
        self
    }

    /// An event with a body of its type, in the envelope that it comes in.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the body cannot be written as JSON.
    ///
    /// # Panics
    ///
    /// When it comes in an envelope of version 1 and is no object.
    #[track_caller]
    pub fn of<E: EventType + Serialize>(body: &E) -> Result<Self, EncodeError> {
        let body = RawJson::encode(body)?;
        Ok(Self::in_envelope(E::INFO.schema, E::EVENT_TYPE, body))
    }

    /// An event or callback in an envelope of version 2.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the body cannot be written as JSON.
    pub fn v2(event_type: &str, body: &impl Serialize) -> Result<Self, EncodeError> {
        let body = RawJson::encode(body)?;
        Ok(Self::in_envelope(Schema::V2, event_type, body))
    }

    /// An event in an envelope of version 1, which takes the members of `body` into its own `event`,
    /// but for a `type`, which is the event's.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the body cannot be written as JSON.
    ///
    /// # Panics
    ///
    /// When the body is no object.
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

    /// Sets the id by which receivers tell duplicates: `event_id`, in version 1 `uuid`.
    ///
    /// # Panics
    ///
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn event_id(self, id: &str) -> Self {
        self.set("event_id", Some("uuid"), id)
    }

    /// Sets the tenant whose event it is; in version 1 inside of `event`.
    ///
    /// # Panics
    ///
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn tenant_key(self, key: &str) -> Self {
        self.set("tenant_key", None, key)
    }

    /// Sets when it happened, in the unit that the event is documented with; in version 1 `ts`.
    ///
    /// # Panics
    ///
    /// As [`header`](Self::header).
    #[track_caller]
    pub fn create_time(self, time: &str) -> Self {
        self.set("create_time", Some("ts"), time)
    }

    /// Sets a member of the header, as a string: `token`, `app_id` or one that a domain adds. In
    /// version 1 it is a member of `event`, but for the `token`.
    ///
    /// # Panics
    ///
    /// When the document is pushed as it is: what it says is in its text already.
    #[track_caller]
    pub fn header(self, name: &str, value: &str) -> Self {
        let outer = (name == "token").then_some(name);
        self.set(name, outer, value)
    }

    /// Sets `name` in the header of version 2, `outer` outside of the event of version 1 or else
    /// `name` in there.
    #[track_caller]
    fn set(mut self, name: &str, outer: Option<&str>, value: &str) -> Self {
        let (members, name) = match (&mut self.form, outer) {
            (Form::V2 { header, .. }, _) => (header, name),
            (Form::V1 { outer, .. }, Some(name)) => (outer, name),
            (Form::V1 { event, .. }, None) => (event, name),
            (Form::Verbatim(_), _) => panic!("{name} is set of a document that is pushed as it is"),
        };
        members.insert(name.to_owned(), text(value));
        self
    }

    /// Writes the document for an app, with what is missing made up.
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

/// A document as it is pushed.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) json: Bytes,
    /// Of its header, as far as it can be read.
    pub(crate) event_id: String,
    pub(crate) event_type: String,
}

impl Written {
    fn new(json: Bytes) -> Self {
        let read = Delivery::parse_unauthenticated(json.clone(), Transport::Local, UNIX_EPOCH);
        let (event_id, event_type) = read.map_or_else(
            |_| <(String, String)>::default(),
            |read| {
                (
                    read.header.event_id.unwrap_or_default(),
                    read.header.event_type,
                )
            },
        );
        Self {
            json,
            event_id,
            event_type,
        }
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

/// A body with a key made of the event's id; `None` where the body has no key.
fn with_key(body: &RawJson, pointer: &str, event_id: &str) -> Option<RawJson> {
    fn set(json: &RawJson, names: &[&str], event_id: &str) -> Option<RawJson> {
        let Some((name, names)) = names.split_first() else {
            return key(json, event_id);
        };
        let mut members = members(json.as_str())?;
        let member = set(members.get(*name)?, names, event_id)?;
        members.insert((*name).to_owned(), member);
        RawJson::encode(&members).ok()
    }
    let names: Vec<_> = pointer.split('/').skip(1).collect();
    set(body, &names, event_id)
}

/// A key in the form of `old`: the prefix of an id such as `om_1` is kept, and a number stays one.
fn key(old: &RawJson, event_id: &str) -> Option<RawJson> {
    /// With a 1 before it, a number that a double holds exactly.
    const DIGITS: u64 = 100_000_000_000_000;
    let number = || {
        let mut hash = DefaultHasher::new();
        event_id.hash(&mut hash);
        DIGITS + hash.finish() % DIGITS
    };
    let Ok(old) = old.decode::<String>() else {
        old.decode::<serde_json::Number>().ok()?;
        return RawJson::encode(&number()).ok();
    };
    Some(match old.rsplit_once('_') {
        Some((prefix, _)) => text(&format!("{prefix}_{event_id}")),
        None if old.parse::<u64>().is_ok() => text(&number().to_string()),
        None => text(event_id),
    })
}

impl From<Form> for Document {
    fn from(form: Form) -> Self {
        let new_key = None;
        Self { form, new_key }
    }
}

/// Pushed as it is.
impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Bytes::copy_from_slice(text.as_bytes()).into()
    }
}

/// Pushed as it is.
impl From<String> for Document {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

/// Pushed as it is.
impl From<Bytes> for Document {
    fn from(bytes: Bytes) -> Self {
        Form::Verbatim(bytes).into()
    }
}

/// Pushed as it is.
impl From<serde_json::Value> for Document {
    fn from(json: serde_json::Value) -> Self {
        json.to_string().into()
    }
}
