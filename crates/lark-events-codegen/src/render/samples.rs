//! The documented samples of a domain, whole and as text.

use super::super::model::{Domain, Sample};

/// A constant for each event with a sample.
pub(super) fn text(domain: &Domain) -> String {
    let samples = domain
        .events
        .iter()
        .filter_map(|event| event.sample.as_ref());
    let constants = samples.map(|Sample { constant, json }| {
        let hashes = hashes(json);
        format!("pub(super) const {constant}: &str = r{hashes}\"{json}\"{hashes};\n\n")
    });
    constants.collect()
}

/// As many hashes as a raw string with this text needs.
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
