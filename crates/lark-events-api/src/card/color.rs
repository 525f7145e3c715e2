//! Colors of headers.

/// The color of a card's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Color {
    Blue,
    Wathet,
    Turquoise,
    Green,
    Yellow,
    Orange,
    Red,
    Carmine,
    Violet,
    Purple,
    Indigo,
    Grey,
    Default,
}

impl Color {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Wathet => "wathet",
            Self::Turquoise => "turquoise",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
            Self::Carmine => "carmine",
            Self::Violet => "violet",
            Self::Purple => "purple",
            Self::Indigo => "indigo",
            Self::Grey => "grey",
            Self::Default => "default",
        }
    }
}
