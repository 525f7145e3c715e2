//! Rejects a request a number of times: `refuse ours|leaky CLASS TIMES`, for `cargo xtask bench --check`,
//! which has valgrind count the instructions of each class. `refuse classes unsigned|signed` lists those that
//! must look alike.

use std::env;
use std::hint::black_box;

use benches::event::webhook;
use benches::refused::{Class, Leaky};

fn main() -> Result<(), String> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (opener, class, times) = match arguments[..] {
        ["classes", "unsigned"] => return list(&Class::UNSIGNED),
        ["classes", "signed"] => return list(&Class::SIGNED),
        [opener, class, times] => (opener, class, times),
        _ => {
            return Err(
                "usage: refuse ours|leaky CLASS TIMES, or classes unsigned|signed".to_owned(),
            );
        }
    };
    let post = Class::named(class)
        .ok_or_else(|| format!("unknown class {class}; see `refuse classes unsigned|signed`"))?;
    let post = post.post();
    let times: u32 = times
        .parse()
        .map_err(|_| format!("expected a number of times, got {times}"))?;
    let (webhook, leaky) = (webhook(), Leaky::new());
    let is_refused = || match opener {
        "ours" => Ok(webhook.open(&post.headers, post.body.clone()).is_err()),
        "leaky" => Ok(leaky.open(&post.body).is_none()),
        other => Err(format!("expected the opener ours or leaky, got {other}")),
    };
    for _ in 0..times {
        if !black_box(is_refused()?) {
            return Err(format!("{class} is not rejected"));
        }
    }
    Ok(())
}

fn list(classes: &[Class]) -> Result<(), String> {
    for class in classes {
        println!("{class:?}");
    }
    Ok(())
}
