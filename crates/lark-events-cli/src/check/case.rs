//! The cases, in the order in which they run.

use clap::ValueEnum;

use super::finding::Finding;
use super::probe::Probe;
use super::{authenticity, delivery, endurance};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// A URL check is answered within 1 s: 200 and its challenge, as JSON
    UrlCheck,
    /// A URL check with another token is not answered with its challenge
    UrlCheckForged,
    /// An event of version 2 is accepted
    Event,
    /// An event of version 1 (`app_status_change`) is accepted
    EventV1,
    /// Members that no page documents are accepted, with 64-bit ids and any Unicode
    UnknownFields,
    /// A body whose every field is null is accepted
    NullFields,
    /// A number where a string is documented is accepted, and the reverse
    OddTypes,
    /// An event that nobody handles is acknowledged
    UnknownType,
    /// The same event is accepted again, byte for byte
    Duplicate,
    /// A sealed event without a signature is refused
    Unsigned,
    /// An event that is neither sealed nor signed is refused, where there is an Encrypt Key
    Unsealed,
    /// An event that was signed with another key is refused
    ForgedSignature,
    /// An event whose body was changed after it was signed is refused
    TamperedBody,
    /// An event with another token is refused
    ForgedToken,
    /// An event that was signed two days ago is refused
    Replay,
    /// Whoever has no key cannot tell from the answers what a ciphertext has in it
    RefusalsAlike,
    /// What is no document is refused
    Junk,
    /// A GET is answered with neither success nor a server error
    Get,
    /// Sixteen bodies that come byte by byte keep no event waiting
    SlowBodies,
    /// A body of 8 MiB is refused
    Oversize,
    /// Ten events are accepted within 1 s each
    AnswerTime,
    /// After all that, an event is accepted
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

    /// Whether it is about the signature or the cipher.
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
