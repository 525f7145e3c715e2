//! Forms: starts an action, and shows how it goes.

use std::sync::Arc;

use http::request::Parts;
use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_pages::query;
use tokio::sync::oneshot;

use super::answer::{Answer, Failure};
use super::count::{AT_MOST, events, exactly, words};
use super::jobs::{Ask, Ended, Job, Lost, Scope};
use super::params::Params;
use super::running::Running;
use super::selection::Selection;
use super::{Action, Shared, view};
use crate::admin::{Count, Filter, Operation, State};
use crate::store::Entry;

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
    let upto = form.number("upto")?;
    if asked.seqs.is_empty() && upto.is_none() {
        return Err(Failure::bad(
            "expected the highest event number as upto: use the page that asks for confirmation",
        ));
    }
    let scope = asked.scope(upto);
    let back = asked.selection.url();
    // One event is changed before the response, so that a form that comes too late is a conflict.
    let one = match scope.seqs[..] {
        [seq] => Some(seq),
        _ => None,
    };
    let total = match scope.seqs.len() {
        0 => asked.count(shared, &scope, form.number("count")?).await?,
        selected => exactly(selected),
    };
    let ask = Ask {
        action: asked.action,
        what: asked.words(),
        scope,
        total: Some(total),
        back: one.map_or_else(|| back.clone(), view::event_url),
        who,
        revision: form.text("revision").unwrap_or_default(),
    };
    let running = begin(shared, ask)?;
    let job = Arc::clone(&running.job);
    let Some(seq) = one else {
        shared.jobs().spawn(running.run());
        return Ok(see(&job));
    };
    // It goes on if the browser does not wait for the response.
    let (end, ended) = oneshot::channel::<()>();
    shared.jobs().spawn(async move {
        running.run().await;
        drop(end);
    });
    let _closed = ended.await;
    if let Some(failure) = unfinished(&job, seq) {
        return Err(failure);
    }
    match job.done() {
        0 => Err(as_it_is(shared, seq, asked.selection.state()).await),
        _ => Ok(see(&job)),
    }
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
        let selection = Selection::read(params, &shared.redaction)?;
        if let Some(reason) = action.unsupported(&*shared.store, selection.state()) {
            return Err(Failure::unsupported(reason));
        }
        let mut seqs = params.numbers("seq")?;
        seqs.sort_unstable();
        seqs.dedup();
        let is_all = params.get("scope") == Some("all");
        if seqs.is_empty() != is_all {
            return Err(Failure::bad(
                "expected selected events, or all that match: select events with the boxes of the list",
            ));
        }
        if let Some(reason) = shared.no_list().filter(|_| is_all) {
            return Err(Failure::unsupported(reason));
        }
        // An event that changes its state must not be met again.
        if is_all && selection.state().is_none() {
            return Err(Failure::bad(
                "expected one state of all that match: choose a state in the list",
            ));
        }
        if seqs.len() > MAX_SELECTED {
            return Err(Failure::bad(format!(
                "expected at most {MAX_SELECTED} selected events: use all that match"
            )));
        }
        let fits = |state: &State| Action::of(*state).contains(&action);
        if !selection.states.iter().all(fits) {
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
            filter.states = self.action.states();
        }
        filter.to_seq = upto;
        Scope {
            filter,
            seqs: self.seqs.clone(),
        }
    }

    /// The events in words.
    pub(super) fn words(&self) -> String {
        match self.seqs[..] {
            [] => match self.selection.words() {
                filter if filter.is_empty() => "all events".to_owned(),
                filter => format!("all that match: {filter}"),
            },
            [seq] => format!("event #{seq}"),
            _ => format!("{} selected events", self.seqs.len()),
        }
    }

    /// Counts all that match once more.
    async fn count(
        &self,
        shared: &Shared,
        scope: &Scope,
        confirmed: Option<u64>,
    ) -> Result<Count, Failure> {
        let count = shared.store.count(&scope.filter, AT_MOST).await?;
        let list = || self.selection.url();
        if count == Count::all(0) {
            let text = "expected events that match: another action or a worker has changed all of them meanwhile. \
                        Load the list again";
            return Err(Failure::conflict(text).then(list(), "The list"));
        }
        // What was dropped does not come back.
        match confirmed {
            Some(confirmed)
                if self.action == Action::Drop && (count.events > confirmed || !count.is_all) =>
            {
                let text = format!(
                    "expected {}, as confirmed: meanwhile {} match. Load the list again",
                    events(confirmed),
                    words(count)
                );
                Err(Failure::conflict(text).then(list(), "The list"))
            }
            _ => Ok(count),
        }
    }
}

