//! The commands that are typed while the platform runs, or read from scripts.

use std::fmt;
use std::str::FromStr;

use lark_events_sim::{ParseSpanError, Span};

use super::control::Ids;
use super::fault::Named;
use super::pushable::Pushable;
use super::words::words;

/// The commands, for help.
pub(crate) const COMMANDS: &str = "\
Commands, one per line, typed or in a script; quotes and # work as in a shell:
  push TYPE [PATH=VALUE]…  push an event of the catalogue, with these values in its body
                           (+PATH=VALUE for a path that is not a known field)
  show N                   show all attempts of delivery N, with what was sent and answered
  resend N [same|new]      push the event of delivery N again: the same one, or as a new event
  fault NAME               inject a fault once; NAME@0.1 injects it with this probability
  faults                   list the faults in effect
  calm [NAME]              remove all faults, or one, named as faults lists it
  wait TIME                wait for a time, such as 5s
  wait connected           wait until the webhook is set or a long connection is open
  wait delivered           wait until no delivery is pending
  stats                    show the counts so far
  events [TEXT]            list the events of the catalogue, as lark-events events does
  help                     list these commands
  quit                     stop, as Ctrl-D does; if typed, also during a wait";

#[derive(Debug)]
pub(crate) enum Command {
    Push(Pushable),
    Show(usize),
    Resend(usize, Ids),
    Fault(Named),
    Faults,
    /// All faults, or one.
    Calm(Option<Named>),
    Wait(Wait),
    Stats,
    /// Those that match a pattern.
    Events(String),
    Help,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    For(Span),
    Connected,
    Delivered,
}

impl Command {
    /// Parses a line; `None` if it is empty.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, String> {
        let words = words(line)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let command = match words.as_slice() {
            [] => return Ok(None),
            ["push", event @ ..] if !event.is_empty() => Self::Push(Pushable::parse(event)?),
            ["show", delivery] => Self::Show(number(delivery)?),
            ["resend", delivery] => Self::Resend(number(delivery)?, Ids::Same),
            ["resend", delivery, "same"] => Self::Resend(number(delivery)?, Ids::Same),
            ["resend", delivery, "new"] => Self::Resend(number(delivery)?, Ids::New),
            ["fault", name] => Self::Fault(name.parse()?),
            ["faults"] => Self::Faults,
            ["calm"] => Self::Calm(None),
            ["calm", name] => Self::Calm(Some(name.parse()?)),
            ["wait", what] => Self::Wait(
                what.parse()
                    .map_err(|error: ParseSpanError| error.to_string())?,
            ),
            ["stats"] => Self::Stats,
            ["events", text @ ..] => Self::Events(text.join(" ")),
            ["help"] => Self::Help,
            ["quit"] => Self::Quit,
            _ => {
                return Err(format!(
                    "unknown command: {}; type help for a list",
                    words.join(" ")
                ));
            }
        };
        Ok(Some(command))
    }

    /// Parses all lines of a script; an error names the line.
    pub(crate) fn parse_script(script: &str) -> Result<Vec<Self>, String> {
        let lines = script.lines().enumerate();
        let commands = lines.filter_map(|(at, line)| {
            let command = Self::parse(line).map_err(|error| format!("line {}: {error}", at + 1));
            command.transpose()
        });
        commands.collect()
    }
}

/// The number of a delivery: `3` or `#3`, though `#` has to be in quotes.
fn number(text: &str) -> Result<usize, String> {
    let number = text.strip_prefix('#').unwrap_or(text).parse();
    number.map_err(|_| format!("expected the number of a delivery, such as 3, got {text}"))
}

impl FromStr for Wait {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "connected" => Ok(Self::Connected),
            "delivered" => Ok(Self::Delivered),
            time => time.parse().map(Self::For),
        }
    }
}

/// The object of "waiting for".
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(Span(time)) => write!(f, "{time:?} to pass"),
            Self::Connected => f.write_str("the webhook or a long connection"),
            Self::Delivered => f.write_str("pending deliveries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_in_the_help_is_one() {
        let lines = COMMANDS.lines().skip(1);
        for line in lines.filter(|line| !line.starts_with("   ")) {
            let line = line[..27].replace(['[', ']', '…'], "");
            let line = line.replace(
                "TYPE PATH=VALUE",
                "im.message.receive_v1 message.chat_id=oc_1",
            );
            let line = line
                .replace("N same|new", "3 new")
                .replace("show N", "show 3");
            let line = line.replace("TIME", "2s").replace("NAME", "close@0.1");
            assert!(matches!(Command::parse(&line), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn a_script_is_commands_and_its_errors_name_the_line() {
        let script = "# at first\n\nwait connected # a client\nfault close\nquit\n";
        assert_eq!(Command::parse_script(script).unwrap().len(), 3);
        for (line, error) in [
            ("push tea", "no event tea"),
            ("push im.message.receive_v1 x", "x has no `=`"),
            (
                "push im.message.receive_v1 mesage.chat_id=x",
                "similar: message.chat_id; to add it anyway",
            ),
            ("wait tea", "expected a time"),
            ("fault tea", "unknown fault tea"),
            ("show", "unknown command"),
            (
                "show tea",
                "expected the number of a delivery, such as 3, got tea",
            ),
            ("resend 1 tea", "unknown command"),
            ("calm tea", "unknown fault tea"),
            ("quit now", "unknown command"),
        ] {
            let all = Command::parse_script(&format!("stats\n{line}")).unwrap_err();
            assert!(all.starts_with("line 2: "), "{all}");
            assert!(all.contains(error), "{all}");
        }
    }
}
