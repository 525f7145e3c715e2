//! Faults that happen once, or with a probability: `lose-answer`, `delay:2s`, `disconnect@0.1`.

use std::fmt;
use std::str::FromStr;

use lark_events_sim::{Fault, InjectedFault, ParseFaultErrorKind, Platform};

/// The faults, for help.
pub(crate) const NAMES: &str = "\
Faults, with their default values:
  any attempt           lose-event, lose-answer, delay:1s, duplicate:100ms, reorder
  webhook               clock-skew:600 (seconds ahead)
  long connection       garbage-frame, repeat-fragment, disconnect, close, half-open
  fragmented event      shuffle-fragments, spread-fragments:100ms, lose-fragment
  new connection        endpoint:1 (code), endpoint-status:503, endpoint-silent,
                        refuse-upgrade:514 (Handshake-Status) or 514/1000040350 (auth code),
                        upgrade-status:503, upgrade-silent, accept-half-open
  call of the API       api:400/99991663 (status and code), api-status:503,
                        api-limit:429/1 (status and seconds), api-reset,
                        api-lose-answer, api-silent";

/// A fault that happens once, or with a probability at each opportunity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Named {
    pub(crate) fault: Fault,
    pub(crate) probability: Option<f64>,
}

impl Named {
    pub(crate) fn inject(self, platform: &Platform) {
        match self.probability {
            Some(probability) => platform.inject_lasting(self.fault, probability),
            None => platform.inject(self.fault),
        }
    }
}

/// As it is written in commands.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        match self.probability {
            Some(probability) => write!(f, "@{probability}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse::<InjectedFault>();
        let InjectedFault {
            fault, probability, ..
        } = parsed.map_err(|error| match error.kind() {
            ParseFaultErrorKind::Probability => error.to_string(),
            _ => format!("{error}\n\n{NAMES}"),
        })?;
        Ok(Self { fault, probability })
    }
}

impl From<Named> for InjectedFault {
    fn from(named: Named) -> Self {
        match named.probability {
            Some(probability) => Self::lasting(named.fault, probability),
            None => Self::once(named.fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_fault_in_the_help_can_be_named() {
        let names = NAMES
            .lines()
            .skip(1)
            .flat_map(|line| line[24..].split(", "));
        let names = names.map(|name| name.trim_end_matches(',').split(" (").next().unwrap());
        let faults: Vec<_> = names
            .map(|name| (name, name.split(" or ").next().unwrap().parse::<Named>()))
            .collect();
        assert_eq!(faults.len(), 27);
        for (name, fault) in faults {
            assert!(fault.is_ok(), "{name}: {fault:?}");
        }
    }

    #[test]
    fn a_fault_has_a_value_and_a_probability_if_given() {
        let named = |text: &str| text.parse::<Named>();
        let delay = Named {
            fault: Fault::Delay(Duration::from_secs(2)),
            probability: Some(0.1),
        };
        assert_eq!(named("delay:2s@0.1"), Ok(delay));
        let refused = Fault::RefuseUpgrade(514, 1_000_040_350);
        assert_eq!(
            named("refuse-upgrade:514/1000040350").unwrap().fault,
            refused
        );
        for text in [
            "tea",
            "close:1",
            "delay:2",
            "close@1.1",
            "close@-1",
            "close@NaN",
            "endpoint-status:99",
            "refuse-upgrade:x",
            "clock-skew:x",
        ] {
            assert!(named(text).is_err(), "{text}");
        }
    }
}
