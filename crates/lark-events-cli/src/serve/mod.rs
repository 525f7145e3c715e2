//! `lark-events serve`: a local platform for an app on any SDK, which pushes, delivers again, and has
//! go wrong what is wanted.

mod app;
mod command;
mod counts;
mod driver;
mod due;
mod fault;
mod lines;
mod pushable;
mod row;
mod stop;
mod stream;
mod view;
mod words;

use std::fs;
use std::io::{self, IsTerminal as _};
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
use crate::secrets::{Secret, Secrets};
use crate::text::Text;
use crate::webhook::client::tls_config;

/// Serve a local platform, for apps on any SDK: set the SDK's domain to the URL that is printed.
///
/// The settings of an app are printed at first; of the secrets, those alone that were not given.
/// An event goes to the webhook if one is given, and to a long connection while one is open: each
/// under an id of its own. What is not acknowledged comes again by the schedule; callbacks do not.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct ServeArgs {
    /// The port to listen on, at 127.0.0.1; 0 is any free one.
    #[arg(long, default_value_t = 7780)]
    port: u16,
    /// Push to this webhook, `http://` or `https://`; it is tried until it passes the URL check.
    #[arg(long, value_name = "URL")]
    webhook: Option<WebhookUrl>,
    /// Push the sample of an event, as a new event each time: once, or at a rate such as 10/s, 6/m
    /// or 1/h; several if given again.
    #[arg(long, value_name = "TYPE[@RATE]")]
    push: Vec<Stream>,
    /// Have something go wrong once, or each time with a probability; several if given again.
    #[arg(long, value_name = "NAME[:VALUE][@PROBABILITY]")]
    fault: Vec<Named>,
    /// Run the commands in a file.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Take commands from stdin, as it does where that is a terminal; the end of it ends all. A line
    /// that is no command ends all too, with exit status 2, unless it was typed.
    #[arg(short, long)]
    interactive: bool,
    /// How long after each failed attempt an event comes again, or `never`.
    #[arg(long, value_name = "TIMES", default_value = "15s,5m,1h,6h")]
    redeliver: Schedule,
    /// How long the app may take to answer.
    #[arg(long, value_name = "TIME", default_value = "3s")]
    timeout: Span,
    /// Above how many bytes events come in fragments on long connections.
    #[arg(long, value_name = "BYTES", default_value_t = FRAGMENT_BYTES, value_parser = positive)]
    fragment_above: usize,
    /// The time between two fragments; 0ms has them come back to back, of which the official clients
    /// for Go and Java lose some.
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    fragment_gap: Span,
    /// End after this time.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<Span>,
    /// Repeat the choices of another run: ids, connections, faults.
    #[arg(long)]
    seed: Option<u64>,
    /// The app's id [env: `LARK_APP_ID`].
    #[arg(long, value_name = "ID")]
    app_id: Option<Secret>,
    /// The app's secret [env: `LARK_APP_SECRET`].
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<Secret>,
    /// Push plain and unsigned, as to an app without an Encrypt Key.
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
        lark-events serve --script night.txt --redeliver 1s,5s --for 8h --json\n\n\
        {commands}\n\n{faults}\n\n\
        Ends with a summary at quit, Ctrl-C, SIGTERM or the end of --for, with exit status 0."
    )
}

fn positive(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|error| format!("{error}"))?;
    (number > 0)
        .then_some(number)
        .ok_or_else(|| "a fragment has a byte at least".to_owned())
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
    // From here on a signal ends with a summary.
    let stop = stop::signal()?;
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
    let platform = builder.start().await?;
    app.show(platform.base_url(), output)?;
    for fault in args.fault {
        fault.inject(&platform);
    }

    let prompts = io::stdin().is_terminal();
    let reads = args.interactive || prompts;
    if prompts && !output.json {
        output.print(Text::painted(FAINT, "help lists the commands; Ctrl-C ends"))?;
    }
    let settings = Settings {
        webhook: args.webhook,
        streams: args.push,
        script,
        redeliver_after: args.redeliver.0,
        ends: args
            .lasts
            .and_then(|Span(time)| Instant::now().checked_add(time)),
        lines: reads.then(Lines::of_stdin),
    };
    let view = View::new(output, prompts);
    Driver::new(platform, settings, view).run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