fn begin(shared: &Shared, ask: Ask) -> Result<Running, Failure> {
    let back = ask.back.clone();
    let begun = shared.jobs().begin(ask).map_err(|lost| match lost {
        Lost::Changed(Some(other)) => {
            Failure::conflict(overtaken(&other)).then(action_url(&other), "That action")
        }
        Lost::Changed(None) => Failure::conflict(
            "expected events as they were when the page was loaded: many actions were started meanwhile. Load the \
             page again",
        )
        .then(back, "Back"),
        Lost::Stopping => Failure::busy("the process is about to stop: try again later"),
        Lost::Busy => Failure::busy(
            "too many actions are running: wait for one of them to end, then try again",
        ),
    })?;
    Ok(Running::new(begun, shared))
}

/// Why an action came too late.
fn overtaken(other: &Job) -> String {
    let (who, done) = (other.ask.who.as_deref(), events(other.done()));
    let end = match other.ended() {
        None => format!("in progress, {done} so far"),
        Some(Ended::Complete) => format!("complete, {done}"),
        Some(Ended::Failed(_) | Ended::Stopped(_)) => format!("failed, {done}"),
    };
    format!(
        "expected events as they were when the page was loaded: meanwhile {} started the action {} on {} ({end}). \
         Load the page again",
        who.unwrap_or("another form"),
        other.ask.action.as_str(),
        other.ask.what,
    )
}

/// Why an action on one event ended early.
fn unfinished(job: &Job, seq: u64) -> Option<Failure> {
    let (Ended::Failed(error) | Ended::Stopped(error)) = job.ended()? else {
        return None;
    };
    let text = format!("{error}: look at the event, then try again");
    Some(Failure::busy(text).then(view::event_url(seq), "The event"))
}

/// Why one event was not changed.
async fn as_it_is(shared: &Shared, seq: u64, expected: Option<State>) -> Failure {
    let shown = shared.show(seq).await;
    if let Ok(Some(event)) = &shown
        && expected == Some(event.row.state)
        && !Action::Retry.changes(&event.row)
    {
        let text = format!(
            "expected event #{seq} to wait for a time: it waits for its lane, and is handled after those before it"
        );
        return Failure::conflict(text).then(view::event_url(seq), "The event");
    }
    let is = match shown {
        Ok(Some(event)) if event.row.state == State::Leased => "is being handled by a worker",
        Ok(Some(event)) if Some(event.row.state) != expected => match event.row.state {
            State::Ready => "is ready to be handled",
            State::Waiting => "waits for a retry or for its lane",
            State::Dead => "is a dead letter",
            _ => "is finished",
        },
        Ok(None) => "is finished, and the store no longer has it",
        _ => "has changed",
    };
    let expected = expected.map_or("as it was", State::as_str);
    let text = format!(
        "expected event #{seq} to be {expected}: meanwhile it {is}, by another action or by a worker. Load the page \
         again"
    );
    Failure::conflict(text).then(view::event_url(seq), "The event")
}

fn see(job: &Job) -> Answer {
    Answer::SeeOther(action_url(job))
}

fn action_url(job: &Job) -> String {
    let pairs = [("view", "action"), ("id", &job.id.to_string())];
    format!("?{}", query(&pairs))
}

/// Appends an event with an edited body.
async fn append(shared: &Shared, form: &Params, who: Option<String>) -> Result<Answer, Failure> {
    let seq = form.number("seq")?;
    let seq = seq.ok_or_else(|| Failure::bad("expected the number of an event as seq"))?;
    let shown = shared.editable(seq).await?;
    let body = form.text("body").unwrap_or_default();
    let body = RawJson::parse(body.into_bytes()).map_err(|error| {
        Failure::bad(format!(
            "expected JSON as the body: {error}. Go back to correct it"
        ))
    })?;
    let header = edited(shown.delivery.header);
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
            what: format!("event #{seq}"),
            total: None,
            back: found(shared, &header).unwrap_or_else(|| view::event_url(seq)),
            who,
            revision: form.text("revision").unwrap_or_default(),
        },
    )?;
    let mut entry = Entry::new(Delivery::new(header, body));
    entry.lane = shown.listed.lane;
    entry.trace = shown.trace;
    let job = Arc::clone(&running.job);
    // It goes on if the browser does not wait for the response.
    let (send, appended) = oneshot::channel();
    shared
        .jobs()
        .spawn(async move { drop(send.send(running.append(entry).await)) });
    match appended.await {
        Ok(appended) => appended?,
        Err(_) => unfinished(&job, seq).map_or(Ok(()), Err)?,
    }
    Ok(see(&job))
}

/// The list with the new event.
fn found(shared: &Shared, header: &EventHeader) -> Option<String> {
    let id = header.event_id.as_deref()?;
    shared.redaction.text(id).whole()?;
    let selection = Selection {
        id: Some(id.to_owned()),
        ..Selection::default()
    };
    shared.can(Operation::List).then(|| selection.url())
}

/// The header of the new event: with the id of the old one, layers would drop it as a duplicate.
fn edited(mut header: EventHeader) -> EventHeader {
    let old = header.event_id.unwrap_or_default();
    header.event_id = Some(format!("{old}-edited-{:016x}", fastrand::u64(..)));
    header
}
