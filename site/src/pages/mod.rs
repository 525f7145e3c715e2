//! The pages of the site, and their frame.

mod changes;
mod event;
mod field_table;
mod frame;
mod handler;
mod home;
mod prose;
mod schemas;

use crate::Files;

pub(crate) use self::changes::add_changes;
pub(crate) use self::event::add_event;
pub(crate) use self::frame::{Frame, Page};
pub(crate) use self::home::add_home;
pub(crate) use self::schemas::add_schemas;

/// Adds the style, the scripts and the icon.
pub(crate) fn add_assets(files: &mut Files) {
    let style = [lark_events_pages::STYLE, include_str!("../assets/site.css")];
    files.add("style.css", style.concat());
    files.add("search.js", include_str!("../assets/search.js"));
    files.add("copy.js", include_str!("../assets/copy.js"));
    files.add("icon.svg", lark_events_pages::ICON);
}
