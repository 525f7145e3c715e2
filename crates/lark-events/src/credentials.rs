//! Secrets as types: they never print, are compared in constant time only, and are wiped on drop.

use std::fmt;

use bytes::Bytes;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{BodyKey, CipherError, Digest};

/// The Encrypt Key of an app, with the AES keys derived from it.
///
/// The AES keys are derived once, in [`new`](Self::new), and reused for every event.
///
/// ```
/// use lark_events::EncryptKey;
///
/// let key = EncryptKey::new("test key");
/// let opened = key.open("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")?;
/// assert_eq!(opened, "hello world");
/// assert_eq!(format!("{key:?}"), "EncryptKey(..)");
/// # Ok::<(), lark_events::error::CipherError>(())
/// ```
pub struct EncryptKey {
    text: Zeroizing<String>,
    body: BodyKey,
}

impl EncryptKey {
    /// Takes the Encrypt Key as the developer console shows it.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        let body = BodyKey::derive(text.as_bytes());
        Self { text, body }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Decrypts the text of an `{"encrypt": …}` wrapper. This does **not** authenticate the text: CBC
    /// has no tag, and an attacker who can distinguish the errors can decrypt without the key. Over a
    /// network use [`Webhook`](crate::Webhook), which checks the signature first.
    ///
    /// # Errors
    ///
    /// [`CipherError`] when the text is not base64, is not a whole number of blocks, or has no valid
    /// padding under this key.
    pub fn open(&self, wrapped: impl AsRef<[u8]>) -> Result<Bytes, CipherError> {
        self.body.open(wrapped)
    }

    /// Decrypts unauthenticated text. The padding stays part of the plaintext and is not checked.
    pub(crate) fn decrypt_unauthenticated(&self, wrapped: &str) -> Result<Bytes, CipherError> {
        self.body.decrypt(wrapped)
    }

    /// Encrypts a document as the platform does, for tests and simulators, and returns the text for
    /// `{"encrypt": …}`. Use a random `iv` if the text must stay secret.
    ///
    /// ```
    /// # use lark_events::EncryptKey;
    /// let key = EncryptKey::new("test key");
    /// let encrypted = key.seal(b"hello world", [7; 16]);
    /// assert_eq!(key.open(&encrypted)?, "hello world");
    /// # Ok::<(), lark_events::error::CipherError>(())
    /// ```
    pub fn seal(&self, document: &[u8], iv: [u8; 16]) -> String {
        self.body.seal(document, iv)
    }

    /// Signs a request body as the platform does: lower-case hexadecimal of the SHA-256 over
    /// timestamp, nonce, Encrypt Key and body.
    ///
    /// ```
    /// # use lark_events::EncryptKey;
    /// let signature = EncryptKey::new("c").sign("a", "b", b"");
    /// assert_eq!(signature, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /// ```
    pub fn sign(&self, timestamp: &str, nonce: &str, body: &[u8]) -> String {
        Digest::sha256(timestamp, nonce, self.as_bytes(), body).to_hex()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Debug for EncryptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptKey(..)")
    }
}

impl From<&str> for EncryptKey {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for EncryptKey {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The Verification Token of an app, which every document from the platform carries.
///
/// ```
/// use lark_events::VerificationToken;
///
/// let token = VerificationToken::new("v-token");
/// assert!(token.matches("v-token"));
/// assert!(!token.matches("v-tokem"));
/// assert_eq!(format!("{token:?}"), "VerificationToken(..)");
/// ```
pub struct VerificationToken(Zeroizing<String>);

impl VerificationToken {
    /// Takes the Verification Token as the developer console shows it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Compares in time that does not depend on where the texts differ.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        self.0.as_bytes().ct_eq(candidate.as_bytes()).into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Signs a body of the old card callback as the platform does: lower-case hexadecimal of the
    /// SHA-1 over timestamp, nonce, Verification Token and body.
    #[cfg(feature = "old-card")]
    pub fn sign_old_card(&self, timestamp: &str, nonce: &str, body: &[u8]) -> String {
        Digest::sha1(timestamp, nonce, self.as_bytes(), body).to_hex()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for VerificationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationToken(..)")
    }
}

impl From<&str> for VerificationToken {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for VerificationToken {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?} {:?}",
            EncryptKey::new("marked-secret"),
            VerificationToken::from("marked-secret".to_owned())
        );
        assert_eq!(shown, "EncryptKey(..) VerificationToken(..)");
    }

    #[test]
    fn a_token_matches_itself_only() {
        let token = VerificationToken::from("v-token");
        for other in ["", "v-toke", "v-token1", "V-token"] {
            assert!(!token.matches(other), "{other:?}");
        }
        assert!(token.matches("v-token"));
    }
}
