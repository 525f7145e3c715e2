//! Events whose handlers are killed, and what is left of them.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, Delivery, EventHeader, RawJson};
use lark_events_inbox::{Admin as _, Filter, Inbox, Page, Queue, State};
use lark_events_inbox_postgres::PostgresStore;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_postgres::{Client, NoTls};
use transactional::{Crash, TABLE};

use crate::{DRIVERS, EVENT_TYPE, VARIABLE};

/// No step takes that long, not even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at an event.
const PAUSE: Duration = Duration::from_millis(20);

struct Demonstration<'a> {
    url: &'a str,
    store: Arc<PostgresStore>,
    queue: Queue,
    client: Client,
}

/// Prints a table.
pub(crate) async fn run(url: &str) -> Result<(), BoxError> {
    let store = crate::store(url).await?;
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(TABLE).await?;
    let demonstration = Demonstration {
        url,
        queue: Inbox::builder(Arc::clone(&store) as _).queue()?,
        store,
        client,
    };
    println!("handler         killed         then             rows  event     attempts");
    for driver in DRIVERS {
        for crash in Crash::ALL {
            demonstration.crash(driver, crash).await?;
        }
    }
    Ok(())
}

impl Demonstration<'_> {
    /// Kills the handler of an event at a point, and lets another worker run.
    async fn crash(&self, driver: &str, crash: Crash) -> Result<(), BoxError> {
        let id = self.push(driver, crash.name()).await?;
        let (mut worker, mut lines) = self.start(driver, crash)?;
        expect(&mut lines, crash.name()).await?;
        // With SIGKILL.
        worker.kill().await?;
        self.print(driver, crash, "", &id).await?;

        let (mut worker, mut lines) = self.start(driver, Crash::Never)?;
        // A worker that has handled a later event has seen this one, unless that is claimed until its lease ends.
        let later = self.push(driver, "later").await?;
        let mut expected = vec![format!("handled {later}")];
        if crash == Crash::BeforeCommit {
            expected.push(format!("handled {id}"));
        }
        for _ in 0..expected.len() {
            let line = next(&mut lines).await?;
            let place = expected.iter().position(|it| *it == line);
            let place =
                place.ok_or_else(|| format!("expected one of {expected:?}, got {line:?}"))?;
            expected.remove(place);
        }
        // The worker settles the event after its handler.
        let done = async {
            while self.state(&id).await?.0 != State::Done {
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<_, BoxError>(())
        };
        tokio::time::timeout(PATIENCE, done).await??;
        worker.kill().await?;
        self.print(driver, crash, "another worker", &id).await
    }

    async fn push(&self, driver: &str, name: &str) -> Result<String, BoxError> {
        // The database may have events of an earlier run.
        let id = format!(
            "{} {driver} {name} {}",
            std::process::id(),
            fastrand::u32(..)
        );
        let mut header = EventHeader::new(EVENT_TYPE);
        header.event_id = Some(id.clone());
        let delivery = Delivery::new(header, RawJson::default());
        self.queue.push(delivery).await?;
        Ok(id)
    }

    fn start(
        &self,
        driver: &str,
        crash: Crash,
    ) -> Result<(Child, Lines<BufReader<ChildStdout>>), BoxError> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", driver, crash.name()])
            .env(VARIABLE, self.url)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the worker has no output")?;
        Ok((child, BufReader::new(stdout).lines()))
    }

    /// The state of an event, and the number of its attempts that ended.
    async fn state(&self, id: &str) -> Result<(State, usize), BoxError> {
        let mut filter = Filter::default();
        filter.event_id = Some(id.to_owned());
        let page = Page::first(1);
        let listed = self.store.list(&filter, page).await?.pop();
        let listed = listed.ok_or("the event is gone")?;
        let shown = self.store.show(listed.seq).await?;
        let attempts = shown.map_or(0, |shown| shown.history.len());
        Ok((listed.state, attempts))
    }

    async fn print(
        &self,
        driver: &str,
        crash: Crash,
        then: &str,
        id: &str,
    ) -> Result<(), BoxError> {
        let count = "SELECT count(*) FROM reply WHERE event_id = $1";
        let rows: i64 = self.client.query_one(count, &[&id]).await?.get(0);
        let (state, attempts) = self.state(id).await?;
        let state = if state == State::Done {
            "finished"
        } else {
            "waits"
        };
        let killed = crash.name();
        println!("{driver:<15} {killed:<14} {then:<15} {rows:>5}  {state:<9} {attempts:>8}");
        Ok(())
    }
}

async fn expect(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) -> Result<(), BoxError> {
    let line = next(lines).await?;
    if line == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, got {line:?}").into())
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String, BoxError> {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.map_err(|_| "the worker has printed nothing for half a minute")?;
    Ok(line?.ok_or("the worker is gone")?)
}
