//! Why a request was refused. The sender learns no more than a status; the reason is for our log.

use std::fmt;

use http::StatusCode;

/// A refused request.
///
/// Everything that has to do with authentication has one and the same [`status`](Self::status), so
/// that a sender who cannot sign learns nothing from how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind) -> Self {
        Self { kind }
    }

    /// Why it was refused, for logs and metrics on our side. Never answer it to the sender.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// 401 for every failure of authentication, 413 for a body beyond the limit, 400 for a document
    /// that is authentic but malformed.
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
            RejectionKind::SignatureHeaders => "the signature headers are not well-formed",
            RejectionKind::Signature => "the signature does not match",
            RejectionKind::Timestamp => "the signature's timestamp is outside the window",
            RejectionKind::Unsigned => "unsigned, and no URL check that is answered",
            RejectionKind::Token => "the verification token does not match",
            RejectionKind::UnknownApp => "the path names no app that is known",
            RejectionKind::ForeignApp => "the delivery is for another app",
            RejectionKind::Malformed => "authentic but malformed",
            RejectionKind::TooLarge => "the body is larger than the limit",
        })
    }
}

impl std::error::Error for Rejection {}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Some signature headers are there, but not all three, once each and well-formed.
    SignatureHeaders,
    /// No Encrypt Key gives this signature over the body.
    Signature,
    /// The signature is right and its timestamp too old or too far ahead.
    Timestamp,
    /// The request has no signature, and is no URL check that is answered.
    Unsigned,
    /// The Verification Token in the document is missing or not ours.
    Token,
    /// The path of the request ends with no app of [`Webhooks::by_path`](crate::Webhooks::by_path).
    UnknownApp,
    /// The secrets are those of one app, and the document names another.
    ForeignApp,
    /// The sender is authentic, the document is not one of the platform's.
    Malformed,
    /// The body exceeds the limit.
    TooLarge,
}

impl RejectionKind {
    /// Whether the request had the app's secrets, so that something is the matter with the app, its clock
    /// or its settings rather than with who sent it.
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
