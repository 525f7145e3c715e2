//! Headers without their values in `Debug` output: the values can be secrets of the app.

use std::fmt;

use http::HeaderMap;

/// Writes the names of headers.
pub(crate) struct Names<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.keys().map(http::HeaderName::as_str);
        f.debug_list().entries(names).finish()
    }
}
