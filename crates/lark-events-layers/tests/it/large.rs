//! Large bodies: whatever their decoding takes, the ack deadline comes in time.

use std::sync::{Arc, Mutex, mpsc as blocking};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_layers::run::MAX_INLINE_BYTES;
use lark_events_sim::{Document, Mode};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::advance;

use crate::transports::{answered, delivering};

/// How long a decoder blocks its thread where nobody lets it go on: the test has failed by then.
const FAR_TOO_LONG: Duration = Duration::from_secs(5);

/// On a runtime of one thread, which a decoder that blocks would stop.
#[tokio::test(start_paused = true)]
async fn the_ack_deadline_comes_while_a_large_body_is_decoded() {
    for (mode, late) in [(Mode::Webhook, 504), (Mode::LongConnection, 500)] {
        for at_call in [true, false] {
            let (decodes, mut decoding) = mpsc::unbounded_channel();
            let (go_on, waits) = blocking::channel::<()>();
            let waits = Arc::new(Mutex::new(waits));
            let service = tower::service_fn(move |_: Delivery| {
                let (decodes, waits) = (decodes.clone(), Arc::clone(&waits));
                let decode = move || {
                    decodes.send(()).unwrap();
                    waits.lock().unwrap().recv_timeout(FAR_TOO_LONG).is_ok()
                };
                let decoded = at_call.then(&decode);
                async move {
                    assert!(decoded.unwrap_or_else(decode), "nobody let it go on");
                    Ok::<_, BoxError>(Outcome::Handled)
                }
            });
            let platform = delivering(mode, service, []).await;
            let body = json!({"text": "x".repeat(MAX_INLINE_BYTES)});
            let mut push = platform.push(Document::v2("x_v1", &body).unwrap());
            decoding.recv().await.unwrap();
            advance(Duration::from_millis(2_500)).await;
            let (code, _) = answered(&mut push).await;
            assert_eq!(code, late, "{mode:?}, at the call: {at_call}");
            go_on.send(()).unwrap();
        }
    }
}
