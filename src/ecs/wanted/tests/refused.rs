//! What is wrong with a job, and where.

use super::{Bench, fails, job};
use crate::error::{Error, Kind};

const START: &str = "resources:
  - {name: c, type: cluster, pointer: {sourceName: prod}}
  - {name: a, type: image, pointer: {sourceName: o/a}}
  - {name: o, type: dockerOptions, version: {memory: 1}}
  - {name: f, type: file, pointer: {sourceName: f}}
jobs:
";

#[test]
fn jobs_that_are_wrong() {
    for (jobs, want) in [
        ("  - {name: e, type: deploy}\n", "no job d in shippable.yml"),
        (
            "  - {name: d, type: runSh}\n  - {name: e, type: deploy}\n",
            "shippable.yml:7:21: d is a runSh job: a deploy job was expected (here: e)",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}]}\n",
            "shippable.yml:7:5: d has nothing to deploy: add `- IN: MANIFEST` to its steps",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: a}]}\n",
            "shippable.yml:7:5: d has no cluster: add `- IN: CLUSTER` to its steps",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: mm}]}\n  - {name: m, type: manifest}\n",
            "shippable.yml:7:51: Missing dependency for: IN mm: no resource or job of this name",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: o}]}\n",
            "shippable.yml:8:5: the manifest m has no image: add `- IN: IMAGE` to its steps",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: f}]}\n",
            "shippable.yml:8:44: m takes in the file f: ECS runs images only",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: aa}]}\n",
            "shippable.yml:8:44: Missing dependency for: IN aa",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: r}]}\n  - {name: r, type: release, steps: [{IN: d}]}\n",
            "shippable.yml:8:43: d → r → d: jobs that take each other in",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}, {IN: o, applyTo: [aa]}]}\n  - {name: m, type: manifest, steps: [{IN: a}]}\n",
            "shippable.yml:7:73: applyTo: no image or manifest aa in this job",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: a}, {IN: o, applyTo: [{}]}]}\n",
            "shippable.yml:8:66: applyTo of o has a map",
        ),
        (
            "  - {name: d, type: deploy, deployName: x y, steps: [{IN: c}, {IN: m}]}\n  - {name: m, type: manifest, steps: [{IN: a}]}\n",
            "shippable.yml:7:41: x y cannot be the name of a service",
        ),
        (
            "  - {name: d, type: deploy, deployName: x, steps: [{IN: c}, {IN: m}, {IN: n}]}\n  - {name: m, type: manifest, steps: [{IN: a}]}\n  - {name: n, type: manifest, steps: [{IN: a}]}\n",
            "shippable.yml:7:41: deployName x would be the name of 2 services",
        ),
        (
            "  - {name: d, type: deploy, steps: [{IN: c}, {IN: m, deployName: x}, {IN: n, deployName: x}]}\n  - {name: m, type: manifest, steps: [{IN: a}]}\n  - {name: n, type: manifest, steps: [{IN: a}]}\n",
            "shippable.yml:7:5: m and n would both be called x",
        ),
    ] {
        let message = fails(&format!("{START}{jobs}"));
        assert!(message.starts_with(&format!("8: {want}")), "{message}\n{want}");
    }
}

