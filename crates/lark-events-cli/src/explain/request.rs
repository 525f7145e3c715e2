//! A saved request: its headers, and the bytes of its body.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The parts of a request that a webhook checks.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// Reads a head, an empty line and a body, as `curl -i` and most tools print them: with or
    /// without a request line, with LF or CRLF. Text that begins with a brace is a body alone.
    pub(super) fn parse(text: &Bytes) -> Result<Self, String> {
        let mut request = Self::default();
        if text.trim_ascii_start().starts_with(b"{") {
            request.body = text.clone();
            return Ok(request);
        }
        let mut at = 0;
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            at += line.len();
            let line = line.trim_ascii_end();
            if line.is_empty() {
                break;
            }
            let is_request_line = number == 0 && is_request_line(line);
            // HTTP/2 has pseudo-headers, which begin with a colon, for the request line.
            if !is_request_line && !line.starts_with(b":") {
                request
                    .add(line)
                    .map_err(|why| format!("line {}: {why}", number + 1))?;
            }
        }
        request.body = request.cut(text.slice(at..));
        Ok(request)
    }

    /// Adds a header, `name: value`.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<(), &'static str> {
        const FORM: &str = "expected a header, `name: value`";
        let colon = line.iter().position(|byte| *byte == b':').ok_or(FORM)?;
        let name = HeaderName::from_bytes(&line[..colon]).map_err(|_| FORM)?;
        let value = line[colon + 1..].trim_ascii();
        let value = HeaderValue::from_bytes(value).map_err(|_| FORM)?;
        self.headers.append(name, value);
        Ok(())
    }

    /// The length of the body by its header.
    pub(super) fn content_length(&self) -> Option<usize> {
        let length = self.headers.get(CONTENT_LENGTH)?.to_str().ok()?;
        length.parse().ok()
    }

    /// A body without the end of line that an editor put after it.
    fn cut(&self, body: Bytes) -> Bytes {
        let length = self.content_length().filter(|length| *length < body.len());
        let length = length.filter(|length| body[*length..].trim_ascii().is_empty());
        length.map_or(body.clone(), |length| body.slice(..length))
    }
}

/// `POST /webhook HTTP/1.1`
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    words
        .nth(2)
        .is_some_and(|version| version.starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Result<Request, String> {
        Request::parse(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_head_has_either_end_of_line_and_may_have_a_request_line() {
        for text in [
            "POST /x HTTP/1.1\r\nA: 1\r\na:2 \r\n\r\n{}\n\n",
            "A: 1\na: 2\n\n{}\n\n",
            ":method: POST\nA: 1\na: 2\n\n{}\n\n",
        ] {
            let request = parse(text).unwrap();
            let values: Vec<_> = request.headers.get_all("a").iter().collect();
            assert_eq!(values, ["1", "2"], "{text}");
            assert_eq!(request.body, "{}\n\n");
        }
    }

    #[test]
    fn the_body_is_as_long_as_its_header_says_if_nothing_but_space_follows() {
        assert_eq!(parse("content-length: 2\n\n{}\n").unwrap().body, "{}");
        assert_eq!(parse("content-length: 2\n\n{}x").unwrap().body, "{}x");
        assert_eq!(parse("content-length: 9\n\n{}\n").unwrap().body, "{}\n");
    }

    #[test]
    fn a_brace_begins_a_body_and_a_head_may_be_all() {
        let request = parse("{\"a: b\": 1}\n").unwrap();
        assert!(request.headers.is_empty());
        assert_eq!(request.body, "{\"a: b\": 1}\n");
        assert_eq!(parse("a: b").unwrap().body, "");
    }

    #[test]
    fn what_is_no_header_is_an_error_that_says_where() {
        for text in [
            "a: b\nwhat\n\n{}",
            "a: b\na b: c\n\n{}",
            "a: b\nc: \x01\n\n",
        ] {
            let why = parse(text).unwrap_err();
            assert!(
                why.starts_with("line 2: expected a header"),
                "{text}: {why}"
            );
        }
    }
}
