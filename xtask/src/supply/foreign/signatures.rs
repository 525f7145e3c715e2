//! The paths in the signatures of public items.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Fields, File, ImplItem, Item, ItemImpl, Path, Token, TraitItem, Type, UseTree,
    Visibility,
};

/// The parsed files of a package.
pub(crate) struct Sources {
    files: Vec<File>,
    /// The external crates.
    crates: BTreeSet<String>,
    /// Our own public types and traits.
    public: BTreeSet<String>,
}

impl Sources {
    pub(crate) fn parse(
        texts: &BTreeMap<PathBuf, String>,
        crates: BTreeSet<String>,
    ) -> Result<Self, String> {
        let parsed = texts.iter().map(|(path, text)| {
            syn::parse_file(text).map_err(|error| format!("{}: {error}", path.display()))
        });
        let files = parsed.collect::<Result<Vec<_>, _>>()?;
        let mut public = BTreeSet::new();
        for file in &files {
            name_public(&file.items, &mut public);
        }
        Ok(Self {
            files,
            crates,
            public,
        })
    }

    /// Every path of another crate in a public signature.
    pub(crate) fn foreign(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for file in &self.files {
            self.look_at(&file.items, &mut found);
        }
        found
    }

    fn look_at(&self, items: &[Item], found: &mut BTreeSet<String>) {
        let mut uses = BTreeMap::new();
        for item in items {
            if let Item::Use(item) = item {
                name_uses(&item.tree, &mut Vec::new(), &mut uses);
            }
        }
        let mut signature = Signature {
            crates: &self.crates,
            uses: &uses,
            found,
        };
        for item in items {
            match item {
                Item::Mod(item) if !is_test(&item.attrs) => {
                    if let Some((_, items)) = &item.content {
                        self.look_at(items, signature.found);
                    }
                }
                Item::Impl(item) => self.look_at_impl(item, &mut signature),
                item => signature.item(item),
            }
        }
    }

    fn look_at_impl(&self, item: &ItemImpl, signature: &mut Signature<'_>) {
        let ours = self.is_public_type(&item.self_ty);
        let Some((of_trait, _)) = &item.trait_ else {
            if ours {
                signature.inherent(item);
            }
            return;
        };
        if ours || self.is_public(of_trait) {
            signature.visit_path(of_trait);
            signature.visit_type(&item.self_ty);
            signature.visit_generics(&item.generics);
            for item in &item.items {
                if let ImplItem::Type(item) = item {
                    signature.visit_type(&item.ty);
                }
            }
        }
    }

    fn is_public_type(&self, ty: &Type) -> bool {
        match ty {
            Type::Path(ty) => self.is_public(&ty.path),
            Type::Reference(ty) => self.is_public_type(&ty.elem),
            _ => false,
        }
    }

    fn is_public(&self, path: &Path) -> bool {
        let last = path.segments.last();
        last.is_some_and(|last| self.public.contains(&last.ident.to_string()))
    }
}

/// Adds the names of public types and traits.
fn name_public(items: &[Item], names: &mut BTreeSet<String>) {
    for item in items {
        let (vis, name) = match item {
            Item::Struct(item) => (&item.vis, &item.ident),
            Item::Enum(item) => (&item.vis, &item.ident),
            Item::Trait(item) => (&item.vis, &item.ident),
            Item::Type(item) => (&item.vis, &item.ident),
            Item::Mod(item) if !is_test(&item.attrs) => {
                if let Some((_, items)) = &item.content {
                    name_public(items, names);
                }
                continue;
            }
            _ => continue,
        };
        if is_pub(vis) {
            names.insert(name.to_string());
        }
    }
}

/// Adds the imported paths, by the names that `use` gives them.
fn name_uses(tree: &UseTree, before: &mut Vec<String>, uses: &mut BTreeMap<String, Vec<String>>) {
    let mut add = |name: String, last: String| {
        let mut path = before.clone();
        // `use http::{self}` imports `http` itself.
        if last != "self" {
            path.push(last);
        }
        let name = match name.as_str() {
            "self" => path.last().cloned().unwrap_or(name),
            _ => name,
        };
        uses.insert(name, path);
    };
    match tree {
        UseTree::Name(tree) => add(tree.ident.to_string(), tree.ident.to_string()),
        UseTree::Rename(tree) => add(tree.rename.to_string(), tree.ident.to_string()),
        UseTree::Path(tree) => {
            before.push(tree.ident.to_string());
            name_uses(&tree.tree, before, uses);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                name_uses(tree, before, uses);
            }
        }
        UseTree::Glob(_) => {}
    }
}

fn is_pub(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(attribute.parse_args::<Path>(), Ok(path) if path.is_ident("test"))
    })
}

/// Collects the foreign paths of the visited signatures.
struct Signature<'a> {
    crates: &'a BTreeSet<String>,
    uses: &'a BTreeMap<String, Vec<String>>,
    found: &'a mut BTreeSet<String>,
}

