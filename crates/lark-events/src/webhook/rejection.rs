//! Why a request was rejected. The sender only learns the status; the reason is for logs.

use std::fmt;

use http::StatusCode;

/// A rejected request.
///
/// All authentication failures have the same [`status`](Self::status), so that a sender without the
/// secrets learns nothing from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind) -> Self {
        Self { kind }
    }

    /// The reason of the rejection, for your own logs and metrics. Never send it to the client.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status to answer: 401 for every authentication failure, 413 for a body beyond the limit, 400
    /// for an authentic but malformed document.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            RejectionKind::Malformed => StatusCode::BAD_REQUEST,
            RejectionKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RejectionKind::SignatureHeaders => "the signature headers are incomplete or malformed",
            RejectionKind::Signature => "the signature does not match",
            RejectionKind::Timestamp => "the signature's timestamp is outside the window",
            RejectionKind::Unsigned => "the request is unsigned and not an accepted URL check",
            RejectionKind::Token => "the verification token does not match",
            RejectionKind::UnknownApp => "the path does not end with a known app id",
            RejectionKind::ForeignApp => "the delivery is for another app",
            RejectionKind::Malformed => "the request is authentic, but its document is malformed",
            RejectionKind::TooLarge => "the body is larger than the limit",
        })
    }
}

impl std::error::Error for Rejection {}

/// The reason of a [`Rejection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Some signature headers are present, but not all three, once each and well-formed.
    SignatureHeaders,
    /// The signature does not match the body under any Encrypt Key.
    Signature,
    /// The signature matches, but its timestamp is too old or too far ahead.
    Timestamp,
    /// The request is unsigned and not an accepted URL check.
    Unsigned,
    /// The Verification Token in the document is missing or does not match.
    Token,
    /// The path of the request does not end with the id of an app of
    /// [`Webhooks::by_path`](crate::Webhooks::by_path).
    UnknownApp,
    /// The secrets belong to one app, but the document names another.
    ForeignApp,
    /// The sender is authentic, but the document is not one of the platform's.
    Malformed,
    /// The body exceeds the limit.
    TooLarge,
}

impl RejectionKind {
    /// All reasons, for example to begin a count of each at 0.
    pub const ALL: &'static [Self] = &[
        Self::SignatureHeaders,
        Self::Signature,
        Self::Timestamp,
        Self::Unsigned,
        Self::Token,
        Self::UnknownApp,
        Self::ForeignApp,
        Self::Malformed,
        Self::TooLarge,
    ];

    /// Whether the sender had the app's secrets, so that the cause is the app, its clock or its
    /// settings rather than the sender.
    #[must_use]
    pub fn is_authentic(self) -> bool {
        matches!(self, Self::Timestamp | Self::ForeignApp | Self::Malformed)
    }

    /// The name used in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignatureHeaders => "signature_headers",
            Self::Signature => "signature",
            Self::Timestamp => "timestamp",
            Self::Unsigned => "unsigned",
            Self::Token => "token",
            Self::UnknownApp => "unknown_app",
            Self::ForeignApp => "foreign_app",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
        }
    }
}
