//! The names of all faults with their usual values, read from the help of the command, so that both agree.

use serde::Serialize;

use crate::serve::fault::NAMES;

/// The width of the labels in the help.
const LABEL_WIDTH: usize = 24;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) names: Vec<Name>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Name {
    pub(crate) name: String,
    /// The value without one.
    pub(crate) usual: Option<String>,
}

pub(crate) fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in NAMES.lines().skip(1) {
        let Some((label, names)) = line.split_at_checked(LABEL_WIDTH) else {
            continue;
        };
        let label = label.trim();
        if !label.is_empty() {
            groups.push(Group {
                label: label.to_owned(),
                names: Vec::new(),
            });
        }
        if let Some(group) = groups.last_mut() {
            group.names.extend(names.split(", ").map(name));
        }
    }
    groups
}

/// The name in front of a comment or of an alternative.
fn name(text: &str) -> Name {
    let text = text
        .trim_end_matches(',')
        .split(' ')
        .next()
        .unwrap_or_default();
    let (name, usual) = match text.split_once(':') {
        Some((name, usual)) => (name, Some(usual.to_owned())),
        None => (text, None),
    };
    Name {
        name: name.to_owned(),
        usual,
    }
}

#[cfg(test)]
mod tests {
    use lark_events_sim::Fault;

    use super::*;

    #[test]
    fn every_fault_is_in_a_group_and_can_be_parsed() {
        let groups = groups();
        let labels: Vec<_> = groups.iter().map(|group| group.label.as_str()).collect();
        let expected = [
            "any attempt",
            "webhook",
            "long connection",
            "fragmented event",
            "new connection",
            "call of the API",
        ];
        assert_eq!(labels, expected);
        let names: Vec<_> = groups.iter().flat_map(|group| &group.names).collect();
        assert!(names.len() >= 27, "{names:?}");
        for Name { name, usual } in names {
            let usual = usual.as_ref().map(|value| format!(":{value}"));
            let text = format!("{name}{}", usual.unwrap_or_default());
            let parsed: Result<Fault, _> = name.parse();
            assert_eq!(parsed, text.parse(), "{text}");
            assert!(parsed.is_ok(), "{text}");
        }
    }
}
