//! What is logged, and what never is, on either transport and under all layers. In a program of its
//! own, with one test, because whether a log line is wanted is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod log;
mod long_connection;
mod named;
#[path = "../it/platform.rs"]
mod platform;
mod shown;
mod sockets;
mod webhook;

use tracing::{Level, trace};

use self::log::{Line, logged};

/// In every secret and in every body of an event.
const MARK: &str = "marked-";
/// What may be seen of a line that has all of the above.
const CONTROL: &str = "a control line: marked-control";

/// Of whatever can happen to an event or a connection one line at least.
const SAID: &[&str] = &[
    "rejected reason=\"signature\"",
    "rejected reason=\"token\"",
    "rejected reason=\"unsigned\"",
    "authentic request rejected",
    "dispatched",
    "no handler",
    "not handled error=the handler failed",
    app::FAILURE,
    "not handled error=the handler panicked",
    "not handled error=the body does not fit",
    "cancelled before it finished",
    "no outcome by the ack deadline",
    "not acknowledged: the payload is not an event",
    "not acknowledged: the event is for another app",
    "a worker of the inbox runs",
    "duplicate: acknowledged, not stored again",
    "the event is a dead letter now",
    "acknowledged, but not handled when the last worker stopped: the event is lost",
    "too many deliveries are waiting",
    "the store failed to record the event",
    app::STORE_FAILURE,
    "message dropped",
    "fragments dropped",
    "fragments of incomplete events",
    "a builder",
    "a connection connection=",
    "a state",
    "connected connection_id",
    "draining",
    "reconnecting error=the platform cannot provide a connection now: code 1000040343",
    "the ticket is not valid",
    "the platform sent an unexpected answer: no usable address",
    "the platform sent an unexpected answer: the response to the address request",
    "the connection attempt timed out",
    "the platform was silent",
    "the connection was lost",
    "the platform closed the connection",
    "the platform rejected the app",
    "the platform rejected the connection as forbidden",
    "the app has too many connections",
    "the platform cannot be reached: invalid peer certificate",
    "the platform cannot be reached: tcp connect error",
    "the platform cannot be reached: tunnel",
    "shown: EncryptKey(..)",
    "shown: Ok(Delivery(",
];

/// The values of an address of a long connection that nobody else may know.
fn secrets(text: &str) -> impl Iterator<Item = &str> {
    let members = text
        .split(['?', '&', ' ', '"'])
        .filter_map(|member| member.split_once('='));
    let secret = members.filter(|(name, _)| matches!(*name, "access_key" | "ticket"));
    secret.map(|(_, value)| value)
}

#[tokio::test(start_paused = true)]
async fn logs_tell_of_which_event_and_never_what_was_in_it() {
    named::whatever_is_logged_of_an_event_names_it().await;

    let lines = logged(Level::TRACE, async {
        trace!(target: "lark_events", "{CONTROL}");
        webhook::whatever_comes().await;
        long_connection::whatever_happens().await;
        shown::all();
        tokio::time::resume();
        sockets::both_transports().await;
    })
    .await;
    no_secret_and_no_payload_is_in_a_line_of_ours(&lines);
}

fn no_secret_and_no_payload_is_in_a_line_of_ours(lines: &[Line]) {
    let (ours, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.is_ours());
    let foreign = || others.iter().copied().filter(|line| line.is_foreign());

    // All of it happened, down to the last level.
    let is_said = |said: &str| ours.iter().any(|line| line.text.contains(said));
    assert!(is_said(&format!("TRACE lark_events: {CONTROL}")));
    for said in SAID {
        assert!(is_said(said), "no {said:?} in {ours:#?}");
    }
    assert!(!is_said("a panic's own text"));

    // And it would be seen here, if it were logged: a crate below that shows all of it is.
    let shown = |said: &str| foreign().any(|line| line.is_detail() && line.text.contains(said));
    assert!(shown("marked-payload") && shown("marked-header"));
    let tickets: Vec<_> = foreign().flat_map(|line| secrets(&line.text)).collect();
    assert!(tickets.len() > 10, "{tickets:?}");

    let others = foreign().filter(|line| !line.is_detail());
    let leaks = |line: &&Line| {
        let text = line.text.replace(CONTROL, "");
        text.contains(MARK) || tickets.iter().any(|ticket| text.contains(ticket))
    };
    let leaked: Vec<_> = ours.into_iter().chain(others).filter(leaks).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
