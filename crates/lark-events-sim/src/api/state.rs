//! The state of the API: tokens, messages, files, recorded calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::call::{ApiCall, MAX_CALLS};
use super::cards::Cards;
use super::messages::Messages;
use super::tokens::Tokens;
use crate::shared::locked;

/// The default lifetime of tokens: 2 hours.
pub const TOKEN_LIFETIME: Duration = Duration::from_hours(2);

pub(crate) struct ApiState(Mutex<Inner>);

pub(super) struct Inner {
    pub(super) tokens: Tokens,
    pub(super) messages: Messages,
    /// By key.
    pub(super) files: HashMap<String, Bytes>,
    /// Results that the test chose, by path.
    pub(super) results: HashMap<String, Value>,
    pub(super) cards: Cards,
    calls: VecDeque<ApiCall>,
    recorded: usize,
}

impl ApiState {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self(Mutex::new(Inner {
            tokens: Tokens::new(lifetime),
            messages: Messages::default(),
            files: HashMap::new(),
            results: HashMap::new(),
            cards: Cards::default(),
            calls: VecDeque::new(),
            recorded: 0,
        }))
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        locked(&self.0)
    }

    /// Keeps a call, and numbers it.
    pub(super) fn record(&self, mut call: ApiCall) {
        let mut inner = self.inner();
        inner.recorded += 1;
        call.number = inner.recorded;
        let calls = &mut inner.calls;
        if calls.len() >= MAX_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn calls(&self) -> Vec<ApiCall> {
        self.inner().calls.iter().cloned().collect()
    }

    pub(crate) fn messages(&self) -> Vec<super::ApiMessage> {
        self.inner().messages.all()
    }

    /// A card callback with this token is pushed now.
    pub(crate) fn pushed_card(&self, token: &str) {
        self.inner().cards.pushed(token);
    }

    /// It was answered, or the platform does not wait any longer.
    pub(crate) fn answered_card(&self, token: &str) {
        self.inner().cards.answered(token);
    }

    pub(crate) fn revoke_tokens(&self) {
        self.inner().tokens.revoke();
    }

    pub(crate) fn set_file(&self, key: String, content: Bytes) {
        self.inner().files.insert(key, content);
    }

    pub(crate) fn set_result(&self, path: String, data: Value) {
        self.inner().results.insert(path, data);
    }
}
