//! Faults as text: `lose-answer`, `delay:2s`, `refuse-upgrade:514/1000040350`.

use std::fmt;
use std::str::FromStr;

use super::{Fault, STATUSES};
use crate::span::Span;

/// Writes the fault's name in lower case, and its value after a colon: a time like a [`Span`], a
/// status or code as a number.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LoseEvent => f.write_str("lose-event"),
            Self::LoseAnswer => f.write_str("lose-answer"),
            Self::Delay(time) => write!(f, "delay:{}", Span(time)),
            Self::Duplicate(after) => write!(f, "duplicate:{}", Span(after)),
            Self::Reorder => f.write_str("reorder"),
            Self::ClockSkew(seconds) => write!(f, "clock-skew:{seconds}"),
            Self::GarbageFrame => f.write_str("garbage-frame"),
            Self::ShuffleFragments => f.write_str("shuffle-fragments"),
            Self::SpreadFragments(gap) => write!(f, "spread-fragments:{}", Span(gap)),
            Self::LoseFragment => f.write_str("lose-fragment"),
            Self::RepeatFragment => f.write_str("repeat-fragment"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::Close => f.write_str("close"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::AcceptHalfOpen => f.write_str("accept-half-open"),
            Self::Endpoint(code) => write!(f, "endpoint:{code}"),
            Self::EndpointStatus(status) => write!(f, "endpoint-status:{status}"),
            Self::EndpointSilent => f.write_str("endpoint-silent"),
            Self::RefuseUpgrade(status, 0) => write!(f, "refuse-upgrade:{status}"),
            Self::RefuseUpgrade(status, code) => write!(f, "refuse-upgrade:{status}/{code}"),
            Self::UpgradeStatus(status) => write!(f, "upgrade-status:{status}"),
            Self::UpgradeSilent => f.write_str("upgrade-silent"),
            Self::Api(status, code) => write!(f, "api:{status}/{code}"),
            Self::ApiLimit(status, None) => write!(f, "api-limit:{status}"),
            Self::ApiLimit(status, Some(reset)) => write!(f, "api-limit:{status}/{reset}"),
            Self::ApiStatus(status) => write!(f, "api-status:{status}"),
            Self::ApiReset => f.write_str("api-reset"),
            Self::ApiLoseAnswer => f.write_str("api-lose-answer"),
            Self::ApiSilent => f.write_str("api-silent"),
        }
    }
}

