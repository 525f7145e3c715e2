//! `lark-events listen`: the real events of an app, at a webhook on this machine.

mod app;
mod forward;
mod upstream;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use lark_events_sim::{Platform, Span, WebhookUrl};
use lark_events_ws::Domain;
use serde_json::json;
use tokio::time::Instant;

use self::app::{App, domain};
use self::upstream::Upstream;
use crate::Error;
use crate::output::{NAME, Output};
use crate::recording::RecordArgs;
use crate::secrets::{Secret, Secrets};
use crate::serve::driver::{Driver, Settings};
use crate::serve::fault::Named;
use crate::serve::listen as console;
use crate::serve::view::View;
use crate::stop::Signals;
use crate::text::Text;
use crate::webhook::client::tls_config;

/// The time that the webhook has to answer. The platform waits for 3 seconds from the event's first frame, and
/// the connection answers after 2.5 seconds that the event has failed.
const ANSWER_LIMIT: Duration = Duration::from_millis(2_300);

/// Forward the real events of an app to a webhook in any language, encrypted and signed as the platform would.
///
/// Opens a long connection of the app, and posts each event and callback to the webhook. An event is acknowledged
/// only if the webhook answers 200 in time; the platform redelivers the others. The replies to callbacks go back
/// to the platform. Redirects are not followed.
///
/// The platform sends each event on one of the app's connections, at random. This command therefore takes events
/// away from the app's other processes, and needs --yes-take-events. In the developer console, the app must receive
/// events and callbacks by long connection.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events listen --forward-to http://localhost:3000/webhook/event --yes-take-events
  lark-events listen --forward-to $URL --domain lark --yes-take-events --console --record events.jsonl

Connects as soon as the webhook answers a URL check in any way. Ctrl-C or SIGTERM stops taking events, waits for
the answers to those under way, and exits with status 0. A second one does not wait.")]
pub(crate) struct ListenArgs {
    /// The webhook, `http://` or `https://`.
    #[arg(long, value_name = "URL")]
    forward_to: WebhookUrl,
    /// Confirm that this takes events away from other processes of the app.
    #[arg(long)]
    yes_take_events: bool,
    /// The platform: `feishu`, `lark` or the base URL of a private deployment or of `serve`
    /// [env: `LARK_BASE_URL`] [default: `feishu`]
    #[arg(long, value_name = "PLATFORM", value_parser = domain)]
    domain: Option<Domain>,
    /// The app's id [env: `LARK_APP_ID`].
    #[arg(long, value_name = "ID")]
    app_id: Option<Secret>,
    /// The app's secret [env: `LARK_APP_SECRET`].
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<Secret>,
    #[command(flatten)]
    record: RecordArgs,
    /// Serve the console of `serve`, which shows the events and sends them again. Without an address it is at
    /// 127.0.0.1:7781; port 0 picks a free port.
    #[arg(
        long,
        value_name = "ADDR",
        num_args = 0..=1,
        default_missing_value = console::DEFAULT,
        value_parser = console::address
    )]
    console: Option<SocketAddr>,
    /// Inject a fault on the way to the webhook, once, or with a probability each time; can be repeated.
    #[arg(long, value_name = "NAME[:VALUE][@PROBABILITY]")]
    fault: Vec<Named>,
    /// Stop after this time, as Ctrl-C does.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Span>,
    #[command(flatten)]
    secrets: Secrets,
}

pub(crate) async fn run(args: ListenArgs, output: Output) -> Result<ExitCode, Error> {
    let app = App::given(&args)?;
    if !args.yes_take_events {
        return Err(
            "the platform sends each event on one connection of the app, at random, so this takes events away \
            from the app's other processes: pass --yes-take-events if none of them needs the events, or use \
            an app for tests"
                .into(),
        );
    }
    // From here on a signal answers the events under way.
    let mut signals = Signals::catch()?;
    let tls = tls_config()?;
    let connection = app.connection(tls.clone())?;
    let mut builder = Platform::builder()
        .app(&app.id, app::no_secret())
        .port(0)
        .answer_limit(ANSWER_LIMIT)
        .webhook_tls_config(tls);
    if let Some(token) = &app.token {
        builder = builder.verification_token(token);
    }
    if let Some(key) = &app.key {
        builder = builder.encrypt_key(key.as_str());
    }
    let console = match args.console {
        Some(address) => Some(console::bind(address).await?),
        None => None,
    };
    let record = args.record.start()?;
    let platform = builder.start().await?;
    for fault in args.fault {
        fault.inject(&platform);
    }
    show(&app, &args.forward_to, output)?;
    if let Some(listener) = &console {
        console::show(listener, output)?;
    }
    let settings = Settings {
        webhook: Some(args.forward_to),
        forwards: true,
        streams: Vec::new(),
        script: Vec::new(),
        // The platform does.
        redeliver_after: Vec::new(),
        // The connection is drained first.
        ends: None,
        lines: None,
        secrets: app.secrets(),
        record,
        records_secrets: args.record.with_secrets,
    };
    let mut driver = Driver::new(platform, settings, View::new(output, false));
    if let Some(listener) = console {
        driver.serve_console(listener);
    }
    let lasts = args.lasts.map(|Span(time)| time);
    let upstream = Upstream {
        connection,
        control: driver.control(),
        token: app.token,
        ends: lasts.and_then(|time| Instant::now().checked_add(time)),
    };
    let mut listened = Ok(());
    let ran = driver.run(async { listened = upstream.run(&mut signals).await });
    let status = ran.await?;
    listened.map_err(|error| format!("{error}; the app's other processes receive its events"))?;
    Ok(status)
}

fn show(app: &App, to: &WebhookUrl, output: Output) -> std::io::Result<()> {
    let from = app.domain.base_url();
    if output.json {
        return output.print_json(&json!({
            "kind": "listen", "app_id": app.id, "domain": from, "forward_to": to.to_string(),
        }));
    }
    let what = format!(" {} ({from}) to {to}", app.id);
    output.print(Text::painted(NAME, "forwarding the events of").then(what))
}