impl Signature<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_pub(&item.vis) => self.visit_signature(&item.sig),
            Item::Struct(item) if is_pub(&item.vis) => {
                self.derives(&item.attrs);
                self.visit_generics(&item.generics);
                self.fields(&item.fields, false);
            }
            Item::Enum(item) if is_pub(&item.vis) => {
                self.derives(&item.attrs);
                self.visit_generics(&item.generics);
                for variant in &item.variants {
                    self.fields(&variant.fields, true);
                }
            }
            Item::Trait(item) if is_pub(&item.vis) => {
                self.visit_generics(&item.generics);
                for bound in &item.supertraits {
                    self.visit_type_param_bound(bound);
                }
                for item in &item.items {
                    match item {
                        TraitItem::Fn(item) => self.visit_signature(&item.sig),
                        TraitItem::Type(item) => self.visit_trait_item_type(item),
                        TraitItem::Const(item) => self.visit_type(&item.ty),
                        _ => {}
                    }
                }
            }
            Item::Type(item) if is_pub(&item.vis) => self.visit_item_type(item),
            Item::Const(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            Item::Static(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            Item::Use(item) if is_pub(&item.vis) => {
                let mut uses = BTreeMap::new();
                name_uses(&item.tree, &mut Vec::new(), &mut uses);
                for path in uses.into_values() {
                    self.take(path);
                }
            }
            _ => {}
        }
    }

    /// Visits the public items of an inherent `impl`, and its type if there are any.
    fn inherent(&mut self, item: &ItemImpl) {
        let mut any = false;
        for item in &item.items {
            match item {
                ImplItem::Fn(item) if is_pub(&item.vis) => self.visit_signature(&item.sig),
                ImplItem::Const(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
                _ => continue,
            }
            any = true;
        }
        if any {
            self.visit_generics(&item.generics);
            self.visit_type(&item.self_ty);
        }
    }

    fn fields(&mut self, fields: &Fields, all: bool) {
        for field in fields.iter().filter(|field| all || is_pub(&field.vis)) {
            self.visit_type(&field.ty);
        }
    }

    fn derives(&mut self, attributes: &[Attribute]) {
        let derives = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("derive"));
        for attribute in derives {
            let traits = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
            for path in traits.into_iter().flatten() {
                self.visit_path(&path);
            }
        }
    }

    fn take(&mut self, path: Vec<String>) {
        if path
            .first()
            .is_some_and(|first| self.crates.contains(first))
        {
            self.found.insert(path.join("::"));
        }
    }
}

impl Visit<'_> for Signature<'_> {
    fn visit_path(&mut self, path: &Path) {
        let mut names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        if let Some(first) = names.next() {
            let first = self.uses.get(&first).cloned().unwrap_or(vec![first]);
            self.take(first.into_iter().chain(names).collect());
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(text: &str) -> Vec<String> {
        let texts = BTreeMap::from([(PathBuf::from("lib.rs"), text.to_owned())]);
        let crates = ["http", "bytes", "serde", "tower_service"];
        let crates = crates.map(str::to_owned).into_iter().collect();
        let sources = Sources::parse(&texts, crates).unwrap();
        sources.foreign().into_iter().collect()
    }

    #[test]
    fn signatures_of_public_items_are_looked_at() {
        assert_eq!(foreign("pub fn f(uri: http::Uri) {}"), ["http::Uri"]);
        assert_eq!(
            foreign("use bytes::Bytes as B; pub struct S { pub body: Option<B> }"),
            ["bytes::Bytes"]
        );
        assert_eq!(
            foreign("pub struct S; impl S { pub fn f(&self) -> http::Uri { todo!() } }"),
            ["http::Uri"]
        );
        assert_eq!(
            foreign("use http::{self, header}; pub enum E { A(http::Uri), B(header::Entry) }"),
            ["http::Uri", "http::header::Entry"]
        );
        assert_eq!(foreign("pub use http::Uri;"), ["http::Uri"]);
        assert_eq!(
            foreign("pub trait T: serde::Serialize { fn f() -> bytes::Bytes; }"),
            ["bytes::Bytes", "serde::Serialize"]
        );
    }

    #[test]
    fn what_a_public_type_implements_counts() {
        let service = "use tower_service::Service; impl Service<http::Uri> for S { type Error = bytes::Bytes; }";
        assert_eq!(foreign(service), [""; 0]);
        assert_eq!(
            foreign(&format!("pub struct S; {service}")),
            ["bytes::Bytes", "http::Uri", "tower_service::Service"]
        );
        assert_eq!(
            foreign("use serde::Serialize; #[derive(Debug, Serialize)] pub struct S;"),
            ["serde::Serialize"]
        );
    }

    #[test]
    fn what_is_within_does_not_count() {
        let within = [
            "fn f(uri: http::Uri) {}",
            "pub(crate) fn f(uri: http::Uri) {}",
            "pub fn f() { let uri: http::Uri; }",
            "pub struct S { uri: http::Uri }",
            "pub struct S; impl S { fn f(&self) -> http::Uri { todo!() } }",
            "use http::Uri; pub struct S;",
            "#[cfg(test)] mod tests { pub fn f(uri: http::Uri) {} }",
            "pub fn f(text: std::string::String) {}",
        ];
        for text in within {
            assert_eq!(foreign(text), [""; 0], "{text}");
        }
    }
}
