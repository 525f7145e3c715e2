//! Whatever comes, in whatever order: a platform and handlers that do anything, a driver that is
//! late, and what holds all the same.

mod world;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;

use self::world::World;
use super::*;

/// No setting makes a connection count as alive for longer: two of the longest intervals, and grace.
const LONGEST_SILENCE: Duration = Duration::from_secs(20 * 60 + 5);
/// No setting makes a client ping more often.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Messages that come in fragments at the same time.
const LARGE: usize = 4;

/// Without a file of former failures: what fails becomes a test of its own. As many cases as
/// `PROPTEST_CASES` says, or proptest's own default.
fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}

/// Something that happens to a connection.
#[derive(Debug, Clone)]
enum Step {
    /// An event in one frame.
    Event {
        len: usize,
        says_sum: bool,
    },
    /// A fragment of one of the [`LARGE`] messages, which may have come before.
    Fragment {
        of: usize,
        seq: usize,
    },
    /// A frame of anything.
    Any {
        method: i32,
        headers: Vec<(&'static str, &'static str)>,
    },
    Pong {
        settings: String,
    },
    Garbage {
        message: Vec<u8>,
    },
    Text,
    SignOfLife,
    /// One of the handlers that run ends.
    Ends {
        which: Index,
        how: usize,
    },
    /// Time goes by; then the session is told, or something else comes first.
    Wait {
        ms: u64,
        told: bool,
    },
    Drain,
    /// The connection is lost, and another one opened.
    Lost,
    /// The same, when an event has come whose handler is not started.
    LostAtEvent,
}

fn settings() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        2 => any::<i64>(),
        3 => -1..700i64,
        1 => select(vec![i64::MIN, i64::MAX]),
    ];
    prop_oneof![
        8 => number.prop_map(|seconds| format!(r#"{{"PingInterval":{seconds}}}"#)),
        1 => select(vec!["", "{}", "[", "null", r#"{"PingInterval":"1"}"#, r#"{"PingInterval":1e99}"#])
            .prop_map(str::to_owned),
    ]
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
        6 => (0..LARGE, 0..4usize).prop_map(|(of, seq)| Step::Fragment { of, seq }),
        2 => any_frame.prop_map(|(method, headers)| Step::Any { method, headers }),
        1 => settings().prop_map(|settings| Step::Pong { settings }),
        1 => vec(any::<u8>(), 0..40).prop_map(|message| Step::Garbage { message }),
        1 => select(vec![Step::Text, Step::SignOfLife]),
        5 => (any::<Index>(), 0..6usize).prop_map(|(which, how)| Step::Ends { which, how }),
        6 => (wait(), prop::bool::weighted(0.7)).prop_map(|(ms, told)| Step::Wait { ms, told }),
        1 => select(vec![Step::Drain, Step::Lost, Step::LostAtEvent, Step::LostAtEvent]),
    ]
}

fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 0..600u64, 3 => 0..11_000u64, 1 => 0..1_300_000u64]
}

fn limits() -> impl Strategy<Value = Limits> {
    let deadline = select(vec![0, 1, 100, 2500, 2500, 2500, 30_000]);
    let max_bytes = prop_oneof![0..400usize, Just(usize::MAX)];
    (0..4usize, max_bytes, deadline).prop_map(|(max_running, max_bytes_in_flight, ms)| Limits {
        max_running,
        max_bytes_in_flight,
        ack_deadline: Duration::from_millis(ms),
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_comes_the_promises_are_kept(limits in limits(), steps in vec(step(), 0..120)) {
        let mut world = World::new(limits);
        for step in steps {
            world.step(step);
        }
        // All that is open is answered at last, or its connection given up.
        world.now += limits.ack_deadline;
        world.tell_time();
    }

    #[test]
    fn a_connection_that_hears_nothing_is_given_up_in_time(
        pongs in vec((settings(), 0..200_000u64), 0..8),
    ) {
        let mut world = World::new(Limits {
            max_running: 1,
            max_bytes_in_flight: 0,
            ack_deadline: Duration::ZERO,
        });
        for (settings, ms) in pongs {
            world.step(Step::Pong { settings });
            world.step(Step::Wait { ms, told: true });
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
