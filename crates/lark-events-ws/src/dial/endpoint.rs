//! Requesting the address of a connection from the platform.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{ConnectError, ConnectErrorKind};
use crate::wire::config::ClientConfig;

/// The path of the request, below the base URL.
pub(crate) const PATH: &str = "/callback/ws/endpoint";

const BUSY: i64 = 1;
const INTERNAL_ERROR: i64 = 1_000_040_343;
const TOO_MANY_CONNECTIONS: i64 = 1_000_040_350;
const FORBIDDEN: i64 = 403;
const AUTH_FAILED: i64 = 514;

/// The app's id and secret.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) app_id: Arc<str>,
    pub(crate) app_secret: Zeroizing<String>,
}

impl Credentials {
    pub(crate) fn to_json(&self) -> Bytes {
        #[derive(Serialize)]
        struct Call<'a> {
            #[serde(rename = "AppID")]
            app_id: &'a str,
            #[serde(rename = "AppSecret")]
            app_secret: &'a str,
        }
        let call = Call {
            app_id: &self.app_id,
            app_secret: &self.app_secret,
        };
        serde_json::to_vec(&call)
            .expect("strings can be written")
            .into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

/// The address of one connection, valid once.
pub(crate) struct Ticket {
    /// Secret: anyone who knows it can receive the app's events.
    pub(crate) uri: Uri,
    pub(crate) connection_id: String,
    pub(crate) service: i32,
}

/// The platform's answer to an address request, with any HTTP status.
#[derive(Deserialize)]
struct Reply {
    code: i64,
    #[serde(default)]
    msg: Value,
    #[serde(default)]
    data: Value,
}

impl Reply {
    /// The error, if the platform's code says that there is no address.
    fn refusal(&self, status: StatusCode) -> Option<ConnectError> {
        let kind = match self.code {
            0 => return None,
            BUSY | INTERNAL_ERROR => ConnectErrorKind::Unavailable,
            // Not a code of the platform: a gateway repeats its HTTP status in the same form.
            code if code == i64::from(status.as_u16()) => ConnectErrorKind::Unavailable,
            TOO_MANY_CONNECTIONS => ConnectErrorKind::TooManyConnections,
            _ => ConnectErrorKind::Refused,
        };
        let message = self.msg.as_str().unwrap_or_default();
        Some(ConnectError::new(kind, message).with_code(self.code))
    }
}

/// The error of an HTTP error answer: from the platform's code and message, or from the status if the
/// body has none.
pub(crate) fn failed_call(status: StatusCode, body: &[u8]) -> ConnectError {
    let reply = serde_json::from_slice::<Reply>(body).ok();
    let refusal = reply.and_then(|reply| reply.refusal(status));
    refusal.unwrap_or_else(|| {
        let unavailable = ConnectError::new(ConnectErrorKind::Unavailable, "an HTTP status");
        unavailable.with_code(status.as_u16().into())
    })
}

impl Ticket {
    /// Reads the answer to an address request, and applies the settings in it.
    pub(crate) fn parse(body: &[u8], config: &mut ClientConfig) -> Result<Self, ConnectError> {
        let nonsense = |what| ConnectError::new(ConnectErrorKind::Protocol, what);
        let reply: Reply = serde_json::from_slice(body).map_err(|_| {
            nonsense("the response to the address request is not the expected JSON")
        })?;
        if let Some(refusal) = reply.refusal(StatusCode::OK) {
            return Err(refusal);
        }
        let url = reply.data.get("URL").and_then(Value::as_str);
        let uri = url.and_then(|url| url.parse::<Uri>().ok());
        let ticket = uri
            .and_then(Self::of)
            .ok_or_else(|| nonsense("no usable address"))?;
        if let Some(new) = reply.data.get("ClientConfig") {
            config.update(new);
        }
        Ok(ticket)
    }

