//! Does one case a number of times: `repeat CASE SIZE TIMES`, for `cargo xtask bench --check`, which
//! has valgrind count its instructions, and for profilers.

use std::env;

use benches::{Case, Size};

fn main() -> Result<(), String> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [case, size, times] = arguments.as_slice() else {
        return Err("usage: repeat CASE SIZE TIMES".to_owned());
    };
    let case = Case::named(case).ok_or_else(|| format!("unknown case {case}"))?;
    let size = Size::named(size).ok_or_else(|| format!("unknown size {size}"))?;
    let times: u32 = times
        .parse()
        .map_err(|_| format!("expected a number of times, got {times}"))?;
    let mut workload = case.workload(size);
    for _ in 0..times {
        workload();
    }
    Ok(())
}
