//! `lark-events inspect`: how a payload decodes for a handler, and which of its fields the type
//! does not have.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use bytes::Bytes;
use clap::Args;
use lark_events::{Delivery, EncryptKey, EventHeader, EventType as _, RawJson, Transport};
use lark_events_layers::record::{ReadErrorKind, Recording};
use lark_events_types::im::MessageReceiveV1;
use serde::{Deserialize, Serialize};

use crate::output::Output;
use crate::payload::{self, Source, Unopened};
use crate::secrets::{ENCRYPT_KEY, Secret, given};
use crate::text::Text;
use crate::{Error, catalogue, recording};
use lark_events_pages::{Layout, lay_out};

/// Show how an event decodes into its Rust type, and which fields the type does not have.
///
/// Reads one payload as the platform posts it: an event or callback in its envelope, or encrypted,
/// which needs the Encrypt Key. Does not check the signature or the token.
///
/// Also reads a recording that `serve --record`, `listen --record` or a `RecordLayer` wrote: prints each event,
/// with the number of its `line`.
///
/// Prints one JSON value: `event_type`, `rust_type`, `crate`, `event` (the decoded event, as JSON
/// again) and `unread` (JSON pointers to fields that the type does not have; below
/// `/message/content` they point into the JSON in that string). For an event that is not in the
/// catalogue, `rust_type` and `crate` are null, and `event` is the raw body.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events inspect < event.json
  lark-events inspect --json < event.json | jq .unread
  lark-events inspect --json events.jsonl | jq 'select(.unread != [])'

Exit status 1: the payload is not an event, or does not decrypt with the key.")]
pub(crate) struct InspectArgs {
    /// The file to read; `-` is stdin.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    #[arg(
        long,
        value_name = "ENCRYPT_KEY",
        help = "The Encrypt Key of an encrypted payload [env: LARK_ENCRYPT_KEY, hidden from other \
            users]"
    )]
    key: Option<Secret>,
}

/// Some editors write it at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Scripts rely on the members and their order.
#[derive(Serialize)]
struct Inspected<'a> {
    /// In a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    event_type: &'a str,
    rust_type: Option<&'a str>,
    #[serde(rename = "crate")]
    crate_name: Option<&'a str>,
    event: RawJson,
    unread: Vec<String>,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<ExitCode, Error> {
    const WHAT: &str = "a payload";
    let (is_recording, source) = recording::is_recording(payload::open(&args.file, WHAT)?)?;
    if is_recording {
        return inspect_all(args, source, output);
    }
    let payload = payload::read_all(source, &args.file, WHAT)?;
    let key = given(args.key.as_ref(), "--key", ENCRYPT_KEY)?.map(EncryptKey::new);
    let document = match payload::document(&payload, key.as_ref()) {
        Ok(document) => document,
        Err(Unopened::NoKey) => {
            return Err("the payload is encrypted: set LARK_ENCRYPT_KEY".into());
        }
        Err(Unopened::WrongKey) => {
            output.note("the payload does not decrypt with this Encrypt Key");
            return Ok(ExitCode::FAILURE);
        }
    };
    match inspect(document, None) {
        Ok(inspected) => {
            show(&inspected, output)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(_) if payload.starts_with(BYTE_ORDER_MARK) => {
            output.note("the payload begins with a byte order mark, which JSON does not allow");
            Ok(ExitCode::FAILURE)
        }
        Err(why) => {
            output.note(Text::line(why));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Inspects each event of a recording.
fn inspect_all(args: &InspectArgs, source: Source, output: Output) -> Result<ExitCode, Error> {
    let name = payload::name(&args.file);
    let mut is_good = true;
    let mut entries = Recording::new(source);
    while let Some(entry) = entries.next() {
        let line = entries.line();
        let inspected = match entry {
            Ok(entry) => {
                let document = entry.document.ok_or("the entry has no document".to_owned());
                let inspected = document.and_then(|json| inspect(json.into_bytes(), Some(line)));
                inspected.map_err(|why| format!("line {line}: {why}"))
            }
            Err(error) => match error.kind() {
                ReadErrorKind::Cut | ReadErrorKind::Invalid | ReadErrorKind::TooLong => {
                    Err(error.to_string())
                }
                _ => return Err(recording::failed(&name, &error).into()),
            },
        };
        match inspected {
            Ok(inspected) => show(&inspected, output)?,
            Err(why) => {
                output.note(Text::line(format_args!("{name}: {why}")));
                is_good = false;
            }
        }
    }
    Ok(ExitCode::from(u8::from(!is_good)))
}

fn show(inspected: &str, output: Output) -> std::io::Result<()> {
    let layout = if output.json {
        Layout::Compact
    } else {
        Layout::Pretty
    };
    output.print(Text::lines(lay_out(inspected, layout)))
}

/// An event as JSON; the error is why it is none.
fn inspect(document: Bytes, line: Option<u64>) -> Result<String, String> {
    let delivery = parse(document).map_err(|why| format!("the payload is not an event: {why}"))?;
    let event_type = &delivery.header.event_type;
    let known = catalogue::find(event_type);
    let (event, unread) = match known.map(|known| known.event.decode(&delivery.raw)) {
        Some(Ok(mut typed)) => {
            typed.unread.extend(unread_content(&delivery));
            (typed.json, typed.unread)
        }
        None => (delivery.raw.clone(), Vec::new()),
        Some(Err(_)) if !delivery.raw.as_str().starts_with('{') => {
            return Err(format!(
                "the body does not fit {event_type}: expected an object"
            ));
        }
        Some(Err(why)) => return Err(format!("the body does not fit {event_type}: {why}")),
    };
    let inspected = Inspected {
        line,
        event_type,
        rust_type: known.map(|known| known.name),
        crate_name: known.map(|known| known.domain.crate_name),
        event,
        unread,
    };
    serde_json::to_string(&inspected).map_err(|error| error.to_string())
}

/// Fields of a message's content, JSON in a string of the event, that the content's type does not have.
fn unread_content(delivery: &Delivery) -> Vec<String> {
    if delivery.header.event_type != MessageReceiveV1::EVENT_TYPE {
        return Vec::new();
    }
    let body = delivery.raw.decode_leniently::<MessageReceiveV1>();
    let message = body.ok().and_then(|body| body.message);
    let paths = message.map(|message| message.unread_content());
    let paths = paths.into_iter().flatten();
    paths
        .map(|path| format!("/message/content{path}"))
        .collect()
}

/// The event of a document; an old card callback has no envelope and is recognised by its members.
fn parse(document: Bytes) -> Result<Delivery, lark_events::DecodeError> {
    #[derive(Deserialize)]
    struct OldCard {
        #[serde(rename = "open_message_id")]
        _message: serde::de::IgnoredAny,
        #[serde(rename = "action")]
        _action: serde::de::IgnoredAny,
    }
    let parsed =
        Delivery::parse_unauthenticated(document.clone(), Transport::Local, SystemTime::now());
    match parsed {
        Err(_) if serde_json::from_slice::<OldCard>(&document).is_ok() => {
            let header = EventHeader::new("card.action.trigger_v1");
            Ok(Delivery::new(header, RawJson::parse(document)?))
        }
        parsed => parsed,
    }
}
