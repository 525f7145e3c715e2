//! The documented samples of a domain, whole and as text.

use super::super::model::Domain;
use super::super::names::constant_name;

/// A constant for each event that has one.
pub(super) fn text(domain: &Domain<'_>) -> String {
    let mut text = String::new();
    for event in &domain.events {
        let Some(json) = &event.spec.sample else {
            continue;
        };
        let json = format!("{json:#}\n");
        let hashes = hashes(&json);
        let name = constant_name(&event.body.name);
        text += &format!("pub(super) const {name}: &str = r{hashes}\"{json}\"{hashes};\n\n");
    }
    text
}

/// As many as no quote in the text is followed by.
fn hashes(text: &str) -> String {
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_does_not_end_its_constant() {
        assert_eq!(hashes("\"a\": 1"), "#");
        assert_eq!(hashes("\"#a\""), "##");
        assert_eq!(hashes("\"#a\"##b\""), "###");
    }
}
