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
/// How long before its end a token is not used any more. The platform gives a new one only in the last
/// half hour, so more than that would ask for the same again and again.
const TOKEN_MARGIN: Duration = Duration::from_mins(5);
/// An answer is as large as the message that was sent, of 150 KB at most.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longer messages are cut.
const MAX_MESSAGE_CHARS: usize = 200;

/// Who calls. The secret is in no log line: it is only ever sent.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The platform's API, as this app.
pub(crate) struct Api {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base_url: String,
    app: App,
    /// Held over the call for a new one, so that only one is asked for at a time.
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
                "LARK_BASE_URL is neither https:// and a host nor http:// on this machine".into(),
            );
        }
        // Given by hand: the process may have no provider, or another one.
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

    /// Replies to a message with a text. Of calls with the same `uuid`, which has 50 characters at most,
    /// one within an hour sends a message.
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

    /// Forgets a token, unless another call has a new one already.
    async fn forget(&self, token: &Token) {
        let mut known = self.token.lock().await;
        if known.as_ref().is_some_and(|it| it.header == token.header) {
            *known = None;
        }
    }

    /// Posts `body` and gives the answer, if it is one of success.
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
        // What was refused comes with another status than 200, and says why all the same.
        let answer: Value =
            serde_json::from_slice(&body.to_bytes()).map_err(|_| ApiError::NoApi(status))?;
        match answer["code"].as_i64() {
            Some(0) => Ok(answer),
            Some(code) => {
                let message = answer["msg"].as_str().unwrap_or_default();
                // It becomes part of a log line, and stays on it.
                let message = message.replace(is_control, " ");
                let message = message.chars().take(MAX_MESSAGE_CHARS).collect();
                Err(ApiError::Refused { code, message })
            }
            None => Err(ApiError::NoApi(status)),
        }
    }
}

/// Whether it acts on a terminal: a control, one of text direction, or an end of a line.
fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the secret may go there: encrypted, or not beyond this machine.
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
    #[error("the platform's API cannot be reached")]
    Unreachable(#[source] BoxError),
    #[error("the platform's API did not answer in time")]
    TimedOut,
    #[error("something other than the platform's API answered {0}")]
    NoApi(StatusCode),
    #[error("the platform gave no token that can be used")]
    NoToken,
    #[error("the platform refused the call with code {code}: {message}")]
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
