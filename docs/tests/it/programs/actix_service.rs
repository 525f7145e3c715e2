//! actix-web with `EventService`: the first program of the guide's page about other servers.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::{BoxError, Dispatcher};
use lark_events_tower::EventService;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;

const READ_TIMEOUT: Duration = Duration::from_secs(2);
const ACK_DEADLINE: Duration = Duration::from_millis(2_500); // the platform waits 3 seconds

pub struct Receiving {
    pub events: EventService<Dispatcher>,
    pub runtime: Handle,
}

/// actix-web 4 uses the headers of http 0.2. Repeated headers are kept, so that the webhook rejects them.
fn headers(request: &HttpRequest) -> HeaderMap {
    let headers = request.headers().iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    headers.collect()
}

pub async fn event(
    receiving: Data<Receiving>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let arrived = Instant::now();
    let reading = payload.to_bytes_limited(MAX_EVENT_BYTES);
    let body = match timeout_at(arrived + READ_TIMEOUT, reading).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return HttpResponse::BadRequest().finish(),
        Ok(Err(_)) => return HttpResponse::PayloadTooLarge().finish(),
        Err(_) => return HttpResponse::RequestTimeout().finish(),
    };
    let mut whole = http::Request::new(Full::new(body));
    *whole.method_mut() = http::Method::POST;
    *whole.headers_mut() = headers(&request);
    let events = receiving.events.clone();
    // On the runtime of the program, which outlives actix-web's workers.
    let answering = receiving.runtime.spawn(async move {
        let (parts, body) = events.oneshot(whole).await?.into_parts();
        Ok::<_, BoxError>((parts.status, body.collect().await?.to_bytes()))
    });
    let (status, body) = match timeout_at(arrived + ACK_DEADLINE, answering).await {
        Ok(Ok(Ok(answer))) => answer,
        Ok(_) => return HttpResponse::InternalServerError().finish(),
        Err(_) => return HttpResponse::GatewayTimeout().finish(),
    };
    let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body)
}
