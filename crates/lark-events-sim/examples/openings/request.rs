//! Requests that carry documents, with odd or forged encryption and signatures.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fastrand::Rng;
use lark_events::{BoxError, EncryptKey};

use crate::document::{Document, Kind, utf_16};

const KEY: &str = "encrypt-key";
pub(crate) const TOKEN: &str = "verification-token";
/// The time of all requests: Unix time in seconds.
pub(crate) const NOW: u64 = 1_700_000_000;

const TIMESTAMP: &str = "X-Lark-Request-Timestamp";
const NONCE: &str = "X-Lark-Request-Nonce";
const SIGNATURE: &str = "X-Lark-Signature";

const HOUR: u64 = 3600;
/// The bytes of a block of AES.
const BLOCK: usize = 16;

/// The secrets of the webhook.
#[derive(Clone, Copy)]
pub(crate) struct Secrets {
    pub(crate) key: Option<&'static str>,
    pub(crate) token: Option<&'static str>,
}

impl Secrets {
    pub(crate) const BOTH: Self = Self {
        key: Some(KEY),
        token: Some(TOKEN),
    };
    pub(crate) const NO_KEY: Self = Self {
        key: None,
        ..Self::BOTH
    };
    const NO_TOKEN: Self = Self {
        token: None,
        ..Self::BOTH
    };
    pub(crate) const ALL: [Self; 3] = [Self::BOTH, Self::NO_KEY, Self::NO_TOKEN];

    pub(crate) fn choose(rng: &mut Rng) -> Self {
        match rng.u8(..8) {
            0 | 1 => Self::NO_KEY,
            2 => Self::NO_TOKEN,
            _ => Self::BOTH,
        }
    }
}

pub(crate) struct Request {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The names of its oddities.
    pub(crate) odd: Vec<&'static str>,
}

impl Request {
    /// A request as the platform sends it, or an odd one.
    pub(crate) fn choose(
        document: &Document,
        secrets: Secrets,
        rng: &mut Rng,
    ) -> Result<Self, BoxError> {
        let odd = match (secrets.key, rng.u8(..12)) {
            (None, 0 | 1) => rng.choice(KEYLESS),
            (Some(_), 0 | 1) => Some(&IN_THE_CLEAR),
            (Some(_), 2 | 3) => rng.choice(ENCRYPTIONS),
            (Some(_), 4 | 5) => rng.choice(SIGNATURES),
            _ => None,
        };
        Self::with(odd.copied().unwrap_or_default(), document, secrets, rng)
    }

    /// A request with one oddity, or with none if `odd` is empty.
    pub(crate) fn with(
        odd: &'static str,
        document: &Document,
        secrets: Secrets,
        rng: &mut Rng,
    ) -> Result<Self, BoxError> {
        let mut request = Self {
            headers: Vec::new(),
            body: document.bytes.clone(),
            odd: if odd.is_empty() { vec![] } else { vec![odd] },
        };
        if odd == "encrypted without a key" || ENCRYPTIONS.contains(&odd) {
            request.encrypt_oddly(odd, rng)?;
        } else if secrets.key.is_some() && odd != IN_THE_CLEAR {
            request.body = wrapped(&seal(KEY, &request.body, rng));
        }
        // The platform does not sign its URL checks.
        let usual = secrets.key.is_some() && document.kind != Kind::UrlCheck;
        if usual || odd == "signed without a key" || SIGNATURES.contains(&odd) {
            request.sign(odd, rng);
        }
        Ok(request)
    }

