//! The long connection to the platform: opened once the webhook answers, and drained at the end.

use std::future::pending;
use std::sync::Arc;

use lark_events_ws::{LongConnection, Monitor, State};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::forward::Forward;
use crate::Error;
use crate::serve::control::Control;
use crate::serve::history::{History, Webhook};
use crate::stop::Signals;

pub(super) struct Upstream {
    pub(super) connection: LongConnection,
    pub(super) control: Control,
    pub(super) token: Option<String>,
    pub(super) ends: Option<Instant>,
}

impl Upstream {
    /// Runs until a signal or the end of its time, and until the events under way are answered.
    ///
    /// # Errors
    ///
    /// If the connection has failed permanently, or its task has panicked.
    pub(super) async fn run(self, signals: &mut Signals) -> Result<(), Error> {
        let Self {
            connection,
            control,
            token,
            ends,
        } = self;
        // Otherwise it would take events that no webhook gets.
        tokio::select! {
            () = signals.next() => return Ok(()),
            () = until(ends) => return Ok(()),
            () = webhook_is_set(&control.history) => {}
        }
        let monitor = connection.monitor();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Forward {
            control: control.clone(),
            token: token.map(Arc::from),
        };
        let run = connection.run(service).with_graceful_shutdown(async {
            // Also if the sender is dropped.
            let _ = stopped.await;
        });
        // Owned by this future, with which it ends.
        let mut running = JoinSet::new();
        running.spawn(run.into_future());
        let mut states = monitor.watch();
        let mut stop = Some(stop);
        loop {
            tokio::select! {
                () = signals.next() => match stop.take() {
                    Some(_) => notice(&control, "draining", DRAINING).await,
                    None => return Ok(()),
                },
                () = until(ends), if stop.is_some() => {
                    stop = None;
                    notice(&control, "draining", DRAINING).await;
                }
                () = changed(&mut states) => show(&control, &monitor).await,
                Some(ended) = running.join_next() => return Ok(ended??),
            }
        }
    }
}

const DRAINING: &str = "no further events are taken; waiting for the answers to those under way";

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}

/// Waits until the webhook gets events.
async fn webhook_is_set(history: &History) {
    let mut revisions = history.revisions();
    loop {
        revisions.mark_unchanged();
        if let Webhook::Set(_) | Webhook::Lost(..) = history.webhook() {
            return;
        }
        if revisions.changed().await.is_err() {
            return;
        }
    }
}

/// Waits for another state; never returns after the last one.
async fn changed(states: &mut watch::Receiver<State>) {
    if states.changed().await.is_err() {
        pending::<()>().await;
    }
}

async fn show(control: &Control, monitor: &Monitor) {
    let (kind, text) = match monitor.state() {
        State::Connected { .. } => ("connected", "the long connection is open".to_owned()),
        State::Reconnecting { why, .. } => ("reconnecting", format!("reconnecting: {why}")),
        _ => return,
    };
    notice(control, kind, &text).await;
}

/// The driver has stopped if nobody reads it.
async fn notice(control: &Control, kind: &'static str, text: &str) {
    let _ = control.notice(kind, text.to_owned()).await;
}
