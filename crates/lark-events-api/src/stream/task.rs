//! The task that shows a reply as it grows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::error;

use super::buffer::Buffer;
use super::cardable::{table_too_many, with_tables_as_code, without_images};
use super::markdown::{Cut, cut};
use crate::api::Api;
use crate::card::Card;
use crate::error::{ApiError, ApiErrorKind};
use crate::mentions::escape_mentions;
use crate::once::Once;

/// The time between two updates. The platform accepts five updates of a message in a second, and other users
/// of the app have their share.
const PACE: Duration = Duration::from_millis(500);
/// The most bytes of a card's text in the body of a call, which is JSON in JSON. The platform's limit for a
/// body is 30 KB.
const MAX_TEXT_COST: usize = 24 * 1000;
/// Codes of cards whose contents are rejected, such as too many tables or images that were not uploaded.
const CARD_REJECTED: [i64; 2] = [230_099, 200_570];
/// The longest pause for a rate limit.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// How often the last state is sent.
const LAST_ATTEMPTS: u32 = 3;

pub(super) struct Task {
    api: Api,
    /// The message that is replied to.
    message_id: String,
    once: Once,
    placeholder: String,
    buffer: Arc<Buffer>,
    /// The replies so far, and what the last one shows besides the placeholder.
    replies: Vec<String>,
    shown: String,
    /// Whether the text goes on in another reply.
    needs_reply: bool,
    /// Whether the platform has rejected the tables of a card.
    tables_as_code: bool,
    /// The bytes of the text that are in all replies but the last.
    settled: usize,
    /// What the last reply shows before the rest of the text: the begin of a block of code.
    reopened: String,
}

impl Task {
    pub(super) fn new(
        api: Api,
        message_id: String,
        once: Once,
        placeholder: String,
        buffer: Arc<Buffer>,
    ) -> Self {
        Self {
            api,
            message_id,
            once,
            placeholder,
            buffer,
            replies: Vec::new(),
            shown: String::new(),
            needs_reply: true,
            tables_as_code: false,
            settled: 0,
            reopened: String::new(),
        }
    }

    pub(super) async fn run(mut self, done: oneshot::Sender<Result<Vec<String>, ApiError>>) {
        let result = self.grow().await;
        if let Err(failed) = &result {
            self.buffer.fail(failed.clone());
        }
        // The stream may have been dropped.
        let result = result.map(|()| self.replies);
        if let Err(Err(failed)) = done.send(result) {
            error!(error = %failed, "a reply could not be completed");
        }
    }

    /// Shows the text until there is no more.
    async fn grow(&mut self) -> Result<(), ApiError> {
        let mut last_attempts = 0_u32;
        loop {
            let began = Instant::now();
            let (text, is_closed) = self.buffer.now();
            let mut pause = PACE;
            match self.show(&text).await {
                Ok(()) if is_closed => return Ok(()),
                Ok(()) => self.buffer.beyond(text.len()).await,
                Err(failed) => {
                    last_attempts = last_attempts.saturating_add(u32::from(is_closed));
                    if !may_pass(&failed) || last_attempts >= LAST_ATTEMPTS {
                        return Err(failed);
                    }
                    // The next update has this text too.
                    let asked = failed.retry_after().unwrap_or_default();
                    pause = asked.clamp(PACE, MAX_PAUSE);
                }
            }
            if let Some(left) = pause.checked_sub(began.elapsed()) {
                sleep(left).await;
            }
        }
    }

    /// Shows the text as it is now, in one or several replies.
    async fn show(&mut self, text: &str) -> Result<(), ApiError> {
        loop {
            if self.needs_reply {
                self.begin().await?;
            }
            let rest = text.get(self.settled..).unwrap_or_default();
            let current = format!("{}{rest}", self.reopened);
            let Some(Cut { head, at, reopened }) = cut_for_card(&current) else {
                return self.update(current).await;
            };
            self.update(head).await?;
            // This reply does not change any more.
            let shown = at.saturating_sub(self.reopened.len());
            self.settled = self.settled.saturating_add(shown);
            self.reopened = reopened;
            self.needs_reply = true;
        }
    }

