//! Property tests of reassembly, with any fragments in any order.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

use super::*;

/// The buffer that parts of any length are slices of.
static ZEROS: [u8; MAX_EVENT_BYTES + 1] = [0; MAX_EVENT_BYTES + 1];

/// The first number of messages with a single fragment.
const FIRST_OF_CROWD: u16 = 1000;

/// Without a file of former failures: a failing case becomes a separate test. Runs half of proptest's
/// default number of cases, or `PROPTEST_CASES`.
fn config() -> Config {
    let config = Config::default();
    Config {
        cases: config.cases.div_ceil(2),
        failure_persistence: None,
        ..config
    }
}

/// A fragment, the time that passes, and whether the time is checked after it.
#[derive(Debug, Clone)]
struct Taken {
    message: u16,
    sum: usize,
    seq: usize,
    len: usize,
    /// The size of the rest of its message.
    around: usize,
    max_bytes: usize,
    after_ms: u64,
    then_expire: bool,
}

fn taken() -> impl Strategy<Value = Taken> {
    let odd = || select(vec![0, 1, 2, MAX_FRAGMENTS, MAX_FRAGMENTS + 1, usize::MAX]);
    let sum = prop_oneof![8 => 1..4usize, 1 => odd()];
    let seq = prop_oneof![8 => 0..3usize, 1 => odd()];
    let half = MAX_EVENT_BYTES / 2;
    let len = prop_oneof![
        20 => 0..9usize,
        1 => select(vec![half, half + 1, MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1]),
    ];
    let max_bytes = prop_oneof![
        8 => Just(usize::MAX),
        2 => 0..200usize,
        1 => Just(2 * MAX_EVENT_BYTES),
    ];
    let message = prop_oneof![1 => 0..4u16, 4 => 0..400u16];
    let after_ms = prop_oneof![20 => 0..20u64, 1 => 0..12_000u64];
    let of = |(message, sum, seq, (len, around), max_bytes, after_ms, then_expire)| Taken {
        message,
        sum,
        seq,
        len,
        around,
        max_bytes,
        after_ms,
        then_expire,
    };
    let then_expire = prop::bool::weighted(0.1);
    let size = (len, 0..50usize);
    (message, sum, seq, size, max_bytes, after_ms, then_expire).prop_map(of)
}

/// The fragments of a message.
type Parts = Vec<Vec<u8>>;

/// Messages, and the order of their fragments, by message and fragment number, some repeatedly.
fn messages() -> impl Strategy<Value = (Vec<Parts>, Vec<(usize, usize)>)> {
    let message = vec(vec(any::<u8>(), 0..5), 1..9);
    vec(message, 1..6).prop_flat_map(|messages| {
        let one = |(at, parts): (usize, &Vec<_>)| (0..parts.len()).map(move |seq| (at, seq));
        let all: Vec<_> = messages.iter().enumerate().flat_map(one).collect();
        let repeated = vec(select(all.clone()), 0..20);
        let order = repeated
            .prop_map(move |repeated| [all.clone(), repeated].concat())
            .prop_shuffle();
        (Just(messages), order)
    })
}

/// A payload with the given number of bytes around it.
fn part(payload: Bytes, around: usize) -> Part {
    let bytes = payload.len() + around;
    Part { payload, bytes }
}

impl Assembler {
    fn there(&self) -> usize {
        self.partial.values().map(Partial::there).sum()
    }

