//! The API of an app: calls with tokens, in a tenant, before a deadline.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use lark_events::EventHeader;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::builder::ApiBuilder;
use crate::error::{ApiError, ApiErrorKind};
use crate::exchange::{Auth, Call, Wire, deadline};
use crate::late::Work;
use crate::token::{AppTicket, Tokens};

/// The API of the platform, called by one app. A clone is cheap, and shares connections and tokens.
///
/// A call gets its token, renews it once if the platform rejects it, waits for rate limits, and is repeated after a
/// lost connection where that is safe, all before its [deadline](crate::ApiBuilder::deadline). A call can be
/// cancelled by dropping its future; the platform may have received it nevertheless.
///
/// ```no_run
/// use lark_events_api::{Api, Domain, Message};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let api = Api::builder("cli_a1b2c3d4e5f60718", "app-secret").domain(Domain::Lark).build()?;
/// let sent = api.reply("om_dc13264520392913993dd051dba21dcf", Message::text("hello")).await?;
/// println!("{}", sent.message_id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    tenant: Option<Arc<str>>,
    deadline: Duration,
}

struct Shared {
    wire: Arc<Wire>,
    tokens: Tokens,
    work: Work,
}

impl Api {
    /// Configures the API of an app, with the id and the secret that the developer console shows.
    pub fn builder(app_id: impl Into<String>, app_secret: impl Into<String>) -> ApiBuilder {
        ApiBuilder::new(app_id.into(), app_secret.into())
    }

    pub(crate) fn new(wire: Arc<Wire>, tokens: Tokens, deadline: Duration) -> Self {
        let work = Work::default();
        Self {
            shared: Arc::new(Shared { wire, tokens, work }),
            tenant: None,
            deadline,
        }
    }

    /// The app's id.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.shared.wire.app.id
    }

    /// Returns the API for a tenant, such as the `tenant_key` of an event. Calls of a store app need a tenant. A
    /// self-built app has only one, and ignores this.
    #[must_use]
    pub fn for_tenant(&self, tenant_key: impl Into<Arc<str>>) -> Self {
        Self {
            tenant: Some(tenant_key.into()),
            ..self.clone()
        }
    }

    /// Returns the API for the tenant in an event's header, if there is one.
    #[must_use]
    pub fn for_event(&self, header: &EventHeader) -> Self {
        match &header.tenant_key {
            Some(tenant_key) => self.for_tenant(tenant_key.as_str()),
            None => self.clone(),
        }
    }

    /// Returns the API with another deadline for its calls.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// Calls any API. `path` is the documented path, beginning with `/open-apis/`, with its query. `body` is sent
    /// as JSON; `&()` sends no body. The result is the `data` of the answer, or the whole answer if it has no
    /// `data`. Use `()` for calls without a result.
    ///
    /// After a lost connection, only a GET is repeated.
    ///
    /// ```no_run
    /// # use lark_events_api::{Api, ApiError};
    /// use http::Method;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Chat {
    ///     name: String,
    /// }
    ///
    /// # async fn run(api: Api) -> Result<(), ApiError> {
    /// let chat: Chat = api.call(Method::GET, "/open-apis/im/v1/chats/oc_1", &()).await?;
    /// let pinned = serde_json::json!({"message_id": "om_1"});
    /// let (): () = api.call(Method::POST, "/open-apis/im/v1/pins", &pinned).await?;
    /// # drop(chat.name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed, or its result does not fit the type.
    pub async fn call<B, T>(&self, method: Method, path: &str, body: &B) -> Result<T, ApiError>
    where
        B: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        if !path.starts_with('/') || path.contains('#') {
            let what = "expected a path such as /open-apis/im/v1/messages";
            return Err(ApiError::invalid(what));
        }
        let call = Call::new(method, path);
        let body = json(body)?;
        let call = if body == b"null" {
            call
        } else {
            call.json(body)
        };
        self.exchange(&call).await?.decode()
    }

    pub(crate) async fn exchange(&self, call: &Call) -> Result<Answer, ApiError> {
        let auth = Auth {
            tokens: &self.shared.tokens,
            tenant: self.tenant.as_ref(),
        };
        let deadline = deadline(self.deadline);
        self.shared.wire.exchange(call, Some(auth), deadline).await
    }

    /// Stores the `app_ticket` of a store app. [`ticket_handler`](Self::ticket_handler) calls this.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the app is not a store app, or when the store fails.
    pub async fn put_ticket(&self, ticket: &AppTicket) -> Result<(), ApiError> {
        let Some(tickets) = self.shared.tokens.tickets() else {
            let what = "the app is not a store app: call ApiBuilder::store_app";
            return Err(ApiError::invalid(what));
        };
        tickets.put(self.app_id(), ticket).await.map_err(|error| {
            let what = "the store of app tickets failed";
            ApiError::new(ApiErrorKind::NoTicket, what).with_source(error)
        })
    }

    /// Asks the platform to send the event `app_ticket` now, at most once a minute. Calls do this when the ticket
    /// is missing or outdated. A store app may also do it when it starts.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn resend_ticket(&self) -> Result<(), ApiError> {
        self.shared.tokens.resend_ticket().await
    }

    pub(crate) fn is_newest_ticket(&self, issued: SystemTime) -> bool {
        self.shared.tokens.is_newest_ticket(issued)
    }

    pub(crate) fn work(&self) -> &Work {
        &self.shared.work
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("app_id", &self.app_id())
            .field("tenant", &self.tenant)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The body of a call.
pub(crate) fn json(body: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body).map_err(|error| {
        ApiError::invalid("the body cannot be serialized as JSON").with_source(error)
    })
}

/// An id as a part of a path.
///
/// # Errors
///
/// If it could be more than one part.
pub(crate) fn segment<'a>(what: &str, id: &'a str) -> Result<&'a str, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
    let is_dots = id.bytes().all(|byte| byte == b'.');
    if id.len() <= 512 && !is_dots && id.bytes().all(is_plain) {
        return Ok(id);
    }
    Err(ApiError::invalid(format!(
        "expected a {what} of letters, digits, `_`, `-`, `.` and `@`, got other characters or nothing"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_more_than_a_part_of_a_path_is_no_id() {
        for id in ["om_dc13264520392913993dd051dba21dcf", "a-Z_0", "a.b@c"] {
            assert_eq!(segment("message id", id).unwrap(), id);
        }
        for id in [
            "",
            ".",
            "..",
            "om_1/x",
            "om_1?x",
            "om_1#",
            "om 1",
            "om_%31",
            "ömöm",
            &"m".repeat(513),
        ] {
            assert!(segment("message id", id).is_err(), "{id}");
        }
    }
}
