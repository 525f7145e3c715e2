//! The options that choose events.

use clap::{Args, ValueEnum};
use lark_events_inbox::{Filter, State};

use super::when::When;
use crate::Error;

/// An event must match all of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// The id of the receiving app.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// The event type.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// The tenant.
    #[arg(long, value_name = "KEY")]
    tenant: Option<String>,
    /// The lane.
    #[arg(long)]
    lane: Option<String>,
    /// The event id.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// The number of the event in the store.
    #[arg(long, value_name = "NUMBER")]
    seq: Option<u64>,
    /// The lowest number of an event.
    #[arg(long, value_name = "NUMBER")]
    from_seq: Option<u64>,
    /// The state; can be repeated, for events in any of these states.
    #[arg(long)]
    state: Vec<StateName>,
    /// Received at this time or later: an RFC 3339 time, or an age such as 30m, 2h or 3d.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Received before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// A part of the last error.
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
}

/// A [`State`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StateName {
    /// Can be claimed.
    Ready,
    /// Waits for its lane, or for the time of a retry.
    Waiting,
    /// Is being handled.
    Leased,
    /// A dead letter.
    Dead,
    /// Finished.
    Done,
}

impl From<StateName> for State {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Ready => Self::Ready,
            StateName::Waiting => Self::Waiting,
            StateName::Leased => Self::Leased,
            StateName::Dead => Self::Dead,
            StateName::Done => Self::Done,
        }
    }
}

impl Filters {
    /// The filter; `states` if no state is given.
    pub(super) fn filter(&self, states: &[State]) -> Result<Filter, Error> {
        if let (Some(When(since)), Some(When(until))) = (self.since, self.until)
            && since >= until
        {
            return Err("--since is not before --until: no event can match".into());
        }
        let mut filter = Filter::default();
        filter.app_id.clone_from(&self.app);
        filter.event_type.clone_from(&self.event_type);
        filter.tenant_key.clone_from(&self.tenant);
        filter.lane.clone_from(&self.lane);
        filter.event_id.clone_from(&self.event_id);
        filter.seq = self.seq;
        filter.from_seq = self.from_seq;
        filter.states = self.state.iter().map(|&state| state.into()).collect();
        if filter.states.is_empty() {
            filter.states = states.to_vec();
        }
        filter.since = self.since.map(|When(time)| time);
        filter.until = self.until.map(|When(time)| time);
        filter.error.clone_from(&self.error);
        Ok(filter)
    }

    /// Whether there is no filter at all.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            app,
            event_type,
            tenant,
            lane,
            event_id,
            seq,
            from_seq,
            state,
            since,
            until,
            error,
        } = self;
        let texts = [app, event_type, tenant, lane, event_id, error];
        texts.into_iter().all(Option::is_none)
            && [seq, from_seq].into_iter().all(Option::is_none)
            && [since, until].into_iter().all(Option::is_none)
            && state.is_empty()
    }
}
