//! Whose platform it is.

/// The platform of an app. There are two, with apps of their own, and private deployments.
///
/// ```
/// use lark_events_ws::{Domain, LongConnection, LongConnectionBuildErrorKind};
///
/// let builder = LongConnection::builder("cli_a1b2", "secret");
/// let lark = builder.clone().domain(Domain::Lark).build()?;
/// let own = builder.clone().domain(Domain::custom("https://lark.example.com")).build()?;
///
/// let wrong = builder.domain(Domain::custom("lark.example.com")).build().unwrap_err();
/// assert_eq!(wrong.kind(), LongConnectionBuildErrorKind::InvalidDomain);
/// # Ok::<(), lark_events_ws::LongConnectionBuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Domain {
    /// Feishu, in China: `https://open.feishu.cn`.
    #[default]
    Feishu,
    /// Lark, elsewhere: `https://open.larksuite.com`.
    Lark,
    /// That of a private deployment, or of a test, by its base URL: `http://` or `https://`, a host, and no
    /// user or query. What is none is reported when the connection is built.
    Custom(String),
}

impl Domain {
    /// The domain with a base URL of its own: see [`Custom`](Self::Custom).
    pub fn custom(base_url: impl Into<String>) -> Self {
        Self::Custom(base_url.into())
    }

    /// The URL below which its interfaces are.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match self {
            Self::Feishu => "https://open.feishu.cn",
            Self::Lark => "https://open.larksuite.com",
            Self::Custom(base_url) => base_url.trim_end_matches('/'),
        }
    }
}
