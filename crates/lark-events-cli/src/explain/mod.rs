//! `lark-events explain`: why a webhook rejects a request, and how to fix it.

mod cause;
mod clock;
mod document;
mod headers;
mod request;
mod signature;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, value_parser};
use lark_events::error::{Rejection, RejectionKind};
use lark_events::{Opened, Webhook};
use serde_json::json;

use self::cause::Cause;
use self::request::Request;
use crate::figures::count;
use crate::output::{BAD, GOOD, Output, STRONG, even_if_unread};
use crate::secrets::Secrets;
use crate::text::Text;
use crate::{Error, payload};

/// Explain why a webhook rejects a request, and how to fix it.
///
/// Reads a saved request: headers, an empty line and the body, byte for byte. Alternatively, --header and
/// --body give its parts. The secrets are used locally and sent nowhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events explain refused.http --at 1700000000
  lark-events explain --body body.json --header 'X-Lark-Signature: 5f2a…' --header …

Exit status 1: the request is rejected. With --json, `causes` names each cause.")]
pub(crate) struct ExplainArgs {
    /// The file with the request; `-` is stdin.
    #[arg(default_value = "-", conflicts_with_all = ["header", "body"])]
    file: PathBuf,
    /// A header of the request; can be repeated.
    #[arg(long, value_name = "NAME: VALUE", requires = "body")]
    header: Vec<String>,
    /// The file with the body alone; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// When the request came in, in Unix seconds; now by default.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(..LATEST))]
    at: Option<u64>,
    #[command(flatten)]
    secrets: Secrets,
}

/// The year 5138, so that milliseconds are rejected.
const LATEST: u64 = 100_000_000_000;

/// A request, and the secrets and time that it is checked with.
struct Case<'a> {
    request: &'a Request,
    key: Option<&'a str>,
    token: Option<&'a str>,
    now: SystemTime,
}

pub(crate) fn run(args: &ExplainArgs, output: Output) -> Result<ExitCode, Error> {
    let (key, token) = (args.secrets.key()?, args.secrets.token()?);
    if key.is_none() && token.is_none() {
        return Err(
            "no secret to check with: set LARK_ENCRYPT_KEY or LARK_VERIFICATION_TOKEN".into(),
        );
    }
    let request = read(args)?;
    let now = args.at.map(|at| UNIX_EPOCH + Duration::from_secs(at));
    let case = Case {
        request: &request,
        key: key.as_deref(),
        token: token.as_deref(),
        now: now.unwrap_or_else(SystemTime::now),
    };
    match case.open()? {
        Ok(opened) => {
            even_if_unread(accepted(&opened, output))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(rejection) => {
            let causes = case.causes(rejection.kind());
            even_if_unread(refused(&rejection, &causes, output))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(args: &ExplainArgs) -> Result<Request, Error> {
    let Some(body) = &args.body else {
        let text = payload::read(&args.file, "a request")?;
        return Ok(Request::parse(&text)?);
    };
    let mut request = Request {
        body: payload::read(body, "a body")?,
        ..Request::default()
    };
    for line in &args.header {
        let added = request.add(line.as_bytes());
        added.map_err(|why| format!("--header {line}: {why}"))?;
    }
    Ok(request)
}

impl Case<'_> {
    /// Opens the request as an app with these secrets would.
    fn open(&self) -> Result<Result<Opened, Rejection>, Error> {
        let now = self.now;
        let mut webhook = Webhook::builder().clock(move || now);
        if let Some(key) = self.key {
            webhook = webhook.encrypt_key(key);
        }
        if let Some(token) = self.token {
            webhook = webhook.verification_token(token);
        }
        let Request { headers, body } = self.request;
        Ok(webhook.build()?.open(headers, body.clone()))
    }

    fn causes(&self, reason: RejectionKind) -> Vec<Cause> {
        let headers = &self.request.headers;
        let mut causes = match reason {
            RejectionKind::SignatureHeaders => {
                headers::old_card(headers).map_or_else(|| headers::causes(headers), |it| vec![it])
            }
            RejectionKind::Signature => signature::causes(self),
            RejectionKind::Timestamp => clock::causes(headers, self.now),
            RejectionKind::Unsigned => document::unsigned(self),
            RejectionKind::Token => document::token(self),
            RejectionKind::Malformed => document::malformed(self),
            RejectionKind::TooLarge => vec![document::too_large()],
            // Reasons that the library may add.
            _ => Vec::new(),
        };
        let bytes = self.request.body.len();
        let length = self
            .request
            .content_length()
            .filter(|length| *length > bytes);
        causes.extend(length.map(|length| {
            Cause::new(
                "body_cut",
                format!(
                    "the body has {}, but its content-length is {length}",
                    count(bytes, "byte")
                ),
                "read the body to its end, and save all of it",
            )
        }));
        causes
    }
}

fn accepted(opened: &Opened, output: Output) -> io::Result<()> {
    let (is, header) = match opened {
        Opened::Delivery(delivery) => ("event", Some(&delivery.header)),
        _ => ("url_check", None),
    };
    if output.json {
        return output.print_json(&json!({
            "accepted": true,
            "is": is,
            "event_type": header.map(|header| &header.event_type),
            "event_id": header.map(|header| &header.event_id),
        }));
    }
    let what = match header {
        Some(header) => format!(
            "{} {}",
            header.event_type,
            header.event_id.as_deref().unwrap_or_default()
        ),
        None => "a URL check, answered with its challenge".to_owned(),
    };
    let what = format!(": {}", what.trim_end());
    output.print(Text::painted(GOOD, "accepted").then(what))
}

fn refused(rejection: &Rejection, causes: &[Cause], output: Output) -> io::Result<()> {
    let (reason, status) = (rejection.kind().as_str(), rejection.status().as_u16());
    if output.json {
        let json = json!({"accepted": false, "reason": reason, "status": status, "causes": causes});
        return output.print_json(&json);
    }
    let why = format!(": {rejection} ({reason}, answered {status})");
    output.print(Text::painted(BAD, "rejected").then(why))?;
    for Cause { name, found, fix } in causes {
        let found = Text::painted(STRONG, name).then(format!(": {found}"));
        let fix = format!("  fix: {fix}").into();
        output.print(Text::below([Text::default(), found, fix]))?;
    }
    Ok(())
}
