//! The platform that an app belongs to.

/// The platform of an app: Feishu, Lark, or a private deployment. Each has separate apps.
///
/// ```
/// use lark_events_dial::Domain;
///
/// assert_eq!(Domain::Lark.base_url(), "https://open.larksuite.com");
/// let own = Domain::custom("https://lark.example.com/");
/// assert_eq!(own.base_url(), "https://lark.example.com");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Domain {
    /// Feishu, for China: `https://open.feishu.cn`.
    #[default]
    Feishu,
    /// Lark, for other countries: `https://open.larksuite.com`.
    Lark,
    /// A private deployment, or a test platform, by its base URL: `http://` or `https://`, a host, and
    /// no user or query. Building a client fails if the URL is invalid.
    Custom(String),
}

impl Domain {
    /// A domain with the given base URL: see [`Custom`](Self::Custom).
    pub fn custom(base_url: impl Into<String>) -> Self {
        Self::Custom(base_url.into())
    }

    /// The base URL of the platform's API.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match self {
            Self::Feishu => "https://open.feishu.cn",
            Self::Lark => "https://open.larksuite.com",
            Self::Custom(base_url) => base_url.trim_end_matches('/'),
        }
    }
}
