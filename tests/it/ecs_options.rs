//! What else a job says of its service: ports, load balancers, stability, DAEMON, counts, names, clusters, and what
//! happens when that changes between two deployments.

use crate::ecs_jobs::{Bench, Yml, last, notes};
use crate::ecs_server::{Behaviour, Scenario};

const PLAIN: Yml = Yml { resources: "", jobs: "", manifest: "", deploy: "", job: "", cluster: "" };

/// A dockerOptions resource that is given to the manifest.
fn with_options(options: &str) -> String {
    format!("  - {{name: o, type: dockerOptions, version: {options}}}\n")
}

#[test]
fn a_port_that_both_versions_want_is_announced() {
    let resources = with_options("{portMappings: [\"80:8080\"]}");
    let mut said = String::new();
    for job in ["", ", method: upgrade", ", method: replace"] {
        // One instance: the port is free once.
        let scenario = Scenario::new().instances(1);
        let yml = Yml { resources: &resources, manifest: ", {IN: o}", job, ..PLAIN };
        let mut bench = Bench::of(scenario, yml);
        let ran = bench.deploys(1, "");
        assert_eq!(notes(&ran), [""; 0], "nothing has the port at first");
        let ran = bench.run("deploy d --build-number 2 --image web=v2");
        let first = ran.err().lines().next().unwrap_or_default().to_owned();
        said.push_str(&format!("{job:?}: {}\n{first}\n{}\n{}\n", ran.status, last(&ran), bench.ecs.world()));
    }
    insta::assert_snapshot!(said, @"");
}

const BALANCED: &str = "  - {name: o, type: dockerOptions, version: {portMappings: [\"0:8080\"]}}
  - {name: b, type: loadBalancer, pointer: {sourceName: LB}}
";

/// A job with a load balancer: where tasks are registered, and with which role.
fn balanced(scenario: Scenario, balancer: &str, options: &str) -> Bench {
    let resources = BALANCED.replace("sourceName: LB", balancer).replace("{portMappings: [\"0:8080\"]}", options);
    let deploy = ", {IN: b, applyTo: [{manifest: m, image: web, port: 8080}]}";
    Bench::of(scenario, Yml { resources: &resources, manifest: ", {IN: o}", deploy, ..PLAIN })
}

#[test]
fn load_balancers_and_their_roles() {
    const GROUP: &str = "sourceName: \"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1\"";
    const PORTS: &str = "{portMappings: [\"0:8080\"]}";
    let ecs = "ecs.amazonaws.com";
    let linked = "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    let one = || Scenario::new().role("web", "ec2.amazonaws.com").role(linked, ecs).role("team/mine", ecs);
    let two = || one().role("also", ecs);
    let awsvpc = "{portMappings: [\"8080:8080\"], taskDefinition: {networkMode: awsvpc}}";
    let mut said = String::new();
    for (name, scenario, balancer, options) in [
        ("classic, role given", two(), "sourceName: elb, method: classic, role: mine", PORTS),
        ("classic, one role", one(), "sourceName: elb", PORTS),
        ("application, one role", one().roles_per_page(1), &format!("{GROUP}, method: application"), PORTS),
        ("application, several roles", two(), GROUP, PORTS),
        ("application, the usual one", two().role("ecsServiceRole", ecs), GROUP, PORTS),
        ("application, none", Scenario::new().role(linked, ecs), GROUP, PORTS),
        ("application, awsvpc", one(), GROUP, awsvpc),
    ] {
        let mut bench = balanced(scenario, balancer, options);
        let ran = bench.run("deploy d --build-number 1");
        let created = bench.ecs.calls_of("CreateService");
        let created = created.first().map(|call| &call.request);
        said.push_str(&format!("{name}: {} {}\n", ran.status, bench.ecs.actions().join(" ").replace(" DescribeServices", "")));
        match created {
            Some(request) => said.push_str(&format!("  {} role={}\n", request["loadBalancers"], request["role"])),
            None => said.push_str(&format!("  {}\n", last(&ran))),
        }
    }
    insta::assert_snapshot!(said, @"");
}