#[test]
fn settings_that_are_wrong() {
    for (setting, want) in [
        (
            "method: bluegreen",
            "6:37: method is bluegreen: one of blueGreen, upgrade, replace was expected; did you mean blueGreen?",
        ),
        ("workflow: [a]", "6:39: workflow is a list: one of serial, parallel was expected"),
        ("maxWaitTime: 3601", "6:42: maxWaitTime is 3601: 0 to 3600 seconds were expected"),
        ("maxWaitTime: -1", "6:42: maxWaitTime is -1: 0 to 3600 seconds were expected"),
        ("stabilityDuration: 301", "6:48: stabilityDuration is 301: 0 to 300 seconds were expected"),
        ("force: 1", "6:36: force is a number: true or false was expected"),
    ] {
        let yml = job("", "", "").replace("type: deploy,", &format!("type: deploy, {setting},"));
        let message = fails(&yml);
        assert!(message.starts_with(&format!("8: shippable.yml:{want}")), "{message}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let resources = "  - {name: o, type: dockerOptions, version: {memory: x, user: []}}\n";
    let message = fails(&job(resources, "", ", {IN: o}, {IN: c, again: 1}"));
    assert_eq!(message.matches("was expected").count(), 3, "{message}");
}

#[test]
fn clusters_that_are_wrong() {
    let yml = "resources:
  - {name: c, type: cluster, pointer: {region: r}}
  - {name: c2, type: cluster, pointer: {sourceName: r}}
  - {name: a, type: image, pointer: {sourceName: o/a}}
jobs:
  - {name: m, type: manifest, steps: [{IN: a}]}
  - {name: d, type: deploy, steps: [{IN: c}, {IN: m}]}
";
    assert_eq!(fails(yml), "8: shippable.yml:2:5: c has no sourceName: add `sourceName: CLUSTER`");
    let two = yml.replace("{IN: c},", "{IN: c}, {IN: c2},");
    assert_eq!(fails(&two), "8: shippable.yml:7:51: d has the clusters c and c2: one was expected");
}

#[test]
fn containers_that_ecs_would_refuse() {
    for (options, want) in [
        ("essential: false", "m: one of its containers has to be essential"),
        ("memoryReservation: 500", "web has memoryReservation 500 and memory 400: give it at least as much memory"),
        (
            "network: awsvpc\n      portMappings: [\"8080:80\"]",
            "web maps 8080:80: with networkMode awsvpc both ports are the same",
        ),
    ] {
        let resource = format!("  - name: o\n    type: dockerOptions\n    version:\n      {options}\n");
        let message = fails(&job(&resource, "", ", {IN: o}"));
        assert!(message.contains(want), "{message}");
    }
    let named = job("  - {name: a.b, type: image, pointer: {sourceName: x}}\n", ", {IN: a.b}", "");
    assert!(fails(&named).starts_with("8: shippable.yml:4:5: a.b cannot be the name of a container"));
}

#[test]
fn a_store_that_cannot_be_read_is_its_own_failure() {
    let mut bench = Bench::default();
    bench.memory.broken = Some("latest");
    let error: Error = bench.try_wanted(&job("", "", "")).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Network, "latest is broken"));
}

#[test]
fn placeholders_of_names_have_to_stand_for_something() {
    let yml = job("", "", "").replace("sourceName: prod", "sourceName: \"prod-${ENV}\", other: $X");
    let want = "8: shippable.yml:2:5: $ENV of c stands for nothing: name a params that has it before c in the steps";
    assert_eq!(fails(&yml), want);
}

/// Ports that the containers of a task, or two mappings of one, would have at once.
#[test]
fn ports_that_are_mapped_twice() {
    let two = |mode: &str, web: &str, api: &str| {
        let network = if mode.is_empty() { String::new() } else { format!("network: {mode}, ") };
        let resources = format!(
            "  - {{name: api, type: image, pointer: {{sourceName: org/api}}, seed: {{versionName: v1}}}}
  - {{name: a, type: dockerOptions, version: {{{network}portMappings: [{web}]}}}}
  - {{name: b, type: dockerOptions, version: {{portMappings: [{api}]}}}}\n"
        );
        let steps = ", {IN: api}, {IN: a, applyTo: [web]}, {IN: b, applyTo: [api]}";
        Bench::default().try_wanted(&job(&resources, steps, "")).map_err(|error| error.to_string())
    };
    for (mode, web, api, want) in [
        (
            "",
            "'80:80'",
            "'80:81'",
            "web and api both map port 80/tcp of the host: give one of them another, or `0` for any",
        ),
        ("bridge", "'80:80'", "'1:1', '80:81'", "web and api both map port 80/tcp of the host: "),
        ("", "'80:80', '80:81'", "'1:1'", "web maps port 80/tcp of the host twice: "),
        (
            "host",
            "'80:80'",
            "'80'",
            "web and api both map port 80/tcp of the host: give one of them another containerPort",
        ),
        (
            "awsvpc",
            "'80'",
            "'80:80'",
            "web and api both map port 80/tcp of the task: give one of them another containerPort",
        ),
        ("", "'80:80'", "'80:80/udp'", ""),
        ("", "'80'", "'0:80', '80'", ""),
        ("", "'80:80'", "'81:80'", ""),
        ("awsvpc", "'80'", "'81', '80/udp'", ""),
        ("none", "'80:80'", "'80:80'", ""),
    ] {
        match two(mode, web, api) {
            Ok(_) => assert_eq!(want, "", "{mode}: {web}, {api}"),
            Err(told) => assert!(!want.is_empty() && told.contains(want), "{mode}: {web}, {api}: {told}"),
        }
    }
    let told = two("", "'80:80'", "'1:1', '80:81'").unwrap_err();
    assert!(told.starts_with("shippable.yml:6:68: "), "{told}");
}
