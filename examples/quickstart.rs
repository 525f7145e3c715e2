//! The whole way of an event in one process: an axum server, and a stand-in for the platform that
//! checks its URL, posts it a signed and encrypted `vc.reserve_config.updated_v1`, and then tries a
//! forged one.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use lark_events::{
    BoxError, Dispatcher, EncryptKey, Event, EventType, SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER,
    SIGNATURE_TIMESTAMP_HEADER, Webhook,
};
use lark_events_tower::EventService;
use tokio::net::{TcpListener, TcpStream};
use vc_events::ReserveConfigUpdatedV1;

const KEY: &str = "quickstart encrypt key";
/// The token in the documented sample of the event.
const TOKEN: &str = "rvaYgkND1GOiu5MM0E1rncYC6PLtF7JV";
const PATH: &str = "/webhook/event";

async fn on_updated(event: Event<ReserveConfigUpdatedV1>) -> Result<(), BoxError> {
    let body = &event.body;
    let time = body.time_config.as_ref().ok_or("no time limits")?;
    println!(
        "  handler: {} of tenant {}",
        event.header.event_type, event.header.tenant_key
    );
    println!("  handler: {:?} {:?}", body.scope_type, body.scope_id);
    println!(
        "  handler: bookable {:?} days ahead, from second {:?} to {:?} of the day",
        time.days_in_advance, time.start_time, time.end_time
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The app: a webhook with the app's two secrets, a typed handler, a route.
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .build()?;
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(on_updated)
        .build()?;
    let events = EventService::new(webhook, dispatcher);
    let app = Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    println!("serving http://{address}{PATH}");

    // The platform: first a URL check, which is sealed but not signed.
    println!("URL check:");
    let check = format!(r#"{{"type":"url_verification","token":"{TOKEN}","challenge":"quick-1"}}"#);
    let answer = post(address, seal(&check)?, None).await?;
    expect(&answer, "200 OK", r#"{"challenge":"quick-1"}"#)?;

    // Then the event, sealed and signed.
    println!("event:");
    let sample = ReserveConfigUpdatedV1::INFO
        .sample
        .ok_or("the event has a sample")?;
    let answer = post(address, seal(sample)?, Some(KEY)).await?;
    expect(&answer, "200 OK", r#"{"msg":"success"}"#)?;

    // And what somebody else might send, without the key.
    println!("forged event:");
    let answer = post(address, seal(sample)?, Some("a guess")).await?;
    expect(&answer, "401 Unauthorized", "")?;

    server.abort();
    events.drain(Duration::from_secs(1)).await?;
    Ok(())
}

/// The document in its encrypted wrapper, under an initialisation vector that will do for a demo.
fn seal(document: &str) -> Result<Bytes, BoxError> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let sealed = EncryptKey::new(KEY).seal(document.as_bytes(), nanos.to_be_bytes());
    Ok(format!(r#"{{"encrypt":"{sealed}"}}"#).into())
}

/// Posts a body, signed with `key` if there is one, and shows the answer.
async fn post(address: SocketAddr, body: Bytes, key: Option<&str>) -> Result<String, BoxError> {
    let mut request = Request::post(PATH).header("host", address.to_string());
    if let Some(key) = key {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)?
            .as_secs()
            .to_string();
        let signature = EncryptKey::new(key).sign(&now, "nonce", &body);
        request = request
            .header(SIGNATURE_TIMESTAMP_HEADER, now)
            .header(SIGNATURE_NONCE_HEADER, "nonce")
            .header(SIGNATURE_HEADER, signature);
    }
    let socket = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = http1::handshake(socket).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    drop(sender);
    connection.await??;
    let answer = format!("{status} {}", String::from_utf8(body.to_vec())?);
    println!("  answer: {answer}");
    Ok(answer)
}

fn expect(answer: &str, status: &str, body: &str) -> Result<(), BoxError> {
    if answer == format!("{status} {body}") {
        return Ok(());
    }
    Err(format!("expected {status} {body}").into())
}
