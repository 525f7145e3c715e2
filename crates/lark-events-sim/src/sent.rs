//! The content of an attempt, as a tool shows it: the request to a webhook, or the message on a long connection.

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;

use crate::omitted::Names;

/// The request or message of an attempt. An event that is lost on its way ([`Fault::LoseEvent`](crate::Fault::LoseEvent),
/// [`Fault::HalfOpen`](crate::Fault::HalfOpen)) has it too: the platform sent it, and the app did not
/// receive it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// A request to a webhook.
    #[non_exhaustive]
    Request {
        /// The URL of the webhook; the path of a
        /// [service in this process](crate::PlatformBuilder::webhook_service).
        url: String,
        /// All headers. A service in this process gets no `Host` and no `Content-Length`.
        headers: HeaderMap,
        /// The body, encrypted if there is an Encrypt Key. [`Push::document`](crate::Push::document) is the
        /// plain document.
        body: Bytes,
    },
    /// A message on a long connection.
    #[non_exhaustive]
    Message {
        /// The connection, by the `device_id` of its URL.
        connection: String,
        /// The id of the message. Each attempt is a new message.
        message_id: String,
        /// The number of fragments into which the document is split, without the effect of faults.
        fragments: usize,
    },
}

/// Omits the body, and the values of headers: without an Encrypt Key, the body contains the Verification Token.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { url, headers, body } => f
                .debug_struct("Request")
                .field("url", url)
                .field("headers", &Names(headers))
                .field("body_bytes", &body.len())
                .finish(),
            Self::Message {
                connection,
                message_id,
                fragments,
            } => f
                .debug_struct("Message")
                .field("connection", connection)
                .field("message_id", message_id)
                .field("fragments", fragments)
                .finish(),
        }
    }
}