    fn has(&self, message_id: &str, seq: usize) -> bool {
        let partial = self.partial.get(message_id);
        let part = partial.and_then(|partial| partial.parts.get(seq));
        part.is_some_and(Option::is_some)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn messages_come_out_as_they_went_in((messages, order) in messages()) {
        let mut assembler = Assembler::default();
        let start = Instant::now();
        // The fragments held of each message. A fragment that arrives after its message is complete
        // begins another: a redelivered message.
        let mut there: Vec<BTreeMap<usize, Instant>> = vec![BTreeMap::new(); messages.len()];
        let mut whole = vec![0; messages.len()];
        for (step, &(at, seq)) in order.iter().enumerate() {
            let now = start + Duration::from_millis(step as u64);
            let parts = &messages[at];
            there[at].entry(seq).or_insert(now);
            let expected = if there[at].len() == parts.len() {
                whole[at] += 1;
                let began = *std::mem::take(&mut there[at]).values().min().unwrap();
                Joined::Whole { payload: parts.concat().into(), began }
            } else {
                Joined::Waiting
            };
            let (message_id, sum) = (at.to_string(), parts.len());
            let place = Place { message_id: &message_id, sum, seq };
            let taken = assembler.take(place, part(parts[seq].clone().into(), 0), 200, now);
            prop_assert_eq!(taken, (expected, 0));
        }
        for (at, parts) in messages.iter().enumerate() {
            let came = |seq| order.iter().filter(|it| **it == (at, seq)).count();
            let least = (0..parts.len()).map(came).min().unwrap();
            prop_assert!((1..=least).contains(&whole[at]), "{} of {}", whole[at], least);
        }
        let waiting = there.iter().map(BTreeMap::len).sum::<usize>();
        prop_assert_eq!(assembler.there(), waiting);
        assembler.expire(start + 2 * MAX_FRAGMENT_AGE);
        prop_assert_eq!((assembler.bytes(), assembler.next_expiry()), (0, None));
    }

    #[test]
    fn no_fragment_breaks_a_bound(
        crowd in 0..2 * MAX_ASSEMBLING,
        fragments in vec(taken(), 0..300),
    ) {
        let mut assembler = Assembler::default();
        let mut now = Instant::now();
        let waits = |message| Taken {
            message: FIRST_OF_CROWD + message as u16,
            sum: 2,
            seq: 0,
            len: 1,
            around: 0,
            max_bytes: usize::MAX,
            after_ms: 1,
            then_expire: false,
        };
        let fragments = (0..crowd).map(waits).chain(fragments);
        for Taken { message, sum, seq, len, around, max_bytes, after_ms, then_expire } in fragments {
            now += Duration::from_millis(after_ms);
            let message_id = message.to_string();
            let place = Place { message_id: &message_id, sum, seq };
            let repeated = assembler.has(&message_id, seq);
            let (there, bytes) = (assembler.there(), assembler.bytes());
            let part = part(Bytes::from_static(&ZEROS[..len]), around);
            let (joined, dropped) = assembler.take(place, part, max_bytes, now);

            prop_assert!(assembler.partial.len() <= MAX_ASSEMBLING);
            prop_assert!(assembler.bytes() <= max_bytes.max(bytes));
            let fits = |partial: &Partial| partial.payload_bytes <= MAX_EVENT_BYTES;
            prop_assert!(assembler.partial.values().all(fits));
            // Every fragment is accounted for: it waits, was joined or was dropped.
            let ignored = usize::from(repeated && joined == Joined::Waiting);
            let joined = match joined {
                Joined::Waiting => 0,
                Joined::Dropped(_) => {
                    let given_up = assembler.partial.get(&message_id);
                    prop_assert!(dropped > 0 && given_up.is_some_and(Partial::is_given_up));
                    0
                }
                Joined::Whole { payload, began } => {
                    prop_assert!(payload.len() <= MAX_EVENT_BYTES && began <= now);
                    prop_assert!(sum <= MAX_FRAGMENTS);
                    sum
                }
            };
            prop_assert_eq!(there + 1 - ignored, assembler.there() + joined + dropped);
            if then_expire {
                let there = assembler.there();
                prop_assert_eq!(there - assembler.expire(now), assembler.there());
                prop_assert!(assembler.next_expiry().is_none_or(|next| next > now));
            }
        }
        assembler.check();
        let there = assembler.there();
        prop_assert_eq!(assembler.expire(now + MAX_FRAGMENT_AGE), there);
        prop_assert_eq!((assembler.bytes(), assembler.next_expiry()), (0, None));
    }
}
