//! `lark-events serve`: a simulator of the platform for an app on any SDK. It pushes, redelivers and injects faults.

mod app;
mod command;
pub(crate) mod compose;
pub(crate) mod control;
pub(crate) mod copied;
mod counts;
pub(crate) mod driver;
mod due;
pub(crate) mod fault;
pub(crate) mod history;
mod lines;
mod links;
pub(crate) mod listen;
pub(crate) mod pushable;
pub(crate) mod reply;
pub(crate) mod row;
mod shell;
mod show;
mod stream;
pub(crate) mod view;
mod words;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use lark_events_sim::{FRAGMENT_BYTES, Platform, Span, WebhookUrl};
use tokio::time::Instant;

use self::app::App;
use self::command::Command;
use self::driver::{Driver, Settings};
use self::fault::Named;
use self::lines::Lines;
use self::stream::{Schedule, Stream};
use self::view::View;
use crate::Error;
use crate::output::{FAINT, Output};
use crate::recording::RecordArgs;
use crate::secrets::{Secret, Secrets};
use crate::stop::Signals;
use crate::text::Text;
use crate::webhook::client::tls_config;

/// Run a simulator of the platform for apps on any SDK: set the SDK's domain to the printed URL.
///
/// Prints the settings for the app first, with default secrets only: secrets that you pass are not
/// printed. Pushes an event to the webhook, if set, and to an open long connection, each with a
/// different event id. Redelivers events that are not acknowledged; callbacks are sent once.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct ServeArgs {
    /// The port to listen on, at 127.0.0.1; 0 picks a free port.
    #[arg(long, default_value_t = 7780)]
    port: u16,
    /// Push to this webhook, `http://` or `https://`, as soon as it passes the URL check.
    #[arg(long, value_name = "URL")]
    webhook: Option<WebhookUrl>,
    /// Push the sample of an event, as a new event each time: once, or at a rate such as 10/s, 6/m
    /// or 1/h; can be repeated.
    #[arg(long, value_name = "TYPE[@RATE]")]
    push: Vec<Stream>,
    /// Inject a fault once, or with a probability each time; can be repeated.
    #[arg(long, value_name = "NAME[:VALUE][@PROBABILITY]")]
    fault: Vec<Named>,
    /// Run the commands in this file.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Read commands from stdin, which is the default at a terminal; the end of stdin stops the
    /// simulator. An invalid line stops it too, with exit status 2, unless it was typed.
    #[arg(short, long)]
    interactive: bool,
    /// The delays before each redelivery, counted from the failed attempt, or `never`.
    #[arg(long, value_name = "TIMES", default_value = "15s,5m,1h,6h")]
    redeliver: Schedule,
    /// The time that the app has to answer.
    #[arg(long, value_name = "TIME", default_value = "3s")]
    timeout: Span,
    /// The size in bytes above which an event is fragmented on long connections.
    #[arg(long, value_name = "BYTES", default_value_t = FRAGMENT_BYTES, value_parser = positive)]
    fragment_above: usize,
    /// The time between two fragments; 0ms sends them back to back, and the official clients for Go
    /// and Java then lose some.
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    fragment_gap: Span,
    /// Serve the console: pages and a JSON API that show the deliveries and push events. The default address is
    /// 127.0.0.1:7781; a port alone is a port of 127.0.0.1, and port 0 picks a free one.
    #[arg(
        long,
        value_name = "ADDR",
        num_args = 0..=1,
        default_missing_value = listen::DEFAULT,
        value_parser = listen::address
    )]
    console: Option<SocketAddr>,
    #[command(flatten)]
    record: RecordArgs,
    /// Stop after this time.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Span>,
    /// Seed the random choices, to repeat a run: ids, connections, faults.
    #[arg(long)]
    seed: Option<u64>,
    /// The app's id [env: `LARK_APP_ID`].
    #[arg(long, value_name = "ID")]
    app_id: Option<Secret>,
    /// The app's secret [env: `LARK_APP_SECRET`].
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<Secret>,
    /// Push unencrypted and unsigned, as to an app without an Encrypt Key.
    #[arg(long, conflicts_with = "key")]
    no_key: bool,
    #[command(flatten)]
    secrets: Secrets,
}

fn after_help() -> String {
    let (commands, faults) = (command::COMMANDS, fault::NAMES);
    format!(
        "Examples:\n  \
        lark-events serve --push im.message.receive_v1@6/m\n  \
        lark-events serve --webhook http://localhost:3000/events --fault lose-answer@0.1\n  \
        lark-events serve --console --record events.jsonl\n  \
        lark-events serve --script night.txt --redeliver 1s,5s --for 8h --json\n\n\
        {commands}\n\n{faults}\n\n\
        Stops at quit, Ctrl-C, SIGTERM or the end of --for, prints a summary and exits with \
        status 0, or 1 if a command of a script or a pipe has failed."
    )
}

fn positive(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|error| format!("{error}"))?;
    (number > 0)
        .then_some(number)
        .ok_or_else(|| "a fragment has at least 1 byte, got 0".to_owned())
}

pub(crate) async fn run(args: ServeArgs, output: Output) -> Result<ExitCode, Error> {
    let script = match &args.script {
        Some(path) => {
            let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let script = fs::read_to_string(path).map_err(|error| said(&error))?;
            Command::parse_script(&script).map_err(|error| said(&error))?
        }
        None => Vec::new(),
    };
    // From here on a signal stops the platform with a summary.
    let mut signals = Signals::catch()?;
    let app = App::given(&args)?;
    let mut builder = Platform::builder()
        .app(&app.id, app.secret.reveal())
        .verification_token(app.token.reveal())
        .port(args.port)
        .answer_limit(args.timeout.0)
        .fragment_above(args.fragment_above)
        .fragment_gap(args.fragment_gap.0);
    if let Some(key) = &app.key {
        builder = builder.encrypt_key(key.reveal());
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    if args.webhook.as_ref().is_some_and(WebhookUrl::is_https) {
        builder = builder.webhook_tls_config(tls_config()?);
    }
    let console = match args.console {
        Some(address) => Some(listen::bind(address).await?),
        None => None,
    };
    let record = args.record.start()?;
    let platform = builder.start().await?;
    // Before the app can read the settings and call.
    for fault in args.fault {
        fault.inject(&platform);
    }
    app.show(platform.base_url(), output)?;
    if let Some(listener) = &console {
        listen::show(listener, output)?;
    }

    let prompts = io::stdin().is_terminal();
    let reads = args.interactive || prompts;
    if prompts && !output.json {
        output.print(Text::painted(
            FAINT,
            "type help for the commands, Ctrl-C to stop",
        ))?;
    }
    let settings = Settings {
        webhook: args.webhook,
        forwards: false,
        streams: args.push,
        script,
        redeliver_after: args.redeliver.0,
        ends: args
            .lasts
            .and_then(|Span(time)| Instant::now().checked_add(time)),
        lines: reads.then(Lines::of_stdin),
        secrets: app.given_secrets(),
        record,
        records_secrets: args.record.with_secrets,
    };
    let view = View::new(output, prompts);
    let mut driver = Driver::new(platform, settings, view);
    if let Some(listener) = console {
        driver.serve_console(listener);
    }
    driver.run(signals.next()).await
}
