//! Envelopes of the platform, and what can be changed in one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::document::{Node, Spelt, name, node};

/// The members of an envelope as the platform sends it.
pub(super) fn envelope() -> impl Strategy<Value = Vec<(Spelt, Node)>> {
    (0..5usize, body(), challenge()).prop_map(|(which, body, challenge)| {
        let text = |text: &str| Node::Scalar(format!("\"{text}\""));
        let object = |members: Vec<(&str, Node)>| {
            let owned = |(name, value): (&str, Node)| (name.to_owned(), value);
            members.into_iter().map(owned).collect::<Vec<_>>()
        };
        let event_type = match which {
            0 | 1 => "vc.room.created_v1",
            _ => "card.action.trigger",
        };
        match which {
            0..=2 => object(vec![
                ("schema", text("2.0")),
                (
                    "header",
                    Node::Object(object(vec![
                        ("event_id", text("e-1")),
                        ("event_type", text(event_type)),
                        ("create_time", text("1608725989000")),
                        ("token", text("v-token")),
                        ("app_id", text("cli_1")),
                        ("tenant_key", text("t-1")),
                        ("resource_id", text("r")),
                    ])),
                ),
                ("event", body),
            ]),
            3 => object(vec![
                ("ts", text("1502199207.7171419")),
                ("uuid", text("u-1")),
                ("token", text("v-token")),
                ("type", text("event_callback")),
                (
                    "event",
                    Node::Object(object(vec![
                        ("type", text("message")),
                        ("app_id", text("cli_1")),
                        ("tenant_key", text("t-1")),
                        ("text", body),
                    ])),
                ),
            ]),
            _ => object(vec![
                ("challenge", text(&challenge)),
                ("token", text("v-token")),
                ("type", text("url_verification")),
            ]),
        }
    })
}

fn challenge() -> impl Strategy<Value = Spelt> {
    let odd = select(vec![
        "", "a b", "<a>", "a.b", "\u{e9}", r#"\""#, r"\ud800", r"\u0061",
    ]);
    prop_oneof![
        3 => "[-_a-zA-Z0-9]{1,20}",
        1 => odd.prop_map(str::to_owned),
        1 => (127..130usize).prop_map(|length| "c".repeat(length)),
    ]
}

fn body() -> impl Strategy<Value = Node> {
    prop_oneof![3 => vec((name(), node()), 0..4).prop_map(Node::Object), 1 => node()]
}

/// What is done to an envelope.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// In which of its objects, where, and what.
    Insert(Place, Index, (Spelt, Node)),
    Repeat(Place, Index, Option<Node>),
    Replace(Place, Index, Node),
    Rename(Place, Index, Spelt),
    Remove(Place, Index),
    /// A member goes from one object to another.
    Move(Place, Index, Place),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Top,
    Header,
    Event,
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    let place = || select(vec![Place::Top, Place::Header, Place::Event]);
    let at = any::<Index>;
    let member = (name(), node());
    prop_oneof![
        2 => (place(), at(), member).prop_map(|(place, at, it)| Change::Insert(place, at, it)),
        1 => (place(), at(), proptest::option::of(node()))
            .prop_map(|(place, at, it)| Change::Repeat(place, at, it)),
        3 => (place(), at(), node()).prop_map(|(place, at, it)| Change::Replace(place, at, it)),
        1 => (place(), at(), name()).prop_map(|(place, at, it)| Change::Rename(place, at, it)),
        1 => (place(), at()).prop_map(|(place, at)| Change::Remove(place, at)),
        2 => (place(), at(), place()).prop_map(|(place, at, to)| Change::Move(place, at, to)),
    ]
}

impl Place {
    /// The members there, or those at the top where there is no such object.
    fn of(self, envelope: &mut Vec<(Spelt, Node)>) -> &mut Vec<(Spelt, Node)> {
        let name = match self {
            Self::Top => None,
            Self::Header => Some("header"),
            Self::Event => Some("event"),
        };
        let within = |(its, node): &(Spelt, Node)| {
            Some(its.as_str()) == name && matches!(node, Node::Object(_))
        };
        let within = envelope.iter().position(within);
        let Some(at) = within else {
            return envelope;
        };
        match &mut envelope[at].1 {
            Node::Object(members) => members,
            _ => unreachable!("it is an object"),
        }
    }
}

impl Change {
    pub(super) fn make(self, envelope: &mut Vec<(Spelt, Node)>) {
        let (Self::Insert(place, at, _)
        | Self::Repeat(place, at, _)
        | Self::Replace(place, at, _)
        | Self::Rename(place, at, _)
        | Self::Remove(place, at)
        | Self::Move(place, at, _)) = self;
        let members = place.of(envelope);
        if let Self::Insert(_, _, member) = self {
            members.insert(at.index(members.len() + 1), member);
            return;
        }
        if members.is_empty() {
            return;
        }
        let at = at.index(members.len());
        match self {
            Self::Insert(..) => {}
            Self::Repeat(_, _, other) => {
                let (name, value) = members[at].clone();
                members.push((name, other.unwrap_or(value)));
            }
            Self::Replace(_, _, value) => members[at].1 = value,
            Self::Rename(_, _, name) => members[at].0 = name,
            Self::Remove(..) => drop(members.remove(at)),
            Self::Move(_, _, to) => {
                let member = members.remove(at);
                to.of(envelope).push(member);
            }
        }
    }
}
