use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::job::build::sources::Draft;
use crate::store::Input;

/// Versions alone.
#[derive(Default)]
struct Versioned(RefCell<BTreeMap<Owner, Vec<Version>>>);

impl Versioned {
    fn add(&self, owner: &Owner, inputs: &[(&str, u64)]) {
        let mut all = self.0.borrow_mut();
        let versions = all.entry(owner.clone()).or_default();
        let number = versions.len() as u64 + 1;
        let input = |(name, number): &(&str, u64)| Input {
            name: (*name).to_owned(),
            version_number: *number,
            version_name: None,
        };
        versions.push(Version {
            version_number: number,
            version_id: number,
            version_name: Some(format!("{}-{number}", owner.name())),
            created_at: String::new(),
            property_bag: serde_json::Map::new(),
            inputs: inputs.iter().map(input).collect(),
            run: None,
            section: None,
        });
    }
}

impl Versions for Versioned {
    fn latest(&self, owner: &Owner) -> Result<Option<Version>, Error> {
        Ok(self.0.borrow().get(owner).and_then(|versions| versions.last().cloned()))
    }

    fn version(&self, owner: &Owner, number: u64) -> Result<Option<Version>, Error> {
        let found = |one: &&Version| one.version_number == number;
        Ok(self.0.borrow().get(owner).and_then(|versions| versions.iter().find(found).cloned()))
    }

    fn version_named(&self, _: &Owner, _: &str) -> Result<Option<Version>, Error> {
        unreachable!()
    }

    fn recent(&self, _: &Owner, _: usize) -> Result<Vec<Version>, Error> {
        unreachable!()
    }

    fn pinned(&self, _: &Owner) -> Result<Option<u64>, Error> {
        unreachable!()
    }

    fn create(&self, _: &Owner, _: &Draft) -> Result<Version, Error> {
        unreachable!()
    }

    fn latest_state(&self, _: &str) -> Result<Option<String>, Error> {
        unreachable!()
    }

    fn fetch_state(&self, _: &Owner, _: &str, _: &Path) -> Result<(), Error> {
        unreachable!()
    }

    fn place(&self) -> String {
        unreachable!()
    }
}

/// `name-number(inputs)`, with `?` for what is not there and `…` for what was told.
fn short(traced: &Traced) -> String {
    let name = traced.owner.name();
    let name = match (&traced.version_name, traced.version_number) {
        (Some(name), _) => name.clone(),
        (None, number) => format!("{name}-{}?", number.unwrap_or_default()),
    };
    match traced.inputs.as_deref() {
        None => format!("{name}…"),
        Some([]) => name,
        Some(inputs) => format!("{name}({})", inputs.iter().map(short).collect::<Vec<_>>().join(" ")),
    }
}

fn trace(yml: &str, job: &str, versions: &Versioned) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shippable.yml"), yml).unwrap();
    let pipeline = Pipeline::read(&[], folder.path()).unwrap();
    of(&pipeline, pipeline.require_job(job).unwrap(), versions).unwrap().iter().map(short).collect()
}

const YML: &str = "
resources:
  - {name: src, type: image, versionTemplate: {sourceName: o/s}}
  - {name: keep, type: state}
  - {name: new, type: image, versionTemplate: {sourceName: o/n}}
jobs:
  - {name: build, type: runSh, steps: [IN: src, IN: keep, OUT: keep, OUT: new]}
  - {name: deploy, type: runSh, steps: [IN: new, IN: build, IN: keep, OUT: keep]}
";

#[test]
fn versions_of_versions() {
    let versions = Versioned::default();
    let [src, keep, new] = ["src", "keep", "new"].map(|name| Owner::Resource(name.to_owned()));
    let [build, deploy] = ["build", "deploy"].map(|name| Owner::Job(name.to_owned()));
    assert_eq!(trace(YML, "build", &versions), ["build-0?", "keep-0?", "new-0?"]);
    versions.add(&src, &[]);
    versions.add(&keep, &[]);
    for owner in [&build, &keep, &new] {
        versions.add(owner, &[("src", 1), ("keep", 1)]);
    }
    assert_eq!(
        trace(YML, "build", &versions),
        ["build-1(src-1 keep-1)", "keep-2(src-1 keep-1)", "new-1(src-1 keep-1)"]
    );
    for owner in [&deploy, &keep] {
        versions.add(owner, &[("new", 1), ("build", 1), ("keep", 2), ("gone", 7)]);
    }
    // What a state was made of ends where it comes back to itself; what was told is not told again.
    assert_eq!(
        trace(YML, "deploy", &versions),
        [
            "deploy-1(new-1(src-1 keep-1) build-1(src-1 keep-1) keep-2(src-1 keep-1) gone-7?)",
            "keep-3(new-1… build-1… keep-2… gone-7?)"
        ]
    );
}

/// A hundred runs, each made from the two before: told once each, not two to the hundredth times.
#[test]
fn it_does_not_grow_beyond_the_versions() {
    let mut yml = "jobs:\n".to_owned();
    let versions = Versioned::default();
    let name = |number: usize| format!("j{number}");
    for number in 0..100_usize {
        let before: Vec<String> = (number.saturating_sub(2)..number).map(name).collect();
        let steps: Vec<String> = before.iter().map(|name| format!("IN: {name}")).collect();
        yml += &format!("  - {{name: {}, type: runSh, steps: [{}]}}\n", name(number), steps.join(", "));
        let inputs: Vec<(&str, u64)> = before.iter().map(|name| (name.as_str(), 1)).collect();
        versions.add(&Owner::Job(name(number)), &inputs);
    }
    let told = trace(&yml, "j99", &versions);
    assert!(told.len() == 1 && told[0].matches("-1").count() < 250, "{told:?}");
}
