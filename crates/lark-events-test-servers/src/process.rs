//! A server as a process: its folder, its log, its start and its end.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio, id};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime};

use crate::account::Account;
use crate::guard::Guard;

/// How long a server may take for a step: much longer than on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a server.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);
/// The part of a log that an error contains.
const TAIL: usize = 4000;

/// Waits for a line, and then becomes the server. So the guard knows the process before the server starts.
const START: &str = r#"read -r _ && exec "$0" "$@" </dev/null"#;

/// A server that may run or not, and its folder. Both end with this value.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    /// For servers that do not run as root.
    account: Option<Account>,
    /// Stops the server at once.
    signal: &'static str,
    /// Whether its children get that signal too.
    is_group: bool,
    guard: Mutex<Guard>,
    process: Mutex<Option<Child>>,
    pub(crate) is_frozen: AtomicBool,
}

impl Server {
    pub(crate) fn new(name: &str, signal: &'static str) -> Result<Self, String> {
        let folder = env::temp_dir().join(unique(name));
        let failed = |error| format!("{}: {error}", folder.display());
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(failed)?;
        let guard = Guard::new(&folder).map_err(failed)?;
        // This process is root if a file of its own belongs to root.
        let is_root = fs::metadata(&folder).map_err(failed)?.uid() == 0;
        let account = is_root.then(Account::ordinary).transpose()?;
        if let Some(account) = account {
            account.owns(&folder).map_err(failed)?;
        }
        Ok(Self {
            folder,
            account,
            signal,
            is_group: false,
            guard: Mutex::new(guard),
            process: Mutex::default(),
            is_frozen: AtomicBool::new(false),
        })
    }

    /// Its children do not end on their own when it does: they get the same signal.
    #[cfg(feature = "browser")]
    pub(crate) fn with_children(mut self) -> Self {
        self.is_group = true;
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// All that the server has logged.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// An error with the end of the log.
    pub(crate) fn error(&self, text: &str) -> String {
        let log = self.log();
        let tail = log.ceil_char_boundary(log.len().saturating_sub(TAIL));
        format!("{text}; the end of its log:\n{}", &log[tail..])
    }

    /// A program under the account and in the folder of the server, without the variables of this process.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", &self.folder).env("LC_ALL", "C");
        // What a program leaves there is removed with the server.
        command.env("TMPDIR", &self.folder);
        command.current_dir(&self.folder);
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        command
    }

    /// Runs a program to its end. Returns its output.
    pub(crate) fn run(
        &self,
        program: &Path,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, String> {
        let failed = |error| format!("{}: {error}", program.display());
        let mut process = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let pipe = process.stdin.take();
        let output = thread::scope(|scope| {
            // A program may write output before it has read all its input. One that fails early does not read the
            // input; its status shows the failure.
            scope.spawn(|| pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
            process.wait_with_output()
        });
        let output = output.map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "{}: {}: {}",
            program.display(),
            output.status,
            said.trim_end()
        ))
    }

    /// Starts the server, and waits until the function says of its process number that it is ready.
    pub(crate) fn start(
        &self,
        program: &Path,
        arguments: &[&str],
        is_ready: impl Fn(u32) -> bool,
    ) -> Result<(), String> {
        let mut process = lock(&self.process);
        if process.is_some() {
            return Err(format!("{} runs already: stop it first", program.display()));
        }
        let mut child = self
            .spawn(program, arguments)
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let number = child.id();
        let mut ended = None;
        let is_ready = wait_until(|| {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || is_ready(number)
        });
        if let Some(status) = ended {
            let _ = lock(&self.guard).forget();
            return Err(self.error(&format!("{} ended: {status}", program.display())));
        }
        // It belongs to this value now, ready or not.
        *process = Some(child);
        if is_ready {
            return Ok(());
        }
        Err(self.error(&format!(
            "{} is not ready after {PATIENCE:?}",
            program.display()
        )))
    }

    fn spawn(&self, program: &Path, arguments: &[&str]) -> io::Result<Child> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut child = self
            .command(Path::new("/bin/sh"))
            .args(["-c", START])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let pipe = child.stdin.take();
        let watched = lock(&self.guard).watch(self.signal, child.id(), self.is_group);
        let started = watched.and_then(|()| pipe.map_or(Ok(()), |mut it| it.write_all(b"start\n")));
        if let Err(error) = started {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(child)
    }

