//! Deploy jobs by the contract, each in both spellings of the yml.

mod docker; // the table of dockerOptions
mod jobs; // jobs in jobs, unions, names
mod odd; // any value at any field
mod others; // params, load balancers, images
mod passes; // what passes straight through
mod refused; // what is wrong, and where
mod scaling; // counts and auto scaling
mod secrets; // what is kept and shown of them

use serde_json::{Value, json};

use super::{Options, Sources, Wanted, wanted};
use crate::config::shippable::Pipeline;
use crate::error::Error;
use crate::job::build::tests::memory::Memory;

/// A job on its way.
#[derive(Default)]
struct Bench {
    memory: Memory,
    options: Options,
}

impl Bench {
    fn try_wanted(&self, yml: &str) -> Result<Wanted, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shippable.yml"), yml).unwrap();
        let pipeline = Pipeline::read(&[], folder.path())?;
        let sources = Sources { versions: &self.memory, secrets: &self.memory };
        let result = wanted(&pipeline, "d", &self.options, &sources);
        assert!(!self.memory.calls.borrow().iter().any(|call| call == "create"), "a plan writes nothing");
        result
    }

    #[track_caller]
    fn wanted(&self, yml: &str) -> Wanted {
        self.try_wanted(yml).unwrap()
    }

    #[track_caller]
    fn fails(&self, yml: &str) -> String {
        let error = self.try_wanted(yml).unwrap_err();
        format!("{}: {error}", error.exit_status())
    }
}

#[track_caller]
fn ask(yml: &str) -> Wanted {
    Bench::default().wanted(yml)
}

#[track_caller]
fn fails(yml: &str) -> String {
    Bench::default().fails(yml)
}

/// A job `d` of one manifest `m` with one image `web`, and whatever else. Lines 1 to 4 are the cluster, the image, and
/// the keys before them.
fn job(resources: &str, manifest_steps: &str, deploy_steps: &str) -> String {
    format!(
        "resources:
  - {{name: c, type: cluster, integration: aws, pointer: {{sourceName: prod, region: eu-west-1}}}}
  - {{name: web, type: image, pointer: {{sourceName: org/web}}, seed: {{versionName: v1}}}}
{resources}jobs:
  - {{name: m, type: manifest, steps: [{{IN: web}}{manifest_steps}]}}
  - {{name: d, type: deploy, steps: [{{IN: m}}, {{IN: c}}{deploy_steps}]}}
"
    )
}

/// What one resource of options makes of a job, the same in both spellings.
#[track_caller]
fn with(kind: &str, section: &str, step: &str) -> Wanted {
    let spelled = ["version", "versionTemplate"].map(|key| {
        let resource = format!("  - name: o\n    type: {kind}\n    {key}:\n{}\n", indented(section));
        ask(&job(&resource, "", step))
    });
    let [old, new] = &spelled;
    assert_eq!(shown(old), shown(new));
    let [_, new] = spelled;
    new
}

/// Options in JSON or YAML, as a block.
fn indented(section: &str) -> String {
    section.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

fn shown(wanted: &Wanted) -> Value {
    let services = wanted.services.iter().map(|service| {
        json!({
            "name": service.name,
            "task": service.task_definition,
            "service": service.service,
            "role": service.wants_role,
            "scaling": service.scaling.as_ref().map(|scaling| format!("{scaling:?}")),
        })
    });
    json!({"services": services.collect::<Value>(), "warnings": wanted.warnings.len()})
}

/// A container of the first service.
fn container(wanted: &Wanted, at: usize) -> Value {
    wanted.services[0].task_definition["containerDefinitions"][at].clone()
}

/// Its environment as a map.
fn environment(wanted: &Wanted, at: usize) -> Value {
    let container = container(wanted, at);
    let all = container["environment"].as_array().cloned().unwrap_or_default();
    let pairs = all.iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["value"].clone()));
    Value::Object(pairs.collect())
}

#[test]
fn defaults() {
    let wanted = ask(&job("", "", ""));
    let service = &wanted.services[0];
    assert_eq!(
        json!(service.task_definition),
        json!({"family": "d-m", "containerDefinitions": [
            {"name": "web", "image": "org/web:v1", "memory": 400, "cpu": 0, "essential": true}
        ]})
    );
    assert_eq!(json!(service.service), json!({"desiredCount": 1}));
    assert_eq!((service.name.as_str(), service.force, service.wants_role), ("d-m", false, false));
    assert_eq!(service.images, [("web".to_owned(), "org/web:v1".to_owned())]);
    assert!(service.scaling.is_none() && service.secrets.is_empty() && wanted.warnings.is_empty());
    let cluster = wanted.cluster;
    assert_eq!((cluster.resource.as_str(), cluster.name.as_str()), ("c", "prod"));
    assert_eq!((cluster.region.as_deref(), cluster.integration.as_deref()), (Some("eu-west-1"), Some("aws")));
    assert_eq!((wanted.method, wanted.parallel), (super::Method::BlueGreen, false));
    assert_eq!((wanted.max_wait.as_secs(), wanted.stability.as_secs()), (600, 0));
}
