//! Replies that grow while they are written, as those of language models do.

mod buffer;
mod cardable;
mod markdown;
mod task;

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use self::buffer::Buffer;
pub use self::markdown::split_markdown;
use self::task::Task;
use crate::api::{Api, segment};
use crate::error::{ApiError, ApiErrorKind};
use crate::once::Once;

/// The maximum length of a streamed reply: 1 MiB.
pub const MAX_STREAM_BYTES: usize = 1024 * 1024;

/// A streamed reply: see [`Api::reply_stream`].
#[must_use = "the reply is complete when `finish` is called, or this is dropped"]
pub struct ReplyStream {
    buffer: Arc<Buffer>,
    done: oneshot::Receiver<Result<Vec<String>, ApiError>>,
}

impl Api {
    /// Replies to a message with a card that is updated while its text is written, such as by a language model:
    ///
    /// ```no_run
    /// use lark_events_api::{Api, ApiError, Once};
    ///
    /// async fn answer(api: &Api, message_id: &str, once: Once) -> Result<(), ApiError> {
    ///     let reply = api.reply_stream(message_id, once, "thinking …")?;
    ///     for token in ["Green ", "tea, ", "of course."] {
    ///         reply.push(token)?; // does not wait
    ///     }
    ///     reply.finish().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// - The card shows `placeholder` until there is text, then the text as Markdown. The text mentions nobody:
    ///   its tags are [escaped](crate::escape_mentions).
    /// - Updates are at least half a second apart, because the platform limits the updates of a message. Each
    ///   update has all text so far.
    /// - The final text is always sent, even if the stream is dropped because the handler failed or was cancelled.
    ///   [`Api::drain`] waits for it.
    /// - A text that is too long for a card, or has more than three tables, continues in another reply. It is split
    ///   at paragraphs where possible. Images that were not uploaded become links, because cards reject them.
    /// - `once` applies to all cards of the stream: if the event is handled again within an hour, the same cards
    ///   are updated.
    ///
    /// # Errors
    ///
    /// [`ApiError`] of kind [`Invalid`](ApiErrorKind::Invalid) if the message id is invalid, and of kind
    /// [`Unavailable`](ApiErrorKind::Unavailable) if 1,024 replies and callbacks have unfinished work. Other errors
    /// come from [`push`](ReplyStream::push) and [`finish`](ReplyStream::finish).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn reply_stream(
        &self,
        message_id: impl Into<String>,
        once: impl Into<Once>,
        placeholder: impl Into<String>,
    ) -> Result<ReplyStream, ApiError> {
        let message_id = message_id.into();
        segment("message id", &message_id)?;
        let room = self.work().room().ok_or_else(|| {
            let what = "too many replies and card callbacks have unfinished work: try again later";
            ApiError::new(ApiErrorKind::Unavailable, what)
        })?;
        let buffer = Arc::new(Buffer::default());
        let (sender, done) = oneshot::channel();
        let task = Task::new(
            self.clone(),
            message_id,
            once.into(),
            placeholder.into(),
            Arc::clone(&buffer),
        );
        self.work().spawn(room, task.run(sender));
        Ok(ReplyStream { buffer, done })
    }
}

impl ReplyStream {
    /// Adds text. The next update shows it; this call does not wait.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if the reply has failed for good, so that no more text can be shown, or if the text is
    /// longer than [`MAX_STREAM_BYTES`].
    pub fn push(&self, text: impl AsRef<str>) -> Result<(), ApiError> {
        self.buffer.push(text.as_ref())
    }

    /// Shows the final text, and returns the ids of the replies.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if the final text could not be shown.
    pub async fn finish(mut self) -> Result<Vec<String>, ApiError> {
        self.buffer.close();
        let done = (&mut self.done).await;
        done.unwrap_or_else(|_| {
            let what = "the task of a reply was cancelled by `drain`";
            Err(ApiError::new(ApiErrorKind::TimedOut, what).maybe_happened(true))
        })
    }
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").finish_non_exhaustive()
    }
}
