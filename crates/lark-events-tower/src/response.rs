//! The future of a request, and when its answer is returned.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::answer::Answer;

/// The future of a request.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    answering: Option<Pin<Box<Answering>>>,
    /// An answer that waits for its turn.
    answer: Option<Answer>,
}

/// Gives the answer, and whether its handler finished in this task.
type Answering = dyn Future<Output = (Answer, bool)> + Send;

impl ResponseFuture {
    pub(crate) fn new(answering: impl Future<Output = (Answer, bool)> + Send + 'static) -> Self {
        Self {
            answering: Some(Box::pin(answering)),
            answer: None,
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Answer, Infallible>;

    /// The answer of a handler that ran in this task waits until the tasks have run that are ready now.
    /// So requests that came together are answered together: a sender that waits is woken once and not
    /// for each.
    #[expect(clippy::expect_used, reason = "the caller's mistake")]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => {
                let answering = self.answering.as_mut().expect("polled after it was ready");
                let (answer, ran_here) = ready!(answering.as_mut().poll(context));
                // The memory is free for the next request.
                self.answering = None;
                if ran_here {
                    self.answer = Some(answer);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                answer
            }
        };
        #[cfg(feature = "metrics")]
        crate::metrics::answer(answer.status());
        Poll::Ready(Ok(answer))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
