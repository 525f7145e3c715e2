//! What is checked at the end, and the table of figures.

use std::fmt::Display;
use std::process::ExitCode;

use lark_events_sim::{PlatformStats, ProtocolViolation};
use lark_events_ws::Stats;

use crate::ledger::Ledger;
use crate::settings::{MAX_GROWTH_PERCENT, MIN_ACKED_PERCENT, MIN_REPLIES_PERCENT};

/// Violations that are printed; more are counted only.
const MAX_SHOWN: usize = 20;

#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) memory: Memory,
    pub(crate) tasks: Tasks,
    /// Of all connections, and of the platform.
    pub(crate) stats: Stats,
    pub(crate) platform: PlatformStats,
    /// How many connections came and went.
    pub(crate) passed: usize,
    failed: usize,
}

/// Resident memory in KiB, where the system tells it.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) at_mark: Option<u64>,
    pub(crate) at_end: Option<u64>,
}

/// Alive tasks.
#[derive(Default)]
pub(crate) struct Tasks {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Verdict {
    /// Prints what was checked, and why it is not so.
    pub(crate) fn check(&mut self, what: &str, is_so: bool, otherwise: impl FnOnce() -> String) {
        if is_so {
            println!("ok      {what}");
        } else {
            self.failed += 1;
            println!("FAILED  {what}: {}", otherwise());
        }
    }

    pub(crate) fn violations(&mut self, violations: &[ProtocolViolation]) {
        let none = violations.is_empty();
        self.check("the connections kept to the protocol", none, || {
            violations.len().to_string()
        });
        for violation in violations.iter().take(MAX_SHOWN) {
            println!("        {violation}");
        }
    }

    /// Checks what is left, and prints the table.
    pub(crate) fn end(mut self, ledger: &Ledger) -> ExitCode {
        let described = ledger.described();
        let wrong = ledger.figures.wrong.get();
        self.check("what was acknowledged was handled", wrong == 0, || {
            format!("{wrong} times otherwise")
        });
        for what in described {
            println!("        {what}");
        }
        let figures = &ledger.figures;
        let panics = figures.other_panics.get();
        self.check("nothing else panicked", panics == 0, || panics.to_string());

        let hopeful = figures.pushed.get() - figures.hopeless.get();
        let acked = figures.acked.get();
        let enough = |part, all, percent| all > 0 && 100 * part >= percent * all;
        let is_so = enough(acked, hopeful, MIN_ACKED_PERCENT);
        self.check("events were acknowledged in the end", is_so, || {
            format!("{acked} of {hopeful}")
        });
        let (replies, callbacks) = (figures.replies.get(), figures.callbacks.get());
        let is_so = enough(replies, callbacks, MIN_REPLIES_PERCENT);
        self.check("callbacks were replied to", is_so, || {
            format!("{replies} of {callbacks}")
        });
        self.check_memory();
        let Tasks { before, after } = self.tasks;
        self.check("all tasks have ended", after <= before, || {
            format!("{before} before, {after} now")
        });

        self.table(ledger);
        if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn check_memory(&mut self) {
        let what = "memory stays where it is";
        let Memory {
            at_mark: Some(at_mark),
            at_end: Some(at_end),
        } = self.memory
        else {
            println!("skipped {what}: it takes two minutes to settle, and Linux to be read");
            return;
        };
        let most = at_mark * (100 + MAX_GROWTH_PERCENT) / 100;
        self.check(what, at_end <= most, || {
            format!("{at_mark} KiB at the mark, {at_end} KiB at the end")
        });
    }

    fn table(&self, ledger: &Ledger) {
        let (figures, stats) = (&ledger.figures, &self.stats);
        let kib = |kib: Option<u64>| kib.map_or("unknown".to_owned(), |kib| format!("{kib} KiB"));
        println!();
        row("events pushed", figures.pushed.get());
        row("  held back", figures.held_back.get());
        row("  never to succeed", figures.hopeless.get());
        row("  acknowledged in the end", figures.acked.get());
        row("callbacks pushed", figures.callbacks.get());
        row("  replied to", figures.replies.get());
        row("attempts", self.platform.attempts);
        row("  acknowledged", self.platform.accepted);
        row("  acknowledged too late", self.platform.late_acks);
        row("  redelivered", figures.redelivered.get());
        row("handlers started", figures.runs.get());
        row("  succeeded", figures.handled.get());
        row("  failed", figures.failures.get());
        row("  panicked", figures.panics.get());
        row("  cancelled", stats.cancelled);
        row("events received", stats.events);
        row("  answered with success", stats.acked);
        row("  answered with failure", stats.failed);
        row("    for the deadline", stats.deadline_missed);
        row("    for overload or a drain", stats.overloaded);
        row("  not answered", stats.unsent);
        row("messages ignored", stats.ignored);
        row("fragments dropped", stats.fragments_dropped);
        row("reconnects", stats.reconnects);
        row("connections that came and went", self.passed);
        row("upgrades refused", self.platform.refused_upgrades);
        row("answers to garbage", self.platform.violations);
        row("memory at the mark", kib(self.memory.at_mark));
        row("memory at the end", kib(self.memory.at_end));
        row(
            "tasks before and after",
            format_args!("{}, {}", self.tasks.before, self.tasks.after),
        );
    }
}

fn row(what: &str, figure: impl Display) {
    println!("{what:<32}{figure:>12}");
}
