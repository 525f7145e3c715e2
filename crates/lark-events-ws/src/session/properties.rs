//! Property tests of the session, with any messages in any order, any handlers, and a driver that is
//! late.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

use super::model::{LARGE, LONGEST_SILENCE, Step, World};
use super::*;

/// Without a file of former failures: a failing case becomes a separate test. Runs `PROPTEST_CASES`
/// cases, or proptest's default.
fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}

fn settings() -> impl Strategy<Value = Bytes> {
    let number = prop_oneof![
        2 => any::<i64>(),
        3 => -1..700i64,
        1 => select(vec![i64::MIN, i64::MAX]),
    ];
    let settings = prop_oneof![
        8 => number.prop_map(|seconds| format!(r#"{{"PingInterval":{seconds}}}"#)),
        1 => select(vec!["", "{}", "[", "null", r#"{"PingInterval":"1"}"#, r#"{"PingInterval":1e99}"#])
            .prop_map(str::to_owned),
    ];
    settings.prop_map(Bytes::from)
}

/// A fragment, of its message's number of fragments or of any number.
fn fragment() -> impl Strategy<Value = Step> {
    let odd = prop::option::weighted(0.1, (0..6usize, 0..6usize));
    (0..LARGE, 0..9usize, odd).prop_map(|(of, seq, odd)| {
        let sum = 2 + of % 5;
        let (sum, seq) = odd.unwrap_or((sum, seq % sum));
        Step::Fragment {
            of,
            sum,
            seq,
            len: of,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let key = select(vec![
        header::TYPE,
        header::TYPE,
        header::SUM,
        header::SEQ,
        header::MESSAGE_ID,
        header::BIZ_RT,
        "",
    ]);
    let value = select(vec![
        header::EVENT,
        header::EVENT,
        header::PONG,
        header::CARD,
        "0",
        "1",
        "2",
        "-1",
        "99999999999999999999",
        "any",
    ]);
    let method = prop_oneof![4 => 0..2i32, 1 => any::<i32>()];
    let any_frame = (method, vec((key, value), 0..6));
    prop_oneof![
        6 => (0..60usize, any::<bool>()).prop_map(|(len, says_sum)| Step::Event { len, says_sum }),
        6 => fragment(),
        2 => (0..LARGE, 2..7usize, 0..7usize, 1..7usize)
            .prop_map(|(of, sum, first, count)| Step::Run { of, sum, first, count }),
        2 => any_frame.prop_map(|(method, headers)| Step::Frame { method, headers }),
        1 => settings().prop_map(|settings| Step::Pong { settings }),
        1 => vec(any::<u8>(), 0..40).prop_map(|message| Step::Message(message.into())),
        1 => select(vec![Step::Text, Step::SignOfLife]),
        5 => (0..8usize, 0..6usize).prop_map(|(which, how)| Step::Ends { which, how }),
        6 => (wait(), prop::bool::weighted(0.7))
            .prop_map(|(time, is_told)| Step::Wait { time, is_told }),
        1 => Just(Step::Sleep),
        1 => select(vec![Step::Drain, Step::Lost, Step::LostAtEvent, Step::LostAtEvent]),
    ]
}

fn wait() -> impl Strategy<Value = Duration> {
    let ms = prop_oneof![10 => 0..600u64, 3 => 0..11_000u64, 1 => 0..1_300_000u64];
    ms.prop_map(Duration::from_millis)
}

/// Handlers, bytes in flight and the ack deadline.
fn limits() -> impl Strategy<Value = (usize, usize, Duration)> {
    let deadline = select(vec![0, 1, 100, 2500, 2500, 2500, 30_000]);
    let max_bytes = prop_oneof![0..400usize, Just(usize::MAX)];
    (
        0..4usize,
        max_bytes,
        deadline.prop_map(Duration::from_millis),
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_comes_the_promises_are_kept(limits in limits(), steps in vec(step(), 0..120)) {
        let (max_running, max_bytes, ack_deadline) = limits;
        let mut world = World::new(max_running, max_bytes, ack_deadline);
        for step in steps {
            world.step(step);
        }
        world.let_deadlines_pass();
        let _told = world.finish();
    }

    #[test]
    fn a_connection_that_hears_nothing_is_given_up_in_time(
        pongs in vec((settings(), 0..200_000u64), 0..8),
    ) {
        let mut world = World::new(1, 0, Duration::ZERO);
        for (settings, ms) in pongs {
            world.step(Step::Pong { settings });
            let time = Duration::from_millis(ms);
            world.step(Step::Wait { time, is_told: true });
        }
        let (heard, interval) = (world.last_heard, world.session.config.ping_interval);
        while !world.given_up {
            let next = world.session.next_time();
            prop_assert!(next >= world.now);
            world.now = next;
            world.tell_time();
        }
        let silent = world.now - heard;
        prop_assert_eq!(silent, 2 * interval + SILENCE_GRACE);
        prop_assert!(silent <= LONGEST_SILENCE);
    }
}
