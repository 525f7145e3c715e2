//! Writing a recording: a thread of its own, and a bounded queue before it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tracing::error;

use super::entry::Entry;
use super::format::{self, VERSION};
use crate::run::Counter;

/// The maximum number of entries that wait to be written.
pub const MAX_QUEUED: usize = 4096;
/// The maximum size of the entries that wait to be written: 64 MiB.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// How long the last clone that is dropped waits for the thread.
const DROP_LIMIT: Duration = Duration::from_secs(5);
/// The file is flushed after this number of entries, or earlier if no more are queued.
const FLUSH_EVERY: usize = 64;

/// Writes entries to a file, in a thread of its own. Clones write to the same file.
///
/// A delivery does not wait for the file. Entries that arrive faster than the disk can write them, and all entries
/// after an error of the file, are dropped and counted. Only the owner of the file can read it.
///
/// The last clone that is dropped blocks until all entries are written, for at most 5 seconds. Then it logs the
/// number of entries that are not written, and leaves them to the thread. [`flush`](Self::flush) waits without
/// blocking.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    /// `None` while it is dropped.
    queue: Option<Sender<Job>>,
    /// Closed when the thread has ended and the file is closed.
    ended: Mutex<Receiver<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Entries that are neither written nor lost.
    queued: AtomicUsize,
    queued_bytes: AtomicUsize,
    written: Counter,
    lost: Counter,
    has_failed: AtomicBool,
    error: Mutex<Option<Arc<io::Error>>>,
}

/// The file, as the thread has it.
struct Output {
    file: BufWriter<File>,
    /// Entries that were written since the last flush.
    unflushed: usize,
}

enum Job {
    Write(Box<Entry>),
    Flush(oneshot::Sender<()>),
}

/// Counts of a [`Recorder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderStats {
    /// Entries that wait to be written.
    pub queued: u64,
    /// Entries that were written to the file.
    pub written: u64,
    /// Entries that were dropped: too many were waiting, or the file had failed.
    pub lost: u64,
}

impl Recorder {
    /// Creates a file that only its owner can read, or appends to an existing recording. Opening a named pipe
    /// blocks until another process opens it for reading.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`InvalidData`](io::ErrorKind::InvalidData) if the file exists and is not
    /// a recording, or has a later version; and [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another
    /// recorder writes to it.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut file = open(path.as_ref())?;
        begin(&mut file)?;
        let shared = Arc::new(Shared::default());
        let (queue, jobs) = channel();
        let (alive, ended) = channel();
        let ours = Arc::clone(&shared);
        let thread = thread::Builder::new().name("lark-events-record".to_owned());
        thread.spawn(move || {
            ours.write(Output::new(file), &jobs);
            drop::<Sender<()>>(alive);
        })?;
        Ok(Self(Arc::new(Inner {
            queue: Some(queue),
            ended: Mutex::new(ended),
            shared,
        })))
    }

    /// Queues an entry to be written. Returns `false` if it was dropped.
    pub fn record(&self, entry: Entry) -> bool {
        let Inner { queue, shared, .. } = &*self.0;
        let bytes = entry.bytes();
        let queued = shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = queued.saturating_add(bytes) <= MAX_QUEUED_BYTES || queued == 0;
        let has_room = shared.queued.fetch_add(1, Ordering::Relaxed) < MAX_QUEUED && has_room;
        let job = Job::Write(Box::new(entry));
        let is_queued = has_room
            && !shared.has_failed.load(Ordering::Relaxed)
            && queue.as_ref().is_some_and(|queue| queue.send(job).is_ok());
        if !is_queued {
            shared.queued.fetch_sub(1, Ordering::Relaxed);
            shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            shared.lost.add_one();
        }
        is_queued
    }

    /// Waits until all entries that are queued now are in the file. There is no time limit if the file blocks: wrap
    /// the call in a timeout, and read the number of unwritten entries from [`stats`](Self::stats).
    ///
    /// # Errors
    ///
    /// The first error of the file. After it, nothing more is written.
    pub async fn flush(&self) -> Result<(), Arc<io::Error>> {
        let (done, flushed) = oneshot::channel();
        if let Some(queue) = &self.0.queue
            && queue.send(Job::Flush(done)).is_ok()
        {
            // The thread ends before only if it panics.
            let _ = flushed.await;
        }
        let error = self.0.shared.error();
        error.map_or(Ok(()), Err)
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        let shared = &self.0.shared;
        RecorderStats {
            queued: u64::try_from(shared.queued.load(Ordering::Relaxed)).unwrap_or(u64::MAX),
            written: shared.written.get(),
            lost: shared.lost.get(),
        }
    }
}

