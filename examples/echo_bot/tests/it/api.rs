//! A stub of the platform's API, as far as the bot calls it. It issues tokens that a test can revoke,
//! accepts one reply for each `uuid`, and gives the answers that a test chooses.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bot::{APP_ID, SECRET};

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) message_id: String,
    pub(crate) text: String,
    pub(crate) uuid: String,
}

/// An answer to a reply, whatever the reply is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Canned {
    Answer(u16, &'static str),
    /// None, ever.
    Nothing,
}

impl Canned {
    pub(crate) const EXPIRED: Self = Self::Answer(400, r#"{"code":99991663,"msg":"expired"}"#);
    pub(crate) const LIMITED: Self = Self::Answer(400, r#"{"code":230020,"msg":"too\noften"}"#);
    pub(crate) const NO_JSON: Self = Self::Answer(502, "<html>");
}

struct Shared {
    /// The one token that counts, by its number.
    token: Option<usize>,
    tokens_given: usize,
    expire: u64,
    refuses_app: bool,
    calls: usize,
    replies: Vec<Reply>,
    canned: VecDeque<Canned>,
    /// Where calls for the address of a long connection are passed on to.
    platform: Option<String>,
}

type SharedState = State<Arc<Mutex<Shared>>>;

pub(crate) struct Api {
    shared: Arc<Mutex<Shared>>,
    base_url: String,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::of(None).await
    }

    /// The API of a platform, at one address with the rest of it.
    pub(crate) async fn of(platform: Option<&str>) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            token: None,
            tokens_given: 0,
            expire: 7200,
            refuses_app: false,
            calls: 0,
            replies: Vec::new(),
            canned: VecDeque::new(),
            platform: platform.map(str::to_owned),
        }));
        let app = Router::new()
            .route(
                "/open-apis/auth/v3/tenant_access_token/internal",
                post(token),
            )
            .route("/open-apis/im/v1/messages/{message_id}/reply", post(reply))
            .route("/callback/ws/endpoint", post(endpoint))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { shared, base_url }
    }

    pub(crate) fn base_url(&self) -> String {
        self.base_url.clone()
    }

    pub(crate) fn replies(&self) -> Vec<Reply> {
        self.shared().replies.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared().calls
    }

    pub(crate) fn tokens_given(&self) -> usize {
        self.shared().tokens_given
    }

    pub(crate) fn revoke_tokens(&self) {
        self.shared().token = None;
    }

    pub(crate) fn tokens_last(&self, seconds: u64) {
        self.shared().expire = seconds;
    }

    pub(crate) fn refuse_app(&self) {
        self.shared().refuses_app = true;
    }

    pub(crate) fn answer_next(&self, answers: impl IntoIterator<Item = Canned>) {
        self.shared().canned.extend(answers);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

fn answer(status: u16, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, body.into()).into_response()
}

fn json_of(headers: &HeaderMap, body: &[u8]) -> Value {
    assert_eq!(headers[CONTENT_TYPE], "application/json; charset=utf-8");
    serde_json::from_slice(body).unwrap()
}

async fn token(State(shared): SharedState, headers: HeaderMap, body: Bytes) -> Response {
    // Long enough for others to ask meanwhile.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut shared = shared.lock().unwrap();
    shared.calls += 1;
    let app = json_of(&headers, &body);
    assert_eq!(app, json!({"app_id": APP_ID, "app_secret": SECRET}));
    if shared.refuses_app {
        return answer(200, r#"{"code":10014,"msg":"app secret invalid"}"#);
    }
    shared.tokens_given += 1;
    shared.token = Some(shared.tokens_given);
    let token = format!("t-marked-{}", shared.tokens_given);
    let given = json!({"code": 0, "msg": "ok", "expire": shared.expire,
        "tenant_access_token": token});
    answer(200, given.to_string())
}

async fn reply(
    State(shared): SharedState,
    Path(message_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let canned = {
        let mut shared = shared.lock().unwrap();
        shared.calls += 1;
        shared.canned.pop_front()
    };
    match canned {
        Some(Canned::Answer(status, body)) => return answer(status, body),
        Some(Canned::Nothing) => return std::future::pending().await,
        None => {}
    }
    let mut shared = shared.lock().unwrap();
    let token = shared.token.map(|token| format!("Bearer t-marked-{token}"));
    if token.as_deref() != headers[AUTHORIZATION].to_str().ok() {
        let (status, body) = (400, r#"{"code":99991663,"msg":"Invalid access token"}"#);
        return answer(status, body);
    }
    let reply = json_of(&headers, &body);
    assert_eq!(reply["msg_type"], "text");
    let content: Value = serde_json::from_str(reply["content"].as_str().unwrap()).unwrap();
    let uuid = reply["uuid"].as_str().unwrap();
    assert!(uuid.chars().count() <= 50, "{uuid}");
    if shared.replies.iter().all(|reply| reply.uuid != uuid) {
        shared.replies.push(Reply {
            message_id,
            text: content["text"].as_str().unwrap().to_owned(),
            uuid: uuid.to_owned(),
        });
    }
    answer(200, r#"{"code":0,"msg":"success","data":{}}"#)
}

async fn endpoint(State(shared): SharedState, body: Bytes) -> Response {
    let platform = shared.lock().unwrap().platform.clone().unwrap();
    let request = Request::post(format!("{platform}/callback/ws/endpoint"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    client.request(request).await.unwrap().map(Body::new)
}
