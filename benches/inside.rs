//! The parts that a look-up is made of, and those that large inputs go through. `make bench` runs these after whole
//! commands have been timed; only whole commands are what a script feels.

#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros write undocumented functions; a benchmark may stop

use std::fs::File;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use shipctl::ctx::Env;
use shipctl::job::directory::JobDirectory;
use shipctl::job::names;
use shipctl::job::resource::{self, Attribute};
use shipctl::support::json;

const VERSION: &str = concat!(
    r#"{"operation":"IN","name":"app_img","type":"image","resourceId":103,"propertyBag":{"yml":{"pointer":{"#,
    r#""sourceName":"org/web"}}},"version":{"versionId":10312,"versionNumber":12,"versionName":"v1.4.1","#,
    r#""propertyBag":{"sourceName":"org/web","labels":["a","b","c"],"limits":{"memory":256,"cpu":128}}}}"#
);

fn name_rules(criterion: &mut Criterion) {
    criterion.bench_function("names: prefix", |bencher| bencher.iter(|| names::prefix(black_box(b"1st-app_img.web"))));
    let known = ["app_img", "app_repo", "aws_cli", "infra_state", "settings"];
    criterion.bench_function("names: nearest of five", |bencher| {
        bencher.iter(|| names::did_you_mean(black_box("app_image"), known));
    });
}

fn json_paths(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("version.json");
    std::fs::write(&file, VERSION).unwrap();
    let path = json::Path::of_keys(["version", "propertyBag", "sourceName"]);
    criterion.bench_function("json: one key of a version.json", |bencher| {
        bencher.iter(|| json::get(&File::open(&file).unwrap(), black_box(&path)).unwrap());
    });
}

fn job_directory(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let meta = folder.path().join("IN/app_img");
    std::fs::create_dir_all(&meta).unwrap();
    std::fs::write(meta.join("version.json"), VERSION).unwrap();
    let env = Env::Fixed(std::collections::BTreeMap::new());
    criterion.bench_function("job: a version name from its files", |bencher| {
        bencher.iter(|| {
            let job = JobDirectory::at(&env, folder.path().to_owned());
            resource::attribute(&job, black_box("app_img".as_ref()), Attribute::VersionName).unwrap()
        });
    });
}

// One function for each part; templates, the environment of a job and others join here.
criterion_group!(inside, name_rules, json_paths, job_directory);
criterion_main!(inside);
