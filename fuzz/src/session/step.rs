//! Something that happens to a connection, read from bytes and written as such.

use lark_events_ws::frame::header;

use crate::input::Input;

const KEYS: [&str; 7] = [
    header::TYPE,
    header::SUM,
    header::SEQ,
    header::MESSAGE_ID,
    header::TRACE_ID,
    header::BIZ_RT,
    "",
];
const VALUES: [&str; 12] = [
    header::EVENT,
    header::PONG,
    header::CARD,
    "0",
    "1",
    "2",
    "-1",
    "+2",
    "1024",
    "1025",
    "99999999999999999999",
    "",
];
/// The kinds below.
const COUNT: u8 = 14;
/// Messages that come in fragments at the same time: the first of one, the last of eight.
pub(super) const MESSAGES: u8 = 8;

#[derive(Debug)]
pub(super) enum Step<'a> {
    /// An event in one frame.
    Event { len: u8 },
    /// A fragment of one of some messages, of any place.
    Fragment { of: u8, sum: u8, seq: u8, len: u8 },
    /// Fragments of a message, from a place on and around: mostly all.
    Run {
        of: u8,
        sum: u8,
        first: u8,
        count: u8,
    },
    /// A frame of any headers.
    Frame {
        method: u8,
        headers: Vec<(&'static str, &'static str)>,
    },
    /// A message of any bytes.
    Message(&'a [u8]),
    /// What the platform answers to a ping.
    Pong { settings: &'a [u8] },
    /// A text, or something else that is no message.
    Sign { is_text: bool },
    /// One of the handlers that run ends.
    Ends { which: u8, how: u8 },
    /// Time goes by; then the session is told, or something else comes first.
    Wait { ms: u16, is_told: bool },
    /// Time goes by until the session wants to be told.
    Sleep,
    /// A shutdown begins.
    Drain,
    /// The connection is lost, and another one opened.
    Lost,
    /// One fragment each of many other messages.
    Crowd { count: u8 },
    /// A fragment that is half of what an event may have, or a little more.
    Half { of: u8, seq: u8, more: u8 },
}

impl<'a> Step<'a> {
    /// The next step, unless the input ends.
    pub(super) fn read(input: &mut Input<'a>) -> Option<Self> {
        if input.is_empty() {
            return None;
        }
        Some(match input.byte() % COUNT {
            0 => Self::Event { len: input.byte() },
            1 => {
                let of = input.byte() % MESSAGES;
                let sum = sum(of, input.byte());
                let seq = place(sum, input.byte());
                let len = input.byte();
                Self::Fragment { of, sum, seq, len }
            }
            2 => {
                let method = input.byte();
                let count = input.byte() % 8;
                let headers = (0..count).map(|_| {
                    let key = KEYS[usize::from(input.byte()) % KEYS.len()];
                    (key, VALUES[usize::from(input.byte()) % VALUES.len()])
                });
                let headers = headers.collect();
                Self::Frame { method, headers }
            }
            3 => {
                let len = input.byte();
                Self::Message(input.bytes(len.into()))
            }
            4 => {
                let len = input.byte();
                let settings = input.bytes(len.into());
                Self::Pong { settings }
            }
            5 => Self::Sign {
                is_text: input.byte() % 2 == 1,
            },
            6 => Self::Ends {
                which: input.byte(),
                how: input.byte(),
            },
            7 => Self::Wait {
                ms: input.number(),
                is_told: input.byte() % 2 == 1,
            },
            8 => Self::Sleep,
            9 => Self::Drain,
            10 => Self::Lost,
            11 => Self::Crowd {
                count: input.byte(),
            },
            12 => {
                let of = input.byte() % MESSAGES;
                let sum = 1 + input.byte() % 64;
                let first = input.byte() % sum;
                let count = match input.byte() {
                    0..128 => sum,
                    byte => byte % sum,
                };
                Self::Run {
                    of,
                    sum,
                    first,
                    count,
                }
            }
            _ => Self::Half {
                of: input.byte(),
                seq: input.byte(),
                more: input.byte(),
            },
        })
    }
}

/// How many fragments a message has: mostly the same number each time, so that it gets whole.
fn sum(of: u8, byte: u8) -> u8 {
    match byte {
        0..200 => of + 1,
        200..240 => byte % 6,
        _ => byte,
    }
}

/// Mostly one that there is.
fn place(sum: u8, byte: u8) -> u8 {
    if byte < 240 { byte % sum.max(1) } else { byte }
}

/// Inputs to begin with: limits, then steps.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let ping = b"\x03\x16\x08\x00\x10\x00\x18\x07\x20\x00\x2a\x0c\x0a\x04type\x12\x04ping";
    let event = b"\x03\x17\x08\x00\x10\x00\x18\x07\x20\x01\x2a\x0d\x0a\x04type\x12\x05event";
    let pong = |settings: &str| {
        let len = u8::try_from(settings.len()).unwrap_or(u8::MAX);
        [&[4, len], settings.as_bytes()].concat()
    };
    let steps: [Vec<u8>; 14] = [
        b"\x0c\x00\x02\x01\x00\x0c\x01\x02\x00\x81\x06\x00\x00".to_vec(),
        b"\x00\x05\x06\x00\x00".to_vec(),
        b"\x00\x05\x00\x09\x06\x00\x02\x06\x00\x03\x00\x14\x06\x00\x04\x06\x00\x05".to_vec(),
        b"\x01\x01\x00\x00\x05\x01\x01\x00\x01\x05\x06\x00\x00".to_vec(),
        b"\x01\x02\x00\x02\x05\x01\x01\x00\x00\x05\x01\x02\x00\x00\x05\x01\x02\x00\x01\x05"
            .to_vec(),
        b"\x01\x03\x00\x00\x05\x01\x03\x00\x03\x05\x01\x03\x00\x01\x05\x01\x03\x00\x02\x05\x06\x00\x00"
            .to_vec(),
        b"\x01\x01\x00\x00\x05\x01\x01\xc9\x01\x05\x07\x27\x10\x01\x01\x01\x00\x01\x05".to_vec(),
        b"\x02\x01\x03\x00\x00\x01\x05\x02\x03\x02\x01\x02\x00\x00\x01\x09\x03\x04".to_vec(),
        [&ping[..], event, b"\x06\x00\x00\x05\x01\x05\x00"].concat(),
        [
            pong(r#"{"PingInterval":1}"#),
            b"\x08\x08\x08\x08\x08\x08\x08\x08".to_vec(),
        ]
        .concat(),
        [
            pong(r#"{"PingInterval":-9,"ReconnectCount":0}"#),
            pong("["),
            vec![8, 8],
        ]
        .concat(),
        b"\x00\x05\x00\x05\x07\x09\xc4\x01\x06\x00\x00\x00\x05\x09\x00\x05\x06\x00\x00".to_vec(),
        b"\x00\x05\x0a\x00\x05\x06\x00\x00\x0a\x06\x00\x00".to_vec(),
        b"\x0b\x7f\x0b\x05\x0d\x00\x00\x00\x0d\x00\x01\x00\x0d\x01\x00\x01\x0d\x01\x01\x00"
            .to_vec(),
    ];
    let limits = [
        b"\x01\xff\x00",
        b"\x02\x10\x00",
        b"\x00\xff\x01",
        b"\x07\x7f\x03",
    ];
    let with = |limits: &[u8; 3]| {
        let limits = *limits;
        steps.iter().map(move |steps| [&limits[..], steps].concat())
    };
    limits.into_iter().flat_map(with).collect()
}

/// The keys of frames and of settings, and their values.
#[must_use]
pub fn words() -> Vec<String> {
    let settings = [
        "PingInterval",
        "ReconnectCount",
        "ReconnectInterval",
        "ReconnectNonce",
    ];
    let settings = settings.map(|name| format!("\"{name}\":"));
    let frames = KEYS.iter().chain(&VALUES).filter(|word| !word.is_empty());
    frames
        .map(|&word| word.to_owned())
        .chain(settings)
        .collect()
}
