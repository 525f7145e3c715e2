//! A client of the long connection that does what a test says and nothing else.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lark_events_sim::Platform;
use lark_events_ws::frame::{Frame, header};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) const ID: &str = "cli_9f5343c580712544";
pub(crate) const SECRET: &str = "marked-secret";

/// Posts to the endpoint and gives status and body.
pub(crate) async fn endpoint(platform: &Platform, body: &str) -> (u16, Value) {
    call_endpoint(platform.dial(), body).await
}

/// Posts to the endpoint on a stream.
pub(crate) async fn call_endpoint<S>(stream: S, body: &str) -> (u16, Value)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post("/callback/ws/endpoint")
        .header("host", "platform")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A ticket: the URL of a connection.
pub(crate) async fn ticket(platform: &Platform) -> String {
    let credentials = json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    let (status, reply) = endpoint(platform, &credentials).await;
    assert_eq!((status, &reply["code"]), (200, &json!(0)), "{reply}");
    reply["data"]["URL"].as_str().unwrap().to_owned()
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<DuplexStream>,
    pub(crate) service: i32,
}

impl Client {
    pub(crate) async fn connect(platform: &Platform) -> Self {
        let url = ticket(platform).await;
        Self::connect_to(platform, &url).await.unwrap()
    }

    pub(crate) async fn connect_to(
        platform: &Platform,
        url: &str,
    ) -> Result<Self, Box<Response<Option<Vec<u8>>>>> {
        let service = url
            .split('&')
            .find_map(|part| part.strip_prefix("service_id="));
        let service = service.unwrap().parse().unwrap();
        match tokio_tungstenite::client_async(url, platform.dial()).await {
            Ok((socket, _)) => Ok(Self { socket, service }),
            Err(Error::Http(response)) => Err(response),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).await.unwrap();
    }

    pub(crate) async fn ping(&mut self) {
        let ping = Frame::control(self.service).with_header(header::TYPE, header::PING);
        self.send(ping.encode()).await;
    }

    /// The next message; `None` when the connection is lost or closed.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        let next = timeout(Duration::from_hours(24), self.socket.next());
        match next.await.expect("something comes") {
            Some(Ok(Message::Close(_)) | Err(_)) | None => None,
            Some(Ok(message)) => Some(message),
        }
    }

    /// Whether the connection ends with a Close, after whatever came before it.
    pub(crate) async fn socket_close(&mut self) -> bool {
        while let Some(Ok(message)) = self.socket.next().await {
            if message.is_close() {
                return true;
            }
        }
        false
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.message().await {
            Some(Message::Binary(bytes)) => Frame::decode(bytes).unwrap(),
            other => panic!("no frame: {other:?}"),
        }
    }

    /// Reads all fragments of the next event.
    pub(crate) async fn event(&mut self) -> Event {
        let mut frames = vec![self.frame().await];
        while frames.len() < number(&frames[0], header::SUM) {
            frames.push(self.frame().await);
        }
        Event { frames }
    }

    pub(crate) async fn ack(&mut self, event: &Event, payload: &str) {
        self.send(event.ack(payload).encode()).await;
    }
}

/// An event, in the frames that it came in.
pub(crate) struct Event {
    pub(crate) frames: Vec<Frame>,
}

impl Event {
    /// The document, its fragments put in order.
    pub(crate) fn json(&self) -> Value {
        let mut frames: Vec<_> = self.frames.iter().collect();
        frames.sort_by_key(|frame| number(frame, header::SEQ));
        let parts: Vec<_> = frames
            .iter()
            .map(|frame| &**frame.payload.as_ref().unwrap())
            .collect();
        serde_json::from_slice(&parts.concat()).unwrap()
    }

    /// The answer as clients give it.
    pub(crate) fn ack(&self, payload: &str) -> Frame {
        let last = self.frames.last().unwrap().clone();
        last.with_header(header::BIZ_RT, "1")
            .with_payload(payload.to_owned())
    }
}

pub(crate) fn number(frame: &Frame, key: &str) -> usize {
    frame.header(key).unwrap().parse().unwrap()
}
