//! Writing a recording: a thread of its own, and a bounded queue before it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tracing::error;

use super::entry::Entry;
use super::format;
use crate::run::Counter;

/// The most entries that wait to be written.
pub const MAX_QUEUED: usize = 4096;
/// The most bytes of entries that wait to be written.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// Writes entries to a file, in a thread of its own. Clones write to the same file.
///
/// Recording never delays a delivery: entries that come faster than the disk takes them are dropped and
/// counted, and so are all entries after an error of the file. Only the owner of the file can read it.
///
/// The last clone that is dropped waits until all entries are written; [`flush`](Self::flush) waits without
/// blocking.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    /// `None` while it is dropped.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queued_bytes: AtomicUsize,
    written: Counter,
    lost: Counter,
    has_failed: AtomicBool,
    error: Mutex<Option<Arc<io::Error>>>,
}

enum Job {
    Write(Box<Entry>),
    Flush(oneshot::Sender<()>),
}

/// Counts of a [`Recorder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderStats {
    /// Entries that were written.
    pub written: u64,
    /// Entries that were dropped: too many were waiting, or the file had failed.
    pub lost: u64,
}

impl Recorder {
    /// Creates a file that only its owner can read, or appends to a recording.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`InvalidData`](io::ErrorKind::InvalidData) if the file exists and is not
    /// a recording.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut file = open(path.as_ref())?;
        begin(&mut file)?;
        let shared = Arc::new(Shared::default());
        let (queue, jobs) = sync_channel(MAX_QUEUED);
        let ours = Arc::clone(&shared);
        let thread = thread::Builder::new().name("lark-events-record".to_owned());
        let thread = thread.spawn(move || ours.write(BufWriter::new(file), &jobs))?;
        Ok(Self(Arc::new(Inner {
            queue: Some(queue),
            thread: Some(thread),
            shared,
        })))
    }

    /// Queues an entry to be written; `false` if it was dropped.
    pub fn record(&self, entry: Entry) -> bool {
        let Inner { queue, shared, .. } = &*self.0;
        let bytes = entry.bytes();
        let queued = shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = queued.saturating_add(bytes) <= MAX_QUEUED_BYTES || queued == 0;
        let job = Job::Write(Box::new(entry));
        let is_queued = has_room
            && !shared.has_failed.load(Ordering::Relaxed)
            && queue
                .as_ref()
                .is_some_and(|queue| queue.try_send(job).is_ok());
        if !is_queued {
            shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            shared.lost.add_one();
        }
        is_queued
    }

    /// Waits until all entries that are queued now are in the file.
    ///
    /// # Errors
    ///
    /// The error of the file, after which nothing more is written.
    pub async fn flush(&self) -> Result<(), Arc<io::Error>> {
        let (done, flushed) = oneshot::channel();
        if let Some(queue) = self.0.queue.clone() {
            // The queue may be full, so that sending blocks.
            let sent = tokio::task::spawn_blocking(move || queue.send(Job::Flush(done)));
            // The thread ends after an error only, and the runtime at the end of the program.
            if sent.await.is_ok_and(|sent| sent.is_ok()) {
                let _ = flushed.await;
            }
        }
        let error = self.0.shared.error();
        error.map_or(Ok(()), Err)
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        let shared = &self.0.shared;
        RecorderStats {
            written: shared.written.get(),
            lost: shared.lost.get(),
        }
    }
}

/// Opens a file to read its header and append to it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let file = options.open(path)?;
        // A file that exists may be open to others; a pipe or device has no owner to protect.
        if file.metadata()?.is_file() {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// Checks what the file has, ends a line that was cut, and writes the header of this run.
fn begin(file: &mut File) -> io::Result<()> {
    /// The header's first members, by which a recording is known.
    const START: &[u8] = br#"{"kind":"recording""#;
    let mut starts_anew = String::new();
    if file.metadata()?.is_file() && file.metadata()?.len() > 0 {
        let mut start = [0; START.len()];
        let is_recording = file.read_exact(&mut start).is_ok() && start == START;
        if !is_recording {
            let why = "the file exists and is not a recording: choose another name";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            starts_anew.push('\n');
        }
    }
    let created = SystemTime::now().duration_since(UNIX_EPOCH);
    let created = created.unwrap_or_default().as_millis();
    let header = format::header(u64::try_from(created).unwrap_or(u64::MAX));
    let header = header.map_err(io::Error::other)?;
    file.write_all(format!("{starts_anew}{header}\n").as_bytes())
}

impl Shared {
    /// Writes jobs until all senders are gone or the file fails.
    fn write(&self, mut file: BufWriter<File>, jobs: &Receiver<Job>) {
        while let Some(job) = self.next(&mut file, jobs) {
            match job {
                Job::Write(entry) => self.write_entry(&mut file, &entry),
                Job::Flush(done) => {
                    let flushed = file.flush();
                    self.check(flushed);
                    // The waiter may be gone.
                    let _ = done.send(());
                }
            }
        }
    }

    /// The next job. The file is complete up to here whenever none is waiting.
    fn next(&self, file: &mut BufWriter<File>, jobs: &Receiver<Job>) -> Option<Job> {
        match jobs.try_recv() {
            Ok(job) => return Some(job),
            Err(TryRecvError::Disconnected) => {}
            Err(TryRecvError::Empty) => {
                let flushed = file.flush();
                self.check(flushed);
                if let Ok(job) = jobs.recv() {
                    return Some(job);
                }
            }
        }
        let flushed = file.flush();
        self.check(flushed);
        None
    }

    fn write_entry(&self, file: &mut BufWriter<File>, entry: &Entry) {
        self.queued_bytes
            .fetch_sub(entry.bytes(), Ordering::Relaxed);
        if self.has_failed.load(Ordering::Relaxed) {
            self.lost.add_one();
            return;
        }
        let written = match entry.to_line() {
            Ok(line) => writeln!(file, "{line}"),
            Err(error) => {
                error!(%error, "an entry cannot be recorded");
                self.lost.add_one();
                return;
            }
        };
        if self.check(written) {
            self.written.add_one();
        } else {
            self.lost.add_one();
        }
    }

    /// Keeps the first error of the file, and returns whether there is none.
    fn check(&self, result: io::Result<()>) -> bool {
        let Err(error) = result else {
            return true;
        };
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            error!(%error, "recording stopped: the file cannot be written");
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(error));
        }
        false
    }

    fn error(&self) -> Option<Arc<io::Error>> {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.clone()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
