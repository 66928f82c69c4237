//! What the stages cost: parsing, loading and judging typical, long and alias-heavy files. `cargo bench --bench check`.

mod texts;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use docker_firewall::judge;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{self, Request, Texts};
use docker_firewall::read::{policy, yaml};
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file in memory.
struct OneText(Arc<Source>);

impl Texts for OneText {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        if self.exists(path) { Ok(Arc::clone(&self.0)) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn exists(&self, path: &Path) -> bool {
        path == self.0.path()
    }

    fn is_directory(&self, path: &Path) -> bool {
        let _ = path;
        false
    }
}

/// The shapes: a name and a text.
fn shapes() -> [(&'static str, String); 4] {
    [
        ("typical (3 services)", texts::services(3)),
        ("long (1,000 services)", texts::services(1_000)),
        ("long (4,000 services)", texts::services(4_000)),
        ("aliases (1,000 services, 50 deep)", texts::aliases(1_000, 50)),
    ]
}

fn stages(criterion: &mut Criterion) {
    for (name, text) in shapes() {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let texts = OneText(Source::new("/project/compose.yaml", text));
        let request = Request {
            files: vec![PathBuf::from("/project/compose.yaml")],
            working_directory: PathBuf::from("/project"),
            ..Request::default()
        };
        group.bench_function("parse", |bencher| bencher.iter(|| yaml::parse(black_box(&texts.0))));
        group.bench_function("load", |bencher| bencher.iter(|| compose::load(black_box(&request), &texts)));
        let project = compose::load(&request, &texts);
        let judged = || judge::judge(black_box(&project), &policy::intent(&project, None));
        group.bench_function("judge", |bencher| bencher.iter(judged));
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
