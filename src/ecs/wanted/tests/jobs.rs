//! Jobs in jobs: unions, overrides, names.

use serde_json::json;

use super::{Bench, ask, container, environment, job};
use crate::ecs::wanted::{Method, Wanted};

const RESOURCES: &str = "resources:
  - {name: c, type: cluster, pointer: {sourceName: prod}}
  - {name: c2, type: cluster, pointer: {sourceName: beta}}
  - {name: a, type: image, pointer: {sourceName: o/a}, seed: {versionName: 1}}
  - {name: b, type: image, pointer: {sourceName: o/b}, seed: {versionName: 1}}
  - {name: o1, type: dockerOptions, version: {memory: 1, cpuShares: 1, labels: {x: 1, y: 1}, links: [a], logConfig: {type: a, options: {k: v}}, service: {deploymentConfiguration: {maximumPercent: 1, minimumHealthyPercent: 1}}}}
  - {name: o2, type: dockerOptions, version: {memory: 2, labels: {y: 2, z: 2}, links: [a:m, a:n], logConfig: {type: b}, service: {deploymentConfiguration: {maximumPercent: 2}}}}
  - {name: p1, type: params, version: {params: {A: 1, B: 1}}}
  - {name: p2, type: params, version: {params: {B: 2, C: 2}}}
  - {name: r1, type: replicas, version: {count: 1}}
  - {name: r2, type: replicas, version: {count: 2}}
  - {name: r3, type: replicas, version: {count: 3}}
  - {name: lb, type: loadBalancer, pointer: {sourceName: lb}}
  - {name: ports, type: dockerOptions, version: {portMappings: [80]}}
";

fn jobs(jobs: &str) -> Wanted {
    ask(&format!("{RESOURCES}jobs:\n{jobs}"))
}

fn names(wanted: &Wanted) -> Vec<&str> {
    wanted.services.iter().map(|service| service.name.as_str()).collect()
}

fn counts(wanted: &Wanted) -> Vec<i64> {
    wanted.services.iter().map(|service| service.service["desiredCount"].as_i64().unwrap()).collect()
}

#[test]
fn options_are_united_in_step_order() {
    let options = |steps: &str| {
        let wanted = jobs(&format!(
            "  - {{name: m, type: manifest, steps: [{{IN: a}}{steps}]}}\n  - {{name: d, type: deploy, steps: [{{IN: c}}, {{IN: m}}]}}\n"
        ));
        (container(&wanted, 0), json!(wanted.services[0].service))
    };
    let (container, service) = options(", {IN: o1}, {IN: o2}");
    assert_eq!(
        container,
        json!({
            "name": "a", "image": "o/a:1", "memory": 2, "cpu": 1, "essential": true,
            "dockerLabels": {"x": "1", "y": "2", "z": "2"}, "links": ["a:m", "a:n"], "logConfiguration": {"logDriver": "b"}
        })
    );
    let want = json!({"desiredCount": 1, "deploymentConfiguration": {"maximumPercent": 2, "minimumHealthyPercent": 1}});
    assert_eq!(service, want);
    let (container, _) = options(", {IN: o2}, {IN: o1}");
    assert_eq!((&container["memory"], &container["links"]), (&json!(1), &json!(["a"])));
}

#[test]
fn the_deploy_jobs_options_override_the_manifests() {
    let wanted = jobs(
        "  - {name: m, type: manifest, steps: [{IN: a}, {IN: o2}, {IN: p2}, {IN: r2}]}
  - {name: d, type: deploy, steps: [{IN: p1}, {IN: o1}, {IN: r1}, {IN: c}, {IN: m}]}
",
    );
    assert_eq!(container(&wanted, 0)["memory"], 1);
    assert_eq!(environment(&wanted, 0), json!({"B": "1", "C": "2", "A": "1"}));
    assert_eq!(counts(&wanted), [1]);
}

#[test]
fn apply_to_narrows() {
    let wanted = jobs(
        "  - {name: m, type: manifest, steps: [{IN: a}, {IN: b}, {IN: o1, applyTo: [b]}, {IN: p1, applyTo: a}]}
  - {name: n, type: manifest, steps: [{IN: a}]}
  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}, {IN: n}, {IN: r2, applyTo: [n]}, {IN: p2, applyTo: [n, b]}]}
",
    );
    assert_eq!((&container(&wanted, 0)["memory"], &container(&wanted, 1)["memory"]), (&json!(400), &json!(1)));
    assert_eq!(environment(&wanted, 0), json!({"A": "1", "B": "1"}));
    assert_eq!(environment(&wanted, 1), json!({"B": "2", "C": "2"}));
    let other = wanted.services[1].task_definition["containerDefinitions"][0]["environment"].as_array().unwrap().len();
    assert_eq!((counts(&wanted), other), (vec![1, 2], 2));
    assert_eq!(names(&wanted), ["d-m", "d-n"]);
}

#[test]
fn manifests_come_through_releases_and_deploy_jobs() {
    let wanted = jobs(
        "  - {name: m, type: manifest, steps: [{IN: a}]}
  - {name: n, type: manifest, steps: [{IN: b}, {IN: ports}, {IN: r1}]}
  - {name: beta, type: deploy, steps: [{IN: c2}, {IN: n, force: true, deployName: other}, {IN: p1}, {IN: r2}, {IN: lb, applyTo: [{manifest: n, image: b, port: 80}]}]}
  - {name: rel, type: release, steps: [{IN: m}, {IN: beta}]}
  - {name: d, type: deploy, steps: [{IN: c}, {IN: rel}, {IN: p2}]}
",
    );
    // What belongs to the other deployment stays there: its cluster, its names, its load balancer.
    assert_eq!((names(&wanted), wanted.cluster.name.as_str()), (vec!["d-m", "d-n"], "prod"));
    assert!(wanted.services.iter().all(|service| !service.force && !service.service.contains_key("loadBalancers")));
    assert_eq!(
        wanted.warnings,
        ["shippable.yml:18:116: the loadBalancer lb stays with beta: name it in this job, too"]
    );
    // Its options come along, and the outer ones win.
    assert_eq!(counts(&wanted), [1, 2]);
    assert_eq!(
        wanted.services[1].task_definition["containerDefinitions"][0]["environment"],
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "2"}])
    );
}

