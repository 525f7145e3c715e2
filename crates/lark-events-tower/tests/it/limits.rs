//! Bounds: on the size of a body, on bytes and handlers in flight, and on time.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use lark_events::Webhook;
use lark_events::limits::{MAX_EVENT_BYTES, MAX_UNSIGNED_BYTES};
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events_sim::Document;
use lark_events_tower::{EventService, EventServiceBuildErrorKind};
use tower::ServiceExt as _;

use crate::support::{
    KEY, Pieces, TOKEN, event, post, request, signed, status, unsigned, watched, webhook,
};

/// The body of what the platform posts, with spaces up to exactly this many bytes.
fn padded(document: impl Into<Document>, length: usize) -> Bytes {
    let mut body = request(document).into_body().to_vec();
    assert!(body.len() <= length);
    body.resize(length, b' ');
    body.into()
}

fn signed_of(length: usize) -> Request<Full<Bytes>> {
    signed(padded(event("quick_v1"), length))
}

#[tokio::test]
async fn a_signed_body_may_be_as_large_as_the_limit_and_no_larger() {
    let service = EventService::new(webhook(), watched().0);
    assert_eq!(status(&service, signed_of(MAX_EVENT_BYTES)).await, 200);
    assert_eq!(status(&service, signed_of(MAX_EVENT_BYTES + 1)).await, 413);

    let small = Webhook::builder()
        .encrypt_key(KEY)
        .max_event_bytes(1_000)
        .build();
    let small = EventService::new(small.unwrap(), watched().0);
    assert_eq!(status(&small, signed_of(1_000)).await, 200);
    assert_eq!(status(&small, signed_of(1_001)).await, 413);
}

#[tokio::test]
async fn the_limit_is_enforced_while_reading_not_by_the_announced_length() {
    let service = EventService::new(webhook(), watched().0);
    for (length, expected) in [(MAX_EVENT_BYTES, 200), (MAX_EVENT_BYTES + 1, 413)] {
        let body = padded(event("quick_v1"), length);
        // In pieces, and so without a length to announce.
        let half = body.len() / 2;
        let pieces = [body.slice(..half), body.slice(half..)];
        let request = signed(body).map(|_| Pieces::new(pieces));
        assert_eq!(status(&service, request).await, expected);
    }
}

#[tokio::test]
async fn an_announced_length_beyond_the_limit_is_refused_unread() {
    struct Announced;
    impl http_body::Body for Announced {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            panic!("the body is not read");
        }
        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(5_000)
        }
    }
    let service = EventService::new(webhook(), watched().0);
    let unsigned = unsigned("").map(|_: Full<Bytes>| Announced);
    assert_eq!(status(&service, unsigned).await, 401);
}

#[tokio::test]
async fn a_length_that_no_number_holds_is_too_large_like_any_other() {
    /// A piece of the longest body there is, after one of another.
    struct Longest(Bytes);
    impl Buf for Longest {
        fn remaining(&self) -> usize {
            match self.0.len() {
                0 => usize::MAX,
                length => length,
            }
        }
        fn chunk(&self) -> &[u8] {
            &self.0
        }
        fn advance(&mut self, count: usize) {
            self.0.advance(count);
        }
    }
    let service = EventService::new(webhook(), watched().0);
    let pieces = Pieces::new([Bytes::from_static(b"{"), Bytes::new()]);
    let longest = signed("").map(|_| pieces.map_frame(|frame| frame.map_data(Longest)));
    assert_eq!(status(&service, longest).await, 413);
}

