//! `--record`: writes each attempt to a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use lark_events_layers::record::Recorder;
use lark_events_sim::Attempt;

use super::attempt::entry;
use crate::Error;
use crate::figures::count;
use crate::serve::history::Delivery;

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Record each attempt to this file, one JSON document a line, for `replay`, `explain` and `inspect`. The file
    /// contains the events in full; only its owner can read it. An existing recording is continued.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Record the Verification Token too, and the bodies of requests that are not encrypted, which contain it.
    #[arg(long, requires = "record")]
    pub(crate) with_secrets: bool,
}

/// How long the end of the command waits for the file.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// A recording that is being written.
pub(crate) struct Record {
    path: PathBuf,
    recorder: Recorder,
    with_secrets: bool,
    /// Whether an attempt has been lost.
    has_lost: bool,
}

impl RecordArgs {
    /// Creates the file, or opens it to append.
    pub(crate) fn start(&self) -> Result<Option<Record>, Error> {
        let Some(path) = self.record.clone() else {
            return Ok(None);
        };
        let recorder = Recorder::create(&path)
            .map_err(|error| format!("--record {}: {error}", path.display()))?;
        Ok(Some(Record {
            path,
            recorder,
            with_secrets: self.with_secrets,
            has_lost: false,
        }))
    }
}

impl Record {
    /// Records an attempt of a delivery. Returns `false` for the first one that is lost, because the file cannot be
    /// written, or not fast enough.
    pub(crate) fn attempted(&mut self, delivery: &Delivery, attempt: &Attempt) -> bool {
        let Delivery {
            document,
            pushed_at,
            ..
        } = delivery;
        let entry = entry(document, *pushed_at, attempt, self.with_secrets);
        let is_lost = !self.recorder.record(entry);
        let is_first = is_lost && !self.has_lost;
        self.has_lost |= is_lost;
        !is_first
    }

    /// Waits until everything is in the file, for at most 5 seconds.
    ///
    /// # Errors
    ///
    /// If attempts are missing in it.
    pub(crate) async fn finish(self) -> Result<(), Error> {
        let path = self.path.display();
        let flushed = tokio::time::timeout(FINISH_LIMIT, self.recorder.flush()).await;
        let Ok(written) = flushed else {
            let queued = usize::try_from(self.recorder.stats().queued).unwrap_or(usize::MAX);
            let error = format!(
                "--record {path}: {} not written within {} seconds: the file blocks; check its disk, or the \
                 program that reads it",
                count(queued, "attempt"),
                FINISH_LIMIT.as_secs(),
            );
            // The recorder would wait once more.
            let recorder = self.recorder;
            std::thread::spawn(move || drop(recorder));
            return Err(error.into());
        };
        written.map_err(|error: Arc<_>| format!("--record {path}: {error}"))?;
        match self.recorder.stats().lost {
            0 => Ok(()),
            lost => {
                let lost = count(usize::try_from(lost).unwrap_or(usize::MAX), "attempt");
                Err(format!(
                    "--record {path}: {lost} not recorded: the disk is slower than the events"
                )
                .into())
            }
        }
    }
}
