//! What the openers and the envelope do, once more: read rule by rule over a whole tree, with nothing
//! of the library but the decryption.

use lark_events::error::{Rejection, RejectionKind};
use lark_events::event::Schema;
use lark_events::limits::MAX_UNSIGNED_BYTES;
use lark_events::{Delivery, EncryptKey, Opened};

use super::json::{Json, Value, parse};
use crate::support::{KEY, TOKEN};

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Refused(RejectionKind),
    Challenge(String),
    Event(Event),
}

/// An event without its types.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    schema: Schema,
    event_type: String,
    event_id: String,
    create_time: String,
    app_id: String,
    tenant_key: String,
    extras: Vec<(String, String)>,
    body: String,
}

impl From<Result<Opened, Rejection>> for Verdict {
    fn from(opened: Result<Opened, Rejection>) -> Self {
        match opened {
            Ok(Opened::Delivery(delivery)) => Self::Event(delivery.into()),
            Ok(Opened::Challenge(challenge)) => Self::Challenge(challenge.as_str().to_owned()),
            Ok(other) => panic!("another thing: {other:?}"),
            Err(rejection) => Self::Refused(rejection.kind()),
        }
    }
}

impl From<Delivery> for Event {
    fn from(Delivery { header, raw, .. }: Delivery) -> Self {
        let extra = |(name, value): (&str, &lark_events::RawJson)| {
            (name.to_owned(), value.as_str().to_owned())
        };
        Self {
            schema: header.schema,
            extras: header.extras().map(extra).collect(),
            event_type: header.event_type,
            event_id: header.event_id.unwrap_or_default(),
            create_time: header.create_time.unwrap_or_default(),
            app_id: header.app_id.unwrap_or_default(),
            tenant_key: header.tenant_key.unwrap_or_default(),
            body: raw.as_str().to_owned(),
        }
    }
}

/// A document of which the token is all the authentication there is, as the only one.
pub(super) fn plain(body: &[u8]) -> Verdict {
    read(body, RejectionKind::Token)
}

/// A body under a good signature.
pub(super) fn signed(body: &[u8]) -> Verdict {
    let malformed = Verdict::Refused(RejectionKind::Malformed);
    let Some(wrapper) = object(body) else {
        return malformed;
    };
    let Some([encrypt]) = once(&wrapper, ["encrypt"]) else {
        return malformed;
    };
    let Some(sealed) = encrypt.and_then(text) else {
        return read(body, RejectionKind::Malformed);
    };
    match EncryptKey::new(KEY).open(sealed) {
        Ok(document) => read(&document, RejectionKind::Malformed),
        Err(_) => malformed,
    }
}

/// An unsigned body where there is a key: an encrypted URL check or nothing. The random documents here
/// always have good padding.
pub(super) fn unsigned(body: &[u8]) -> Verdict {
    url_check(body).map_or(
        Verdict::Refused(RejectionKind::Unsigned),
        Verdict::Challenge,
    )
}

fn url_check(body: &[u8]) -> Option<String> {
    if body.len() > MAX_UNSIGNED_BYTES {
        return None;
    }
    let wrapper = object(body)?;
    let [encrypt] = once(&wrapper, ["encrypt"])?;
    let document = EncryptKey::new(KEY).open(text(encrypt?)?).ok()?;
    let check = object(&document)?;
    let [kind, token, challenge] = once(&check, ["type", "token", "challenge"])?;
    let document = std::str::from_utf8(&document).ok()?;
    let known = ["type", "token", "challenge"];
    for (name, value) in &check {
        let name = name.as_deref()?;
        let is_short = (1..=15).contains(&name.len()) && name.chars().all(is_of_name);
        let is_known = known.contains(&name);
        if !is_short || !is_spelt(document, name, value) || !(is_known || is_further(value)) {
            return None;
        }
    }
    if kind?.text != "\"url_verification\"" || token?.text != format!("\"{TOKEN}\"") {
        return None;
    }
    let challenge = challenge?.text.strip_prefix('"')?.strip_suffix('"')?;
    is_challenge(challenge).then(|| challenge.to_owned())
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || ".-_:".contains(character)
}

/// What a further member of an encrypted URL check may be.
fn is_further(value: &Json<'_>) -> bool {
    let text = value.text;
    let string = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match string {
        Some(text) => {
            let is_id = |character| "0123456789abcdef.-_:il".contains(character);
            (text.len() <= 15 && text.chars().all(is_of_name))
                || (text.len() <= 64 && text.chars().all(is_id))
        }
        None if text.starts_with(|start: char| start == '-' || start.is_ascii_digit()) => {
            text.len() <= 20 && !text.contains(['e', 'E'])
        }
        None => ["true", "false", "null"].contains(&text),
    }
}

/// Whether the name of a member of `document` is spelt without escapes.
fn is_spelt(document: &str, name: &str, value: &Json<'_>) -> bool {
    let start = value.text.as_ptr().addr() - document.as_ptr().addr();
    let before = document[..start].trim_end().trim_end_matches(':');
    before.trim_end().ends_with(&format!("\"{name}\""))
}

/// The event in an envelope, without a check of who sent it.
pub(super) fn event(document: &[u8]) -> Option<Event> {
    Envelope::of(document)?.event()
}

fn read(document: &[u8], unparsable: RejectionKind) -> Verdict {
    let Some(envelope) = Envelope::of(document) else {
        return Verdict::Refused(unparsable);
    };
    if envelope.token.as_deref() != Some(TOKEN) {
        return Verdict::Refused(RejectionKind::Token);
    }
    let read = match &envelope.kind {
        Kind::UrlCheck(challenge) => challenge
            .clone()
            .filter(|text| is_challenge(text))
            .map(Verdict::Challenge),
        _ => envelope.event().map(Verdict::Event),
    };
    read.unwrap_or(Verdict::Refused(RejectionKind::Malformed))
}

