//! What the API changes: pushes, replays and faults. The driver makes each change.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::body::Json;
use super::respond;
use crate::console::Console;
use crate::console::failure::{Failure, json};
use crate::console::filter::transport;
use crate::console::shown;
use crate::serve::compose::Composed;
use crate::serve::control::{AskError, Ids};
use crate::serve::fault::Named;

/// An event to push.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Pushing {
    #[serde(rename = "type")]
    event_type: String,
    /// With its envelope.
    document: Option<Box<RawValue>>,
    /// Without one.
    body: Option<Box<RawValue>>,
    set: Lines,
    event_id: String,
    transport: String,
}

/// Lines as an array, or as one text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an array of strings, or a string of lines")]
enum Lines {
    Array(Vec<String>),
    Text(String),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Array(Vec::new())
    }
}

impl Lines {
    fn lines(self) -> Vec<String> {
        match self {
            Self::Array(lines) => lines,
            Self::Text(text) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(str::to_owned).collect()
            }
        }
    }
}

pub(super) async fn push(
    State(console): State<Arc<Console>>,
    Json(pushing): Json<Pushing>,
) -> Response {
    respond(pushed(&console, pushing).await)
}

async fn pushed(console: &Console, pushing: Pushing) -> Result<Response, Failure> {
    let masks = &console.masks;
    let mode = match pushing.transport.as_str() {
        "" => None,
        name => Some(transport(name).ok_or_else(|| {
            let text = format!(
                "transport: expected webhook, long-connection or nothing for each that is open, got {name}"
            );
            Failure::bad(&text, masks)
        })?),
    };
    let json = match (&pushing.document, &pushing.body) {
        (Some(_), Some(_)) => {
            let text = "expected a document with its envelope or a body, got both: leave one out";
            return Err(Failure::bad(text, masks));
        }
        (document, body) => document.as_ref().or(body.as_ref()).map(|json| text(json)),
    };
    let sets = pushing.set.lines();
    let composed = Composed {
        event_type: pushing.event_type.trim(),
        json: json.as_deref(),
        sets: &sets,
        event_id: Some(pushing.event_id.trim()),
    };
    let event = composed
        .read()
        .map_err(|error| Failure::composed(&error, masks))?;
    let numbers = console.control.push(event, mode).await;
    let numbers = numbers.map_err(|error| Failure::not_made(&error, masks))?;
    Ok(created(&numbers))
}

/// JSON that is a string is a text of JSON, as an editor has it.
fn text(json: &RawValue) -> String {
    let text = serde_json::from_str::<String>(json.get());
    text.unwrap_or_else(|_| json.get().to_owned())
}

fn created(numbers: &[usize]) -> Response {
    let mut response = json(StatusCode::CREATED, &json!({"deliveries": numbers}));
    if let Some(number) = numbers.first() {
        let location = [(LOCATION, format!("/api/deliveries/{number}"))];
        response = (location, response).into_response();
    }
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replaying {
    ids: IdsNamed,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum IdsNamed {
    Same,
    New,
}

pub(super) async fn replay(
    State(console): State<Arc<Console>>,
    number: Result<Path<String>, PathRejection>,
    Json(replaying): Json<Replaying>,
) -> Response {
    let replayed = async {
        let number = console.segment(number)?;
        replayed(&console, &number, replaying).await
    };
    respond(replayed.await)
}

async fn replayed(
    console: &Console,
    number: &str,
    replaying: Replaying,
) -> Result<Response, Failure> {
    let history = &console.control.history;
    let kept = number
        .parse()
        .ok()
        .and_then(|number| history.delivery(number));
    let kept = kept.ok_or_else(|| console.no_delivery(number))?;
    let ids = match replaying.ids {
        IdsNamed::Same => Ids::Same,
        IdsNamed::New => Ids::New,
    };
    match console.control.resend(kept.number, ids).await {
        Ok(number) => Ok(created(&[number])),
        // Forgotten meanwhile.
        Err(AskError::Unknown(_)) => Err(console.no_delivery(number)),
        Err(error) => Err(Failure::not_made(&error, &console.masks)),
    }
}

/// A fault as it is typed, or in parts.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FaultAsked {
    fault: String,
    value: String,
    probability: Probability,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a probability from 0 to 1")]
enum Probability {
    Number(f64),
    Text(String),
}

impl Default for Probability {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl FaultAsked {
    fn text(&self) -> String {
        let mut text = self.fault.trim().to_owned();
        let probability = match &self.probability {
            Probability::Number(number) => number.to_string(),
            Probability::Text(text) => text.trim().to_owned(),
        };
        for (mark, part) in [(':', self.value.trim()), ('@', &probability)] {
            if !part.is_empty() {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }
}

pub(super) async fn inject(
    State(console): State<Arc<Console>>,
    Json(asked): Json<FaultAsked>,
) -> Response {
    respond(injected(&console, &asked).await)
}

async fn injected(console: &Console, asked: &FaultAsked) -> Result<Response, Failure> {
    let masks = &console.masks;
    let named: Named = asked.text().parse().map_err(|error: String| {
        // The list of all faults follows.
        let text = error.lines().next().unwrap_or_default();
        Failure::bad(text, masks)
    })?;
    let injected = console.control.inject(named).await;
    injected.map_err(|error| Failure::not_made(&error, masks))?;
    Ok(in_effect(console, StatusCode::CREATED))
}

/// A fault to remove, or all.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Removing {
    fault: String,
    all: All,
}

/// Whether all faults are meant; a form sends text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected true for all faults")]
enum All {
    Flag(bool),
    Text(String),
}

impl Default for All {
    fn default() -> Self {
        Self::Flag(false)
    }
}

pub(super) async fn remove(
    State(console): State<Arc<Console>>,
    Json(removing): Json<Removing>,
) -> Response {
    respond(removed(&console, &removing).await)
}

async fn removed(console: &Console, removing: &Removing) -> Result<Response, Failure> {
    let (control, masks) = (&console.control, &console.masks);
    let text = removing.fault.trim();
    let not_made = |error: AskError| Failure::not_made(&error, masks);
    let is_all = match &removing.all {
        All::Flag(is_all) => *is_all,
        All::Text(text) => text == "true",
    };
    match (is_all, text) {
        (true, "") => {
            control.calm().await.map_err(not_made)?;
            return Ok(in_effect(console, StatusCode::OK));
        }
        (true, _) | (false, "") => {
            let text = "expected the fault to remove as fault, or all: true for all faults, got both or \
                        neither: GET /api/faults lists those in effect";
            return Err(Failure::bad(text, masks));
        }
        (false, _) => {}
    }
    let faults = control.platform.faults();
    let found = faults.iter().find(|fault| fault.to_string() == text);
    let is_removed = match found {
        Some(fault) => control.remove(fault).await.map_err(not_made)?,
        None => false,
    };
    if !is_removed {
        let text = format!(
            "{text} is not in effect: it has happened, or was removed; GET /api/faults lists those that are"
        );
        return Err(Failure::new(StatusCode::CONFLICT, &text, masks));
    }
    Ok(in_effect(console, StatusCode::OK))
}

fn in_effect(console: &Console, status: StatusCode) -> Response {
    let faults = shown::faults(&console.control.platform);
    json(status, &json!({"faults": faults}))
}
