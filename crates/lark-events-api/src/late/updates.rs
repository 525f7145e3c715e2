//! The updates that a card callback allows after its answer.

use std::fmt;
use std::time::Duration;

use http::Method;
use lark_events::callback::ReplyCard;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use crate::api::{Api, json};
use crate::card::Card;
use crate::error::ApiError;
use crate::exchange::{Call, deadline};

/// How long the platform accepts updates after the callback.
const LASTS: Duration = Duration::from_mins(30);
/// How many updates it accepts.
const UPDATES: u8 = 2;
/// How long the first update waits after the handler's end, for the answer to arrive before it. An update that
/// overtakes the answer is lost.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How long the platform waits for the answer. After this time, no answer can come after an update.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// Up to two updates of a card within 30 minutes of the callback, after its answer.
///
/// Only the work of [`CardAnswer::then`](crate::CardAnswer::then) gets one; it runs after the handler has returned
/// the answer. The first update waits until the answer has arrived: until three seconds after the callback, which
/// is how long the platform accepts an answer, and for at least one second.
pub struct CardUpdates {
    api: Api,
    token: Zeroizing<String>,
    from: Instant,
    until: Instant,
    left: u8,
}

impl CardUpdates {
    /// Those of a callback that came at `received`, and is answered now.
    pub(super) fn new(api: Api, token: String, received: Instant) -> Self {
        Self {
            api,
            token: Zeroizing::new(token),
            from: deadline(ANSWER_TIME).max(received.checked_add(ANSWER_LIMIT).unwrap_or(received)),
            until: received.checked_add(LASTS).unwrap_or(received),
            left: UPDATES,
        }
    }

    /// The number of updates that are left, initially 2.
    #[must_use]
    pub fn left(&self) -> u8 {
        self.left
    }

    /// Replaces the card. A failed update does not count, unless the platform [may have executed
    /// it](ApiError::may_have_happened).
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed. After the second update, and 30 minutes after the callback, nothing is
    /// sent, and the error is of kind [`Invalid`](crate::ApiErrorKind::Invalid).
    pub async fn update(&mut self, card: impl Into<Card>) -> Result<(), ApiError> {
        self.update_with(card.into().into_json()).await
    }

    /// Replaces the card with that of a reply.
    pub(super) async fn update_as_replied(&mut self, card: &ReplyCard) -> Result<(), ApiError> {
        let mut card = serde_json::to_value(card).map_err(|error| {
            ApiError::invalid("the card cannot be serialized as JSON").with_source(error)
        })?;
        // A reply wraps the JSON of a card; an update takes it as it is.
        let is_raw = card.get("type").and_then(Value::as_str) == Some("raw");
        match card.get_mut("data") {
            Some(data) if is_raw => {
                let data = data.take();
                self.update_with(data).await
            }
            _ => self.update_with(card).await,
        }
    }

    async fn update_with(&mut self, card: Value) -> Result<(), ApiError> {
        if self.left == 0 {
            let what = format!(
                "expected at most {UPDATES} updates of a card for each callback: send a message instead"
            );
            return Err(ApiError::invalid(what));
        }
        sleep_until(self.from).await;
        if Instant::now() >= self.until {
            let what = "expected an update of the card within 30 minutes of its callback: send a message instead";
            return Err(ApiError::invalid(what));
        }
        let body = json(&json!({"token": *self.token, "card": card}))?;
        let call = Call::new(Method::POST, "/open-apis/interactive/v1/card/update").json(body);
        let call = call.secret(&self.token);
        // Counted first, so that an update that is cancelled counts.
        self.left = self.left.saturating_sub(1);
        match self.api.exchange(&call).await {
            Err(error) => {
                if !error.may_have_happened() {
                    self.left = self.left.saturating_add(1);
                }
                Err(error)
            }
            Ok(answer) => answer.decode(),
        }
    }
}

/// Omits the token.
impl fmt::Debug for CardUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardUpdates")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