#[test]
fn the_role_of_an_upgrade_is_that_of_its_creation() {
    let ecs = "ecs.amazonaws.com";
    let mut bench = balanced(Scenario::new().role("mine", ecs), "sourceName: elb", "{portMappings: [\"0:8080\"]}");
    let resources = BALANCED.replace("LB", "elb");
    let deploy = ", {IN: b, applyTo: [{manifest: m, image: web, port: 8080}]}";
    bench.job(Yml { resources: &resources, manifest: ", {IN: o}", deploy, job: ", method: upgrade", ..PLAIN });
    bench.deploys(1, "");
    // Behind a classic load balancer ECS tells no state of the roll-out: its tasks are counted.
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @"");
}

#[test]
fn stability_has_no_dip() {
    let times = |seconds: u32, scenario: Scenario| {
        let job = format!(", stabilityDuration: {seconds}");
        let mut bench = Bench::of(scenario.settle(0), Yml { job: &job, ..PLAIN });
        bench.deploys(1, "");
        bench.ecs.elapsed()
    };
    let dips = Scenario::new().behaviour("org/web:v1", Behaviour::Flaky { failures: 1 });
    let plain = times(0, Scenario::new());
    let steady = times(40, Scenario::new());
    let dipped = times(40, dips);
    assert!((plain + 40..plain + 52).contains(&steady), "{plain} {steady}");
    assert!(dipped > steady, "{steady} {dipped}");
}

#[test]
fn daemons() {
    let resources = with_options("{service: {schedulingStrategy: DAEMON}}");
    let mut said = String::new();
    for job in ["", ", method: upgrade", ", method: replace"] {
        let mut bench =
            Bench::of(Scenario::new().instances(2), Yml { resources: &resources, manifest: ", {IN: o}", job, ..PLAIN });
        bench.deploys(1, "");
        said.push_str(&bench.deploy(2, "--image web=v2"));
        let ran = bench.run("scale d 3");
        said.push_str(&format!("scale: {} {}, {:?}\n\n", ran.status, last(&ran), bench.ecs.actions()));
    }
    insta::assert_snapshot!(said, @"");
}

/// One where nothing is said; that of replicas; what was set by hand stays only where nobody says otherwise.
#[test]
fn counts() {
    let counted = |count: u32| format!("  - {{name: r, type: replicas, version: {{count: {count}}}}}\n");
    let mut said = Vec::new();
    for job in ["", ", method: upgrade", ", method: replace"] {
        let mut bench = Bench::of(Scenario::new(), Yml { job, ..PLAIN });
        let mut desired = |bench: &mut Bench, number: usize, resources: &str| {
            let manifest = if resources.is_empty() { "" } else { ", {IN: r}" };
            bench.job(Yml { job, resources, manifest, ..PLAIN });
            bench.deploys(number, &format!("--image web=v{number}"));
            let name = if job.is_empty() { format!("d-m-{number}") } else { "d-m".to_owned() };
            bench.ecs.service(&name).unwrap().desired
        };
        let nothing = desired(&mut bench, 1, "");
        let three = desired(&mut bench, 2, &counted(3));
        let two = desired(&mut bench, 3, &counted(2));
        bench.run("scale d 5");
        let again = desired(&mut bench, 4, &counted(2));
        said.push((nothing, three, two, again));
    }
    assert_eq!(said, [(1, 3, 2, 2); 3]);
}

#[test]
fn names() {
    let mut said = String::new();
    for method in ["blueGreen", "upgrade", "replace"] {
        let job = |name: &str| format!(", method: {method}, deployName: {name}");
        let mut bench = Bench::of(Scenario::new(), Yml { job: &job("shop"), ..PLAIN });
        bench.deploys(1, "");
        bench.job(Yml { job: &job("store"), ..PLAIN });
        bench.deploys(2, "--image web=v2");
        said.push_str(&format!("{method}:\n{}", bench.ecs.world()));
    }
    insta::assert_snapshot!(said, @"");
}