#[tokio::test]
async fn an_unsigned_body_is_read_no_further_than_a_url_check_can_be() {
    let service = EventService::new(webhook(), watched().0);
    let check = format!(r#"{{"type":"url_verification","token":"{TOKEN}","challenge":"abc"}}"#);
    for (length, expected) in [(MAX_UNSIGNED_BYTES, 200), (MAX_UNSIGNED_BYTES + 1, 401)] {
        let check = unsigned(padded(check.clone(), length));
        assert_eq!(status(&service, check).await, expected);
    }

    let endless = Pieces::new(std::iter::repeat_n(
        Bytes::from_static(&[b' '; 512]),
        1_000_000,
    ));
    assert_eq!(status(&service, unsigned("").map(|_| endless)).await, 401);
}

#[tokio::test]
async fn a_body_in_any_number_of_pieces_is_the_same_body() {
    let service = EventService::new(webhook(), watched().0);
    let in_bytes = request(event("quick_v1")).map(Pieces::bytes_by_byte);
    assert_eq!(status(&service, in_bytes).await, 200);
    let with_empty = |body| Pieces::new([Bytes::new(), body, Bytes::new()]);
    let with_empty = request(event("quick_v1")).map(with_empty);
    assert_eq!(status(&service, with_empty).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_sender_runs_into_the_read_time_out() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .read_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let drip = |pause| {
        request(event("quick_v1")).map(|body| {
            let halves = [body.slice(..100), body.slice(100..)];
            Pieces::new(halves).with_pause(pause)
        })
    };
    assert_eq!(
        status(&service, drip(Duration::from_millis(300))).await,
        200
    );
    assert_eq!(
        status(&service, drip(Duration::from_millis(600))).await,
        408
    );
    assert_eq!(seen.started(), 1);
}

/// The part of every body that is not counted as in flight.
const FREE_BYTES: usize = 16 * 1024;

/// An event whose body counts as `counted` bytes in flight.
fn large(event_type: &str, counted: usize) -> Request<Full<Bytes>> {
    signed(padded(event(event_type), FREE_BYTES + counted))
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded_and_given_back() {
    let (dispatcher, _) = watched();
    let service = EventService::builder(webhook(), dispatcher).max_bytes_in_flight(2_000);
    let service = service.build().unwrap();
    let all = tokio::join!(
        status(&service, large("slow_v1", 1_000)),
        status(&service, large("slow_v1", 1_000)),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let counted = status(&service, large("quick_v1", 1)).await;
            (counted, status(&service, large("quick_v1", 0)).await)
        },
    );
    assert_eq!(
        all,
        (200, 200, (503, 200)),
        "the handlers' bodies are still held"
    );
    assert_eq!(status(&service, large("quick_v1", 2_000)).await, 200);
    assert_eq!(status(&service, large("quick_v1", 2_001)).await, 503);
    assert_eq!(service.stats().overloaded, 2);
}

#[tokio::test]
async fn a_body_in_pieces_counts_once() {
    let service = EventService::builder(webhook(), watched().0).max_bytes_in_flight(2_000);
    let service = service.build().unwrap();
    for (counted, expected) in [(2_000, 200), (2_001, 503)] {
        let body = padded(event("quick_v1"), FREE_BYTES + counted);
        let pieces: Vec<_> = body.chunks(100).map(Bytes::copy_from_slice).collect();
        let request = signed(body).map(|_| Pieces::new(pieces));
        assert_eq!(status(&service, request).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn forged_bodies_held_on_purpose_cannot_keep_usual_events_out() {
    let service = EventService::new(webhook(), watched().0);
    let whole = Bytes::from(vec![b' '; MAX_EVENT_BYTES]);
    let forged = (0..16).map(|_| {
        // Well-formed headers, the longest body, and then nothing for as long as it is waited for.
        let held = Pieces::new([whole.clone()]).with_pause(Duration::from_millis(1_100));
        let service = service.clone();
        tokio::spawn(async move { status(&service, post("x_v1").map(|_| held)).await })
    });
    let forged: Vec<_> = forged.collect();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let nearly_all = status(&service, large("quick_v1", 1_000_000)).await;
    assert_eq!(nearly_all, 503, "the shares are taken");
    assert_eq!(status(&service, post("quick_v1")).await, 200);
    for forged in forged {
        assert_eq!(forged.await.unwrap(), 408);
    }
    let again = status(&service, large("quick_v1", 1_000_000)).await;
    assert_eq!(again, 200, "the shares are given back");
}

#[tokio::test(start_paused = true)]
async fn handlers_running_at_once_are_bounded() {
    let (dispatcher, seen) = watched();
    let service = EventService::builder(webhook(), dispatcher)
        .max_running(1)
        .build()
        .unwrap();
    let both = tokio::join!(status(&service, post("slow_v1")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(service.stats().running, 1);
        status(&service, post("slow_v1")).await
    });
    assert_eq!(both, (200, 503));
    assert_eq!(seen.started(), 1);
    assert_eq!(status(&service, post("slow_v1")).await, 200);
    assert_eq!(service.stats().overloaded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_holds_no_bytes_afterwards() {
    let service = EventService::builder(webhook(), watched().0)
        .max_bytes_in_flight(2_000)
        .build()
        .unwrap();
    let forge = |request: Request<Full<Bytes>>| {
        let (mut parts, body) = request.into_parts();
        parts
            .headers
            .insert(SIGNATURE_HEADER, "0".repeat(64).parse().unwrap());
        Request::from_parts(parts, body)
    };
    let whole = Bytes::from(vec![b' '; FREE_BYTES + 2_000]);
    for _ in 0..3 {
        assert_eq!(status(&service, forge(large("quick_v1", 2_000))).await, 401);
        let broken = Pieces::new([whole.clone()]).breaking_off();
        assert_eq!(
            status(&service, post("quick_v1").map(|_| broken)).await,
            400
        );
        let slow = Pieces::new([whole.clone()]).with_pause(Duration::from_millis(1_500));
        assert_eq!(status(&service, post("quick_v1").map(|_| slow)).await, 408);
    }
    assert_eq!(status(&service, large("quick_v1", 2_000)).await, 200);
    assert_eq!(service.stats().rejected_requests, 3);
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_handler_whose_sender_hung_up_is_still_held() {
    let service = EventService::builder(webhook(), watched().0).max_bytes_in_flight(1_000);
    let service = service.build().unwrap();
    let answer = service.clone().oneshot(large("slow_v1", 1_000));
    let hung_up = tokio::time::timeout(Duration::from_millis(100), answer).await;
    assert!(hung_up.is_err());
    assert_eq!(status(&service, large("quick_v1", 1_000)).await, 503);
    tokio::time::sleep(Duration::from_millis(310)).await;
    assert_eq!(status(&service, large("quick_v1", 1_000)).await, 200);
}

#[test]
fn a_bound_or_a_time_of_0_is_an_error_that_names_it() {
    let builder = EventService::builder(webhook(), watched().0);
    for (builder, setting) in [
        (builder.clone().max_running(0), "max_running"),
        (
            builder.clone().max_bytes_in_flight(0),
            "max_bytes_in_flight",
        ),
        (builder.clone().ack_deadline(Duration::ZERO), "ack_deadline"),
        (builder.clone().read_timeout(Duration::ZERO), "read_timeout"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), EventServiceBuildErrorKind::Zero);
        let said = format!("`{setting}` must be greater than 0, got 0");
        assert!(error.to_string().starts_with(&said), "{error}");
    }
    assert!(builder.build().is_ok(), "the builder is as it was");
}
