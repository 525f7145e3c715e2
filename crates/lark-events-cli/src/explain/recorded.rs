//! The requests of a recording: why the webhook did not accept them.

use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use lark_events_layers::record::{Entry, ReadErrorKind, RecordedRequest, Recording};
use serde_json::{Map, Value, json};

use super::request::Request;
use super::{Case, ExplainArgs};
use crate::figures::count;
use crate::output::{FAINT, Output, STRONG, even_if_unread};
use crate::payload::{self, Source};
use crate::text::Text;
use crate::{Error, recording};

/// Explains each request that was not answered 200, or the one in the line that the arguments name.
pub(super) fn explain(
    args: &ExplainArgs,
    source: Source,
    key: Option<&str>,
    token: Option<&str>,
    output: Output,
) -> Result<ExitCode, Error> {
    let name = payload::name(&args.file);
    let (mut is_good, mut explained, mut without, mut accepted) = (true, 0, 0, 0);
    let last = args.line.unwrap_or(u64::MAX);
    let mut entries = Recording::new(source);
    while entries.line() < last
        && let Some(entry) = entries.next()
    {
        let line = entries.line();
        let is_other = args.line.is_some_and(|wanted| wanted != line);
        let entry = match entry {
            Ok(_) if is_other => continue,
            Ok(entry) => entry,
            Err(error) => match error.kind() {
                ReadErrorKind::Cut | ReadErrorKind::Invalid | ReadErrorKind::TooLong => {
                    if is_other {
                        continue;
                    }
                    output.note(format_args!("{name}: {error}"));
                    (is_good, explained) = (false, explained + 1);
                    continue;
                }
                _ => return Err(recording::failed(&name, &error).into()),
            },
        };
        let status = entry.response.as_ref().map(|response| response.status);
        let Some(recorded) = &entry.request else {
            without += 1;
            continue;
        };
        if args.line.is_none() && status == Some(200) {
            accepted += 1;
            continue;
        }
        explained += 1;
        let request = match request(recorded) {
            Ok(request) => request,
            Err(why) => {
                output.note(format_args!("{name}: line {line}: {why}"));
                is_good = false;
                continue;
            }
        };
        let at = args.at.map(|at| UNIX_EPOCH + Duration::from_secs(at));
        let case = Case {
            request: &request,
            key,
            token,
            now: at.unwrap_or_else(|| entry.time()),
        };
        let verdict = case.verdict()?;
        is_good &= verdict.is_accepted();
        let shown = if output.json {
            let mut json = header(&entry, line, status);
            json.extend(verdict.json());
            output.print_json(&json)
        } else {
            let mut lines = vec![heading(&entry, line, status), verdict.text()];
            let why = match status {
                Some(401 | 403) => {
                    "the request is valid with these secrets: the webhook has others, or rejects it itself"
                }
                _ => {
                    "the request is valid with these secrets: the webhook answers so for another reason"
                }
            };
            if verdict.is_accepted() && status.is_some_and(|status| status != 200) {
                lines.push(Text::painted(FAINT, why));
            }
            output.print(Text::below(lines.into_iter().chain([Text::default()])))
        };
        even_if_unread(shown)?;
    }
    if explained == 0 {
        let why = match args.line {
            Some(line) => Err(format!(
                "{name}: line {line} has no request: expected the number of a line that `serve --record` or \
                `listen --record` wrote for a webhook"
            )),
            None if without > 0 && accepted == 0 => Ok(format!(
                "{} had no request: expected a recording that `serve --record` or `listen --record` wrote",
                count(without, "line")
            )),
            None if without > 0 => Ok(format!(
                "every recorded request was answered 200; {} had no request",
                count(without, "line")
            )),
            None => Ok("every recorded request was answered 200".to_owned()),
        };
        output.note(why?);
    }
    Ok(ExitCode::from(u8::from(!is_good)))
}

/// The parts that are checked.
fn request(recorded: &RecordedRequest) -> Result<Request, String> {
    let body = recorded.body.clone().ok_or(
        "the body of the request is not recorded, because it is not encrypted: record with --with-secrets",
    )?;
    let mut request = Request {
        body: Bytes::from(body),
        ..Request::default()
    };
    for (name, value) in &recorded.headers {
        let line = format!("{name}: {value}");
        let added = request.add(line.as_bytes());
        added.map_err(|why| format!("the header {name}: {why}"))?;
    }
    Ok(request)
}

/// The type and id of the event; empty if the document is not one.
fn event(entry: &Entry) -> (String, String) {
    let header = entry.delivery().ok().map(|delivery| delivery.header);
    header.map_or_else(Default::default, |header| {
        let id = header.event_id.as_deref().unwrap_or_default();
        (header.event_type.to_string(), id.to_owned())
    })
}

fn header(entry: &Entry, line: u64, status: Option<u16>) -> Map<String, Value> {
    let (event_type, event_id) = event(entry);
    let json = json!({
        "line": line, "event_type": event_type, "event_id": event_id, "answered": status,
        "error": entry.error,
    });
    match json {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `line 12: im.message.receive_v1 6f0d…, answered 401 {"msg":"…"}`
fn heading(entry: &Entry, line: u64, status: Option<u16>) -> Text {
    const MAX_CHARS: usize = 200;
    let (event_type, event_id) = event(entry);
    let mut what = format!(": {event_type} {event_id}");
    what.truncate(what.trim_end().len());
    match (status, &entry.response, &entry.error) {
        (Some(status), Some(response), _) => {
            let body: String = response.body.trim().chars().take(MAX_CHARS).collect();
            what += &format!(", answered {status} {body}");
        }
        (_, _, Some(error)) => what += &format!(", not answered: {error}"),
        _ => what += ", not answered",
    }
    Text::painted(STRONG, format_args!("line {line}")).then(Text::line(what.trim_end()))
}
