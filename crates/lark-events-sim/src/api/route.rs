//! Which call does what.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::ApiCall;
use super::state::Inner;
use super::{PREFIX, messages, tokens};
use crate::shared::Shared;

/// The simulator's code for a token that does not allow an update.
const CARD_TOKEN_REJECTED: i64 = 11_310;

/// Handles a call.
pub(super) fn handle(shared: &Arc<Shared>, request: &Request<Bytes>, call: &mut ApiCall) -> Answer {
    let log_id = shared.random.hex(16);
    let path = request.uri().path();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let sent: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let token_path = path.strip_prefix("auth/v3/");
    if let Some(answer) = token_path.and_then(|path| tokens::handle(shared, path, &sent)) {
        return answer.with_log_id(&log_id);
    }
    let mut inner = shared.api.inner();
    let answer = match inner.tokens.check(call.token.as_deref()) {
        Err(rejected) => rejected.into(),
        Ok(()) => {
            let new_key = |prefix: &str| format!("{prefix}_{}", shared.random.hex(16));
            in_tenant(&mut inner, request, path, &sent, call, new_key)
        }
    };
    answer.with_log_id(&log_id)
}

fn in_tenant(
    inner: &mut Inner,
    request: &Request<Bytes>,
    path: &str,
    sent: &Value,
    call: &mut ApiCall,
    new_key: impl Fn(&str) -> String,
) -> Answer {
    if let Some(data) = inner.results.get(request.uri().path()) {
        return Answer::ok(data.clone());
    }
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::POST, ["im", "v1", "messages"]) => inner.messages.send(sent, None, call),
        (&Method::POST, ["im", "v1", "messages", id, "reply"]) => {
            inner.messages.send(sent, Some(id), call)
        }
        (&Method::PATCH, ["im", "v1", "messages", id]) => {
            let update = |message: &mut _| messages::update(message, sent);
            inner.messages.change(id, update)
        }
        (&Method::DELETE, ["im", "v1", "messages", id]) => inner.messages.change(id, |message| {
            message.is_recalled = true;
            Answer::ok(json!({}))
        }),
        (&Method::POST, ["im", "v1", "messages", id, "reactions"]) => {
            let emoji = sent["reaction_type"]["emoji_type"].as_str();
            let emoji = emoji.unwrap_or_default().to_owned();
            let added = Answer::ok(json!({"reaction_id": new_key("r")}));
            // The app may react to messages of users, which the simulator does not have.
            let _ = inner.messages.change(id, |message| {
                message.reactions.push(emoji);
                Answer::ok(json!({}))
            });
            added
        }
        (&Method::GET, ["im", "v1", "messages", _, "resources", key]) => {
            match inner.files.get(*key) {
                Some(content) => Answer::file(content.clone()),
                None => Answer::failed(400, 234_003, "file not in message"),
            }
        }
        (&Method::POST, ["im", "v1", "images"]) => {
            uploaded(inner, request, "image_key", new_key("img"))
        }
        (&Method::POST, ["im", "v1", "files"]) => {
            uploaded(inner, request, "file_key", new_key("file"))
        }
        (&Method::GET, ["contact", "v3", "users", id]) => Answer::ok(json!({"user": {
            "open_id": id, "name": format!("User {id}"),
            "status": {
                "is_frozen": false, "is_resigned": false, "is_activated": true, "is_exited": false,
                "is_unjoin": false,
            },
        }})),
        (&Method::GET, ["bot", "v3", "info"]) => Answer::beside(json!({"bot": {
            "activate_status": 2, "app_name": "Simulated bot", "open_id": "ou_simulated_bot",
        }})),
        (&Method::POST, ["interactive", "v1", "card", "update"]) => updated(inner, sent),
        _ => Answer::status(404),
    }
}

/// Keeps the file of a form, which is its last part.
fn uploaded(inner: &mut Inner, request: &Request<Bytes>, name: &str, key: String) -> Answer {
    let Some(content) = last_part(request) else {
        return Answer::failed(
            400,
            234_001,
            "invalid request param: expected a form with a file",
        );
    };
    inner.files.insert(key.clone(), content);
    Answer::ok(json!({ name: key }))
}

/// The content of the last part of a form.
fn last_part(request: &Request<Bytes>) -> Option<Bytes> {
    let kind = request
        .headers()
        .get(http::header::CONTENT_TYPE)?
        .to_str()
        .ok()?;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=")?;
    let body = request.body();
    let end = format!("\r\n--{boundary}--\r\n");
    let body = body.strip_suffix(end.as_bytes())?;
    let begin = format!("--{boundary}\r\n");
    let part = rfind(body, begin.as_bytes())? + begin.len();
    let head = find(&body[part..], b"\r\n\r\n")?;
    let content = &body[part + head + 4..];
    (!content.is_empty()).then(|| Bytes::copy_from_slice(content))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .rposition(|window| window == wanted)
}

/// A delayed update of a card.
fn updated(inner: &mut Inner, sent: &Value) -> Answer {
    let token = sent["token"].as_str().unwrap_or_default();
    if token.is_empty() || !sent["card"].is_object() {
        return Answer::failed(400, 10_002, "expected a token and a card");
    }
    match inner.cards.update(token) {
        Ok(()) => Answer::beside(json!({})),
        Err(msg) => Answer::failed(400, CARD_TOKEN_REJECTED, msg),
    }
}
