//! Modules for apps. The command's tests compile them.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::files::write;
use super::super::scratch::Scratch;
use super::*;

/// A folder with pages.
struct Pages(Scratch);

impl Pages {
    fn new(pages: &[(&str, String)]) -> Self {
        let folder = Scratch::new();
        for (name, text) in pages {
            write(&folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn module(&self, names: &[&str]) -> Result<Module, CodegenError> {
        let paths: Vec<_> = names.iter().map(|name| self.0.join(name)).collect();
        Module::from_pages(&paths)
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages")
}

fn fixture(name: &str) -> String {
    fs::read_to_string(fixtures().join(name)).unwrap()
}

/// The module of one page of the fixtures.
fn module(name: &str) -> Module {
    Module::from_pages(&[fixtures().join(name)]).unwrap()
}

#[test]
fn values_that_are_words_are_an_enum_and_numbers_are_listed() {
    let text = module("keys.md").text;
    let bullets = "open_string_enum!(CupGradedV1Bullets {\n    Green = \"green\",\n    Black = \"black\",\n});";
    assert!(text.contains(bullets), "{text}");
    assert!(text.contains("pub bullets: Option<CupGradedV1Bullets>"));
    assert!(text.contains("/// A documented value. Key `green`."));
    assert!(text.contains("/// Known values are 0, 1.\n"), "{text}");
}

#[test]
fn a_module_needs_no_json_but_for_its_tests() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let Module { text, .. } = Module::from_pages(&[entry.unwrap().path()]).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains("serde_json"), "{code}");
    }
    assert!(
        module("escaped_types.md")
            .text
            .contains("pub none: Option<lark_events::lenient::Value>")
    );
}

#[test]
fn no_sentence_of_a_page_is_in_it() {
    let text = module("regular.md").text;
    for word in ["How", "校验", "Any one", "Pots", "wrong", "golang"] {
        assert!(fixture("regular.md").contains(word), "{word}");
        assert!(!text.contains(word), "{word}");
    }
    assert!(text.contains("In seconds; 180 when not set"));
    assert!(text.contains("`tea:pot`"));
}

#[test]
fn what_has_no_description_is_listed_by_type() {
    let Module {
        undescribed,
        events,
        ..
    } = module("regular.md");
    let event = ("tea.pot.ready_v1".to_owned(), "PotReadyV1".to_owned());
    assert_eq!(events, [event]);
    let (name, fields) = &undescribed[0];
    assert_eq!((name.as_str(), fields[0].as_str()), ("PotReadyV1", "label"));
    assert_eq!(undescribed[1], ("Brewer".to_owned(), vec!["id".to_owned()]));
}

#[test]
fn pages_that_agree_share_types_and_others_have_their_own() {
    let ready = fixture("regular.md");
    let other = ready.replace("tea.pot.ready_v1", "tea.pot.brewed_v1");
    let id = ["\t<md-text type=\"field-name\" >id</md-text>\n\t</md-dt-td>\n\t<md-dt-td>\n\t<md-text type=\"field-type\" >";
        2];
    let contrary = other.replace(&format!("{}string", id[0]), &format!("{}boolean", id[1]));
    let contrary = contrary.replace("\"b1\"", "true");
    assert_ne!(contrary, other);
    let pages = Pages::new(&[("a.md", ready), ("b.md", other), ("c.md", contrary)]);
    let agreed = pages.module(&["a.md", "b.md"]).unwrap().text;
    assert_eq!(agreed.matches("pub struct Brewer {").count(), 1);
    let contrary = pages.module(&["a.md", "c.md"]).unwrap().text;
    for (name, id) in [
        ("PotReadyV1Brewer", "String"),
        ("PotBrewedV1Brewer", "bool"),
    ] {
        assert!(contrary.contains(&format!("pub brewer: Option<{name}>")));
        let (_, body) = contrary
            .split_once(&format!("pub struct {name} {{"))
            .unwrap();
        let (_, field) = body.split_once("pub id: ").unwrap();
        assert!(field.starts_with(&format!("Option<{id}>")), "{name}");
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let ready = fixture("regular.md");
    let option = ready
        .replace(">brewer</md-text>", ">option</md-text>")
        .replace("\"brewer\":", "\"option\":")
        .replace(">label</md-text>", ">1st</md-text>")
        .replace("\"label\":", "\"1st\":");
    let pages = Pages::new(&[("a.md", option)]);
    let text = pages.module(&["a.md"]).unwrap().text;
    assert!(text.contains("pub option: Option<Option2>"), "{text}");
    assert!(text.contains("rename = \"1st\""), "{text}");
    assert!(text.contains("pub field_1: Option<String>"), "{text}");
}

#[test]
fn every_page_that_is_refused_is_named() {
    let ready = fixture("regular.md");
    let pages = Pages::new(&[
        ("a.md", ready.clone()),
        ("b.md", ready),
        ("c.md", "# No event\n".to_owned()),
    ]);
    let Err(CodegenError::Refused(lines)) = pages.module(&["a.md", "b.md", "c.md"]) else {
        panic!("two pages are refused");
    };
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("`tea.pot.ready_v1` is also on"),
        "{lines:?}"
    );
    assert!(lines[1].contains("c.md:1: expected"), "{lines:?}");
    let gone = pages.module(&["gone.md"]).unwrap_err();
    assert!(matches!(gone, CodegenError::Io(..)), "{gone}");
}

#[test]
fn what_somebody_wrote_is_only_overwritten_by_force() {
    let folder = Scratch::new();
    let path = folder.join("deep/events.rs");
    let made = module("regular.md");
    made.write(&path, false).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(module::HEADER));
    fs::write(&path, text.clone() + "// Mine.\n").unwrap();
    made.write(&path, false).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    fs::write(&path, "// Mine.\n").unwrap();
    let refused = made.write(&path, false).unwrap_err();
    assert!(
        matches!(refused, CodegenError::NotGenerated(_)),
        "{refused}"
    );
    made.write(&path, true).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
