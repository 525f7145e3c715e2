//! The request, its card, and the decision.

use std::time::Duration;

use lark_events::callback::{CardAction, CardActionTrigger, Toast};
use lark_events::error::BuildError;
use lark_events::{BoxError, Dispatcher, Event};
use lark_events_api::{
    Api, Button, Card, CardAnswer, Color, Form, Input, Once, Select, escape_mentions,
};
use lark_events_types::im::MessageReceiveV1;
use serde_json::{Value, json};

/// How long recording a decision takes: longer than the platform waits for the answer to a click.
const RECORDING: Duration = Duration::from_secs(5);

pub(crate) fn dispatcher(api: &Api) -> Result<Dispatcher, BuildError> {
    Dispatcher::builder()
        .with_state(api.clone())
        .on_with::<MessageReceiveV1>(on_message)
        .on::<CardActionTrigger>(api.card_handler(on_click))
        .build()
}

/// Replies to `/leave …` with the card.
async fn on_message(api: Api, event: Event<MessageReceiveV1>) -> Result<(), BoxError> {
    let once = Once::of(&event);
    let Some(message) = event.body.message else {
        return Ok(());
    };
    let text = message.text_without_mentions().unwrap_or_default();
    let Some(what) = text.trim().strip_prefix("/leave") else {
        return Ok(());
    };
    let id = message.message_id.unwrap_or_default();
    api.reply(id, request(what.trim())).once(once).await?;
    Ok(())
}

/// The card that asks.
fn request(what: &str) -> Card {
    let button = |text: &str, approve: bool| {
        let value = json!({"approve": approve, "what": what});
        Button::new(text).value(value).name(text.to_lowercase())
    };
    Card::v2()
        .title("Leave request")
        .color(Color::Blue)
        .summary("Leave request")
        .markdown(format!("Requested: {}", escape_mentions(what)))
        .divider()
        .form(
            Form::new("decision")
                .select(
                    Select::new("kind")
                        .placeholder("kind of leave")
                        .option("Vacation", "vacation")
                        .option("Other", "other")
                        .initial("vacation"),
                )
                .input(
                    Input::new("comment")
                        .placeholder("comment, optional")
                        .multiline(),
                )
                .submit(button("Approve", true).primary())
                .submit(button("Reject", false).danger()),
        )
}

struct Decision {
    what: String,
    is_approved: bool,
    kind: String,
    comment: String,
}

