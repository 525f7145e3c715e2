//! The end of a server whose owner, the process that started it, ends in whatever way.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Reads lines, the last of which says what runs: the signal that stops a server, and its process number, or
/// nothing. At the end of the input, stops the server and removes the folder.
///
/// A server that has ended may remain as a zombie, if nobody waits for it. A program that runs in the folder at
/// the end, such as `initdb`, may still add files.
const SCRIPT: &str = r#"
signal= server=
while read -r next number; do signal=$next server=$number; done
exec 2>/dev/null
if [ -n "$server" ]; then
    kill -s "$signal" "$server"
    tries=0
    while kill -0 "$server" && ! grep -q '^State:.Z' "/proc/$server/status" && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ "$tries" -lt 100 ] || kill -s KILL "$server"
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

    /// At the end of the owner, the signal is sent to this server.
    pub(crate) fn watch(&mut self, signal: &str, server: u32) -> io::Result<()> {
        self.write(&format!("{signal} {server}\n"))
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
