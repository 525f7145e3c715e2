//! The events that `cargo xtask bench-http` sends: `posts FILE` writes one to a line, signed now, each
//! with a different id, and prints the app's secrets on stdout.
//!
//! A line is the timestamp, the nonce, the signature and the body, between tabs.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};

use benches::event::{self, ENCRYPT_KEY, VERIFICATION_TOKEN};
use benches::{Post, Size};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

/// 23 MB together, so that hardly an event is still in a cache when its turn comes again.
const POSTS: u32 = 16_384;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: posts FILE")?;
    let mut file = BufWriter::new(File::create(path)?);
    for n in 0..POSTS {
        let Post { headers, body } =
            Post::encrypted(&event::document(&format!("{n:032x}"), Size::Sample));
        for name in [
            SIGNATURE_TIMESTAMP_HEADER,
            SIGNATURE_NONCE_HEADER,
            SIGNATURE_HEADER,
        ] {
            file.write_all(headers[name].as_bytes())?;
            file.write_all(b"\t")?;
        }
        file.write_all(&body)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    println!("LARK_ENCRYPT_KEY={ENCRYPT_KEY}");
    println!("LARK_VERIFICATION_TOKEN={VERIFICATION_TOKEN}");
    Ok(())
}
