//! actix-web with the core alone: the second program of the guide's page about other servers.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use lark_events::error::{DispatchErrorKind, Rejection};
use lark_events::{Delivery, DispatchError, Dispatcher, Opened, Outcome, Webhook};
use lark_events_layers::run::unless_rejected;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::ServiceExt as _;

const READ_TIMEOUT: Duration = Duration::from_secs(2);
const ACK_DEADLINE: Duration = Duration::from_millis(2_500); // the platform waits 3 seconds
const MAX_DELAYED_REFUSALS: usize = 1_024;
const SUCCESS: Bytes = Bytes::from_static(br#"{"msg":"success"}"#);

pub struct Events {
    webhook: Webhook,
    dispatcher: Dispatcher,
    refusals: Semaphore,
}

impl Events {
    pub fn new(webhook: Webhook, dispatcher: Dispatcher) -> Self {
        let refusals = Semaphore::new(MAX_DELAYED_REFUSALS);
        Self {
            webhook,
            dispatcher,
            refusals,
        }
    }

    /// The body of a 200, or another status.
    async fn answer(&self, headers: HeaderMap, payload: Payload) -> Result<Bytes, StatusCode> {
        let arrived = Instant::now();
        let delivery = match self.open(&headers, payload, arrived + READ_TIMEOUT).await? {
            Opened::Delivery(delivery) => delivery,
            Opened::Challenge(challenge) => return Ok(challenge.reply().into()),
            _ => return Err(StatusCode::NOT_IMPLEMENTED),
        };
        // In a task of its own, a handler finishes even if it is late or the sender is gone.
        let handling = tokio::spawn(deliver(self.dispatcher.clone(), delivery));
        let handled = timeout_at(arrived + ACK_DEADLINE, handling).await;
        let handled = handled.map_err(|_| StatusCode::GATEWAY_TIMEOUT)?;
        handled.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
    }

    /// Authenticates a request. Its headers decide how much of the body is read.
    async fn open(
        &self,
        headers: &HeaderMap,
        payload: Payload,
        deadline: Instant,
    ) -> Result<Opened, StatusCode> {
        if headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let admitted = self.webhook.admit(headers).map_err(status)?;
        let body = timeout_at(deadline, payload.to_bytes_limited(admitted.body_limit())).await;
        let body = body.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
        let body = match body {
            Ok(body) => Ok(body.map_err(|_| StatusCode::BAD_REQUEST)?),
            Err(_) => Err(admitted.too_large()),
        };
        let Some(delay) = admitted.refusal_delay() else {
            return body.and_then(|body| admitted.open(body)).map_err(status);
        };
        // A refusal of an unsigned body always takes as long, and only so many wait.
        let Ok(_place) = self.refusals.try_acquire() else {
            return Err(status(admitted.too_large()));
        };
        let refused_at = Instant::now() + delay;
        let opened = body.and_then(|body| admitted.open(body));
        if opened.is_err() {
            sleep_until(refused_at).await;
        }
        opened.map_err(status)
    }
}

async fn deliver(dispatcher: Dispatcher, delivery: Delivery) -> Result<Bytes, StatusCode> {
    let (kind, header) = (delivery.kind, delivery.header.clone());
    let outcome = dispatcher.oneshot(delivery).await.or_else(|error| {
        // A rejected event is acknowledged.
        unless_rejected(
            kind,
            (&header.event_type, header.event_id.as_deref()),
            error,
        )
    });
    match outcome {
        Ok(Outcome::Replied(reply)) => Ok(reply.into_bytes()),
        Ok(Outcome::Handled | Outcome::Unhandled | Outcome::Rejected(_) | Outcome::Queued) => {
            Ok(SUCCESS)
        }
        Ok(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
        Err(error) => Err(match error.downcast_ref().map(DispatchError::kind) {
            Some(DispatchErrorKind::Decode) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }),
    }
}

fn status(rejection: Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.status().as_u16()).unwrap_or(StatusCode::UNAUTHORIZED)
}

/// actix-web 4 uses the headers of http 0.2. Repeated headers are kept, so that the webhook rejects them.
fn headers(request: &HttpRequest) -> HeaderMap {
    let headers = request.headers().iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    headers.collect()
}

pub async fn event(events: Data<Events>, request: HttpRequest, payload: Payload) -> HttpResponse {
    match events.answer(headers(&request), payload).await {
        Ok(json) => HttpResponse::Ok()
            .content_type("application/json")
            .body(json),
        Err(status) => HttpResponse::new(status),
    }
}

pub async fn serve(events: Events) -> std::io::Result<()> {
    let events = Data::new(events);
    let app = move || {
        let app = App::new().app_data(events.clone());
        app.service(resource("/webhook/event").post(event))
    };
    HttpServer::new(app).bind("0.0.0.0:7777")?.run().await
}
