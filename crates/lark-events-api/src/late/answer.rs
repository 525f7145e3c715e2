//! What a handler of card callbacks returns.

use std::fmt;
use std::pin::Pin;

use lark_events::BoxError;
use lark_events::callback::{CardActionReply, Toast};

use super::updates::CardUpdates;
use crate::card::Card;

type Done = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
type Then = Box<dyn FnOnce(CardUpdates) -> Done + Send>;

/// The answer to a card callback, and the work that follows it: see
/// [`Api::card_handler`](crate::Api::card_handler).
#[derive(Default)]
#[must_use]
pub struct CardAnswer {
    pub(super) reply: CardActionReply,
    pub(super) then: Option<Then>,
}

impl CardAnswer {
    /// Leaves the card as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a toast.
    pub fn toast(toast: Toast) -> Self {
        CardActionReply::new().toast(toast).into()
    }

    /// Replaces the card.
    pub fn card(card: impl Into<Card>) -> Self {
        CardActionReply::new().card(card.into()).into()
    }

    /// Runs `work` after the answer. Only `work` gets the [`CardUpdates`] of the callback, so no update can precede
    /// the answer. An error of `work` is logged. A second call replaces the work of the first.
    pub fn then<F, Fut, E>(mut self, work: F) -> Self
    where
        F: FnOnce(CardUpdates) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.then = Some(Box::new(move |updates| {
            let done = work(updates);
            Box::pin(async move { done.await.map_err(Into::into) })
        }));
        self
    }
}

impl From<CardActionReply> for CardAnswer {
    fn from(reply: CardActionReply) -> Self {
        Self { reply, then: None }
    }
}

impl fmt::Debug for CardAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardAnswer")
            .field("continues", &self.then.is_some())
            .finish_non_exhaustive()
    }
}
