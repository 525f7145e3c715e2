//! Forms: starts an action, and shows how it goes.

use http::request::Parts;
use lark_events::RawJson;
use lark_events::{Delivery, EventHeader};
use lark_events_pages::query;

use super::answer::{Answer, Failure};
use super::count::Count;
use super::jobs::{Ask, Ended, Job, Lost, Running, Scope, states};
use super::params::Params;
use super::selection::Selection;
use super::{Action, Shared, view};
use crate::admin::{Filter, State};
use crate::store::{Appended, Entry};

/// The selected events of one form: those of a page.
const MAX_SELECTED: usize = 500;

pub(super) async fn post(
    shared: &Shared,
    request: &Parts,
    form: &Params,
) -> Result<Answer, Failure> {
    let who = (shared.who)(request);
    if form.get("action") == Some(Action::Edit.as_str()) {
        return append(shared, form, who).await;
    }
    let asked = Asked::read(shared, form)?;
    let scope = asked.scope(form.number("upto")?);
    // One event is changed before the response, so that a form that comes too late is a conflict.
    let one = matches!(scope.seqs[..], [_]);
    let total = match scope.seqs.len() {
        0 => {
            let count = Count::of(&*shared.store, &scope.filter).await?;
            if count.events == 0 {
                return Err(changed());
            }
            count
        }
        selected => Count {
            events: u64::try_from(selected).unwrap_or(u64::MAX),
            is_all: true,
        },
    };
    let ask = Ask {
        action: asked.action,
        scope,
        total: Some(total),
        back: asked.selection.url(None),
        who,
        revision: form.text("revision").unwrap_or_default(),
    };
    let running = begin(shared, ask)?;
    let job = std::sync::Arc::clone(&running.job);
    if one {
        running.run().await;
        if let Some(Ended::Failed(error)) = job.ended() {
            return Err(Failure::new(http::StatusCode::SERVICE_UNAVAILABLE, error));
        }
        if job.done() == 0 {
            return Err(changed());
        }
    } else {
        shared.jobs().spawn(running);
    }
    Ok(see(&job))
}

/// What a form or the page before it asks for.
pub(super) struct Asked {
    pub(super) action: Action,
    pub(super) selection: Selection,
    pub(super) seqs: Vec<u64>,
}

impl Asked {
    pub(super) fn read(shared: &Shared, params: &Params) -> Result<Self, Failure> {
        let action = params.get("action").and_then(Action::from_name);
        let action =
            action.ok_or_else(|| Failure::bad("expected retry, drop or replay as action"))?;
        if let Some(reason) = action.unsupported(&*shared.store) {
            return Err(Failure::new(http::StatusCode::NOT_IMPLEMENTED, reason));
        }
        let selection = Selection::read(params)?;
        let seqs = params.numbers("seq")?;
        let is_all = params.get("scope") == Some("all");
        if seqs.is_empty() != is_all {
            return Err(Failure::bad(
                "expected selected events, or all that match: select events with the boxes of the list",
            ));
        }
        if seqs.len() > MAX_SELECTED {
            return Err(Failure::bad(format!(
                "expected at most {MAX_SELECTED} selected events: use all that match"
            )));
        }
        let fits = |state: State| Action::of(state).contains(&action);
        if selection.state.is_some_and(|state| !fits(state)) {
            return Err(Failure::conflict(format!(
                "expected events in a state in which one can {} them",
                action.as_str()
            )));
        }
        Ok(Self {
            action,
            selection,
            seqs,
        })
    }

    /// The events: those that come later are left alone.
    pub(super) fn scope(&self, upto: Option<u64>) -> Scope {
        let mut filter: Filter = self.selection.filter();
        if filter.states.is_empty() {
            filter.states = states(self.action);
        }
        filter.to_seq = upto;
        Scope {
            filter,
            seqs: self.seqs.clone(),
        }
    }
}

fn begin(shared: &Shared, ask: Ask) -> Result<Running, Failure> {
    let job = shared.jobs().begin(ask).map_err(|lost| match lost {
        Lost::Changed => changed(),
        Lost::Busy => Failure::new(
            http::StatusCode::SERVICE_UNAVAILABLE,
            "other actions are running: wait for one of them to end, then try again",
        ),
    })?;
    let store = std::sync::Arc::clone(&shared.store);
    Ok(Running::new(
        job,
        store,
        std::sync::Arc::clone(&shared.audit),
    ))
}

fn see(job: &Job) -> Answer {
    Answer::SeeOther(format!(
        "?{}",
        query(&[("view", "action"), ("id", &job.id.to_string())])
    ))
}

fn changed() -> Failure {
    Failure::conflict(
        "expected events as they were when the page was loaded: they have changed since, by another action or \
         by a worker. Load the page again",
    )
}

/// Appends an event with an edited body.
async fn append(shared: &Shared, form: &Params, who: Option<String>) -> Result<Answer, Failure> {
    let seq = form.number("seq")?;
    let seq = seq.ok_or_else(|| Failure::bad("expected the number of an event"))?;
    let shown = view::edit::editable(shared, seq).await?;
    let body = form.text("body").unwrap_or_default();
    let body = RawJson::parse(body.into_bytes()).map_err(|error| {
        Failure::bad(format!(
            "expected JSON as the body: {error}. Go back to correct it"
        ))
    })?;
    let filter = Filter {
        seq: Some(seq),
        ..Filter::default()
    };
    let running = begin(
        shared,
        Ask {
            action: Action::Edit,
            scope: Scope {
                filter,
                seqs: vec![seq],
            },
            total: None,
            back: view::event_url(seq),
            who,
            revision: form.text("revision").unwrap_or_default(),
        },
    )?;
    let mut entry = Entry::new(Delivery::new(edited(shown.delivery.header), body));
    entry.lane = shown.listed.lane;
    entry.trace = shown.trace;
    let job = std::sync::Arc::clone(&running.job);
    let failed = match shared.store.append(vec![entry]).await {
        Ok(appended) => match appended.first() {
            Some(Appended::New) => {
                running.end_with_one();
                return Ok(see(&job));
            }
            Some(Appended::Refused(refused)) => Failure::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                format!("the store did not take the event: {refused:?}"),
            ),
            _ => Failure::conflict("the store has this event already"),
        },
        Err(error) => error.into(),
    };
    running.end(Ended::Failed(failed.text.clone()));
    Err(failed)
}

/// The header of the new event: with the id of the old one, layers would drop it as a duplicate.
fn edited(mut header: EventHeader) -> EventHeader {
    let old = header.event_id.unwrap_or_default();
    header.event_id = Some(format!("{old}-edited-{:016x}", fastrand::u64(..)));
    header
}
