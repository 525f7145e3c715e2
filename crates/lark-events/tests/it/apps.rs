//! Several apps behind one service: which secrets count, and for whom.

use http::HeaderMap;
use lark_events::error::RejectionKind;
use lark_events::error::WebhookBuildErrorKind;
use lark_events::limits::{MAX_KEYS_BY_SIGNATURE, MAX_UNSIGNED_BYTES};
use lark_events::webhook::WebhookBuilder;
use lark_events::{Webhook, Webhooks};

use crate::support::{builder, challenge, delivery, refused, sealed, signed, url_check};

fn key(app: &str) -> String {
    format!("key of {app}")
}

fn token(app: &str) -> String {
    format!("token of {app}")
}

fn app(id: &str) -> WebhookBuilder {
    let app = builder().app_id(id).encrypt_key(key(id));
    app.verification_token(token(id))
}

fn built(apps: &[&str]) -> Vec<Webhook> {
    apps.iter().map(|id| app(id).build().unwrap()).collect()
}

/// An event for an app, with the token of another.
fn event(of: &str, token_of: &str) -> String {
    format!(
        r#"{{"schema":"2.0","header":{{"event_type":"x_v1","token":"token of {token_of}",
            "app_id":"{of}"}},"event":{{}}}}"#
    )
}

#[test]
fn at_one_url_the_signature_tells_the_app() {
    let webhooks = Webhooks::by_signature(built(&["cli_a", "cli_b", "cli_c"])).unwrap();
    let open = |signer: &str, document: &str| {
        let body = sealed(&key(signer), document);
        webhooks.open("/any", &signed(&key(signer), &body), body)
    };
    for id in ["cli_a", "cli_b", "cli_c"] {
        assert_eq!(
            delivery(open(id, &event(id, id))).header.app_id.as_deref(),
            Some(id)
        );
        assert_eq!(
            delivery(open(id, &event("", id))).header.app_id.as_deref(),
            Some(id)
        );
        let check = challenge(open(id, &url_check(&token(id), "abc")));
        assert_eq!(check.as_str(), "abc");
    }
    // Whose key it is, his token and his app it must be.
    for (of, token_of, reason) in [
        ("cli_b", "cli_a", RejectionKind::Token),
        ("cli_a", "cli_b", RejectionKind::ForeignApp),
        ("cli_other", "cli_b", RejectionKind::ForeignApp),
    ] {
        let rejection = open("cli_b", &event(of, token_of)).unwrap_err();
        let status = rejection.status().as_u16();
        assert_eq!((rejection.kind(), status), (reason, 401));
    }
    let nobody = open("nobody", &event("cli_a", "cli_a"));
    assert_eq!(refused(nobody), RejectionKind::Signature);
    // Encrypted with the key of one app, and signed with that of another.
    let body = sealed(&key("cli_a"), &event("cli_a", "cli_a"));
    let headers = signed(&key("cli_b"), &body);
    let result = webhooks.open("/any", &headers, body);
    assert_eq!(refused(result), RejectionKind::Malformed);
}

#[test]
fn an_unsigned_url_check_is_for_whom_it_is_sealed() {
    let webhooks = Webhooks::by_signature(built(&["cli_a", "cli_b"])).unwrap();
    let open = |sealer: &str, token_of: &str| {
        let body = sealed(&key(sealer), &url_check(&token(token_of), "abc"));
        webhooks.open("/any", &HeaderMap::new(), body)
    };
    for id in ["cli_a", "cli_b"] {
        assert_eq!(challenge(open(id, id)).as_str(), "abc");
    }
    for (sealer, token_of) in [("cli_a", "cli_b"), ("cli_b", "cli_a"), ("nobody", "cli_a")] {
        let result = open(sealer, token_of);
        assert_eq!(refused(result), RejectionKind::Unsigned);
    }
    let body = sealed(&key("cli_a"), &event("cli_a", "cli_a"));
    let event = webhooks.open("/any", &HeaderMap::new(), body);
    assert_eq!(refused(event), RejectionKind::Unsigned);
}

