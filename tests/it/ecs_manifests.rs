//! Several manifests of one job: one after the other, side by side, from other jobs; both spellings of the yml.

use crate::ecs_jobs::{Bench, Yml, last, notes};
use crate::ecs_server::{Behaviour, Fault, Scenario, When};

const THREE: Yml = Yml {
    resources: "  - {name: api, type: image, pointer: {sourceName: org/api}, seed: {versionName: v1}}
  - {name: job, type: image, pointer: {sourceName: org/job}, seed: {versionName: v1}}
",
    jobs: "  - {name: n, type: manifest, steps: [{IN: api}]}
  - {name: o, type: manifest, steps: [{IN: job}]}
",
    manifest: "",
    deploy: ", {IN: n}, {IN: o}",
    job: "",
    cluster: "",
};
const SIDE_BY_SIDE: Yml = Yml { job: ", workflow: parallel", ..THREE };

fn bench(yml: Yml) -> Bench {
    Bench::of(Scenario::new().behaviour("*:bad*", Behaviour::Crashes { exit: 3, after: 2 }), yml)
}

#[test]
fn one_after_the_other() {
    let mut bench = bench(THREE);
    insta::assert_snapshot!(bench.deploy(1, ""), @r"
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:1
    o	d-o-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-o:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=1 d-m:1
    DescribeServices d-m-1 ×6
    DescribeServices d-n-1
    RegisterTaskDefinition d-n
    CreateService d-n-1 count=1 d-n:1
    DescribeServices d-n-1 ×6
    DescribeServices d-o-1
    RegisterTaskDefinition d-o
    CreateService d-o-1 count=1 d-o:1
    DescribeServices d-o-1 ×6

    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-n-1 ACTIVE 1+0/1 d-n:1
    service prod/d-o-1 ACTIVE 1+0/1 d-o:1
    task definition d-m:1
    task definition d-n:1
    task definition d-o:1
    ");
    // What has not changed is left alone.
    insta::assert_snapshot!(bench.deploy(2, "--image api=v2"), @r"
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:2
    o	d-o-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-o:1

    DescribeServices d-m-1,d-m-2
    DescribeServices d-n-1,d-n-2
    RegisterTaskDefinition d-n
    CreateService d-n-2 count=1 d-n:2
    DescribeServices d-n-2 ×6
    UpdateService d-n-1 count=0
    DescribeServices d-n-1 ×4
    DeleteService d-n-1
    DescribeServices d-n-1 ×2
    DescribeServices d-o-1,d-o-2

    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-n-1 INACTIVE 0+0/0 d-n:1
    service prod/d-o-1 ACTIVE 1+0/1 d-o:1
    service prod/d-n-2 ACTIVE 1+0/1 d-n:2
    task definition d-m:1
    task definition d-n:1
    task definition d-o:1
    task definition d-n:2
    ");
    // Where one fails, the rest is not begun.
    insta::assert_snapshot!(bench.deploy(3, "--image web=v3 --image api=bad --image job=v3"), @r"
    exit 21
    note: 3 tasks have failed to start: d-n-3 is removed
    note: not begun, since n did not succeed: o
    note: left over, and removed with --prune: the task definition d-n:3
    shipctl: 1 of 2 manifests failed: n (rolled back); each of them is told above

    DescribeServices d-m-1,d-m-3
    RegisterTaskDefinition d-m
    CreateService d-m-3 count=1 d-m:2
    DescribeServices d-m-3 ×6
    UpdateService d-m-1 count=0
    DescribeServices d-m-1 ×4
    DeleteService d-m-1
    DescribeServices d-m-1 ×2
    DescribeServices d-n-2,d-n-3
    RegisterTaskDefinition d-n
    CreateService d-n-3 count=1 d-n:3
    DescribeServices d-n-3 ×7
    ListTasks d-n-3
    DescribeTasks
    UpdateService d-n-3 count=0
    DescribeServices d-n-3
    DeleteService d-n-3
    DescribeServices d-n-3 ×2
    DescribeServices d-n-2

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-n-1 INACTIVE 0+0/0 d-n:1
    service prod/d-o-1 ACTIVE 1+0/1 d-o:1
    service prod/d-n-2 ACTIVE 1+0/1 d-n:2
    service prod/d-m-3 ACTIVE 1+0/1 d-m:2
    service prod/d-n-3 INACTIVE 0+0/0 d-n:3
    task definition d-m:1
    task definition d-n:1
    task definition d-o:1
    task definition d-n:2
    task definition d-m:2
    task definition d-n:3
    ");
}

#[test]
fn side_by_side() {
    let mut bench = bench(SIDE_BY_SIDE);
    // None is created before all are about to be: one after the other they would wait in vain.
    bench.ecs.change(|scenario| scenario.fault("CreateService", When::Always, Fault::Together(3)));
    bench.sandbox.set("SHIPCTL_AWS_TIMEOUT", "30");
    let ran = bench.deploys(1, "");
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    let mut lines: Vec<_> = ran.out().lines().map(str::to_owned).collect();
    lines.sort();
    let base = "arn:aws:ecs:us-east-1:123456789012:task-definition/d";
    assert_eq!(lines, ["m", "n", "o"].map(|name| format!("{name}\td-{name}-1\t{base}-{name}:1")));
    let actions = bench.ecs.actions();
    let place = |name: &str| {
        let calls = bench.ecs.calls();
        let of_it = move |call: &crate::ecs_server::Call| call.line() == format!("DescribeServices d-{name}-1");
        calls.iter().filter(|call| of_it(call)).map(|call| call.at).max().unwrap()
    };
    // All are waited for at once: it takes as long as one.
    assert_eq!(actions.iter().filter(|action| *action == "CreateService").count(), 3);
    assert!(["m", "n", "o"].map(place).iter().all(|at| *at <= 25), "{}", bench.ecs.transcript());
    // Only what has changed is deployed.
    bench.deploys(2, "--image api=v2");
    assert_eq!(bench.ecs.calls_of("CreateService").len(), 1);
}

#[test]
fn all_are_told_and_the_worst_decides() {
    let mut bench = bench(SIDE_BY_SIDE);
    bench.deploys(1, "");
    let ran = bench.run("deploy d --build-number 2 --image web=v2 --image api=bad");
    assert_eq!(ran.status, 21, "{}", ran.err());
    let outcomes: Vec<_> = ["m: d-m-2 serves", "n: ", "o: "].iter().map(|name| ran.err().contains(name)).collect();
    assert_eq!(outcomes, [true; 3], "{}", ran.err());
    assert!(ran.out().contains("m\td-m-2\t"), "{}", ran.out());
    assert!(!ran.out().contains("n\td-n"), "{}", ran.out());
    insta::assert_snapshot!(last(&ran), @"shipctl: 1 of 3 manifests failed: n (rolled back); each of them is told above");
    let told = "n: 3 tasks have failed to start; d-n-1 serves, whole: 1 of 1 tasks run";
    assert_eq!(ran.err().matches(told).count(), 1, "{}", ran.err());
}

/// A name for each, one forced; what a release carries, and a deploy job.
#[test]
fn carriers() {
    let jobs = format!(
        "{}  - {{name: v, type: release, steps: [{{IN: m, deployName: shop}}, {{IN: n, force: true}}]}}
  - {{name: t, type: deploy, steps: [{{IN: v}}, {{IN: k}}, {{IN: o}}]}}
",
        THREE.jobs
    );
    let resources = format!(
        "{}  - {{name: k, type: cluster, pointer: {{sourceName: test, region: us-east-1}}}}\n",
        THREE.resources
    );
    let text = |from: &str| {
        let yml = Yml { jobs: &jobs, resources: &resources, deploy: "", ..THREE }.text();
        yml.replace(
            "type: deploy, steps: [{IN: m}, {IN: c}]",
            &format!("type: deploy, steps: [{{IN: {from}}}, {{IN: c}}]"),
        )
    };
    let mut said = String::new();
    for from in ["v", "t"] {
        let mut bench = Bench::new(Scenario::new().cluster("test"));
        bench.sandbox.write("work/shippable.yml", text(from));
        said.push_str(&format!("from {from}:\n{}", bench.deploy(1, "")));
        let ran = bench.deploys(2, "");
        let actions = bench.ecs.actions();
        let made = actions.iter().filter(|action| !action.starts_with("Describe")).count();
        said.push_str(&format!("again: {} calls\n{}\n", made, ran.out()));
    }
    insta::assert_snapshot!(said, @r"
    from v:
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=1 d-m:1
    DescribeServices d-m-1 ×6
    DescribeServices d-n-1
    RegisterTaskDefinition d-n
    CreateService d-n-1 count=1 d-n:1
    DescribeServices d-n-1 ×6

    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-n-1 ACTIVE 1+0/1 d-n:1
    task definition d-m:1
    task definition d-n:1
    again: 0 calls
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:1

    from t:
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:1
    o	d-o-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-o:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=1 d-m:1
    DescribeServices d-m-1 ×6
    DescribeServices d-n-1
    RegisterTaskDefinition d-n
    CreateService d-n-1 count=1 d-n:1
    DescribeServices d-n-1 ×6
    DescribeServices d-o-1
    RegisterTaskDefinition d-o
    CreateService d-o-1 count=1 d-o:1
    DescribeServices d-o-1 ×6

    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-n-1 ACTIVE 1+0/1 d-n:1
    service prod/d-o-1 ACTIVE 1+0/1 d-o:1
    task definition d-m:1
    task definition d-n:1
    task definition d-o:1
    again: 0 calls
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1
    n	d-n-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-n:1
    o	d-o-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-o:1
    ");
}

#[test]
fn a_manifest_that_the_job_has_no_more() {
    let mut bench = bench(THREE);
    bench.deploys(1, "");
    bench.job(Yml { deploy: ", {IN: n}", ..THREE });
    let ran = bench.deploys(2, "");
    insta::assert_snapshot!(notes(&ran).join("\n"), @r"o is no manifest of d any more, and its service d-o-1 goes on: `shipctl ecs delete d --manifest o` removes it");
    insta::assert_snapshot!(bench.tale("delete d --manifest o"), @r"
    exit 0

    DescribeServices d-o-1
    UpdateService d-o-1 count=0
    DescribeServices d-o-1 ×4
    DeleteService d-o-1
    DescribeServices d-o-1 ×2
    DeregisterTaskDefinition d-o:1

    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-n-1 ACTIVE 1+0/1 d-n:1
    service prod/d-o-1 INACTIVE 0+0/0 d-o:1
    task definition d-m:1
    task definition d-n:1
    ");
    assert_eq!(notes(&bench.deploys(3, "")), [""; 0]);
    let ran = bench.run("delete d --manifest zzz");
    assert_eq!(ran.status, 2);
    insta::assert_snapshot!(last(&ran), @r"shipctl: d has not deployed the manifest zzz: it has m, n");
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
        .replace(
            "pointer: {sourceName: org/web}, seed: {versionName: v1}",
            "versionTemplate: {sourceName: org/web, versionName: v1}",
        )
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
    insta::assert_snapshot!(tale, @r"
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=2 d-m:1
    DescribeServices d-m-1 ×6

    service prod/d-m-1 ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    ");
    let container =
        requests.iter().find_map(|request| Some(request["containerDefinitions"].as_array()?[0].to_string()));
    insta::assert_snapshot!(container.unwrap(), @r#"{"name":"web","image":"org/web:v1","memory":128,"cpu":0,"essential":true,"portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}],"environment":[{"name":"A","value":"one"}]}"#);
}
