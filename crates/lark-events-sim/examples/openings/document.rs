//! Plain documents: those that the platform sends, and odd ones.

use fastrand::Rng;

use crate::request::TOKEN;

/// The kind of document before anything is made odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    V2,
    V1,
    Callback,
    UrlCheck,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V2 => "event",
            Self::V1 => "event of version 1",
            Self::Callback => "callback",
            Self::UrlCheck => "URL check",
        }
    }
}

const ALL: &[Kind] = &[Kind::V2, Kind::V1, Kind::Callback, Kind::UrlCheck];
const EVENTS: &[Kind] = &[Kind::V2, Kind::V1, Kind::Callback];
const HEADED: &[Kind] = &[Kind::V2, Kind::Callback];
const OLD: &[Kind] = &[Kind::V1];
const CHECK: &[Kind] = &[Kind::UrlCheck];

#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
    /// The names of its oddities.
    pub(crate) odd: Vec<&'static str>,
}

impl Document {
    /// One regular document of each kind.
    pub(crate) fn usual(rng: &mut Rng) -> Vec<Self> {
        ALL.iter().map(|&kind| Self::with(kind, &[], rng)).collect()
    }

    /// One document for each oddity of each kind.
    pub(crate) fn each_oddity(rng: &mut Rng) -> Vec<Self> {
        let kinds = |it| {
            let &(kinds, ..): &Oddity = it;
            kinds.iter().map(move |&kind| (kind, it))
        };
        let each = ODDITIES.iter().flat_map(kinds);
        each.map(|(kind, it)| Self::with(kind, &[it], rng))
            .collect()
    }

    /// One document of each kind for each damage to the bytes.
    pub(crate) fn each_damage(rng: &mut Rng) -> Vec<Self> {
        let mut damaged = Vec::new();
        for it in DAMAGE {
            for mut document in Self::usual(rng) {
                document.damage(it, rng);
                damaged.push(document);
            }
        }
        damaged
    }

    pub(crate) fn choose(rng: &mut Rng) -> Self {
        let kind = match rng.u8(..8) {
            0..3 => Kind::V2,
            3 => Kind::Callback,
            4..6 => Kind::V1,
            _ => Kind::UrlCheck,
        };
        let mut possible: Vec<_> = ODDITIES.iter().filter(|it| it.0.contains(&kind)).collect();
        rng.shuffle(&mut possible);
        possible.truncate([0, 0, 1, 1, 1, 2][rng.usize(..6)]);
        let mut document = Self::with(kind, &possible, rng);
        if rng.u8(..6) == 0
            && let Some(it) = rng.choice(DAMAGE)
        {
            document.damage(it, rng);
        }
        document
    }

    fn damage(&mut self, (name, damage): &Damage, rng: &mut Rng) {
        damage(&mut self.bytes, rng);
        self.odd.push(name);
    }

    fn with(kind: Kind, oddities: &[&Oddity], rng: &mut Rng) -> Self {
        let mut parts = Parts::of(kind, rng);
        for (_, _, change) in oddities {
            change(&mut parts);
        }
        Self {
            kind,
            bytes: parts.write().into_bytes(),
            odd: oddities.iter().map(|it| it.1).collect(),
        }
    }
}

