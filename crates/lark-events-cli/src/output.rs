//! What is printed, and how: for people, or as JSON for machines.

use std::env;
use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use clap::{Args, ColorChoice};
use serde::Serialize;

/// What is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Names that can be typed: event types, commands.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// What stands out: headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// How results are printed. They go to stdout, all else to stderr.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Print JSON, one value per line, for machines.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// When to use colours: `auto` is on a terminal, unless `NO_COLOR` is set.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: ColorChoice,
}

impl Output {
    /// Prints a result, and ends its line.
    pub(crate) fn print(self, text: impl Display) -> io::Result<()> {
        self.print_bytes(format!("{text}\n").as_bytes())
    }

    /// Prints a result as it is.
    pub(crate) fn print_bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Prints a result for machines, on a line of its own.
    pub(crate) fn print_json(self, value: &impl Serialize) -> io::Result<()> {
        self.print(serde_json::to_string(value)?)
    }

    /// The text of a result in a style, where there are colours.
    pub(crate) fn paint(self, style: Style, text: impl Display) -> String {
        if self.is_coloured(&io::stdout()) {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    /// Tells people something beside the result.
    pub(crate) fn note(self, text: impl Display) {
        say(format_args!("lark-events: {text}\n"));
    }

    /// Says on a terminal what takes its time, until something else is said in its place.
    pub(crate) fn busy_with(self, what: impl Display) {
        if io::stderr().is_terminal() && !is_dumb() {
            say(format_args!("\r\u{1b}[K{what}"));
        }
    }

    /// Prints an error and what caused it.
    pub(crate) fn error(self, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        let label = if self.is_coloured(&io::stderr()) {
            format!("{BAD}lark-events:{BAD:#}")
        } else {
            "lark-events:".to_owned()
        };
        say(format_args!("{label} {text}\n"));
    }

    fn is_coloured(self, stream: &impl io::IsTerminal) -> bool {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb(),
        }
    }
}

/// Says what is waited for, where it has to be typed.
pub(crate) fn hint_if_typed(what: &str) {
    if io::stdin().is_terminal() {
        say(format_args!(
            "lark-events: reading {what} from the terminal; Ctrl-D ends it\n"
        ));
    }
}

/// A verdict stands whether anybody reads on or not.
pub(crate) fn even_if_unread(printed: io::Result<()>) -> io::Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Writes to stderr; when that is closed there is nobody left to tell.
fn say(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(text);
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}