    /// The number of the process, if the server runs.
    pub(crate) fn number(&self) -> Option<u32> {
        lock(&self.process).as_ref().map(Child::id)
    }

    /// Sends a signal to the server, and waits for its end.
    pub(crate) fn stop(&self, name: &str) -> Result<(), String> {
        let mut process = lock(&self.process);
        let Some(child) = process.as_mut() else {
            return Ok(());
        };
        signal(name, &[child.id()])?;
        if ended(child).is_none() {
            return Err(self.error(&format!(
                "the server still runs {PATIENCE:?} after SIG{name}"
            )));
        }
        *process = None;
        let _ = lock(&self.guard).forget();
        Ok(())
    }

    /// Kills the server and its children, and waits until all have ended.
    pub(crate) fn kill(&self) -> Result<(), String> {
        let mut process = lock(&self.process);
        let Some(child) = process.as_mut() else {
            return Ok(());
        };
        // It starts no other child.
        signal("STOP", &[child.id()])?;
        let mut family: Vec<_> = children(child.id())?.iter().map(|it| it.number).collect();
        family.push(child.id());
        signal("KILL", &family)?;
        let _ = child.wait();
        *process = None;
        self.is_frozen.store(false, Ordering::SeqCst);
        let _ = lock(&self.guard).forget();
        let mut error = None;
        let are_gone = wait_until(|| match running() {
            Ok(running) => !running
                .iter()
                .any(|it| family.contains(&it.number) && !it.is_zombie()),
            Err(found) => {
                error = Some(found);
                true
            }
        });
        match error {
            Some(error) => Err(error),
            None if are_gone => Ok(()),
            None => Err(self.error(&format!(
                "processes of the server still run {PATIENCE:?} after SIGKILL"
            ))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut guard = lock(&self.guard);
        guard.end();
        if let Some(mut child) = lock(&self.process).take()
            && ended(&mut child).is_none()
        {
            let _ = child.kill();
            let _ = child.wait();
        }
        guard.wait();
    }
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) number: u32,
    parent: u32,
    state: String,
    pub(crate) title: String,
}

impl Running {
    /// Of a line of `ps`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        Some(Self {
            number: words.next()?.parse().ok()?,
            parent: words.next()?.parse().ok()?,
            state: words.next()?.to_owned(),
            title: words.collect::<Vec<_>>().join(" "),
        })
    }

    fn is_zombie(&self) -> bool {
        self.state.starts_with('Z')
    }

    /// By SIGSTOP.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state.starts_with('T')
    }
}

fn running() -> Result<Vec<Running>, String> {
    let columns = ["-o", "pid=", "-o", "ppid=", "-o", "stat=", "-o", "args="];
    let output = Command::new("ps").arg("-A").args(columns).output();
    let output = output.map_err(|error| format!("ps: {error}: apt-get install procps"))?;
    if !output.status.success() {
        return Err(format!("ps: {}", output.status));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    Ok(lines.lines().filter_map(Running::parse).collect())
}

pub(crate) fn children(parent: u32) -> Result<Vec<Running>, String> {
    let mut running = running()?;
    running.retain(|it| it.parent == parent);
    Ok(running)
}

/// Sends a signal, such as `KILL`.
pub(crate) fn signal(name: &str, processes: &[u32]) -> Result<(), String> {
    let output = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$0" "$@""#, name])
        .args(processes.iter().map(ToString::to_string))
        .output()
        .map_err(|error| format!("kill: {error}"))?;
    // A process of a group may have ended on its own.
    if output.status.success() || processes.len() > 1 {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("kill -s {name}: {}", said.trim_end()))
}

/// Waits for the end of a process.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(|| {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    status
}

/// Whether it came true in time.
pub(crate) fn wait_until(mut is_true: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        sleep(PAUSE);
    }
    true
}

fn unique(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!(
        "lark-events-{name}-{}-{count}-{:x}",
        id(),
        now.subsec_nanos()
    )
}

/// The value, or a panic with the error.
#[track_caller]
pub(crate) fn check<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// The state of a server is right even if a test panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
