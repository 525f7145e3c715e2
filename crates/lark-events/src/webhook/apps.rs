//! Opening requests for several apps with one service.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::Webhook;
use super::admission::Admission;
use super::build_error::{WebhookBuildError, WebhookBuildErrorKind};
use super::candidates::Candidates;
use super::opened::Opened;
use super::rejection::{Rejection, RejectionKind};
use super::settings::Settings;
use crate::credentials::EncryptKey;
use crate::limits::MAX_KEYS_BY_SIGNATURE;

/// Opens requests for several apps, each with its own secrets. The document must not name another app
/// than the one whose secrets authenticated it; a document without an app id belongs to that app.
/// Clones are cheap.
///
/// ```
/// use http::HeaderMap;
/// use lark_events::{Opened, Webhook, Webhooks};
///
/// let app = |id: &str| Webhook::builder().app_id(id).verification_token(format!("token of {id}"));
/// let webhooks = Webhooks::by_path([app("cli_a").build()?, app("cli_b").build()?])?;
///
/// let event = r#"{"schema":"2.0","header":{"event_type":"kitchen.tea.ready_v1","app_id":"cli_a",
///     "token":"token of cli_a"},"event":{}}"#;
/// let open = |path| webhooks.open(path, &HeaderMap::new(), event.into());
/// assert!(matches!(open("/webhook/cli_a")?, Opened::Delivery(_)));
/// assert_eq!(open("/webhook/cli_b").unwrap_err().status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Webhooks {
    apps: Arc<[Arc<Settings>]>,
    told_by: ToldBy,
}

/// How to find the app of a request.
#[derive(Debug, Clone, Copy)]
enum ToldBy {
    Path,
    Signature,
}

impl Webhooks {
    /// Gives each app its own URL, whose last segment is the app's id: `/webhook/cli_a1b2`. Route all
    /// of them to one service, such as with the route `/webhook/{app}`. (A layer for one path only
    /// handles that path.) A path that does not end with a known id is rejected before its body is
    /// read, so the senders of requests can find out which app ids are known: ids are not secret.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] when there is no app, or the ids are not unique and made of letters,
    /// digits, `-` and `_`.
    pub fn by_path(webhooks: impl IntoIterator<Item = Webhook>) -> Result<Self, WebhookBuildError> {
        let webhooks = Self::new(webhooks, ToldBy::Path)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let mut ids = webhooks.apps.iter().filter_map(|app| app.app_id.as_ref());
        if !ids.all(|id| id.bytes().all(allowed)) {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::AppIds));
        }
        Ok(webhooks)
    }

    /// Gives all apps the same URL and each its own Encrypt Key: a request is for the app whose key
    /// signed it. An unsigned URL check is for the app whose key decrypts it.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] when there is no app, when an app has no id or no unique Encrypt Key, or
    /// when all apps together have more than [`MAX_KEYS_BY_SIGNATURE`] keys.
    pub fn by_signature(
        webhooks: impl IntoIterator<Item = Webhook>,
    ) -> Result<Self, WebhookBuildError> {
        let webhooks = Self::new(webhooks, ToldBy::Signature)?;
        let mut known = HashSet::new();
        for app in webhooks.apps.iter() {
            let keys: HashSet<_> = app.encrypt_keys.iter().map(EncryptKey::as_bytes).collect();
            if keys.is_empty() || !keys.is_disjoint(&known) {
                return Err(WebhookBuildError::new(
                    WebhookBuildErrorKind::SharedEncryptKey,
                ));
            }
            known.extend(keys);
        }
        if known.len() > MAX_KEYS_BY_SIGNATURE {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::NumberOfApps));
        }
        Ok(webhooks)
    }

    fn new(
        webhooks: impl IntoIterator<Item = Webhook>,
        told_by: ToldBy,
    ) -> Result<Self, WebhookBuildError> {
        let apps: Arc<[_]> = webhooks.into_iter().map(|app| app.settings).collect();
        if apps.is_empty() {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::NumberOfApps));
        }
        let mut ids = HashSet::new();
        for app in apps.iter() {
            let id = app.app_id.as_deref().unwrap_or_default();
            if id.is_empty() || !ids.insert(id) {
                return Err(WebhookBuildError::new(WebhookBuildErrorKind::AppIds));
            }
        }
        Ok(Self { apps, told_by })
    }

    /// Checks the path and the headers, before any byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the path names no known app, or the signature headers are incomplete or
    /// malformed.
    pub fn admit<'h>(
        &self,
        path: &str,
        headers: &'h HeaderMap,
    ) -> Result<Admission<'h>, Rejection> {
        let candidates = match self.told_by {
            ToldBy::Signature => Candidates::Many(Arc::clone(&self.apps)),
            ToldBy::Path => {
                let named = path.rsplit('/').next();
                let mut apps = self.apps.iter();
                let app = apps.find(|app| app.app_id.as_deref() == named);
                let app = app.ok_or(Rejection::new(RejectionKind::UnknownApp))?;
                Candidates::One(Arc::clone(app))
            }
        };
        Admission::of(candidates, headers)
    }

    /// Opens a whole request: [`admit`](Self::admit), then [`Admission::open`]. A server on the public
    /// internet should call these two itself, to delay rejections: see [`Admission::refusal_delay`].
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer.
    pub fn open(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Result<Opened, Rejection> {
        self.admit(path, headers)?.open(body)
    }
}
