//! `lark-events push`: one delivery as the platform makes it, encrypted and signed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clap::Args;
use http::Request;
use http::header::CONTENT_TYPE;
use lark_events::event::Schema;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{Delivery, EncryptKey, RawJson, Transport, VerificationToken};
use lark_events_sim::{ANSWER_LIMIT, APP_ID, Platform, WebhookUrl};

use crate::document::set::Set;
use crate::document::template::{Form, OLD_CARD, Template};
use crate::output::{Output, even_if_unread};
use crate::secrets::Secrets;
use crate::webhook::client::Client;
use crate::webhook::pushed::Pushed;
use crate::{Error, payload};

/// Push one event to a webhook, as the platform would: encrypted and signed if an Encrypt Key is set.
///
/// Sends the documented sample, or the event in --file. Each push sets a new id, time, app and token, and a
/// new `message_id` in messages, so that it is not a duplicate. The event is sent once; use `serve` for
/// redeliveries.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events push im.message.receive_v1 --to http://localhost:3000/webhook/event
  lark-events push vc.meeting.meeting_started_v1 --to $URL --set meeting.topic=standup
  lark-events push im.message.receive_v1 --to $URL \\
    --set message.content='\"{\\\"text\\\":\\\"hi\\\"}\"'
  lark-events push kitchen.tea.ready_v1 --to $URL --file - <<< '{\"kind\": \"green\"}'

Exit status 1: the webhook did not accept the event, with status 200 in time.")]
pub(crate) struct PushArgs {
    /// The event type, such as `im.message.receive_v1`; not needed for a --file with an envelope.
    #[arg(required_unless_present = "file")]
    event_type: Option<String>,
    /// The URL of the webhook, `http://` or `https://`.
    #[arg(long, value_name = "URL")]
    to: WebhookUrl,
    /// A file with JSON to push instead of the sample: a body, or a document with its envelope; `-`
    /// is stdin.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Set a value in the body: JSON, or otherwise a string; quote a string that would be JSON. The path of a known
    /// field is written like `meeting.owner.id` or as a JSON pointer; `+PATH=VALUE` sets any path. Can be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Set>,
    /// The id of the receiving app.
    #[arg(long, value_name = "ID", default_value = APP_ID)]
    app_id: String,
    /// The event id, instead of a new one; pushes with the same id are duplicates.
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Put the body in --file into the old envelope, schema 1.0, for an event that is not in the catalogue.
    #[arg(long, requires = "file")]
    v1: bool,
    /// Seconds to wait for the answer; the platform waits for 3.
    #[arg(long, value_name = "SECONDS", default_value_t = ANSWER_LIMIT.as_secs())]
    timeout: u64,
    #[command(flatten)]
    secrets: Secrets,
}

pub(crate) async fn run(args: PushArgs, output: Output) -> Result<ExitCode, Error> {
    let key = args.secrets.key()?;
    let template = template(&args, output)?;
    let request = match template.form {
        Form::Card(body) => old_card(body, &args)?,
        Form::Document(mut document) => {
            if let Some(id) = &args.event_id {
                document = document.event_id(id);
            }
            let token = args.secrets.token()?.unwrap_or_default();
            let mut app = Platform::builder()
                .app(&args.app_id, "")
                .verification_token(token);
            if let Some(key) = &key {
                app = app.encrypt_key(key.as_str());
            }
            app.request(document)
        }
    };
    let key = key.map(EncryptKey::new);
    let event_id = event_id(request.body(), key.as_ref());
    let signed = request.headers().contains_key(SIGNATURE_HEADER);
    let client = Client::new(args.to)?;
    let posted = client
        .send(request, Duration::from_secs(args.timeout))
        .await;
    let pushed = Pushed::new(&template.event_type, &event_id, signed, &posted);
    even_if_unread(pushed.show(&posted, output))?;
    Ok(ExitCode::from(u8::from(!pushed.accepted)))
}

/// The event to push, with the changes of the arguments.
fn template(args: &PushArgs, output: Output) -> Result<Template, Error> {
    let event_type = args.event_type.as_deref();
    let mut template = match (&args.file, event_type) {
        (Some(file), _) => {
            let json = payload::read(file, "a body")?;
            let known = event_type.and_then(crate::catalogue::find);
            let schema = match known {
                Some(known) => known.info.schema,
                None if args.v1 => Schema::V1,
                None => Schema::V2,
            };
            Template::of(json, event_type, schema)
                .map_err(|why| format!("{}: {why}", payload::name(file)))?
        }
        (None, Some(event_type)) => {
            let known = crate::catalogue::find(event_type);
            if known.is_some_and(|known| known.event.sample.is_none()) && args.set.is_empty() {
                output.note(
                    "no sample is documented: the body is empty; fill it with --file or --set",
                );
            }
            Template::sample(event_type).map_err(|unknown| {
                format!("{unknown}; for an event of your own, give its body with --file")
            })?
        }
        (None, None) => return Err("no event to push: give an event type or --file".into()),
    };
    for set in &args.set {
        let set = template.set(set).map_err(|why| format!("--set {why}"));
        template = set?;
    }
    Ok(template)
}

/// The old card callback, which is never encrypted and signed with the token.
fn old_card(body: RawJson, args: &PushArgs) -> Result<Request<Bytes>, Error> {
    if args.event_id.is_some() {
        return Err(format!("{OLD_CARD} has no event id: leave --event-id out").into());
    }
    let body = body.into_bytes();
    let mut request = Request::post("/").header(CONTENT_TYPE, "application/json; charset=utf-8");
    if let Some(token) = args.secrets.token()? {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let timestamp = now.as_secs().to_string();
        // Different each time.
        let nonce = format!("{:x}", now.as_nanos());
        let signature = VerificationToken::new(token).sign_old_card(&timestamp, &nonce, &body);
        request = request
            .header(SIGNATURE_TIMESTAMP_HEADER, timestamp)
            .header(SIGNATURE_NONCE_HEADER, nonce)
            .header(SIGNATURE_HEADER, signature);
    }
    Ok(request.body(body)?)
}

/// The id of the event in a body; empty where there is none.
pub(crate) fn event_id(body: &Bytes, key: Option<&EncryptKey>) -> String {
    let document = payload::document(body, key).unwrap_or_default();
    let delivery = Delivery::parse_unauthenticated(document, Transport::Local, UNIX_EPOCH);
    let event_id = delivery.ok().and_then(|delivery| delivery.header.event_id);
    event_id.unwrap_or_default()
}
