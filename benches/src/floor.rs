//! The lower bound for one signed and encrypted event: a hash of the body, base64, AES and one
//! strict decode of the whole document. It compares nothing, looks up nothing, and reads the
//! envelope together with the body.

use aes::Aes256Dec;
use aes::cipher::{Block, BlockModeDecrypt as _, InnerIvInit as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::simd::Simd;
use sha2::{Digest as _, Sha256};

use crate::event::{ENCRYPT_KEY, Post};
use crate::strict::Document;

const BLOCK: usize = 16;

pub(crate) struct Floor {
    key: Aes256Dec,
    base64: Simd,
    body: bytes::Bytes,
    /// The range of the encrypted text in the body.
    encrypted: std::ops::Range<usize>,
}

impl Floor {
    pub(crate) fn new(post: &Post) -> Self {
        let start = br#"{"encrypt":""#.len();
        Self {
            key: Aes256Dec::new(&Sha256::digest(ENCRYPT_KEY)),
            base64: Simd::standard(GeneralPurposeConfig::new()),
            body: post.body.clone(),
            encrypted: start..post.body.len() - 2,
        }
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    pub(crate) fn run(&self) -> ([u8; 32], Document) {
        let digest = self.hash();
        let mut message = self.base64.decode(&self.body[self.encrypted.clone()]);
        let message = message.as_mut().expect("base64");
        let (iv, ciphertext) = message.split_at_mut(BLOCK);
        let iv = Block::<Aes256Dec>::try_from(&*iv).expect("a block");
        let (blocks, _) = Block::<Aes256Dec>::slice_as_chunks_mut(ciphertext);
        cbc::Decryptor::inner_iv_init(&self.key, &iv).decrypt_blocks(blocks);
        let padding = usize::from(ciphertext[ciphertext.len() - 1]);
        let plain = &ciphertext[..ciphertext.len() - padding];
        let plain = std::str::from_utf8(plain).expect("UTF-8");
        let document = serde_json::from_str(plain).expect("the document");
        (digest, document)
    }
}
