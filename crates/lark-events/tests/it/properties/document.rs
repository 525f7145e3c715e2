//! Documents: those of the platform, whatever is like them, and whatever is not.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::envelope::{change, envelope};

/// Names and texts of JSON as they are spelt, without their quotes.
pub(super) type Spelt = String;

/// JSON, or nearly.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Written as it is.
    Scalar(String),
    List(Vec<Node>),
    Object(Vec<(Spelt, Node)>),
    /// Lists or objects within each other, so many times.
    Deep(usize, bool),
}

/// A document in bytes.
pub(super) fn document() -> impl Strategy<Value = Bytes> {
    let envelope = (envelope(), vec(change(), 0..4)).prop_map(|(mut envelope, changes)| {
        for change in changes {
            change.make(&mut envelope);
        }
        Node::Object(envelope)
    });
    let root = prop_oneof![12 => envelope, 1 => node()];
    let spaces = vec(select(vec!["", "", "", "", " ", "\n", "\t\r "]), 1..8);
    let damage = prop_oneof![3 => Just(Vec::new()), 1 => vec(damage(), 1..3)];
    (root, spaces, damage).prop_map(|(root, spaces, damage)| {
        let mut text = String::new();
        root.write(&mut text, &mut spaces.iter().copied().cycle());
        let mut bytes = text.into_bytes();
        for damage in damage {
            damage.make(&mut bytes);
        }
        bytes.into()
    })
}

/// Regular and odd wrappers. `CIPHERTEXT` stands for the encrypted text.
pub(super) fn wrapper() -> impl Strategy<Value = String> {
    select(vec![
        r#"{"encrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT"}"#,
        " { \"encrypt\" :\t\"CIPHERTEXT\"\r\n} ",
        r#"{"\u0065ncrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT","schema":"2.0"}"#,
        r#"{"\ud800":1,"encrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT","encrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":null,"encrypt":"CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT""}"#,
        r#"{"encrypt":"\u0020CIPHERTEXT"}"#,
        r#"{"encrypt":"CIPHERTEXT\n"}"#,
        r#"{"encrypt":["CIPHERTEXT"]}"#,
        r#"{"encrypt":12345678}"#,
        r#"{"encrypt":""}"#,
        r#"{"encrypt":"CIPHERTEXT"}{"#,
        r#"["CIPHERTEXT"]"#,
        r#""CIPHERTEXT""#,
        "CIPHERTEXT",
    ])
    .prop_map(str::to_owned)
}

pub(super) fn name() -> impl Strategy<Value = Spelt> {
    #[rustfmt::skip] // a table
    let known = select(vec![
        "schema", "header", "event", "uuid", "ts", "token", "type", "challenge", "encrypt",
        "event_id", "event_type", "create_time", "app_id", "tenant_key", "resource_id",
        r"to\u006ben", r"\u0074ype", r"event\u005Ftype", r"\ud800", r"\udc00\ud800", "", "a",
        "b",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => spelt()]
}

/// Any text as a string of JSON.
fn spelt() -> impl Strategy<Value = Spelt> {
    any::<String>().prop_map(|text| {
        let json = serde_json::to_string(&text).unwrap();
        json[1..json.len() - 1].to_owned()
    })
}

pub(super) fn node() -> impl Strategy<Value = Node> {
    #[rustfmt::skip] // a table
    let scalar = select(vec![
        "null", "true", "false", "0", "-0", "7", "-1", "1608725989000", "18446744073709551615",
        "18446744073709551616", "-9223372036854775809", "1502199207.7171419", "1.50", "-1E+2",
        "1e400", r#""""#, r#""v-token""#, r#""\u0076-token""#, r#""other""#,
        r#""event_callback""#, r#""url_verification""#, r#""url_\u0076erification""#,
        r#""vc.room.created_v1""#, r#""a-Z_09""#, r#""a b""#, r#""a\/b\b\f""#,
        r#""茶\ud83c\uDF75""#, r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud83c\u0041""#,
        r#""\ud83c""#, "[]", "{}",
        // None of these is JSON.
        "01", "1.", ".5", "+1", "- 1", "1e", "nul", "NaN", "'a'", "\"\t\"", r#""\x""#,
        r#""\u00g0""#, r#""\u+123""#, "\"", "[1,]", r#"{"a":1,}"#, "{a:1}", r#"{"a"}"#, "/**/1",
        "\u{a0}1", "",
    ]);
    // What breaks the whole document is chosen less often.
    let scalar = scalar.prop_map(|text| Node::Scalar(text.to_owned()));
    let usual = select(vec![
        r#""v-token""#,
        r#""x_v1""#,
        "7",
        "null",
        r#""""#,
        r#""\ud800""#,
    ]);
    let leaf = prop_oneof![
        2 => scalar,
        3 => usual.prop_map(|text| Node::Scalar(text.to_owned())),
        1 => spelt().prop_map(|text| Node::Scalar(format!("\"{text}\""))),
        1 => (1..200usize, any::<bool>()).prop_map(|(depth, object)| Node::Deep(depth, object)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Node::List),
            vec((name(), inner), 0..4).prop_map(Node::Object),
        ]
    })
}

impl Node {
    fn write<'s>(&self, text: &mut String, spaces: &mut impl Iterator<Item = &'s str>) {
        text.extend(spaces.next());
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::List(items) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    item.write(text, spaces);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    text.extend(spaces.next());
                    text.push_str(&format!("\"{name}\""));
                    text.extend(spaces.next());
                    text.push(':');
                    value.write(text, spaces);
                }
                text.push('}');
            }
            Self::Deep(depth, object) => {
                let (open, close) = if *object {
                    (r#"{"a":"#, "}")
                } else {
                    ("[", "]")
                };
                text.push_str(&format!("{}1{}", open.repeat(*depth), close.repeat(*depth)));
            }
        }
        text.extend(spaces.next());
    }
}

/// What is done to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Append(&'static [u8]),
    ByteOrderMark,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    let tail = select(vec![
        &b" "[..],
        b"\n\n",
        b"}",
        b"{}",
        b"\0",
        b"\xff",
        b",",
        b"x",
        b"\xc2\xa0",
    ]);
    prop_oneof![
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => at().prop_map(Damage::Remove),
        1 => at().prop_map(Damage::Truncate),
        2 => tail.prop_map(Damage::Append),
        1 => Just(Damage::ByteOrderMark),
    ]
}

impl Damage {
    fn make(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Append(tail) => bytes.extend_from_slice(tail),
            Self::ByteOrderMark => drop(bytes.splice(..0, *b"\xef\xbb\xbf")),
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), byte),
            _ if bytes.is_empty() => {}
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Truncate(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}
