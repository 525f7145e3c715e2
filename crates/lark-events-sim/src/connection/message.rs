//! An event as the frames that carry it.

use bytes::Bytes;
use lark_events_ws::frame::{Frame, header};

use super::SERVICE_ID;
use crate::fault::Fault;
use crate::random::Random;

/// The frames of one event, in the order in which they are sent.
pub(crate) struct Message {
    pub(crate) id: String,
    /// The number of its fragments.
    pub(crate) sum: usize,
    pub(crate) frames: Vec<Frame>,
}

impl Message {
    /// Splits a document into fragments of at most `fragment_bytes`.
    pub(crate) fn split(
        json: &Bytes,
        fragment_bytes: usize,
        millis: u128,
        first_seq_id: u64,
        random: &Random,
    ) -> Self {
        let (id, trace_id) = (random.uuid(), random.hex(16));
        // The official Node SDK reads ids as doubles and answers with what those make of them.
        let log_id = random.with(|rng| rng.u64(..1 << 53));
        let sum = fragments(json, fragment_bytes);
        let fragment = |seq: usize| {
            let from = seq * fragment_bytes;
            let to = json.len().min(from + fragment_bytes);
            let mut frame = Frame::data(SERVICE_ID)
                .with_header(header::TYPE, header::EVENT)
                .with_header(header::MESSAGE_ID, &*id)
                .with_header(header::SUM, sum.to_string())
                .with_header(header::SEQ, seq.to_string())
                .with_header(header::TRACE_ID, &*trace_id)
                .with_header(header::TIMESTAMP, millis.to_string())
                .with_payload(json.slice(from..to));
            frame.seq_id = first_seq_id.wrapping_add(seq as u64);
            frame.log_id = log_id;
            frame.log_id_new = Some(trace_id.clone());
            frame
        };
        let frames = (0..sum).map(fragment).collect();
        Self { id, sum, frames }
    }

    /// Applies the faults of an attempt to its fragments; a lost fragment is not repeated.
    pub(crate) fn struck_by(&mut self, faults: &[Fault], random: &Random) {
        let drawn = |frames: &[Frame]| random.below(frames.len());
        if faults.contains(&Fault::LoseFragment) {
            self.frames.remove(drawn(&self.frames));
        }
        if faults.contains(&Fault::RepeatFragment) {
            let twice = self.frames[drawn(&self.frames)].clone();
            self.frames.push(twice);
        }
        if faults.contains(&Fault::ShuffleFragments) {
            random.with(|rng| rng.shuffle(&mut self.frames));
        }
    }
}

/// The number of frames of a document.
pub(crate) fn fragments(json: &Bytes, fragment_bytes: usize) -> usize {
    json.len().div_ceil(fragment_bytes).max(1)
}

/// An invalid message: bytes that are not a frame, or a frame that a client cannot use.
pub(crate) fn garbage(random: &Random) -> Garbage {
    const KINDS: usize = 10;
    let frame =
        |frame: Frame, payload: &'static str| Garbage::Binary(frame.with_payload(payload).encode());
    let data = |kind: &str| Frame::data(SERVICE_ID).with_header(header::TYPE, kind);
    let fragment = |sum: &str, seq: &str| {
        data(header::EVENT)
            .with_header(header::MESSAGE_ID, random.uuid())
            .with_header(header::TRACE_ID, random.hex(16))
            .with_header(header::SUM, sum)
            .with_header(header::SEQ, seq)
    };
    match random.below(KINDS) {
        0 => {
            let mut noise = vec![0xff];
            noise.extend((0..random.below(64)).map(|_| random.with(|rng| rng.u8(..))));
            Garbage::Binary(noise.into())
        }
        1 => Garbage::Text("garbage"),
        2 => Garbage::Binary(Bytes::new()),
        // A header without the other fields.
        3 => Garbage::Binary(Bytes::from_static(b"\x2a\x0d\x0a\x04type\x12\x05event")),
        4 => {
            let mut unknown = Frame::control(SERVICE_ID);
            unknown.method = 7;
            frame(unknown, "{}")
        }
        // An event without a message id.
        5 => frame(data(header::EVENT), "{}"),
        6 => {
            let card = data(header::CARD)
                .with_header(header::MESSAGE_ID, random.uuid())
                .with_header(header::TRACE_ID, random.hex(16))
                .with_header(header::SUM, "1")
                .with_header(header::SEQ, "0");
            frame(card, "{}")
        }
        7 => frame(fragment("3", "3"), "{}"),
        8 => {
            let sum = if random.below(2) == 0 {
                "many"
            } else {
                "1000000"
            };
            frame(fragment(sum, "1"), "{}")
        }
        _ => {
            let pong = Frame::control(SERVICE_ID).with_header(header::TYPE, header::PONG);
            frame(pong, "no JSON")
        }
    }
}

pub(crate) enum Garbage {
    Text(&'static str),
    Binary(Bytes),
}
