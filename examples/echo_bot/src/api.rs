//! The two calls of the platform's API that an echo needs: for a token, and to reply.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lark_events::BoxError;
use lark_events_ws::rustls::crypto::ring;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

const TOKEN_PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";
/// The code of a call whose token has expired or was revoked.
const TOKEN_EXPIRED: i64 = 99_991_663;
/// A token is renewed this long before it expires. The platform issues a new one only in the last
/// half hour, so a longer time would request the same token repeatedly.
const TOKEN_MARGIN: Duration = Duration::from_mins(5);
/// An answer is as large as the sent message, which is at most 150 KB.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longer error messages are truncated.
const MAX_MESSAGE_CHARS: usize = 200;

/// The app's credentials. The secret is never logged.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The platform's API, called by this app.
pub(crate) struct Api {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base_url: String,
    app: App,
    /// Locked during the call for a new token, so that only one call runs at a time.
    token: Mutex<Option<Token>>,
}

/// A `tenant_access_token`.
#[derive(Clone)]
struct Token {
    header: HeaderValue,
    good_until: Instant,
}

impl Api {
    pub(crate) fn new(base_url: &str, app: App) -> Result<Self, BoxError> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        if !is_safe(&base_url) {
            return Err(
                "expected LARK_BASE_URL to be https:// and a host, or http:// on this machine"
                    .into(),
            );
        }
        // Set explicitly: the process may have no default provider, or another one.
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(tls);
        Ok(Self {
            http,
            base_url,
            app,
            token: Mutex::default(),
        })
    }

    /// Replies to a message with a text. Within an hour, only one call with the same `uuid`, of at most 50
    /// characters, sends a message.
    pub(crate) async fn reply(
        &self,
        message_id: &str,
        text: &str,
        uuid: &str,
    ) -> Result<(), ApiError> {
        let path = format!("/open-apis/im/v1/messages/{message_id}/reply");
        // JSON within JSON: the content is a string that has an object in it.
        let content = json!({ "text": text }).to_string();
        let reply = json!({"msg_type": "text", "content": content, "uuid": uuid});
        let token = self.token().await?;
        match self.call(&path, &reply, Some(&token)).await {
            Err(ApiError::Refused { code, .. }) if code == TOKEN_EXPIRED => {
                self.forget(&token).await;
                let token = self.token().await?;
                self.call(&path, &reply, Some(&token)).await?;
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// The token, or a new one.
    async fn token(&self) -> Result<Token, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            tenant_access_token: String,
            /// In seconds.
            expire: u64,
        }
        let mut known = self.token.lock().await;
        if let Some(token) = known.as_ref().filter(|it| Instant::now() < it.good_until) {
            return Ok(token.clone());
        }
        let app = json!({"app_id": self.app.id, "app_secret": self.app.secret});
        let asked = Instant::now();
        let answer = self.call(TOKEN_PATH, &app, None).await?;
        let answer: Answer = serde_json::from_value(answer).map_err(|_| ApiError::NoToken)?;
        let bearer = format!("Bearer {}", answer.tenant_access_token);
        let mut header = HeaderValue::try_from(bearer).map_err(|_| ApiError::NoToken)?;
        header.set_sensitive(true);
        let good_for = Duration::from_secs(answer.expire).saturating_sub(TOKEN_MARGIN);
        let good_until = asked.checked_add(good_for).ok_or(ApiError::NoToken)?;
        let token = Token { header, good_until };
        *known = Some(token.clone());
        Ok(token)
    }

    /// Drops a token, unless another call has already renewed it.
    async fn forget(&self, token: &Token) {
        let mut known = self.token.lock().await;
        if known.as_ref().is_some_and(|it| it.header == token.header) {
            *known = None;
        }
    }

    /// Posts `body` and returns the answer, if it is a success.
    async fn call(
        &self,
        path: &str,
        body: &Value,
        token: Option<&Token>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::post(format!("{}{path}", self.base_url))
            .header(CONTENT_TYPE, "application/json; charset=utf-8");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, &token.header);
        }
        let request = request
            .body(Full::from(body.to_string()))
            .map_err(|error| ApiError::Unreachable(error.into()))?;
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| ApiError::Unreachable(error.into()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES);
        let body = body.collect().await.map_err(ApiError::Unreachable)?;
        // A rejected call has a status other than 200, and its body gives the reason.
        let answer: Value =
            serde_json::from_slice(&body.to_bytes()).map_err(|_| ApiError::NoApi(status))?;
        match answer["code"].as_i64() {
            Some(0) => Ok(answer),
            Some(code) => {
                let message = answer["msg"].as_str().unwrap_or_default();
                // The text must stay on its log line.
                let message = message.replace(is_control, " ");
                let message = message.chars().take(MAX_MESSAGE_CHARS).collect();
                Err(ApiError::Refused { code, message })
            }
            None => Err(ApiError::NoApi(status)),
        }
    }
}

/// Whether a character acts on a terminal: a control, a text direction mark, or a line end.
fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the secret may be sent there: over TLS, or only on this machine.
fn is_safe(base_url: &str) -> bool {
    let Ok(url) = base_url.parse::<Uri>() else {
        return false;
    };
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => matches!(host, "127.0.0.1" | "[::1]" | "localhost"),
        _ => false,
    }
}

/// Why a call failed. Its text has neither the token nor the secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("cannot reach the platform's API")]
    Unreachable(#[source] BoxError),
    #[error("the platform's API did not answer in time")]
    TimedOut,
    #[error("expected JSON of the platform's API, got status {0}")]
    NoApi(StatusCode),
    #[error("the platform returned no valid token")]
    NoToken,
    #[error("the platform rejected the call with code {code}: {message}")]
    Refused { code: i64, message: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_encrypted_or_not_beyond_this_machine() {
        for safe in [
            "https://open.feishu.cn",
            "https://open.feishu.cn/",
            "https://[::1]:8443",
            "http://127.0.0.1:7780",
            "http://[::1]:7780/",
            "http://localhost",
        ] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_url in [
            "",
            "open.feishu.cn",
            "/open-apis",
            "https://",
            "https:///open-apis",
            "ftp://open.feishu.cn",
            "http://open.feishu.cn",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
        ] {
            assert!(!is_safe(unsafe_url), "{unsafe_url}");
        }
    }
}
