//! Started handlers: what hanging up, the ack deadline and draining do to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use lark_events::Dispatcher;
use lark_events_sim::{ANSWER_LIMIT, Answer, Missing};
use lark_events_tower::{EventService, LateHandler};
use tokio::time::{Instant, sleep, timeout};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::support::{Pieces, event, platform, post, request, status, watched, webhook};

#[tokio::test(start_paused = true)]
async fn a_sender_that_hangs_up_never_cancels_a_started_handler() {
    let (dispatcher, seen) = watched();
    let service = EventService::new(webhook(), dispatcher);
    // The platform drops the request after 100 ms, as a server does when the client is gone.
    let platform = platform().answer_limit(Duration::from_millis(100));
    let platform = platform.webhook_service(service).start().await.unwrap();
    let mut push = platform.push(event("slow_v1"));
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer, Answer::Missing(Missing::TimedOut));
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    sleep(Duration::from_millis(310)).await;
    assert_eq!((seen.started(), seen.finished()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_goes_on_even_when_the_last_service_is_dropped() {
    let (dispatcher, seen) = watched();
    let answer = EventService::new(webhook(), dispatcher).oneshot(post("slow_v1"));
    assert!(timeout(Duration::from_millis(100), answer).await.is_err());
    sleep(Duration::from_millis(310)).await;
    assert_eq!(seen.finished(), 1);
}

#[tokio::test(start_paused = true)]
async fn past_the_ack_deadline_the_answer_is_504_and_the_handler_finishes() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .ack_deadline(Duration::from_millis(200))
        .build()
        .unwrap();
    let asked = Instant::now();
    assert_eq!(status(&service, post("slow_v1")).await, 504);
    assert_eq!(asked.elapsed(), Duration::from_millis(200));
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    assert_eq!(service.stats().deadline_missed, 1);
    sleep(Duration::from_millis(210)).await;
    assert_eq!(seen.finished(), 1);
    assert_eq!(service.stats().running, 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_is_cancelled_by_choice() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .ack_deadline(Duration::from_millis(200))
        .late(LateHandler::Cancel)
        .build()
        .unwrap();
    assert_eq!(status(&service, post("slow_v1")).await, 504);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    assert_eq!(
        (service.stats().running, service.stats().deadline_missed),
        (0, 1)
    );

    // Also when nobody waits for it any more.
    let answer = service.clone().oneshot(post("slow_v1"));
    assert!(timeout(Duration::from_millis(100), answer).await.is_err());
    sleep(Duration::from_secs(1)).await;
    assert_eq!((seen.started(), seen.finished()), (2, 0));
    assert_eq!((service.stats().running, service.stats().cancelled), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn the_default_deadline_leaves_the_platform_half_a_second() {
    let service = EventService::new(webhook(), watched().0);
    let platform = platform().webhook_service(service).start().await.unwrap();
    let mut push = platform.push(event("hanging_v1"));
    let attempt = push.next_attempt().await.unwrap();
    assert_eq!(attempt.answer.to_string(), "status 504 Gateway Timeout");
    assert_eq!(attempt.took, Duration::from_millis(2_500));
    assert_eq!(ANSWER_LIMIT - attempt.took, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_running_handlers_and_takes_no_more() {
    let (dispatcher, seen) = watched();
    let service = EventService::new(webhook(), dispatcher);
    let (answered, drained, refused) = tokio::join!(
        status(&service, post("slow_v1")),
        async {
            sleep(Duration::from_millis(100)).await;
            let began = Instant::now();
            let drained = service.drain(Duration::from_secs(10)).await;
            assert_eq!(began.elapsed(), Duration::from_millis(300));
            drained
        },
        async {
            sleep(Duration::from_millis(200)).await;
            status(&service, post("quick_v1")).await
        },
    );
    assert_eq!((answered, refused), (200, 503));
    assert_eq!(drained, Ok(()));
    assert_eq!(seen.finished(), 1);
    assert_eq!(
        service.drain(Duration::ZERO).await,
        Ok(()),
        "again, with nothing left"
    );
}

#[tokio::test(start_paused = true)]
async fn draining_is_bounded_and_says_what_it_cancelled() {
    let (dispatcher, seen) = watched();
    let service = EventService::new(webhook(), dispatcher);
    let answer = tokio::spawn(service.clone().oneshot(post("hanging_v1")));
    sleep(Duration::from_millis(10)).await;
    let error = service.drain(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.cancelled(), 1);
    assert_eq!(
        error.to_string(),
        "handlers cancelled before they finished: 1"
    );
    assert_eq!(service.stats().running, 0);
    // What was not handled is not acknowledged.
    assert_eq!(answer.await.unwrap().unwrap().status(), 503);
    assert_eq!((seen.started(), seen.finished()), (1, 0));
    assert_eq!((service.stats().running, service.stats().cancelled), (0, 1));
    assert_eq!(service.stats().deadline_missed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_what_waits_for_a_permit_and_waits_for_what_runs() {
    let (dispatcher, seen) = watched();
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(dispatcher);
    let service = EventService::new(webhook(), limited);
    let (first, second, drained) = tokio::join!(
        status(&service, post("slow_v1")),
        async {
            sleep(Duration::from_millis(50)).await;
            let asked = Instant::now();
            let status = status(&service, post("slow_v1")).await;
            assert_eq!(asked.elapsed(), Duration::from_millis(50));
            status
        },
        async {
            sleep(Duration::from_millis(100)).await;
            let drained = service.drain(Duration::from_secs(10)).await;
            assert_eq!(service.stats().running, 0);
            drained
        },
    );
    assert_eq!((first, second), (200, 503));
    assert_eq!(drained, Ok(()));
    assert_eq!((seen.started(), seen.finished()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_ack_deadline_counts_from_the_arrival_of_the_request() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .ack_deadline(Duration::from_secs(2))
        .build()
        .unwrap();
    let slow = |body| Pieces::new([body]).with_pause(Duration::from_millis(500));
    let asked = Instant::now();
    let slow = request(event("hanging_v1")).map(slow);
    assert_eq!(status(&service, slow).await, 504);
    assert_eq!(asked.elapsed(), Duration::from_secs(2));
    assert_eq!(seen.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_body_took_until_the_ack_deadline_is_not_started() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .ack_deadline(Duration::from_secs(1))
        .build()
        .unwrap();
    // The body ends after the ack deadline, and before the read time-out.
    let slow = |body| Pieces::new([body]).with_pause(Duration::from_millis(600));
    let asked = Instant::now();
    let slow = request(event("quick_v1")).map(slow);
    assert_eq!(status(&service, slow).await, 408);
    assert_eq!(asked.elapsed(), Duration::from_secs(1));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(seen.started(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_is_no_deadline_at_all() {
    let (dispatcher, _) = watched();
    for late in [LateHandler::Finish, LateHandler::Cancel] {
        let service = EventService::builder(webhook(), dispatcher.clone())
            .ack_deadline(Duration::MAX)
            .read_timeout(Duration::MAX)
            .late(late)
            .build()
            .unwrap();
        assert_eq!(status(&service, post("slow_v1")).await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_count_what_never_started_or_finished_at_the_last_moment() {
    let (dispatcher, seen) = watched();
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(dispatcher);
    let service = EventService::new(webhook(), limited);
    let hanging = tokio::spawn(service.clone().oneshot(post("hanging_v1")));
    sleep(Duration::from_millis(10)).await;
    let waiting = tokio::spawn(service.clone().oneshot(post("quick_v1")));
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    let error = service.drain(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(100));
    assert_eq!((error.cancelled(), service.stats().cancelled), (1, 1));
    assert_eq!(hanging.await.unwrap().unwrap().status(), 503);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 503);
    assert_eq!((seen.started(), service.stats().running), (1, 0));

    let service = EventService::new(webhook(), watched().0);
    let answer = tokio::spawn(service.clone().oneshot(post("slow_v1")));
    sleep(Duration::from_millis(1)).await;
    let drained = service.drain(Duration::from_millis(399)).await;
    let handled = answer.await.unwrap().unwrap().status() == 200;
    assert_eq!(drained.is_ok(), handled, "{drained:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_count_what_was_cancelled_before_it() {
    let service = EventService::builder(webhook(), watched().0)
        .ack_deadline(Duration::from_secs(1))
        .late(LateHandler::Cancel)
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(status(&service, post("hanging_v1")).await, 504);
    }
    let answer = tokio::spawn(service.clone().oneshot(post("hanging_v1")));
    sleep(Duration::from_millis(10)).await;
    let error = service.drain(Duration::ZERO).await.unwrap_err();
    assert_eq!((error.cancelled(), service.stats().cancelled), (1, 4));
    assert_eq!(answer.await.unwrap().unwrap().status(), 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_counts_a_handler_that_blocks_its_thread_and_does_not_wait_for_it() {
    let started = Arc::new(AtomicBool::new(false));
    let release = Arc::new(Barrier::new(2));
    let (starts, blocked) = (Arc::clone(&started), Arc::clone(&release));
    let dispatcher = Dispatcher::builder()
        .on_raw("blocking_v1", move |_| {
            starts.store(true, Ordering::Release);
            blocked.wait();
            async {}
        })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    let answer = tokio::spawn(service.clone().oneshot(post("blocking_v1")));
    while !started.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    let error = service.drain(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.cancelled(), 1);
    release.wait();
    assert!(answer.await.unwrap().is_ok());
}
