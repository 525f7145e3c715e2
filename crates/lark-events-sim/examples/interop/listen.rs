//! The webhook of each SDK behind `lark-events listen`, with the simulator as the real platform.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lark_events::BoxError;
use lark_events_sim::Mode;
use tokio::time::timeout;

use crate::app::{App, Sdk};
use crate::documents::Pushed;
use crate::scene::Scene;
use crate::settings::{APP_ID, APP_SECRET, ENCRYPT_KEY, VERIFICATION_TOKEN, platform};
use crate::table::{Seen, Table};

/// For the URL check and the connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn run(sdk: &Sdk, command: &Path, table: &mut Table) {
    let mut section = table.section(sdk.name, "webhook by listen");
    let started = start(sdk, command);
    let Some((mut scene, _listen)) = section.check_with("connected", started).await else {
        return;
    };
    let check = scene.takes(Pushed::event());
    section.check("event of version 2", check).await;
    let check = scene.takes(Pushed::event_v1());
    section.check("event of version 1", check).await;
    let check = scene.takes(Pushed::big());
    section.check("event of 300 KB", check).await;
    section.check("callback", scene.replies()).await;
    let check = scene.fails_once();
    section
        .check("failed handler: delivered again", check)
        .await;
}

/// The running command. Dropping it ends the process.
struct Listen(Child);

impl Drop for Listen {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A platform without a webhook, an app, and the command between them.
async fn start(sdk: &Sdk, command: &Path) -> Result<((Scene, Listen), Seen), BoxError> {
    let settings = [
        ("ENCRYPT_KEY", ENCRYPT_KEY),
        ("VERIFICATION_TOKEN", VERIFICATION_TOKEN),
    ];
    let mut app = App::start(sdk, "webhook", &settings)?;
    let listening = app.until("listening").await?;
    let url = listening["url"].as_str().ok_or("no URL")?;
    let platform = platform()
        .events_by(Mode::LongConnection)
        .callbacks_by(Mode::LongConnection)
        .start()
        .await?;
    let listen = Command::new(command)
        .args(["listen", "--yes-take-events", "--forward-to", url])
        .env("LARK_BASE_URL", platform.base_url())
        .env("LARK_APP_ID", APP_ID)
        .env("LARK_APP_SECRET", APP_SECRET)
        .env("LARK_ENCRYPT_KEY", ENCRYPT_KEY)
        .env("LARK_VERIFICATION_TOKEN", VERIFICATION_TOKEN)
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let listen = Listen(listen);
    let connected = platform.until(|stats| stats.connections == 1);
    let connected = timeout(CONNECT_LIMIT, connected).await;
    connected.map_err(|_| format!("no connection in {CONNECT_LIMIT:?}"))?;
    let seen = Seen::Right("after the URL check".to_owned());
    Ok(((Scene { platform, app }, listen), seen))
}
