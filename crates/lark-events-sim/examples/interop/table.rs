//! The table of all checks, printed line by line.

use std::process::ExitCode;
use std::time::Duration;

use lark_events::BoxError;
use tokio::time::timeout;

/// For one check with the start of an app: the Python SDK takes seconds to load.
const LIMIT: Duration = Duration::from_secs(30);

/// The result of a check. An error is a miss.
pub(crate) enum Seen {
    /// The SDK behaved as expected.
    Right(String),
    /// The SDK behaved in another way, which is known of this version and independent of the platform.
    Own(String),
}

pub(crate) type Outcome = Result<Seen, BoxError>;

/// Fails a check unless `right`.
pub(crate) fn ensure(right: bool, otherwise: impl FnOnce() -> String) -> Result<(), BoxError> {
    if right {
        Ok(())
    } else {
        Err(otherwise().into())
    }
}

#[derive(Default)]
pub(crate) struct Table {
    right: usize,
    own: usize,
    missed: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        row("", "SDK", "over", "check", "what was seen");
        Self::default()
    }

    pub(crate) fn section<'a>(&'a mut self, sdk: &'static str, over: &'static str) -> Section<'a> {
        Section {
            table: self,
            sdk,
            over,
        }
    }

    /// Prints the totals.
    pub(crate) fn end(self) -> ExitCode {
        let Self { right, own, missed } = self;
        println!("{right} ok, {own} where an SDK has a way of its own, {missed} missed");
        if missed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// The checks of one SDK over one transport.
pub(crate) struct Section<'a> {
    table: &'a mut Table,
    sdk: &'static str,
    over: &'static str,
}

impl Section<'_> {
    pub(crate) async fn check(&mut self, name: &str, check: impl Future<Output = Outcome>) {
        self.check_with(name, async { Ok(((), check.await?)) })
            .await;
    }

    /// A check with a result that later checks need. `None` is a miss.
    pub(crate) async fn check_with<T>(
        &mut self,
        name: &str,
        check: impl Future<Output = Result<(T, Seen), BoxError>>,
    ) -> Option<T> {
        let outcome = timeout(LIMIT, check).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("nothing within {LIMIT:?}").into()));
        let (verdict, seen, result) = match outcome {
            Ok((result, Seen::Right(seen))) => ("ok", seen, Some(result)),
            Ok((result, Seen::Own(seen))) => ("own", seen, Some(result)),
            Err(error) => ("MISS", error.to_string(), None),
        };
        match verdict {
            "ok" => self.table.right += 1,
            "own" => self.table.own += 1,
            _ => self.table.missed += 1,
        }
        row(verdict, self.sdk, self.over, name, &seen);
        result
    }
}

fn row(verdict: &str, sdk: &str, over: &str, check: &str, seen: &str) {
    // The output of an SDK can contain control characters.
    let seen = seen.replace(char::is_control, " ");
    println!("{verdict:<5}{sdk:<8}{over:<20}{check:<40}{seen}");
}