/// Parses the text that [`Display`](fmt::Display) writes. A missing value has a default: `delay:1s`,
/// `duplicate:100ms`, `clock-skew:600`, `spread-fragments:100ms`, `endpoint:1`, `refuse-upgrade:514`,
/// `api:400/99991663`, `api-limit:429/1`, and 503 for a status.
///
/// ```
/// use std::time::Duration;
/// use lark_events_sim::Fault;
///
/// assert_eq!("delay:2s".parse(), Ok(Fault::Delay(Duration::from_secs(2))));
/// assert_eq!("endpoint-status".parse(), Ok(Fault::EndpointStatus(503)));
/// assert_eq!(Fault::LoseAnswer.to_string(), "lose-answer");
/// assert!("close:1".parse::<Fault>().is_err());
/// ```
impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let error = |kind| ParseFaultError {
            text: text.to_owned(),
            kind,
        };
        let time = |usual| {
            let span = value.unwrap_or(usual).parse::<Span>();
            span.map(|Span(time)| time)
                .map_err(|_| error(ParseFaultErrorKind::Time))
        };
        let number = |usual| match value {
            Some(value) => value
                .parse::<i64>()
                .map_err(|_| error(ParseFaultErrorKind::Number)),
            None => Ok(usual),
        };
        let status = || {
            let status = u16::try_from(number(503)?).ok();
            let status = status.filter(|status| STATUSES.contains(status));
            status.ok_or_else(|| error(ParseFaultErrorKind::Status))
        };
        let fault = match name {
            "delay" => return time("1s").map(Self::Delay),
            "duplicate" => return time("100ms").map(Self::Duplicate),
            "clock-skew" => return number(600).map(Self::ClockSkew),
            "spread-fragments" => return time("100ms").map(Self::SpreadFragments),
            "endpoint" => return number(1).map(Self::Endpoint),
            "endpoint-status" => return status().map(Self::EndpointStatus),
            "upgrade-status" => return status().map(Self::UpgradeStatus),
            "refuse-upgrade" => {
                let value = value.unwrap_or("514");
                let (status, code) = value.split_once('/').unwrap_or((value, "0"));
                let parsed = status.parse().ok().zip(code.parse().ok());
                let (status, code) =
                    parsed.ok_or_else(|| error(ParseFaultErrorKind::HandshakeStatus))?;
                return Ok(Self::RefuseUpgrade(status, code));
            }
            "api-status" => return status().map(Self::ApiStatus),
            "api" => {
                let (status, code) = value.unwrap_or("400/99991663").split_once('/').unzip();
                let status = status.and_then(http_status);
                let parsed = status.zip(code.and_then(|code| code.parse().ok()));
                let (status, code) = parsed.ok_or_else(|| error(ParseFaultErrorKind::ApiCode))?;
                return Ok(Self::Api(status, code));
            }
            "api-limit" => {
                let value = value.unwrap_or("429/1");
                let (status, reset) = match value.split_once('/') {
                    Some((status, reset)) => (status, Some(reset.parse().ok())),
                    None => (value, None),
                };
                let limit = http_status(status).zip(match reset {
                    None => Some(None),
                    Some(reset) => reset.map(Some),
                });
                let (status, reset) = limit.ok_or_else(|| error(ParseFaultErrorKind::ApiLimit))?;
                return Ok(Self::ApiLimit(status, reset));
            }
            "lose-event" => Self::LoseEvent,
            "lose-answer" => Self::LoseAnswer,
            "reorder" => Self::Reorder,
            "garbage-frame" => Self::GarbageFrame,
            "shuffle-fragments" => Self::ShuffleFragments,
            "lose-fragment" => Self::LoseFragment,
            "repeat-fragment" => Self::RepeatFragment,
            "disconnect" => Self::Disconnect,
            "close" => Self::Close,
            "half-open" => Self::HalfOpen,
            "accept-half-open" => Self::AcceptHalfOpen,
            "endpoint-silent" => Self::EndpointSilent,
            "upgrade-silent" => Self::UpgradeSilent,
            "api-reset" => Self::ApiReset,
            "api-lose-answer" => Self::ApiLoseAnswer,
            "api-silent" => Self::ApiSilent,
            _ => return Err(error(ParseFaultErrorKind::Unknown)),
        };
        match value {
            Some(_) => Err(error(ParseFaultErrorKind::NoValue)),
            None => Ok(fault),
        }
    }
}

fn http_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| STATUSES.contains(status))
}

/// The error of parsing a [`Fault`] or an [`InjectedFault`](super::InjectedFault).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFaultError {
    text: String,
    kind: ParseFaultErrorKind,
}

/// The kinds of [`ParseFaultError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseFaultErrorKind {
    /// No fault has this name.
    Unknown,
    /// The fault takes no value.
    NoValue,
    /// The value is not a time.
    Time,
    /// The value is not a number.
    Number,
    /// The value is not a status from 200 to 599.
    Status,
    /// The value is not a `Handshake-Status`, with or without a `Handshake-Autherrcode`.
    HandshakeStatus,
    /// The value is not a status from 200 to 599, `/` and a code.
    ApiCode,
    /// The value is not a status from 200 to 599, with or without `/` and seconds.
    ApiLimit,
    /// The text after `@` is not a number from 0 to 1.
    Probability,
}

impl ParseFaultError {
    pub(super) fn probability(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            kind: ParseFaultErrorKind::Probability,
        }
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ParseFaultErrorKind {
        self.kind
    }
}

impl fmt::Display for ParseFaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, kind } = self;
        match kind {
            ParseFaultErrorKind::Unknown => write!(f, "unknown fault {text}"),
            ParseFaultErrorKind::NoValue => {
                write!(f, "{text}: this fault takes no value: remove it")
            }
            ParseFaultErrorKind::Time => {
                write!(f, "{text}: expected a time, a number and ms, s, m or h")
            }
            ParseFaultErrorKind::Number => write!(f, "{text}: expected a number"),
            ParseFaultErrorKind::Status => write!(f, "{text}: expected a status from 200 to 599"),
            ParseFaultErrorKind::HandshakeStatus => write!(
                f,
                "{text}: expected a Handshake-Status, or a Handshake-Status, `/` and a \
                 Handshake-Autherrcode"
            ),
            ParseFaultErrorKind::ApiCode => {
                write!(
                    f,
                    "{text}: expected a status from 200 to 599, `/` and a code"
                )
            }
            ParseFaultErrorKind::ApiLimit => write!(
                f,
                "{text}: expected a status from 200 to 599, or a status, `/` and seconds"
            ),
            ParseFaultErrorKind::Probability => write!(
                f,
                "{text}: expected a probability from 0 to 1 after `@`, or no `@` for a fault that \
                 happens once"
            ),
        }
    }
}

