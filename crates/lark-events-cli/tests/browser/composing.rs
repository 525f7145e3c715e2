//! A push by form: found, edited, sent with a fault, and seen; and mistakes, after which nothing is sent.

use lark_events_test_servers::View;
use serde_json::Value;

use crate::MESSAGE;
use crate::app::App;
use crate::console::Console;
use crate::page::{all_text, assert_calm, open, press_button, wait_for_rows, wait_for_text};
use crate::serving::LIMIT;

#[tokio::test]
async fn a_push_by_form_is_seen_with_both_attempts_after_a_lost_answer() {
    let (app, handled) = App::deduplicating();
    let args = [
        "--webhook",
        &app.url,
        "--timeout",
        "2s",
        "--redeliver",
        "1ms",
    ];
    let mut console = Console::start(&args);
    console.serving.next("webhook-set");
    let what = "a push by form";
    let Some(tab) = open(what, &console.at("/faults"), View::WIDE).await else {
        return;
    };
    // A fault of the console is one of the terminal.
    let faults = tab.element("select[name='fault']").await;
    faults.select_by_value("lose-answer").await.unwrap();
    press_button(&tab, "Inject").await;
    wait_for_text(&tab, "#faults", "lose-answer").await;
    console.types("faults");
    let listed = console.serving.next("faults");
    assert_eq!(listed["faults"][0]["fault"], "lose-answer");
    // And the other way.
    console.types("fault delay:1ms@0.5");
    wait_for_text(&tab, "#faults", "delay:1ms@0.5").await;
    tab.click("button[value='delay:1ms@0.5']").await;
    tab.wait_until("!document.querySelector('#faults').textContent.includes('delay')")
        .await;
    console.types("faults");
    let listed = console.serving.next("faults");
    assert_eq!(listed["faults"].as_array().unwrap().len(), 1);

    // The list is open in another tab meanwhile.
    let list = open(what, &console.at("/"), View::WIDE).await.unwrap();
    wait_for_text(&list, "#empty", "No delivery yet").await;
    tab.goto(&console.at("/compose")).await.unwrap();
    for search in ["receive message", "接收消息"] {
        tab.fill("input[name='search']", search).await;
        press_button(&tab, "Search").await;
        tab.wait_until(&format!(
            "new URLSearchParams(location.search).get('search') === '{search}'"
        ))
        .await;
        wait_for_text(&tab, ".types", MESSAGE).await;
    }
    let link = format!(".types a[href*='type={MESSAGE}&']");
    tab.click(&link).await;
    let document = tab.element("textarea[name='document']").await;
    let sample = document.prop("value").await.unwrap().unwrap();
    let sample: Value = serde_json::from_str(&sample).unwrap();
    assert_eq!(sample["header"]["event_type"], MESSAGE);
    let edited = sample.to_string().replace("oc_", "oc_edited_");
    assert_ne!(edited, sample.to_string());
    // Keys would take long.
    tab.execute(
        "arguments[0].value = arguments[1]",
        vec![serde_json::to_value(&document).unwrap(), edited.into()],
    )
    .await
    .unwrap();
    tab.fill("textarea[name='set']", "message.message_id=om_by_form")
        .await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "main", "Pushed as #1").await;

    let event = handled.recv_timeout(LIMIT).unwrap();
    let body: Value = event.raw().decode().unwrap();
    assert_eq!(body["message"]["message_id"], "om_by_form");
    assert!(event.raw().as_str().contains("oc_edited_"));
    wait_for_rows(&list, 1).await;
    wait_for_text(&list, "#d1", "acknowledged").await;
    wait_for_text(&list, "#d1", "lose-answer").await;
    wait_for_text(&list, "#counts", "1 of 1 shown").await;

    list.click("#d1 th a").await;
    wait_for_text(&list, "#attempt-2", "status 200 OK").await;
    let attempts = "[...document.querySelectorAll('#attempts > li')].map((it) => it.textContent)";
    let attempts = list.eval(attempts).await;
    let [first, second] = attempts.as_array().unwrap().as_slice() else {
        panic!("expected two attempts: {attempts}");
    };
    let (first, second) = (first.as_str().unwrap(), second.as_str().unwrap());
    assert!(
        first.contains("no answer in time") && first.contains("⚡ lose-answer"),
        "{first}"
    );
    assert!(!second.contains("⚡"), "{second}");
    for attempt in [first, second] {
        for sent in [
            "x-lark-signature",
            "x-lark-request-nonce",
            "content-type",
            &app.url,
        ] {
            assert!(attempt.to_lowercase().contains(sent), "{sent}: {attempt}");
        }
    }
    let text = all_text(&list).await;
    assert!(text.contains(r#""token": "***""#), "{text}");
    assert!(!text.contains("verification-token"), "{text}");

    // The same counts everywhere.
    let stats = console.delivered();
    assert_eq!(
        (&stats["pushes"], &stats["attempts"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&stats["acknowledged"], &stats["redeliveries"]),
        (&1.into(), &1.into())
    );
    let listed = console.json("/api/deliveries");
    assert_eq!(listed["deliveries"][0]["attempt_count"], 2);
    assert_eq!(console.json("/api/status")["faults_happened"], 1);
    assert!(
        handled.try_recv().is_err(),
        "the redelivery was handled again"
    );
    for tab in [tab, list] {
        assert_calm(&tab).await;
    }
}

#[tokio::test]
async fn a_mistake_is_named_beside_the_form_and_nothing_is_sent() {
    let (app, handled) = App::deduplicating();
    let mut console = Console::start(&["--webhook", &app.url]);
    console.serving.next("webhook-set");
    let compose = console.at(&format!("/compose?type={MESSAGE}"));
    let Some(tab) = open("mistakes in a form", &compose, View::WIDE).await else {
        return;
    };
    let error = "form[action='/api/deliveries'] [data-error]";
    for (field, text, says) in [
        ("textarea[name='set']", "tea.pot=1", "tea.pot"),
        ("textarea[name='set']", "message.chat_id", "message.chat_id"),
        ("textarea[name='set']", "", ""),
        (
            "textarea[name='document']",
            "{\n  \"header\": tea}",
            "line 2, column",
        ),
        ("textarea[name='document']", "[]", "a JSON object"),
        ("textarea[name='document']", "{}", ""),
        ("input[name='type']", "im.tea.ready_v1", "im.tea.ready_v1"),
    ] {
        tab.fill(field, text).await;
        if says.is_empty() {
            continue;
        }
        press_button(&tab, "Push").await;
        wait_for_text(&tab, error, says).await;
        tab.wait_until("document.querySelector('form[aria-busy]') === null")
            .await;
    }
    let stats = console.delivered();
    assert_eq!(
        (&stats["pushes"], &stats["attempts"]),
        (&0.into(), &0.into())
    );
    assert_eq!(console.numbers(), Vec::<u64>::new());
    assert!(handled.try_recv().is_err());
    assert_calm(&tab).await;
}
