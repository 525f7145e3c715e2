//! What a handler is given: a typed body with the header that came with it, and the trait that ties
//! a body type to its event type.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::DecodeError;
use crate::info::EventInfo;
use crate::raw_json::RawJson;
use crate::unread::unread;

/// A body type and the event type it belongs to.
///
/// Generated crates implement it for the platform's catalogue. For an event that none of them has,
/// a type of your own and three lines do the same:
///
/// ```
/// use lark_events::{Dispatcher, Event, EventType};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct TeaReadyV1 {
///     kind: String,
/// }
///
/// impl EventType for TeaReadyV1 {
///     const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
///     type Reply = ();
/// }
///
/// async fn on_tea(event: Event<TeaReadyV1>) {
///     println!("{} is ready in {}", event.body.kind, event.header.tenant_key);
/// }
///
/// let dispatcher = Dispatcher::builder().on::<TeaReadyV1>(on_tea).build()?;
/// # use lark_events::{Delivery, EventHeader, Outcome, RawJson};
/// # use tower::{Service, ServiceExt};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let raw = RawJson::parse(r#"{"kind":"oolong"}"#)?;
/// # let delivery = Delivery::new(EventHeader::new("kitchen.tea.ready_v1"), raw);
/// # assert!(matches!(dispatcher.oneshot(delivery).await?, Outcome::Handled));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub trait EventType: DeserializeOwned + Serialize + Send + 'static {
    /// The platform's name of the event, such as `vc.reserve_config.updated_v1`.
    const EVENT_TYPE: &'static str;

    /// What the platform documents of the event. [`EventInfo::of`] gives it with the way into the type.
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE);

    /// What a handler answers: `()` for notifications, the documented body for callbacks.
    type Reply: Serialize + Send + 'static;
}

/// An event as its handler receives it.
///
/// Build one in a test of your handler with [`Event::new`]:
///
/// ```
/// use lark_events::callback::CardActionTrigger;
/// use lark_events::{Event, EventHeader};
///
/// let event = Event::new(
///     EventHeader::new("card.action.trigger"),
///     CardActionTrigger::default(),
/// );
/// assert_eq!(event.raw().as_str(), "{}");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event<E> {
    /// Who sent what, and when.
    pub header: EventHeader,
    /// The event itself.
    pub body: E,
    raw: RawJson,
}

impl<E> Event<E> {
    /// Makes an event; its raw text is the body's own serialisation.
    ///
    /// # Panics
    ///
    /// When the body's `Serialize` fails, as it does for a map whose keys are not strings.
    pub fn new(header: EventHeader, body: E) -> Self
    where
        E: Serialize,
    {
        let raw = RawJson::encode(&body).expect("the body serialises as JSON");
        Self { header, body, raw }
    }

    /// The body as it was received: a slice of the received bytes, not a copy.
    #[must_use]
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// What of the received body is not in [`body`](Self::body): fields that the type does not know,
    /// and values that it could not take. Each is a JSON pointer (RFC 6901) into
    /// [`raw`](Self::raw), in the order of the text.
    ///
    /// It is worked out when asked, by writing the body as JSON again and comparing; a body whose
    /// `Serialize` fails counts as unread altogether. A number and its text are the same, so are
    /// a boolean and 0 or 1, and a null is nothing lost. An object or list that was not taken is
    /// listed itself, without what it holds. Lists are compared in order, without the elements that
    /// were left out. A number is only the same with all its digits. The time it takes grows with
    /// the length of the text times the depth of its nesting; the paths take a mebibyte at most, as
    /// past that an object or list is listed in the stead of what it holds.
    ///
    /// ```
    /// use lark_events::callback::UrlPreviewGet;
    /// use lark_events::{Event, EventHeader, RawJson};
    ///
    /// let raw = RawJson::parse(
    ///     r#"{"host": 7, "context": {"url": ["odd"], "a/b": 1}, "operator": null, "host2": "x"}"#,
    /// )?;
    /// let event = Event::new(EventHeader::new("url.preview.get"), raw).typed::<UrlPreviewGet>()?;
    /// assert_eq!(event.body.host.as_deref(), Some("7"));
    /// assert_eq!(event.unread(), ["/context/url", "/context/a~1b", "/host2"]);
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    #[must_use]
    pub fn unread(&self) -> Vec<String>
    where
        E: Serialize,
    {
        match RawJson::encode(&self.body) {
            Ok(typed) => unread(&self.raw, &typed, self.header.schema),
            Err(_) => vec![String::new()],
        }
    }
}

impl<E: DeserializeOwned> Event<E> {
    /// Decodes the body straight into its type.
    pub(crate) fn decode(header: EventHeader, raw: RawJson) -> Result<Self, DecodeError> {
        let body = raw.decode_leniently()?;
        Ok(Self { header, body, raw })
    }
}

impl Event<RawJson> {
    pub(crate) fn undecoded(header: EventHeader, raw: RawJson) -> Self {
        let body = raw.clone();
        Self { header, body, raw }
    }

    /// Decodes the received body into a type, as the dispatcher does for a handler of that type.
    ///
    /// ```
    /// use lark_events::callback::UrlPreviewGet;
    /// use lark_events::{Dispatcher, EventType};
    ///
    /// let dispatcher = Dispatcher::builder()
    ///     .fallback(|event| async move {
    ///         if event.header.event_type == UrlPreviewGet::EVENT_TYPE {
    ///             println!("{:?}", event.typed::<UrlPreviewGet>()?.body.host);
    ///         }
    ///         Ok::<(), lark_events::DecodeError>(())
    ///     })
    ///     .build()?;
    /// # Ok::<(), lark_events::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the type does not take the body.
    pub fn typed<E: EventType>(self) -> Result<Event<E>, DecodeError> {
        Event::decode(self.header, self.raw)
    }
}

