//! Apps of each kind, and the requests that the platform would send them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use lark_events::error::Rejection;
use lark_events::webhook::{
    OldCardWebhook, SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER,
};
use lark_events::{EncryptKey, Opened, VerificationToken, Webhook, Webhooks};

const KEY: &str = "fuzzed key";
const OTHER_KEY: &str = "another key";
pub(super) const TOKEN: &str = "v-token";
pub(super) const APP_ID: &str = "cli_a";
const OTHER_APP_ID: &str = "cli_b";
/// The time of all requests, in Unix seconds.
const NOW: &str = "1700000000";
const NONCE: &str = "n-1";
const IV: [u8; 16] = *b"0123456789abcdef";

static APPS: LazyLock<[App; 6]> = LazyLock::new(|| {
    let builder = || {
        let now: SystemTime = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Webhook::builder().clock(move || now)
    };
    let keyed = || builder().encrypt_key(OTHER_KEY).encrypt_key(KEY);
    let token = || builder().verification_token(TOKEN);
    let built = "a webhook of ours can be built";
    let ours = keyed().app_id(APP_ID).verification_token(TOKEN).build();
    let other = builder()
        .app_id(OTHER_APP_ID)
        .encrypt_key("a third key")
        .build();
    let apps = [other.expect(built), ours.expect(built)];
    [
        App::Key(keyed().verification_token(TOKEN).build().expect(built)),
        App::Key(keyed().build().expect(built)),
        App::Token(token().build().expect(built)),
        App::Token(token().app_id(APP_ID).build().expect(built)),
        App::BySignature(Webhooks::by_signature(apps).expect(built)),
        App::Card(token().build_old_card().expect(built)),
    ]
});

/// How an app authenticates requests.
#[derive(Debug)]
pub(super) enum App {
    Key(Webhook),
    Token(Webhook),
    BySignature(Webhooks),
    Card(OldCardWebhook),
}

/// What is posted.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl App {
    /// How many there are to choose from.
    pub(super) const COUNT: u8 = 6;

    pub(super) fn chosen_by(byte: u8) -> &'static Self {
        &APPS[usize::from(byte % Self::COUNT)]
    }

    pub(super) fn has_key(&self) -> bool {
        matches!(self, Self::Key(_) | Self::BySignature(_))
    }

    /// Whether a document needs our token.
    pub(super) fn has_token(&self) -> bool {
        !std::ptr::eq(self, &APPS[1])
    }

    /// Whether a document may name no other app.
    pub(super) fn has_id(&self) -> bool {
        matches!(self, Self::BySignature(_)) || std::ptr::eq(self, &APPS[3])
    }

    /// Whether only a sender with the key can send a request.
    pub(super) fn is_signed(&self) -> bool {
        !matches!(self, Self::Token(_))
    }

    pub(super) fn open(&self, request: &Request) -> Result<Opened, Rejection> {
        let Request { headers, body } = request;
        let body = body.clone();
        match self {
            Self::Key(webhook) | Self::Token(webhook) => {
                let limit = webhook.admit(headers)?.body_limit();
                let len = body.len();
                let opened = webhook.open(headers, body);
                assert!(opened.is_err() || len <= limit, "more than is read");
                opened
            }
            Self::BySignature(webhooks) => webhooks.open("/webhook", headers, body),
            Self::Card(webhook) => webhook.open(headers, body),
        }
    }

    /// The request that the platform sends such an app.
    pub(super) fn dressed(&self, document: &Bytes) -> Request {
        match self {
            Self::Key(_) | Self::BySignature(_) => self.signed(sealed(document)),
            Self::Card(_) => self.signed(document.clone()),
            Self::Token(_) => unsigned(document.clone()),
        }
    }

    /// A body signed for the app.
    pub(super) fn signed(&self, body: Bytes) -> Request {
        let signature = match self {
            Self::Card(_) => VerificationToken::new(TOKEN).sign_old_card(NOW, NONCE, &body),
            _ => EncryptKey::new(KEY).sign(NOW, NONCE, &body),
        };
        let headers = [
            (SIGNATURE_TIMESTAMP_HEADER, value(NOW)),
            (SIGNATURE_NONCE_HEADER, value(NONCE)),
            (SIGNATURE_HEADER, value(&signature)),
        ];
        Request {
            headers: HeaderMap::from_iter(headers),
            body,
        }
    }
}

impl Request {
    /// The only header of that name, in letters that a header may have.
    pub(super) fn header(&self, name: &HeaderName) -> String {
        let value = self.headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }

    pub(super) fn set(&mut self, name: HeaderName, text: &str) {
        self.headers.insert(name, value(text));
    }
}

pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("made of visible ASCII")
}

pub(super) fn unsigned(body: Bytes) -> Request {
    Request {
        headers: HeaderMap::new(),
        body,
    }
}

/// In its wrapper, as the platform writes it.
pub(super) fn sealed(document: &[u8]) -> Bytes {
    format!(r#"{{"encrypt":"{}"}}"#, seal(document)).into()
}

/// In a wrapper that is the same to a reader of JSON.
pub(super) fn sealed_loosely(document: &[u8]) -> Bytes {
    let text = seal(document).replace('/', r"\/");
    format!("\n{{ \"more\": [\"\\ud800\"], \"\\u0065ncrypt\" : \"{text}\" }} ").into()
}

fn seal(document: &[u8]) -> String {
    EncryptKey::new(KEY).seal(document, IV)
}
