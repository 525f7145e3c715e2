//! Rust names for the platform's names, by one rule. Events have the names of the official Go SDK, which
//! users know from there.

use super::facts::Envelope;

/// Keywords of Rust, which cannot be names of fields.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that generated code uses itself. No type may have them.
const RESERVED: &[&str] = &[
    "DecodeError",
    "Deserialize",
    "EVENTS",
    "Err",
    "Event",
    "EventHeader",
    "EventInfo",
    "EventSet",
    "EventType",
    "From",
    "None",
    "Ok",
    "Option",
    "RawJson",
    "Result",
    "Schema",
    "Self",
    "Serialize",
    "Some",
    "String",
    "Validate",
    "Vec",
    "Violations",
];

/// `vc.reserve_config.updated_v1` is `ReserveConfigUpdatedV1`: the segments after the domain, words
/// that the next segment repeats said once. Events of the old envelope, which have no segments,
/// are `P1…V1`.
pub(crate) fn event_name(event_type: &str, domain: &str, envelope: Envelope) -> String {
    match envelope {
        Envelope::V1 => {
            let words = words(event_type);
            let version = match words.last() {
                Some(last) if is_version(last) => "",
                _ => "V1",
            };
            format!("P1{}{version}", join_camel(&words))
        }
        Envelope::V2 | Envelope::None => join_camel(&event_words(event_type, domain)),
    }
}

fn event_words(event_type: &str, domain: &str) -> Vec<String> {
    let after_domain = event_type
        .strip_prefix(domain)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(event_type);
    let mut name = Vec::new();
    let mut previous = Vec::new();
    for segment in after_domain.split('.') {
        let segment = words(segment);
        let repeated = (1..=segment.len())
            .rev()
            .find(|&count| previous.ends_with(&segment[..count]))
            .unwrap_or(0);
        name.extend_from_slice(&segment[repeated..]);
        previous = segment;
    }
    name
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `vc` has its events in `VcEvent`.
pub(crate) fn event_set_name(domain: &str) -> String {
    type_name(domain) + "Event"
}

/// `approval_config_event` is `ApprovalConfigEvent`.
pub(crate) fn type_name(name: &str) -> String {
    join_camel(&words(name))
}

/// `leaveEndTime` is `leave_end_time`; a keyword gets an underscore, `type_`.
pub(crate) fn field_name(name: &str) -> String {
    let snake = words(name).join("_");
    if KEYWORDS.contains(&snake.as_str()) {
        format!("{snake}_")
    } else {
        snake
    }
}

/// The sample of `ReserveConfigUpdatedV1` is `RESERVE_CONFIG_UPDATED_V1`.
pub(crate) fn constant_name(type_name: &str) -> String {
    words(type_name).join("_").to_ascii_uppercase()
}

/// Whether the name is valid for a type.
pub(crate) fn is_type_name(name: &str) -> bool {
    is_camel(name) && !RESERVED.contains(&name)
}

/// Whether the name is valid for a variant. `Unknown` is a variant of every enum.
pub(crate) fn is_variant_name(name: &str) -> bool {
    is_camel(name) && !["Self", "Unknown"].contains(&name)
}

fn is_camel(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|char| char.is_ascii_alphanumeric())
}

/// Whether the name is valid for a domain and its module.
pub(crate) fn is_domain_name(name: &str) -> bool {
    is_lower(name, '_') && !KEYWORDS.contains(&name)
}

/// Whether the name is valid for the crate of a domain. Names that begin with `lark` are for crates of
/// all domains.
pub(crate) fn is_crate_name(name: &str) -> bool {
    is_lower(name, '-') && !name.starts_with("lark")
}

fn is_lower(name: &str, joiner: char) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == joiner)
}

/// Whether the text is a path to an item, such as `lark_events::UserId`.
pub(crate) fn is_path(path: &str) -> bool {
    let is_ident = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    path.split("::").all(is_ident)
}

