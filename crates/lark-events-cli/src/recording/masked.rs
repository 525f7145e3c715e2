//! An attempt without the secrets that the webhook's answer may repeat.

use bytes::Bytes;
use http::header::{AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use lark_events_sim::{Answer, Attempt, Sent};

use crate::console::web::masked::Masks;

const MASK: HeaderValue = HeaderValue::from_static("***");

/// Masks secrets in the answer, the error and the URL. The body of the request stays as it was signed.
pub(crate) fn masked(attempt: &Attempt, masks: &Masks) -> Attempt {
    let mut attempt = attempt.clone();
    match &mut attempt.answer {
        Answer::Response { headers, body, .. } => {
            mask_headers(headers, masks);
            *body = json(body, masks);
        }
        Answer::Ack {
            reply: Some(reply), ..
        } => *reply = json(reply, masks),
        _ => {}
    }
    if let Some(error) = &mut attempt.error {
        *error = masks.text(error).to_string();
    }
    if let Some(Sent::Request { url, headers, .. }) = &mut attempt.sent {
        *url = masks.text(url).to_string();
        mask_headers(headers, masks);
    }
    attempt
}

fn json(text: &Bytes, masks: &Masks) -> Bytes {
    let text = String::from_utf8_lossy(text);
    Bytes::from(masks.json(&text, |_| false).to_string())
}

fn mask_headers(headers: &mut HeaderMap, masks: &Masks) {
    for (name, value) in headers.iter_mut() {
        if [AUTHORIZATION, SET_COOKIE].contains(name) {
            *value = MASK;
            continue;
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        let masked = masks.text(&text).to_string();
        if masked != text {
            *value = HeaderValue::from_str(&masked).unwrap_or(MASK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_headers_are_masked_and_cookies_wholly() {
        let masks = Masks::new(["marked-token"]);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", "session=abc"),
            ("set-cookie", "other=def"),
            ("x-echo", "a marked-token"),
            ("content-type", "text/html"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        mask_headers(&mut headers, &masks);
        let values: Vec<_> = headers.iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["***", "***", "a ***", "text/html"]);
    }
}
