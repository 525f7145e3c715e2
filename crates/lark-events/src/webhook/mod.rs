//! Opening what the platform posts: headers and bytes in, a challenge, a delivery or a rejection
//! out. No I/O, and the clock is injected.
//!
//! # The rule
//!
//! With an Encrypt Key:
//!
//! 1. If any signature header is there, all three must be well-formed and match over the raw body;
//!    nothing is decrypted before.
//! 2. If none is there, at most [`MAX_UNSIGNED_BYTES`] are read and decrypted, and the document is
//!    accepted only if it is a URL check whose token matches. Every refusal is the same, costs the same
//!    for bodies of the same length, and is to be answered after [`REFUSAL_DELAY`].
//! 3. After a good signature: decrypt, parse, check the token.
//!
//! Without an Encrypt Key the Verification Token alone decides, on every document.

mod apps;
mod builder;
#[cfg(feature = "card-v1")]
mod card_v1;
mod freshness;
mod rejection;
mod settings;
mod url_check;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;

pub use self::apps::{MAX_KEYS_BY_SIGNATURE, Webhooks};
pub use self::builder::{MAX_LIVE_SECRETS, WebhookBuildError, WebhookBuilder};
#[cfg(feature = "card-v1")]
pub use self::card_v1::{CardAdmission, CardWebhook};
pub use self::rejection::{Rejection, RejectionReason};

pub(crate) use self::settings::Settings;

use crate::credentials::EncryptKey;
use crate::crypto::{CipherError, SignatureHeaders};
use crate::event::{Delivery, Document, Kind, Transport, Wrapper, sealed_in};

/// The largest event that any transport takes, in bytes. The platform documents no maximum; its
/// largest known events are far smaller.
pub const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The most that is read of an unsigned body when an Encrypt Key is set. Encrypted, a URL check of the
/// platform takes about 200 bytes; one with the longest challenge and a token of 64 bytes, 378.
pub const MAX_UNSIGNED_BYTES: usize = 768;

/// How long after its last byte an unsigned request is refused that had something to decrypt. Far more
/// than opening it takes, so that the time of the answer says nothing about what was decrypted.
pub const REFUSAL_DELAY: Duration = Duration::from_millis(5);

/// The longest challenge answered.
const MAX_CHALLENGE: usize = 128;

/// Opens webhook requests with the secrets of one app. Cloning is cheap and shares the keys.
///
/// ```
/// use http::HeaderMap;
/// use lark_events::{Opened, Webhook};
///
/// let webhook = Webhook::builder().verification_token("v-token").build()?;
/// let body = r#"{"type":"url_verification","token":"v-token","challenge":"abc-1"}"#;
/// let Opened::Challenge(challenge) = webhook.open(&HeaderMap::new(), body.into())? else {
///     panic!("a URL check is answered with its challenge");
/// };
/// assert_eq!(challenge.reply(), r#"{"challenge":"abc-1"}"#);
///
/// let forged = body.replace("v-token", "guess");
/// let rejection = webhook.open(&HeaderMap::new(), forged.into()).unwrap_err();
/// assert_eq!(rejection.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Webhook {
    settings: Arc<Settings>,
}

/// What an accepted request is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Opened {
    /// The platform checks the URL: answer [`Challenge::reply`].
    Challenge(Challenge),
    /// An event or callback for the dispatcher.
    Delivery(Delivery),
}

/// The text that a URL check wants back: 1 to 128 letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=MAX_CHALLENGE).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON body to answer.
    #[must_use]
    pub fn reply(&self) -> String {
        format!(r#"{{"challenge":"{}"}}"#, self.0)
    }
}

impl Webhook {
    /// Starts configuring a webhook.
    pub fn builder() -> WebhookBuilder {
        WebhookBuilder::new()
    }

    /// Judges the headers alone, before a byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the signature headers are there but not well-formed.
    pub fn admit<'h>(&self, headers: &'h HeaderMap) -> Result<Admission<'h>, Rejection> {
        Admission::of(Candidates::One(Arc::clone(&self.settings)), headers)
    }

    /// Opens a whole request: [`admit`](Self::admit), then [`Admission::open`].
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer.
    pub fn open(&self, headers: &HeaderMap, body: Bytes) -> Result<Opened, Rejection> {
        self.admit(headers)?.open(body)
    }
}