/// Opens a file to read its header and append to it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A pipe that is open to read as well does not report that its reader is gone.
    let is_pipe = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    options.read(!is_pipe).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes this process the only one that records to the file. A file system may have no locks.
#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            let why = "another recorder writes to the file: choose another name";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
        _ => Ok(()),
    }
}

/// A lock would also keep readers from the file.
#[cfg(not(unix))]
fn lock(_: &File) -> io::Result<()> {
    Ok(())
}

/// A file that exists may be open to others.
#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// Reads the header of a file that is not empty.
fn check_header(file: &mut File) -> io::Result<()> {
    let mut start = Vec::new();
    let limit = format::MAX_HEADER_BYTES as u64;
    file.take(limit).read_to_end(&mut start)?;
    let why = match format::header_version(&start) {
        None => "the file exists and is not a recording: choose another name".to_owned(),
        Some(version) if version > VERSION => format!(
            "the recording has version {version}, and this program writes {VERSION}: choose another name, or \
             update the program"
        ),
        Some(_) => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// Checks what the file has, ends a line that was cut, and writes the header of this run.
fn begin(file: &mut File) -> io::Result<()> {
    let mut starts_anew = String::new();
    let is_file = file.metadata()?.is_file();
    if is_file {
        lock(file)?;
    }
    if is_file && file.metadata()?.len() > 0 {
        check_header(file)?;
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            starts_anew.push('\n');
        }
    }
    // A pipe or device has no owner to protect.
    if is_file {
        close_to_others(file)?;
    }
    let created = SystemTime::now().duration_since(UNIX_EPOCH);
    let created = created.unwrap_or_default().as_millis();
    let header = format::header(u64::try_from(created).unwrap_or(u64::MAX));
    let header = header.map_err(io::Error::other)?;
    file.write_all(format!("{starts_anew}{header}\n").as_bytes())
}

impl Output {
    fn new(file: File) -> Self {
        let file = BufWriter::new(file);
        Self { file, unflushed: 0 }
    }
}

impl Shared {
    /// Writes jobs until all senders are gone.
    fn write(&self, mut output: Output, jobs: &Receiver<Job>) {
        while let Some(job) = self.next(&mut output, jobs) {
            match job {
                Job::Write(entry) => self.write_entry(&mut output, &entry),
                Job::Flush(done) => {
                    self.flush(&mut output);
                    // The waiter may be gone.
                    let _ = done.send(());
                }
            }
        }
        self.flush(&mut output);
    }

    /// The next job. The file is complete up to here whenever none is waiting.
    fn next(&self, output: &mut Output, jobs: &Receiver<Job>) -> Option<Job> {
        match jobs.try_recv() {
            Ok(job) => Some(job),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                self.flush(output);
                jobs.recv().ok()
            }
        }
    }

    fn write_entry(&self, output: &mut Output, entry: &Entry) {
        self.queued_bytes
            .fetch_sub(entry.bytes(), Ordering::Relaxed);
        if self.has_failed.load(Ordering::Relaxed) {
            self.settle(1, false);
            return;
        }
        let mut line = match entry.to_line() {
            Ok(line) => line,
            Err(error) => {
                error!(%error, "an entry cannot be recorded");
                self.settle(1, false);
                return;
            }
        };
        // One write for the whole line: the buffer is written at the end of a line only.
        line.push('\n');
        output.unflushed = output.unflushed.saturating_add(1);
        let written = output.file.write_all(line.as_bytes());
        if !self.check(written) || output.unflushed >= FLUSH_EVERY {
            self.flush(output);
        }
    }

    /// Flushes the file, and counts the entries since the last flush. After an error, they are lost.
    fn flush(&self, output: &mut Output) {
        let is_written = !self.has_failed.load(Ordering::Relaxed) && {
            let flushed = output.file.flush();
            self.check(flushed)
        };
        self.settle(mem::take(&mut output.unflushed), is_written);
    }

    /// Counts entries that are no longer queued.
    fn settle(&self, entries: usize, is_written: bool) {
        let counter = if is_written {
            &self.written
        } else {
            &self.lost
        };
        counter.add(entries);
        self.queued.fetch_sub(entries, Ordering::Relaxed);
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
        let ended = self
            .ended
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(DROP_LIMIT);
        if ended == Err(RecvTimeoutError::Timeout) {
            let entries = self.shared.queued.load(Ordering::Relaxed);
            error!(
                entries,
                "the recording is incomplete: the file blocks, and these entries are not written"
            );
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
