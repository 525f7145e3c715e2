//! The fact files are valid JSON Schemas, and their samples match them.

use serde_json::{Value, json};

use super::super::sources::{self, Source};
use crate::workspace_root;

/// The fact files, by their paths.
fn fact_files() -> Vec<(String, Value)> {
    let domains = sources::read(&workspace_root()).unwrap();
    let specs = domains.into_iter().flat_map(|domain| domain.specs);
    specs
        .map(|Source { file, text }| (file, serde_json::from_str(&text).unwrap()))
        .collect()
}

#[test]
fn every_sample_is_an_instance_of_its_schema() {
    let mut count = 0;
    for (file, schema) in fact_files() {
        let validator = jsonschema::draft202012::new(&schema)
            .unwrap_or_else(|error| panic!("{file} is no schema: {error}"));
        for sample in schema["examples"].as_array().unwrap() {
            let errors: Vec<_> = validator
                .iter_errors(sample)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{file}: {errors:#?}");
            count += 1;
        }
    }
    assert!(count > 200, "only {count} samples");
}

#[test]
fn a_sample_of_another_shape_would_be_noticed() {
    let (_, schema) = fact_files()
        .into_iter()
        .find(|(file, _)| file.ends_with("/vc.reserve_config.updated_v1.json"))
        .unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut sample = schema["examples"][0].clone();
    assert!(validator.is_valid(&sample));
    sample["event"]["time_config"]["days_in_advance"] = json!(731);
    assert!(!validator.is_valid(&sample), "a number beyond the maximum");
    sample["event"]["time_config"] = json!("always");
    assert!(!validator.is_valid(&sample), "another type");
}
