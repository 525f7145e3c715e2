//! An answer of the API: its code, and what was asked for.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{ApiError, ApiErrorKind};

/// The code of a call beyond a rate limit, with status 429, or 400 of older APIs.
const RATE_LIMITED: i64 = 99_991_400;
/// Codes of messages beyond the limit of a chat or a user, and of an app.
const MESSAGES_LIMITED: [i64; 2] = [230_020, 11_232];
/// Codes of a missing, expired or invalid token.
const TOKEN_CODES: [i64; 5] = [99_991_661, 99_991_663, 99_991_664, 99_991_668, 99_991_671];
/// How long until the limit is lifted, in seconds.
const RATE_LIMIT_RESET: &str = "x-ogw-ratelimit-reset";
/// The name of a call in the platform's logs.
const LOG_ID: &str = "x-tt-logid";
/// A longer wait makes no difference to a caller.
const MAX_RESET: Duration = Duration::from_hours(24);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    said: Option<Said>,
}

/// What every answer of the API has.
#[derive(Deserialize)]
struct Said {
    code: i64,
    #[serde(default)]
    msg: Value,
    #[serde(default)]
    error: Value,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    /// The token is not valid.
    TokenRejected,
    /// Too many calls. The wait is the platform's, if it sent one.
    RateLimited(Option<Duration>),
    /// A failure of the platform or of a gateway, which may be over soon.
    Unavailable,
    Refused,
    /// Not an answer of the API.
    Unexpected,
}

impl Answer {
    /// A file is an answer without a code.
    pub(crate) fn read(response: Response<Bytes>, may_be_file: bool) -> Self {
        let (parts, body) = response.into_parts();
        let is_file = may_be_file && parts.status.is_success() && is_file(&parts.headers);
        let said = if is_file {
            Some(Said {
                code: 0,
                msg: Value::Null,
                error: Value::Null,
            })
        } else {
            serde_json::from_slice(&body).ok()
        };
        Self {
            said,
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn code(&self) -> Option<i64> {
        self.said.as_ref().map(|said| said.code)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let is_limit = |code: &i64| *code == RATE_LIMITED || MESSAGES_LIMITED.contains(code);
        // A gateway that fails repeats its HTTP status as a code, which is then none of the platform.
        let status = i64::from(self.status.as_u16());
        let is_of_gateway = |code: &i64| self.status.is_server_error() && *code == status;
        match self.code().filter(|code| !is_of_gateway(code)) {
            Some(code) if TOKEN_CODES.contains(&code) => Verdict::TokenRejected,
            code if self.status == StatusCode::TOO_MANY_REQUESTS
                || code.as_ref().is_some_and(is_limit) =>
            {
                Verdict::RateLimited(self.reset())
            }
            Some(0) if self.status.is_success() => Verdict::Success,
            Some(code) if code != 0 => Verdict::Refused,
            _ if self.status.is_server_error() => Verdict::Unavailable,
            _ => Verdict::Unexpected,
        }
    }

    fn reset(&self) -> Option<Duration> {
        let seconds = self.headers.get(RATE_LIMIT_RESET)?.to_str().ok()?;
        let seconds: f64 = seconds.trim().parse().ok()?;
        let reset = Duration::try_from_secs_f64(seconds).ok()?;
        Some(reset.min(MAX_RESET))
    }

    /// The name of the call in the platform's logs: in a header, and in the body of some errors.
    pub(crate) fn log_id(&self) -> Option<String> {
        let in_header = self.headers.get(LOG_ID);
        let in_header = in_header.and_then(|id| id.to_str().ok());
        let in_body = || self.said.as_ref()?.error.get("log_id")?.as_str();
        in_header.or_else(in_body).map(str::to_owned)
    }

    /// The error of an answer that is no success. `hide` removes secrets from the platform's message.
    pub(crate) fn error(&self, hide: impl Fn(&str) -> String) -> ApiError {
        let (kind, what) = match self.verdict() {
            Verdict::TokenRejected => (
                ApiErrorKind::TokenRejected,
                "the platform rejected the token of the call",
            ),
            Verdict::RateLimited(_) => (
                ApiErrorKind::RateLimited,
                "the platform limits the rate of this call",
            ),
            Verdict::Refused => (ApiErrorKind::Refused, "the platform rejected the call"),
            Verdict::Unavailable => (
                ApiErrorKind::Unavailable,
                "the platform's API is unavailable",
            ),
            Verdict::Success | Verdict::Unexpected => (
                ApiErrorKind::Unexpected,
                "expected JSON of the platform's API with a code, got another answer",
            ),
        };
        let error = ApiError::new(kind, what)
            .with_status(self.status)
            .with_log_id(self.log_id().map(|id| hide(&id)));
        match &self.said {
            Some(said) => error.with_code(said.code, &hide(said.msg.as_str().unwrap_or_default())),
            None => error,
        }
    }

    /// The `data` of a success, or the whole answer of calls that have their results beside the code.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        #[derive(Deserialize)]
        struct Data<'a> {
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        // A caller of a type like `()` wants no result, whatever the answer has.
        if size_of::<T>() == 0
            && let Ok(unit) = nothing()
        {
            return Ok(unit);
        }
        let all = serde_json::from_slice(&self.body);
        let Data { data } = all.map_err(|error| self.unfit(error))?;
        let empty = |data: &&RawValue| matches!(data.get(), "null" | "{}");
        let decoded = match data {
            Some(data) if !empty(&data) => serde_json::from_str(data.get()),
            Some(data) => serde_json::from_str(data.get()).or_else(|_| nothing()),
            None => serde_json::from_slice(&self.body).or_else(|_| nothing()),
        };
        decoded.map_err(|error| self.unfit(error))
    }

    /// The call has succeeded, but its result cannot be read.
    pub(crate) fn unfit(&self, error: serde_json::Error) -> ApiError {
        let what = "the call succeeded, but its result does not have the expected form";
        ApiError::new(ApiErrorKind::Unexpected, what)
            .with_status(self.status)
            .with_log_id(self.log_id())
            .maybe_happened(true)
            .with_source(Shape::of(&error))
    }
}

/// A result for callers that expect none.
fn nothing<T: DeserializeOwned>() -> serde_json::Result<T> {
    serde_json::from_value(Value::Null)
}

/// Whether a response is a file rather than JSON of the API.
fn is_file(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    headers.contains_key(CONTENT_DISPOSITION) || !is_json
}

/// Where JSON has not the expected form, without the values of the answer, which `serde_json` quotes.
#[derive(Debug)]
struct Shape {
    line: usize,
    column: usize,
}

impl Shape {
    fn of(error: &serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, column } = self;
        write!(
            f,
            "JSON does not fit the type at line {line}, column {column}"
        )
    }
}

