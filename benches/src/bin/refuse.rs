//! Refuses a request a number of times: `refuse ours|leaky CLASS TIMES`, for `cargo xtask bench --check`,
//! which has valgrind count the instructions of each class.

use std::env;
use std::hint::black_box;

use benches::refused::{Class, Leaky, webhook};

fn main() -> Result<(), String> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [opener, class, times] = arguments.as_slice() else {
        return Err("usage: refuse ours|leaky CLASS TIMES".to_owned());
    };
    let post = Class::named(class).ok_or_else(|| format!("{class} is no class"))?;
    let post = post.post();
    let times: u32 = times.parse().map_err(|_| format!("{times} is no number"))?;
    let (webhook, leaky) = (webhook(), Leaky::new());
    let is_refused = || match opener.as_str() {
        "ours" => Ok(webhook.open(&post.headers, post.body.clone()).is_err()),
        "leaky" => Ok(leaky.open(&post.body).is_none()),
        other => Err(format!("{other} is no opener")),
    };
    for _ in 0..times {
        if !black_box(is_refused()?) {
            return Err(format!("{class} is not refused"));
        }
    }
    Ok(())
}
