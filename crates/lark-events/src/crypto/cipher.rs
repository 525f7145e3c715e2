//! AES-256-CBC as the platform uses it: the key is the SHA-256 of the Encrypt Key, the message is
//! `base64(iv ++ ciphertext)` with PKCS#7 padding.

use std::fmt;
use std::sync::LazyLock;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use aes::{Aes256Dec, Aes256Enc};
use base64::Engine as _;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::{general_purpose::GeneralPurposeConfig, simd::Simd};
use bytes::{Buf as _, Bytes};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Length of an AES block, and of the initialisation vector in front of the ciphertext.
const BLOCK: usize = 16;

/// The maximum length of a text whose memory is requested uncleared: an allocator has such memory at
/// hand. Larger memory may come cleared from the system.
const MAX_REUSED: usize = 4 * 1024;

/// Standard, padded base64, with the SIMD instructions that the machine has.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::general_purpose::STANDARD as BASE64;

/// Both AES key schedules of one Encrypt Key, wiped on drop.
pub(crate) struct BodyKey {
    decrypt: Aes256Dec,
    encrypt: Aes256Enc,
}

impl BodyKey {
    pub(crate) fn derive(encrypt_key: &[u8]) -> Self {
        let mut key = Zeroizing::new([0_u8; 32]);
        key.copy_from_slice(&Sha256::digest(encrypt_key));
        let key = aes::cipher::Key::<Aes256Enc>::from(*key);
        let key = Zeroizing::new(key);
        Self {
            decrypt: Aes256Dec::new(&key),
            encrypt: Aes256Enc::new(&key),
        }
    }

    /// Decodes and decrypts `base64(iv ++ ciphertext)`, and removes the padding.
    pub(crate) fn open(&self, wrapped: impl AsRef<[u8]>) -> Result<Bytes, CipherError> {
        let mut document = self.decrypt(wrapped)?;
        let text = unpadded(&document).ok_or(CipherError::new(CipherErrorKind::Padding))?;
        document.truncate(text.len());
        Ok(document)
    }

    /// Decodes and decrypts `base64(iv ++ ciphertext)` in place, and keeps the padding. The work
    /// depends only on the length of the text.
    pub(crate) fn decrypt(&self, wrapped: impl AsRef<[u8]>) -> Result<Bytes, CipherError> {
        let mut message =
            decoded(wrapped.as_ref()).map_err(|_| CipherError::new(CipherErrorKind::Base64))?;
        let Some((iv, ciphertext)) = message.split_first_chunk_mut::<BLOCK>() else {
            return Err(CipherError::new(CipherErrorKind::Length));
        };
        if ciphertext.is_empty() || ciphertext.len() % BLOCK != 0 {
            return Err(CipherError::new(CipherErrorKind::Length));
        }

        let (blocks, _) = Block::<Aes256Dec>::slice_as_chunks_mut(ciphertext);
        let iv = Block::<Aes256Dec>::from(*iv);
        cbc::Decryptor::inner_iv_init(&self.decrypt, &iv).decrypt_blocks(blocks);

        let mut document = Bytes::from(message);
        document.advance(BLOCK);
        Ok(document)
    }

    /// Encrypts `plaintext` under `iv` and encodes `iv ++ ciphertext` as base64.
    #[expect(clippy::arithmetic_side_effects, reason = "a slice ends far enough below usize::MAX")]
    pub(crate) fn seal(&self, plaintext: &[u8], iv: [u8; BLOCK]) -> String {
        let padded = plaintext.len() + BLOCK - plaintext.len() % BLOCK;
        let mut message = vec![0_u8; BLOCK + padded];
        let (head, body) = message.split_at_mut(BLOCK);
        head.copy_from_slice(&iv);
        let iv = Block::<Aes256Enc>::from(iv);
        cbc::Encryptor::inner_iv_init(&self.encrypt, &iv)
            .encrypt_padded_b2b::<Pkcs7>(plaintext, body)
            .expect("the buffer has room for the padding");
        BASE64.encode(message)
    }
}

/// Decodes base64.
fn decoded(text: &[u8]) -> Result<Vec<u8>, base64::DecodeError> {
    if text.len() > MAX_REUSED {
        return BASE64.decode(text);
    }
    let mut message = Vec::with_capacity(base64::decoded_len_estimate(text.len()));
    BASE64.decode_vec(text, &mut message)?;
    Ok(message)
}

