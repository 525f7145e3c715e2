//! A platform in memory: it issues tokens, keeps one message for each `uuid`, and fails as a test asks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use lark_events_api::{Api, ApiBuilder, Transport, TransportError};
use serde_json::{Value, json};
use tokio::time::sleep;

pub(crate) const ID: &str = "cli_9f5343c580712544";
pub(crate) const SECRET: &str = "marked-secret";

/// What happens to a call instead of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// There is no connection.
    NotSent,
    /// The platform handles the call, and its answer is lost.
    Lost,
    TooLarge,
    /// There is no answer, ever.
    Never,
}

impl Fault {
    pub(crate) fn code(status: u16, code: i64) -> Self {
        let body = json!({"code": code, "msg": format!("message of {code}")});
        Self::Answer(status, vec![("x-tt-logid", "log-1")], body.to_string())
    }

    pub(crate) fn limited(status: u16, reset: Option<&'static str>) -> Self {
        let headers = reset.map(|reset| ("x-ogw-ratelimit-reset", reset));
        let body = json!({"code": 99_991_400, "msg": "request trigger frequency limit"});
        Self::Answer(status, headers.into_iter().collect(), body.to_string())
    }

    pub(crate) fn gateway(status: u16) -> Self {
        Self::Answer(status, Vec::new(), "<html>".to_owned())
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    issued: usize,
    /// The app or tenant of each token that is valid.
    valid: HashMap<String, String>,
    messages: Vec<(Option<String>, Value)>,
    /// Of tokens, and of other calls.
    faults: [VecDeque<Fault>; 2],
    answers: VecDeque<(Vec<(&'static str, &'static str)>, Bytes)>,
    lasts: u64,
    ticket: Option<String>,
}

impl State {
    fn issue(&mut self, name: &str, holder: String) -> Value {
        self.issued += 1;
        let token = format!("marked-t-{}", self.issued);
        self.valid.insert(token.clone(), holder);
        json!({"code": 0, "msg": "ok", "expire": self.lasts, name: token})
    }
}

/// Clones are one platform.
#[derive(Clone)]
pub(crate) struct Platform {
    state: Arc<Mutex<State>>,
}

impl Platform {
    pub(crate) fn new() -> Self {
        let state = State {
            lasts: 7200,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(crate) fn builder(&self) -> ApiBuilder {
        Api::builder(ID, SECRET).transport(self.clone())
    }

    pub(crate) fn api(&self) -> Api {
        self.builder().build().unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Calls other than those for tokens and tickets.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        let is_call = |seen: &&Seen| !seen.path.contains("/auth/v3/");
        self.state().seen.iter().filter(is_call).cloned().collect()
    }

    pub(crate) fn to(&self, end: &str) -> usize {
        let ends = |seen: &&Seen| seen.path.ends_with(end);
        self.state().seen.iter().filter(ends).count()
    }

    /// How often a token of the app was requested.
    pub(crate) fn token_requests(&self) -> usize {
        self.to("/tenant_access_token/internal")
    }

    pub(crate) fn messages(&self) -> Vec<Value> {
        let state = self.state();
        state
            .messages
            .iter()
            .map(|(_, sent)| sent.clone())
            .collect()
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.state().faults[1].push_back(fault);
    }

    pub(crate) fn token_fault(&self, fault: Fault) {
        self.state().faults[0].push_back(fault);
    }

    pub(crate) fn answer(
        &self,
        headers: Vec<(&'static str, &'static str)>,
        body: impl Into<Bytes>,
    ) {
        self.state().answers.push_back((headers, body.into()));
    }

    pub(crate) fn revoke(&self) {
        self.state().valid.clear();
    }

    pub(crate) fn tokens_last(&self, seconds: u64) {
        self.state().lasts = seconds;
    }

    pub(crate) fn set_ticket(&self, ticket: &str) {
        self.state().ticket = Some(ticket.to_owned());
    }

    fn handle(&self, seen: &Seen) -> (StatusCode, Vec<(&'static str, &'static str)>, Bytes) {
        let mut state = self.state();
        let sent = seen.json();
        let app = || sent["app_id"].as_str().unwrap_or_default().to_owned();
        let (_, auth) = seen.path.split_once("/auth/v3/").unwrap_or_default();
        let answer = match auth {
            "tenant_access_token/internal" => state.issue("tenant_access_token", app()),
            "app_access_token" if sent["app_ticket"].as_str() == state.ticket.as_deref() => {
                state.issue("app_access_token", app())
            }
            "app_access_token" => json!({"code": 10012, "msg": "app ticket invalid"}),
            "tenant_access_token" => {
                let app_token = sent["app_access_token"].as_str().unwrap_or_default();
                if state.valid.contains_key(app_token) {
                    let tenant = sent["tenant_key"].as_str().unwrap_or_default();
                    state.issue("tenant_access_token", tenant.to_owned())
                } else {
                    json!({"code": 99_991_664, "msg": "invalid app_access_token"})
                }
            }
            "app_ticket/resend" => json!({"code": 0, "msg": "ok"}),
            _ => return Self::called(&mut state, seen, &sent),
        };
        (StatusCode::OK, Vec::new(), answer.to_string().into())
    }

    fn called(
        state: &mut State,
        seen: &Seen,
        sent: &Value,
    ) -> (StatusCode, Vec<(&'static str, &'static str)>, Bytes) {
        let token = seen.token.as_deref().unwrap_or_default();
        if !state.valid.contains_key(token) {
            let body = json!({"code": 99_991_663, "msg": format!("Invalid access token {token}")});
            return (StatusCode::BAD_REQUEST, Vec::new(), body.to_string().into());
        }
        if let Some((headers, body)) = state.answers.pop_front() {
            return (StatusCode::OK, headers, body);
        }
        let is_message = seen.method == "POST" && seen.path.contains("/im/v1/messages");
        let uuid = sent["uuid"].as_str().map(str::to_owned);
        let known = |(other, _): &(Option<String>, Value)| uuid.is_some() && *other == uuid;
        let place = state.messages.iter().position(known);
        let number = place.unwrap_or(state.messages.len()) + 1;
        if is_message && place.is_none() {
            state.messages.push((uuid, sent.clone()));
        }
        let data = json!({"message_id": format!("om_{number}"), "reaction_id": "r_1",
            "image_key": "img_1", "file_key": "file_1", "user": {"name": "Ada"}});
        let body = json!({"code": 0, "msg": "success", "data": data});
        (StatusCode::OK, Vec::new(), body.to_string().into())
    }
}

#[async_trait]
impl Transport for Platform {
    async fn send(
        &self,
        request: Request<Bytes>,
        _: usize,
    ) -> Result<Response<Bytes>, TransportError> {
        let header = |name| request.headers().get(name)?.to_str().ok();
        let bearer = header(AUTHORIZATION).and_then(|token| token.strip_prefix("Bearer "));
        let seen = Seen {
            method: request.method().to_string(),
            path: request.uri().path_and_query().unwrap().to_string(),
            token: bearer.map(str::to_owned),
            content_type: header(CONTENT_TYPE).map(str::to_owned),
            body: request.body().clone(),
        };
        let fault = {
            let mut state = self.state();
            let is_call = !seen.path.contains("/auth/v3/");
            state.seen.push(seen.clone());
            state.faults[usize::from(is_call)].pop_front()
        };
        // Long enough for others to ask meanwhile.
        sleep(Duration::from_millis(50)).await;
        let (status, headers, body) = match fault {
            None => self.handle(&seen),
            Some(Fault::NotSent) => return Err(TransportError::not_sent("no route")),
            Some(Fault::Lost) => {
                self.handle(&seen);
                return Err(TransportError::lost("reset"));
            }
            Some(Fault::TooLarge) => {
                self.handle(&seen);
                return Err(TransportError::too_large("too many bytes"));
            }
            Some(Fault::Never) => std::future::pending().await,
            Some(Fault::Answer(status, headers, body)) => {
                (StatusCode::from_u16(status).unwrap(), headers, body.into())
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}
