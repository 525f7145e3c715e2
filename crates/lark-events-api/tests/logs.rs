//! No token and no secret is shown, whatever happens. A process of its own: other tests would decide which
//! log lines are made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/platform.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod platform;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::callback::CardActionTrigger;
use lark_events::{BoxError, Event, EventHeader};
use lark_events_api::{Api, ApiError, AppTicket, Card, CardAnswer, Message, Receiver};
use tracing::Level;

use self::platform::{Fault, ID, Platform, SECRET};

/// Log lines, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn card() -> Card {
    Card::v2().markdown("tea")
}

fn shown(error: &ApiError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text} {error} {error:?}");
        cause = error.source();
    }
    text
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_log_line_an_error_or_debug_output() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let platform = Platform::new();
    let api = platform.api();
    let echo = format!(r#"{{"code":230001,"msg":"marked-t-1 {SECRET}"}}"#);
    // The platform repeats what it should not.
    let faults = [
        Fault::Answer(400, vec![("x-tt-logid", "marked-t-1")], echo),
        Fault::code(400, 230_002),
        Fault::gateway(502),
        Fault::Lost,
        Fault::NotSent,
        Fault::TooLarge,
        Fault::limited(429, Some("9999")),
    ];
    let mut all = format!(
        "{api:?} {:?} {:?}",
        Api::builder(ID, SECRET),
        AppTicket::new("marked")
    );
    for fault in faults {
        platform.fault(fault);
        let message = Message::text("marked-text");
        let sending = api.send(Receiver::chat("oc_1"), message.clone());
        all = format!("{all} {message:?} {sending:?}");
        let error = sending.await.unwrap_err();
        all = format!("{all} {}", shown(&error));
        let boxed: BoxError = error.into();
        all = format!("{all} {boxed:?}");
    }
    platform.token_fault(Fault::Answer(
        200,
        Vec::new(),
        format!(r#"{{"code":10014,"msg":"{SECRET} is wrong"}}"#),
    ));
    let other = platform.api();
    all = format!("{all} {}", shown(&other.recall("om_1").await.unwrap_err()));
    platform.token_fault(Fault::Answer(
        200,
        Vec::new(),
        r#"{"code":0,"tenant_access_token":["marked"],"expire":"marked"}"#.to_owned(),
    ));
    all = format!("{all} {}", shown(&other.recall("om_1").await.unwrap_err()));
    platform.revoke();
    other.recall("om_1").await.unwrap();

    // The other secrets that calls carry.
    let failing = |msg: &str| {
        let body = format!(r#"{{"code":10003,"msg":"{msg} is wrong"}}"#);
        Fault::Answer(200, vec![], body)
    };
    let store = platform.builder().store_app().build().unwrap();
    let ticket = AppTicket::new("marked-ticket");
    store.put_ticket(&ticket).await.unwrap();
    let store = store.for_tenant("t-1");
    platform.token_fault(failing("marked-ticket"));
    all = format!("{all} {}", shown(&store.recall("om_1").await.unwrap_err()));
    let granted = r#"{"code":0,"app_access_token":"marked-app-token","expire":7200}"#;
    platform.token_fault(Fault::Answer(200, vec![], granted.to_owned()));
    platform.token_fault(failing("marked-app-token"));
    all = format!("{all} {}", shown(&store.recall("om_1").await.unwrap_err()));
    let mut press = CardActionTrigger::default();
    press.token = Some("marked-card-token".to_owned());
    let press = Event::new(EventHeader::new("card.action.trigger"), press);
    let handler = other.card_handler(async |_| {
        Ok::<_, BoxError>(CardAnswer::new().then(async |mut updates| updates.update(card()).await))
    });
    platform.fault(failing("marked-card-token"));
    let _ = handler(press).await.unwrap();
    assert!(other.drain(Duration::from_secs(10)).await);

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("answered"), "{logged}");
    assert!(logged.contains("(secret) is wrong"), "{logged}");
    assert!(all.contains("230001") && all.contains("(secret)"), "{all}");
    for text in [all, logged] {
        assert!(!text.contains("marked"), "{text}");
    }
}
