//! Why a request was refused. The sender learns no more than a status; the reason is for our log.

use std::fmt;

use http::StatusCode;

/// A refused request.
///
/// Everything that has to do with authentication has one and the same [`status`](Self::status), so
/// that a sender who cannot sign learns nothing from how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    reason: RejectionReason,
}

impl Rejection {
    pub(crate) fn new(reason: RejectionReason) -> Self {
        Self { reason }
    }

    /// The reason, for logs and metrics on our side. Never answer it to the sender.
    #[must_use]
    pub fn reason(&self) -> RejectionReason {
        self.reason
    }

    /// 401 for every failure of authentication, 413 for a body beyond the limit, 400 for a document
    /// that is authentic but malformed.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.reason {
            RejectionReason::Malformed => StatusCode::BAD_REQUEST,
            RejectionReason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RejectionReason::SignatureHeaders => "the signature headers are not well-formed",
            RejectionReason::Signature => "the signature does not match",
            RejectionReason::Timestamp => "the signature's timestamp is outside the window",
            RejectionReason::Unsigned => "unsigned, and no URL check that is answered",
            RejectionReason::Token => "the verification token does not match",
            RejectionReason::UnknownApp => "the path names no app that is known",
            RejectionReason::ForeignApp => "the delivery is for another app",
            RejectionReason::Malformed => "authentic but malformed",
            RejectionReason::TooLarge => "the body is larger than the limit",
        })
    }
}

impl std::error::Error for Rejection {}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionReason {
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

impl RejectionReason {
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
