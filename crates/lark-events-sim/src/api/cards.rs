//! The tokens of card callbacks: each updates its card twice within half an hour, after the answer.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// How often a token updates its card.
const UPDATES: usize = 2;
/// How long after the callback it does.
const LASTS: Duration = Duration::from_mins(30);

/// The tokens of the callbacks that were pushed.
#[derive(Default)]
pub(super) struct Cards(HashMap<String, Card>);

struct Card {
    pushed: Instant,
    is_answered: bool,
    updates: usize,
}

impl Cards {
    /// Takes the token of a callback that is pushed now.
    pub(super) fn pushed(&mut self, token: &str) {
        // An older token is unknown, and updates nothing either.
        self.0.retain(|_, card| card.pushed.elapsed() < 2 * LASTS);
        let card = Card {
            pushed: Instant::now(),
            is_answered: false,
            updates: 0,
        };
        self.0.insert(token.to_owned(), card);
    }

    /// Allows updates: the callback was answered, or the platform does not wait any longer.
    pub(super) fn answered(&mut self, token: &str) {
        if let Some(card) = self.0.get_mut(token) {
            card.is_answered = true;
        }
    }

    /// Counts an update.
    ///
    /// # Errors
    ///
    /// Why the token does not allow it.
    pub(super) fn update(&mut self, token: &str) -> Result<(), &'static str> {
        let card = self.0.get_mut(token);
        let card = card.ok_or("expected the token of a card callback of this platform")?;
        if !card.is_answered {
            return Err("the callback is not answered yet");
        }
        if card.pushed.elapsed() >= LASTS {
            return Err("the token of the callback has expired");
        }
        if card.updates >= UPDATES {
            return Err("the token of the callback has had its updates");
        }
        card.updates += 1;
        Ok(())
    }
}

/// The token for updates in the document of a card callback, in either scheme.
pub(crate) fn card_token(json: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(json).ok()?;
    let token = if document["header"]["event_type"] == "card.action.trigger" {
        &document["event"]["token"]
    } else if document["action"].is_object() {
        &document["token"]
    } else {
        return None;
    };
    let token = token.as_str().filter(|token| !token.is_empty());
    token.map(str::to_owned)
}
