//! The commands, run by bash against apps.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::{env, fs, thread};

use axum::Router;
use clap::Parser as _;
use lark_events::webhook::WebhookBuilder;
use lark_events::{Dispatcher, Event, RawJson, Webhook};
use lark_events_sim::{APP_ID, Platform, VERIFICATION_TOKEN};
use lark_events_test_servers::skipped;
use lark_events_tower::EventService;

use super::*;
use crate::serve::compose::Composed;

const KEY: &str = "marked-$(key)'`\"";
const TOKEN: &str = "marked-t\\o\"k'en";
/// Everything that a shell or a terminal may act on.
const ODD: &str = "'\\''\"$(touch x)`touch x`$HOME \\!! !x\n#\u{1b}[31m\u{202e}% 消息\nEOF\n";
const MESSAGE: &str = "im.message.receive_v1";

/// Runs a script in a directory of its own; says that it is skipped and returns `None` where a program is missing.
fn run(script: &str, directory: &Path) -> Option<Output> {
    for program in ["bash", "curl", "sha256sum", "sha1sum", "od"] {
        if Command::new(program).arg("--version").output().is_err() {
            skipped(format_args!("commands of bash, which need {program}"));
            return None;
        }
    }
    let mut command = Command::new("bash");
    command.args(["-euc", script]).current_dir(directory);
    command.env("LARK_ENCRYPT_KEY", KEY);
    command.env("LARK_VERIFICATION_TOKEN", TOKEN);
    Some(command.env("no_proxy", "*").output().unwrap())
}

