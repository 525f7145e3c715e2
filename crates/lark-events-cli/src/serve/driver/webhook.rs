//! The state of the app's webhook: the URL check, and whether attempts reach it.

use std::sync::Arc;

use lark_events_sim::{Answer, Attempt, Missing, Mode, Platform, WebhookError, WebhookUrl};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{CHECK_INTERVAL, Happened};
use crate::serve::history::Webhook;

/// Sets the webhook as soon as it passes the check, and reports why it does not pass. Unless it must pass, it is set
/// as soon as it gives any answer.
pub(super) async fn set_webhook(
    url: WebhookUrl,
    must_pass: bool,
    platform: Arc<Platform>,
    tell: mpsc::UnboundedSender<Happened>,
) {
    let url = url.to_string();
    let mut last: Option<WebhookError> = None;
    while let Err(error) = platform.set_webhook(&url).await {
        let is_answered = matches!(error.answer(), Some(Answer::Response { .. }));
        if is_answered && !must_pass && platform.set_webhook_unchecked(&url).is_ok() {
            let _ = tell.send(Happened::WebhookUnchecked(error));
            return;
        }
        if last.as_ref() != Some(&error) {
            last = Some(error.clone());
            // The receiver is gone at the end.
            let _ = tell.send(Happened::WebhookRefused(error));
        }
        sleep(CHECK_INTERVAL).await;
    }
    let _ = tell.send(Happened::WebhookSet);
}

impl Webhook {
    /// The state after an attempt, if it is another one.
    pub(super) fn after(&self, attempt: &Attempt) -> Option<Self> {
        if attempt.mode != Mode::Webhook {
            return None;
        }
        match (self, &attempt.answer) {
            (Self::Set(url), Answer::Missing(Missing::Unreachable | Missing::ConnectionLost)) => {
                let mut why = attempt.answer.to_string();
                if let Some(error) = &attempt.error {
                    why += ": ";
                    why += error;
                }
                Some(Self::Lost(url.clone(), why))
            }
            // An answer that is too large is one.
            (Self::Lost(url, _), Answer::Response { .. } | Answer::Missing(Missing::TooLarge)) => {
                Some(Self::Set(url.clone()))
            }
            _ => None,
        }
    }

    /// Whether the webhook has passed the URL check.
    pub(super) fn is_set(&self) -> bool {
        matches!(self, Self::Set(_) | Self::Lost(..))
    }
}
