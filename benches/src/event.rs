//! The measured event: the documented sample, encrypted and signed, unchanged or with enough users
//! for a certain size.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{EncryptKey, EventType as _, Webhook};
use serde_json::{Value, json};
use vc_events::ReserveConfigUpdatedV1;

/// The Encrypt Key of the app.
pub const ENCRYPT_KEY: &str = "kudryavka";
/// The Verification Token of the app: that of the documented sample.
pub const VERIFICATION_TOKEN: &str = "rvaYgkND1GOiu5MM0E1rncYC6PLtF7JV";

const NONCE: &str = "1608725989";
const IV: [u8; 16] = *b"0123456789abcdef";

/// How large an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The documented sample, about 1 KB.
    Sample,
    /// 64 KiB, most of it in a list of users.
    Kb64,
    /// 1 MiB, most of it in a list of users.
    Mb1,
}

impl Size {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sample, Self::Kb64, Self::Mb1];

    /// What it is called in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sample => "1KB",
            Self::Kb64 => "64KB",
            Self::Mb1 => "1MB",
        }
    }

    /// The size of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }

    fn bytes(self) -> usize {
        match self {
            Self::Sample => 0,
            Self::Kb64 => 64 * 1024,
            Self::Mb1 => 1024 * 1024,
        }
    }
}

/// The plain document of an event with this id, in no more bytes than it needs.
#[must_use]
pub fn document(event_id: &str, size: Size) -> String {
    let sample = ReserveConfigUpdatedV1::SAMPLE.expect("a documented sample");
    let mut document: Value = serde_json::from_str(sample).expect("a sample is JSON");
    document["header"]["event_id"] = event_id.into();
    let missing = size.bytes().saturating_sub(document.to_string().len());
    let users = document["event"]["reserve_scope_config"]["allow_users"].as_array_mut();
    let users = users.expect("a list of users");
    let each = users[0].to_string().len() + 1;
    for user in 0..missing / each {
        users.push(json!({"user_id": {
            "union_id": format!("on_{user:030x}"),
            "user_id": format!("{user:08x}"),
            "open_id": format!("ou_{user:031x}"),
        }}));
    }
    document.to_string()
}

/// The webhook of the app.
///
/// # Panics
///
/// Panics if the builder rejects the secrets.
#[must_use]
pub fn webhook() -> Webhook {
    let webhook = Webhook::builder()
        .encrypt_key(ENCRYPT_KEY)
        .verification_token(VERIFICATION_TOKEN);
    webhook.build().expect("a webhook with its secrets")
}

/// What the platform posts.
#[derive(Debug, Clone)]
pub struct Post {
    /// The headers that sign it, where it is signed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Post {
    /// An unencrypted document, for an app without an Encrypt Key.
    #[must_use]
    pub fn plain(document: &str) -> Self {
        Self {
            headers: HeaderMap::new(),
            body: document.to_owned().into(),
        }
    }

    /// Encrypts a document, and signs it with the current time.
    ///
    /// # Panics
    ///
    /// Panics if the clock is before 1970.
    #[must_use]
    pub fn encrypted(document: &str) -> Self {
        let key = EncryptKey::new(ENCRYPT_KEY);
        let body = format!(r#"{{"encrypt":"{}"}}"#, key.seal(document.as_bytes(), IV));
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = now.expect("a clock after 1970").as_secs().to_string();
        let signature = key.sign(&timestamp, NONCE, body.as_bytes());
        let value = |text: &str| HeaderValue::from_str(text).expect("visible ASCII");
        let headers = [
            (SIGNATURE_TIMESTAMP_HEADER, value(&timestamp)),
            (SIGNATURE_NONCE_HEADER, value(NONCE)),
            (SIGNATURE_HEADER, value(&signature)),
        ];
        Self {
            headers: headers.into_iter().collect(),
            body: body.into(),
        }
    }

    /// The same with a signature of the right form that is not that of the body.
    #[must_use]
    pub fn forged(mut self) -> Self {
        let forged = HeaderValue::from_static(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        );
        self.headers.insert(SIGNATURE_HEADER, forged);
        self
    }
}
