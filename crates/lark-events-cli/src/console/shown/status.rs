//! The state of the platform: its app, its webhook, and what is in effect.

use lark_events_sim::Platform;
use serde::Serialize;

use super::{FaultShown, faults};
use crate::console::web::masked::{Masked, Masks};
use crate::serve::history::{History, Webhook};

#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Distinguishes this run from earlier ones.
    pub(crate) run: u64,
    pub(crate) app_id: Masked,
    pub(crate) base_url: Masked,
    pub(crate) webhook: WebhookShown,
    /// Open long connections.
    pub(crate) connections: usize,
    pub(crate) faults: Vec<FaultShown>,
    /// How many faults have happened.
    pub(crate) faults_happened: usize,
    pub(crate) violations: usize,
    pub(crate) api_calls: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct WebhookShown {
    /// `unset`, `connecting`, `refused`, `set` or `lost`.
    pub(crate) state: &'static str,
    pub(crate) url: Option<Masked>,
    pub(crate) why: Option<Masked>,
}

impl Status {
    pub(crate) fn new(history: &History, platform: &Platform, masks: &Masks) -> Self {
        let stats = platform.stats();
        Self {
            run: history.run(),
            app_id: masks.short(platform.app_id()),
            base_url: masks.short(platform.base_url()),
            webhook: WebhookShown::new(&history.webhook(), masks),
            connections: stats.connections,
            faults: faults(platform),
            faults_happened: stats.faults,
            violations: stats.violations,
            api_calls: stats.api_calls,
        }
    }
}

impl WebhookShown {
    fn new(webhook: &Webhook, masks: &Masks) -> Self {
        let (state, url, why) = match webhook {
            Webhook::Unset => ("unset", None, None),
            Webhook::Connecting(url) => ("connecting", Some(url), None),
            Webhook::Refused(url, why) => ("refused", Some(url), Some(why)),
            Webhook::Set(url) => ("set", Some(url), None),
            Webhook::Lost(url, why) => ("lost", Some(url), Some(why)),
        };
        Self {
            state,
            url: url.map(|url| masks.short(&url.to_string())),
            why: why.map(|why| masks.short(why)),
        }
    }
}