struct Envelope {
    kind: Kind,
    token: Option<String>,
    body: String,
}

/// What a document says it is.
enum Kind {
    V2(Header),
    V1 {
        ts: String,
        uuid: String,
        /// For what the event itself lacks.
        header: Header,
    },
    UrlCheck(Option<String>),
    Unknown,
}

#[derive(Default)]
struct Header {
    event_type: Option<String>,
    event_id: String,
    create_time: String,
    app_id: String,
    tenant_key: String,
    token: Option<String>,
    extras: Vec<(String, String)>,
}

impl Envelope {
    fn of(document: &[u8]) -> Option<Self> {
        let members = object(document)?;
        let names = [
            "header",
            "event",
            "uuid",
            "ts",
            "token",
            "challenge",
            "type",
        ];
        let [header, event, uuid, ts, token, challenge, kind] = once(&members, names)?;
        let header = match header {
            None => None,
            Some(Json {
                value: Value::Null, ..
            }) => None,
            Some(Json {
                value: Value::Object(members),
                ..
            }) => Some(Header::of(members)?),
            Some(_) => return None,
        };
        let body = match event {
            None => "{}",
            Some(Json {
                value: Value::Null, ..
            }) => "{}",
            Some(event) => event.text,
        };
        let body = body.to_owned();
        let text = |json: Option<&Json<'_>>| json.and_then(text);
        let header = header.unwrap_or_default();
        if header.event_type.is_some() {
            let token = header.token.clone();
            let kind = Kind::V2(header);
            return Some(Self { kind, token, body });
        }
        let kind = match text(kind).as_deref() {
            Some("event_callback") => Kind::V1 {
                ts: text(ts).unwrap_or_default(),
                uuid: text(uuid).unwrap_or_default(),
                header,
            },
            Some("url_verification") => Kind::UrlCheck(text(challenge)),
            _ => Kind::Unknown,
        };
        let token = text(token);
        Some(Self { kind, token, body })
    }

    fn event(self) -> Option<Event> {
        let Self { kind, body, .. } = self;
        let event = match kind {
            Kind::V2(header) => Event {
                schema: Schema::V2,
                event_type: header.event_type?,
                event_id: header.event_id,
                create_time: header.create_time,
                app_id: header.app_id,
                tenant_key: header.tenant_key,
                extras: header.extras,
                body,
            },
            Kind::V1 { ts, uuid, header } => {
                let members = object(body.as_bytes())?;
                let [event_type, app_id, tenant_key] =
                    once(&members, ["type", "app_id", "tenant_key"])?;
                let text = |json: Option<&Json<'_>>| json.and_then(text).unwrap_or_default();
                let or = |inner: String, outer| if inner.is_empty() { outer } else { inner };
                Event {
                    schema: Schema::V1,
                    event_type: text(event_type),
                    event_id: uuid,
                    create_time: ts,
                    app_id: or(text(app_id), header.app_id),
                    tenant_key: or(text(tenant_key), header.tenant_key),
                    extras: Vec::new(),
                    body: body.clone(),
                }
            }
            Kind::UrlCheck(_) | Kind::Unknown => return None,
        };
        (!event.event_type.is_empty()).then_some(event)
    }
}

impl Header {
    fn of(members: &Members<'_>) -> Option<Self> {
        let names = [
            "event_type",
            "event_id",
            "create_time",
            "app_id",
            "tenant_key",
            "token",
        ];
        let known = once(members, names)?;
        let [event_type, event_id, create_time, app_id, tenant_key, token] =
            known.map(|json| json.and_then(text));
        let named = members
            .iter()
            .filter_map(|(name, value)| Some((name.as_deref()?, value)));
        let extras = named.filter(|(name, _)| !names.contains(name));
        let extras = extras.map(|(name, value)| (name.to_owned(), value.text.to_owned()));
        Some(Self {
            event_type,
            event_id: event_id.unwrap_or_default(),
            create_time: create_time.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            tenant_key: tenant_key.unwrap_or_default(),
            token,
            extras: extras.take(64).collect(),
        })
    }
}

type Members<'a> = Vec<(Option<String>, Json<'a>)>;

/// The members of one object in UTF-8.
fn object(bytes: &[u8]) -> Option<Members<'_>> {
    match parse(std::str::from_utf8(bytes).ok()?)?.value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The members of these names, of which none may be there twice.
fn once<'m, 'a, const N: usize>(
    members: &'m Members<'a>,
    names: [&str; N],
) -> Option<[Option<&'m Json<'a>>; N]> {
    let of = |name: &str| {
        let mut of = members
            .iter()
            .filter(|(its, _)| its.as_deref() == Some(name));
        let (first, second) = (of.next(), of.next());
        second.is_none().then_some(first.map(|(_, value)| value))
    };
    let mut found = [None; N];
    for (place, name) in found.iter_mut().zip(names) {
        *place = of(name)?;
    }
    Some(found)
}

/// A text, or a number, which is its own text. Anything else is as good as absent.
fn text(json: &Json<'_>) -> Option<String> {
    match &json.value {
        Value::Text(text) => text.clone(),
        Value::Number => Some(json.text.to_owned()),
        _ => None,
    }
}

fn is_challenge(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    (1..=128).contains(&text.len()) && text.chars().all(allowed)
}
