//! Requests that say in two ways where they end, so that one inside of another may be read as a request
//! of its own. A hidden event is never dispatched, and no event is dispatched twice. The tests list how
//! hyper reads each form, to compare with a proxy in front of it.

use bytes::Bytes;
use http::Request;

use super::{Server, good, head, text, wire};

/// After which the server closes the connection, if it is read as a request.
const END: &str = "GET /webhook/event HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Bodies of an outer event, in the two ways to write one.
struct Outer {
    head: String,
    plain: String,
    chunked: String,
}

impl Outer {
    fn new() -> Self {
        let outer = good("outer_v1");
        let plain = text(&outer).to_owned();
        let chunked = format!("{:x}\r\n{plain}\r\n0\r\n\r\n", plain.len());
        Self {
            head: head(&outer),
            plain,
            chunked,
        }
    }

    fn plain(&self, headers: &str) -> String {
        let length = self.plain.len().to_string();
        let headers = headers.replace("LENGTH", &length);
        format!("{}{headers}\r\n\r\n{}", self.head, self.plain)
    }

    fn chunked(&self, headers: &str) -> String {
        format!("{}{headers}\r\n\r\n{}", self.head, self.chunked)
    }

    /// Chunked in another way.
    fn in_chunks(&self, chunks: &str) -> String {
        let size = format!("{:x}", self.plain.len());
        let chunks = chunks.replace("SIZE", &size).replace("DATA", &self.plain);
        format!("{}transfer-encoding: chunked\r\n\r\n{chunks}", self.head)
    }
}

