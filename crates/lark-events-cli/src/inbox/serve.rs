//! `lark-events inbox serve`: the page of a store, for the users of this machine.

use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use clap::Args;
use http::StatusCode;
use lark_events_inbox::console::{Access, Console};
use lark_events_pages::{Guard, Refused};
use serde_json::json;

use super::store::StoreArgs;
use super::{audit, log};
use crate::Error;
use crate::console::web::server;
use crate::output::{NAME, Output};
use crate::serve::listen::{address, bind_for};
use crate::stop::Signals;
use crate::text::Text;

/// The address without `--listen`.
const DEFAULT: &str = "127.0.0.1:7782";

/// Serve a web page that shows the queue, dead letters and each event with its attempts and its body.
///
/// The page has no login: each user and each program of this machine can read the events, and change them with
/// --allow-changes. To let others in, mount the page in an app that authenticates them: docs/inbox-page.md.
/// SIGINT and SIGTERM end the command. An action that runs ends after its current batch of events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inbox serve --store sqlite:events.db
  lark-events inbox serve --store sqlite:events.db --listen 8080 --allow-changes

Each action is a line on stderr, with the number of events that it has changed. With --json, it is a
document on stdout.")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The address of the page: a loopback address with a port, or only a port. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT, value_parser = loopback)]
    listen: SocketAddr,
    /// Let the page retry, drop, replay and edit events. Without it, the page only shows them.
    #[arg(long)]
    allow_changes: bool,
}

pub(super) async fn run(args: &ServeArgs, output: Output) -> Result<ExitCode, Error> {
    let store = Arc::from(args.store.open().await?);
    let listener = bind_for("page", "--listen", args.listen).await?;
    let mut signals = Signals::catch()?;
    log::show(output);
    let access = match args.allow_changes {
        true => Access::All,
        false => Access::ReadOnly,
    };
    let console = Console::builder(store, move |_| access)
        .audit(|_| None, move |audited| audit::show(audited, output))
        .build();
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    if output.json {
        let allow_changes = args.allow_changes;
        output.print_json(&json!({"kind": "page", "url": url, "allow_changes": allow_changes}))?;
    } else {
        let what = if args.allow_changes {
            ""
        } else {
            " (read-only)"
        };
        output.print(Text::painted(NAME, "page:").then(format!(" {url}{what}")))?;
    }
    let router = Router::new().route_service("/", console.clone());
    let guard = Guard::new(address).with_forms();
    let mut serving = pin!(server::serve(listener, guard, router, refuse));
    tokio::select! {
        never = &mut serving => match never {},
        () = signals.next() => {}
    }
    // Requests that wait for their action are answered meanwhile.
    tokio::select! {
        never = &mut serving => match never {},
        () = console.stop() => Ok(ExitCode::SUCCESS),
        () = signals.next() => {
            Err("stopped while an action was changing events: look for them in the store".into())
        }
    }
}

/// Parses an address that only this machine can reach.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = address(text)?;
    if address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "expected a loopback address, such as {DEFAULT}, as the page has no login: mount it in an app that \
         authenticates its users (docs/inbox-page.md), got {text}"
    ))
}

fn refuse(_: &str, refused: Refused) -> Response {
    (StatusCode::FORBIDDEN, format!("{refused}\n")).into_response()
}
