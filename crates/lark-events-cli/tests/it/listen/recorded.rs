//! `--record`: what is in the file, and what is not.

use std::path::{Path, PathBuf};

use lark_events_layers::record::{Entry, Recording};

use super::*;

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

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_recorded_without_the_secrets() {
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let path = fresh("listen-record.jsonl");
    let args = ["--record", path.to_str().unwrap(), "--for", "4s"];
    let listening = Listening::connected(&platform, &target.url, &args).await;
    let mut push = platform.push(event());
    assert!(push.next_attempt().await.unwrap().accepted());
    let pressed = Document::sample::<CardActionTrigger>();
    timeout(LIMIT, platform.push_callback(pressed))
        .await
        .unwrap()
        .unwrap();
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
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