    /// Encrypts the body with one of [`ENCRYPTIONS`].
    fn encrypt_oddly(&mut self, name: &'static str, rng: &mut Rng) -> Result<(), BoxError> {
        let sealed = seal(KEY, &self.body, rng);
        let mut raw = BASE64_STANDARD.decode(&sealed)?;
        let middle = sealed.len() / 2;
        let (start, end) = sealed.split_at(middle);
        self.body = match name {
            "encrypted with another key" => wrapped(&seal("another key", &self.body, rng)),
            "bad padding" => {
                // Keep a block after the initialisation vector: a short message has no other.
                raw.truncate((raw.len() - BLOCK).max(2 * BLOCK));
                wrapped(&BASE64_STANDARD.encode(raw))
            }
            "part of a block" => {
                raw.pop();
                wrapped(&BASE64_STANDARD.encode(raw))
            }
            "no block" => wrapped(&BASE64_STANDARD.encode(&raw[..BLOCK])),
            "a bit of the ciphertext" => {
                let at = rng.usize(BLOCK..raw.len());
                raw[at] ^= 1 << rng.u8(..8);
                wrapped(&BASE64_STANDARD.encode(raw))
            }
            "base64 of URLs" => wrapped(&sealed.replace('+', "-").replace('/', "_")),
            "base64 cut" => wrapped(&sealed[..sealed.len() - 1]),
            "base64 with a line break" => wrapped(&format!("{start}\\n{end}")),
            "base64 with another character" => wrapped(&format!("{start}!{end}")),
            "base64 escaped" => wrapped(&sealed.replace('/', r"\/")),
            "wrapper with more" => format!(r#"{{"a":[1],"encrypt":"{sealed}","b":2}}"#).into(),
            "wrapper with spaces" => format!("\n{{ \"encrypt\" :\t\"{sealed}\" }} ").into(),
            "wrapper escaped" => format!(r#"{{"\u0065ncrypt":"{sealed}"}}"#).into(),
            "wrapper twice" => format!(r#"{{"encrypt":"x","encrypt":"{sealed}"}}"#).into(),
            "wrapper and more after it" => format!(r#"{{"encrypt":"{sealed}"}}x"#).into(),
            "wrapper with a byte order mark" => [&b"\xef\xbb\xbf"[..], &wrapped(&sealed)].concat(),
            "wrapper in UTF-16" => utf_16(&wrapped(&sealed)),
            "wrapper of nothing" => br#"{"encrypt":""}"#.to_vec(),
            "wrapper of a number" => br#"{"encrypt":12345678}"#.to_vec(),
            _ => wrapped(&sealed),
        };
        Ok(())
    }

    /// Signs the body with one of [`SIGNATURES`], or as the platform does.
    fn sign(&mut self, name: &'static str, rng: &mut Rng) {
        let (timestamp, nonce) = match name {
            "stale" => ((NOW - 9 * HOUR).to_string(), "nonce".to_owned()),
            "of the future" => ((NOW + HOUR).to_string(), "nonce".to_owned()),
            "timestamp in ms" => (format!("{NOW}000"), "nonce".to_owned()),
            "timestamp of letters" => (format!("{NOW}x"), "nonce".to_owned()),
            "empty timestamp" => (String::new(), "nonce".to_owned()),
            "long nonce" => (NOW.to_string(), "n".repeat(200)),
            "empty nonce" => (NOW.to_string(), String::new()),
            _ => (NOW.to_string(), rng.u64(..).to_string()),
        };
        let key = EncryptKey::new(match name {
            "signed with another key" => "another key",
            _ => KEY,
        });
        let mut signature = key.sign(&timestamp, &nonce, &self.body);
        match name {
            "signature in upper case" => signature.make_ascii_uppercase(),
            "signature cut" => drop(signature.pop()),
            "body changed" => {
                let at = rng.usize(..self.body.len().max(1));
                self.body
                    .get_mut(at)
                    .into_iter()
                    .for_each(|byte| *byte ^= 1);
            }
            _ => {}
        }
        let mut headers = vec![
            (TIMESTAMP, timestamp),
            (NONCE, nonce),
            (SIGNATURE, signature),
        ];
        let without = match name {
            "unsigned" => return,
            "no timestamp" => Some(TIMESTAMP),
            "no nonce" => Some(NONCE),
            "no signature" => Some(SIGNATURE),
            _ => None,
        };
        headers.retain(|(name, _)| Some(*name) != without);
        if name == "header twice" {
            headers.extend_from_within(..1);
        }
        self.headers = headers;
    }
}

fn seal(key: &str, document: &[u8], rng: &mut Rng) -> String {
    EncryptKey::new(key).seal(document, rng.u128(..).to_le_bytes())
}

fn wrapped(sealed: &str) -> Vec<u8> {
    format!(r#"{{"encrypt":"{sealed}"}}"#).into()
}

/// Oddities of requests to a webhook without a key.
pub(crate) const KEYLESS: &[&str] = &["encrypted without a key", "signed without a key"];

/// A plain request, although the webhook has a key.
pub(crate) const IN_THE_CLEAR: &str = "in the clear";

/// The odd ways of encrypting.
pub(crate) const ENCRYPTIONS: &[&str] = &[
    "encrypted with another key",
    "bad padding",
    "part of a block",
    "no block",
    "a bit of the ciphertext",
    "base64 of URLs",
    "base64 cut",
    "base64 with a line break",
    "base64 with another character",
    "base64 escaped",
    "wrapper with more",
    "wrapper with spaces",
    "wrapper escaped",
    "wrapper twice",
    "wrapper and more after it",
    "wrapper with a byte order mark",
    "wrapper in UTF-16",
    "wrapper of nothing",
    "wrapper of a number",
];

/// The odd ways of signing, and the usual way for a request that the platform does not sign.
pub(crate) const SIGNATURES: &[&str] = &[
    "signed",
    "unsigned",
    "no timestamp",
    "no nonce",
    "no signature",
    "header twice",
    "signed with another key",
    "signature in upper case",
    "signature cut",
    "body changed",
    "stale",
    "of the future",
    "timestamp in ms",
    "timestamp of letters",
    "empty timestamp",
    "long nonce",
    "empty nonce",
];
