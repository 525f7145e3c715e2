//! The webhook that is pushed to: its URL, and waiting until it passes the check.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use lark_events_sim::{Platform, WebhookError};
use tokio::time::sleep;

use crate::webhook::target::Target;

/// Between two checks of a webhook that is not there yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// A URL that can be pushed to.
#[derive(Debug, Clone)]
pub(crate) struct WebhookUrl(String);

impl FromStr for WebhookUrl {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "the webhook is no http:// URL";
        let uri: Uri = url.parse().map_err(|_| FORM)?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err("serve does not push to https://; push and check do");
        }
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(FORM);
        }
        url.parse::<Target>()?;
        Ok(Self(url.to_owned()))
    }
}

impl WebhookUrl {
    /// Sets the webhook as soon as it passes the check, and tells why it does not.
    pub(super) async fn check(self, platform: Arc<Platform>, refused: impl Fn(WebhookError)) {
        let mut last = None;
        while let Err(error) = platform.set_webhook(&self.0).await {
            if last.as_ref() != Some(&error) {
                last = Some(error.clone());
                refused(error);
            }
            sleep(CHECK_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_at_http_and_for_https_there_are_other_commands() {
        for url in [
            "http://localhost:3000/events",
            "http://[::1]:80",
            "HTTP://x",
        ] {
            assert!(url.parse::<WebhookUrl>().is_ok(), "{url}");
        }
        for (url, why) in [
            ("https://x/", "does not push to https://"),
            ("ftp://x/", "no http:// URL"),
            ("http://x:70000/", "no port"),
            ("http://user:password@x/", "has a user"),
            ("x", "no http:// URL"),
        ] {
            let error = url.parse::<WebhookUrl>().unwrap_err();
            assert!(error.contains(why), "{url}: {error}");
        }
    }
}
