//! Programs of the guide's pages, to the letter.

#![expect(unreachable_pub, dead_code, reason = "a page has no users of its items")]

pub(crate) mod actix;
pub(crate) mod actix_service;
pub(crate) mod lambda;
