//! `lark-events inspect`: how a payload decodes for a handler, and which of its fields the type
//! does not have.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use bytes::Bytes;
use clap::Args;
use lark_events::{Delivery, EncryptKey, EventHeader, EventType as _, RawJson, Transport};
use lark_events_types::im::MessageReceiveV1;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::catalogue;
use crate::json_text::{Layout, lay_out};
use crate::output::Output;
use crate::payload::{self, Unopened};
use crate::secrets::{ENCRYPT_KEY, Secret, given};
use crate::text::Text;

/// Show how an event decodes into its Rust type, and which fields the type does not have.
///
/// Reads one payload as the platform posts it: an event or callback in its envelope, or encrypted,
/// which needs the Encrypt Key. Does not check the signature or the token.
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
    event_type: &'a str,
    rust_type: Option<&'a str>,
    #[serde(rename = "crate")]
    crate_name: Option<&'a str>,
    event: RawJson,
    unread: Vec<String>,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<ExitCode, Error> {
    let payload = payload::read(&args.file, "a payload")?;
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
    let delivery = match parse(document) {
        Ok(delivery) => delivery,
        Err(_) if payload.starts_with(BYTE_ORDER_MARK) => {
            output.note("the payload begins with a byte order mark, which JSON does not allow");
            return Ok(ExitCode::FAILURE);
        }
        Err(why) => {
            output.note(format_args!("the payload is not an event: {why}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let event_type = &delivery.header.event_type;
    let known = catalogue::find(event_type);
    let (event, unread) = match known.map(|known| known.event.decode(&delivery.raw)) {
        Some(Ok(mut typed)) => {
            typed.unread.extend(unread_content(&delivery));
            (typed.json, typed.unread)
        }
        None => (delivery.raw, Vec::new()),
        Some(Err(_)) if !delivery.raw.as_str().starts_with('{') => {
            output.note(format_args!(
                "the body does not fit {event_type}: expected an object"
            ));
            return Ok(ExitCode::FAILURE);
        }
        Some(Err(why)) => {
            output.note(format_args!("the body does not fit {event_type}: {why}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let inspected = serde_json::to_string(&Inspected {
        event_type,
        rust_type: known.map(|known| known.name),
        crate_name: known.map(|known| known.domain.crate_name),
        event,
        unread,
    })?;
    let layout = if output.json {
        Layout::Compact
    } else {
        Layout::Pretty
    };
    output.print(Text::lines(lay_out(&inspected, layout)))?;
    Ok(ExitCode::SUCCESS)
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
