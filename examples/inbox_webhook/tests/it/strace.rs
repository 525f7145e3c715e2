//! Durability as the system calls of a process show it: an acknowledgement follows a sync of the log that
//! follows the last write to the log.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::PATIENCE;

/// Runs a command under strace; `None` where that is not possible. The process of the command is the
/// child, and strace a child of that.
pub(crate) fn traced(command: &Command, trace: &Path) -> Option<Command> {
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-y", "-s", "24"]);
    strace.args([
        "-e",
        "trace=pwrite64,write,fdatasync,fsync,sendto,writev,sendmsg",
    ]);
    strace.arg("-o").arg(trace);
    let mut probe = Command::new("strace");
    let probed = probe.args(["-D", "-f", "-o", "/dev/null", "true"]).output();
    if !probed.is_ok_and(|probed| probed.status.success()) {
        return None;
    }
    strace.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    Some(strace)
}

/// Reads the trace of a process that has exited, once it is whole.
pub(crate) fn read(trace: &Path) -> String {
    let began = std::time::Instant::now();
    loop {
        let text = std::fs::read(trace).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().last().unwrap_or_default();
        if text.ends_with('\n') && last.contains("+++ exited with 0 +++") {
            return text.into_owned();
        }
        assert!(began.elapsed() < PATIENCE, "the trace ends with {last}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a trace shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The acknowledgements.
    pub(crate) all: usize,
    /// Those with a write to the log since the one before.
    pub(crate) after_a_write: usize,
}

/// Checks that the log is on disk whenever an acknowledgement is sent. The calls must be those of one
/// event after the other: while the next is being written, nothing can be said of the one before.
pub(crate) fn check(trace: &str) -> Result<Acknowledged, String> {
    let mut acknowledged = Acknowledged::default();
    let (mut is_dirty, mut has_written) = (false, false);
    // The writes when each thread's sync began.
    let (mut writes, mut syncs) = (0_usize, HashMap::<&str, usize>::new());
    for line in trace.lines() {
        let (thread, call) = line.trim_start().split_once(' ').unwrap_or(("", line));
        let call = call.trim_start();
        let name = call.strip_prefix("<... ").unwrap_or(call);
        let name = name.split(['(', ' ']).next().unwrap_or_default();
        let begins = !call.starts_with("<... ");
        let of_the_log = call.contains("-wal>");
        match name {
            "pwrite64" | "write" if begins && of_the_log => {
                writes += 1;
                (is_dirty, has_written) = (true, true);
            }
            "fdatasync" | "fsync" => {
                if begins && of_the_log {
                    syncs.insert(thread, writes);
                }
                let Some(before) = syncs.get(thread).copied() else {
                    continue;
                };
                if call.ends_with("= 0") {
                    syncs.remove(thread);
                    is_dirty &= before < writes;
                }
            }
            "sendto" | "writev" | "sendmsg" | "write"
                if begins && call.contains("\"HTTP/1.1 200") =>
            {
                if is_dirty {
                    return Err(format!("acknowledged before the log is on disk: {line}"));
                }
                acknowledged.all += 1;
                acknowledged.after_a_write += usize::from(has_written);
                has_written = false;
            }
            _ => {}
        }
    }
    Ok(acknowledged)
}

#[test]
fn the_order_of_the_calls_decides() {
    let write = "7 pwrite64(9</d/e.db-wal>, \"\\0\"..., 4096, 32) = 4096";
    let sync = "7 fdatasync(9</d/e.db-wal>) = 0";
    let begun = "7 fdatasync(9</d/e.db-wal> <unfinished ...>";
    let resumed = "7 <... fdatasync resumed>) = 0";
    let failed = "7 fdatasync(9</d/e.db-wal>) = -1 EIO (Input/output error)";
    let other = "7 fdatasync(8</d/e.db>) = 0";
    let answer =
        "8 sendto(11<socket:[5]>, \"HTTP/1.1 200 OK\\r\\n\"..., 99, MSG_NOSIGNAL, NULL, 0) = 99";
    let refusal = "8 writev(11<socket:[5]>, [{iov_base=\"HTTP/1.1 500 In\"..., iov_len=9}], 1) = 9";
    let check = |calls: &[&str]| {
        let checked = check(&calls.join("\n")).ok()?;
        Some((checked.all, checked.after_a_write))
    };
    assert_eq!(check(&[write, sync, answer, answer]), Some((2, 1)));
    assert_eq!(check(&[write, begun, resumed, answer]), Some((1, 1)));
    assert_eq!(check(&[write, refusal]), Some((0, 0)));
    for early in [
        [write, answer, sync].as_slice(),
        &[sync, write, answer],
        &[write, begun, answer, resumed],
        &[write, begun, write, resumed, answer],
        &[write, failed, answer],
        &[write, other, answer],
    ] {
        assert_eq!(check(early), None, "{early:?}");
    }
}
