//! The content of an accepted request.

use crate::event::Delivery;
use crate::limits::MAX_CHALLENGE;

/// The content of an accepted request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Opened {
    /// A URL check of the platform: answer with [`Challenge::reply`].
    Challenge(Challenge),
    /// An event or callback for the dispatcher.
    Delivery(Delivery),
}

/// The text that a URL check expects in the answer: 1 to 128 letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=MAX_CHALLENGE).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON body of the answer.
    #[must_use]
    pub fn reply(&self) -> String {
        format!(r#"{{"challenge":"{}"}}"#, self.0)
    }
}
