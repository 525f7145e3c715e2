//! `multipart/form-data`, as uploads need it.

use bytes::Bytes;
use http::HeaderValue;

use crate::error::ApiError;

/// The random characters of a boundary.
const BOUNDARY_CHARS: usize = 32;
/// The longest name of a file.
const MAX_NAME_BYTES: usize = 255;

/// A form with text fields and one file.
pub(crate) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// A form whose boundary does not occur in `file`.
    pub(crate) fn new(file: &[u8]) -> Self {
        loop {
            let random = std::iter::repeat_with(fastrand::alphanumeric).take(BOUNDARY_CHARS);
            let boundary: String = random.collect();
            let is_inside = file
                .windows(boundary.len())
                .any(|window| window == boundary.as_bytes());
            if !is_inside {
                let body = Vec::with_capacity(file.len().saturating_add(1024));
                return Self { boundary, body };
            }
        }
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.part(&format!("name=\"{name}\""), None, value.as_bytes());
    }

    /// Adds the file.
    ///
    /// # Errors
    ///
    /// If the name is empty, too long, or has control characters.
    pub(crate) fn file(
        &mut self,
        name: &str,
        file_name: &str,
        content: &[u8],
    ) -> Result<(), ApiError> {
        let is_usable = !file_name.chars().any(char::is_control);
        if !is_usable || !(1..=MAX_NAME_BYTES).contains(&file_name.len()) {
            return Err(ApiError::invalid(format!(
                "expected a file name of 1 to {MAX_NAME_BYTES} bytes without control characters"
            )));
        }
        // A quotation mark as browsers write it. A backslash escapes the next one for some parsers.
        let escaped = file_name.replace('"', "%22").replace('\\', "%5C");
        let disposition = format!("name=\"{name}\"; filename=\"{escaped}\"");
        self.part(&disposition, Some("application/octet-stream"), content);
        Ok(())
    }

    fn part(&mut self, disposition: &str, kind: Option<&str>, content: &[u8]) {
        let kind = kind.map_or(String::new(), |kind| format!("Content-Type: {kind}\r\n"));
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n",
            self.boundary
        );
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }

    /// The content type and the body.
    pub(crate) fn finish(mut self) -> (HeaderValue, Bytes) {
        let end = format!("--{}--\r\n", self.boundary);
        self.body.extend_from_slice(end.as_bytes());
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        let kind = HeaderValue::try_from(kind).expect("letters and digits");
        (kind, self.body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_parts_between_boundaries() {
        let mut form = Form::new(b"\0png");
        form.text("image_type", "message");
        form.file("image", "a \"b\" 茶.png\\", b"\0png").unwrap();
        let boundary = form.boundary.clone();
        let (kind, body) = form.finish();
        assert_eq!(kind, format!("multipart/form-data; boundary={boundary}"));
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"image\"; \
             filename=\"a %22b%22 茶.png%5C\"\r\nContent-Type: application/octet-stream\r\n\r\n\0png\r\n\
             --{boundary}--\r\n"
        );
        assert_eq!(body, expected.as_bytes());
    }

    #[test]
    fn no_file_name_adds_a_header() {
        for name in ["", "a\r\nX: y", "a\nb", "\0", &"x".repeat(256)] {
            assert!(Form::new(b"").file("file", name, b"").is_err(), "{name:?}");
        }
    }
}
