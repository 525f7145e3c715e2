//! One trace from the request to the handler: the program of the guide's page about observability.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use lark_events::{BoxError, Delivery, Dispatcher, Transport, Webhook};
use lark_events_inbox::{Inbox, InboxBuilder, Store};
use lark_events_tower::EventService;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tower::Service;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Level, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Call it first. At the end of the program, `shutdown` of the result sends the last spans.
pub fn export(exporter: impl SpanExporter + 'static) -> SdkTracerProvider {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("events"));
    let levels = Targets::new().with_default(Level::INFO); // below INFO, other crates log secrets
    tracing_subscriber::registry()
        .with(spans.with_filter(levels))
        .init();
    provider
}

/// Receives events, and traces them.
pub fn app(
    webhook: Webhook,
    store: Arc<dyn Store>,
    callbacks: Dispatcher,
) -> Result<Router, BoxError> {
    let receiver = carry_traces(Inbox::builder(store)).receiver(callbacks)?;
    let events = EventService::new(webhook, AppendSpan(receiver));
    let app = Router::new().route_service("/webhook/event", events);
    Ok(app.layer(from_fn(request_span)))
}

async fn request_span(request: Request, next: Next) -> Response {
    let span = info_span!("request", otel.kind = "server");
    next.run(request).instrument(span).await
}

/// Stores the current trace with each event, and continues it in the span of each attempt.
pub fn carry_traces(inbox: InboxBuilder) -> InboxBuilder {
    let capture = || {
        let mut carrier = HashMap::new();
        TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
        carrier.remove("traceparent")
    };
    inbox.trace_context(capture, |attempt, trace| {
        let carrier = HashMap::from([("traceparent".to_owned(), trace.to_owned())]);
        let context = TraceContextPropagator::new().extract(&carrier);
        let _ = attempt.set_parent(context);
    })
}

/// Around an inbox: the span of an append.
#[derive(Clone)]
pub struct AppendSpan<S>(pub S);

impl<S: Service<Delivery>> Service<Delivery> for AppendSpan<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, delivery: Delivery) -> Self::Future {
        let span = match delivery.transport {
            // Otherwise all events of a connection would be one trace.
            Transport::LongConnection => info_span!(parent: None, "append"),
            _ => info_span!("append"),
        };
        let appending = span.in_scope(|| self.0.call(delivery));
        appending.instrument(span)
    }
}