/// A request whose headers allow its body to be read, up to a limit.
#[derive(Debug)]
pub struct Admission<'h> {
    candidates: Candidates,
    proof: Proof<'h>,
}

/// The apps that a request may be for.
#[derive(Debug)]
enum Candidates {
    One(Arc<Settings>),
    /// All of them have an Encrypt Key.
    Many(Arc<[Arc<Settings>]>),
}

impl Candidates {
    fn all(&self) -> &[Arc<Settings>] {
        match self {
            Self::One(settings) => std::slice::from_ref(settings),
            Self::Many(all) => all,
        }
    }
}

/// What the body will have to show to be let in.
#[derive(Debug)]
enum Proof<'h> {
    /// An Encrypt Key is set and the request claims to be signed.
    Signature(SignatureHeaders<'h, 32>),
    /// An Encrypt Key is set and the request is unsigned: only a URL check may be.
    UrlCheck,
    /// No Encrypt Key is set.
    Token,
}

impl<'h> Admission<'h> {
    fn of(candidates: Candidates, headers: &'h HeaderMap) -> Result<Self, Rejection> {
        let proof = match &candidates {
            Candidates::One(settings) if settings.encrypt_keys.is_empty() => Proof::Token,
            _ => match SignatureHeaders::parse(headers) {
                Ok(Some(signature)) => Proof::Signature(signature),
                Ok(None) => Proof::UrlCheck,
                Err(_) => return Err(Rejection::new(RejectionReason::SignatureHeaders)),
            },
        };
        Ok(Self { candidates, proof })
    }
}

