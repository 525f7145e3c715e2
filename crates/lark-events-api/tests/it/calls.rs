//! Each call, as it is sent.

use bytes::Bytes;
use http::Method;
use lark_events_api::{
    ApiErrorKind, Card, FileKind, Message, Person, Post, Receiver, ResourceKind, Span,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::platform::Platform;

#[tokio::test(start_paused = true)]
async fn messages_go_to_receivers_and_replies_to_messages() {
    let platform = Platform::new();
    let api = platform.api();
    let sent = api
        .send(Receiver::open_id("ou_1"), Message::text("tea"))
        .await
        .unwrap();
    assert_eq!(sent.message_id, "om_1");
    api.reply("om_1", Card::v2().markdown("tea"))
        .in_thread()
        .await
        .unwrap();
    let post = Post::new().line([Span::text("tea")]);
    api.send(Receiver::email("ada@example.com"), post)
        .await
        .unwrap();

    let calls = platform.calls();
    let paths: Vec<_> = calls
        .iter()
        .map(|seen| (&*seen.method, &*seen.path))
        .collect();
    let expected = [
        ("POST", "/open-apis/im/v1/messages?receive_id_type=open_id"),
        ("POST", "/open-apis/im/v1/messages/om_1/reply"),
        ("POST", "/open-apis/im/v1/messages?receive_id_type=email"),
    ];
    assert_eq!(paths, expected);
    assert_eq!(
        calls[0].json(),
        json!({"receive_id": "ou_1", "msg_type": "text", "content": r#"{"text":"tea"}"#})
    );
    let kind = calls[0].content_type.as_deref();
    assert_eq!(kind, Some("application/json; charset=utf-8"));
    let reply = calls[1].json();
    assert_eq!(
        (&reply["msg_type"], &reply["reply_in_thread"]),
        (&json!("interactive"), &json!(true))
    );
    let card: Value = serde_json::from_str(reply["content"].as_str().unwrap()).unwrap();
    assert_eq!(card, Card::v2().markdown("tea").into_json());
    assert_eq!(calls[2].json()["receive_id"], "ada@example.com");
}

#[tokio::test(start_paused = true)]
async fn messages_are_changed_by_their_id() {
    let platform = Platform::new();
    let api = platform.api();
    api.update_card("om_1", Card::v2().markdown("done"))
        .await
        .unwrap();
    assert_eq!(api.add_reaction("om_1", "OK").await.unwrap(), "r_1");
    api.recall("om_1").await.unwrap();
    let calls = platform.calls();
    let paths: Vec<_> = calls
        .iter()
        .map(|seen| (&*seen.method, &*seen.path))
        .collect();
    let expected = [
        ("PATCH", "/open-apis/im/v1/messages/om_1"),
        ("POST", "/open-apis/im/v1/messages/om_1/reactions"),
        ("DELETE", "/open-apis/im/v1/messages/om_1"),
    ];
    assert_eq!(paths, expected);
    let content = calls[0].json()["content"].as_str().unwrap().to_owned();
    let card: Value = serde_json::from_str(&content).unwrap();
    assert_eq!(card["schema"], "2.0");
    assert_eq!(
        calls[1].json(),
        json!({"reaction_type": {"emoji_type": "OK"}})
    );
    assert_eq!(calls[2].body, "");
}

#[tokio::test(start_paused = true)]
async fn files_are_uploaded_as_forms_and_downloaded_as_they_are() {
    let platform = Platform::new();
    let api = platform.api();
    assert_eq!(api.upload_image(b"\x89PNG").await.unwrap(), "img_1");
    let key = api
        .upload_file(FileKind::Pdf, "tea.pdf", b"%PDF")
        .await
        .unwrap();
    assert_eq!(key, "file_1");
    let calls = platform.calls();
    assert_eq!(calls[0].path, "/open-apis/im/v1/images");
    assert_eq!(calls[1].path, "/open-apis/im/v1/files");
    for (call, parts) in [
        (
            &calls[0],
            [
                "name=\"image_type\"\r\n\r\nmessage\r\n",
                "name=\"image\"; filename=\"image\"",
            ],
        ),
        (
            &calls[1],
            [
                "name=\"file_type\"\r\n\r\npdf\r\n",
                "name=\"file_name\"\r\n\r\ntea.pdf\r\n",
            ],
        ),
    ] {
        let kind = call.content_type.as_deref().unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let body = String::from_utf8_lossy(&call.body);
        assert!(body.starts_with(&format!("--{boundary}\r\n")), "{body}");
        assert!(body.ends_with(&format!("\r\n--{boundary}--\r\n")), "{body}");
        for part in parts {
            assert!(body.contains(part), "{body}");
        }
    }
    for empty in [
        api.upload_image(b"").await,
        api.upload_image(&vec![0; 10 * 1024 * 1024 + 1]).await,
    ] {
        assert_eq!(empty.unwrap_err().kind(), ApiErrorKind::Invalid);
    }
    let odd = api.upload_file(FileKind::Stream, "a\r\nb", b"x").await;
    assert_eq!(odd.unwrap_err().kind(), ApiErrorKind::Invalid);

    platform.answer(
        vec![("content-type", "image/png")],
        Bytes::from_static(b"\x89PNG"),
    );
    let file = api
        .download("om_1", "img_1", ResourceKind::Image)
        .await
        .unwrap();
    assert_eq!(file, b"\x89PNG"[..]);
    let path = "/open-apis/im/v1/messages/om_1/resources/img_1?type=image";
    assert_eq!(platform.calls()[2].path, path);
    // A file that looks like an answer of the API.
    let like = r#"{"code":1,"msg":"x"}"#;
    let headers = vec![
        ("content-type", "application/json"),
        ("content-disposition", "attachment"),
    ];
    platform.answer(headers, like);
    let file = api
        .download("om_1", "file_1", ResourceKind::File)
        .await
        .unwrap();
    assert_eq!(file, like);
    platform.answer(vec![("content-type", "application/json")], like);
    let error = api
        .download("om_1", "file_1", ResourceKind::File)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::Refused, Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn people_are_found() {
    let platform = Platform::new();
    let api = platform.api();
    let user = api.get_user(&Person::union_id("on_1")).await.unwrap();
    assert_eq!((user.name.as_deref(), user.status), (Some("Ada"), None));
    platform.answer(
        Vec::new(),
        r#"{"code":0,"data":{"user":{"name":"Bo","status":{"is_frozen":false,"is_resigned":true}}}}"#,
    );
    let left = api.get_user(&Person::open_id("ou_1")).await.unwrap();
    assert_eq!(left.status.unwrap().is_resigned, Some(true));
    platform.answer(
        Vec::new(),
        r#"{"code":0,"bot":{"app_name":"Tea","open_id":"ou_1"}}"#,
    );
    let bot = api.bot_info().await.unwrap();
    assert_eq!(
        (bot.app_name.as_deref(), bot.open_id.as_deref()),
        (Some("Tea"), Some("ou_1"))
    );
    let calls = platform.calls();
    assert_eq!(
        calls[0].path,
        "/open-apis/contact/v3/users/on_1?user_id_type=union_id"
    );
    assert_eq!(
        calls[1].path,
        "/open-apis/contact/v3/users/ou_1?user_id_type=open_id"
    );
    assert_eq!(calls[2].path, "/open-apis/bot/v3/info");
}

#[tokio::test(start_paused = true)]
async fn any_other_call_is_typed_by_serde() {
    #[derive(Deserialize)]
    struct Chat {
        name: String,
    }
    let platform = Platform::new();
    let api = platform.api();
    platform.answer(Vec::new(), r#"{"code":0,"data":{"name":"Tea","more":1}}"#);
    let chat: Chat = api
        .call(Method::GET, "/open-apis/im/v1/chats/oc_1", &())
        .await
        .unwrap();
    assert_eq!(chat.name, "Tea");
    platform.answer(Vec::new(), r#"{"code":0,"msg":"success","data":{}}"#);
    let pin = json!({"message_id": "om_1"});
    let (): () = api
        .call(Method::POST, "/open-apis/im/v1/pins", &pin)
        .await
        .unwrap();
    assert_eq!(platform.calls()[1].json(), pin);
}