impl std::error::Error for Shape {}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Answer::read(response, false)
    }

    #[test]
    fn a_code_decides_whatever_the_status_is() {
        for code in TOKEN_CODES {
            for status in [200, 400, 401, 403, 500] {
                let body = json!({"code": code, "msg": "x"}).to_string();
                assert_eq!(answer(status, &body).verdict(), Verdict::TokenRejected);
            }
        }
        for (status, body, expected) in [
            (200, r#"{"code":0}"#, Verdict::Success),
            (200, r#"{"code":230001,"msg":"x"}"#, Verdict::Refused),
            (400, r#"{"code":230001,"msg":"x"}"#, Verdict::Refused),
            (500, r#"{"code":1500,"msg":"x"}"#, Verdict::Refused),
            (200, r#"{"code":99991400}"#, Verdict::RateLimited(None)),
            (400, r#"{"code":99991400}"#, Verdict::RateLimited(None)),
            (429, r#"{"code":99991400}"#, Verdict::RateLimited(None)),
            (429, "<html>", Verdict::RateLimited(None)),
            (429, r#"{"code":429}"#, Verdict::RateLimited(None)),
            (400, r#"{"code":230020}"#, Verdict::RateLimited(None)),
            (502, "<html>", Verdict::Unavailable),
            (
                502,
                r#"{"code":502,"msg":"bad gateway"}"#,
                Verdict::Unavailable,
            ),
            (500, r#"{"code":0}"#, Verdict::Unavailable),
            (400, r#"{"code":400,"msg":"x"}"#, Verdict::Refused),
            (404, r#"{"code":404,"msg":"x"}"#, Verdict::Refused),
            (404, r#"{"code":0}"#, Verdict::Unexpected),
            (404, "404 page not found", Verdict::Unexpected),
            (200, "{}", Verdict::Unexpected),
            (200, r#"{"code":"0"}"#, Verdict::Unexpected),
            (200, "", Verdict::Unexpected),
            (302, "", Verdict::Unexpected),
        ] {
            assert_eq!(answer(status, body).verdict(), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_code_that_repeats_the_status_is_shown() {
        for status in [400, 404, 429, 502] {
            let body = json!({"code": status, "msg": "field validation failed"});
            let error = answer(status, &body.to_string()).error(str::to_owned);
            assert_eq!(error.code(), Some(i64::from(status)));
            assert_eq!(error.message(), "field validation failed");
        }
    }

    #[test]
    fn the_wait_is_read_from_the_header_and_bounded() {
        for (header, expected) in [
            ("52", Some(Duration::from_secs(52))),
            (" 1.5 ", Some(Duration::from_millis(1500))),
            ("0", Some(Duration::ZERO)),
            ("1e300", None),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("999999999", Some(MAX_RESET)),
        ] {
            let mut limited = answer(429, "");
            let value = HeaderValue::from_static(header);
            limited.headers.insert(RATE_LIMIT_RESET, value);
            assert_eq!(
                limited.verdict(),
                Verdict::RateLimited(expected),
                "{header}"
            );
        }
    }

    #[test]
    fn results_are_in_data_or_beside_the_code_or_nowhere() {
        let ok = |body: Value| answer(200, &body.to_string());
        let data = ok(json!({"code": 0, "data": {"image_key": "img_1"}}));
        assert_eq!(
            data.decode::<Value>().unwrap(),
            json!({"image_key": "img_1"})
        );
        let beside = ok(json!({"code": 0, "bot": {"app_name": "Tea"}}));
        assert_eq!(beside.decode::<Value>().unwrap()["bot"]["app_name"], "Tea");
        for nothing in [
            json!({"code": 0}),
            json!({"code": 0, "data": {}}),
            json!({"code": 0, "data": null}),
            json!({"code": 0, "data": {"more": 1}}),
        ] {
            ok(nothing).decode::<()>().unwrap();
        }
        assert_eq!(
            ok(json!({"code": 0, "data": [1]}))
                .decode::<Vec<u8>>()
                .unwrap(),
            [1]
        );
        let odd = ok(json!({"code": 0, "data": {"image_key": ["marked"]}}));
        assert!(odd.decode::<Option<String>>().is_err());
        let error = odd.decode::<std::collections::BTreeMap<String, String>>();
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::Unexpected);
        assert!(error.may_have_happened());
        assert!(!format!("{error} {error:?}").contains("marked"));
    }

    #[test]
    fn a_file_may_be_json_and_an_error_in_place_of_a_file_is_an_error() {
        let read = |kind: &'static str, disposition: bool, status: u16, body: &'static str| {
            let mut response = Response::new(Bytes::from_static(body.as_bytes()));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if disposition {
                let name = HeaderValue::from_static("attachment; filename=a.json");
                headers.insert(CONTENT_DISPOSITION, name);
            }
            Answer::read(response, true).verdict()
        };
        let expired = r#"{"code":99991663,"msg":"x"}"#;
        let json = "application/json; charset=utf-8";
        assert_eq!(read("image/png", false, 200, "png"), Verdict::Success);
        assert_eq!(read(json, true, 200, expired), Verdict::Success);
        assert_eq!(read(json, false, 200, expired), Verdict::TokenRejected);
        assert_eq!(read(json, true, 400, expired), Verdict::TokenRejected);
        assert_eq!(
            read("text/html", false, 502, "<html>"),
            Verdict::Unavailable
        );
    }

    #[test]
    fn the_log_id_is_in_a_header_or_in_the_error() {
        let mut named = answer(400, r#"{"code":1,"error":{"log_id":"b"}}"#);
        assert_eq!(named.log_id().as_deref(), Some("b"));
        named.headers.insert(LOG_ID, HeaderValue::from_static("a"));
        assert_eq!(named.log_id().as_deref(), Some("a"));
        let error = named.error(str::to_owned);
        assert_eq!((error.code(), error.log_id()), (Some(1), Some("a")));
    }
}
