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
    insta::assert_snapshot!(said, @r#"
    "": 21
      0:00 m: note: d-m-2 and d-m-1 both want port 80 of the host: the new tasks need instances of their own. Leave the host's port out behind an application load balancer, or deploy with method replace
    shipctl: m: no place for its tasks: no container instance met all of its requirements. The closest matching (container-instance 000000000000000000000000000000c1) is already using a port required by your task; d-m-1 serves, whole: 1 of 1 tasks run
    service prod/d-m-1 ACTIVE 1+0/1 d-m:1
    service prod/d-m-2 INACTIVE 0+0/0 d-m:2
    task definition d-m:1
    task definition d-m:2

    ", method: upgrade": 20
      0:00 m: note: d-m wants port 80 of the host, which its tasks have now: new ones need instances that are free of them. Set service.deploymentConfiguration.minimumHealthyPercent below 100, or deploy with method replace
    shipctl: m: no place for its tasks: no container instance met all of its requirements. The closest matching (container-instance 000000000000000000000000000000c1) is already using a port required by your task; d-m is on d-m:2, and 1 task of d-m:1 still serves; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`
    service prod/d-m ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2

    ", method: replace": 0
      0:00 m: look at d-m
      0:14 m: d-m serves on d-m:2
    service prod/d-m ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2
    "#);
}

#[test]
fn a_port_that_is_mapped_twice_is_told_before_any_call() {
    for (network, more) in [("", ""), (", network: host", ""), (", network: awsvpc", "/tcp")] {
        let resources = with_options(&format!("{{portMappings: [\"80:80\", \"80:80{more}\"]{network}}}"));
        let mut bench = Bench::of(Scenario::new(), Yml { resources: &resources, manifest: ", {IN: o}", ..PLAIN });
        let ran = bench.run("deploy d --build-number 1");
        assert_eq!((ran.status, bench.ecs.transcript().as_str()), (8, ""), "{}", ran.err());
        let told = last(&ran);
        assert!(told.contains("shippable.yml:4:") && told.contains("web maps port 80/tcp of the "), "{told}");
    }
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
        ("application, none", Scenario::new(), GROUP, PORTS),
        ("application, that of ECS itself", Scenario::new().role(linked, ecs), GROUP, PORTS),
        ("application, awsvpc", one(), GROUP, awsvpc),
    ] {
        let mut bench = balanced(scenario, balancer, options);
        let ran = bench.run("deploy d --build-number 1");
        let created = bench.ecs.calls_of("CreateService");
        let created = created.first().map(|call| &call.request);
        said.push_str(&format!(
            "{name}: {} {}\n",
            ran.status,
            bench.ecs.actions().join(" ").replace(" DescribeServices", "")
        ));
        match created {
            Some(request) => said.push_str(&format!("  {} role={}\n", request["loadBalancers"], request["role"])),
            None => said.push_str(&format!("  {}\n", last(&ran))),
        }
    }
    insta::assert_snapshot!(said, @r#"
    classic, role given: 0 DescribeServices RegisterTaskDefinition CreateService
      [{"loadBalancerName":"elb","containerName":"web","containerPort":8080}] role="mine"
    classic, one role: 0 DescribeServices ListRoles RegisterTaskDefinition CreateService
      [{"loadBalancerName":"elb","containerName":"web","containerPort":8080}] role="arn:aws:iam::123456789012:role/team/mine"
    application, one role: 0 DescribeServices ListRoles ListRoles ListRoles RegisterTaskDefinition CreateService
      [{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1","containerName":"web","containerPort":8080}] role="arn:aws:iam::123456789012:role/team/mine"
    application, several roles: 8 DescribeServices ListRoles
      shipctl: m: several roles trust ecs.amazonaws.com (also, mine): name one as `role` of the loadBalancer; nothing was there before, and nothing is now
    application, the usual one: 0 DescribeServices ListRoles RegisterTaskDefinition CreateService
      [{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1","containerName":"web","containerPort":8080}] role="arn:aws:iam::123456789012:role/ecsServiceRole"
    application, none: 8 DescribeServices ListRoles
      shipctl: m: no role of this account trusts ecs.amazonaws.com: make one (`shipctl iam trust --for ecs` prints its trust policy), or name one as `role` of the loadBalancer; nothing was there before, and nothing is now
    application, that of ECS itself: 0 DescribeServices ListRoles RegisterTaskDefinition CreateService
      [{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1","containerName":"web","containerPort":8080}] role=null
    application, awsvpc: 0 DescribeServices RegisterTaskDefinition CreateService
      [{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1","containerName":"web","containerPort":8080}] role=null
    "#);
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
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=1 d-m:2
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
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
    insta::assert_snapshot!(said, @r"
    exit 0
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-1,d-m-2
    RegisterTaskDefinition d-m
    CreateService d-m-2 d-m:2
    DescribeServices d-m-2 ×7
    DeleteService d-m-1
    DescribeServices d-m-1 ×4

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    scale: 2 shipctl: d-m-2 runs one task on each instance (DAEMON): it has no count, []

    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m d-m:2
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    scale: 2 shipctl: d-m runs one task on each instance (DAEMON): it has no count, []

    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m d-m:2
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    scale: 2 shipctl: d-m runs one task on each instance (DAEMON): it has no count, []
    ");
}

/// One where nothing is said; that of replicas; what was set by hand stays only where nobody says otherwise.
#[test]
fn counts() {
    let counted = |count: u32| format!("  - {{name: r, type: replicas, version: {{count: {count}}}}}\n");
    let mut said = Vec::new();
    for job in ["", ", method: upgrade", ", method: replace"] {
        let mut bench = Bench::of(Scenario::new(), Yml { job, ..PLAIN });
        let desired = |bench: &mut Bench, number: usize, resources: &str| {
            let manifest = if resources.is_empty() { "" } else { ", {IN: r}" };
            bench.job(Yml { resources, manifest, job, ..PLAIN });
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
    insta::assert_snapshot!(said, @r"
    blueGreen:
    service prod/shop-1 INACTIVE 0+0/0 shop:1
    service prod/store-2 ACTIVE 1+0/1 store:1
    task definition shop:1
    task definition store:1
    upgrade:
    service prod/shop ACTIVE 1+0/1 store:1
    task definition shop:1
    task definition store:1
    replace:
    service prod/shop ACTIVE 1+0/1 store:1
    task definition shop:1
    task definition store:1
    ");
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
    insta::assert_snapshot!(said, @r"
    blueGreen to upgrade:
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    UpdateService d-m-1 count=1 d-m:2
    DescribeServices d-m-1 ×7

    service prod/d-m-1 ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2
    and back:
    service prod/d-m-1 INACTIVE 0+0/0 d-m:2
    service prod/d-m-3 ACTIVE 1+0/1 d-m:3
    task definition d-m:2
    task definition d-m:3

    upgrade to replace:
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=1 d-m:2
    DescribeServices d-m ×6

    service prod/d-m ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2
    and back:
    service prod/d-m ACTIVE 1+0/1 d-m:3
    task definition d-m:2
    task definition d-m:3

    replace to blueGreen:
    exit 0
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m,d-m-2
    RegisterTaskDefinition d-m
    CreateService d-m-2 count=1 d-m:2
    DescribeServices d-m-2 ×6
    UpdateService d-m count=0
    DescribeServices d-m ×4
    DeleteService d-m
    DescribeServices d-m ×2

    service prod/d-m INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 1+0/1 d-m:2
    task definition d-m:1
    task definition d-m:2
    and back:
    service prod/d-m INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 1+0/1 d-m:3
    task definition d-m:2
    task definition d-m:3
    ");
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
            insta::assert_snapshot!(last(&ran), @r"shipctl: manifest m is deployed to the cluster prod as d-m-1, and the yml names other now: `shipctl ecs delete d` first, or name another job");
        }
        // What it says helps.
        let ran = bench.run("delete d");
        assert_eq!(ran.status, 0, "{}", ran.err());
        bench.deploys(3, "");
        assert!(bench.ecs.world().contains("service other/d-m"), "{}", bench.ecs.world());
    }
}
