//! The end of a server whose owner, the process that started it, ends in whatever way.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Reads lines, the last of which says what runs: the signal that stops a server, the process or the process group
/// that gets it, and the server's process number, or nothing. At the end of the input, stops the server and removes
/// the folder.
///
/// A server that has ended may remain as a zombie, if nobody waits for it. A program that runs in the folder at
/// the end, such as `initdb`, may still add files.
const SCRIPT: &str = r#"
signal= target= server=
while read -r next group number; do signal=$next target=$group server=$number; done
exec 2>/dev/null
if [ -n "$server" ]; then
    kill -s "$signal" -- "$target"
    tries=0
    while kill -0 "$server" && ! grep -q '^State:.Z' "/proc/$server/status" && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ "$tries" -lt 100 ] || kill -s KILL -- "$target"
fi
tries=0
until rm -rf -- "$0" || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// A separate process that outlives its owner. The end of the owner closes the pipe between them. Other children
/// of the owner do not keep the pipe open: the standard library creates it with close-on-exec.
#[derive(Debug)]
pub(crate) struct Guard {
    process: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let mut process = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            // A test run that is piped to another program ends with the owner.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C in the terminal ends only the owner.
            .process_group(0)
            .spawn()?;
        let pipe = process.stdin.take();
        Ok(Self { process, pipe })
    }

    /// At the end of the owner, the signal is sent to this server, or to all of its process group.
    pub(crate) fn watch(&mut self, signal: &str, server: u32, is_group: bool) -> io::Result<()> {
        let sign = if is_group { "-" } else { "" };
        self.write(&format!("{signal} {sign}{server} {server}\n"))
    }

    /// The server has ended. Its number may become that of another process.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        self.write("\n")
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => pipe.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }

    /// Has the server stopped.
    pub(crate) fn end(&mut self) {
        self.pipe = None;
    }

    /// Waits until the folder is removed.
    pub(crate) fn wait(&mut self) {
        self.end();
        let _ = self.process.wait();
    }
}