    /// Begins a reply, with the placeholder: if it is there already, because the event was handled before, the
    /// platform leaves it as it is.
    async fn begin(&mut self) -> Result<(), ApiError> {
        let number = self.replies.len();
        let once = self.once.clone().part(format_args!("stream {number}"));
        let first = card(&self.placeholder);
        let sent = self.api.reply(&*self.message_id, first).once(once).await?;
        self.replies.push(sent.message_id);
        self.shown = String::new();
        self.needs_reply = false;
        Ok(())
    }

    /// Shows a text in the last reply.
    async fn update(&mut self, text: String) -> Result<(), ApiError> {
        let Some(reply) = self.replies.last().filter(|_| text != self.shown) else {
            return Ok(());
        };
        let shown = |as_code| card(&cardable(&text, as_code));
        let updated = self
            .api
            .update_card(reply, shown(self.tables_as_code))
            .await;
        match updated {
            Err(error) if is_card_rejected(&error) && !self.tables_as_code => {
                self.tables_as_code = true;
                self.api.update_card(reply, shown(true)).await?;
            }
            updated => updated?,
        }
        self.shown = text;
        Ok(())
    }
}

/// Cuts off what fits into one card, by its length and its tables.
fn cut_for_card(text: &str) -> Option<Cut> {
    let by_length = cut(text, &cost, MAX_TEXT_COST);
    let Some(at) = table_too_many(text) else {
        return by_length;
    };
    if by_length.as_ref().is_some_and(|cut| cut.at <= at) {
        return by_length;
    }
    let head = text.get(..at)?.trim_end().to_owned();
    let reopened = String::new();
    Some(Cut { head, at, reopened })
}

fn cardable(text: &str, tables_as_code: bool) -> String {
    let text = escape_mentions(&without_images(text));
    match tables_as_code {
        true => with_tables_as_code(&text),
        false => text,
    }
}

/// Whether the platform rejects what the card shows.
fn is_card_rejected(error: &ApiError) -> bool {
    error
        .code()
        .is_some_and(|code| CARD_REJECTED.contains(&code))
}

fn card(text: &str) -> Card {
    Card::v2().markdown(text)
}

/// Whether a failure may be over at the next attempt.
fn may_pass(error: &ApiError) -> bool {
    matches!(
        error.kind(),
        ApiErrorKind::RateLimited
            | ApiErrorKind::Unavailable
            | ApiErrorKind::Unreachable
            | ApiErrorKind::TimedOut
            | ApiErrorKind::NoTicket
    )
}

/// The most bytes of a text in the body of a call, JSON in JSON, after [`cardable`].
fn cost(text: &str) -> usize {
    let of_char = |c: char| match c {
        '<' => 4, // with the space that escapes a mention
        '!' => 5, // with the word that replaces an image
        '"' | '\\' => 4,
        '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 3,
        c if c.is_ascii_control() => 7,
        c => c.len_utf8(),
    };
    text.chars().map(of_char).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a text as JSON in JSON, with the quotes around both.
    fn length(text: &str) -> usize {
        let inner = serde_json::to_string(text).unwrap();
        serde_json::to_string(&inner).unwrap().len()
    }

    #[test]
    fn the_cost_of_a_text_is_its_length_as_json_in_json() {
        let text = "a \"b\" \\ c\n\t\r\u{8}\u{c}\u{1} 茶 \u{2028} \u{1F600} \u{7f}";
        let (cost, length) = (cost(text), length(text));
        assert!((length - 6..=length).contains(&cost), "{cost} {length}");
    }

    #[test]
    fn the_cost_of_a_text_covers_what_its_card_shows_instead() {
        for text in ["<at>", "<AT/>", "<at", "![](", "![](x)"] {
            let text = text.repeat(100);
            let shown = length(&cardable(&text, false));
            assert!(shown > length(&text), "{text}");
            assert!(cost(&text) + 6 >= shown, "{text}");
        }
    }
}
