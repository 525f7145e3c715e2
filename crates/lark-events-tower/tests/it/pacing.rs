//! tower's layers that make events wait or turn them away, around the dispatcher, on both
//! transports: each has its answer, and the next event is served.

use std::time::Duration;

use lark_events_sim::Mode;
use tokio::time::sleep;
use tower::ServiceBuilder;

use crate::support::{event, watched};
use crate::transports::{BOTH, answered, delivering};

#[tokio::test(start_paused = true)]
async fn a_buffer_passes_on_outcomes_and_failures() {
    for mode in BOTH {
        let (dispatcher, seen) = watched();
        let buffered = ServiceBuilder::new().buffer(8).service(dispatcher);
        let platform = delivering(mode, buffered, []).await;
        for (event_type, expected) in [
            ("failing_v1", 500),
            ("panicking_v1", 500),
            ("quick_v1", 200),
        ] {
            let answer = answered(&mut platform.push(event(event_type))).await;
            assert_eq!(answer, (expected, 0), "{event_type} by {mode:?}");
        }
        assert_eq!(seen.finished(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_that_sheds_refuses_and_serves_on() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let layers = ServiceBuilder::new()
            .load_shed()
            .buffer(1)
            .concurrency_limit(1);
        let platform = delivering(mode, layers.service(dispatcher), []).await;
        // One runs, the buffer's task holds one, and one is in the buffer.
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(platform.push(event("slow_v1")));
            sleep(Duration::from_millis(1)).await;
        }
        let shed = answered(&mut platform.push(event("quick_v1"))).await;
        assert_eq!(shed, (refused, 0), "{mode:?}");
        for mut push in taken {
            assert_eq!(answered(&mut push).await.0, 200, "{mode:?}");
        }
        assert_eq!(seen.finished(), 3);
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_makes_events_wait_until_their_deadline() {
    for (mode, late) in [(Mode::Webhook, 504), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let layers = ServiceBuilder::new()
            .buffer(8)
            .rate_limit(1, Duration::from_secs(2));
        let platform = delivering(mode, layers.service(dispatcher), []).await;
        let mut pushes = [(); 3].map(|()| platform.push(event("quick_v1")));
        let mut answers = Vec::new();
        for push in &mut pushes {
            answers.push(answered(push).await);
        }
        answers.sort_unstable_by_key(|&(_, took)| took);
        assert_eq!(answers[0], (200, 0), "{mode:?}");
        assert_eq!(answers[1].0, 200, "{mode:?}");
        assert!(answers[1].1.abs_diff(2_000) <= 1, "{mode:?}: {answers:?}");
        assert_eq!(answers[2], (late, 2_500), "{mode:?}");
        // The late one is in the buffer, and handled in its time.
        sleep(Duration::from_secs(5)).await;
        assert_eq!(seen.finished(), 3, "{mode:?}");
        assert_eq!(answered(&mut platform.push(event("quick_v1"))).await.0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_alone_has_its_answer_and_serves_on() {
    for (mode, shed, late) in [(Mode::Webhook, 503, 504), (Mode::LongConnection, 500, 500)] {
        let timeout = ServiceBuilder::new().timeout(Duration::from_millis(100));
        let platform = delivering(mode, timeout.service(watched().0), []).await;
        assert_eq!(
            answered(&mut platform.push(event("slow_v1"))).await,
            (late, 100)
        );
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 0)
        );

        let limited = ServiceBuilder::new()
            .concurrency_limit(1)
            .service(watched().0);
        let platform = delivering(mode, limited, []).await;
        let mut running = platform.push(event("slow_v1"));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 399)
        );
        assert_eq!(answered(&mut running).await, (200, 400));

        let shedding = ServiceBuilder::new().load_shed().concurrency_limit(1);
        let platform = delivering(mode, shedding.service(watched().0), []).await;
        let mut running = platform.push(event("slow_v1"));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (shed, 0)
        );
        assert_eq!(answered(&mut running).await, (200, 400));
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 0)
        );
    }
}
