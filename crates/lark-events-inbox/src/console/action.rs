//! What operators do with events.

use super::reading::Row;
use crate::admin::{Admin, Filter, Operation, State};
use crate::store::StoreError;

/// An action of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Retries dead letters and events that wait for a retry.
    Retry,
    /// Finishes dead letters, and events that are ready or wait, without handling them.
    Drop,
    /// Puts finished events into the queue again.
    Replay,
    /// Appends an edited copy of an event.
    Edit,
}

/// The end of an action, for an audit log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Audited {
    /// The operator, as returned by the function `who` of [`audit`](super::ConsoleBuilder::audit).
    pub who: Option<String>,
    /// The action.
    pub action: Action,
    /// The filter that selected the events.
    pub filter: Filter,
    /// The numbers of the selected events. If empty, the action was on all events that match the filter.
    pub seqs: Vec<u64>,
    /// The number of events that were changed.
    pub events: u64,
    /// Why it ended early; `None` if it is complete.
    pub error: Option<String>,
}

impl Action {
    const ON_MANY: [Self; 3] = [Self::Retry, Self::Drop, Self::Replay];

    /// The name in audit logs and forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Drop => "drop",
            Self::Replay => "replay",
            Self::Edit => "edit",
        }
    }

    /// The action of a form on events of the store.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ON_MANY
            .into_iter()
            .find(|action| action.as_str() == name)
    }

    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::Drop => "Drop",
            Self::Replay => "Replay",
            Self::Edit => "Append",
        }
    }

    /// The result, before a number of events.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Retry => "Retried",
            Self::Drop => "Dropped",
            Self::Replay => "Put back into the queue",
            Self::Edit => "Appended",
        }
    }

    /// What it does, for the page that asks for confirmation.
    pub(super) fn explained(self) -> &'static str {
        match self {
            Self::Retry => {
                "A dead letter gets all its attempts again. An event that waits for a retry is tried now, and keeps its \
                 number of attempts. An event that waits for its lane keeps its place."
            }
            Self::Drop => {
                "A dropped event is finished without being handled. A redelivery of it is a duplicate."
            }
            Self::Replay => "A finished event is handled again.",
            Self::Edit => "The event with the edited body is a new event, with an id of its own.",
        }
    }

    /// The actions that fit a state.
    pub(super) fn of(state: State) -> &'static [Self] {
        match state {
            State::Dead | State::Waiting => &[Self::Retry, Self::Drop],
            State::Ready => &[Self::Drop],
            State::Done => &[Self::Replay],
            // Its worker decides.
            State::Leased => &[],
        }
    }

    /// The states that it fits.
    pub(super) fn states(self) -> Vec<State> {
        let states = State::ALL.into_iter();
        states
            .filter(|state| Self::of(*state).contains(&self))
            .collect()
    }

    /// Whether it changes an event: one that waits for its lane is not tried before the others.
    pub(super) fn changes(self, row: &Row) -> bool {
        let waits_for_lane = row.state == State::Waiting && row.visible_in.is_none();
        !(self == Self::Retry && waits_for_lane)
    }

    /// Why the store does not do it to events of a state.
    pub(super) fn unsupported(
        self,
        store: &dyn Admin,
        state: Option<State>,
    ) -> Option<&'static str> {
        if self == Self::Retry
            && state == Some(State::Waiting)
            && !store.supports(Operation::RetryWaiting)
        {
            return Some("This store cannot retry an event before its time.");
        }
        let operation = match self {
            Self::Retry => Operation::Retry,
            Self::Drop => Operation::Discard,
            Self::Replay => Operation::Replay,
            Self::Edit => return None,
        };
        (!store.supports(operation)).then_some(match self {
            Self::Replay => "This store keeps no finished events, so none can be replayed.",
            Self::Retry => "This store cannot retry events.",
            _ => "This store cannot drop events.",
        })
    }

    /// Does it to the events that match, at most `limit` of them.
    pub(super) async fn run(
        self,
        store: &dyn Admin,
        filter: &Filter,
        limit: usize,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Retry => store.retry(filter, limit).await,
            Self::Drop => store.discard(filter, limit).await,
            Self::Replay => store.replay(filter, limit).await,
            Self::Edit => Ok(0),
        }
    }
}
