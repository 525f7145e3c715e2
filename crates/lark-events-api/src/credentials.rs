//! The app's id and secret, and tokens: secrets that are never shown.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use zeroize::Zeroizing;

/// The app, with its secret.
pub(crate) struct App {
    pub(crate) id: Arc<str>,
    pub(crate) secret: Zeroizing<String>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An access token. `Debug` hides it, and it is wiped when its last clone is dropped.
#[derive(Clone)]
pub(crate) struct Token(Arc<Zeroizing<String>>);

impl Token {
    /// `None` if the text cannot be in a header.
    pub(crate) fn new(text: String) -> Option<Self> {
        let token = Self(Arc::new(Zeroizing::new(text)));
        let is_usable = !token.0.is_empty() && token.try_header().is_some();
        is_usable.then_some(token)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> HeaderValue {
        self.try_header()
            .expect("checked when the token was created")
    }

    fn try_header(&self) -> Option<HeaderValue> {
        let bearer = Zeroizing::new(format!("Bearer {}", self.as_str()));
        let mut header = HeaderValue::from_str(&bearer).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Whether both are one token, not only equal texts: the platform may return the same text again.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let app = App {
            id: "cli_a".into(),
            secret: Zeroizing::new("marked-secret".to_owned()),
        };
        let token = Token::new("marked-token".to_owned()).unwrap();
        let shown = format!("{app:?} {token:?} {:?}", token.header());
        assert!(
            shown.contains("cli_a") && !shown.contains("marked"),
            "{shown}"
        );
        assert!(Token::new(String::new()).is_none());
        assert!(Token::new("a\nb".to_owned()).is_none());
    }
}