/// Members in order, with their values as JSON.
type Members = Vec<(&'static str, String)>;

/// The objects of an envelope. In `top`, the values [`HEADER`] and [`EVENT`] stand for the inner ones.
struct Parts {
    kind: Kind,
    top: Members,
    header: Members,
    event: Members,
}

const HEADER: &str = "@header";
const EVENT: &str = "@event";

fn text(text: &str) -> String {
    format!("\"{text}\"")
}

impl Parts {
    fn of(kind: Kind, rng: &mut Rng) -> Self {
        let id = rng.u32(..);
        let event_type = match kind {
            Kind::Callback => "card.action.trigger",
            Kind::V1 => "app_status_change",
            _ => "vc.reserve_config.updated_v1",
        };
        let header = vec![
            ("event_id", text(&format!("e-{id}"))),
            ("event_type", text(event_type)),
            ("create_time", text("1700000000000")),
            ("token", text(TOKEN)),
            ("app_id", text("cli_1")),
            ("tenant_key", text("t-1")),
        ];
        let mut event = vec![("scope_id", text("omm_茶")), ("scope_type", "2".to_owned())];
        let mut top = vec![
            ("schema", text("2.0")),
            ("header", HEADER.to_owned()),
            ("event", EVENT.to_owned()),
        ];
        if kind == Kind::V1 {
            event.push(("type", text(event_type)));
            event.push(("app_id", text("cli_1")));
            top = vec![
                ("ts", text("1700000000.1")),
                ("uuid", text(&format!("u-{id}"))),
                ("token", text(TOKEN)),
                ("type", text("event_callback")),
                ("event", EVENT.to_owned()),
            ];
        }
        if kind == Kind::UrlCheck {
            top = vec![
                ("challenge", text(&format!("c-{id}"))),
                ("token", text(TOKEN)),
                ("type", text("url_verification")),
            ];
        }
        Self {
            kind,
            top,
            header,
            event,
        }
    }

    /// The object with the token.
    fn head(&mut self) -> &mut Members {
        if HEADED.contains(&self.kind) {
            return &mut self.header;
        }
        &mut self.top
    }

    fn typed(&mut self) -> (&mut Members, &'static str) {
        if self.kind == Kind::V1 {
            return (&mut self.event, "type");
        }
        (&mut self.header, "event_type")
    }

    fn token(&mut self, json: &str) {
        set(self.head(), "token", json);
    }

    fn event_type(&mut self, json: &str) {
        let (members, name) = self.typed();
        set(members, name, json);
    }

    fn body(&mut self, json: &str) {
        set(&mut self.event, "more", json);
    }

    fn write(&self) -> String {
        let object = |members: &[(&str, String)]| {
            let member = |(name, value): &(&str, String)| format!("\"{name}\":{value}");
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        };
        let within = |(name, value): &(&'static str, String)| {
            let value = match &**value {
                HEADER => object(&self.header),
                EVENT => object(&self.event),
                other => other.to_owned(),
            };
            (*name, value)
        };
        let top: Vec<_> = self.top.iter().map(within).collect();
        object(&top)
    }
}

/// Sets a member, or adds it.
fn set(members: &mut Members, name: &'static str, json: &str) {
    match members.iter_mut().find(|(its, _)| *its == name) {
        Some((_, value)) => json.clone_into(value),
        None => members.push((name, json.to_owned())),
    }
}

fn remove(members: &mut Members, name: &str) {
    members.retain(|(its, _)| *its != name);
}

/// The kinds of envelope that can have the oddity, its name, and how to make it.
type Oddity = (&'static [Kind], &'static str, fn(&mut Parts));

/// The oddities of an envelope.
#[rustfmt::skip] // a table
const ODDITIES: &[Oddity] = &[
    (ALL, "wrong token", |it| it.token(r#""forged""#)),
    (ALL, "wrong token", |it| it.token(r#""""#)),
    (ALL, "token absent", |it| remove(it.head(), "token")),
    (ALL, "token absent", |it| it.token("null")),
    (ALL, "token of another kind", |it| it.token("12345")),
    (ALL, "token of another kind", |it| it.token(r#"["verification-token"]"#)),
    (ALL, "token escaped", |it| it.token(r#""\u0076erification-token""#)),
    (ALL, "token twice", |it| it.head().insert(0, ("token", text("forged")))),
    (ALL, "unknown member", |it| it.top.push(("new", r#"{"a":[1,null,"x"]}"#.to_owned()))),
    (ALL, "encrypt is a list", |it| it.top.push(("encrypt", r#"["x"]"#.to_owned()))),
    (ALL, "encrypt is empty", |it| it.top.push(("encrypt", text("")))),
    (HEADED, "no schema", |it| remove(&mut it.top, "schema")),
    (HEADED, "no schema", |it| set(&mut it.top, "schema", "null")),
    (HEADED, "schema of another kind", |it| set(&mut it.top, "schema", "2")),
    (HEADED, "another schema", |it| set(&mut it.top, "schema", r#""3.0""#)),
    (HEADED, "no header", |it| remove(&mut it.top, "header")),
    (HEADED, "no header", |it| set(&mut it.top, "header", "null")),
    (HEADED, "header is a list", |it| set(&mut it.top, "header", "[]")),
    (HEADED, "type of a URL check", |it| it.event_type(r#""url_verification""#)),
    (HEADED, "both envelopes", |it| {
        it.top.extend([("uuid", text("u")), ("token", text(TOKEN)), ("type", text("event_callback"))]);
    }),
    (OLD, "no uuid", |it| remove(&mut it.top, "uuid")),
    (OLD, "no uuid", |it| set(&mut it.top, "uuid", r#""""#)),
    (OLD, "uuid of another kind", |it| set(&mut it.top, "uuid", "7")),
    (OLD, "no event_callback", |it| remove(&mut it.top, "type")),
    (OLD, "no event_callback", |it| set(&mut it.top, "type", r#""another""#)),
    (EVENTS, "type never heard of", |it| it.event_type(r#""kitchen.tea.ready_v1""#)),
    (EVENTS, "type of another kind", |it| it.event_type("7")),
    (EVENTS, "no type", |it| it.event_type("null")),
    (EVENTS, "no type", |it| it.event_type(r#""""#)),
    (EVENTS, "type is a list", |it| it.event_type("[]")),
    (EVENTS, "type twice", |it| {
        let (members, name) = it.typed();
        members.insert(0, (name, text("forged_v1")));
    }),
    (EVENTS, "event twice", |it| it.top.insert(0, ("event", "{}".to_owned()))),
    (EVENTS, "event absent", |it| remove(&mut it.top, "event")),
    (EVENTS, "event absent", |it| set(&mut it.top, "event", "null")),
    (EVENTS, "event is a list", |it| set(&mut it.top, "event", r#"[{"a":1}]"#)),
    (EVENTS, "event is a number", |it| set(&mut it.top, "event", "7")),
    (EVENTS, "member of the body twice", |it| it.event.insert(0, ("scope_id", text("first")))),
    (EVENTS, "many digits", |it| it.body("[18446744073709551616,1.50,1E2]")),
    (EVENTS, "minus zero", |it| it.body("-0")),
    (EVENTS, "a number that no float holds", |it| it.body("1e400")),
    (EVENTS, "a number of 5,000 digits", |it| it.body(&"7".repeat(5000))),
    (EVENTS, "not a number", |it| it.body("NaN")),
    (EVENTS, "half of a surrogate pair", |it| it.body(r#""\ud800""#)),
    (EVENTS, "escapes", |it| it.body(r#""\ud83c\udf75\/\u0000\b""#)),
    (EVENTS, "deep", |it| it.body(&format!("{}{}", "[".repeat(5000), "]".repeat(5000)))),
    (EVENTS, "control character", |it| it.body("\"\t\"")),
    (EVENTS, "300 KB", |it| it.body(&text(&"茶".repeat(100_000)))),
    (CHECK, "odd challenge", |it| set(&mut it.top, "challenge", r#""<script>""#)),
    (CHECK, "odd challenge", |it| set(&mut it.top, "challenge", r#""a \"b\"""#)),
    (CHECK, "odd challenge", |it| set(&mut it.top, "challenge", r#""""#)),
    (CHECK, "odd challenge", |it| set(&mut it.top, "challenge", &text(&"c".repeat(129)))),
    (CHECK, "challenge of another kind", |it| set(&mut it.top, "challenge", "7")),
    (CHECK, "no challenge", |it| remove(&mut it.top, "challenge")),
    (CHECK, "more than a URL check", |it| it.top.push(("event", "{}".to_owned()))),
    (CHECK, "5,000 spaces", |it| it.token(&format!("{}{}", " ".repeat(5000), text(TOKEN)))),
];

type Damage = (&'static str, fn(&mut Vec<u8>, &mut Rng));

/// The oddities of the bytes of a document.
#[rustfmt::skip] // a table
const DAMAGE: &[Damage] = &[
    ("truncated", |bytes, rng| bytes.truncate(rng.usize(1..bytes.len()))),
    ("empty", |bytes, _| bytes.clear()),
    ("something after it", |bytes, _| bytes.extend_from_slice(b"{}")),
    ("something after it", |bytes, _| bytes.push(0)),
    ("white space around it", |bytes, _| {
        bytes.splice(..0, *b"\n\t ");
        bytes.extend_from_slice(b" \r\n");
    }),
    ("byte order mark", |bytes, _| drop(bytes.splice(..0, *b"\xef\xbb\xbf"))),
    ("in UTF-16", |bytes, _| *bytes = utf_16(bytes)),
    ("not UTF-8", |bytes, _| drop(bytes.splice(2..2, *b"\xff"))),
    ("no object", |bytes, _| {
        bytes.insert(0, b'[');
        bytes.push(b']');
    }),
    ("no object", |bytes, _| *bytes = b"7".to_vec()),
    ("single quotes", |bytes, _| {
        bytes.iter_mut().filter(|byte| **byte == b'"').for_each(|byte| *byte = b'\'');
    }),
];

/// The text in UTF-16, with a byte order mark.
pub(crate) fn utf_16(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
