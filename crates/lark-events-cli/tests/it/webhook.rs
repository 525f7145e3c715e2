//! Where is posted to: what is no webhook, and URLs that mean no place.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use lark_events_sim::Platform;

use crate::serve::Serving;
use crate::{Ran, file, lark_events};

fn push(url: &str) -> Ran {
    lark_events(&[
        "push",
        "vc.reserve_config.updated_v1",
        "--json",
        "--to",
        url,
    ])
    .run()
}

/// Something on a port that is no app: takes what is sent and says `answer`.
fn odd(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 64 * 1024]);
        let _ = socket.write_all(&answer);
    });
    url
}

#[test]
fn what_speaks_before_it_is_asked_is_no_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
            let _ = socket.read_to_end(&mut Vec::new());
        }
    });
    // Before the request is written or after it.
    for _ in 0..10 {
        let ran = push(&url).with_code(1);
        assert_eq!(ran.json()["error"], "the answer is not HTTP");
    }
}

#[test]
fn what_is_no_answer_is_told_from_none() {
    let large = b"HTTP/1.1 200 OK\r\n\r\n".repeat(300_000);
    for (answer, why) in [
        (&b""[..], "the connection was closed without an answer"),
        (
            b"HTTP/1.1 200",
            "the connection was closed without an answer",
        ),
        (b"220 mail.example.com ESMTP\r\n", "the answer is not HTTP"),
        (&large, "the answer is too large"),
    ] {
        let url = odd(answer.to_owned());
        let ran = push(&url).with_code(1);
        assert_eq!(ran.json()["error"], why);
    }
}

#[test]
fn a_url_that_means_another_place_is_misuse() {
    for (url, why) in [
        ("http://127.0.0.1:65536/", "expected a port"),
        ("http://[::1]:99999/", "expected a port"),
        ("http://user:password@127.0.0.1:1/", "user information"),
    ] {
        let ran = push(url).with_code(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
}

#[test]
fn https_needs_a_certificate_that_this_machine_trusts() {
    let (platform, started) = mpsc::channel();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let started = Platform::builder().tls().start().await.unwrap();
            let url = started.base_url().to_owned();
            let pem = started.certificate_pem().unwrap().to_owned();
            platform.send((url, pem)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let (url, pem) = started.recv().unwrap();
    let pem = file("trusted.pem", pem);
    let args = ["push", "vc.reserve_config.updated_v1", "--to", &url];
    let ran = lark_events(&args)
        .env("SSL_CERT_FILE", pem.to_str().unwrap())
        .run()
        .with_code(1);
    assert!(
        ran.stdout.starts_with("not accepted: 404"),
        "it answers, and is no app: {ran:?}"
    );
    let ran = lark_events(&args).run().with_code(1);
    assert!(
        ran.stdout.starts_with("not accepted: cannot connect"),
        "{ran:?}"
    );

    let args = ["--webhook", &url];
    let trusts = [("SSL_CERT_FILE", pem.to_str().unwrap())];
    for (env, why) in [
        (&trusts[..], "status 404 Not Found"),
        (
            &[],
            "cannot connect to the webhook: invalid peer certificate: UnknownIssuer",
        ),
    ] {
        let refused = Serving::with_env(&args, env).next("webhook-refused");
        let text = format!("the webhook is not set yet: the URL check failed: {why}");
        assert_eq!(refused["text"], text);
    }
}
