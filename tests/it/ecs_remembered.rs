//! What is kept of a deployment and serves the next one, and secrets in what is said at last.

use rustix::process::Signal;

use crate::ecs_jobs::{Bench, Yml, last};
use crate::ecs_server::{Fault, Scenario, When};

#[test]
fn no_secret_in_the_last_line() {
    let resources = "  - {name: s, type: params, version: {params: {secure: 'TOKEN=s3cr3t/word'}}}\n";
    let refused = Fault::Error("ClientException", "invalid value 's3cr3t/word' of shown-word");
    for more in ["", "--json"] {
        let scenario = Scenario::new().fault("RegisterTaskDefinition", When::Always, refused.clone());
        let mut bench = Bench::of(scenario, Yml { resources, deploy: ", {IN: s}", ..Yml::default() });
        let ran = bench.run(&format!("deploy d --build-number 1 {more}"));
        assert_eq!(ran.status, 20, "{}", ran.err());
        assert!(last(&ran).contains("invalid value '***' of shown-word"), "{}", ran.err());
        assert!(!(ran.out() + &ran.err()).contains("s3cr3t"), "{}{}", ran.out(), ran.err());
    }
}

/// A secret that has the letters of a role, an account or a cluster.
#[test]
fn what_is_sent_again_has_no_masks() {
    let resources = "  - {name: s, type: params, version: {params: {secure: 'A=prod B=1234'}}}
  - {name: o, type: dockerOptions, version: {service: {role: \"arn:aws:iam::123456789012:role/prod\", \
         propagateTags: SERVICE}}}
";
    let yml = Yml { resources, deploy: ", {IN: s}, {IN: o}", job: ", method: upgrade", ..Yml::default() };
    let mut bench = Bench::of(Scenario::new().role("prod", "ecs.amazonaws.com"), yml);
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2");
    assert_eq!(bench.ecs.calls_of("UpdateService").len(), 1);
    bench.job(Yml { job: "", ..yml });
    bench.deploys(3, "--image web=v3");
    bench.deploys(4, "--image web=v4");
    let ran = bench.run("rollback d --build-number 5");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let created = &bench.ecs.calls_of("CreateService")[0].request;
    assert_eq!(created["role"], "arn:aws:iam::123456789012:role/prod");
}

/// The region that was used, whoever named it.
#[test]
fn the_region_stays() {
    let mut bench = Bench::of(Scenario::new(), Yml::default());
    let unsaid = Yml::default().text().replace(", region: us-east-1", "");
    bench.sandbox.write("work/shippable.yml", unsaid);
    bench.deploys(1, "");
    let ran = bench.run("deploy d --build-number 2 --image web=v2 --region eu-west-1");
    assert_eq!((ran.status, bench.ecs.transcript().as_str()), (8, ""), "{}", ran.err());
    let told = "manifest m is deployed to the cluster prod in us-east-1 as d-m-1, and the region is eu-west-1 now: give \
                --region us-east-1, `shipctl ecs delete d` first, or name another job";
    assert_eq!(last(&ran), format!("shipctl: {told}"));
    let ran = bench.run("plan d --build-number 2 --image web=v2 --region eu-west-1");
    assert_eq!(ran.status, 8, "{}", ran.err());
    // Somebody else's region is none of its own.
    bench.sandbox.set("AWS_REGION", "eu-west-1");
    let ran = bench.run("deploy d --build-number 2 --image web=v2");
    assert_eq!((ran.status, bench.ecs.transcript().as_str()), (8, ""), "{}", ran.err());
    let ran = bench.run("status d --json");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().contains("\"region\":\"us-east-1\""), "{}", ran.out());
    let ran = bench.run("delete d");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(bench.ecs.world().contains("d-m-1 INACTIVE"), "{}", bench.ecs.world());
}

/// The values of variables may be secrets, and tags belong to a task definition.
#[test]
fn an_update_keeps_secrets_and_tags() {
    let tags = serde_json::json!([{"key": "team", "value": "blue"}]);
    let containers = serde_json::json!([{"name": "app", "image": "app:1", "memory": 400}]);
    let register = serde_json::json!({"family": "web", "containerDefinitions": containers, "tags": tags});
    let create = serde_json::json!({"serviceName": "web", "taskDefinition": "web", "desiredCount": 1});
    let scenario = || Scenario::new().with_service_from(register.clone(), create.clone());
    let mut bench = Bench::new(scenario());
    let ran = bench.run("update prod web --image app=app:2 --env TOKEN=hunter2/hunter2 --env NAME=web");
    assert_eq!((ran.status, ran.out().contains("web:2")), (0, true), "{}", ran.err());
    assert_eq!(bench.ecs.calls_of("RegisterTaskDefinition")[0].request["tags"], tags);
    // Denied, it goes without.
    let denied = ["DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition", "UpdateService"];
    let mut bench = Bench::new(scenario().allow_only(&denied));
    let ran = bench.run("update prod web --image app=app:2");
    assert_eq!((ran.status, ran.err().matches("ecs:TagResource").count()), (0, 1), "{}", ran.err());
    for more in ["", "--json"] {
        let words = "no such 'hunter2/hunter2' in web";
        let refused = Fault::Error("ClientException", words);
        let mut bench = Bench::new(scenario().fault("RegisterTaskDefinition", When::Always, refused));
        let ran = bench.run(&format!("update prod web --env TOKEN=hunter2/hunter2 {more}"));
        assert_eq!(ran.status, 20, "{}", ran.err());
        assert!(last(&ran).contains("no such '***' in web"), "{}", ran.err());
        assert!(!(ran.out() + &ran.err()).contains("hunter2"), "{}{}", ran.out(), ran.err());
    }
}

/// A revision that a service is on which was left over goes with that service.
#[test]
fn a_revision_in_use_is_not_forgotten() {
    let mut bench = Bench::of(Scenario::new(), Yml::default());
    bench.deploys(1, "");
    let kill = Fault::SignalBefore(Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("UpdateService d-m-1 count=0", When::First(1), kill));
    assert_eq!(bench.run("deploy d --build-number 2 --image web=v2").status, 137);
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    let ran = bench.deploys(3, "--image web=v3 --keep 0");
    assert!(ran.err().contains("d-m:1 is in use: it is not deregistered"), "{}", ran.err());
    let ran = bench.run("delete d");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let world = bench.ecs.world();
    assert!(!world.contains(" ACTIVE") && !world.contains("task definition "), "{world}");
}

/// A job with a secret, and Service Connect with another.
fn connected(secret: &str, token: &str) -> String {
    let resources = format!(
        "  - {{name: s, type: params, version: {{params: {{secure: 'PASSWORD={secret}'}}}}}}
  - {{name: o, type: dockerOptions, version: {{service: {{serviceConnectConfiguration: {{enabled: true, \
         logConfiguration: {{logDriver: splunk, options: {{splunk-token: {token}}}}}}}}}}}}}\n"
    );
    Yml { resources: &resources, deploy: ", {IN: s}, {IN: o}", job: ", method: upgrade", ..Yml::default() }.text()
}

fn state(bench: &Bench) -> std::path::PathBuf {
    bench.sandbox.path("work/.shipctl/jobs/d/deployed.json")
}

/// Beside what can be seen; and neither the old value nor the new one.
#[test]
fn plans_name_secrets_that_have_changed() {
    let mut bench = Bench::new(Scenario::new());
    bench.sandbox.write("work/shippable.yml", connected("first-secret", "first-token"));
    bench.deploys(1, "");
    let before = std::fs::read_to_string(state(&bench)).unwrap();
    assert!(!before.contains("first-secret"), "{before}");
    let connect = "service.serviceConnectConfiguration.logConfiguration.options.splunk-token";
    for (secret, token, image, want) in [
        ("first-secret", "first-token", "v1", ""),
        ("first-secret", "first-token", "v2", ""),
        ("second-secret", "first-token", "v2", "PASSWORD of web"),
        ("second-secret", "second-token", "v1", &format!("PASSWORD of web, {connect}")),
    ] {
        bench.sandbox.write("work/shippable.yml", connected(secret, token));
        let words = format!("plan d --build-number 2 --image web={image}");
        let ran = bench.run(&words);
        let said = ran.out();
        let told = said.split_once("which are not shown: ").map_or("", |(_, told)| told.lines().next().unwrap());
        assert_eq!((ran.status, told), (0, want), "{said}{}", ran.err());
        assert_eq!(said.contains("-        \"image\": \"org/web:v1\""), image == "v2", "{said}");
        let json = bench.run(&format!("{words} --json")).out();
        let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(plan["manifests"][0]["secretsDiffer"], !want.is_empty(), "{json}");
        assert_eq!(
            plan["manifests"][0]["secrets"].as_array().unwrap().len(),
            want.split(", ").filter(|one| !one.is_empty()).count()
        );
        for hidden in ["first-secret", "second-secret", "first-token", "second-token"] {
            assert!(!said.contains(hidden) && !json.contains(hidden) && !ran.err().contains(hidden), "{said}{json}");
        }
    }
    // It is sent as it is, and put back as it was.
    assert_eq!(bench.run("deploy d --build-number 2").status, 0);
    let sent = |bench: &Bench, at: usize| {
        let update = bench.ecs.calls_of("UpdateService")[at].request.clone();
        update["serviceConnectConfiguration"]["logConfiguration"]["options"]["splunk-token"].clone()
    };
    assert_eq!(sent(&bench, 0), "second-token");
    let ran = bench.run("rollback d --build-number 3");
    assert_eq!((ran.status, sent(&bench, 0)), (0, "first-token".into()), "{}", ran.err());
}

/// As versions before the salt have written them.
#[test]
fn entries_without_a_salt_count_still() {
    let mut bench = Bench::of(Scenario::new(), Yml::default());
    bench.deploys(1, "");
    let path = state(&bench);
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(kept["services"][0]["digest"].as_str().unwrap().contains(':'), "{kept}");
    kept["services"][0]["digest"] = "450df9830fb00c82ef87fee1251c329f8ff3b1d94e1e4b3bde51be4d7d819058".into();
    std::fs::write(&path, kept.to_string()).unwrap();
    bench.deploys(2, "");
    assert_eq!(bench.ecs.actions(), ["DescribeServices"]);
    bench.deploys(3, "--image web=v2");
    assert_eq!(bench.ecs.calls_of("CreateService").len(), 1);
}

/// Roles that ECS passes on, wherever they are in the yml. The documented policy of a deployment has no such action.
#[test]
fn plans_know_roles_that_are_passed_on() {
    let role = "roleArn: \"arn:aws:iam::123456789012:role/r\"";
    let lacking = "The documented policy lacks iam:PassRole: see `shipctl iam policy --for deploy,load-balancer`\n";
    for (options, is_passed) in [
        (format!("service: {{volumeConfigurations: [{{name: v, managedEBSVolume: {{{role}, sizeInGiB: 1}}}}]}}"), true),
        (
            format!(
                "service: {{serviceConnectConfiguration: {{enabled: true, services: [{{portName: p, tls: {{{role}, \
                     issuerCertificateAuthority: {{awsPcaAuthorityArn: a}}}}}}]}}}}"
            ),
            true,
        ),
        (
            format!(
                "service: {{deploymentConfiguration: {{lifecycleHooks: [{{hookTargetArn: h, {role}, \
                     lifecycleStages: [RECONCILE_SERVICE]}}]}}}}"
            ),
            true,
        ),
        (format!("service: {{vpcLatticeConfigurations: [{{{role}, targetGroupArn: t, portName: p}}]}}"), true),
        (format!("taskDefinition: {{taskRoleArn: {}}}", role.replace("roleArn: ", "")), true),
        (format!("logConfig: {{type: fluentd, options: {{{role}}}}}, labels: {{{role}}}"), false),
        ("service: {volumeConfigurations: []}".to_owned(), false),
    ] {
        let resources = format!("  - {{name: o, type: dockerOptions, version: {{{options}}}}}\n");
        let bench = Bench::of(Scenario::new(), Yml { resources: &resources, deploy: ", {IN: o}", ..Yml::default() });
        let (plan, notes) = crate::ecs_plan::plan_and_notes(&bench, "--build-number 1");
        let actions: Vec<&str> = plan["actions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert_eq!(actions.contains(&"iam:PassRole"), is_passed, "{options}: {actions:?} {notes}");
        assert_eq!(plan["undocumented"].to_string(), if is_passed { "[\"iam:PassRole\"]" } else { "[]" }, "{options}");
        let mut bench = bench;
        let said = bench.run("plan d --build-number 1").out();
        assert_eq!(said.ends_with(lacking), is_passed, "{said}");
    }
    // A load balancer's policy has it.
    let balancer = "advancedConfiguration: {alternateTargetGroupArn: a, productionListenerRule: r, ROLE}";
    let resources = format!(
        "  - {{name: o, type: dockerOptions, version: {{service: {{loadBalancers: [{{targetGroupArn: t, containerName: web, \
         containerPort: 80, {}}}], role: \"arn:aws:iam::1:role/r\"}}, portMappings: [\"80\"]}}}}\n",
        balancer.replace("ROLE", role)
    );
    let bench = Bench::of(Scenario::new(), Yml { resources: &resources, deploy: ", {IN: o}", ..Yml::default() });
    let (plan, _) = crate::ecs_plan::plan_and_notes(&bench, "--build-number 1");
    assert!(
        plan["actions"].to_string().contains("iam:PassRole") && plan["undocumented"] == serde_json::json!([]),
        "{plan}"
    );
}
