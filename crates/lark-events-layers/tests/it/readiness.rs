//! What the layers of events ask of the service inside: each is ready itself, and waits until that is.

use std::future::{Ready, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_layers::{DedupLayer, InOrderLayer};
use tokio::time::timeout;
use tower::{Layer, Service};

use crate::passing::delivery;

/// Says that it is ready only once it is opened, and panics when it is called before it said so.
struct Gate {
    opened: Arc<AtomicBool>,
    is_ready: bool,
}

impl Clone for Gate {
    /// Readiness is that of one clone.
    fn clone(&self) -> Self {
        Self {
            opened: Arc::clone(&self.opened),
            is_ready: false,
        }
    }
}

impl Service<Delivery> for Gate {
    type Response = Outcome;
    type Error = BoxError;
    type Future = Ready<Result<Outcome, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_ready = self.opened.load(Ordering::Relaxed);
        if self.is_ready {
            return Poll::Ready(Ok(()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Delivery) -> Self::Future {
        assert!(
            std::mem::take(&mut self.is_ready),
            "called before it was ready"
        );
        ready(Ok(Outcome::Handled))
    }
}

async fn is_ready_and_waits<L>(layer: L)
where
    L: Layer<Gate>,
    L::Service: Service<Delivery, Response = Outcome, Error = BoxError>,
{
    let opened = Arc::<AtomicBool>::default();
    let gate = Gate {
        opened: Arc::clone(&opened),
        is_ready: false,
    };
    let mut service = layer.layer(gate);
    let itself = poll_fn(|context| Poll::Ready(service.poll_ready(context)));
    assert!(matches!(itself.await, Poll::Ready(Ok(()))));
    let mut delivery = delivery("x_v1", "1");
    delivery.header.tenant_key = Some("a".to_owned());
    let mut called = pin!(service.call(delivery));
    for _ in 0..3 {
        assert!(timeout(Duration::ZERO, called.as_mut()).await.is_err());
    }
    opened.store(true, Ordering::Relaxed);
    assert_eq!(called.await.unwrap(), Outcome::Handled);
}

#[tokio::test(start_paused = true)]
async fn a_layer_is_always_ready_and_calls_what_is_inside_only_once_that_is() {
    is_ready_and_waits(InOrderLayer::by_tenant()).await;
    is_ready_and_waits(DedupLayer::new()).await;
}