/// The header of an event, the same for both envelope versions. A field that the platform did not
/// send is an empty string.
///
/// The Verification Token, which the platform puts beside these, has done its work by the time an
/// event has a header and is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventHeader {
    /// The version of the envelope that the event came in.
    pub schema: Schema,
    /// Identifies the event; a redelivery has the same (version 1: `uuid`).
    pub event_id: String,
    /// Such as `vc.reserve_config.updated_v1`.
    pub event_type: String,
    /// When the event happened, as sent (version 1: `ts`). Its unit differs from event to event;
    /// [`created_at`](Self::created_at) reads them all.
    pub create_time: String,
    /// The app that the event is for.
    pub app_id: String,
    /// The tenant that it happened in.
    pub tenant_key: String,
    pub(crate) extras: Vec<(String, RawJson)>,
}

impl EventHeader {
    /// A version 2 header with nothing but its event type, for tests of handlers: set the other
    /// fields as needed.
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            schema: Schema::V2,
            event_id: String::new(),
            event_type: event_type.into(),
            create_time: String::new(),
            app_id: String::new(),
            tenant_key: String::new(),
            extras: Vec::new(),
        }
    }

    /// A header field beyond the common ones. The drive events have `resource_id` and `user_list`.
    ///
    /// ```
    /// use lark_events::{EventHeader, RawJson};
    ///
    /// let header = EventHeader::new("drive.file.edit_v1")
    ///     .with_extra("resource_id", RawJson::parse("\"doccn1\"")?);
    /// let id: Option<String> = header.extra("resource_id").map(RawJson::decode).transpose()?;
    /// assert_eq!(id.as_deref(), Some("doccn1"));
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&RawJson> {
        let mut extras = self.extras.iter();
        extras.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All header fields beyond the common ones, in the order they came in.
    pub fn extras(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.extras
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Adds a header field beyond the common ones, for tests of handlers.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: RawJson) -> Self {
        self.extras.push((name.into(), value));
        self
    }

    /// [`create_time`](Self::create_time) as a point in time. Seconds (with a fraction in version
    /// 1), milliseconds and microseconds are told apart by magnitude: each unit is taken for dates
    /// up to the year 5138.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use lark_events::EventHeader;
    ///
    /// let mut header = EventHeader::new("vc.reserve_config.updated_v1");
    /// for same in ["1608725989", "1608725989.0", "1608725989000", "1608725989000000"] {
    ///     header.create_time = same.to_owned();
    ///     let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_608_725_989);
    ///     assert_eq!(header.created_at(), Some(expected));
    /// }
    /// ```
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        parse_time(&self.create_time)
    }
}

/// The version of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Schema {
    /// `{"uuid", "ts", "token", "type": "event_callback", "event"}`.
    V1,
    /// `{"schema": "2.0", "header", "event"}`.
    V2,
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        })
    }
}

/// Reads a platform timestamp, whose unit is told by its magnitude: below 10¹¹ seconds, below 10¹⁴
/// milliseconds, below 10¹⁷ microseconds. Seconds may have a fraction.
pub(crate) fn parse_time(text: &str) -> Option<SystemTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let since_epoch = match whole {
        0..100_000_000_000 => {
            Duration::from_secs(whole).saturating_add(fraction_of_second(fraction))
        }
        100_000_000_000..100_000_000_000_000 => Duration::from_millis(whole),
        100_000_000_000_000..100_000_000_000_000_000 => Duration::from_micros(whole),
        _ => return None,
    };
    UNIX_EPOCH.checked_add(since_epoch)
}

/// The digits after a decimal point, of which the first nine count.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "nine digits, and nothing but digits, are less than a second"
)]
fn fraction_of_second(digits: &str) -> Duration {
    let nanos = digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |nanos, digit| nanos * 10 + u64::from(digit - b'0'));
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u128> {
        let time = parse_time(text)?.duration_since(UNIX_EPOCH).unwrap();
        Some(time.as_nanos())
    }

    #[test]
    fn the_unit_is_told_by_magnitude() {
        for (text, expected) in [
            ("0", 0),
            ("1502199207.7171419", 1_502_199_207_717_141_900),
            ("1502199207.1234567899", 1_502_199_207_123_456_789),
            ("99999999999", 99_999_999_999_000_000_000),
            ("100000000000", 100_000_000_000_000_000),
            ("1608725989123", 1_608_725_989_123_000_000),
            ("99999999999999", 99_999_999_999_999_000_000),
            ("100000000000000", 100_000_000_000_000_000),
            ("1603977298000001", 1_603_977_298_000_001_000),
            ("99999999999999999", 99_999_999_999_999_999_000),
        ] {
            assert_eq!(nanos(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_none() {
        for odd in [
            "",
            ".5",
            "-1",
            "+1",
            "1e9",
            "12 ",
            "1.x",
            "１",
            "100000000000000000",
            "18446744073709551616",
        ] {
            assert_eq!(parse_time(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn an_extra_is_found_by_its_whole_name() {
        let value = |json: &'static str| RawJson::parse(json).unwrap();
        let header = EventHeader::new("x")
            .with_extra("a", value("1"))
            .with_extra("ab", value("2"));
        assert_eq!(header.extra("ab"), Some(&value("2")));
        assert_eq!(header.extra("b"), None);
        let names: Vec<_> = header.extras().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "ab"]);
    }

    #[test]
    fn schemas_print_as_the_platform_writes_them() {
        assert_eq!(Schema::V1.to_string(), "1.0");
        assert_eq!(Schema::V2.to_string(), "2.0");
    }
}
