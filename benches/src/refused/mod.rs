//! Rejected requests that differ only in properties that their sender must not learn, to compare
//! the cost of rejecting them.

mod leaky;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use lark_events::EncryptKey;
use lark_events::webhook::SIGNATURE_HEADER;

pub use self::leaky::Leaky;
use crate::event::{self, ENCRYPT_KEY, Post, Size, VERIFICATION_TOKEN};

/// The length of each unsigned plaintext, in bytes: whole blocks, as many as an unsigned body may have.
const LENGTH: usize = 33 * BLOCK;
const BLOCK: usize = 16;
/// The length of what is spliced into a URL check, in bytes.
const EVENT: usize = 300;
const IV: [u8; 16] = *b"0123456789abcdef";

/// A property of a plaintext or a signature that an attacker wants to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The first blocks of an event, its token among them, behind which all padding is bad.
    Event,
    /// The same with good padding.
    GoodPadding,
    /// One byte near the beginning is no UTF-8.
    BrokenEarly,
    /// One byte near the end is no UTF-8.
    BrokenLate,
    /// The first byte does not begin JSON.
    NoJson,
    /// JSON, and no URL check.
    Json,
    /// Blocks of an event in front of those of a genuine URL check, token included.
    Spliced,
    /// The same with one byte of the event, near its beginning, that is no UTF-8.
    SplicedBrokenEarly,
    /// The same near its end.
    SplicedBrokenLate,
    /// A URL check with our token, but for its type.
    WrongType,
    /// A URL check whose token is wrong in this byte.
    WrongToken(usize),
    /// A signed event whose signature is wrong in this digit.
    WrongSignature(usize),
}

impl Class {
    /// The unsigned classes: rejecting each must take the same.
    pub const UNSIGNED: [Self; 13] = [
        Self::Event,
        Self::GoodPadding,
        Self::BrokenEarly,
        Self::BrokenLate,
        Self::NoJson,
        Self::Json,
        Self::Spliced,
        Self::SplicedBrokenEarly,
        Self::SplicedBrokenLate,
        Self::WrongType,
        Self::WrongToken(0),
        Self::WrongToken(16),
        Self::WrongToken(31),
    ];
    /// The signed classes: rejecting each must take the same.
    pub const SIGNED: [Self; 3] = [
        Self::WrongSignature(0),
        Self::WrongSignature(32),
        Self::WrongSignature(63),
    ];

    /// The class of this name, as `Debug` writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::UNSIGNED.into_iter().chain(Self::SIGNED);
        all.find(|class| format!("{class:?}") == name)
    }

    /// A request of this class.
    #[must_use]
    pub fn post(self) -> Post {
        let plaintext = match self {
            Self::WrongSignature(digit) => return wrong_signature(digit),
            Self::Event => event(),
            Self::GoodPadding => {
                let mut event = event();
                event[LENGTH - 1] = 1;
                event
            }
            Self::BrokenEarly => {
                let mut event = event();
                event[1] = 0x80;
                event
            }
            Self::BrokenLate => {
                let mut event = event();
                event[LENGTH - 2] = 0x80;
                event
            }
            Self::NoJson => {
                let mut event = event();
                event[0] = b'x';
                event
            }
            Self::Json => filled(r#"{"schema":"2.0","event":{"list":[1,2,3]}}"#),
            Self::Spliced => spliced(),
            Self::SplicedBrokenEarly => {
                let mut spliced = spliced();
                spliced[7] = 0x80;
                spliced
            }
            Self::SplicedBrokenLate => {
                let mut spliced = spliced();
                spliced[EVENT - 1] = 0x80;
                spliced
            }
            Self::WrongType => url_check("event_callback", VERIFICATION_TOKEN),
            Self::WrongToken(byte) => {
                let mut token = VERIFICATION_TOKEN.as_bytes().to_vec();
                token[byte] ^= 1;
                let token = String::from_utf8(token).expect("a token of ASCII");
                url_check("url_verification", &token)
            }
        };
        unsigned(&plaintext)
    }
}

/// The first blocks of an event.
fn event() -> Vec<u8> {
    let document = event::document("5e3702a84e847582be8db7fb73283c02", Size::Sample);
    document.into_bytes()[..LENGTH].to_vec()
}

fn spliced() -> Vec<u8> {
    let event = "your.code.is.354673.".repeat(EVENT / 20);
    let check = String::from_utf8(url_check("url_verification", VERIFICATION_TOKEN));
    let check = check.expect("a check of ASCII").replacen('{', "", 1);
    filled(format!(r#"{{"a":"{event}",{}"#, check.trim_end()).as_str())
}

fn url_check(kind: &str, token: &str) -> Vec<u8> {
    filled(&format!(
        r#"{{"challenge":"a1b2c3","token":"{token}","type":"{kind}"}}"#
    ))
}

/// A document filled up with spaces.
fn filled(document: &str) -> Vec<u8> {
    format!("{document:LENGTH$}").into_bytes()
}

/// Whole blocks, encrypted without padding.
fn unsigned(plaintext: &[u8]) -> Post {
    let encrypted = EncryptKey::new(ENCRYPT_KEY).seal(plaintext, IV);
    let mut message = BASE64.decode(encrypted).expect("base64");
    message.truncate(BLOCK + plaintext.len());
    Post {
        headers: HeaderMap::new(),
        body: wrapped(&message),
    }
}

/// The body that a message is posted in.
#[must_use]
pub fn wrapped(message: &[u8]) -> Bytes {
    format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(message)).into()
}

fn wrong_signature(digit: usize) -> Post {
    let document = event::document("5e3702a84e847582be8db7fb73283c02", Size::Sample);
    let mut post = Post::encrypted(&document);
    let signature = post.headers[SIGNATURE_HEADER].as_bytes();
    let mut wrong = signature.to_vec();
    wrong[digit] = if wrong[digit] == b'0' { b'1' } else { b'0' };
    let wrong = HeaderValue::from_bytes(&wrong).expect("a digit");
    post.headers.insert(SIGNATURE_HEADER, wrong);
    post
}
