//! The cases, in the order in which they run.

use clap::ValueEnum;

use super::probe::Probe;
use super::{authenticity, delivery, endurance};
use crate::finding::Finding;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// A URL check is answered within 1 s: 200 and its challenge, as JSON
    UrlCheck,
    /// A URL check with a wrong token is not answered with its challenge
    UrlCheckForged,
    /// An event of version 2 is accepted
    Event,
    /// An event of version 1 (`app_status_change`) is accepted
    EventV1,
    /// Undocumented fields are accepted, with 64-bit ids and any Unicode text
    UnknownFields,
    /// A body with null in every field is accepted
    NullFields,
    /// A number in place of a documented string is accepted, and the reverse
    OddTypes,
    /// An event without a handler is acknowledged
    UnknownType,
    /// A duplicate, equal byte for byte, is accepted
    Duplicate,
    /// An encrypted event without a signature is rejected
    Unsigned,
    /// An event that is neither encrypted nor signed is rejected if there is an Encrypt Key
    Unsealed,
    /// An event signed with a wrong key is rejected
    ForgedSignature,
    /// An event with a body changed after signing is rejected
    TamperedBody,
    /// An event with a wrong token is rejected
    ForgedToken,
    /// An event signed two days ago is rejected
    Replay,
    /// Answers to unsigned requests reveal nothing about the plaintext
    RefusalsAlike,
    /// A body that is not an event document is rejected
    Junk,
    /// A GET gets neither a success nor a server error
    Get,
    /// Sixteen bodies sent byte by byte do not delay an event
    SlowBodies,
    /// A body of 8 MiB is rejected
    Oversize,
    /// Ten events are each accepted within 1 s
    AnswerTime,
    /// After all other cases, an event is accepted
    StillServes,
}

impl Case {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(crate) fn requires(self) -> String {
        let help = self.to_possible_value();
        let help = help.as_ref().and_then(|value| value.get_help());
        help.map(ToString::to_string).unwrap_or_default()
    }

    /// Whether the case is about the signature or the encryption.
    fn needs_key(self) -> bool {
        matches!(
            self,
            Self::Unsigned
                | Self::Unsealed
                | Self::ForgedSignature
                | Self::TamperedBody
                | Self::Replay
                | Self::RefusalsAlike
        )
    }

    fn needs_token(self) -> bool {
        matches!(
            self,
            Self::UrlCheck | Self::UrlCheckForged | Self::ForgedToken
        )
    }

    pub(crate) async fn run(self, probe: &Probe) -> Finding {
        if self.needs_key() && probe.key.is_none() {
            return Finding::skip("needs the Encrypt Key");
        }
        if self.needs_token() && probe.token.is_none() {
            return Finding::skip("needs the Verification Token");
        }
        match self {
            Self::UrlCheck => authenticity::url_check(probe).await,
            Self::UrlCheckForged => authenticity::url_check_forged(probe).await,
            Self::Event => delivery::event(probe).await,
            Self::EventV1 => delivery::event_v1(probe).await,
            Self::UnknownFields => delivery::unknown_fields(probe).await,
            Self::NullFields => delivery::null_fields(probe).await,
            Self::OddTypes => delivery::odd_types(probe).await,
            Self::UnknownType => delivery::unknown_type(probe).await,
            Self::Duplicate => delivery::duplicate(probe).await,
            Self::Unsigned => authenticity::unsigned_event(probe).await,
            Self::Unsealed => authenticity::unsealed(probe).await,
            Self::ForgedSignature => authenticity::forged_signature(probe).await,
            Self::TamperedBody => authenticity::tampered_body(probe).await,
            Self::ForgedToken => authenticity::forged_token(probe).await,
            Self::Replay => authenticity::replay(probe).await,
            Self::RefusalsAlike => authenticity::refusals_alike(probe).await,
            Self::Junk => endurance::junk(probe).await,
            Self::Get => endurance::get(probe).await,
            Self::SlowBodies => endurance::slow_bodies(probe).await,
            Self::Oversize => endurance::oversize(probe).await,
            Self::AnswerTime => delivery::answer_time(probe).await,
            Self::StillServes => endurance::still_serves(probe).await,
        }
    }
}