impl std::error::Error for ParseFaultError {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fault_is_written_as_it_is_read() {
        for (text, fault) in [
            ("lose-event", Fault::LoseEvent),
            ("lose-answer", Fault::LoseAnswer),
            ("delay:1s", Fault::Delay(Duration::from_secs(1))),
            (
                "duplicate:100ms",
                Fault::Duplicate(Duration::from_millis(100)),
            ),
            ("reorder", Fault::Reorder),
            ("clock-skew:-600", Fault::ClockSkew(-600)),
            ("garbage-frame", Fault::GarbageFrame),
            ("shuffle-fragments", Fault::ShuffleFragments),
            (
                "spread-fragments:0s",
                Fault::SpreadFragments(Duration::ZERO),
            ),
            ("lose-fragment", Fault::LoseFragment),
            ("repeat-fragment", Fault::RepeatFragment),
            ("disconnect", Fault::Disconnect),
            ("close", Fault::Close),
            ("half-open", Fault::HalfOpen),
            ("accept-half-open", Fault::AcceptHalfOpen),
            ("endpoint:1000040343", Fault::Endpoint(1_000_040_343)),
            ("endpoint-status:200", Fault::EndpointStatus(200)),
            ("endpoint-silent", Fault::EndpointSilent),
            ("refuse-upgrade:403", Fault::RefuseUpgrade(403, 0)),
            (
                "refuse-upgrade:514/1000040350",
                Fault::RefuseUpgrade(514, 1_000_040_350),
            ),
            ("upgrade-status:599", Fault::UpgradeStatus(599)),
            ("upgrade-silent", Fault::UpgradeSilent),
            ("api:401/99991663", Fault::Api(401, 99_991_663)),
            ("api-limit:429", Fault::ApiLimit(429, None)),
            ("api-limit:400/7", Fault::ApiLimit(400, Some(7))),
            ("api-status:502", Fault::ApiStatus(502)),
            ("api-reset", Fault::ApiReset),
            ("api-lose-answer", Fault::ApiLoseAnswer),
            ("api-silent", Fault::ApiSilent),
        ] {
            assert_eq!(fault.to_string(), text);
            assert_eq!(text.parse(), Ok(fault));
        }
    }

    #[test]
    fn a_value_that_is_left_out_is_a_usual_one() {
        for (short, full) in [
            ("delay", "delay:1s"),
            ("duplicate", "duplicate:100ms"),
            ("clock-skew", "clock-skew:600"),
            ("spread-fragments", "spread-fragments:100ms"),
            ("endpoint", "endpoint:1"),
            ("endpoint-status", "endpoint-status:503"),
            ("refuse-upgrade", "refuse-upgrade:514"),
            ("upgrade-status", "upgrade-status:503"),
            ("api", "api:400/99991663"),
            ("api-limit", "api-limit:429/1"),
            ("api-status", "api-status:503"),
        ] {
            let fault: Fault = short.parse().unwrap();
            assert_eq!(fault.to_string(), full);
        }
    }

    #[test]
    fn an_error_says_which_value_was_expected() {
        for (text, expected) in [
            ("tea", "unknown fault tea"),
            ("tea:1", "unknown fault tea:1"),
            ("", "unknown fault "),
            ("Close", "unknown fault Close"),
            ("close:1", "takes no value"),
            ("close:", "takes no value"),
            ("delay:2", "a time"),
            ("duplicate:soon", "a time"),
            ("clock-skew:x", "a number"),
            ("endpoint:", "a number"),
            ("endpoint-status:99", "from 200 to 599"),
            ("upgrade-status:600", "from 200 to 599"),
            ("upgrade-status:65999", "from 200 to 599"),
            ("refuse-upgrade:x", "Handshake-Status"),
            ("refuse-upgrade:514/", "Handshake-Status"),
            ("api:400", "and a code"),
            ("api:99/1", "and a code"),
            ("api:400/x", "and a code"),
            ("api-limit:99", "and seconds"),
            ("api-limit:429/", "and seconds"),
            ("api-limit:429/-1", "and seconds"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(text), "{error}");
        }
    }
}
