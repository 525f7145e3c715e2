//! The frame of the web pages of `lark-events-cli` and `lark-events-inbox`. Use those crates: this one has no
//! stable API of its own.
//!
//! It knows nothing of what a page shows. A page works without its script and has nothing inline, so that its
//! Content-Security-Policy allows only its own files. The server sends the files: [`STYLE`], [`SCRIPT`] and
//! [`ICON`], at the addresses that [`Site`] names.

// Input from the network must not cause a panic or an overflow.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod form;
mod guard;
mod headers;
mod layout;
mod number;
mod origin;
mod url;

pub use self::form::{Malformed, pairs};
pub use self::guard::{Guard, Refused};
pub use self::headers::{POLICY, secure};
pub use self::layout::{ICON, Live, Page, SCRIPT, STYLE, Site};
pub use self::number::thousands;
pub use self::origin::{ForeignForm, check_form};
pub use self::url::{joined, query, with_query};
