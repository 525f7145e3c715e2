//! Builds the site: a page for each event of the catalogue with search, JSON Schemas, what changed since the last
//! release, and the guide. The command `cargo xtask site` runs it.
//!
//! Pages are made in memory, so that a check can compare and crawl them without writing a file. All links are
//! relative and nothing is fetched: the site works from a folder, without a server.

mod book;
mod catalogue;
mod changes;
mod crawl;
mod files;
mod pages;
mod schema;
mod search_index;
mod sources;

use std::path::Path;

use self::catalogue::Catalogue;
pub use self::crawl::dead_links;
pub use self::files::Files;
use self::pages::Frame;

/// The program that makes a book of the guide.
pub use self::book::MdBook;

/// Builds the site of a workspace. Without `mdbook` it lacks the guide.
///
/// # Errors
///
/// A text that says what failed: a file of the workspace, git, or mdbook.
pub fn build(root: &Path, mdbook: Option<&MdBook>) -> Result<Files, String> {
    let catalogue = Catalogue::read(root)?;
    let frame = Frame {
        has_guide: mdbook.is_some(),
    };
    let mut files = Files::default();
    pages::add_assets(&mut files);
    pages::add_home(&mut files, frame, &catalogue);
    for entry in &catalogue.entries {
        pages::add_event(&mut files, frame, &catalogue, entry);
    }
    search_index::add(&mut files, &catalogue);
    schema::add(&mut files, &catalogue);
    pages::add_schemas(&mut files, frame, &catalogue);
    let changes = changes::since_last_release(root, &catalogue)?;
    pages::add_changes(&mut files, frame, &catalogue, &changes);
    if let Some(mdbook) = mdbook {
        let documents = book::add(&mut files, frame, root, mdbook)?;
        sources::add(&mut files, frame, root, &documents)?;
    }
    Ok(files)
}