impl Decision {
    /// What a click decided; `None` for a click on another card.
    fn of(action: CardAction) -> Option<Self> {
        let value = action.value?;
        let form = action.form_value.unwrap_or_default();
        let field = |name: &str| {
            let text = form.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Some(Self {
            what: value.get("what")?.as_str()?.to_owned(),
            is_approved: value.get("approve")?.as_bool()?,
            kind: field("kind"),
            comment: field("comment"),
        })
    }

    /// The card that shows it.
    fn card(&self) -> Card {
        let (title, color) = match self.is_approved {
            true => ("Approved", Color::Green),
            false => ("Rejected", Color::Red),
        };
        let card = Card::v2().title(title).color(color).markdown(format!(
            "Requested: {}\n\nKind: {}",
            escape_mentions(&self.what),
            escape_mentions(&self.kind)
        ));
        match &*self.comment {
            "" => card,
            comment => card.divider().markdown(escape_mentions(comment)),
        }
    }
}

/// Answers a click at once, records the decision, and then updates the card.
async fn on_click(event: Event<CardActionTrigger>) -> Result<CardAnswer, BoxError> {
    let Some(decision) = event.body.action.and_then(Decision::of) else {
        return Ok(CardAnswer::toast(Toast::warning("this card is too old")));
    };
    let answer = CardAnswer::toast(Toast::info("recording the decision"));
    Ok(answer.then(async move |mut updates| {
        record(&decision).await?;
        updates.update(decision.card()).await?;
        Ok::<_, BoxError>(())
    }))
}

/// Yours: writes the decision to where it belongs.
async fn record(decision: &Decision) -> Result<(), BoxError> {
    tokio::time::sleep(RECORDING).await;
    println!("{}: {}", decision.what, decision.is_approved);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lark_events_sim::{APP_ID, APP_SECRET, Document, Platform};
    use lark_events_ws::{Domain, LongConnection, State};

    use super::*;

    /// A platform, and the bot on a long connection to it, both in memory.
    async fn start() -> (Arc<Platform>, Api) {
        let platform = Arc::new(Platform::builder().start().await.unwrap());
        let dial = {
            let platform = Arc::clone(&platform);
            move |_| {
                let stream = platform.dial();
                async move { Ok(stream) }
            }
        };
        let domain = Domain::custom(platform.base_url());
        let api = Api::builder(APP_ID, APP_SECRET)
            .domain(domain.clone())
            .connect_with(dial.clone())
            .build()
            .unwrap();
        let connection = LongConnection::builder(APP_ID, APP_SECRET)
            .domain(domain)
            .connect_with(dial)
            .build()
            .unwrap();
        let monitor = connection.monitor();
        let dispatcher = dispatcher(&api).unwrap();
        tokio::spawn(connection.run(dispatcher).into_future());
        assert!(monitor.until(State::is_connected).await.is_connected());
        (platform, api)
    }

    fn message(text: &str) -> Document {
        let body = json!({"sender": {"sender_type": "user"}, "message": {"message_id": "om_user",
            "message_type": "text", "content": json!({"text": text}).to_string()}});
        Document::v2("im.message.receive_v1", &body).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_a_card_and_a_click_updates_it_after_its_answer() {
        let (platform, api) = start().await;
        assert!(platform.push(message("hello")).await.acknowledged());
        assert_eq!(platform.messages().len(), 0);
        assert!(
            platform
                .push(message("/leave <at id=all></at>"))
                .await
                .acknowledged()
        );
        let card = platform.messages().remove(0);
        assert_eq!(card.reply_to.as_deref(), Some("om_user"));
        let requested = &card.content["body"]["elements"][0]["content"];
        assert_eq!(requested, "Requested: <\u{200b}at id=all></at>");
        let form = &card.content["body"]["elements"][2];
        assert_eq!(
            (&form["tag"], &form["name"]),
            (&json!("form"), &json!("decision"))
        );
        let approve = &form["elements"][2];
        assert_eq!(approve["form_action_type"], "submit");

        let value = &approve["behaviors"][0]["value"];
        let click = json!({"token": "c-1", "operator": {"open_id": "ou_1"}, "action": {
            "tag": "button", "name": "approve", "value": value,
            "form_value": {"kind": "vacation", "comment": "enjoy <at id=all></at>"}}});
        let click = Document::v2("card.action.trigger", &click).unwrap();
        let answer = platform.push_callback(click).await.unwrap();
        let answer: Value = answer.decode().unwrap();
        assert_eq!(answer["toast"]["content"], "recording the decision");
        assert!(api.drain(Duration::from_secs(60)).await);
        let update = platform.api_calls().pop().unwrap();
        assert_eq!(
            (&*update.path, update.code),
            ("/open-apis/interactive/v1/card/update", Some(0))
        );
        let card = &update.json()["card"];
        assert_eq!(card["header"]["title"]["content"], "Approved");
        let card = card.to_string();
        assert!(card.contains("enjoy") && !card.contains("<at"), "{card}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_click_on_another_card_is_answered() {
        let (platform, _api) = start().await;
        let click = json!({"token": "c-1", "action": {"tag": "button", "value": {"other": 1}}});
        let click = Document::v2("card.action.trigger", &click).unwrap();
        let answer: Value = platform
            .push_callback(click)
            .await
            .unwrap()
            .decode()
            .unwrap();
        assert_eq!(answer["toast"]["type"], "warning");
    }
}
