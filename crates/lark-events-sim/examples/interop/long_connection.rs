//! The long connection, through each SDK's own client.

use std::time::{Duration, Instant};

use lark_events::BoxError;
use lark_events_sim::{Answer, Attempt, Fault, Platform, PlatformBuilder, PlatformStats};
use tokio::time::sleep;

use crate::app::{App, Sdk};
use crate::documents::Pushed;
use crate::scene::{Scene, shown};
use crate::settings::{APP_ID, APP_SECRET, client_config, platform};
use crate::table::{Outcome, Section, Seen, Table, ensure};

const BUSY: i64 = 1;
const INTERNAL_ERROR: i64 = 1_000_040_343;
const AUTH_FAILED: u16 = 514;
const TOO_MANY_CONNECTIONS: i64 = 1_000_040_350;
/// The time that a handler takes, in the checks that need one.
const HANDLER_MILLIS: i64 = 20;
/// The number of garbage frames: enough for each kind to occur.
const GARBAGE: usize = 20;
/// How long a client may still ping after new settings: its timer may be running.
const LAST_PING: Duration = Duration::from_millis(1500);
/// Longer than two ping intervals.
const PINGS: Duration = Duration::from_millis(2500);
/// The platform knows of an upgrade before the client does.
const UPGRADED: Duration = Duration::from_millis(100);

pub(crate) async fn run(sdk: &Sdk, table: &mut Table) {
    let mut section = table.section(sdk.name, "ws://");
    let start = start_scene(sdk, platform());
    if let Some(mut scene) = section.check_with("connects and pings", start).await {
        events(&mut scene, sdk, &mut section).await;
        troubles(&mut scene, sdk, &mut section).await;
    }
    let check = wrong_secret(sdk);
    section.check("wrong secret: gives up", check).await;
    let check = too_many_connections(sdk);
    section.check("too many connections: gives up", check).await;

    let mut section = table.section(sdk.name, "wss://, https://");
    let Some(builder) = with_tls(platform()) else {
        println!("skipped: wss:// and https://: built without the feature `tls`");
        return;
    };
    let start = start_scene(sdk, builder);
    if let Some(mut scene) = section.check_with("connects and pings", start).await {
        let check = scene.takes(Pushed::event());
        section.check("event of version 2", check).await;
        let check = scene.takes(Pushed::big());
        section.check("event of 300 KB", check).await;
        let check = violations(&scene);
        section.check("nothing against the protocol", check).await;
    }
}

#[cfg(feature = "tls")]
fn with_tls(builder: PlatformBuilder) -> Option<PlatformBuilder> {
    Some(builder.tls())
}

#[cfg(not(feature = "tls"))]
fn with_tls(_: PlatformBuilder) -> Option<PlatformBuilder> {
    None
}

async fn events(scene: &mut Scene, sdk: &Sdk, section: &mut Section<'_>) {
    let check = scene.takes(Pushed::event());
    section.check("event of version 2", check).await;
    let check = scene.takes(Pushed::event_v1());
    section.check("event of version 1", check).await;
    let check = scene.takes(Pushed::big());
    section.check("event of 300 KB", check).await;
    scene.platform.inject(Fault::ShuffleFragments);
    let check = scene.takes(Pushed::big());
    section.check("its fragments in another order", check).await;
    let check = lost_fragment(scene);
    section.check("without one: delivered again", check).await;
    section.check("callback", scene.replies()).await;
    let check = scene.fails_once();
    section
        .check("failed handler: delivered again", check)
        .await;
    let check = scene.unhandled(sdk);
    section.check("event without a handler", check).await;
    let check = handler_time(scene, sdk);
    section.check("biz_rt of a handler of 20 ms", check).await;
}

async fn troubles(scene: &mut Scene, sdk: &Sdk, section: &mut Section<'_>) {
    section
        .check("garbage between events", garbage(scene))
        .await;
    section
        .check("new settings by pong", new_settings(scene))
        .await;
    let check = comes_again(scene);
    section.check("connection lost: comes again", check).await;
    scene.platform.inject(Fault::Endpoint(INTERNAL_ERROR));
    let check = comes_again(scene);
    section
        .check("and the endpoint fails: asks again", check)
        .await;
    let check = violations(scene);
    section.check("nothing against the protocol", check).await;
    // The last check, as this client may not reconnect after it.
    let check = busy(scene, sdk);
    section
        .check("and the endpoint is busy: asks again", check)
        .await;
}

/// An event with a lost fragment reaches no handler. Its redelivery does.
async fn lost_fragment(scene: &mut Scene) -> Outcome {
    scene.platform.inject(Fault::LoseFragment);
    let push = scene.platform.push(Pushed::big()?.document);
    let event_id = push.event_id().to_owned();
    let report = push.await;
    let seen = shown(&report.attempts);
    let accepted: Vec<_> = report.attempts.iter().map(Attempt::accepted).collect();
    ensure(accepted == [false, true], || seen.clone())?;
    let (_, before) = scene.app.until_event(&event_id).await?;
    ensure(before.is_empty(), || "something else happened".to_owned())?;
    Ok(Seen::Right(seen))
}