#[test]
fn a_manifest_that_is_there_twice_counts_once() {
    let wanted = jobs(
        "  - {name: m, type: manifest, steps: [{IN: a}]}
  - {name: rel, type: release, steps: [{IN: m}]}
  - {name: d, type: deploy, steps: [{IN: c}, {IN: rel}, {IN: m, versionNumber: 3, force: true}]}
",
    );
    assert_eq!((names(&wanted), wanted.services[0].force), (vec!["d-m"], true));
    assert_eq!(
        wanted.warnings,
        [
            "shippable.yml:18:80: m is taken as the yml has it: pin the versions of its resources instead",
            "shippable.yml:18:62: the manifest m is there twice: the later counts"
        ]
    );
}

#[test]
fn names_and_force() {
    let two = "  - {name: m, type: manifest, steps: [{IN: a}]}\n  - {name: n, type: manifest, steps: [{IN: b}]}\n";
    let wanted = jobs(&format!(
        "{two}  - {{name: d, type: deploy, steps: [{{IN: c}}, {{IN: m, deployName: mine, force: true}}, {{IN: n}}]}}\n"
    ));
    let forced: Vec<bool> = wanted.services.iter().map(|service| service.force).collect();
    assert_eq!((names(&wanted), forced), (vec!["mine", "d-n"], vec![true, false]));
    assert_eq!(wanted.services[0].task_definition["family"], "mine");
    let wanted = jobs(&format!(
        "{two}  - {{name: d, type: deploy, force: true, deployName: all, steps: [{{IN: c}}, {{IN: m}}]}}\n"
    ));
    assert_eq!((names(&wanted), wanted.services[0].force), (vec!["all"], true));
    let wanted = jobs(&format!(
        "{two}  - {{name: d, type: deploy, deployName: all, steps: [{{IN: c}}, {{IN: m, deployName: own}}]}}\n"
    ));
    assert_eq!(names(&wanted), ["own"]);
}

#[test]
fn settings_of_the_job() {
    let yml = |settings: &str| job("", "", "").replace("type: deploy,", &format!("type: deploy, {settings},"));
    for (settings, method, parallel, wait, stability) in [
        ("method: blueGreen", Method::BlueGreen, false, 600, 0),
        ("method: upgrade, workflow: serial", Method::Upgrade, false, 600, 0),
        ("method: replace, workflow: parallel", Method::Replace, true, 600, 0),
        ("maxWaitTime: 3600, stabilityDuration: 300", Method::BlueGreen, false, 3600, 300),
        ("maxWaitTime: \"0\", stabilityDuration: 0", Method::BlueGreen, false, 0, 0),
    ] {
        let wanted = ask(&yml(settings));
        assert_eq!((wanted.method, wanted.parallel), (method, parallel), "{settings}");
        assert_eq!((wanted.max_wait.as_secs(), wanted.stability.as_secs()), (wait, stability), "{settings}");
        assert!(wanted.warnings.is_empty());
    }
    let wanted = ask(&yml("method: upgrade, stabilityDuration: 5"));
    assert_eq!((wanted.stability.as_secs(), wanted.warnings.len()), (0, 1));
    let mut bench = Bench::default();
    bench.options.timeout = Some(std::time::Duration::from_hours(2));
    assert_eq!(bench.wanted(&yml("maxWaitTime: 1")).max_wait.as_secs(), 7200);
}

#[test]
fn params_before_a_resource_fill_its_placeholders_in() {
    let mut bench = Bench::default();
    bench.options.build_number = "12".into();
    bench.memory.references.insert("env:T".into(), "hunter2".into());
    let yml = "resources:
  - {name: p, type: params, version: {params: {ENV: beta, secure: {TOKEN: env:T}}}}
  - {name: late, type: params, version: {params: {LATE: x}}}
  - {name: c, type: cluster, pointer: {sourceName: \"cluster-${ENV}\"}}
  - {name: o, type: dockerOptions, version: {logConfig: {type: awslogs, options: {group: /$ENV/$BUILD_NUMBER/$TOKEN}}, cmd: [sh, -c, echo $HOME $LATE]}}
  - {name: a, type: image, pointer: {sourceName: o/a}, seed: {versionName: master.$BUILD_NUMBER}}
jobs:
  - {name: m, type: manifest, steps: [{IN: a}]}
  - {name: d, type: deploy, steps: [{IN: p}, {IN: c}, {IN: o}, {IN: late}, {IN: m}]}
";
    let wanted = bench.wanted(yml);
    assert_eq!(wanted.cluster.name, "cluster-beta");
    let container = container(&wanted, 0);
    assert_eq!(container["image"], "o/a:master.12");
    assert_eq!(container["logConfiguration"]["options"]["group"], "/beta/12/$TOKEN");
    assert_eq!(container["command"][2], "echo $HOME $LATE");
    assert_eq!(wanted.warnings, ["shippable.yml:5:5: $TOKEN of o stays as it is: it is a secret"]);
}
