//! A service behind either transport: what the platform is answered.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_sim::{Answer, Mode, Platform, Push};
use lark_events_tower::EventService;
use lark_events_ws::{Domain, LongConnection, State};
use tower::Service;

use crate::support::{platform, webhook};

pub(crate) const BOTH: [Mode; 2] = [Mode::Webhook, Mode::LongConnection];

/// A platform that delivers to `service` by `mode`, once and then after each of `waits`.
pub(crate) async fn delivering<S>(
    mode: Mode,
    service: S,
    waits: impl IntoIterator<Item = Duration>,
) -> Arc<Platform>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let platform = platform().redeliver_after(waits);
    if mode == Mode::Webhook {
        let service = EventService::new(webhook(), service);
        return Arc::new(platform.webhook_service(service).start().await.unwrap());
    }
    let platform = platform.app("cli_a1b2c3d4e5f60718", "app-secret");
    let platform = Arc::new(platform.start().await.unwrap());
    let dialed = Arc::clone(&platform);
    let connection = LongConnection::builder("cli_a1b2c3d4e5f60718", "app-secret")
        .domain(Domain::custom(platform.base_url()))
        .connect_with(move |_| {
            let stream = dialed.dial();
            async move { Ok(stream) }
        });
    let connection = connection.build().unwrap();
    let monitor = connection.monitor();
    tokio::spawn(connection.run(service).into_future());
    assert!(monitor.until(State::is_connected).await.is_connected());
    platform
}

/// The status or the code of an answer.
pub(crate) fn code(answer: &Answer) -> i64 {
    match answer {
        Answer::Response { status, .. } => status.as_u16().into(),
        Answer::Ack { code, .. } => *code,
        other => panic!("no answer: {other}"),
    }
}

/// What the next attempt is answered with, and after how many milliseconds.
pub(crate) async fn answered(push: &mut Push) -> (i64, u128) {
    let attempt = push.next_attempt().await.unwrap();
    (code(&attempt.answer), attempt.took.as_millis())
}
