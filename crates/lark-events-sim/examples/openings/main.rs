//! Generates requests to webhooks, most of them odd or forged, and prints each with our verdict as a line
//! of JSON. `cargo xtask interop` opens the same requests with an official SDK.
//!
//! ```sh
//! openings SEED COUNT
//! ```

mod document;
mod request;
mod verdict;

use std::env;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fastrand::Rng;
use lark_events::BoxError;
use serde_json::json;

use self::document::Document;
use self::request::{Request, Secrets};
use self::verdict::verdict;

/// The most bytes of a document to print if the verdicts differ.
const MAX_SHOWN: usize = 2_000;

fn main() -> ExitCode {
    let Some((seed, count)) = arguments(env::args().skip(1)) else {
        eprintln!("usage: openings SEED COUNT");
        return ExitCode::from(2);
    };
    match write(&mut Rng::with_seed(seed), count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openings: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<(u64, usize)> {
    let (seed, count) = (given.next()?.parse().ok()?, given.next()?.parse().ok()?);
    given.next().is_none().then_some((seed, count))
}

/// Writes `count` requests: first each oddity alone, so that none is missing, then random ones.
fn write(rng: &mut Rng, count: usize) -> Result<(), BoxError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let cases = alone(rng)?;
    if count < cases.len() {
        return Err(format!("expected at least {} requests", cases.len()).into());
    }
    for (secrets, document, request) in &cases {
        write_one(&mut out, *secrets, document, request)?;
    }
    for _ in cases.len()..count {
        let secrets = Secrets::choose(rng);
        let document = Document::choose(rng);
        let request = Request::choose(&document, secrets, rng)?;
        write_one(&mut out, secrets, &document, &request)?;
    }
    Ok(out.flush()?)
}

/// Each oddity of a document or a request, alone.
fn alone(rng: &mut Rng) -> Result<Vec<(Secrets, Document, Request)>, BoxError> {
    let mut cases = Vec::new();
    for secrets in Secrets::ALL {
        let documents = [
            Document::usual(rng),
            Document::each_oddity(rng),
            Document::each_damage(rng),
        ];
        for document in documents.concat() {
            let request = Request::with("", &document, secrets, rng)?;
            cases.push((secrets, document, request));
        }
    }
    let of = |secrets| move |&odd| (secrets, odd);
    let keyed = [
        request::ENCRYPTIONS,
        request::SIGNATURES,
        &[request::IN_THE_CLEAR],
    ]
    .concat();
    let keyed = keyed.iter().map(of(Secrets::BOTH));
    for (secrets, odd) in keyed.chain(request::KEYLESS.iter().map(of(Secrets::NO_KEY))) {
        for document in Document::usual(rng) {
            let request = Request::with(odd, &document, secrets, rng)?;
            cases.push((secrets, document, request));
        }
    }
    Ok(cases)
}

fn write_one(
    out: &mut impl io::Write,
    secrets: Secrets,
    document: &Document,
    request: &Request,
) -> Result<(), BoxError> {
    let odd = [&*document.odd, &*request.odd].concat();
    let shown = document.bytes.len().min(MAX_SHOWN);
    let case = json!({
        "kind": document.kind.name(),
        "odd": odd,
        "key": secrets.key.unwrap_or_default(),
        "token": secrets.token.unwrap_or_default(),
        "headers": request.headers,
        "body": BASE64_STANDARD.encode(&request.body),
        "document": document.bytes[..shown].escape_ascii().to_string(),
        "ours": verdict(secrets, request)?,
    });
    Ok(writeln!(out, "{case}")?)
}
