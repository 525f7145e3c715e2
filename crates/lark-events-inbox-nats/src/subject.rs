//! Names of streams, subjects and consumers.

use std::fmt;
use std::time::SystemTime;

/// The partition of events without a lane.
const ANY: &str = "any";

/// The streams and subjects of a store: all begin with its prefix, the subjects' in lower case.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Names {
    prefix: String,
    root: String,
}

impl Names {
    pub(crate) fn new(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let root = prefix.to_ascii_lowercase();
        Self { prefix, root }
    }

    /// Whether the prefix is one that NATS accepts in the names of streams and as one token of a subject.
    pub(crate) fn are_valid(&self) -> bool {
        let is_valid = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
        !self.prefix.is_empty() && self.prefix.chars().all(is_valid)
    }

    pub(crate) fn inbox_stream(&self) -> String {
        format!("{}_INBOX", self.prefix)
    }

    pub(crate) fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.prefix)
    }

    pub(crate) fn workers_stream(&self) -> String {
        format!("{}_WORKERS", self.prefix)
    }

    /// The subject of an event.
    pub(crate) fn event(
        &self,
        app: Option<&str>,
        partition: Option<u16>,
        event_type: &str,
    ) -> String {
        let (root, app) = (&self.root, token(app.unwrap_or_default()));
        let (partition, types) = (consumer(partition), tokens(event_type));
        format!("{root}.inbox.{app}.{partition}.{types}")
    }

    /// The subjects of all events.
    pub(crate) fn events(&self) -> String {
        format!("{}.inbox.>", self.root)
    }

    /// The subjects of the events of an app and a type, or of any: also of some others, if these have characters
    /// that subjects cannot have.
    pub(crate) fn log(&self, app: Option<&str>, event_type: Option<&str>) -> String {
        let app = app.map_or_else(|| "*".to_owned(), token);
        let types = event_type.map_or_else(|| ">".to_owned(), tokens);
        format!("{}.inbox.{app}.*.{types}", self.root)
    }

    /// The subjects of a partition.
    pub(crate) fn partition(&self, partition: Option<u16>) -> String {
        format!("{}.inbox.*.{}.>", self.root, consumer(partition))
    }

    /// The subject of the dead letter of an event.
    pub(crate) fn dead(&self, name: Name) -> String {
        format!("{}.dead.{}.{}", self.root, name.seq, name.published)
    }

    pub(crate) fn all_dead(&self) -> String {
        format!("{}.dead.*.*", self.root)
    }

    /// The subject of the heartbeats of a worker.
    pub(crate) fn worker(&self, worker: u64) -> String {
        format!("{}.workers.{worker}", self.root)
    }

    pub(crate) fn all_workers(&self) -> String {
        format!("{}.workers.*", self.root)
    }

    /// The subject on which processes wake each other.
    pub(crate) fn wake(&self) -> String {
        format!("{}.wake", self.root)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.prefix.fmt(f)
    }
}

/// An event of the stream. A stream that was created again, or that has lost its end, uses numbers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) seq: u64,
    /// When the stream got it, in nanoseconds since 1970.
    published: u64,
}

impl Name {
    pub(crate) fn new(seq: u64, published: SystemTime) -> Self {
        let since = published.duration_since(SystemTime::UNIX_EPOCH);
        let published = u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
        Self { seq, published }
    }

    /// Any event of a number, and those of greater ones.
    pub(crate) fn first(seq: u64) -> Self {
        Self { seq, published: 0 }
    }

    /// The event of the subject of a dead letter.
    pub(crate) fn of_dead(subject: &str) -> Option<Self> {
        let (rest, published) = subject.rsplit_once('.')?;
        let (_, seq) = rest.rsplit_once('.')?;
        Some(Self {
            seq: seq.parse().ok()?,
            published: published.parse().ok()?,
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, self.published)
    }
}

/// The partition of a lane: FNV-1a, which programs in other languages compute too.
pub(crate) fn partition(lane: &str, partitions: u16) -> u16 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = lane.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    let partition = hash.checked_rem(u64::from(partitions)).unwrap_or_default();
    // A remainder of a u16 fits.
    u16::try_from(partition).unwrap_or_default()
}

/// The name of the consumer of a partition, which is also a token of its subjects.
pub(crate) fn consumer(partition: Option<u16>) -> String {
    partition.map_or_else(|| ANY.to_owned(), |number| format!("p{number}"))
}

/// The index of the consumer of this name among `partitions` and the one of events without a lane.
pub(crate) fn index(consumer: &str, partitions: u16) -> Option<usize> {
    if consumer == ANY {
        return Some(usize::from(partitions));
    }
    let number: u16 = consumer.strip_prefix('p')?.parse().ok()?;
    (number < partitions).then_some(usize::from(number))
}

/// The partition of the consumer at an [`index`]; `None` for the one of events without a lane.
pub(crate) fn partition_at(index: usize, partitions: u16) -> Option<u16> {
    let partition = u16::try_from(index).ok()?;
    (partition < partitions).then_some(partition)
}

/// A text with dots as tokens of a subject.
fn tokens(text: &str) -> String {
    let tokens: Vec<_> = text.split('.').map(token).collect();
    tokens.join(".")
}

/// A text as one token of a subject.
fn token(text: &str) -> String {
    if text.is_empty() {
        return "_".to_owned();
    }
    let safe = |char: char| {
        if char.is_ascii_alphanumeric() || "_-".contains(char) {
            char
        } else {
            '_'
        }
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lane_has_one_partition() {
        // The published value of FNV-1a for "foobar".
        assert_eq!(
            partition("foobar", 64),
            u16::try_from(0x85944171f73967e8_u64 % 64).unwrap()
        );
        assert_eq!(partition("any", 1), 0);
    }

    #[test]
    fn subjects_have_no_wildcards_spaces_or_empty_tokens() {
        let names = Names::new("LARK");
        let subject = names.event(Some("cli_1"), Some(7), "im.message.receive_v1");
        assert_eq!(subject, "lark.inbox.cli_1.p7.im.message.receive_v1");
        let odd = names.event(None, None, "a..*.> b");
        assert_eq!(odd, "lark.inbox._.any.a._._.__b");
    }

    #[test]
    fn a_dead_letter_names_its_event() {
        let name = Name::new(7, SystemTime::UNIX_EPOCH + Duration::from_nanos(8));
        let subject = Names::new("LARK").dead(name);
        assert_eq!(subject, "lark.dead.7.8");
        assert_eq!(Name::of_dead(&subject), Some(name));
        assert!(Name::first(7) < name && name < Name::first(8));
    }

    #[test]
    fn a_consumer_has_an_index() {
        assert_eq!(index("p0", 4), Some(0));
        assert_eq!(index("any", 4), Some(4));
        assert_eq!(index("p4", 4), None);
        assert_eq!(index("other", 4), None);
        assert_eq!((partition_at(3, 4), partition_at(4, 4)), (Some(3), None));
    }
}
