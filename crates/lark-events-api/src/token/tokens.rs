//! The tokens of an app: one for a self-built app, one for each tenant of a store app.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::slot::{Issued, Slot};
use super::ticket::TicketStore;
use crate::credentials::Token;
use crate::error::{ApiError, ApiErrorKind};
use crate::exchange::{Call, Wire, deadline};

const INTERNAL_TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token/internal";
const TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token";
const APP_TOKEN: &str = "/open-apis/auth/v3/app_access_token";
const RESEND_TICKET: &str = "/open-apis/auth/v3/app_ticket/resend";

/// The platform does not accept the `app_ticket`.
const TICKET_REJECTED: i64 = 10_012;
/// The platform does not accept the `app_access_token`, besides the codes that all calls have.
const APP_TOKEN_REJECTED: i64 = 10_013;
/// How long a request for a token may take. It has callers with deadlines of their own.
const TOKEN_DEADLINE: Duration = Duration::from_secs(10);
/// How soon a new ticket is requested again: the platform needs a moment to send it.
const RESEND_INTERVAL: Duration = Duration::from_mins(1);
/// How long an event should wait that failed for want of a ticket.
const TICKET_DELAY: Duration = Duration::from_secs(5);
/// The most tenants whose tokens are kept. A store app with more requests some tokens more often.
const MAX_TENANTS: usize = 10_000;

/// How the app gets its tokens.
pub(crate) enum Kind {
    SelfBuilt,
    Store(Arc<dyn TicketStore>),
}

type Getting<'a> = Pin<Box<dyn Future<Output = Result<Token, ApiError>> + Send + 'a>>;

type Slots = HashMap<Option<Arc<str>>, Arc<Slot>>;

#[derive(Clone)]
pub(crate) struct Tokens(Arc<Inner>);

struct Inner {
    wire: Arc<Wire>,
    kind: Kind,
    /// The `app_access_token` of a store app.
    of_app: Arc<Slot>,
    /// By tenant; a self-built app has one, whatever the tenant is.
    of_tenants: Mutex<Slots>,
    ticket_requested: TicketRequested,
    /// The time of the newest event with a ticket.
    newest_ticket: Mutex<Option<SystemTime>>,
}

/// When a new ticket was requested.
#[derive(Default)]
struct TicketRequested(Mutex<Option<Instant>>);

/// A request for a ticket. If it fails or is cancelled, the next call makes another.
struct TicketRequest<'a>(Option<&'a TicketRequested>);

