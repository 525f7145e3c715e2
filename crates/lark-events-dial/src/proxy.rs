//! Which proxy leads to the platform.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::InvalidUri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The setting of an app: which proxy to use.
#[derive(Clone, Default)]
pub enum Proxy {
    /// The one of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    #[default]
    FromEnv,
    /// None, whatever the environment says.
    None,
    /// One with CONNECT: `http://[user:password@]host:port`.
    Url(String),
}

/// Omits the URL, which may have a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromEnv => "FromEnv",
            Self::None => "None",
            Self::Url(_) => "Url(..)",
        })
    }
}

impl Proxy {
    /// Reads the environment, or the URL.
    ///
    /// # Errors
    ///
    /// [`InvalidProxy`] if the URL is not of the supported form.
    pub fn read(&self) -> Result<Proxies, InvalidProxy> {
        let matcher = match self {
            Self::FromEnv => Matcher::from_env(),
            Self::None => Matcher::builder().build(),
            Self::Url(url) => {
                let uri: Uri = url.parse().map_err(|error| InvalidProxy(Some(error)))?;
                if uri.scheme_str() != Some("http") || uri.host().is_none() {
                    return Err(InvalidProxy(None));
                }
                Matcher::builder().all(url.as_str()).build()
            }
        };
        Ok(Proxies(Arc::new(matcher)))
    }
}

/// The proxies of an app, by target.
#[derive(Clone)]
pub struct Proxies(Arc<Matcher>);

impl Proxies {
    #[cfg(test)]
    pub(crate) fn of(matcher: Matcher) -> Self {
        Self(Arc::new(matcher))
    }

    pub(crate) fn intercept(&self, target: &Uri) -> Option<Intercept> {
        self.0.intercept(target)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

/// A proxy URL of another form. The text does not contain the URL, which may have a password.
#[derive(Debug)]
pub struct InvalidProxy(Option<InvalidUri>);

impl InvalidProxy {
    /// What the parser said, if that is the reason.
    #[must_use]
    pub fn into_cause(self) -> Option<InvalidUri> {
        self.0
    }
}

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxy URL must have the form http://[user:password@]host:port")
    }
}

impl Error for InvalidProxy {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}
