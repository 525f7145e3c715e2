//! `lark-events explain`: why a webhook rejects a request, and how to fix it.

mod cause;
mod clock;
mod document;
mod headers;
mod recorded;
mod request;
mod signature;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, value_parser};
use lark_events::error::{Rejection, RejectionKind};
use lark_events::{Opened, Webhook};

use self::cause::Cause;
use self::request::Request;
use self::verdict::Verdict;
use crate::figures::count;
use crate::output::{Output, even_if_unread};
use crate::payload::Source;
use crate::recording::is_recording;
use crate::secrets::Secrets;
use crate::{Error, payload};

/// Explain why a webhook rejects a request, and how to fix it.
///
/// Reads a saved request: headers, an empty line and the body, byte for byte. Alternatively, --header and
/// --body give its parts. The secrets are used locally and sent nowhere.
///
/// Of a recording that `serve --record` or `listen --record` wrote, explains each request that was not answered
/// with 200, with the clock at the time of the request.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events explain refused.http --at 1700000000
  lark-events explain --body body.json --header 'X-Lark-Signature: 5f2a…' --header …
  lark-events explain events.jsonl --line 12

Exit status 1: a request is rejected. With --json, `causes` names each cause.")]
pub(crate) struct ExplainArgs {
    /// The file with the request, or a recording; `-` is stdin.
    #[arg(default_value = "-", conflicts_with_all = ["header", "body"])]
    file: PathBuf,
    /// A header of the request; can be repeated.
    #[arg(long, value_name = "NAME: VALUE", requires = "body")]
    header: Vec<String>,
    /// The file with the body alone; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Explain only the request in this line of the recording, whatever its answer was.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["header", "body"])]
    line: Option<u64>,
    /// The time of the request in Unix seconds; by default, the recorded time, or now.
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
    let at = args.at.map(|at| UNIX_EPOCH + Duration::from_secs(at));
    let request = match read(args)? {
        Read::Request(request) => request,
        Read::Recording(source) => {
            return recorded::explain(args, source, key.as_deref(), token.as_deref(), output);
        }
    };
    let case = Case {
        request: &request,
        key: key.as_deref(),
        token: token.as_deref(),
        now: at.unwrap_or_else(SystemTime::now),
    };
    let verdict = case.verdict()?;
    let shown = match output.json {
        true => output.print_json(&verdict.json()),
        false => output.print(verdict.text()),
    };
    even_if_unread(shown)?;
    Ok(ExitCode::from(u8::from(!verdict.is_accepted())))
}

enum Read {
    Request(Request),
    Recording(Source),
}

fn read(args: &ExplainArgs) -> Result<Read, Error> {
    const WHAT: &str = "a request";
    let Some(body) = &args.body else {
        let (is_recording, source) = is_recording(payload::open(&args.file, WHAT)?)?;
        if is_recording {
            return Ok(Read::Recording(source));
        }
        if args.line.is_some() {
            return Err(
                "--line is for recordings: expected one as `serve --record` writes it".into(),
            );
        }
        let text = payload::read_all(source, &args.file, WHAT)?;
        return Ok(Read::Request(Request::parse(&text)?));
    };
    let mut request = Request {
        body: payload::read(body, "a body")?,
        ..Request::default()
    };
    for line in &args.header {
        let added = request.add(line.as_bytes());
        added.map_err(|why| format!("--header {line}: {why}"))?;
    }
    Ok(Read::Request(request))
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

    fn verdict(&self) -> Result<Verdict, Error> {
        Ok(match self.open()? {
            Ok(opened) => Verdict::Accepted(opened),
            Err(rejection) => {
                let causes = self.causes(rejection.kind());
                Verdict::Rejected(rejection, causes)
            }
        })
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