impl TicketRequested {
    /// `None` if the last request is recent.
    fn begin(&self) -> Option<TicketRequest<'_>> {
        let now = Instant::now();
        let mut requested = self.at();
        let is_recent = |at: Instant| now.duration_since(at) < RESEND_INTERVAL;
        if requested.is_some_and(is_recent) {
            return None;
        }
        *requested = Some(now);
        Some(TicketRequest(Some(self)))
    }

    fn at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TicketRequest<'_> {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for TicketRequest<'_> {
    fn drop(&mut self) {
        if let Some(requested) = self.0 {
            *requested.at() = None;
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    #[serde(alias = "app_access_token")]
    tenant_access_token: String,
    /// In seconds.
    expire: u64,
}

impl Tokens {
    pub(crate) fn new(wire: Arc<Wire>, kind: Kind) -> Self {
        Self(Arc::new(Inner {
            wire,
            kind,
            of_app: Arc::default(),
            of_tenants: Mutex::default(),
            ticket_requested: TicketRequested::default(),
            newest_ticket: Mutex::default(),
        }))
    }

    /// The token for calls in a tenant. The type is written out, as a request for a token is a call too.
    pub(crate) fn get<'a>(&'a self, tenant: Option<&'a Arc<str>>) -> Getting<'a> {
        Box::pin(async move {
            let inner = &self.0;
            match (&inner.kind, tenant) {
                (Kind::SelfBuilt, _) => {
                    let asking = Arc::clone(inner);
                    let request = || async move { asking.internal_token().await };
                    inner.slot(None).get(request).await
                }
                (Kind::Store(_), Some(tenant)) => {
                    let (asking, key) = (Arc::clone(inner), Arc::clone(tenant));
                    let request = || async move { asking.tenant_token(&key).await };
                    inner.slot(Some(tenant)).get(request).await
                }
                (Kind::Store(_), None) => Err(ApiError::invalid(
                    "a call of a store app needs a tenant: use Api::for_tenant with the event's tenant_key",
                )),
            }
        })
    }

    /// Drops a token that a call was rejected with.
    pub(crate) fn forget(&self, tenant: Option<&Arc<str>>, token: &Token) {
        let inner = &self.0;
        let tenant = match inner.kind {
            Kind::SelfBuilt => None,
            Kind::Store(_) => tenant,
        };
        inner.slot(tenant).forget(token);
    }

    /// Whether no ticket was issued after this one, as far as this process has seen.
    pub(crate) fn is_newest_ticket(&self, issued: SystemTime) -> bool {
        let newest = &self.0.newest_ticket;
        let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_newest = newest.is_none_or(|newest| newest <= issued);
        if is_newest {
            *newest = Some(issued);
        }
        is_newest
    }

    pub(crate) fn tickets(&self) -> Option<&Arc<dyn TicketStore>> {
        match &self.0.kind {
            Kind::SelfBuilt => None,
            Kind::Store(tickets) => Some(tickets),
        }
    }

    /// Has the platform send the `app_ticket` event again.
    pub(crate) async fn resend_ticket(&self) -> Result<(), ApiError> {
        self.0.resend_ticket().await
    }
}

impl Inner {
    fn slot(&self, tenant: Option<&Arc<str>>) -> Arc<Slot> {
        let mut slots = self
            .of_tenants
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        slot_of(&mut slots, tenant.cloned(), MAX_TENANTS)
    }

    async fn internal_token(&self) -> Result<Issued, ApiError> {
        let call = token_call(INTERNAL_TENANT_TOKEN, &self.credentials());
        self.granted(&call).await
    }

    async fn tenant_token(self: &Arc<Self>, tenant: &str) -> Result<Issued, ApiError> {
        let mut is_renewed = false;
        loop {
            let asking = Arc::clone(self);
            let request = || async move { asking.app_token().await };
            let app_token = self.of_app.get(request).await?;
            let body = json!({"app_access_token": app_token.as_str(), "tenant_key": tenant});
            let call = token_call(TENANT_TOKEN, &body).secret(app_token.as_str());
            match self.granted(&call).await {
                Err(error) if rejects_app_token(&error) && !is_renewed => {
                    is_renewed = true;
                    self.of_app.forget(&app_token);
                }
                granted => return granted,
            }
        }
    }

    async fn app_token(&self) -> Result<Issued, ApiError> {
        let Kind::Store(tickets) = &self.kind else {
            return self.internal_token().await;
        };
        // A store that does not answer must not block the calls to come.
        let ticket = timeout(TOKEN_DEADLINE, tickets.get(&self.wire.app.id)).await;
        let ticket = ticket.map_err(Into::into).flatten().map_err(|error| {
            let what = "the store of app tickets failed";
            ApiError::new(ApiErrorKind::NoTicket, what).with_source(error)
        })?;
        let Some(ticket) = ticket else {
            self.resend_ticket().await?;
            return Err(no_ticket("there is no app_ticket yet: one was requested"));
        };
        let app = &self.wire.app;
        let body = json!({"app_id": &*app.id, "app_secret": app.secret.as_str(),
            "app_ticket": ticket.reveal()});
        let call = token_call(APP_TOKEN, &body).secret(ticket.reveal());
        match self.granted(&call).await {
            Err(error) if error.code() == Some(TICKET_REJECTED) => {
                let rejected = match self.resend_ticket().await {
                    Ok(()) => {
                        no_ticket("the platform rejected the app_ticket: a new one was requested")
                    }
                    Err(failed) => {
                        let what =
                            "the platform rejected the app_ticket, and no new one can be requested";
                        ApiError::new(ApiErrorKind::NoTicket, what).with_source(failed)
                    }
                };
                Err(rejected.with_code(TICKET_REJECTED, error.message()))
            }
            granted => granted,
        }
    }

    async fn resend_ticket(&self) -> Result<(), ApiError> {
        let Some(request) = self.ticket_requested.begin() else {
            return Ok(());
        };
        let call = token_call(RESEND_TICKET, &self.credentials());
        let limit = deadline(TOKEN_DEADLINE);
        self.wire.exchange(&call, None, limit).await?;
        request.done();
        Ok(())
    }

    fn credentials(&self) -> Value {
        let app = &self.wire.app;
        json!({"app_id": &*app.id, "app_secret": app.secret.as_str()})
    }

    async fn granted(&self, call: &Call) -> Result<Issued, ApiError> {
        let requested = Instant::now();
        let limit = deadline(TOKEN_DEADLINE);
        let answer = self.wire.exchange(call, None, limit).await?;
        let granted = serde_json::from_slice::<Granted>(&answer.body);
        let granted = granted.map_err(|error| answer.unfit(error))?;
        let token = Token::new(granted.tenant_access_token).ok_or_else(|| {
            let what = "expected a token in printable ASCII, got another one";
            ApiError::new(ApiErrorKind::Unexpected, what)
        })?;
        Ok(Issued {
            token,
            good_for: Duration::from_secs(granted.expire),
            requested,
        })
    }
}

/// A request for a token or a ticket. One that nobody uses does no harm.
fn token_call(path: &str, body: &Value) -> Call {
    Call::new(Method::POST, path)
        .json(body.to_string().into_bytes())
        .repeatable(true)
}

/// The slot of a tenant, of at most `max`.
fn slot_of(slots: &mut Slots, tenant: Option<Arc<str>>, max: usize) -> Arc<Slot> {
    if slots.len() >= max && !slots.contains_key(&tenant) {
        slots.retain(|_, slot| !slot.is_empty());
        if slots.len() >= max {
            // One that no call uses, if there is any.
            let unused = slots.iter().find(|(_, slot)| Arc::strong_count(slot) == 1);
            let evicted = unused.or_else(|| slots.iter().next());
            if let Some(tenant) = evicted.map(|(tenant, _)| tenant.clone()) {
                slots.remove(&tenant);
            }
        }
    }
    Arc::clone(slots.entry(tenant).or_default())
}

fn rejects_app_token(error: &ApiError) -> bool {
    error.kind() == ApiErrorKind::TokenRejected || error.code() == Some(APP_TOKEN_REJECTED)
}

fn no_ticket(what: &str) -> ApiError {
    let cause = "the app_ticket comes as an event";
    ApiError::new(ApiErrorKind::NoTicket, what).with_retry_after(TICKET_DELAY, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tenant_too_many_costs_one_other_tenant_its_token() {
        let key = |number: usize| Some(Arc::from(format!("t-{number}")));
        let mut slots = HashMap::new();
        for number in 0..10 {
            let issue = || async {
                Ok(Issued {
                    token: Token::new("t".to_owned()).unwrap(),
                    good_for: Duration::from_hours(2),
                    requested: Instant::now(),
                })
            };
            let slot = slot_of(&mut slots, key(number), 3);
            slot.get(issue).await.unwrap();
            assert_eq!(slots.len(), (number + 1).min(3));
            assert!(slots.contains_key(&key(number)));
        }
        // One that is in use stays.
        let used: Vec<_> = slots.keys().cloned().collect();
        let used = [&used[0], &used[1]].map(|key| (key.clone(), Arc::clone(&slots[key])));
        slot_of(&mut slots, key(10), 3);
        for (key, slot) in &used {
            assert!(Arc::ptr_eq(&slots[key], slot));
        }
    }
}
