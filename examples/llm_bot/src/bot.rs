//! From a question to the card with its answer.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Dispatcher, Event};
use lark_events_api::{Api, Once};
use lark_events_inbox::{Inbox, VolatileStore};
use lark_events_layers::{Filtered, MentionLayer, StaleLayer};
use lark_events_types::im::MessageReceiveV1;
use tower::ServiceBuilder;

use crate::model::ask;

/// Less than the hour in which the platform recognises a repeated answer.
const MAX_AGE: Duration = Duration::from_mins(50);

type Bot = Filtered<Filtered<Dispatcher>>;

/// The inbox in front of the handler. With a `SqliteStore` or a `PostgresStore`, questions survive a crash.
pub(crate) fn inbox(api: &Api, me: String) -> Result<Inbox<Bot>, BoxError> {
    let dispatcher = Dispatcher::builder()
        .with_state(api.clone())
        .on_with::<MessageReceiveV1>(on_message)
        .build()?;
    let service = ServiceBuilder::new()
        .layer(StaleLayer::new(MAX_AGE))
        .layer(MentionLayer::new(me))
        .service(dispatcher);
    let inbox = Inbox::builder(Arc::new(VolatileStore::new()))
        .lane_by_chat() // answers in the order of the questions
        .workers(16)
        .attempts(3)
        .build(service)?;
    Ok(inbox)
}

async fn on_message(api: Api, event: Event<MessageReceiveV1>) -> Result<(), BoxError> {
    let once = Once::of(&event);
    let (Some(sender), Some(message)) = (event.body.sender, event.body.message) else {
        return Ok(());
    };
    if !sender.is_user() {
        return Ok(());
    }
    let question = message.readable();
    let reply = api.reply_stream(message.message_id.unwrap_or_default(), once, "thinking …")?;
    let mut answer = ask(question);
    while let Some(piece) = answer.recv().await {
        reply.push(piece)?;
    }
    reply.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use lark_events_sim::{APP_ID, APP_SECRET, Document, Fault, Platform};
    use lark_events_ws::{Domain, LongConnection, State};
    use serde_json::{Value, json};
    use tokio::time::{Instant, sleep};

    use super::*;

    async fn start() -> Arc<Platform> {
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
        let me = api.bot_info().await.unwrap().open_id.unwrap();
        let inbox = inbox(&api, me).unwrap();
        let connection = LongConnection::builder(APP_ID, APP_SECRET)
            .domain(domain)
            .connect_with(dial)
            .build()
            .unwrap();
        let monitor = connection.monitor();
        tokio::spawn(connection.run(inbox.clone()).into_future());
        tokio::spawn(async move { inbox.run(std::future::pending::<()>()).await });
        assert!(monitor.until(State::is_connected).await.is_connected());
        platform
    }

    fn message(id: &str, chat_type: &str, mentions: &Value) -> Document {
        let body = json!({"sender": {"sender_type": "user"}, "message": {"message_id": id,
            "chat_id": "oc_1", "chat_type": chat_type, "message_type": "text",
            "mentions": mentions, "content": r#"{"text":"green or black?"}"#}});
        Document::v2("im.message.receive_v1", &body).unwrap()
    }

    fn shown(platform: &Platform) -> Vec<String> {
        let messages = platform.messages();
        let text = |card: &Value| {
            card["body"]["elements"][0]["content"]
                .as_str()
                .map(str::to_owned)
        };
        messages
            .iter()
            .filter_map(|message| text(&message.content))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_is_acknowledged_at_once_and_its_answer_grows() {
        let platform = start().await;
        // The answer of the API to the first call is lost: the card is there once.
        platform.inject(Fault::ApiLoseAnswer);
        let began = Instant::now();
        let report = platform.push(message("om_1", "p2p", &json!([]))).await;
        assert!(report.acknowledged() && report.attempts.len() == 1);
        assert!(began.elapsed() < Duration::from_secs(3));
        sleep(Duration::from_millis(300)).await;
        assert_eq!(shown(&platform), ["thinking …"]);
        sleep(Duration::from_secs(10)).await;
        let half = shown(&platform).remove(0);
        assert!(
            half.contains("green or black?") && half.contains("word 15,"),
            "{half}"
        );
        assert!(!half.contains("word 60"), "{half}");
        sleep(Duration::from_secs(30)).await;
        let [answer] = &shown(&platform)[..] else {
            panic!()
        };
        assert!(answer.ends_with("word 60, "), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_group_the_bot_answers_if_it_is_mentioned() {
        let platform = start().await;
        assert!(
            platform
                .push(message("om_1", "group", &json!([])))
                .await
                .acknowledged()
        );
        sleep(Duration::from_secs(60)).await;
        assert_eq!(shown(&platform).len(), 0);
        let me = json!([{"key": "@_user_1", "id": {"open_id": "ou_simulated_bot"}, "name": "Bot"}]);
        assert!(
            platform
                .push(message("om_2", "group", &me))
                .await
                .acknowledged()
        );
        sleep(Duration::from_secs(60)).await;
        assert_eq!(shown(&platform).len(), 1);
    }
}
