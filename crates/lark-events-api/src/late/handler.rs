//! Handlers of card callbacks whose work may go on after the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::{BoxError, Event};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::{debug, error};

use super::answer::CardAnswer;
use super::updates::CardUpdates;
use super::work::Room;
use crate::api::Api;

type Replied = Pin<Box<dyn Future<Output = Result<CardActionReply, BoxError>> + Send>>;

impl Api {
    /// Returns a handler of card callbacks whose work may continue after the answer. Use it for work that takes
    /// longer than the three seconds for which the platform waits:
    ///
    /// ```
    /// use lark_events::callback::{CardActionTrigger, Toast};
    /// use lark_events::{BoxError, Dispatcher, Event};
    /// use lark_events_api::{Api, Card, CardAnswer};
    ///
    /// async fn on_press(event: Event<CardActionTrigger>) -> Result<CardAnswer, BoxError> {
    ///     Ok(CardAnswer::toast(Toast::info("working on it")).then(async |mut updates| {
    ///         // … half a minute later:
    ///         updates.update(Card::v2().markdown("done")).await
    ///     }))
    /// }
    ///
    /// let api = Api::builder("cli_a1b2", "secret").build()?;
    /// let dispatcher =
    ///     Dispatcher::builder().on::<CardActionTrigger>(api.card_handler(on_press)).build()?;
    /// # drop(dispatcher);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The work is lost when the process ends. Call [`drain`](Self::drain) at a shutdown, after the transport has
    /// drained.
    pub fn card_handler<H, Fut, E>(
        &self,
        handler: H,
    ) -> impl Fn(Event<CardActionTrigger>) -> Replied + Clone + Send + Sync + 'static
    where
        H: Fn(Event<CardActionTrigger>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CardAnswer, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let (api, handler) = (self.clone(), Arc::new(handler));
        move |event| {
            let api = api.for_event(&event.header);
            let callback = Callback::of(&event);
            let answering = handler(event);
            Box::pin(async move {
                let answer = answering.await.map_err(Into::into)?;
                let room = match answer.then {
                    Some(_) => Some(room(&api)?),
                    None => None,
                };
                let CardAnswer { reply, then } = answer;
                if let (Some(room), Some(then)) = (room, then) {
                    let updates = callback.updates(&api)?;
                    api.work().spawn(room, async move {
                        finished(then(updates).await);
                    });
                }
                Ok(reply)
            })
        }
    }

    /// Like [`card_handler`](Self::card_handler), for handlers that are usually fast: if the handler has not
    /// answered after `late`, the callback is answered with `fallback`. The handler continues, and the card of its
    /// answer is shown by an update. A toast of its answer is dropped, and an error is logged.
    ///
    /// `late` must be less than the ack deadline of the transport, which is 2.5 seconds by default.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
    /// use lark_events::{BoxError, Dispatcher, Event};
    /// use lark_events_api::{Api, Card, CardAnswer};
    ///
    /// async fn on_press(event: Event<CardActionTrigger>) -> Result<CardAnswer, BoxError> {
    ///     // … mostly fast
    ///     Ok(CardAnswer::card(Card::v2().markdown("done")))
    /// }
    ///
    /// let api = Api::builder("cli_a1b2", "secret").build()?;
    /// let working = || CardActionReply::new().toast(Toast::info("working on it"));
    /// let handler = api.card_handler_on_late(Duration::from_secs(2), working, on_press);
    /// let dispatcher = Dispatcher::builder().on::<CardActionTrigger>(handler).build()?;
    /// # drop(dispatcher);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn card_handler_on_late<H, Fut, E, L>(
        &self,
        late: Duration,
        fallback: L,
        handler: H,
    ) -> impl Fn(Event<CardActionTrigger>) -> Replied + Clone + Send + Sync + 'static
    where
        H: Fn(Event<CardActionTrigger>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CardAnswer, E>> + Send + 'static,
        E: Into<BoxError>,
        L: Fn() -> CardActionReply + Send + Sync + 'static,
    {
        let (api, handler, fallback) = (self.clone(), Arc::new(handler), Arc::new(fallback));
        move |event| {
            let api = api.for_event(&event.header);
            let callback = Callback::of(&event);
            let answering = handler(event);
            let fallback = Arc::clone(&fallback);
            Box::pin(async move {
                let room = room(&api)?;
                let (answered, mut answer) =
                    oneshot::channel::<Result<CardActionReply, BoxError>>();
                let working = api.clone();
                api.work().spawn(room, async move {
                    let result = answering.await.map_err(Into::into);
                    callback.finish(&working, result, answered).await;
                });
                match timeout(late, &mut answer).await {
                    Ok(Ok(reply)) => reply,
                    Ok(Err(_)) => {
                        Err("the handler of a card callback ended without an answer".into())
                    }
                    Err(_) => {
                        // From here on, the task finds that nobody waits. An answer may have come just before.
                        answer.close();
                        answer.try_recv().unwrap_or_else(|_| Ok(fallback()))
                    }
                }
            })
        }
    }

    /// Waits for the work after answers to callbacks, and for the last updates of [streams](Self::reply_stream).
    /// After `limit`, it cancels the rest. Returns whether everything ended by itself. Call it once, when no more
    /// callbacks or events arrive.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.work().drain(limit).await
    }
}

/// What updates need of a callback.
struct Callback {
    token: Option<String>,
    received: Instant,
}

impl Callback {
    fn of(event: &Event<CardActionTrigger>) -> Self {
        Self {
            token: event.body.token.clone(),
            received: Instant::now(),
        }
    }

    fn updates(self, api: &Api) -> Result<CardUpdates, BoxError> {
        let token = self.token.filter(|token| !token.is_empty());
        let token = token.ok_or("expected a token in the card callback, got none")?;
        Ok(CardUpdates::new(api.clone(), token, self.received))
    }

    /// Answers with the handler's reply, or updates the card if the answer was another one.
    async fn finish(
        self,
        api: &Api,
        result: Result<CardAnswer, BoxError>,
        answered: oneshot::Sender<Result<CardActionReply, BoxError>>,
    ) {
        let CardAnswer { reply, then } = match result {
            Ok(answer) => answer,
            Err(failed) => {
                if let Err(Err(failed)) = answered.send(Err(failed)) {
                    finished(Err(failed));
                }
                return;
            }
        };
        let unsent = match answered.send(Ok(reply)) {
            Ok(()) => None,
            Err(reply) => reply.ok(),
        };
        if unsent.is_none() && then.is_none() {
            return;
        }
        let mut updates = match self.updates(api) {
            Ok(updates) => updates,
            Err(failed) => return finished(Err(failed)),
        };
        if let Some(reply) = unsent {
            let (toast, card) = reply.into_parts();
            if toast.is_some() {
                debug!("a toast came too late to be shown");
            }
            if let Some(card) = card {
                let updated = updates.update_as_replied(&card).await;
                finished(updated.map_err(Into::into));
            }
        }
        if let Some(then) = then {
            finished(then(updates).await);
        }
    }
}

fn room(api: &Api) -> Result<Room, BoxError> {
    let room = api.work().room();
    room.ok_or_else(|| "too many card callbacks have unfinished work".into())
}

/// Logs the failure of work that nobody waits for.
fn finished(result: Result<(), BoxError>) {
    if let Err(failed) = result {
        error!(error = %failed, "the work after the answer to a card callback failed");
    }
}
