//! One delivery in a recording.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lark_events::error::EncodeError;
use lark_events::{DecodeError, Delivery, RawJson, Transport};
use serde::{Deserialize, Serialize};

use super::format::{Line, line};

/// The kind of lines that are entries.
pub(super) const KIND: &str = "delivery";
/// The short members of an entry.
const ENTRY_BYTES: usize = 512;

/// One attempt to deliver an event or callback, and its outcome: one line of a recording.
///
/// Times are Unix milliseconds, and durations milliseconds. A member without a value is omitted. Readers ignore
/// unknown members.
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
///
/// use lark_events::{Delivery, Transport};
/// use lark_events_layers::record::Entry;
///
/// let document = r#"{"schema":"2.0","header":{"event_type":"tea.ready_v1"},"event":{}}"#;
/// let at = UNIX_EPOCH + Duration::from_millis(1_764_500_000_000);
/// let delivery = Delivery::parse_unauthenticated(document, Transport::Webhook, at)?;
/// let entry = Entry::of(&delivery).with_outcome("handled", Duration::from_millis(2));
/// assert_eq!(
///     entry.to_line()?,
///     format!(
///         r#"{{"kind":"delivery","at":1764500000000,"transport":"webhook","document":{document},"outcome":"handled","took":2.0}}"#
///     )
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// When the event arrived or was sent, in Unix milliseconds.
    pub at: u64,
    /// How it was delivered: `webhook`, `long_connection` or `local`.
    pub transport: String,
    /// The decrypted document; `None` if it is not JSON. It has no Verification Token, unless the recorder keeps
    /// secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<RawJson>,
    /// The outcome: one of those of `MetricsLayer`, such as `handled` or `failed`. For a webhook that another
    /// program serves, it is `answered` or `unanswered`.
    pub outcome: String,
    /// The error of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The reply to a callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<RawJson>,
    /// The time until the outcome, in milliseconds.
    pub took: f64,
    /// The request of a webhook, if it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RecordedRequest>,
    /// The response to that request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<RecordedResponse>,
}

/// A request to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body as sent; `None` if it is not encrypted, because it would contain the Verification Token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The response of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Entry {
    /// Creates an entry for an attempt at `at` by a transport, without an outcome.
    #[must_use]
    pub fn new(at: SystemTime, transport: Transport) -> Self {
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            at: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            transport: transport.as_str().to_owned(),
            document: None,
            outcome: String::new(),
            error: None,
            reply: None,
            took: 0.0,
            request: None,
            response: None,
        }
    }

    /// Creates an entry for a delivery, without an outcome and without the Verification Token.
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        let document = RawJson::parse(delivery.to_document()).ok();
        Self {
            document,
            ..Self::new(delivery.received_at, delivery.transport)
        }
    }

    /// Sets the outcome, and the time until then.
    #[must_use]
    pub fn with_outcome(mut self, outcome: impl Into<String>, took: Duration) -> Self {
        self.outcome = outcome.into();
        self.took = took.as_secs_f64() * 1e3;
        self
    }

    /// When the event arrived or was sent.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        let since_epoch = Duration::from_millis(self.at);
        UNIX_EPOCH.checked_add(since_epoch).unwrap_or(UNIX_EPOCH)
    }

    /// The event with its envelope, as if it had just arrived.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] if there is no document, or if it is not an event.
    pub fn delivery(&self) -> Result<Delivery, DecodeError> {
        let transport = Transport::from_name(&self.transport).unwrap_or(Transport::Local);
        let document = self.document.clone().unwrap_or_default();
        Delivery::parse_unauthenticated(document.into_bytes(), transport, self.time())
    }

    /// Writes the entry as one line, without a line break at its end.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] if a number is not finite.
    pub fn to_line(&self) -> Result<String, EncodeError> {
        line(&Line {
            kind: KIND,
            content: self,
        })
    }

    /// About the bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let json = |json: &Option<RawJson>| json.as_ref().map_or(0, |json| json.as_bytes().len());
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let headers = |headers: &[(String, String)]| {
            let pair = size_of::<(String, String)>();
            let lengths = headers.iter().map(|(name, value)| {
                let texts = name.len().saturating_add(value.len());
                texts.saturating_add(pair)
            });
            lengths.fold(0, usize::saturating_add)
        };
        let (request, response) = (self.request.as_ref(), self.response.as_ref());
        [
            json(&self.document),
            json(&self.reply),
            text(&self.error),
            request.map_or(0, |request| request.url.len()),
            request.map_or(0, |request| headers(&request.headers)),
            request.map_or(0, |request| text(&request.body)),
            response.map_or(0, |response| headers(&response.headers)),
            response.map_or(0, |response| response.body.len()),
        ]
        .into_iter()
        .fold(ENTRY_BYTES, usize::saturating_add)
    }
}

impl RecordedRequest {
    /// A request whose body is not recorded.
    #[must_use]
    pub fn new(url: impl Into<String>, headers: Vec<(String, String)>) -> Self {
        Self {
            url: url.into(),
            headers,
            body: None,
        }
    }

    /// Sets the body as sent.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }
}

impl RecordedResponse {
    /// A response.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(String, String)>, body: impl Into<String>) -> Self {
        Self {
            status,
            headers,
            body: body.into(),
        }
    }
}
