//! Log output kept in memory: ours, and that of other crates, which come by `tracing` or by `log`.

use std::io;
use std::sync::{Mutex, Once};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// What one call has logged, the spans that it was made in included.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) target: String,
    pub(crate) level: String,
    pub(crate) text: String,
}

impl Line {
    /// Whether the library has logged it. The simulator is no part of that: what it shows is a
    /// test's own.
    pub(crate) fn is_ours(&self) -> bool {
        !self.is_foreign() && !self.target.starts_with("lark_events_sim")
    }

    /// Whether another crate has logged it.
    pub(crate) fn is_foreign(&self) -> bool {
        !self.target.starts_with("lark_events")
    }

    /// Whether it is for those who look into that very crate.
    pub(crate) fn is_detail(&self) -> bool {
        matches!(&*self.level, "DEBUG" | "TRACE")
    }
}

/// Everything logged at `level` and above while `work` runs.
pub(crate) async fn logged(level: Level, work: impl Future<Output = ()>) -> Vec<Line> {
    static HEARING: Once = Once::new();
    HEARING.call_once(|| {
        log::set_logger(&ByLog).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
    LINES.lock().unwrap().clear();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(ByTracing)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    std::mem::take(&mut *LINES.lock().unwrap())
}

/// Keeps what is logged by `tracing`.
struct ByTracing;

impl<'a> MakeWriter<'a> for ByTracing {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        unreachable!("whatever is logged has a target")
    }

    fn make_writer_for(&'a self, logged: &Metadata<'_>) -> Writer {
        Writer {
            target: logged.target().to_owned(),
            level: logged.level().to_string(),
        }
    }
}

struct Writer {
    target: String,
    level: String,
}

impl io::Write for Writer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().push(Line {
            target: self.target.clone(),
            level: self.level.clone(),
            text: String::from_utf8(text.to_vec()).unwrap(),
        });
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged by `log`, as tungstenite does.
struct ByLog;

impl log::Log for ByLog {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, logged: &log::Record<'_>) {
        LINES.lock().unwrap().push(Line {
            target: logged.target().to_owned(),
            level: logged.level().to_string(),
            text: logged.args().to_string(),
        });
    }

    fn flush(&self) {}
}
