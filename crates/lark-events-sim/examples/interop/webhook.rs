//! The webhook, behind each SDK's own adapter.

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{BoxError, EncryptKey};
use lark_events_sim::{Poster, WebhookUrl};
use serde_json::json;

use crate::app::{App, Sdk};
use crate::documents::Pushed;
use crate::scene::{Scene, responded, thrown};
use crate::settings::{ENCRYPT_KEY, VERIFICATION_TOKEN, platform};
use crate::table::{Outcome, Seen, Table, ensure};

/// The position of the first block of the text in `{"encrypt":"…"}`, behind the initialisation vector.
const FIRST_BLOCK: usize = 12 + 24;

pub(crate) async fn run(sdk: &Sdk, table: &mut Table) {
    let mut section = table.section(sdk.name, "webhook, encrypted");
    let started = start(sdk, Some(ENCRYPT_KEY));
    if let Some((mut scene, url)) = section.check_with("URL check", started).await {
        let check = scene.takes(Pushed::event());
        section.check("event of version 2", check).await;
        let check = scene.takes(Pushed::event_v1());
        section.check("event of version 1", check).await;
        let check = scene.takes(Pushed::big());
        section.check("event of 300 KB", check).await;
        section.check("callback", scene.replies()).await;
        let check = scene.fails_once();
        section
            .check("failed handler: delivered again", check)
            .await;
        let check = scene.unhandled(sdk);
        section.check("event without a handler", check).await;
        let check = forged(&mut scene, &url, sdk, signed_by_another);
        section
            .check("forged: signed with another key", check)
            .await;
        let check = forged(&mut scene, &url, sdk, unsigned);
        section.check("forged: not signed", check).await;
        let check = forged(&mut scene, &url, sdk, changed);
        section.check("forged: a byte of the body", check).await;
    }

    let mut section = table.section(sdk.name, "webhook, plain");
    let started = start(sdk, None);
    if let Some((mut scene, url)) = section.check_with("URL check", started).await {
        let check = scene.takes(Pushed::event());
        section.check("event of version 2", check).await;
        let check = scene.takes(Pushed::event_v1());
        section.check("event of version 1", check).await;
        section.check("callback", scene.replies()).await;
        let check = forged_token(&mut scene, &url, sdk);
        section.check("forged: token", check).await;
        let check = forged_url_check(&mut scene, &url, sdk);
        section.check("forged: token of a URL check", check).await;
    }
}

/// A platform and an app, after the URL check.
async fn start(sdk: &Sdk, key: Option<&str>) -> Result<((Scene, WebhookUrl), Seen), BoxError> {
    let settings = [
        ("ENCRYPT_KEY", key.unwrap_or_default()),
        ("VERIFICATION_TOKEN", VERIFICATION_TOKEN),
    ];
    let mut app = App::start(sdk, "webhook", &settings)?;
    let listening = app.until("listening").await?;
    let url = listening["url"].as_str().ok_or("no URL")?;
    let mut builder = platform().webhook(url);
    if let Some(key) = key {
        builder = builder.encrypt_key(key);
    }
    let platform = builder.start().await?;
    let seen = Seen::Right("answered with its challenge".to_owned());
    Ok(((Scene { platform, app }, url.parse()?), seen))
}

/// A good request that was tampered with is rejected.
async fn forged(
    scene: &mut Scene,
    url: &WebhookUrl,
    sdk: &Sdk,
    forge: fn(Request<Bytes>) -> Result<Request<Bytes>, BoxError>,
) -> Outcome {
    let request = scene.platform.request(Pushed::event()?.document);
    let posted = Posted::of(scene, url, forge(request)?).await?;
    posted.judged(|it| {
        // The SDK for Node answers 200 with an empty body, or throws before it checks the signature.
        let silent = it.answer.status() == 200 && it.answer.body().is_empty();
        sdk.is_node() && !it.handled && (silent || it.thrown.is_some())
    })
}

async fn forged_token(scene: &mut Scene, url: &WebhookUrl, sdk: &Sdk) -> Outcome {
    let document = Pushed::event()?.document.header("token", "forged");
    let request = scene.platform.request(document);
    let posted = Posted::of(scene, url, request).await?;
    // The SDK for Node ignores the token.
    posted.judged(|it| sdk.is_node() && it.answer.status() == 200 && it.handled)
}

async fn forged_url_check(scene: &mut Scene, url: &WebhookUrl, sdk: &Sdk) -> Outcome {
    let check = json!({ "type": "url_verification", "challenge": "c", "token": "forged" });
    let request = scene.platform.request(check);
    let posted = Posted::of(scene, url, request).await?;
    posted.judged(|it| sdk.is_node() && it.answer.status() == 200 && !it.handled)
}

/// The result of a request.
struct Posted {
    answer: Response<Bytes>,
    handled: bool,
    /// The error that the adapter threw, if the app caught it and answered.
    thrown: Option<String>,
}

impl Posted {
    /// Posts a request, and then a good event. Lines of the app before that event belong to the request.
    async fn of(
        scene: &mut Scene,
        url: &WebhookUrl,
        request: Request<Bytes>,
    ) -> Result<Self, BoxError> {
        let answer = post(url, request).await?;
        let push = scene.platform.push(Pushed::event()?.document);
        let (_, before) = scene.app.until_event(push.event_id()).await?;
        Ok(Self {
            answer,
            handled: before.iter().any(|line| line["happened"] == "event"),
            thrown: thrown(&before),
        })
    }

    /// A rejection is right. Other results are the SDK's own way if `own` says so, and a miss if not.
    fn judged(self, own: impl FnOnce(&Self) -> bool) -> Outcome {
        let (status, body) = (self.answer.status(), self.answer.body());
        let handled = if self.handled {
            "handled"
        } else {
            "not handled"
        };
        let seen = format!("{handled}; {}", responded(status, body));
        let seen = match &self.thrown {
            Some(error) => format!("the adapter throws {error}; {seen}"),
            None => seen,
        };
        if own(&self) {
            return Ok(Seen::Own(seen));
        }
        ensure(status != 200 && !self.handled, || seen.clone())?;
        Ok(Seen::Right(seen))
    }
}

fn signed_by_another(mut request: Request<Bytes>) -> Result<Request<Bytes>, BoxError> {
    let header = |name| {
        let value = request.headers().get(name);
        value.and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let timestamp = header(SIGNATURE_TIMESTAMP_HEADER).ok_or("not signed")?;
    let nonce = header(SIGNATURE_NONCE_HEADER).ok_or("not signed")?;
    let signature = EncryptKey::new("another key").sign(timestamp, nonce, request.body());
    let signature = HeaderValue::from_str(&signature)?;
    request.headers_mut().insert(SIGNATURE_HEADER, signature);
    Ok(request)
}

fn unsigned(mut request: Request<Bytes>) -> Result<Request<Bytes>, BoxError> {
    for name in [
        SIGNATURE_TIMESTAMP_HEADER,
        SIGNATURE_NONCE_HEADER,
        SIGNATURE_HEADER,
    ] {
        request.headers_mut().remove(name).ok_or("not signed")?;
    }
    Ok(request)
}

fn changed(request: Request<Bytes>) -> Result<Request<Bytes>, BoxError> {
    let (parts, body) = request.into_parts();
    let mut body = body.to_vec();
    let byte = body.get_mut(FIRST_BLOCK).ok_or("too short")?;
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    Ok(Request::from_parts(parts, body.into()))
}

async fn post(url: &WebhookUrl, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let connection = Poster::new().connect(url).await?;
    Ok(connection.send(request.map(Full::new)).await?)
}
