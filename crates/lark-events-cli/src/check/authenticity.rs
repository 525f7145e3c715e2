//! Cases of forged requests: the webhook has to reject them, and the rejection must reveal nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use lark_events::EncryptKey;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events_sim::{Document, PlatformBuilder};
use serde_json::{Value, json};

use super::delivery::soon;
use super::probe::{FORGED, Probe, unsigned};
use crate::finding::Finding;
use crate::webhook::answer::{Answer, Posted, hangs};

/// Longer ago than any redelivery.
const TWO_DAYS: Duration = Duration::from_hours(48);
const CHECK_SIGNATURE: &str = "before anything else, compare X-Lark-Signature with the SHA-256 of \
    timestamp, nonce, key and raw body";

pub(crate) async fn url_check(probe: &Probe) -> Finding {
    let advice =
        r#"answer 200 and {"challenge": "…"} as JSON within 1 s, or the console rejects the URL"#;
    let check = UrlCheck::new(probe.token.as_deref().unwrap_or_default());
    let posted = probe.post(check.request(probe.app())).await;
    let answer = match posted {
        Ok(answer) if answer.status == StatusCode::OK && check.is_echoed_by(&answer) => answer,
        Ok(answer) => return Finding::fail(answer.to_string(), advice),
        Err(missing) => return Finding::fail(missing.to_string(), advice),
    };
    if !answer.content_type.contains("json") {
        let seen = format!("the answer's Content-Type is {:?}", answer.content_type);
        return Finding::warn(seen, "send Content-Type: application/json");
    }
    soon(answer.took, "its answer", advice)
}

pub(crate) async fn url_check_forged(probe: &Probe) -> Finding {
    let advice = "compare the token: it is the only proof of a URL check, which is unsigned";
    let mut findings = Vec::new();
    for (what, app) in [("plain", probe.unsealed_app()), ("encrypted", probe.app())] {
        if what == "encrypted" && probe.key.is_none() {
            continue;
        }
        let check = UrlCheck::new(FORGED);
        let posted = probe.post(check.request(app)).await;
        let finding = match &posted {
            Ok(answer) if check.is_echoed_by(answer) => Finding::fail(answer.to_string(), advice),
            Ok(answer) => Finding::pass(answer.to_string()),
            Err(missing) => Finding::warn(missing.to_string(), "answer 401"),
        };
        // Encrypting needs the key.
        let finding = match what {
            "encrypted" => finding.at_most_warn(),
            _ => finding,
        };
        findings.push(finding.of(what));
        if hangs(&posted) {
            break;
        }
    }
    Finding::worst("not echoed", findings)
}

pub(crate) async fn unsigned_event(probe: &Probe) -> Finding {
    probe
        .refuses(unsigned(probe.event()), CHECK_SIGNATURE)
        .await
}

pub(crate) async fn unsealed(probe: &Probe) -> Finding {
    let advice = "if there is an Encrypt Key, reject every unsigned request except URL checks";
    let plain = probe.unsealed_app().request(probe.sample());
    probe.refuses(plain, advice).await
}

pub(crate) async fn forged_signature(probe: &Probe) -> Finding {
    probe.refuses(forge(probe.event()), CHECK_SIGNATURE).await
}

pub(crate) async fn tampered_body(probe: &Probe) -> Finding {
    /// A byte of the first block, behind `{"encrypt":"` and the initialisation vector.
    const PLACE: usize = 12 + 24;
    let mut request = probe.event();
    let mut body = request.body().to_vec();
    if let Some(byte) = body.get_mut(PLACE) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    *request.body_mut() = body.into();
    probe.refuses(request, CHECK_SIGNATURE).await
}

pub(crate) async fn forged_token(probe: &Probe) -> Finding {
    let advice = "compare the token of every event with the app's Verification Token, in constant \
        time";
    let request = probe.app().request(probe.sample().header("token", FORGED));
    let finding = probe.refuses(request, advice).await;
    if probe.key.is_some() {
        // Signing needs the key.
        return finding.at_most_warn();
    }
    finding
}

pub(crate) async fn replay(probe: &Probe) -> Finding {
    let advice = "reject timestamps older than 8 h (redeliveries take 7.1 h), or keep the ids of \
        handled events for ever";
    let app = probe.app().clock(|| SystemTime::now() - TWO_DAYS);
    let request = app.request(probe.sample());
    probe.refuses(request, advice).await.at_most_warn()
}

