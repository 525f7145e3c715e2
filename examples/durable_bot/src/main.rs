//! Kills its bot while events arrive, and shows that none is lost.
//!
//! ```sh
//! cargo run -p durable_bot
//! ```
//!
//! The program runs the simulator of the platform, and its bot as a child process. The bot acknowledges
//! an event once it is in a file, and handles it afterwards, 20 ms later. The program kills the bot with
//! SIGKILL in the middle and starts it again. In the end it compares the events that the platform counts
//! as delivered with those that the bot has handled.

mod bot;
mod child;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use lark_events::BoxError;
use lark_events_sim::{Document, Platform};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::child::Child;

const ENCRYPT_KEY: &str = "a key of this example";
const VERIFICATION_TOKEN: &str = "a token of this example";
const EVENTS: usize = 400;
const CHATS: u32 = 8;
const BETWEEN: Duration = Duration::from_millis(5);
const KILLS: usize = 3;
/// The platform of this example is impatient: it redelivers at once what was not acknowledged.
const REDELIVERIES: [Duration; 100] = [Duration::from_millis(100); 100];
/// No event takes that long, not even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [role, port, file] if role == "bot" => bot::run(port, file).await,
        [] => demonstrate().await,
        _ => Err("this program takes no arguments".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            eprintln!("{error}");
            causes.for_each(|cause| eprintln!("because: {cause}"));
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate() -> Result<(), BoxError> {
    let folder = env::temp_dir().join(format!("durable-bot-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let result = in_folder(&folder.join("events.db").display().to_string()).await;
    fs::remove_dir_all(&folder)?;
    result
}

async fn in_folder(file: &str) -> Result<(), BoxError> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let (handled, mut all_handled) = mpsc::unbounded_channel();
    let start = || Child::start(port, file, handled.clone());
    let platform = Platform::builder()
        .encrypt_key(ENCRYPT_KEY)
        .verification_token(VERIFICATION_TOKEN)
        .redeliver_after(REDELIVERIES)
        .webhook(&format!("http://127.0.0.1:{port}{}", bot::PATH));
    let mut bot = start()?;
    listening(port).await?;
    // Checks the webhook.
    let platform = Arc::new(platform.start().await?);

    let began = Instant::now();
    println!("the bot runs; the platform pushes {EVENTS} messages of {CHATS} chats");
    let mut pushes = JoinSet::new();
    for number in (0..).take(EVENTS) {
        let (platform, message) = (Arc::clone(&platform), message(number)?);
        pushes.spawn(async move {
            tokio::time::sleep(BETWEEN * number).await;
            platform.push(message).await
        });
    }
    let mut handled_at = Vec::new();
    for kill in 1..=KILLS {
        while handled_at.len() < kill * EVENTS / (KILLS + 1) {
            handled_at.push(next(&mut all_handled).await?);
        }
        bot.kill().await?;
        println!(
            "killed the bot after {} handled messages, and started it again",
            handled_at.len()
        );
        bot = start()?;
    }
    let mut acknowledged = Vec::new();
    let mut redelivered = 0;
    for report in pushes.join_all().await {
        redelivered += report.attempts.len() - 1;
        if report.acknowledged() {
            acknowledged.push(report.event_id);
        }
    }
    let count = acknowledged.len();
    println!("the platform has {count} acknowledgements, after {redelivered} redeliveries");
    let mut times = BTreeMap::<String, usize>::new();
    for id in handled_at {
        *times.entry(id).or_default() += 1;
    }
    while acknowledged.iter().any(|id| !times.contains_key(id)) {
        *times.entry(next(&mut all_handled).await?).or_default() += 1;
    }
    bot.kill().await?;
    let again = times.values().filter(|times| **times > 1).count();
    println!(
        "every one of them was handled, {again} twice, because a kill came before the success was stored"
    );
    println!("took {:.1} s", began.elapsed().as_secs_f32());
    if acknowledged.len() < EVENTS {
        let missing = EVENTS - acknowledged.len();
        return Err(format!("{missing} messages were never acknowledged").into());
    }
    Ok(())
}

/// Waits until the bot listens.
async fn listening(port: u16) -> Result<(), BoxError> {
    let connected = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let connected = tokio::time::timeout(PATIENCE, connected).await;
    Ok(connected.map_err(|_| "the bot does not listen")?)
}

fn message(number: u32) -> io::Result<Document> {
    let chat = format!("oc_{}", number % CHATS);
    let body = json!({"message": {"chat_id": chat, "message_id": format!("om_{number}")}});
    let message = Document::v2("im.message.receive_v1", &body).map_err(io::Error::other)?;
    Ok(message.event_id(&format!("message {number}")))
}

/// The id of the next message that the bot has handled.
async fn next(handled: &mut mpsc::UnboundedReceiver<String>) -> Result<String, BoxError> {
    let next = tokio::time::timeout(PATIENCE, handled.recv()).await;
    let next = next.map_err(|_| "the bot has handled nothing for a minute")?;
    Ok(next.ok_or("the bot is gone")?)
}
