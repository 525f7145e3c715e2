//! Access tokens, and the ticket of a store app.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{Answer, Failure};
use crate::document::Document;
use crate::shared::Shared;

const APP_NOT_FOUND: i64 = 10_003;
const BAD_SECRET: i64 = 10_014;
const BAD_TICKET: i64 = 10_012;
const BAD_APP_TOKEN: i64 = 99_991_664;

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    App,
    Tenant,
}

pub(super) struct Tokens {
    lifetime: Duration,
    issued: HashMap<String, (Scope, Instant)>,
    /// The newest ticket that was sent.
    ticket: Option<String>,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            issued: HashMap::new(),
            ticket: None,
        }
    }

    pub(super) fn revoke(&mut self) {
        self.issued.clear();
    }

    fn issue(&mut self, scope: Scope, text: String) -> Value {
        let now = Instant::now();
        self.issued.retain(|_, (_, end)| now < *end);
        self.issued
            .insert(text.clone(), (scope, now + self.lifetime));
        let name = match scope {
            Scope::App => "app_access_token",
            Scope::Tenant => "tenant_access_token",
        };
        json!({name: text, "expire": self.lifetime.as_secs()})
    }

    fn is_good(&self, scope: Scope, token: &str) -> bool {
        let issued = self.issued.get(token);
        issued.is_some_and(|(of, end)| *of == scope && Instant::now() < *end)
    }

    /// The failure of a call in a tenant without a good token.
    pub(super) fn check(&self, token: Option<&str>) -> Result<(), Failure> {
        match token {
            Some(token) if self.is_good(Scope::Tenant, token) => Ok(()),
            Some(_) => Err(Failure(
                400,
                99_991_663,
                "Invalid access token for authorization",
            )),
            None => Err(Failure(
                400,
                99_991_661,
                "Missing access token for authorization",
            )),
        }
    }
}

/// Answers a call for a token or a ticket.
pub(super) fn handle(shared: &Arc<Shared>, path: &str, sent: &Value) -> Option<Answer> {
    let text = |name: &str| sent[name].as_str().unwrap_or_default();
    let app = &shared.app;
    let of_app = || {
        if text("app_id") != app.id {
            Err(Failure(200, APP_NOT_FOUND, "invalid param"))
        } else if text("app_secret") != app.secret {
            Err(Failure(200, BAD_SECRET, "app secret invalid"))
        } else {
            Ok(())
        }
    };
    let random = |prefix: &str| format!("{prefix}-{}", shared.random.hex(16));
    let answer = match path {
        "tenant_access_token/internal" => of_app().map(|()| {
            let mut inner = shared.api.inner();
            inner.tokens.issue(Scope::Tenant, random("t"))
        }),
        "app_access_token/internal" => of_app().map(|()| {
            let mut inner = shared.api.inner();
            inner.tokens.issue(Scope::App, random("a"))
        }),
        "app_access_token" => of_app().and_then(|()| {
            let mut inner = shared.api.inner();
            if inner.tokens.ticket.as_deref() != Some(text("app_ticket")) {
                return Err(Failure(200, BAD_TICKET, "app ticket invalid"));
            }
            Ok(inner.tokens.issue(Scope::App, random("a")))
        }),
        "tenant_access_token" => {
            let mut inner = shared.api.inner();
            if inner.tokens.is_good(Scope::App, text("app_access_token")) {
                Ok(inner.tokens.issue(Scope::Tenant, random("t")))
            } else {
                Err(Failure(400, BAD_APP_TOKEN, "invalid app_access_token"))
            }
        }
        "app_ticket/resend" => of_app().map(|()| {
            drop(shared.push_ticket());
            json!({})
        }),
        _ => return None,
    };
    Some(answer.map_or_else(Answer::from, Answer::beside))
}

impl Shared {
    /// Issues a ticket, and the event that has it.
    pub(crate) fn new_ticket(&self) -> Document {
        let ticket = format!("g-{}", self.random.hex(16));
        self.api.inner().tokens.ticket = Some(ticket.clone());
        let body = json!({"app_id": self.app.id, "app_ticket": ticket});
        Document::v1("app_ticket", &body).expect("strings can be written")
    }
}
