//! The layer: answers one path of an existing HTTP service, and passes everything else on unchanged.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use lark_events::Webhook;
use pin_project_lite::pin_project;
use tower::ServiceExt as _;
use tower::util::Oneshot;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::opener::Opener;
use crate::response::ResponseFuture;
use crate::service::EventService;

/// Answers the platform at one path of an HTTP service, and passes all other requests on with their
/// bodies unchanged.
///
/// The layer serves one path; several apps with a path each
/// ([`Webhooks::by_path`](lark_events::Webhooks::by_path)) need a route. Use it with any stack of tower
/// services, such as bare hyper. In axum, prefer
/// [`route_service`](https://docs.rs/axum/0.8/axum/struct.Router.html#method.route_service) with an
/// [`EventService`], which is an ordinary route. A *layer* follows axum's rules for layers. If an axum
/// fallback answers an event with 200, the platform considers the event delivered and your handler
/// never sees it:
///
/// - **A later `fallback`** is not covered by the layers added before it. For a path without a route,
///   only the fallback reaches the layer, so with `.layer(events).fallback(page)` the page answers the
///   events. Write `.fallback(page).layer(events)`.
/// - **`merge`**: if one of two routers has its own fallback, that router handles unknown paths, and a
///   layer on the other router is not reached. Layer the merged router.
/// - **`nest("/hooks", …)`**: a layer on the inner router is not reached for a path without a route
///   there. Over a fallback of the inner router it is reached, but sees the path without the prefix.
///   Layer the outer router, with the whole path.
///
/// A layer around the whole app sees every request, however the app is built:
///
/// ```
/// use axum::{Router, routing::get};
/// use lark_events::{Dispatcher, Webhook};
/// use lark_events_tower::EventLayer;
/// use tower::Layer as _;
///
/// let webhook = Webhook::builder().encrypt_key("key").build()?;
/// let events = EventLayer::new("/webhook/event", webhook, Dispatcher::builder().build()?);
///
/// let app: Router = Router::new().route("/", get("home")).fallback("not here");
/// let app: Router = Router::new().fallback_service(events.layer(app));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventLayer<S, O = Webhook> {
    path: Arc<str>,
    events: EventService<S, O>,
}

impl<S, O: Opener> EventLayer<S, O> {
    /// Creates a layer that answers at `path`, which must equal the whole path of a request, with the
    /// default limits.
    ///
    /// # Panics
    ///
    /// When `path` does not begin with `/`: it would never match, and its events would be lost.
    pub fn new(path: impl Into<Arc<str>>, opener: O, inner: S) -> Self {
        Self::with_service(path, EventService::new(opener, inner))
    }

    /// Creates a layer that answers at `path` with `events`. Keep a clone of `events` to
    /// [`drain`](EventService::drain) it.
    ///
    /// # Panics
    ///
    /// When `path` does not begin with `/`: it would never match, and its events would be lost.
    pub fn with_service(path: impl Into<Arc<str>>, events: EventService<S, O>) -> Self {
        let path = path.into();
        assert!(
            path.starts_with('/'),
            "the path must begin with `/`, got {path:?}"
        );
        Self { path, events }
    }
}

impl<S, O> Clone for EventLayer<S, O> {
    fn clone(&self) -> Self {
        Self {
            path: Arc::clone(&self.path),
            events: self.events.clone(),
        }
    }
}

impl<S, O> fmt::Debug for EventLayer<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLayer")
            .field("path", &self.path)
            .field("events", &self.events)
            .finish()
    }
}

impl<H, S, O> Layer<H> for EventLayer<S, O> {
    type Service = WithEvents<H, S, O>;

    fn layer(&self, http: H) -> Self::Service {
        WithEvents {
            layer: self.clone(),
            http,
        }
    }
}

/// An HTTP service under an [`EventLayer`].
pub struct WithEvents<H, S, O = Webhook> {
    layer: EventLayer<S, O>,
    http: H,
}

impl<H: Clone, S, O> Clone for WithEvents<H, S, O> {
    fn clone(&self) -> Self {
        Self {
            layer: self.layer.clone(),
            http: self.http.clone(),
        }
    }
}

impl<H: fmt::Debug, S, O> fmt::Debug for WithEvents<H, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithEvents")
            .field("layer", &self.layer)
            .field("http", &self.http)
            .finish()
    }
}

impl<H, S, O, B, R> Service<Request<B>> for WithEvents<H, S, O>
where
    H: Service<Request<B>, Response = Response<R>> + Clone,
    EventService<S, O>: Service<
            Request<B>,
            Response = Response<ResponseBody>,
            Error = Infallible,
            Future = ResponseFuture,
        >,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = H::Error;
    type Future = LayerFuture<H, Request<B>>;

    /// Always ready: only other requests wait for the inner service.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), H::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answering = if request.uri().path() == &*self.layer.path {
            Answering::Ours {
                ours: self.layer.events.call(request),
            }
        } else {
            Answering::Theirs {
                theirs: self.http.clone().oneshot(request),
            }
        };
        LayerFuture { answering }
    }
}

pin_project! {
    /// The future of a request under an [`EventLayer`].
    #[must_use = "futures do nothing unless polled"]
    pub struct LayerFuture<H, R>
    where
        H: Service<R>,
    {
        #[pin]
        answering: Answering<H, R>,
    }
}

pin_project! {
    #[project = AnsweringProjection]
    enum Answering<H, R>
    where
        H: Service<R>,
    {
        Ours { #[pin] ours: ResponseFuture },
        Theirs { #[pin] theirs: Oneshot<H, R> },
    }
}

impl<H: Service<R>, R> fmt::Debug for LayerFuture<H, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerFuture").finish_non_exhaustive()
    }
}

impl<H, B, R> Future for LayerFuture<H, Request<B>>
where
    H: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, H::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().answering.project() {
            AnsweringProjection::Ours { ours } => {
                let Ok(answer) = ready!(ours.poll(context));
                Poll::Ready(Ok(answer.map(ResponseBody::beside)))
            }
            AnsweringProjection::Theirs { theirs } => {
                let answer = ready!(theirs.poll(context));
                Poll::Ready(answer.map(|answer| answer.map(ResponseBody::theirs)))
            }
        }
    }
}