/// `plaintext` without its PKCS#7 padding, if it has one.
pub(crate) fn unpadded(plaintext: &[u8]) -> Option<&[u8]> {
    let pad = usize::from(*plaintext.last()?);
    let (text, padding) = plaintext.split_at_checked(plaintext.len().checked_sub(pad)?)?;
    let well_formed =
        (1..=BLOCK).contains(&pad) && padding.iter().all(|byte| usize::from(*byte) == pad);
    well_formed.then_some(text)
}

/// Why an encrypted text could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CipherError {
    kind: CipherErrorKind,
}

/// The kinds of [`CipherError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CipherErrorKind {
    /// The text is not standard, padded base64.
    Base64,
    /// The text is not an initialisation vector and at least one whole block.
    Length,
    /// The decrypted text does not end in PKCS#7 padding, most often because the key is wrong.
    Padding,
}

impl CipherError {
    fn new(kind: CipherErrorKind) -> Self {
        Self { kind }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> CipherErrorKind {
        self.kind
    }
}

impl fmt::Display for CipherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CipherErrorKind::Base64 => "the encrypted text is not base64",
            CipherErrorKind::Length => "the encrypted text is not a whole number of blocks",
            CipherErrorKind::Padding => {
                "the encrypted text has no valid padding: the Encrypt Key is probably wrong"
            }
        })
    }
}

impl std::error::Error for CipherError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> BodyKey {
        BodyKey::derive(b"test key")
    }

    #[test]
    fn the_documented_vector_opens() {
        let opened = key().open("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=");
        assert_eq!(opened.unwrap(), "hello world");
    }

    #[test]
    fn seal_gives_the_documented_vector_back() {
        let wrapped = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=";
        let decoded = BASE64.decode(wrapped).unwrap();
        let iv: [u8; BLOCK] = decoded[..BLOCK].try_into().unwrap();
        assert_eq!(key().seal(b"hello world", iv), wrapped);
    }

    #[test]
    fn what_is_sealed_opens_at_every_length_around_a_block() {
        for length in 0..=3 * BLOCK + 1 {
            let text = vec![b'x'; length];
            let sealed = key().seal(&text, [7; BLOCK]);
            assert_eq!(key().open(&sealed).unwrap(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_whole_number_of_blocks_is_refused() {
        for length in [0, 1, 15, 16, 17, 31, 33, 47] {
            let wrapped = BASE64.encode(vec![0_u8; length]);
            let opened = key().open(&wrapped);
            assert_eq!(
                opened,
                Err(CipherError::new(CipherErrorKind::Length)),
                "{length} bytes"
            );
        }
        assert_eq!(
            key().open("A"),
            Err(CipherError::new(CipherErrorKind::Base64))
        );
    }

    /// Encrypts blocks whose padding is exactly `tail`, whether it is valid or not.
    fn seal_raw(plain: &[u8]) -> String {
        let mut message = vec![0_u8; BLOCK];
        message.extend_from_slice(plain);
        let (blocks, rest) = Block::<Aes256Enc>::slice_as_chunks_mut(&mut message[BLOCK..]);
        assert!(rest.is_empty());
        let iv = Block::<Aes256Enc>::default();
        cbc::Encryptor::inner_iv_init(&key().encrypt, &iv).encrypt_blocks(blocks);
        BASE64.encode(message)
    }

    #[test]
    fn only_well_formed_padding_is_taken_off() {
        for (tail, length) in [
            (&[1][..], Some(15)),
            (&[2, 2], Some(14)),
            (&[16; 16], Some(0)),
            (&[0], None),
            (&[3, 2, 3], None),
            (&[2, 3, 3], None),
            (&[17; 16], None),
            (&[255], None),
        ] {
            let mut plain = [b'x'; BLOCK];
            plain[BLOCK - tail.len()..].copy_from_slice(tail);
            let sealed = seal_raw(&plain);
            assert_eq!(key().decrypt(&sealed).unwrap(), plain[..], "{tail:?}");
            let opened = key().open(&sealed);
            match length {
                Some(length) => assert_eq!(opened.unwrap(), plain[..length], "{tail:?}"),
                None => assert_eq!(
                    opened,
                    Err(CipherError::new(CipherErrorKind::Padding)),
                    "{tail:?}"
                ),
            }
        }
    }

    #[test]
    fn each_error_says_what_is_wrong() {
        assert_eq!(
            CipherError::new(CipherErrorKind::Base64).to_string(),
            "the encrypted text is not base64"
        );
        assert!(
            CipherError::new(CipherErrorKind::Length)
                .to_string()
                .contains("blocks")
        );
        assert!(
            CipherError::new(CipherErrorKind::Padding)
                .to_string()
                .contains("padding")
        );
    }
}
