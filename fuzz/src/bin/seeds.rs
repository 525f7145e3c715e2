//! Writes the seeds of a target into a folder, and its words into a dictionary:
//! `seeds TARGET FOLDER DICTIONARY`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use fuzz::TARGETS;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name, folder, dictionary] = &arguments[..] else {
        return Err("usage: seeds TARGET FOLDER DICTIONARY".into());
    };
    let target = TARGETS.iter().find(|target| target.name == *name);
    let target = target.ok_or_else(|| format!("no target `{name}`"))?;
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    for (index, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("{name}-{index:04}")), seed)?;
    }
    let lines = (target.words)().into_iter().map(|word| quoted(&word));
    fs::write(dictionary, lines.collect::<String>())?;
    Ok(())
}

/// A line of a dictionary, in which all but letters and digits are hexadecimal.
fn quoted(word: &str) -> String {
    let escaped = word.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    });
    format!("\"{}\"\n", escaped.collect::<String>())
}