impl Admission<'_> {
    /// The most bytes of body worth reading.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        let limit = |settings: &Arc<Settings>| match self.proof {
            Proof::UrlCheck => settings.max_unsigned_bytes(),
            Proof::Signature(_) | Proof::Token => settings.max_event_bytes,
        };
        let limits = self.candidates.all().iter().map(limit);
        limits.max().unwrap_or_default()
    }

    /// The rejection of a body longer than [`body_limit`](Self::body_limit).
    #[must_use]
    pub fn too_large(&self) -> Rejection {
        Rejection::new(match self.proof {
            Proof::UrlCheck => RejectionReason::Unsigned,
            Proof::Signature(_) | Proof::Token => RejectionReason::TooLarge,
        })
    }

    /// How many hashes over the body [`open`](Self::open) takes at most: one for each key that may have
    /// signed it. That is the cost of a forged request.
    #[must_use]
    pub fn keys(&self) -> usize {
        let keys = |settings: &Arc<Settings>| settings.encrypt_keys.len();
        match self.proof {
            Proof::Signature(_) => self.candidates.all().iter().map(keys).sum(),
            Proof::UrlCheck | Proof::Token => 0,
        }
    }

    /// How long after the last byte of the body a rejection by [`open`](Self::open) is to be answered:
    /// [`REFUSAL_DELAY`] where an unauthenticated body is decrypted, and `None` where it is not. Take
    /// the time before `open`, and bound the number of requests that wait: at the bound, answer
    /// [`too_large`](Self::too_large)'s status at once and do not open the body.
    #[must_use]
    pub fn refusal_delay(&self) -> Option<Duration> {
        matches!(self.proof, Proof::UrlCheck).then_some(REFUSAL_DELAY)
    }

    /// Authenticates and parses the body.
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer, after [`refusal_delay`](Self::refusal_delay).
    pub fn open(self, body: Bytes) -> Result<Opened, Rejection> {
        if body.len() > self.body_limit() {
            return Err(self.too_large());
        }
        let opened = match &self.proof {
            Proof::Signature(signature) => self.open_signed(signature, &body),
            Proof::UrlCheck => self
                .open_url_check(&body)
                .map(Opened::Challenge)
                .ok_or(RejectionReason::Unsigned),
            Proof::Token => self.open_plain(&body),
        };
        opened.map_err(Rejection::new)
    }

    fn open_signed(
        &self,
        signature: &SignatureHeaders<'_, 32>,
        body: &Bytes,
    ) -> Result<Opened, RejectionReason> {
        let mut candidates = self.candidates.all().iter();
        let (settings, key) = candidates
            .find_map(|settings| {
                let mut keys = settings.encrypt_keys.iter();
                let key = keys.find(|key| signature.matches(key.as_bytes(), body))?;
                Some((settings, key))
            })
            .ok_or(RejectionReason::Signature)?;
        if body.len() > settings.max_event_bytes {
            return Err(RejectionReason::TooLarge);
        }
        let now = settings.fresh(signature.timestamp())?;

        let document = open_sealed(key, body).ok_or(RejectionReason::Malformed)?;
        let mut opened = read(settings, &document, RejectionReason::Malformed, now)?;
        if let Opened::Delivery(delivery) = &mut opened {
            delivery.replayable_for = settings.replayable_for();
        }
        Ok(opened)
    }

    /// Without an Encrypt Key nothing is authentic before its token has matched, so a text that
    /// cannot be parsed is a failure of authentication.
    fn open_plain(&self, body: &Bytes) -> Result<Opened, RejectionReason> {
        let Candidates::One(settings) = &self.candidates else {
            return Err(RejectionReason::Token);
        };
        let now = settings.freshness.now();
        match read(settings, body, RejectionReason::Token, now)? {
            Opened::Challenge(_) if !settings.answers_url_checks => Err(RejectionReason::Unsigned),
            opened => Ok(opened),
        }
    }

    /// The one thing that may come unsigned when an Encrypt Key is set. Under every key the same steps
    /// run, whatever is decrypted, and every way to fail is the same `None`.
    fn open_url_check(&self, body: &Bytes) -> Option<Challenge> {
        let sealed = Wrapper::parse(std::str::from_utf8(body).ok()?).ok()??;
        let open = |settings: &Arc<Settings>| {
            if !settings.answers_url_checks || settings.verification_tokens.is_empty() {
                return None;
            }
            let open = |key: &EncryptKey| {
                let plaintext = key.decrypt_unauthenticated(&sealed).ok()?;
                settings.unauthenticated_url_check(&plaintext)
            };
            settings.encrypt_keys.iter().find_map(open)
        };
        self.candidates.all().iter().find_map(open)
    }
}

/// The plain document of an authentic body, which need not be sealed: one that is not is as authentic
/// as one that is.
fn open_sealed(key: &EncryptKey, body: &Bytes) -> Option<Bytes> {
    if let Some(sealed) = sealed_in(body) {
        match key.open(sealed) {
            Err(CipherError::Base64) => {} // perhaps more than one string
            opened => return opened.ok(),
        }
    }
    match Wrapper::parse(std::str::from_utf8(body).ok()?).ok()? {
        Some(sealed) => key.open(&*sealed).ok(),
        None => Some(body.clone()),
    }
}

/// Parses a plain document and checks its token; `unparsable` is what a text is that is no document
/// at all.
fn read(
    settings: &Settings,
    bytes: &Bytes,
    unparsable: RejectionReason,
    now: SystemTime,
) -> Result<Opened, RejectionReason> {
    let text = std::str::from_utf8(bytes).map_err(|_| unparsable)?;
    let document = Document::parse(text).map_err(|_| unparsable)?;
    if !settings.token_matches(document.token()) {
        return Err(RejectionReason::Token);
    }
    if document.kind() == Kind::UrlCheck {
        let challenge = document.challenge.as_str().and_then(Challenge::parse);
        let challenge = challenge.ok_or(RejectionReason::Malformed)?;
        return Ok(Opened::Challenge(challenge));
    }
    let mut delivery = Delivery::from_document(bytes, document, Transport::Webhook, now)
        .map_err(|_| RejectionReason::Malformed)?;
    settings.own(&mut delivery)?;
    Ok(Opened::Delivery(delivery))
}
