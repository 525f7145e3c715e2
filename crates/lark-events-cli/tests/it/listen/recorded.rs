//! `--record`: what is in the file, and what is not.

use std::path::{Path, PathBuf};

use lark_events_layers::record::{Entry, Recording};

use super::*;
use crate::file;

/// A file that is not there yet.
fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn entries(path: &Path) -> Vec<Entry> {
    let file = BufReader::new(std::fs::File::open(path).unwrap());
    Recording::new(file).map(Result::unwrap).collect()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_recorded_without_the_secrets() {
    use std::os::unix::fs::PermissionsExt as _;
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let path = fresh("listen-record.jsonl");
    let args = ["--record", path.to_str().unwrap()];
    let listening = Listening::connected(&platform, &target.url, &args).await;
    let mut push = platform.push(event());
    assert!(push.next_attempt().await.unwrap().accepted());
    let pressed = Document::sample::<CardActionTrigger>();
    timeout(LIMIT, platform.push_callback(pressed))
        .await
        .unwrap()
        .unwrap();
    listening.is_interrupted();
    listening.ended().await;

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("marked-"), "{text}");
    let [event, callback] = &entries(&path)[..] else {
        panic!("{text}");
    };
    let delivery = event.delivery().unwrap();
    assert_eq!(delivery.header.event_id.as_deref(), Some(push.event_id()));
    assert_eq!(
        (&*event.outcome, &*event.transport),
        ("answered", "webhook")
    );
    let request = event.request.as_ref().unwrap();
    assert_eq!(request.url, target.url);
    assert!(
        request
            .body
            .as_ref()
            .unwrap()
            .starts_with(r#"{"encrypt":""#)
    );
    assert!(
        request
            .headers
            .iter()
            .any(|(name, _)| name == "x-lark-signature")
    );
    let response = callback.response.as_ref().unwrap();
    assert_eq!(response.status, 200);
    assert!(response.body.contains("toast"));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// The command, in a thread that may block.
async fn run(args: &[&str], env: &[(&str, &str)]) -> crate::Ran {
    let mut run = lark_events(args);
    for (name, value) in env {
        run = run.env(name, value);
    }
    tokio::task::spawn_blocking(move || run.run())
        .await
        .unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn explain_gives_the_reason_of_a_refusal_in_a_recording() {
    const OTHER: &str = "marked-other-key";
    let platform = platform().await;
    let dispatcher = Dispatcher::builder().fallback(|_: Event<RawJson>| std::future::ready(()));
    let service = EventService::new(webhook(OTHER), dispatcher.build().unwrap());
    let target = Target::serve(Router::new().route_service("/webhook/event", service)).await;
    let path = fresh("listen-refused.jsonl");
    let record = path.to_str().unwrap();
    let mut listening = Listening::start(&platform, &target.url, &["--record", record]);
    let unchecked = listening.next("webhook-unchecked").await;
    assert!(
        unchecked["text"].as_str().unwrap().contains("401"),
        "{unchecked}"
    );
    listening.next("connected").await;
    let mut push = platform.push_by(Mode::LongConnection, event(), []);
    assert!(!push.next_attempt().await.unwrap().accepted());
    assert_eq!(listening.next("delivery").await["code"], 401);
    listening.is_interrupted();
    listening.ended().await;

    // With the secrets of the webhook, the cause; with those of `listen`, there is none.
    let with_other = [
        ("LARK_ENCRYPT_KEY", OTHER),
        ("LARK_VERIFICATION_TOKEN", TOKEN),
    ];
    let ran = run(&["explain", record, "--json"], &with_other)
        .await
        .with_code(1);
    let refused = ran.json();
    assert_eq!(
        (
            &refused["line"],
            &refused["event_id"],
            &refused["answered"],
            &refused["reason"]
        ),
        (
            &json!(2),
            &json!(push.event_id()),
            &json!(401),
            &json!("signature")
        )
    );
    assert_eq!(refused["causes"][0]["cause"], "wrong_key", "{refused}");
    let ran = run(&["explain", record], &with_other).await.with_code(1);
    let heading = format!("line 2: {EVENT} {}, answered 401\n", push.event_id());
    assert!(ran.stdout.starts_with(&heading), "{ran:?}");
    let ran = run(&["explain", record], &SECRETS).await.with_code(0);
    assert!(
        ran.stdout.contains("accepted: ") && ran.stdout.contains("the webhook has others"),
        "{ran:?}"
    );
    let ran = run(&["explain", record, "--line", "1"], &SECRETS)
        .await
        .with_code(2);
    assert!(ran.stderr.contains("line 1 has no request"), "{ran:?}");
    // Two days later, the signature is too old.
    let late = "4000000000";
    let ran = run(&["explain", record, "--at", late, "--json"], &SECRETS)
        .await
        .with_code(1);
    assert_eq!(ran.json()["reason"], "timestamp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_serve_has_recorded_is_inspected_explained_and_replayed() {
    let script = format!(
        "wait connected\npush {EVENT}\nwait delivered\npush im.message.receive_v1\nwait delivered\nquit"
    );
    let script = file("record.txt", script);
    let script = script.to_str().unwrap();
    for (name, more, has_key) in [
        ("serve-record.jsonl", &[][..], true),
        ("serve-record-plain.jsonl", &["--no-key"], false),
        (
            "serve-record-secrets.jsonl",
            &["--no-key", "--with-secrets"],
            false,
        ),
    ] {
        let (router, mut handled) = if has_key {
            app(Duration::ZERO)
        } else {
            app_of(
                Webhook::builder()
                    .verification_token(TOKEN)
                    .build()
                    .unwrap(),
                Duration::ZERO,
            )
        };
        let target = Target::serve(router).await;
        let path = fresh(name);
        let record = path.to_str().unwrap();
        let secrets = if has_key { &SECRETS[..] } else { &SECRETS[1..] };
        let args = [
            "serve",
            "--port",
            "0",
            "--json",
            "--redeliver",
            "never",
            "--webhook",
            &target.url,
        ];
        let args = [&args[..], &["--script", script, "--record", record], more].concat();
        run(&args, secrets).await.with_code(0);
        let has_secrets = more.contains(&"--with-secrets");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.contains(TOKEN), has_secrets, "{text}");
        let entries = entries(&path);
        let answers: Vec<_> = entries
            .iter()
            .map(|entry| entry.response.as_ref().unwrap().status)
            .collect();
        assert_eq!(answers, [200; 2]);
        assert_eq!(std::iter::from_fn(|| handled.try_recv().ok()).count(), 2);

        let ran = run(&["inspect", record, "--json"], &[]).await.with_code(0);
        let inspected: Vec<Value> = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let places: Vec<_> = inspected
            .iter()
            .map(|one| (&one["line"], &one["event_type"]))
            .collect();
        assert_eq!(
            places,
            [
                (&json!(2), &json!(EVENT)),
                (&json!(3), &json!("im.message.receive_v1"))
            ]
        );
        assert_eq!(inspected[0]["rust_type"], "ReserveConfigUpdatedV1");

        let ran = run(&["explain", record], secrets).await.with_code(0);
        assert!(
            ran.stderr
                .contains("every recorded request was answered 200"),
            "{ran:?}"
        );
        let ran = run(&["explain", record, "--line", "3"], secrets).await;
        if has_key || has_secrets {
            assert!(
                ran.with_code(0)
                    .stdout
                    .contains("accepted: im.message.receive_v1 ")
            );
        } else {
            let why =
                "line 3: the body of the request is not recorded, because it is not encrypted";
            assert!(ran.with_code(1).stderr.contains(why));
        }

        run(&["replay", record, "--to", &target.url], secrets)
            .await
            .with_code(0);
        let replayed: Vec<_> = std::iter::from_fn(|| handled.try_recv().ok()).collect();
        let replayed: Vec<_> = replayed.iter().map(id).collect();
        let recorded = entries
            .iter()
            .map(|entry| entry.delivery().unwrap().header.event_id);
        let recorded: Vec<_> = recorded.map(|id| id.unwrap().to_string()).collect();
        assert_eq!(replayed, recorded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_an_answer_repeats_are_masked_without_with_secrets() {
    let echo = axum::routing::any(async |body: String| {
        let cookie = [(axum::http::header::SET_COOKIE, "session=marked-cookie")];
        // Passes the URL check.
        (cookie, body)
    });
    let target = Target::serve(Router::new().fallback(echo)).await;
    let url = format!("{}?token={TOKEN}", target.url);
    let script = format!("wait connected\npush {EVENT}\nwait delivered\nquit");
    let script = file("record-echo.txt", script);
    let script = script.to_str().unwrap();
    for with_secrets in [false, true] {
        let path = fresh(&format!("serve-record-echo-{with_secrets}.jsonl"));
        let record = path.to_str().unwrap();
        let mut args = vec![
            "serve",
            "--port",
            "0",
            "--json",
            "--redeliver",
            "never",
            "--no-key",
        ];
        args.extend(["--webhook", &url, "--script", script, "--record", record]);
        args.extend(with_secrets.then_some("--with-secrets"));
        run(&args, &SECRETS[1..]).await.with_code(0);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.contains(TOKEN), with_secrets, "{text}");
        assert_eq!(text.contains("marked-cookie"), with_secrets, "{text}");
        let [entry] = &entries(&path)[..] else {
            panic!("{text}");
        };
        assert!(entry.response.as_ref().unwrap().body.contains(EVENT));
    }
}
