//! `lark-events serve`: a local platform for an app on any SDK, which pushes, delivers again, and has
//! go wrong what is wanted.

mod command;
mod delivery;
mod event;
mod fault;
mod session;
mod span;
mod stop;
mod view;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use lark_events_sim::{FRAGMENT_BYTES, Platform};
use serde_json::json;
use tokio::time::Instant;

use self::command::Command;
use self::fault::Named;
use self::session::{Session, Settings};
use self::span::{Schedule, Span, Stream};
use self::view::View;
use crate::Error;
use crate::output::{FAINT, NAME, Output};
use crate::secrets::{Secret, Secrets, given};

/// Serve a local platform, for apps on any SDK: set the SDK's domain to the URL that is printed.
///
/// An event goes to the webhook if one is given, and to a long connection while one is open: each
/// under an id of its own. What is not acknowledged comes again by the schedule; callbacks do not.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct ServeArgs {
    /// The port to listen on, at 127.0.0.1; 0 is any free one.
    #[arg(long, default_value_t = 7780)]
    port: u16,
    /// Push to this webhook, `http://`; it is tried until it passes the URL check.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
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
    /// Take commands from stdin, as it does where that is a terminal; the end of it ends all.
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

/// The app that is served; the same each time unless it is given, so that the app under test needs no
/// new settings.
struct App {
    id: String,
    secret: String,
    key: Option<String>,
    token: String,
}

impl App {
    fn given(args: &ServeArgs) -> Result<Self, Error> {
        let id = given(args.app_id.as_ref(), "--app-id", "LARK_APP_ID")?;
        let secret = given(args.app_secret.as_ref(), "--app-secret", "LARK_APP_SECRET")?;
        let or = |text: Option<String>, default: &str| text.unwrap_or_else(|| default.to_owned());
        Ok(Self {
            // The official Node SDK takes ids of this form only.
            id: or(id, "cli_a1b2c3d4e5f60718"),
            secret: or(secret, "app-secret"),
            key: match args.no_key {
                true => None,
                false => Some(or(args.secrets.key()?, "encrypt-key")),
            },
            token: or(args.secrets.token()?, "verification-token"),
        })
    }

    /// What an app has to be set to, in a form that shells take.
    fn show(&self, base_url: &str, output: Output) -> io::Result<()> {
        let key = self.key.as_deref();
        if output.json {
            return output.print_json(&json!({
                "kind": "platform", "base_url": base_url, "app_id": self.id,
                "app_secret": self.secret, "encrypt_key": key, "verification_token": self.token,
            }));
        }
        for (name, value) in [
            ("LARK_BASE_URL", base_url),
            ("LARK_APP_ID", &self.id),
            ("LARK_APP_SECRET", &self.secret),
            ("LARK_ENCRYPT_KEY", key.unwrap_or_default()),
            ("LARK_VERIFICATION_TOKEN", &self.token),
        ] {
            output.print(format_args!(
                "{}{value}",
                output.paint(NAME, format_args!("{name}="))
            ))?;
        }
        Ok(())
    }
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
        .app(&app.id, &app.secret)
        .verification_token(&app.token)
        .port(args.port)
        .answer_limit(args.timeout.0)
        .fragment_above(args.fragment_above);
    if let Some(key) = &app.key {
        builder = builder.encrypt_key(key.as_str());
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let platform = builder.start().await?;
    app.show(platform.base_url(), output)?;
    for fault in args.fault {
        fault.inject(&platform);
    }

    let typed = args.interactive || io::stdin().is_terminal();
    let prompts = typed && io::stdin().is_terminal();
    if prompts && !output.json {
        output.print(output.paint(FAINT, "help lists the commands; Ctrl-C ends"))?;
    }
    let settings = Settings {
        webhook: args.webhook,
        streams: args.push,
        script,
        redeliver_after: args.redeliver.0,
        ends: args
            .lasts
            .and_then(|Span(time)| Instant::now().checked_add(time)),
        lines: typed.then(stop::stdin_lines),
    };
    let view = View::new(output, prompts);
    Session::new(platform, settings, view).run(stop).await?;
    Ok(ExitCode::SUCCESS)
}