fn directory(name: &str) -> PathBuf {
    let directory = env::temp_dir().join(format!("lark-events-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Serves an app in a thread of its own, and returns its URL and its events.
fn app(webhook: WebhookBuilder, is_old_card: bool) -> (String, mpsc::Receiver<Event<RawJson>>) {
    let (sender, handled) = mpsc::channel();
    let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
        sender.send(event).unwrap();
        std::future::ready(())
    });
    let dispatcher = dispatcher.build().unwrap();
    let router = Router::new();
    let router = match is_old_card {
        true => {
            let webhook = webhook.build_old_card().unwrap();
            router.fallback_service(EventService::new(webhook, dispatcher))
        }
        false => {
            let webhook = webhook.build().unwrap();
            router.fallback_service(EventService::new(webhook, dispatcher))
        }
    };
    let (address, served) = mpsc::channel();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    let url = format!("http://{}/a?b=[1-2]&c={{d,e}}", served.recv().unwrap());
    (url, handled)
}

/// The document of a message, or of another event, with text that a shell would act on.
fn document(event_type: &str, path: &str, key: Option<&str>) -> (String, String) {
    let odd = RawJson::encode(&ODD).unwrap();
    let composed = Composed {
        event_type,
        sets: &[format!("+{path}={odd}")],
        event_id: (event_type != OLD_CARD).then_some("e-1"),
        ..Composed::default()
    };
    let document = composed.read().unwrap().document;
    let app = Platform::builder().verification_token(TOKEN);
    let plain = app.request(document.clone()).into_body();
    let sent = match key {
        Some(key) => app.encrypt_key(key).request(document).into_body(),
        None => plain.clone(),
    };
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    (text(plain), text(sent))
}

fn odd_of(event: &Event<RawJson>, pointer: &str) -> serde_json::Value {
    let body: serde_json::Value = event.raw().decode().unwrap();
    body.pointer(pointer).unwrap().clone()
}

#[test]
fn curl_is_accepted_with_a_key_and_without_and_for_the_old_card() {
    for (name, event_type, path, key) in [
        ("key", MESSAGE, "message.content", Some(KEY)),
        ("plain", MESSAGE, "message.content", None),
        ("v1", "message", "text", None),
        ("card", OLD_CARD, "action.tag", None),
    ] {
        let is_old_card = event_type == OLD_CARD;
        let mut webhook = Webhook::builder().verification_token(TOKEN);
        if let Some(key) = key {
            webhook = webhook.encrypt_key(key);
        }
        let (url, handled) = app(webhook, is_old_card);
        let (plain, sent) = document(event_type, path, key);
        let pushed = Pushed {
            event_type,
            event_id: "e-1",
            document: &plain,
            url: Some(&url),
            encrypted: key.map(|_| sent.as_str()),
        };
        let curl = pushed.commands().curl.unwrap();
        assert!(
            !curl.contains("marked-") && !curl.contains('\u{1b}'),
            "{curl}"
        );
        let directory = directory(name);
        let Some(output) = run(&curl, &directory) else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        // The app has no reply to a card.
        let expected = if is_old_card {
            "HTTP/1.1 500"
        } else {
            "HTTP/1.1 200"
        };
        assert!(text.starts_with(expected), "{curl}\n{output:?}");
        let event = handled.try_recv().unwrap();
        let pointer = format!("/{}", path.replace('.', "/"));
        assert_eq!(odd_of(&event, &pointer), ODD, "{name}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "{name}");
        fs::remove_dir_all(directory).unwrap();
    }
}

#[test]
fn nothing_is_sent_without_the_secrets() {
    let (plain, sent) = document(MESSAGE, "message.content", Some(KEY));
    let (card, _) = document(OLD_CARD, "action.tag", None);
    let (both, token) = (
        &["LARK_ENCRYPT_KEY", "LARK_VERIFICATION_TOKEN"][..],
        &["LARK_VERIFICATION_TOKEN"][..],
    );
    // The variables that a command needs.
    for (event_type, document, encrypted, by_push, by_curl) in [
        (MESSAGE, &plain, Some(&*sent), both, &both[..1]),
        (MESSAGE, &plain, None, token, token),
        (OLD_CARD, &card, None, token, token),
    ] {
        let pushed = Pushed {
            event_type,
            event_id: "e-1",
            document,
            url: Some("http://127.0.0.1:1/"),
            encrypted,
        };
        let Commands { push, curl } = pushed.commands();
        for (command, needed) in [(push, by_push), (curl, by_curl)] {
            for variable in needed {
                let doubles = "curl() { echo sent; }\nlark-events() { echo sent; }\n";
                let command = command.as_ref().unwrap();
                let script = format!("{doubles}unset {variable}\n{command}");
                let Some(output) = run(&script, Path::new("/")) else {
                    return;
                };
                assert!(!output.status.success());
                assert_eq!(output.stdout, b"", "{output:?}");
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(error.contains(variable), "{error}");
            }
        }
    }
}

#[test]
fn a_document_with_an_empty_token_needs_none() {
    let composed = Composed {
        event_type: MESSAGE,
        ..Composed::default()
    };
    let app = Platform::builder().verification_token("");
    let plain = app.request(composed.read().unwrap().document).into_body();
    let pushed = Pushed {
        event_type: MESSAGE,
        event_id: "",
        document: std::str::from_utf8(&plain).unwrap(),
        url: Some("http://127.0.0.1:1/"),
        encrypted: None,
    };
    let push = pushed.commands().push.unwrap();
    assert!(
        push.starts_with("(\nLARK_ENCRYPT_KEY= lark-events"),
        "{push}"
    );
}

/// The arguments and the stdin that a shell passes to `lark-events`.
fn passed(script: &str, directory: &Path) -> Option<(Vec<String>, PathBuf)> {
    let double = "lark-events() { printf '%s\\0' lark-events \"$@\" >args; cat >stdin; }\n";
    let output = run(&(double.to_owned() + script), directory)?;
    assert!(output.status.success(), "{script}\n{output:?}");
    let args = fs::read_to_string(directory.join("args")).unwrap();
    let args = args.split_terminator('\0').map(str::to_owned).collect();
    Some((args, directory.join("stdin")))
}

#[tokio::test]
async fn push_is_accepted_as_the_same_event() {
    for (name, event_type, path, app_id, key) in [
        ("push", MESSAGE, "message.content", APP_ID, Some(KEY)),
        ("push-id", MESSAGE, "message.message_id", "cli_1", Some(KEY)),
        ("push-v1", "message", "text", APP_ID, Some(KEY)),
        ("push-plain", MESSAGE, "message.content", APP_ID, None),
        ("push-card", OLD_CARD, "action.tag", APP_ID, None),
    ] {
        let is_old_card = event_type == OLD_CARD;
        let mut webhook = Webhook::builder().verification_token(TOKEN);
        if let Some(key) = key {
            webhook = webhook.encrypt_key(key);
        }
        let (url, handled) = app(webhook, is_old_card);
        let (plain, sent) = document(event_type, path, key);
        let plain = plain.replace(APP_ID, app_id);
        let pushed = Pushed {
            event_type,
            event_id: if is_old_card { "" } else { "e-1" },
            document: &plain,
            url: Some(&url),
            encrypted: key.map(|_| sent.as_str()),
        };
        let command = pushed.commands().push.unwrap();
        assert!(
            !command.contains("marked-") && !command.contains('\u{1b}'),
            "{command}"
        );
        let directory = directory(name);
        let Some((mut args, stdin)) = passed(&command, &directory) else {
            return;
        };
        for arg in &mut args {
            if arg == "-" {
                *arg = stdin.to_str().unwrap().to_owned();
            }
        }
        args.extend(["--token", TOKEN].map(str::to_owned));
        // The environment of the shell, which has a key in each case.
        let has_no_key = command.contains("\nLARK_ENCRYPT_KEY= lark-events push");
        if !is_old_card && !has_no_key {
            args.extend(["--key", KEY].map(str::to_owned));
        }
        let cli = crate::Cli::try_parse_from(&args).unwrap();
        let crate::Command::Push(push) = cli.command else {
            panic!("{args:?}")
        };
        crate::push::run(push, cli.output).await.unwrap();
        let event = handled.try_recv().unwrap();
        let pointer = format!("/{}", path.replace('.', "/"));
        assert_eq!(odd_of(&event, &pointer), ODD, "{name}");
        if !is_old_card {
            assert_eq!(event.header.event_id.as_deref(), Some("e-1"));
            assert_eq!(event.header.app_id.as_deref(), Some(app_id));
            assert_eq!(event.header.event_type, event_type);
        }
        let mut files: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["args", "stdin"], "{name}");
        fs::remove_dir_all(directory).unwrap();
    }
}

#[test]
fn a_key_that_comes_from_the_event_id_is_not_set() {
    let composed = Composed {
        event_type: MESSAGE,
        event_id: Some("e-1"),
        ..Composed::default()
    };
    let app = Platform::builder().verification_token(VERIFICATION_TOKEN);
    let plain = app.request(composed.read().unwrap().document).into_body();
    let plain = std::str::from_utf8(&plain).unwrap();
    let pushed = Pushed {
        event_type: MESSAGE,
        event_id: "e-1",
        document: plain,
        url: None,
        encrypted: None,
    };
    let commands = pushed.commands();
    let push = commands.push.unwrap();
    assert!(
        !push.contains("--set") && !push.contains("\"token\""),
        "{push}"
    );
    let head = "(\n: \"${LARK_VERIFICATION_TOKEN:?}\"\nlark-events push im.message.receive_v1 \\\n  --to \"${WEBHOOK_URL:?expected the \
                URL of a webhook}\" \\\n  --event-id e-1 \\\n  --file - <<'EOF'\n{\n";
    assert!(push.starts_with(head), "{push}");
    assert!(push.ends_with("\n}\nEOF\n)\n"), "{push}");
    assert_eq!(commands.curl, None);
    let other = Pushed {
        event_id: "e-2",
        ..pushed
    };
    let push = other.commands().push.unwrap();
    assert!(
        push.contains("--set '/message/message_id=\"om_e-1\"'"),
        "{push}"
    );
}

#[test]
fn a_document_without_an_envelope_has_no_push_command() {
    let pushed = Pushed {
        event_type: "",
        event_id: "",
        document: r#"{"a": 1}"#,
        url: Some("http://localhost/"),
        encrypted: None,
    };
    let commands = pushed.commands();
    assert_eq!(commands.push, None);
    assert!(commands.curl.unwrap().contains(r#"body='{"a":1}'"#));
}
