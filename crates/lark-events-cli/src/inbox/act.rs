//! `lark-events inbox retry`, `drop`, and `replay` into the queue: operations on many events.

use std::process::ExitCode;

use clap::Args;
use lark_events_inbox::{Admin, Filter, Listed, State, StoreError};

use super::progress::Progress;
use super::store::StoreArgs;
use super::walk::{Operation, Selection};
use crate::Error;
use crate::output::{Output, even_if_unread};

/// Retry dead letters, and events that wait for a retry, now.
///
/// A dead letter gets all its attempts again. In its lane it comes next, after an event that is being handled or
/// waits for a retry. On NATS, only dead letters can be retried: each becomes the last event of its lane, with a
/// new number.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox retry --store sqlite:events.db --error 'connection refused' --dry-run
  lark-events inbox retry --store sqlite:events.db --state dead --type im.message.receive_v1
  lark-events inbox retry --store sqlite:events.db --all

Exit status 1: no event was retried.")]
pub(super) struct RetryArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    selection: Selection,
}

/// Drop dead letters, and events that are ready or wait: finish them without handling them.
///
/// An event that is being handled stays. A redelivery of a dropped event is still a duplicate, and `replay`
/// puts a dropped event back into the queue.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox drop --store sqlite:events.db --state dead --until 7d --dry-run
  lark-events inbox drop --store sqlite:events.db --seq 1042

Exit status 1: no event was dropped.")]
pub(super) struct DropArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    selection: Selection,
}

const RETRY: Act = Act {
    operation: Operation {
        name: "retry",
        doing: "retrying",
        done: "retried",
    },
    states: &[State::Dead, State::Waiting],
    // An event that waits for its lane is ready when its turn comes.
    takes: |listed| listed.state == State::Dead || listed.visible_in.is_some(),
    wrong_state: "only events in the states dead and waiting can be retried",
    call: Call::Retry,
};

/// The servers of NATS keep the times of retries.
const RETRY_ON_NATS: Act = Act {
    states: &[State::Dead],
    takes: |_| true,
    wrong_state: "on NATS, only events in the state dead can be retried",
    ..RETRY
};

const DROP: Act = Act {
    operation: Operation {
        name: "drop",
        doing: "dropping",
        done: "dropped",
    },
    states: &[State::Dead, State::Waiting, State::Ready],
    takes: |_| true,
    wrong_state: "only events in the states dead, waiting and ready can be dropped",
    call: Call::Drop,
};

pub(super) const REPLAY: Act = Act {
    operation: Operation {
        name: "replay",
        doing: "replaying",
        done: "put back into the queue:",
    },
    states: &[State::Done],
    takes: |_| true,
    wrong_state: "only events in the state done can be put back into the queue; dead letters can be \
        retried, and --to posts events in any state",
    call: Call::Replay,
};

pub(super) async fn retry(args: &RetryArgs, output: Output) -> Result<ExitCode, Error> {
    let act = match args.store.is_nats() {
        true => RETRY_ON_NATS,
        false => RETRY,
    };
    act.run(&args.store, &args.selection, output).await
}

pub(super) async fn drop(args: &DropArgs, output: Output) -> Result<ExitCode, Error> {
    DROP.run(&args.store, &args.selection, output).await
}

/// An operation of a store on many events.
pub(super) struct Act {
    operation: Operation,
    /// The states that it can take.
    states: &'static [State],
    takes: fn(&Listed) -> bool,
    wrong_state: &'static str,
    call: Call,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Retry,
    Drop,
    Replay,
}

impl Call {
    async fn of(self, store: &dyn Admin, filter: &Filter) -> Result<u64, StoreError> {
        // The numbers in the filter are the limit.
        match self {
            Self::Retry => store.retry(filter, usize::MAX).await,
            Self::Drop => store.discard(filter, usize::MAX).await,
            Self::Replay => store.replay(filter, usize::MAX).await,
        }
    }
}

impl Act {
    pub(super) async fn run(
        &self,
        store: &StoreArgs,
        selection: &Selection,
        output: Output,
    ) -> Result<ExitCode, Error> {
        selection.check(self.operation.name)?;
        let store = store.open().await?;
        let mut walk = selection.walk(&*store, self.states, self.takes)?;
        let mut states = walk.filter.states.iter();
        if let Some(wrong) = states.find(|state| !self.states.contains(state)) {
            return Err(format!("--state {}: {}", wrong.as_str(), self.wrong_state).into());
        }
        if matches!(self.call, Call::Replay) {
            // Events that are finished meanwhile, also by this replay, are not to be replayed again and again.
            let last = store.last().await?;
            walk.filter.to_seq = [walk.filter.to_seq, last].into_iter().flatten().min();
        }
        let events = if selection.dry_run {
            walk.dry_run(&self.operation, output).await?
        } else {
            let mut progress = Progress::new(self.operation.doing, output);
            let mut events = 0;
            while let Some(batch) = progress.during(walk.next()).await? {
                let called = self.call.of(&*store, &batch.filter);
                let taken = progress.during(called).await?;
                progress.add(taken);
                events += taken;
            }
            progress.clear();
            even_if_unread(self.operation.show(events, output))?;
            events
        };
        Ok(ExitCode::from(u8::from(events == 0)))
    }
}
