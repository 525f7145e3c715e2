//! The time of each case, for `cargo xtask bench`: names are `<case>/<size>`.

use benches::{Case, Size};
use criterion::{Criterion, criterion_group, criterion_main};

fn all(criterion: &mut Criterion) {
    for size in Size::ALL {
        for case in Case::ALL {
            let mut group = criterion.benchmark_group(case.name());
            let mut workload = case.workload(size);
            group.bench_function(size.name(), |bencher| bencher.iter(&mut workload));
        }
    }
}

criterion_group!(events, all);
criterion_main!(events);