pub(crate) async fn refusals_alike(probe: &Probe) -> Finding {
    let (mut told_apart, mut accepted) = (Vec::new(), Vec::new());
    for (how, forge) in [
        ("unsigned", unsigned as fn(_) -> _),
        ("with a forged signature", forge),
    ] {
        let mut seen = Vec::new();
        for (what, text) in ciphertexts(probe) {
            let mut request = probe.event();
            *request.body_mut() = json!({ "encrypt": text }).to_string().into();
            let request = forge(request);
            // Twice: a body that differs each time reveals nothing.
            let once = probe.post(request.clone()).await;
            if hangs(&once) {
                return probe
                    .judge(&once, CHECK_SIGNATURE)
                    .of(&format!("{what}, {how}"));
            }
            let again = probe.post(request).await;
            let finding = probe.judge(&once, CHECK_SIGNATURE);
            accepted.push(finding.of(&format!("{what}, {how}")));
            seen.push((what, Refusal::of(once, again)));
        }
        told_apart.push(alike(&seen).of(how));
    }
    told_apart.extend(accepted);
    Finding::worst("ten ciphertexts, all alike", told_apart)
}

/// Whether the rejections are distinguishable; the first is the one of invalid padding.
fn alike(seen: &[(&str, Refusal)]) -> Finding {
    let advice = "check the signature before decrypting, and answer every rejection alike";
    let [(bad, first), rest @ ..] = seen else {
        return Finding::skip("nothing was sent");
    };
    let Some((other, refusal)) = rest.iter().find(|(_, refusal)| refusal.differs(first)) else {
        return Finding::pass(first.shown.clone());
    };
    let seen = format!("{bad}: {}; {other}: {}", first.shown, refusal.shown);
    match *other {
        PADDED => Finding::fail(format!("padding oracle: {seen}"), advice),
        EVENT => Finding::fail(format!("decrypted before authentication: {seen}"), advice),
        _ => Finding::warn(seen, advice),
    }
}

const PADDED: &str = "good padding";
const EVENT: &str = "an event";

/// Ciphertexts for `{"encrypt": …}`.
fn ciphertexts(probe: &Probe) -> [(&'static str, String); 5] {
    let seal = |document: Document| {
        let request = probe.app().request(document);
        let wrapper: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        wrapper["encrypt"].as_str().unwrap_or_default().to_owned()
    };
    // One block, padded by one byte of value 1; its plaintext is not JSON.
    let padded = seal(Document::from("fifteen bytes !"));
    let bytes = STANDARD.decode(&padded).unwrap_or_default();
    let mut spoilt = bytes.clone();
    if let Some(last) = spoilt.get_mut(15) {
        // The last byte of the block before, so that the padding byte 1 becomes 129.
        *last ^= 0x80;
    }
    let cut = &bytes[..bytes.len().saturating_sub(3)];
    [
        ("bad padding", STANDARD.encode(&spoilt)),
        (PADDED, padded),
        (EVENT, seal(probe.sample())),
        ("a truncated block", STANDARD.encode(cut)),
        ("not base64", "?".repeat(44)),
    ]
}

/// A rejection, as far as it is the same each time.
struct Refusal {
    status: Option<StatusCode>,
    body: Option<Bytes>,
    shown: String,
}

impl Refusal {
    fn of(once: Posted, again: Posted) -> Self {
        let shown = match &once {
            Ok(answer) => answer.to_string(),
            Err(missing) => missing.to_string(),
        };
        let body = match (&once, again) {
            (Ok(once), Ok(again)) if once.body == again.body => Some(again.body),
            _ => None,
        };
        Self {
            status: once.ok().map(|answer| answer.status),
            body,
            shown,
        }
    }

    fn differs(&self, other: &Self) -> bool {
        let bodies = self.body.as_ref().zip(other.body.as_ref());
        self.status != other.status || bodies.is_some_and(|(one, other)| one != other)
    }
}

/// Signs a request with another key.
pub(crate) fn forge(mut request: Request<Bytes>) -> Request<Bytes> {
    let header = |name| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("1")
    };
    let (timestamp, nonce) = (
        header(SIGNATURE_TIMESTAMP_HEADER),
        header(SIGNATURE_NONCE_HEADER),
    );
    let signature = EncryptKey::new(FORGED).sign(timestamp, nonce, request.body());
    if let Ok(signature) = HeaderValue::from_str(&signature) {
        request.headers_mut().insert(SIGNATURE_HEADER, signature);
    }
    request
}

struct UrlCheck {
    challenge: String,
    document: Value,
}

impl UrlCheck {
    fn new(token: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let challenge = format!("conformance-{:x}", now.unwrap_or_default().as_nanos());
        let document = json!({
            "type": "url_verification", "challenge": challenge, "token": token,
        });
        Self {
            challenge,
            document,
        }
    }

    fn request(&self, app: PlatformBuilder) -> Request<Bytes> {
        unsigned(app.request(self.document.clone()))
    }

    fn is_echoed_by(&self, answer: &Answer) -> bool {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        answer.status.is_success() && body["challenge"] == *self.challenge
    }
}
