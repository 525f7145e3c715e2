//! How the console asks the driver for changes, and reads what the terminal shows too.

use std::fmt;
use std::sync::Arc;

use lark_events_sim::{Attempt, InjectedFault, Mode, Platform};
use tokio::sync::{mpsc, oneshot};

use super::fault::Named;
use super::history::History;
use super::pushable::Pushable;

/// The most waiting asks; further ones wait for room.
const MAX_ASKS: usize = 16;
const STOPPED: &str = "the platform has stopped: start lark-events serve again";

/// The ids of an event that is pushed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// The same document: a duplicate of the event.
    Same,
    /// A new event with the same content.
    New,
}

/// As it is written in commands.
impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::New => "new",
        })
    }
}

/// Asks the driver for changes, and reads the history and the platform.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) history: Arc<History>,
    pub(crate) platform: Arc<Platform>,
    /// Dropped last: the driver waits for that at its end, and then has the platform alone.
    asks: mpsc::Sender<Ask>,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskError {
    /// The driver has stopped.
    Stopped,
    /// No such delivery is kept.
    Unknown(String),
    /// The delivery has no ids that could be new.
    WithoutIds(String),
    /// There would be too many deliveries or faults.
    Full(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str(STOPPED),
            Self::Unknown(text) | Self::WithoutIds(text) | Self::Full(text) => f.write_str(text),
        }
    }
}

/// A change that the driver is asked for, and where its result goes.
pub(super) enum Ask {
    Push(
        Box<Pushable>,
        Option<Mode>,
        Reply<Result<Vec<usize>, AskError>>,
    ),
    Resend(usize, Ids, Reply<Result<usize, AskError>>),
    Forward(Box<Pushable>, Answered),
    Notice(&'static str, String),
    Inject(Named, Reply<Result<(), AskError>>),
    Remove(InjectedFault, Reply<bool>),
    Calm(Reply<()>),
}

type Reply<T> = oneshot::Sender<T>;

/// Where the attempt of a forwarded event goes.
pub(super) type Answered = oneshot::Sender<Attempt>;

/// The driver's side.
pub(super) type Asks = mpsc::Receiver<Ask>;

/// The sender of a [`Control`], and the asks.
pub(super) fn asks() -> (mpsc::Sender<Ask>, Asks) {
    mpsc::channel(MAX_ASKS)
}

impl Control {
    pub(super) fn new(
        asks: mpsc::Sender<Ask>,
        history: Arc<History>,
        platform: Arc<Platform>,
    ) -> Self {
        Self {
            history,
            platform,
            asks,
        }
    }

    /// Pushes an event by `mode`, or on each transport on which the app is reachable, and returns the numbers
    /// of the deliveries.
    ///
    /// # Errors
    ///
    /// Like the other changes, if the driver has stopped. Also if too many deliveries have not ended.
    pub(crate) async fn push(
        &self,
        event: Pushable,
        mode: Option<Mode>,
    ) -> Result<Vec<usize>, AskError> {
        self.ask(|reply| Ask::Push(Box::new(event), mode, reply))
            .await?
    }

    /// Pushes the event of a delivery again on its transport, signed anew, and returns the number of the new
    /// delivery.
    ///
    /// # Errors
    ///
    /// If no delivery with this number is kept, or too many deliveries have not ended.
    pub(crate) async fn resend(&self, number: usize, ids: Ids) -> Result<usize, AskError> {
        self.ask(|reply| Ask::Resend(number, ids, reply)).await?
    }

    /// Sends an event of another platform to the webhook, once, and returns the attempt.
    pub(crate) async fn forward(&self, event: Pushable) -> Result<Attempt, AskError> {
        self.ask(|reply| Ask::Forward(Box::new(event), reply)).await
    }

    /// Shows an occurrence.
    pub(crate) async fn notice(&self, kind: &'static str, text: String) -> Result<(), AskError> {
        let sent = self.asks.send(Ask::Notice(kind, text)).await;
        sent.map_err(|_| AskError::Stopped)
    }

    /// Injects a fault.
    ///
    /// # Errors
    ///
    /// If too many are in effect.
    pub(crate) async fn inject(&self, fault: Named) -> Result<(), AskError> {
        self.ask(|reply| Ask::Inject(fault, reply)).await?
    }

    /// Removes a fault, and returns whether it was there.
    pub(crate) async fn remove(&self, fault: &InjectedFault) -> Result<bool, AskError> {
        self.ask(|reply| Ask::Remove(*fault, reply)).await
    }

    /// Removes all faults.
    pub(crate) async fn calm(&self) -> Result<(), AskError> {
        self.ask(Ask::Calm).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, AskError> {
        let (reply, result) = oneshot::channel();
        // The driver drops the asks that it has not handled at its end.
        let sent = self.asks.send(ask(reply)).await;
        sent.map_err(|_| AskError::Stopped)?;
        result.await.map_err(|_| AskError::Stopped)
    }
}
