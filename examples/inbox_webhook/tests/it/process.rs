//! The example as a process, and events for it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lark_events_sim::{Document, Platform, PlatformBuilder};
use serde_json::json;
use tokio::time::{sleep, timeout};

pub(crate) const KEY: &str = "test key";
pub(crate) const TOKEN: &str = "v-token";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn example() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inbox_webhook"));
    command.env_clear();
    command
}

/// Adds the settings of a webhook at this port.
pub(crate) fn with_settings<'a>(
    command: &'a mut Command,
    port: u16,
    inbox: &str,
) -> &'a mut Command {
    command
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .env("LARK_ENCRYPT_KEY", KEY)
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .env("INBOX", inbox)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
}

/// A running example, which is killed when this is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // With SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something listens at a port.
pub(crate) async fn listening(port: u16) {
    let listening = async {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, listening)
        .await
        .expect("the example listens");
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The platform of the app at a port, which delivers an event once.
pub(crate) fn platform(port: u16) -> PlatformBuilder {
    Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .redeliver_after([])
        .url_check_limit(PATIENCE)
        .webhook(&format!("http://127.0.0.1:{port}/webhook/event"))
}

pub(crate) fn message(chat: &str, id: &str) -> Document {
    let body = json!({"message": {"chat_id": chat}});
    let message = Document::v2("im.message.receive_v1", &body).unwrap();
    message.event_id(id)
}

/// A folder that is removed with its files at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
