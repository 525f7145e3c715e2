//! Something that happens to a connection, read from bytes and written as such.

use std::time::Duration;

use bytes::Bytes;
use lark_events_ws::frame::header;
use lark_events_ws::internals::model::{LARGE, Step};

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
#[expect(clippy::cast_possible_truncation, reason = "eight")]
const MESSAGES: u8 = LARGE as u8;

/// The next step, unless the input ends.
pub(super) fn read(input: &mut Input<'_>) -> Option<Step> {
    if input.is_empty() {
        return None;
    }
    Some(match input.byte() % COUNT {
        0 => {
            let len = input.byte();
            let says_sum = len.is_multiple_of(2);
            Step::Event {
                len: len.into(),
                says_sum,
            }
        }
        1 => {
            let of = input.byte() % MESSAGES;
            let sum = sum(of, input.byte());
            let seq = place(sum, input.byte());
            Step::Fragment {
                of: of.into(),
                sum: sum.into(),
                seq: seq.into(),
                len: input.byte().into(),
            }
        }
        2 => {
            let method = i32::from(input.byte()) - 1;
            let count = input.byte() % 8;
            let headers = (0..count).map(|_| {
                let key = KEYS[usize::from(input.byte()) % KEYS.len()];
                (key, VALUES[usize::from(input.byte()) % VALUES.len()])
            });
            let headers = headers.collect();
            Step::Frame { method, headers }
        }
        3 => Step::Message(bytes(input)),
        4 => Step::Pong {
            settings: bytes(input),
        },
        5 => match input.byte() {
            255 => Step::LostAtEvent,
            byte if byte % 2 == 1 => Step::Text,
            _ => Step::SignOfLife,
        },
        6 => Step::Ends {
            which: input.byte().into(),
            how: input.byte().into(),
        },
        7 => Step::Wait {
            time: Duration::from_millis(input.number().into()),
            is_told: input.byte() % 2 == 1,
        },
        8 => Step::Sleep,
        9 => Step::Drain,
        10 => Step::Lost,
        11 => Step::Crowd {
            count: input.byte().into(),
        },
        12 => {
            let of = input.byte() % MESSAGES;
            let sum = 1 + input.byte() % 64;
            let first = input.byte() % sum;
            let count = match input.byte() {
                0..128 => sum,
                byte => byte % sum,
            };
            Step::Run {
                of: of.into(),
                sum: sum.into(),
                first: first.into(),
                count: count.into(),
            }
        }
        _ => Step::Half {
            of: input.byte().into(),
            seq: input.byte().into(),
            more: input.byte().into(),
        },
    })
}

/// So many bytes as the first one says.
fn bytes(input: &mut Input<'_>) -> Bytes {
    let len = input.byte();
    Bytes::copy_from_slice(input.bytes(len.into()))
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