async fn handler_time(scene: &mut Scene, sdk: &Sdk) -> Outcome {
    let pushed = Pushed::event_with("takes_ms", HANDLER_MILLIS)?;
    let push = scene.platform.push(pushed.document);
    let event_id = push.event_id().to_owned();
    let report = push.await;
    scene.app.until_event(&event_id).await?;
    let biz_rt = report
        .attempts
        .first()
        .and_then(|first| match first.answer {
            Answer::Ack { biz_rt, .. } => biz_rt,
            _ => None,
        });
    let biz_rt = biz_rt.ok_or_else(|| shown(&report.attempts))?;
    if sdk.is_node() && biz_rt < 0 {
        return Ok(Seen::Own(format!("{biz_rt}: its start less its end")));
    }
    ensure(biz_rt >= HANDLER_MILLIS, || biz_rt.to_string())?;
    Ok(Seen::Right(biz_rt.to_string()))
}

async fn garbage(scene: &mut Scene) -> Outcome {
    for _ in 0..GARBAGE {
        scene.platform.inject(Fault::GarbageFrame);
        scene.takes(Pushed::event()).await?;
    }
    let PlatformStats { upgrades, .. } = scene.platform.stats();
    let seen = format!("takes {GARBAGE} events, upgrades: {upgrades}");
    Ok(Seen::Right(seen))
}

/// A client stops pinging after new settings.
async fn new_settings(scene: &mut Scene) -> Outcome {
    let platform = &scene.platform;
    platform.set_client_config(client_config().ping_interval(3600));
    // The answer to the next ping carries the new settings.
    let before = platform.stats().pings;
    platform.until(|stats| stats.pings > before).await;
    sleep(LAST_PING).await;
    let told = platform.stats().pings;
    sleep(PINGS).await;
    let pings = platform.stats().pings - told;
    ensure(pings == 0, || format!("pings in {PINGS:?}: {pings}"))?;
    platform.set_client_config(client_config());
    Ok(Seen::Right("pings no more".to_owned()))
}

/// The connection is cut, and the client reconnects for the next event.
async fn comes_again(scene: &mut Scene) -> Outcome {
    let (before, began) = (scene.platform.stats(), Instant::now());
    scene.platform.disconnect();
    let again = |stats: &PlatformStats| stats.connections == 1 && stats.upgrades > before.upgrades;
    let after = scene.platform.until(again).await;
    let millis = began.elapsed().as_millis();
    let calls = after.endpoint_calls - before.endpoint_calls;
    sleep(UPGRADED).await;
    scene.takes(Pushed::event()).await?;
    let seen = format!("calls: {calls}, after {millis} ms; takes the next event");
    Ok(Seen::Right(seen))
}

/// The Node SDK treats a busy endpoint as a wrong request of its own.
async fn busy(scene: &mut Scene, sdk: &Sdk) -> Outcome {
    scene.platform.inject(Fault::Endpoint(BUSY));
    if !sdk.is_node() {
        return comes_again(scene).await;
    }
    scene.platform.disconnect();
    let why = scene.app.until("gave up").await?;
    Ok(Seen::Own(format!("gives up: {}", why["error"])))
}

async fn violations(scene: &Scene) -> Outcome {
    let violations = scene.platform.violations();
    if let Some(first) = violations.first() {
        return Err(format!("{}, first {first}", violations.len()).into());
    }
    let stats = scene.platform.stats();
    let seen = format!("attempts: {}, pings: {}", stats.attempts, stats.pings);
    Ok(Seen::Right(seen))
}

async fn wrong_secret(sdk: &Sdk) -> Outcome {
    let platform = platform().start().await?;
    let mut app = start_app(sdk, &platform, "another-secret")?;
    let why = app.until("gave up").await?;
    let stats = platform.stats();
    ensure(stats.endpoint_calls == 1 && stats.upgrades == 0, || {
        let (calls, upgrades) = (stats.endpoint_calls, stats.upgrades);
        format!("calls: {calls}, upgrades: {upgrades}")
    })?;
    Ok(Seen::Right(why["error"].to_string()))
}

/// The Node SDK does not read the reason of a rejected upgrade.
async fn too_many_connections(sdk: &Sdk) -> Outcome {
    let platform = platform().start().await?;
    platform.inject(Fault::RefuseUpgrade(AUTH_FAILED, TOO_MANY_CONNECTIONS));
    let mut app = start_app(sdk, &platform, APP_SECRET)?;
    if sdk.is_node() {
        platform.until(|stats| stats.upgrades == 1).await;
        return Ok(Seen::Own("tries again".to_owned()));
    }
    let why = app.until("gave up").await?;
    Ok(Seen::Right(why["error"].to_string()))
}

/// A platform with a connected app.
async fn start_scene(sdk: &Sdk, builder: PlatformBuilder) -> Result<(Scene, Seen), BoxError> {
    let platform = builder.start().await?;
    let app = start_app(sdk, &platform, APP_SECRET)?;
    let connected = |stats: &PlatformStats| stats.connections == 1 && stats.pings > 0;
    let stats = platform.until(connected).await;
    let (calls, upgrades, pings) = (stats.endpoint_calls, stats.upgrades, stats.pings);
    let seen = format!("calls: {calls}, upgrades: {upgrades}, pings: {pings}");
    Ok((Scene { platform, app }, Seen::Right(seen)))
}

fn start_app(sdk: &Sdk, platform: &Platform, secret: &str) -> Result<App, BoxError> {
    let mut settings = vec![
        ("APP_ID", APP_ID),
        ("APP_SECRET", secret),
        ("BASE_URL", platform.base_url()),
    ];
    let file = sdk.file("pem");
    let file = file.to_str().ok_or("the path is no Unicode")?;
    if let Some(certificate) = platform.certificate_pem() {
        std::fs::write(file, certificate)?;
        // Read by the packages websockets and requests, and by Node.
        let readers = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
        settings.extend(readers.map(|reader| (reader, file)));
    }
    App::start(sdk, "long_connection", &settings)
}