/// Whether the name is valid for a field.
pub(crate) fn is_field_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// The words of a name in snake, kebab, dotted or camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = None;
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let after_lower = before.is_some_and(|before: char| !before.is_uppercase());
        let before_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts_word = char.is_uppercase() && (after_lower || before_lower);
        if (starts_word || !char.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        before = Some(char);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn join_camel(words: &[String]) -> String {
    let mut name = String::new();
    for word in words {
        let mut chars = word.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace_root;

    #[test]
    fn events_are_called_what_the_go_sdk_calls_them() {
        for (event_type, domain, expected) in [
            (
                "vc.reserve_config.updated_v1",
                "vc",
                "ReserveConfigUpdatedV1",
            ),
            ("vc.meeting.meeting_started_v1", "vc", "MeetingStartedV1"),
            ("vc.meeting.join_meeting_v1", "vc", "MeetingJoinMeetingV1"),
            (
                "vc.meeting.all_meeting_started_v1",
                "vc",
                "MeetingAllMeetingStartedV1",
            ),
            ("im.message.message_read_v1", "im", "MessageReadV1"),
            (
                "im.chat.access_event.bot_p2p_chat_entered_v1",
                "im",
                "ChatAccessEventBotP2pChatEnteredV1",
            ),
            ("task.task.update_tenant_v1", "task", "TaskUpdateTenantV1"),
            (
                "meeting_room.meeting_room.created_v1",
                "meeting_room",
                "MeetingRoomCreatedV1",
            ),
            (
                "application.application.app_version.audit_v6",
                "application",
                "ApplicationAppVersionAuditV6",
            ),
            (
                "security_and_compliance.device_apply_record.device_apply_event_v2",
                "security_and_compliance",
                "DeviceApplyRecordDeviceApplyEventV2",
            ),
            // The domain of a callback is not the first segment of its name.
            ("card.action.trigger", "core", "CardActionTrigger"),
        ] {
            assert_eq!(event_name(event_type, domain, Envelope::V2), expected);
        }
        for (event_type, domain, expected) in [
            ("message_read", "im", "P1MessageReadV1"),
            ("p2p_chat_create", "im", "P1P2pChatCreateV1"),
            ("leave_approvalV2", "approval", "P1LeaveApprovalV2"),
            ("approval", "approval", "P1ApprovalV1"),
        ] {
            assert_eq!(event_name(event_type, domain, Envelope::V1), expected);
        }
    }

    /// Runs only if the list of all events is beside the checkout.
    #[test]
    fn every_listed_event_has_its_name() {
        let list = workspace_root().join("../shared/event-types.tsv");
        let Ok(rows) = fs::read_to_string(&list) else {
            println!("skipped: {} is not there", list.display());
            return;
        };
        for row in rows.lines().skip(1) {
            let columns: Vec<&str> = row.split('\t').collect();
            let [event_type, version, domain, expected, ..] = columns[..] else {
                panic!("too few columns: {row}");
            };
            let envelope = match version {
                "v1" => Envelope::V1,
                _ => Envelope::V2,
            };
            assert_eq!(event_name(event_type, domain, envelope), expected);
        }
    }

    #[test]
    fn types_and_constants_follow_the_page() {
        assert_eq!(type_name("approval_config_event"), "ApprovalConfigEvent");
        assert_eq!(type_name("user_id"), "UserId");
        assert_eq!(type_name("i18nName"), "I18nName");
        for name in ["ReserveConfigUpdatedV1", "P1P2pChatCreateV1"] {
            assert_eq!(type_name(&constant_name(name).to_lowercase()), name);
        }
        let constant = constant_name("P1P2pChatCreateV1");
        assert_eq!(constant, "P1_P2P_CHAT_CREATE_V1");
    }

    #[test]
    fn fields_are_in_snake_case_and_no_keywords() {
        for (name, expected) in [
            ("scope_id", "scope_id"),
            ("leaveEndTime", "leave_end_time"),
            ("openID", "open_id"),
            ("HTTPServer", "http_server"),
            ("i18n_name", "i18n_name"),
            ("zh-CN", "zh_cn"),
            ("type", "type_"),
            ("self", "self_"),
        ] {
            assert_eq!(field_name(name), expected);
        }
    }

    #[test]
    fn odd_names_are_told_from_usable_ones() {
        assert!(is_type_name("TimeConfig"));
        for name in [
            "",
            "timeConfig",
            "Time_Config",
            "1Time",
            "Option",
            "Zeit\u{e4}",
        ] {
            assert!(!is_type_name(name), "{name}");
        }
        assert!(is_field_name("type_"));
        for name in ["", "1st", "_", "\u{4e00}"] {
            assert!(!is_field_name(name), "{name}");
        }
    }
}