    fn of(uri: Uri) -> Option<Self> {
        let value = |name| {
            let mut members = uri
                .query()?
                .split('&')
                .filter_map(|member| member.split_once('='));
            members
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let connection_id = value("device_id").unwrap_or_default().to_owned();
        let service = value("service_id")?.parse().ok()?;
        let usable = matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.host().is_some();
        usable.then_some(Self {
            connection_id,
            service,
            uri,
        })
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("connection_id", &self.connection_id)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// The error of a rejected upgrade, from the headers in which the platform explains it.
pub(crate) fn refusal(status: u16, headers: &HeaderMap) -> ConnectError {
    // Some of the platform's messages are not ASCII.
    let header = |name| Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()));
    let number = |name| header(name).and_then(|value| value.parse::<i64>().ok());
    let handshake = number("handshake-status");
    let auth_code = number("handshake-autherrcode");
    let kind = match (handshake, auth_code) {
        (Some(FORBIDDEN), _) => ConnectErrorKind::Forbidden,
        (Some(AUTH_FAILED), Some(TOO_MANY_CONNECTIONS)) => ConnectErrorKind::TooManyConnections,
        _ => ConnectErrorKind::Unavailable,
    };
    let code = auth_code.or(handshake).unwrap_or(status.into());
    let message = header("handshake-msg").unwrap_or("the upgrade was rejected".into());
    ConnectError::new(kind, message).with_code(code)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    const URL: &str = "wss://frontier.invalid/ws/v2?fpid=493&device_id=7123&service_id=33554678\
                       &ticket=marked-ticket";

    fn parse(reply: &Value) -> Result<Ticket, ConnectError> {
        Ticket::parse(reply.to_string().as_bytes(), &mut ClientConfig::default())
    }

    #[test]
    fn an_address_comes_with_settings_or_without() {
        let mut config = ClientConfig::default();
        let reply = json!({"code": 0, "msg": "", "data": {"URL": URL,
            "ClientConfig": {"PingInterval": 7}}});
        let ticket = Ticket::parse(reply.to_string().as_bytes(), &mut config).unwrap();
        assert_eq!(
            (&*ticket.connection_id, ticket.service),
            ("7123", 33_554_678)
        );
        assert_eq!(ticket.uri, URL);
        assert_eq!(config.ping_interval.as_secs(), 7);
        assert!(parse(&json!({"code": 0, "data": {"URL": URL}})).is_ok());
        let shown = format!("{ticket:?}");
        assert!(
            shown.contains("7123") && !shown.contains("marked"),
            "{shown}"
        );
    }

    #[test]
    fn busy_is_worth_another_try_and_a_refusal_is_not() {
        for (code, fatal) in [
            (1, false),
            (1_000_040_343, false),
            (1_000_040_345, true),
            (1_000_040_350, true),
            (-1, true),
        ] {
            let error = parse(&json!({"code": code, "msg": "says\nwhy", "data": {}})).unwrap_err();
            assert_eq!((error.is_fatal(), error.code()), (fatal, Some(code)));
            assert!(
                error
                    .to_string()
                    .ends_with(&format!(": code {code}, says why")),
                "{error}"
            );
        }
    }

    #[test]
    fn an_http_error_shows_the_platforms_code_which_decides_or_else_the_status() {
        use ConnectErrorKind::{Refused, TooManyConnections, Unavailable};
        let says = |code: i64| json!({"code": code, "msg": "says why"}).to_string();
        for (status, body, kind, text) in [
            (
                400,
                says(1_000_040_345),
                Refused,
                "code 1000040345, says why",
            ),
            (
                503,
                says(1_000_040_345),
                Refused,
                "code 1000040345, says why",
            ),
            (
                403,
                says(1_000_040_350),
                TooManyConnections,
                "code 1000040350, says why",
            ),
            (400, says(1), Unavailable, "code 1, says why"),
            (
                500,
                says(1_000_040_343),
                Unavailable,
                "code 1000040343, says why",
            ),
            (502, says(502), Unavailable, "code 502, says why"),
            (429, says(429), Unavailable, "code 429, says why"),
            (500, says(0), Unavailable, "code 500, an HTTP status"),
            (
                502,
                "<html>".to_owned(),
                Unavailable,
                "code 502, an HTTP status",
            ),
            (
                404,
                "{}".to_owned(),
                Unavailable,
                "code 404, an HTTP status",
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = failed_call(status, body.as_bytes());
            assert_eq!(error.kind(), kind, "{status} {body}");
            assert!(error.to_string().ends_with(text), "{error}");
        }
    }

    #[test]
    fn a_message_in_any_language_is_shown() {
        let mut headers = HeaderMap::new();
        let message = HeaderValue::from_bytes("连接过多".as_bytes()).unwrap();
        headers.insert("handshake-msg", message);
        let error = refusal(403, &headers);
        assert!(error.to_string().ends_with("code 403, 连接过多"), "{error}");
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_worth_another_try_and_shows_no_ticket() {
        let no_service = URL.replace("service_id", "s");
        for reply in [
            json!(null),
            json!({}),
            json!({"code": "0", "data": {"URL": URL}}),
            json!({"code": 0}),
            json!({"code": 0, "data": {"URL": 1}}),
            json!({"code": 0, "data": {"URL": no_service}}),
            json!({"code": 0, "data": {"URL": URL.replace("wss:", "ftp:")}}),
            json!({"code": 0, "data": {"URL": URL.replace("wss://frontier.invalid", "")}}),
            json!({"code": 0, "data": {"URL": format!("{URL} ")}}),
        ] {
            let error = parse(&reply).unwrap_err();
            assert_eq!(error.kind(), ConnectErrorKind::Protocol, "{reply}");
            assert!(!error.is_fatal() && !error.to_string().contains("marked"));
        }
        let long = parse(&json!({"code": 9, "msg": "x".repeat(10_000)})).unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    #[test]
    fn a_refused_upgrade_is_told_by_its_headers() {
        for (handshake, auth, kind, code) in [
            (Some("403"), None, ConnectErrorKind::Forbidden, 403),
            (
                Some("514"),
                Some("1000040350"),
                ConnectErrorKind::TooManyConnections,
                1_000_040_350,
            ),
            (Some("514"), Some("1"), ConnectErrorKind::Unavailable, 1),
            (Some("514"), None, ConnectErrorKind::Unavailable, 514),
            (Some("?"), None, ConnectErrorKind::Unavailable, 502),
            (None, None, ConnectErrorKind::Unavailable, 502),
        ] {
            let mut headers = HeaderMap::new();
            let named = [
                ("handshake-status", handshake),
                ("handshake-autherrcode", auth),
            ];
            for (name, value) in named {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            let error = refusal(502, &headers);
            assert_eq!((error.kind(), error.code()), (kind, Some(code)));
            assert_eq!(error.is_fatal(), kind != ConnectErrorKind::Unavailable);
        }
    }
}
