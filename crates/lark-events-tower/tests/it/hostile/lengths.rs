//! Bodies that are longer or shorter than they say, endless or compressed, and many requests at once.

use bytes::Bytes;
use http::Request;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::webhook::SIGNATURE_HEADER;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::{Answers, PATIENCE, Server, good, head, last, text, wire};

/// What sockets and servers take beyond what is asked for, while it is refused.
const BUFFERS: usize = 8 * 1024 * 1024;

/// An event with another signature than its own.
fn forged(event_type: &str) -> Request<Bytes> {
    let mut forged = good(event_type);
    let signature = "0".repeat(64).parse().unwrap();
    forged.headers_mut().insert(SIGNATURE_HEADER, signature);
    forged
}

/// Sends `piece` for as long as it is taken, while others are served; gives how much that was, and the
/// answers.
async fn flood(server: &Server, begin: &str, piece: &[u8]) -> (usize, Answers) {
    let (flooded, ()) = tokio::join!(endless(server, begin, piece), server.still_serves());
    flooded
}

async fn endless(server: &Server, begin: &str, piece: &[u8]) -> (usize, Answers) {
    let mut socket = server.connect().await;
    socket.write_all(begin.as_bytes()).await.unwrap();
    let mut taken = 0;
    while let Ok(Ok(())) = timeout(PATIENCE / 10, socket.write_all(piece)).await {
        taken += piece.len();
        assert!(taken < 1 << 30, "{}: there is no end to it", server.name);
    }
    (taken, Answers::of(&mut socket).await)
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_its_limit() {
    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", " ".repeat(length));
    let signed = head(&good("endless_v1"));
    let unsigned = head(&Request::new(Bytes::new()));
    for server in Server::both().await {
        for (head, limit, status) in [(&signed, MAX_EVENT_BYTES, 413), (&unsigned, 0, 401)] {
            let begin = format!("{head}transfer-encoding: chunked\r\n\r\n");
            let (taken, answers) = flood(&server, &begin, chunk(64 * 1024).as_bytes()).await;
            // A connection that is reset may lose the answer.
            let answers = answers.0;
            assert!(answers.is_empty() || answers == [status], "{answers:?}");
            assert!(taken < limit + BUFFERS, "{}: {taken}", server.name);
        }
        assert_eq!(
            server.events.stats().rejected_requests,
            2,
            "{}",
            server.name
        );
        assert_eq!(server.dispatched(), [""; 0]);
    }
}

#[tokio::test]
async fn chunks_and_trailers_without_end_are_cut_off() {
    let begin = format!(
        "{}transfer-encoding: chunked\r\n\r\n",
        head(&good("endless_v1"))
    );
    for server in Server::both().await {
        for (what, begin, piece) in [
            ("an extension", format!("{begin}1;"), "x=".repeat(1_000)),
            (
                "trailers",
                format!("{begin}0\r\n"),
                "x: y\r\n".repeat(1_000),
            ),
            (
                "chunks of a byte",
                begin.clone(),
                "1\r\n \r\n".repeat(1_000),
            ),
        ] {
            let (taken, answers) = flood(&server, &begin, piece.as_bytes()).await;
            let refused = |status| [400, 408, 413].contains(status);
            assert!(answers.0.iter().all(refused), "{what}: {answers:?}");
            assert!(
                taken < 6 * MAX_EVENT_BYTES + BUFFERS,
                "{}: {taken}",
                server.name
            );
        }
        assert_eq!(server.dispatched(), [""; 0]);
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_longer_is_waited_for_and_no_event() {
    for server in Server::both().await {
        let event = good("long_v1");
        let said = event.body().len() + 1;
        let wire = format!(
            "{}content-length: {said}\r\n\r\n{}",
            head(&event),
            text(&event)
        );
        assert_eq!(server.answers_to(wire).await.0, [408], "{}", server.name);
        assert_eq!(server.dispatched(), [""; 0]);
        server.still_serves().await;
    }
}

#[tokio::test]
async fn what_is_beyond_the_length_that_a_body_says_is_another_request() {
    for server in Server::both().await {
        let event = good("short_v1");
        for cut in [1, 10, event.body().len()] {
            let said = event.body().len() - cut;
            let wire = format!(
                "{}content-length: {said}\r\n\r\n{}",
                head(&event),
                text(&event)
            );
            assert_eq!(
                server.answers_to(wire).await.0,
                [401, 400],
                "{}",
                server.name
            );
        }
        assert_eq!(server.dispatched(), [""; 0]);

        let two = format!("{}{}", wire(&event), last(&good("next_v1")));
        assert_eq!(server.answers_to(two).await.0, [200, 200]);
        assert_eq!(server.dispatched(), ["short_v1", "next_v1"]);
    }
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_order() {
    for server in Server::both().await {
        let get = "GET /webhook/event HTTP/1.1\r\nhost: x\r\n\r\n";
        let mixed = [
            wire(&good("first_v1")),
            wire(&forged("forged_v1")),
            get.to_owned(),
            wire(&Request::new(Bytes::from_static(b"{}"))),
            last(&good("second_v1")),
        ];
        let answers = server.answers_to(mixed.concat()).await;
        assert_eq!(answers.0, [200, 401, 405, 401, 200], "{}", server.name);
        assert_eq!(server.dispatched(), ["first_v1", "second_v1"]);

        let many = wire(&good("many_v1")).repeat(500) + &last(&good("many_v1"));
        assert_eq!(
            server.answers_to(many).await.0,
            [200; 501],
            "{}",
            server.name
        );
        assert_eq!(server.dispatched().len(), 503);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_unread() {
    for server in Server::both().await {
        for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
            let event = good("packed_v1");
            let begin = format!(
                "{}content-encoding: {encoding}\r\ncontent-length: {MAX_EVENT_BYTES}\r\n\r\n",
                head(&event)
            );
            let answers = server.answers_to(begin).await;
            assert_eq!(answers.0, [415], "{} {encoding}", server.name);
        }
        assert_eq!(server.dispatched(), [""; 0]);
        server.still_serves().await;
    }
}
