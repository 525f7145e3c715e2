//! The HTTP requests of clients: for the address of a connection, for the upgrade, and calls of the API.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::config::ClientConfig;
use super::link::{self, Commands, Link};
use super::ticket::Ticket;
use super::{Connections, MAX_CONNECTIONS, SERVICE_ID};
use crate::api;
use crate::fault::Fault;
use crate::shared::{Shared, locked};
use crate::violation::shown;

/// The largest body of a call for an endpoint.
const MAX_CALL_BYTES: usize = 64 * 1024;

const BUSY: i64 = 1;
const INTERNAL_ERROR: i64 = 1_000_040_343;
const NO_CREDENTIALS: i64 = 1_000_040_344;
const BAD_CREDENTIALS: i64 = 1_000_040_345;
const TOO_MANY_CONNECTIONS: i64 = 1_000_040_350;
const AUTH_FAILED: u16 = 514;

/// Answers a request of any kind.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, api::Closed> {
    if request.uri().path().starts_with(api::PREFIX) {
        return api::answer(&shared, request).await;
    }
    Ok(match (request.method(), request.uri().path()) {
        (&Method::POST, "/callback/ws/endpoint") => endpoint(&shared, request).await,
        (&Method::GET, "/ws/v2") => upgrade(&shared, request).await,
        _ => status(StatusCode::NOT_FOUND),
    })
}

/// An answer as from a proxy, not from the platform.
fn refused_by(code: u16) -> Response<Full<Bytes>> {
    status(StatusCode::from_u16(code).expect("checked when the fault was injected"))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    #[serde(rename = "AppID")]
    app_id: String,
    app_secret: String,
}

#[derive(Serialize)]
struct Reply<'a> {
    code: i64,
    msg: &'a str,
    data: Endpoint,
}

#[derive(Serialize, Default)]
struct Endpoint {
    #[serde(rename = "URL", skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(rename = "ClientConfig", skip_serializing_if = "Option::is_none")]
    config: Option<ClientConfig>,
}

