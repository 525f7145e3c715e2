//! Filtering messages in groups by their mentions.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use lark_events::{Delivery, lenient};
use serde::Deserialize;
use tower_layer::Layer;

use super::{Filter, Filtered};
use crate::run::Counter;

const MESSAGE: &str = "im.message.receive_v1";
const PRIVATE: &str = "p2p";
/// The key of a mention of everybody. The platform may omit it from the mentions, and it is then only in the
/// content.
const EVERYBODY: &str = "@_all";

/// Acknowledges messages in groups that do not mention the bot, without handling them. A bot with the permission to
/// read all messages of its groups receives such messages.
///
/// Messages in private chats and all other events are passed on. A mention of everybody does not count by default:
/// see [`everybody`](Self::everybody). The outcome is [`Outcome::Unhandled`](lark_events::Outcome::Unhandled).
///
/// ```
/// use lark_events::Dispatcher;
/// use lark_events_layers::MentionLayer;
/// use tower::ServiceBuilder;
///
/// // The bot's open id, such as that of `Api::bot_info` of `lark-events-api`.
/// let mentions = MentionLayer::new("ou_84aad35d084aa403a838cf73ee18467");
/// let service = ServiceBuilder::new()
///     .layer(mentions.clone())
///     .service(Dispatcher::builder().build()?);
/// assert_eq!(mentions.stats().not_mentioned, 0);
/// # drop(service);
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Clone)]
pub struct MentionLayer(Arc<Mention>);

struct Mention {
    settings: RwLock<Settings>,
    passed: Counter,
    not_mentioned: Counter,
}

#[derive(Clone)]
struct Settings {
    bot: Arc<str>,
    everybody: bool,
}

/// The counts of a [`MentionLayer`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MentionStats {
    /// Deliveries that were passed on.
    pub passed: u64,
    /// Messages in groups that do not mention the bot.
    pub not_mentioned: u64,
}

impl MentionLayer {
    /// Handles messages in groups only if they mention the bot with this open id.
    #[must_use]
    pub fn new(bot: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Mention {
            settings: RwLock::new(Settings {
                bot: bot.into(),
                everybody: false,
            }),
            passed: Counter::default(),
            not_mentioned: Counter::default(),
        }))
    }

    /// Sets whether a mention of everybody counts, from the next delivery on: `false` by default.
    pub fn everybody(&self, counts: bool) {
        self.change(|settings| settings.everybody = counts);
    }

    /// Changes the bot, from the next delivery on.
    pub fn set_bot(&self, bot: impl Into<Arc<str>>) {
        let bot = bot.into();
        self.change(|settings| settings.bot = bot);
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(
            &mut self
                .0
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> MentionStats {
        MentionStats {
            passed: self.0.passed.get(),
            not_mentioned: self.0.not_mentioned.get(),
        }
    }
}

/// What the layer reads of a message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(deserialize_with = "lenient::field")]
    message: Option<Message>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    #[serde(deserialize_with = "lenient::field")]
    chat_type: Option<String>,
    #[serde(deserialize_with = "lenient::field")]
    mentions: Option<Vec<Mentioned>>,
    #[serde(deserialize_with = "lenient::field")]
    content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mentioned {
    #[serde(deserialize_with = "lenient::field")]
    key: Option<String>,
    #[serde(deserialize_with = "lenient::field")]
    id: Option<Id>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Id {
    #[serde(deserialize_with = "lenient::field")]
    open_id: Option<String>,
}

lark_events::lenient_object!(Body, Message, Mentioned, Id);

impl Message {
    fn mentions_everybody(&self) -> bool {
        let mut mentions = self.mentions.iter().flatten();
        let content = self.content.as_deref().unwrap_or_default();
        content.contains(EVERYBODY)
            || mentions.any(|mentioned| mentioned.key.as_deref() == Some(EVERYBODY))
    }
}

impl Settings {
    fn are_mentioned(&self, message: &Message) -> bool {
        let mut mentions = message.mentions.iter().flatten();
        let is_bot = mentions.any(|mentioned| {
            let id = mentioned.id.as_ref().and_then(|id| id.open_id.as_deref());
            id == Some(&*self.bot)
        });
        is_bot || (self.everybody && message.mentions_everybody())
    }
}

impl Filter for Mention {
    fn leaves_out(&self, delivery: &Delivery) -> Option<&'static str> {
        let is_left_out = || {
            // A body that cannot be read is the handler's.
            let Ok(body) = delivery.raw.decode_leniently::<Body>() else {
                return false;
            };
            let Some(message) = body.message else {
                return false;
            };
            let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
            let is_private = message.chat_type.as_deref() == Some(PRIVATE);
            !is_private && !settings.are_mentioned(&message)
        };
        if delivery.header.event_type == MESSAGE && is_left_out() {
            self.not_mentioned.add_one();
            return Some("not_mentioned");
        }
        self.passed.add_one();
        None
    }
}

impl<S> Layer<S> for MentionLayer {
    type Service = Filtered<S>;

    fn layer(&self, inner: S) -> Filtered<S> {
        let filter = Arc::clone(&self.0) as _;
        Filtered { filter, inner }
    }
}

impl fmt::Debug for MentionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MentionLayer")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
