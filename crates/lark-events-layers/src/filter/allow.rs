//! Filtering events by chat and user.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use lark_events::Delivery;
use tower_layer::Layer;

use super::{Filter, Filtered};
use crate::key::text_at;
use crate::run::Counter;

/// Where events have their chat.
const CHATS: [&str; 4] = [
    "/message/chat_id",
    "/chat_id",
    "/context/open_chat_id",
    "/open_chat_id",
];
/// Where events have the user who caused them.
const USERS: [&str; 6] = [
    "/sender/sender_id/open_id",
    "/operator/open_id",
    "/operator/operator_id/open_id",
    "/operator_id/open_id",
    "/user_id/open_id",
    // A message and the card callback of the old scheme.
    "/open_id",
];
/// Where a message has the type of its chat, and the type of a chat with one user.
const CHAT_TYPES: [&str; 2] = ["/message/chat_type", "/chat_type"];
const PRIVATE: [&str; 2] = ["p2p", "private"];
/// Events of private chats alone.
const PRIVATE_EVENTS: [&str; 2] = [
    "im.chat.access_event.bot_p2p_chat_entered_v1",
    "p2p_chat_create",
];

/// The chats and users whose events are handled: by default, all.
///
/// ```
/// use lark_events_layers::AllowList;
///
/// let list = AllowList::new().chats(["oc_1", "oc_2"]).private_chats(true).users(["ou_1"]);
/// # drop(list);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AllowList {
    chats: Option<HashSet<String>>,
    users: Option<HashSet<String>>,
    private_chats: bool,
}

impl AllowList {
    /// Allows all chats and users.
    pub fn new() -> Self {
        Self {
            chats: None,
            users: None,
            private_chats: true,
        }
    }

    /// Allows only these chats, and [private](Self::private_chats) ones.
    pub fn chats(mut self, chat_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.chats = Some(chat_ids.into_iter().map(Into::into).collect());
        self
    }

    /// Allows only these users, by open id, in every chat.
    pub fn users(mut self, open_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.users = Some(open_ids.into_iter().map(Into::into).collect());
        self
    }

    /// Sets whether messages in private chats, those of one user with the bot, are allowed, even if they are not
    /// among the [chats](Self::chats): `true` by default.
    ///
    /// A callback does not carry the type of its chat. While private chats are allowed, callbacks of every
    /// chat pass, and only their users are checked. Otherwise, callbacks of the listed chats pass.
    pub fn private_chats(mut self, are_allowed: bool) -> Self {
        self.private_chats = are_allowed;
        self
    }

    fn denial(&self, delivery: &Delivery) -> Option<Denial> {
        let at = |pointers: &[&str]| pointers.iter().find_map(|at| text_at(&delivery.raw, at));
        let is_private = match at(&CHAT_TYPES) {
            Some(chat_type) => PRIVATE.contains(&chat_type.as_str()),
            None => PRIVATE_EVENTS.contains(&&*delivery.header.event_type),
        };
        let may_be_private = is_private || (delivery.is_callback() && self.private_chats);
        if is_private && !self.private_chats {
            return Some(Denial::PrivateChat);
        }
        if let Some(chats) = self.chats.as_ref().filter(|_| !may_be_private)
            && at(&CHATS).is_some_and(|chat| !chats.contains(&chat))
        {
            return Some(Denial::Chat);
        }
        let users = self.users.as_ref()?;
        let is_other = at(&USERS).is_some_and(|user| !users.contains(&user));
        is_other.then_some(Denial::User)
    }
}

impl Default for AllowList {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy)]
enum Denial {
    Chat,
    PrivateChat,
    User,
}

/// Acknowledges events of chats and users that are not on a list, without handling them.
///
/// An event without a chat, such as a change of a user, passes the check of the chat, and an event without a user
/// that of the user. Only messages carry the type of their chat: other events of a private chat, such as a recalled
/// message, pass only if the chat is listed. For callbacks see [`AllowList::private_chats`].
///
/// The outcome is [`Outcome::Unhandled`](lark_events::Outcome::Unhandled). A callback that is not allowed
/// fails with [`Denied`](crate::LayerErrorKind::Denied), because its user waits for a reply.
///
/// ```
/// use lark_events::Dispatcher;
/// use lark_events_layers::{AllowLayer, AllowList};
/// use tower::ServiceBuilder;
///
/// let allow = AllowLayer::new(AllowList::new().chats(["oc_1"]));
/// let service = ServiceBuilder::new()
///     .layer(allow.clone())
///     .service(Dispatcher::builder().build()?);
/// // While it runs:
/// allow.set(AllowList::new().chats(["oc_1", "oc_2"]));
/// assert_eq!(allow.stats().chat, 0);
/// # drop(service);
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Clone)]
pub struct AllowLayer(Arc<Allow>);

struct Allow {
    list: RwLock<Arc<AllowList>>,
    passed: Counter,
    chat: Counter,
    private_chat: Counter,
    user: Counter,
}

/// The counts of an [`AllowLayer`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllowStats {
    /// Deliveries that were passed on.
    pub passed: u64,
    /// Deliveries of chats that are not allowed.
    pub chat: u64,
    /// Messages in private chats, when those are not allowed.
    pub private_chat: u64,
    /// Deliveries of users who are not allowed.
    pub user: u64,
}

impl AllowLayer {
    /// Handles events of this list only.
    #[must_use]
    pub fn new(list: AllowList) -> Self {
        Self(Arc::new(Allow {
            list: RwLock::new(Arc::new(list)),
            passed: Counter::default(),
            chat: Counter::default(),
            private_chat: Counter::default(),
            user: Counter::default(),
        }))
    }

    /// Changes the list, from the next delivery on.
    pub fn set(&self, list: AllowList) {
        *self.0.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> AllowStats {
        AllowStats {
            passed: self.0.passed.get(),
            chat: self.0.chat.get(),
            private_chat: self.0.private_chat.get(),
            user: self.0.user.get(),
        }
    }
}

impl Filter for Allow {
    fn leaves_out(&self, delivery: &Delivery) -> Option<&'static str> {
        let list = Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner));
        let (counter, reason) = match list.denial(delivery) {
            None => (&self.passed, None),
            Some(Denial::Chat) => (&self.chat, Some("chat")),
            Some(Denial::PrivateChat) => (&self.private_chat, Some("private_chat")),
            Some(Denial::User) => (&self.user, Some("user")),
        };
        counter.add_one();
        reason
    }
}

impl<S> Layer<S> for AllowLayer {
    type Service = Filtered<S>;

    fn layer(&self, inner: S) -> Filtered<S> {
        let filter = Arc::clone(&self.0) as _;
        Filtered { filter, inner }
    }
}

impl fmt::Debug for AllowLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowLayer")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
