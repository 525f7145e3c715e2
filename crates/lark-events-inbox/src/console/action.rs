//! What operators do with events.

use crate::admin::{Admin, Filter, Operation, State};
use crate::store::StoreError;

/// An action of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Retries dead letters.
    Retry,
    /// Drops dead letters and events that wait.
    Drop,
    /// Puts finished events into the queue again.
    Replay,
    /// Appends an event with an edited body.
    Edit,
}

/// The end of an action, for an audit log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Audited {
    /// The operator, if the function given to [`audit`](super::ConsoleBuilder::audit) knew the name.
    pub who: Option<String>,
    /// The action.
    pub action: Action,
    /// The events that it was about, among those of `seqs` if there are any.
    pub filter: Filter,
    /// The numbers of the selected events. Empty for all events that match the filter.
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
            Self::Retry => "Each dead letter gets all its attempts again.",
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
            State::Dead => &[Self::Retry, Self::Drop],
            State::Waiting | State::Ready => &[Self::Drop],
            State::Done => &[Self::Replay],
            State::Leased => &[],
        }
    }

    /// Why the store does not do it.
    pub(super) fn unsupported(self, store: &dyn Admin) -> Option<&'static str> {
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

    /// Does it to the events that match.
    pub(super) async fn run(self, store: &dyn Admin, filter: &Filter) -> Result<u64, StoreError> {
        // The numbers in the filter are the limit.
        match self {
            Self::Retry => store.retry(filter, usize::MAX).await,
            Self::Drop => store.discard(filter, usize::MAX).await,
            Self::Replay => store.replay(filter, usize::MAX).await,
            Self::Edit => Ok(0),
        }
    }
}
