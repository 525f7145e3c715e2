//! Texts that are pushed unchanged, and documents in `Debug` output, which omits them.

use std::fmt;

use bytes::Bytes;

use super::{Document, Form};

impl From<Form> for Document {
    fn from(form: Form) -> Self {
        let new_key = None;
        Self { form, new_key }
    }
}

/// Pushed unchanged.
impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Bytes::copy_from_slice(text.as_bytes()).into()
    }
}

/// Pushed unchanged.
impl From<String> for Document {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

/// Pushed unchanged.
impl From<Bytes> for Document {
    fn from(bytes: Bytes) -> Self {
        Form::Verbatim(bytes).into()
    }
}

/// Pushed unchanged.
impl From<serde_json::Value> for Document {
    fn from(json: serde_json::Value) -> Self {
        json.to_string().into()
    }
}

/// Omits the text, which can contain the Verification Token; so do the values of members.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verbatim(text) => write!(f, "Verbatim({} bytes)", text.len()),
            Self::V2 { header, event } => f
                .debug_struct("V2")
                .field("header", header)
                .field("event", event)
                .finish(),
            Self::V1 { outer, event } => f
                .debug_struct("V1")
                .field("outer", outer)
                .field("event", event)
                .finish(),
        }
    }
}
