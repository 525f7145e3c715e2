//! The page of an inbox in an app, behind basic authentication: operators change events, readers only see them.
//!
//! ```sh
//! OPERATORS=ann:PASSWORD READERS=bob:PASSWORD INBOX_FILE=events.db cargo run -p inbox_page
//! ```
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LISTEN_ADDR` | address of the app, with the page at `/admin/inbox` | `127.0.0.1:8080` |
//! | `INBOX_FILE` | the file of the store, which exists | `events.db` |
//! | `OPERATORS`, `READERS` | users as `NAME:PASSWORD`, with commas between them | none |
//!
//! Actions are logged with the name of the operator. Use it behind a proxy that ends TLS: browsers send the password
//! with each request. `docs/inbox-page.md` shows this file.

use std::env;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lark_events::BoxError;
use lark_events_inbox::SqliteStore;
use lark_events_inbox::console::{Access, Console};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tracing::info;

/// A user who has logged in.
#[derive(Clone)]
struct User {
    name: String,
    access: Access,
}

/// The users, each with the hash of its `NAME:PASSWORD`, so that a comparison takes as long for any length.
struct Accounts(Vec<(Sha256Hash, User)>);

type Sha256Hash = [u8; 32];

impl Accounts {
    fn from_env() -> Result<Self, BoxError> {
        let mut accounts = Vec::new();
        for (variable, access) in [("OPERATORS", Access::All), ("READERS", Access::ReadOnly)] {
            let list = env::var(variable).unwrap_or_default();
            for account in list.split(',').filter(|account| !account.is_empty()) {
                let (name, password) = account.split_once(':').unwrap_or_default();
                if name.is_empty() || password.len() < 12 {
                    let expected = "expected NAME:PASSWORD, with 12 or more characters of password";
                    return Err(format!("{variable}: {expected}").into());
                }
                let name = name.to_owned();
                let hash = Sha256::digest(account).into();
                accounts.push((hash, User { name, access }));
            }
        }
        if accounts.is_empty() {
            return Err("no users: set OPERATORS or READERS".into());
        }
        Ok(Self(accounts))
    }

    /// The user of a request (RFC 7617). Each account is compared, in constant time.
    fn find(&self, headers: &HeaderMap) -> Option<User> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        let is_basic = scheme.eq_ignore_ascii_case("basic");
        let given = STANDARD.decode(encoded).ok().filter(|_| is_basic)?;
        let given: Sha256Hash = Sha256::digest(given).into();
        let mut found = None;
        for (account, user) in &self.0 {
            if bool::from(account.ct_eq(&given)) {
                found = Some(user.clone());
            }
        }
        found
    }
}

/// Answers with status 401 unless the request has the password of a user.
async fn log_in(
    State(accounts): State<Arc<Accounts>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(user) = accounts.find(request.headers()) else {
        let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="inbox", charset="UTF-8""#)];
        let text = "expected a user and a password\n";
        return (StatusCode::UNAUTHORIZED, challenge, text).into_response();
    };
    request.extensions_mut().insert(user);
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let accounts = Arc::new(Accounts::from_env()?);
    let file = env::var("INBOX_FILE").unwrap_or_else(|_| "events.db".to_owned());
    let store = Arc::new(SqliteStore::builder(file).existing().open().await?);

    let user = |request: &Parts| request.extensions.get::<User>().cloned();
    let access = move |request: &Parts| user(request).map_or(Access::Deny, |user| user.access);
    let who = move |request: &Parts| user(request).map(|user| user.name);
    let console = Console::builder(store, access)
        .audit(who, |audited| info!(target: "audit", ?audited))
        .build();
    let app = Router::new()
        .nest_service("/admin/inbox", console.clone())
        .layer(from_fn_with_state(accounts, log_in));

    let address = env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    info!("the page is at http://{address}/admin/inbox");
    let stop = stop_signal()?;
    let server = axum::serve(listener, app);
    server.with_graceful_shutdown(stop).await?;
    console.stop().await; // an action that runs ends after its current batch
    Ok(())
}

/// Catches SIGINT, and SIGTERM on Unix, from now on; the returned future resolves at the first signal.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move { drop(interrupt.recv().await) })
    }
}