/// Nothing is lost: the service of the method before is taken over, or makes way.
#[test]
fn a_method_that_changes() {
    let mut said = String::new();
    let methods = ["blueGreen", "upgrade", "replace", "blueGreen"];
    for pair in methods.windows(2) {
        let job = |method: &str| format!(", method: {method}");
        let mut bench = Bench::of(Scenario::new(), Yml { job: &job(pair[0]), ..PLAIN });
        bench.deploys(1, "");
        bench.job(Yml { job: &job(pair[1]), ..PLAIN });
        said.push_str(&format!("{} to {}:\n{}", pair[0], pair[1], bench.deploy(2, "--image web=v2")));
        // And once more as it was.
        bench.job(Yml { job: &job(pair[0]), ..PLAIN });
        bench.deploys(3, "--image web=v3");
        said.push_str(&format!("and back:\n{}\n", bench.ecs.world()));
    }
    insta::assert_snapshot!(said, @"");
}

#[test]
fn a_cluster_that_changes() {
    for job in ["", ", method: upgrade", ", method: replace"] {
        let mut bench = Bench::of(Scenario::new().cluster("other"), Yml { job, ..PLAIN });
        bench.deploys(1, "");
        let before = bench.ecs.world();
        bench.job(Yml { job, cluster: "other", ..PLAIN });
        let ran = bench.run("deploy d --build-number 2");
        assert_eq!((ran.status, bench.ecs.actions().len(), bench.ecs.world()), (8, 0, before));
        if job.is_empty() {
            insta::assert_snapshot!(last(&ran), @"");
        }
        // What it says helps.
        let ran = bench.run("delete d");
        assert_eq!(ran.status, 0, "{}", ran.err());
        bench.deploys(3, "");
        assert!(bench.ecs.world().contains("service other/d-m"), "{}", bench.ecs.world());
    }
}

#[test]
fn both_spellings() {
    let old = "resources:
  - {name: c, type: cluster, pointer: {sourceName: prod, region: us-east-1}}
  - {name: web, type: image, pointer: {sourceName: org/web}, seed: {versionName: v1}}
  - {name: p, type: params, version: {params: {A: one}}}
  - {name: o, type: dockerOptions, version: {memory: 128, portMappings: [\"0:80\"]}}
  - {name: r, type: replicas, version: {count: 2}}
  - {name: b, type: loadBalancer, pointer: {sourceName: elb, role: mine}}
jobs:
  - {name: m, type: manifest, steps: [{IN: web}, {IN: p}, {IN: o}]}
  - name: d
    type: deploy
    steps: [{IN: m}, {IN: c}, {IN: r}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}]
";
    let new = old
        .replace("pointer: {sourceName: org/web}, seed: {versionName: v1}", "versionTemplate: {sourceName: org/web, versionName: v1}")
        .replace("params, version: {params: {A: one}}", "params, versionTemplate: {params: {A: one}}")
        .replace("version:", "versionTemplate:")
        .replace("pointer:", "versionTemplate:");
    assert!(!new.contains("pointer") && !new.contains("seed"));
    let told = [old, &new].map(|yml| {
        let mut bench = Bench::new(Scenario::new().role("mine", "ecs.amazonaws.com"));
        bench.sandbox.write("work/shippable.yml", yml);
        let tale = bench.deploy(1, "");
        let requests: Vec<_> = bench.ecs.calls().into_iter().map(|call| call.request).collect();
        (tale, requests)
    });
    assert_eq!(told[0], told[1]);
    let [(tale, requests), _] = &told;
    insta::assert_snapshot!(tale, @"");
    let container = requests.iter().find_map(|request| Some(request["containerDefinitions"].as_array()?[0].to_string()));
    insta::assert_snapshot!(container.unwrap(), @"");
}
