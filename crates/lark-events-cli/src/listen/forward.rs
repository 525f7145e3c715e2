//! Forwards the deliveries of a long connection to the webhook, and turns its answers into outcomes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, Outcome, RawJson};
use lark_events_sim::{Answer, Attempt, Document};
use tower_service::Service;

use crate::document::envelope::Envelope;
use crate::serve::control::Control;
use crate::serve::pushable::Pushable;

/// The service of the connection.
#[derive(Clone)]
pub(super) struct Forward {
    pub(super) control: Control,
    /// The Verification Token, which the platform leaves out on long connections.
    pub(super) token: Option<Arc<str>>,
}

impl Forward {
    /// The event as the platform would post it.
    fn document(&self, delivery: &Delivery) -> Document {
        let document = delivery.to_document();
        let envelope = std::str::from_utf8(&document)
            .ok()
            .and_then(Envelope::parse);
        match (envelope, &self.token) {
            (Some(mut envelope), Some(token)) => {
                envelope.set_token(token);
                Document::from(envelope.into_bytes())
            }
            _ => Document::from(document),
        }
    }
}

impl Service<Delivery> for Forward {
    type Response = Outcome;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> Self::Future {
        let is_callback = delivery.is_callback();
        let event = Pushable {
            event_type: delivery.header.event_type.to_string(),
            document: self.document(&delivery),
            is_callback,
        };
        let control = self.control.clone();
        Box::pin(async move {
            let attempt = control.forward(event).await;
            let attempt = attempt.map_err(|error| error.to_string())?;
            Ok(outcome(attempt, is_callback)?)
        })
    }
}

/// The outcome of an attempt. An error makes the platform redeliver an event.
fn outcome(attempt: Attempt, is_callback: bool) -> Result<Outcome, NotAccepted> {
    match attempt.answer {
        Answer::Response { status, body, .. } if status == 200 => match RawJson::parse(body) {
            Ok(reply) if is_callback => Ok(Outcome::Replied(reply)),
            Err(_) if is_callback => Err(NotAccepted("the reply to a callback is not JSON".into())),
            _ => Ok(Outcome::Handled),
        },
        answer => Err(NotAccepted(answer.to_string())),
    }
}

/// The webhook did not accept an event.
#[derive(Debug)]
struct NotAccepted(String);

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the webhook did not accept the event: {}", self.0)
    }
}

impl std::error::Error for NotAccepted {}
