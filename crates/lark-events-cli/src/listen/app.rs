//! The app whose events are forwarded: its credentials on the platform, and the secrets of its webhook.

use std::env;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use lark_events_ws::{Domain, LongConnection};
use tokio_rustls::rustls::ClientConfig;

use super::ListenArgs;
use crate::Error;
use crate::secrets::given;

const BASE_URL: &str = "LARK_BASE_URL";
/// Events under way at once, each of which is a request of the webhook.
const MAX_RUNNING: usize = 256;

pub(super) struct App {
    pub(super) domain: Domain,
    pub(super) id: String,
    secret: String,
    pub(super) key: Option<String>,
    pub(super) token: Option<String>,
}

impl App {
    pub(super) fn given(args: &ListenArgs) -> Result<Self, Error> {
        let id = given(args.app_id.as_ref(), "--app-id", "LARK_APP_ID")?;
        let secret = given(args.app_secret.as_ref(), "--app-secret", "LARK_APP_SECRET")?;
        let domain = match &args.domain {
            Some(domain) => domain.clone(),
            None => match env::var(BASE_URL) {
                Ok(url) if !url.is_empty() => {
                    domain(&url).map_err(|why| format!("{BASE_URL}: {why}"))?
                }
                _ => Domain::Feishu,
            },
        };
        Ok(Self {
            domain,
            id: id.ok_or("no app: set LARK_APP_ID, or pass --app-id")?,
            secret: secret.ok_or("no secret of the app: set LARK_APP_SECRET")?,
            key: args.secrets.key()?,
            token: args.secrets.token()?,
        })
    }

    /// A long connection of the app.
    pub(super) fn connection(&self, tls: Arc<ClientConfig>) -> Result<LongConnection, Error> {
        let connection = LongConnection::builder(&self.id, &self.secret)
            .domain(self.domain.clone())
            .max_running(MAX_RUNNING)
            .tls_config(tls);
        Ok(connection.build()?)
    }

    /// What is shown nowhere.
    pub(super) fn secrets(&self) -> Vec<String> {
        let all = [Some(&self.secret), self.key.as_ref(), self.token.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }
}

/// Parses a platform.
pub(super) fn domain(text: &str) -> Result<Domain, String> {
    match text {
        "feishu" => Ok(Domain::Feishu),
        "lark" => Ok(Domain::Lark),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(Domain::custom(url)),
        _ => Err(format!("expected `feishu`, `lark` or a URL, got {text}")),
    }
}

/// A secret for the simulator's own endpoints, which nobody uses.
pub(super) fn no_secret() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_a_name_or_a_url() {
        for (text, url) in [
            ("feishu", "https://open.feishu.cn"),
            ("lark", "https://open.larksuite.com"),
            ("http://127.0.0.1:7780", "http://127.0.0.1:7780"),
        ] {
            assert_eq!(domain(text).unwrap().base_url(), url);
        }
        assert!(domain("slack").unwrap_err().ends_with("got slack"));
    }
}
