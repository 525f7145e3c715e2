//! The pages as HTML: what is read without a script.

use serde_json::json;

use super::http::request;
use super::{Console, EVENT};

#[test]
fn every_page_is_a_document_with_landmarks_and_nothing_inline() {
    let console = Console::start(&[]);
    console.push_sample();
    for path in [
        "/",
        "/deliveries/1",
        "/compose",
        "/compose?type=im.message.receive_v1",
        "/compose?from=1",
        "/connections",
        "/faults",
        "/calls",
        "/no/such/page",
    ] {
        let answer = console.get(path);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let html = answer.body;
        for part in [
            "<html lang=\"en\">",
            "<title>",
            "<header>",
            "<nav",
            "<main",
            "<h1>",
            "href=\"#main\"",
        ] {
            assert!(html.contains(part), "{path}: {part}");
        }
        for inline in ["<style", " style=", "<script>", " onclick=", "javascript:"] {
            assert!(!html.contains(inline), "{path}: {inline}");
        }
        assert_eq!(html.matches("<script").count(), 1);
    }
    for (path, content_type) in [
        ("/assets/console.css", "text/css; charset=utf-8"),
        ("/assets/console.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let answer = console.get(path);
        assert_eq!(answer.header("content-type"), Some(content_type));
    }
    let head = request(&console.host, "HEAD", "/", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn a_payload_of_html_is_text() {
    let console = Console::start(&[]);
    let html = "<img src=x onerror=alert(1)>";
    let body = json!({"message": {"chat_id": html}});
    console.push(&json!({"type": EVENT, "body": body, "event_id": html}));
    for path in [
        "/",
        "/deliveries/1",
        "/compose?from=1",
        "/?type=%3Cimg%20src%3Dx%3E",
    ] {
        let page = console.get(path).body;
        assert!(page.contains("&lt;img src=x"), "{path}");
        assert!(!page.contains("<img"), "{path}");
    }
}

#[test]
fn filters_work_without_a_script_and_say_how_much_they_hide() {
    let console = Console::start(&["--redeliver", "never"]);
    for event_type in [EVENT, EVENT, "im.chat.disbanded_v1"] {
        let number = console.push(&json!({"type": event_type}));
        console.ended(number);
    }
    for (query, rows, counts) in [
        ("", 3, "3 of 3 shown"),
        ("?type=&progress=&transport=", 3, "3 of 3 shown"),
        ("?type=Chat", 1, "1 of 3 shown; 2 hidden by the filter"),
        (
            "?progress=given-up",
            3,
            "3 of 3 shown; 0 hidden by the filter",
        ),
        (
            "?progress=acknowledged",
            0,
            "0 of 3 shown; 3 hidden by the filter",
        ),
        (
            "?transport=webhook",
            0,
            "0 of 3 shown; 3 hidden by the filter",
        ),
        ("?faults=on", 0, "0 of 3 shown; 3 hidden by the filter"),
        ("?before=3", 2, "2 of 3 shown; 1 on other pages"),
    ] {
        let page = console.get(&format!("/{query}")).body;
        assert_eq!(page.matches("<tr id=").count(), rows, "{query}");
        assert!(page.contains(&format!(">{counts}<")), "{query}: {page}");
    }
    let answer = console.get("/?progress=tea");
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("pending, acknowledged and given-up"));
}

#[test]
fn a_composer_has_the_sample_and_a_search_in_two_languages() {
    let console = Console::start(&[]);
    for search in ["receive_v1", "%E6%8E%A5%E6%94%B6%E6%B6%88%E6%81%AF"] {
        let page = console.get(&format!("/compose?search={search}")).body;
        assert!(
            page.contains("/compose?type=im.message.receive_v1"),
            "{search}"
        );
    }
    let page = console.get("/compose?type=im.message.receive_v1").body;
    assert!(page.contains("&quot;event_type&quot;: &quot;im.message.receive_v1&quot;"));
    let answer = console.get("/compose?type=im.message.recieve_v1");
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("similar: im.message.receive_v1"));
}

#[test]
fn a_long_body_is_cut_in_a_page_and_whole_in_json() {
    let console = Console::start(&[]);
    let long = "x".repeat(100 * 1024);
    console.push(&json!({"type": EVENT, "body": {"message": {"chat_id": long}}}));
    let page = console.get("/deliveries/1").body;
    assert!(page.contains("Cut after 64 KiB of "), "{}", page.len());
    let document = &console.json("/api/deliveries/1")["document"];
    assert_eq!(document["event"]["message"]["chat_id"], long);
}