/// Sends each form with an event behind it, and expects these statuses; 200 is the outer event's.
async fn answered(forms: impl IntoIterator<Item = (String, &'static [u16])>) {
    let hidden = wire(&good("smuggled_v1"));
    let servers = Server::both().await;
    let mut wrong = Vec::new();
    for (form, expected) in forms {
        for server in &servers {
            let answers = server
                .answers_to(form.replace("HIDDEN", &hidden) + END)
                .await;
            let dispatched = std::mem::take(&mut *server.dispatched.lock().unwrap());
            let outer = if expected.contains(&200) {
                &["outer_v1"][..]
            } else {
                &[]
            };
            if answers.0 != expected || dispatched != outer {
                wrong.push(format!(
                    "{}: {:?} {dispatched:?} {form}",
                    server.name, answers.0
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn a_length_beside_chunks_is_ignored_and_ends_the_connection() {
    let outer = Outer::new();
    let hidden = wire(&good("smuggled_v1"));
    let reaching_over = outer.chunked.len() + hidden.len();
    let mut forms = Vec::new();
    for length in [0, 4, outer.plain.len(), reaching_over] {
        for headers in [
            format!("content-length: {length}\r\ntransfer-encoding: chunked"),
            format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
            format!("transfer-encoding: chunked\nx: y\ncontent-length: {length}"),
            format!("content-length: {length}\r\ntransfer-encoding: identity, chunked"),
        ] {
            forms.push((outer.chunked(&headers) + "HIDDEN", &[200][..]));
        }
    }
    answered(forms).await;
}

#[tokio::test]
async fn lengths_that_are_no_single_number_are_refused() {
    let outer = Outer::new();
    let forms = [
        ("content-length: LENGTH\r\ncontent-length: 0", &[400][..]),
        ("content-length: 0\r\ncontent-length: LENGTH", &[400]),
        ("content-length: LENGTH, LENGTH", &[400]),
        ("content-length: +LENGTH", &[400]),
        ("content-length: -1", &[400]),
        ("content-length: 0xff", &[400]),
        ("content-length: 1e3", &[400]),
        ("content-length: 99999999999999999999", &[400]),
        // Numbers with a meaning of their own in hyper, which calls them too large.
        ("content-length: 18446744073709551615", &[431]),
        ("content-length:", &[400]),
        ("content-length : LENGTH", &[400]),
        ("content-length\r\n: LENGTH", &[400]),
        ("x: y\r\n content-length: LENGTH", &[400]),
        ("content-length:\r\n LENGTH", &[400]),
        ("x: \0\r\ncontent-length: LENGTH", &[400]),
        ("x: \r y\r\ncontent-length: LENGTH", &[400]),
    ];
    let forms = forms.map(|(headers, statuses)| (outer.plain(headers) + "HIDDEN", statuses));
    answered(forms).await;
}

#[tokio::test]
async fn the_same_length_twice_and_bare_line_feeds_are_taken() {
    let outer = Outer::new();
    let forms = [
        "content-length: LENGTH\r\ncontent-length: LENGTH",
        "content-length: \t LENGTH \t",
        "content-length: 000LENGTH",
        "x: y\ncontent-length: LENGTH",
    ];
    let forms = forms.map(|headers| (outer.plain(headers), &[200, 405][..]));
    answered(forms).await;
}

#[tokio::test]
async fn encodings_that_do_not_end_in_chunked_are_refused() {
    let outer = Outer::new();
    let forms = [
        ("transfer-encoding: xchunked", &[400][..]),
        ("transfer-encoding: \"chunked\"", &[400]),
        ("transfer-encoding: chunked, identity", &[400]),
        ("transfer-encoding: identity", &[400]),
        ("transfer-encoding: chunked;x=y", &[400]),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity",
            &[400],
        ),
        ("transfer-encoding: xchunked\r\ncontent-length: 4", &[400]),
        ("transfer-encoding : chunked", &[400]),
        ("transfer-encoding:\r\n chunked", &[400]),
        ("transfer-encoding:\x0bchunked", &[400]),
        ("transfer-encoding:", &[400]),
    ];
    let forms = forms.map(|(headers, statuses)| (outer.chunked(headers) + "HIDDEN", statuses));
    answered(forms).await;

    let taken = [
        "transfer-encoding: CHUNKED",
        "transfer-encoding:\tchunked ",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, chunked",
    ];
    answered(taken.map(|headers| (outer.chunked(headers), &[200, 405][..]))).await;
}

#[tokio::test]
async fn chunks_of_an_odd_form_are_no_event() {
    let outer = Outer::new();
    let refused = [
        "0xSIZE\r\nDATA\r\n0\r\n\r\n",
        "+SIZE\r\nDATA\r\n0\r\n\r\n",
        "-1\r\nDATA\r\n0\r\n\r\n",
        "\r\nSIZE\r\nDATA\r\n0\r\n\r\n",
        "SIZE\r\nDATA0\r\n\r\n",
        "SIZE\r\nDATA\n0\r\n\r\n",
        "SIZE\nDATA\r\n0\r\n\r\n",
        "SIZE;\nx\r\nDATA\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nDATA\r\n0\r\n\r\n",
    ];
    answered(refused.map(|chunks| (outer.in_chunks(chunks) + "HIDDEN", &[400][..]))).await;

    let taken = [
        "000SIZE\r\nDATA\r\n0\r\n\r\n",
        "SIZE;x=\"y\"\r\nDATA\r\n0;x\r\n\r\n",
        "SIZE \t\r\nDATA\r\n0\r\n\r\n",
        "SIZE\r\nDATA\r\n0\r\nx: y\r\n\r\n",
    ];
    answered(taken.map(|chunks| (outer.in_chunks(chunks), &[200, 405][..]))).await;
}

/// The service answers these before it has read the body, which must not be taken for a request then.
#[tokio::test]
async fn an_event_in_a_body_that_is_not_read_is_no_request() {
    let hidden = wire(&good("smuggled_v1"));
    let (length, chunk) = (
        hidden.len(),
        format!("{:x}\r\nHIDDEN\r\n0\r\n\r\n", hidden.len()),
    );
    let nothing = head(&Request::new(Bytes::new()));
    let mut forms = Vec::new();
    for (begin, status) in [
        (nothing.replace("POST", "GET"), 405),
        (nothing.replace("POST", "OPTIONS"), 405),
        (format!("{nothing}x-lark-signature: x\r\n"), 401),
        (format!("{nothing}content-encoding: gzip\r\n"), 415),
    ] {
        let statuses: &[u16] = Vec::leak(vec![status, 405]);
        forms.push((
            format!("{begin}content-length: {length}\r\n\r\nHIDDEN"),
            statuses,
        ));
        forms.push((
            format!("{begin}transfer-encoding: chunked\r\n\r\n{chunk}"),
            statuses,
        ));
    }
    answered(forms).await;
}