#[test]
fn each_app_has_limits_of_its_own_at_the_same_url() {
    let small = app("cli_small").max_event_bytes(300).build().unwrap();
    let silent = app("cli_silent").url_checks(false).build().unwrap();
    let webhooks = Webhooks::by_signature([small, silent]).unwrap();
    let large = |id: &str| {
        let text = "x".repeat(300);
        let event = event(id, id).replace("{}", &format!(r#"{{"x":"{text}"}}"#));
        let body = sealed(&key(id), &event);
        webhooks.open("/any", &signed(&key(id), &body), body)
    };
    assert_eq!(refused(large("cli_small")), RejectionKind::TooLarge);
    delivery(large("cli_silent"));
    let unsigned = HeaderMap::new();
    let check = url_check(&token("cli_silent"), "abc");
    let result = webhooks.open("/any", &unsigned, sealed(&key("cli_silent"), &check));
    assert_eq!(refused(result), RejectionKind::Unsigned);
    let admission = webhooks.admit("/any", &unsigned).unwrap();
    assert_eq!(admission.body_limit(), MAX_UNSIGNED_BYTES);
}

#[test]
fn the_last_segment_of_the_path_names_the_app() {
    let mut apps = built(&["cli_a", "cli_b"]);
    let by_token = builder().app_id("cli_t").verification_token(token("cli_t"));
    apps.push(by_token.build().unwrap());
    let webhooks = Webhooks::by_path(apps).unwrap();
    let open = |path: &str, signer: &str| {
        let body = sealed(&key(signer), &event(signer, signer));
        webhooks.open(path, &signed(&key(signer), &body), body)
    };
    for path in ["/webhook/cli_a", "/cli_a", "cli_a", "//a/b/cli_a"] {
        assert_eq!(
            delivery(open(path, "cli_a")).header.app_id.as_deref(),
            Some("cli_a")
        );
        assert_eq!(refused(open(path, "cli_b")), RejectionKind::Signature);
    }
    let plain = event("cli_t", "cli_t");
    let plain = webhooks.open("/cli_t", &HeaderMap::new(), plain.into());
    assert_eq!(delivery(plain).header.app_id.as_deref(), Some("cli_t"));
    for path in ["", "/", "/cli_a/", "/cli_a/x", "/CLI_A", "/cli_", "/cli_c"] {
        let rejection = open(path, "cli_a").unwrap_err();
        let status = rejection.status().as_u16();
        let unknown = RejectionKind::UnknownApp;
        assert_eq!((rejection.kind(), status), (unknown, 401), "{path}");
    }
}

#[test]
fn a_webhook_of_one_app_refuses_the_events_of_another() {
    let webhook = builder().app_id("cli_a").verification_token("t");
    let webhook = webhook.build().unwrap();
    let event = |rest: &str| format!(r#"{{"header":{{"event_type":"x_v1","token":"t"{rest}}}}}"#);
    let open = |document: String| webhook.open(&HeaderMap::new(), document.into());
    delivery(open(event(r#","app_id":"cli_a""#)));
    delivery(open(event("")));
    let foreign = open(event(r#","app_id":"cli_b""#));
    assert_eq!(refused(foreign), RejectionKind::ForeignApp);
    let old = |id: &str| {
        format!(r#"{{"type":"event_callback","token":"t","event":{{"type":"x","app_id":"{id}"}}}}"#)
    };
    delivery(open(old("cli_a")));
    assert_eq!(refused(open(old("cli_b"))), RejectionKind::ForeignApp);
}

#[test]
fn apps_that_cannot_be_told_apart_are_not_built() {
    let refused = |apps: Vec<WebhookBuilder>| {
        let apps = apps.into_iter().map(|app| app.build().unwrap());
        Webhooks::by_signature(apps).unwrap_err().kind()
    };
    assert_eq!(refused(vec![]), WebhookBuildErrorKind::NumberOfApps);
    let ids: Vec<_> = (0..=MAX_KEYS_BY_SIGNATURE)
        .map(|id| id.to_string())
        .collect();
    let many = || ids.iter().map(|id| app(id));
    assert_eq!(
        refused(many().collect()),
        WebhookBuildErrorKind::NumberOfApps
    );
    let by_path = Webhooks::by_path(many().map(|app| app.build().unwrap()));
    assert!(by_path.is_ok());
    let same = vec![app("cli_a"), app("cli_b").app_id("cli_a")];
    assert_eq!(refused(same), WebhookBuildErrorKind::AppIds);
    assert_eq!(
        refused(vec![builder().encrypt_key("k")]),
        WebhookBuildErrorKind::AppIds
    );
    let nameless = app("cli_a").app_id("").build();
    assert_eq!(nameless.unwrap_err().kind(), WebhookBuildErrorKind::AppIds);
    for odd in ["cli/a", "cli a", "ü"] {
        let by_path = Webhooks::by_path([app(odd).build().unwrap()]);
        assert_eq!(by_path.unwrap_err().kind(), WebhookBuildErrorKind::AppIds);
    }
    let keyless = builder().app_id("cli_c").verification_token("t");
    let shared = app("cli_b").encrypt_key(key("cli_a"));
    for other in [keyless, shared] {
        let apps = vec![app("cli_a"), other];
        assert_eq!(refused(apps), WebhookBuildErrorKind::SharedEncryptKey);
    }
}
