//! The app and its platform, and what it posts.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use lark_events::Webhook;
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events_sim::Platform;

pub(crate) const KEY: &str = "encrypt-key";
pub(crate) const TOKEN: &str = "verification-token";
pub(crate) const PATH: &str = "/webhook/event";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn webhook() -> Webhook {
    let webhook = Webhook::builder().encrypt_key(KEY);
    webhook.verification_token(TOKEN).build().unwrap()
}

/// A platform that delivers each event once, and waits for its answer however slow this machine is.
pub(crate) async fn platform() -> Platform {
    platform_with(TOKEN).await
}

pub(crate) async fn platform_with(token: &str) -> Platform {
    let platform = Platform::builder().encrypt_key(KEY);
    let platform = platform.verification_token(token).redeliver_after([]);
    platform.answer_limit(PATIENCE).start().await.unwrap()
}

pub(crate) fn forged(mut request: Request<Bytes>) -> Request<Bytes> {
    let forged = HeaderValue::from_static(
        "00000000000000000000000000000000000000000000000000000000000000ff",
    );
    request.headers_mut().insert(SIGNATURE_HEADER, forged);
    request
}

/// A file that does not exist yet.
pub(crate) fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for suffix in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(folder.join(format!("{name}{suffix}"))));
    }
    folder.join(name)
}
