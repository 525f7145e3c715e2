//! A webhook that does not answer any more, and then does again.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::{EVENT, Serving};

/// Answers a request: the challenge of a URL check, or nothing much.
fn answer(mut socket: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
    socket.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let answer = serde_json::json!({"challenge": body["challenge"]}).to_string();
    let length = answer.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all((head + &answer).as_bytes())
}

/// A webhook without an Encrypt Key, which closes connections without an answer while it is gone.
fn webhook() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            if !gone.load(Ordering::SeqCst) {
                thread::spawn(|| answer(socket));
            }
        }
    });
    (url, is_gone)
}

#[test]
fn a_webhook_that_goes_is_lost_and_comes_back() {
    let (url, is_gone) = webhook();
    let args = ["--no-key", "--webhook", &url, "-i", "--redeliver", "never"];
    let mut serving = Serving::start(&args);
    serving.next("webhook-set");
    is_gone.store(true, Ordering::SeqCst);
    serving.types(&format!("push {EVENT}"));
    let lost = serving.next("webhook-lost");
    let text = lost["text"].as_str().unwrap();
    assert!(text.starts_with("the webhook does not answer: "), "{text}");
    is_gone.store(false, Ordering::SeqCst);
    serving.types("resend 1");
    serving.next("webhook-back");
    serving.types("quit");
    serving.ended();
}
