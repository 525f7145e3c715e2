//! Kills a receiver and a worker of several while events arrive, and shows that none is lost.
//!
//! ```sh
//! cargo run -p replicas
//! ```
//!
//! The program starts a PostgreSQL server in a temporary folder. With `INBOX=postgres://…` it uses the schema
//! `replicas` of that database instead. It runs two receivers and three workers as processes, and the simulator of
//! the platform, which pushes messages of several chats through a load balancer. Receivers acknowledge an event once
//! it is in the database, and workers handle it 20 ms later. In the middle, the program kills one of each with
//! SIGKILL. In the end it compares the events that the platform counts as delivered with those that were handled.

mod balancer;
mod child;
mod receiver;
mod report;
mod worker;

use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events::BoxError;
use lark_events_inbox::StoreError;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_sim::{Document, Platform};
use lark_events_test_servers::Database;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::child::Child;
use self::report::{Message, Report};

const ENCRYPT_KEY: &str = "a key of this example";
const VERIFICATION_TOKEN: &str = "a token of this example";
const SCHEMA: &str = "replicas";
const CHATS: u32 = 8;
/// The platform pushes the next message of a chat when this one is acknowledged.
const MESSAGES_PER_CHAT: u32 = 50;
const RECEIVERS: usize = 2;
const WORKERS: usize = 3;
/// The platform of this example is impatient: it redelivers at once what was not acknowledged.
const REDELIVERIES: [Duration; 100] = [Duration::from_millis(100); 100];
/// No step takes that long, not even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The environment variable with the URL of a database.
const VARIABLE: &str = "INBOX";
/// As of the command `lark-events`: the program could not begin.
const NO_SERVER: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["receiver"] => receiver::run().await,
        ["worker"] => worker::run().await,
        [] => match Database::given_or_started(VARIABLE) {
            Ok(Some(database)) => demonstrate(database.url()).await,
            Ok(None) => {
                eprintln!(
                    "no PostgreSQL server is installed: apt-get install postgresql, or set INBOX=postgres://…"
                );
                return ExitCode::from(NO_SERVER);
            }
            Err(error) => Err(error.into()),
        },
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

/// The store of a child. The URL may have a password, so it is not among the arguments, which all users can see.
async fn store_of_child() -> Result<Arc<PostgresStore>, BoxError> {
    Ok(store(&env::var(VARIABLE)?).await?)
}

async fn store(url: &str) -> Result<Arc<PostgresStore>, StoreError> {
    let store = PostgresStore::builder(url).schema(SCHEMA).connect().await?;
    Ok(Arc::new(store))
}

async fn demonstrate(url: &str) -> Result<(), BoxError> {
    // Creates the tables, and fails here if the database cannot be used.
    drop(store(url).await?);
    let (lines, mut printed) = mpsc::unbounded_channel();
    let mut children = Vec::new();
    let mut addresses = Vec::new();
    for _ in 0..RECEIVERS {
        let (child, address) = Child::receiver(children.len(), url, lines.clone()).await?;
        addresses.push(address);
        children.push(child);
    }
    for _ in 0..WORKERS {
        children.push(Child::worker(children.len(), url, lines.clone())?);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let webhook = format!("http://{}{}", listener.local_addr()?, receiver::PATH);
    let mut tasks = JoinSet::new();
    tasks.spawn(balancer::run(listener, addresses));
    let platform = Platform::builder()
        .encrypt_key(ENCRYPT_KEY)
        .verification_token(VERIFICATION_TOKEN)
        .redeliver_after(REDELIVERIES)
        .webhook(&webhook)
        .start()
        .await?;

    let began = Instant::now();
    let count = CHATS * MESSAGES_PER_CHAT;
    println!(
        "{RECEIVERS} receivers and {WORKERS} workers run; the platform pushes {count} messages of {CHATS} chats"
    );
    let platform = Arc::new(platform);
    // The database may have events of an earlier run.
    let run = std::process::id();
    let mut pushes = JoinSet::new();
    for chat in 0..CHATS {
        pushes.spawn(push(Arc::clone(&platform), run, chat));
    }
    let mut report = Report::new(RECEIVERS, WORKERS, run);
    while report.handled() < count as usize / 3 {
        report.add(next(&mut printed).await?);
    }
    for killed in [0, RECEIVERS] {
        children[killed].kill().await?;
        report.killed(killed);
        let name = report.name(killed);
        println!("killed {name} after {} handled messages", report.handled());
    }
    let (mut acknowledged, mut redelivered) = (BTreeSet::new(), 0);
    for (of_chat, again) in pushes.join_all().await {
        acknowledged.extend(of_chat);
        redelivered += again;
    }
    println!(
        "the platform has {} acknowledgements, after {redelivered} redeliveries",
        acknowledged.len()
    );
    while !report.has_all(&acknowledged) {
        report.add(next(&mut printed).await?);
    }
    for child in &mut children {
        child.kill().await?;
    }
    print!("\n{report}");
    report.check_order()?;
    println!("every acknowledged message was handled, in order per chat; none is lost");
    println!("took {:.1} s", began.elapsed().as_secs_f32());
    if acknowledged.len() < count as usize {
        let missing = count as usize - acknowledged.len();
        return Err(format!("{missing} messages were never acknowledged").into());
    }
    Ok(())
}

/// Pushes the messages of a chat. Returns those that were acknowledged, and the number of redeliveries.
async fn push(platform: Arc<Platform>, run: u32, chat: u32) -> (Vec<Message>, usize) {
    let (mut acknowledged, mut redelivered) = (Vec::new(), 0);
    for number in 0..MESSAGES_PER_CHAT {
        let message = Message { chat, number };
        let id = format!("{run} {chat} {number}");
        let body = json!({"message": {"chat_id": format!("oc_{chat}"), "message_id": id}});
        let document = Document::v2("im.message.receive_v1", &body)
            .expect("an object is a body")
            .event_id(&id);
        let pushed = platform.push(document).await;
        redelivered += pushed.attempts.len() - 1;
        if pushed.acknowledged() {
            acknowledged.push(message);
        }
    }
    (acknowledged, redelivered)
}

/// The next line of a child.
async fn next(
    printed: &mut mpsc::UnboundedReceiver<(usize, String)>,
) -> Result<(usize, String), BoxError> {
    let next = tokio::time::timeout(PATIENCE, printed.recv()).await;
    let next = next.map_err(|_| "the processes have printed nothing for half a minute")?;
    Ok(next.ok_or("the processes are gone")?)
}