async fn endpoint(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    shared.count(|stats| stats.endpoint_calls += 1);
    let body = Limited::new(request.into_body(), MAX_CALL_BYTES)
        .collect()
        .await;
    let fault = shared.take_fault(|fault| {
        matches!(
            fault,
            Fault::Endpoint(_) | Fault::EndpointStatus(_) | Fault::EndpointSilent
        )
    });
    match fault {
        Some(Fault::EndpointStatus(code)) => return refused_by(code),
        Some(Fault::EndpointSilent) => return std::future::pending().await,
        _ => {}
    }
    let credentials = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    let code = match (fault, credentials) {
        (Some(Fault::Endpoint(code)), _) => code,
        _ if shared.connections.is_closing() => BUSY,
        (_, Some(Credentials { app_id, app_secret })) => {
            let known = app_id == shared.app.id && app_secret == shared.app.secret;
            if known { 0 } else { BAD_CREDENTIALS }
        }
        (_, None) => NO_CREDENTIALS,
    };
    let msg = match code {
        0 => "",
        BUSY => "system busy",
        INTERNAL_ERROR => "internal error",
        NO_CREDENTIALS => "no app_id or app_secret",
        BAD_CREDENTIALS => "app_id or app_secret is invalid",
        _ => "refused",
    };
    let connections = &shared.connections;
    let data = if code == 0 && fault.is_none() {
        let ticket = locked(&connections.tickets).issue(&shared.random);
        Endpoint {
            url: Some(ticket.url(&connections.origin)),
            config: Some(connections.config()),
        }
    } else {
        Endpoint::default()
    };
    let reply = serde_json::to_vec(&Reply { code, msg, data });
    let reply = reply.expect("strings and numbers can be written");
    let mut response = Response::new(Full::new(reply.into()));
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

impl Ticket {
    fn url(&self, origin: &str) -> String {
        let Self {
            device_id,
            access_key,
            ticket,
        } = self;
        format!(
            "{origin}/ws/v2?fpid=493&aid=552564&device_id={device_id}&access_key={access_key}\
             &service_id={SERVICE_ID}&ticket={ticket}"
        )
    }

    /// The ticket in the query of a request for an upgrade.
    fn in_query(query: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut members = query.split('&').filter_map(|member| member.split_once('='));
            members
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        let service = value("service_id")? == SERVICE_ID.to_string();
        Some(Self {
            device_id: value("device_id")?,
            access_key: value("access_key")?,
            ticket: value("ticket")?,
        })
        .filter(|_| service)
    }
}

async fn upgrade(shared: &Arc<Shared>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let upgrade = hyper::upgrade::on(&mut request);
    let request = request.map(|_| ());
    let Ok(response) = create_response(&request) else {
        shared.count(|stats| stats.refused_upgrades += 1);
        return status(StatusCode::BAD_REQUEST);
    };
    let fault = shared.take_fault(|fault| {
        matches!(
            fault,
            Fault::RefuseUpgrade(..) | Fault::UpgradeStatus(_) | Fault::UpgradeSilent
        )
    });
    match fault {
        Some(Fault::RefuseUpgrade(status, auth_code)) => {
            return refused(shared, status, auth_code, "refused");
        }
        Some(Fault::UpgradeStatus(code)) => {
            shared.count(|stats| stats.refused_upgrades += 1);
            return refused_by(code);
        }
        Some(Fault::UpgradeSilent) => return std::future::pending().await,
        _ => {}
    }
    if shared.connections.is_closing() {
        return refused(shared, AUTH_FAILED, INTERNAL_ERROR, "closing");
    }
    let connections = &shared.connections;
    let ticket = request.uri().query().and_then(Ticket::in_query);
    let ticket = ticket.filter(|ticket| locked(&connections.tickets).redeem(ticket));
    let Some(ticket) = ticket else {
        return refused(
            shared,
            AUTH_FAILED,
            NO_CREDENTIALS,
            "the ticket is not valid",
        );
    };
    let user_agent = request.headers().get(USER_AGENT);
    let user_agent = user_agent.map(|agent| shown(&String::from_utf8_lossy(agent.as_bytes())));
    let Some((link, commands)) = connections.add(ticket.device_id, user_agent, shared) else {
        return refused(
            shared,
            AUTH_FAILED,
            TOO_MANY_CONNECTIONS,
            "too many connections",
        );
    };
    shared.count(|stats| {
        stats.upgrades += 1;
        stats.connections += 1;
    });
    shared.spawn(link::run(Arc::clone(shared), link, upgrade, commands));
    response.map(|()| Full::default())
}

impl Connections {
    /// Adds a new connection, unless there are too many.
    fn add(
        &self,
        device_id: String,
        user_agent: Option<String>,
        shared: &Shared,
    ) -> Option<(Arc<Link>, Commands)> {
        let is_full = |links: &[Arc<Link>]| links.len() >= MAX_CONNECTIONS;
        if is_full(&locked(&self.links)) {
            return None;
        }
        // Taken before locking the links: an attempt locks the links while it holds the faults.
        let half_open = shared.take_fault(|fault| fault == Fault::AcceptHalfOpen);
        let mut links = locked(&self.links);
        if is_full(&links) {
            return None;
        }
        let number = self.connections_opened.fetch_add(1, Ordering::Relaxed);
        let (link, commands) = Link::new(number, device_id, user_agent, half_open.is_some());
        links.push(Arc::clone(&link));
        Some((link, commands))
    }
}

/// Rejects an upgrade as the platform does, with the reason in its headers.
fn refused(
    shared: &Shared,
    code: u16,
    auth_code: i64,
    message: &'static str,
) -> Response<Full<Bytes>> {
    shared.count(|stats| stats.refused_upgrades += 1);
    let mut response = status(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert("handshake-status", code.into());
    headers.insert("handshake-msg", HeaderValue::from_static(message));
    if auth_code != 0 {
        headers.insert("handshake-autherrcode", auth_code.into());
    }
    response
}
