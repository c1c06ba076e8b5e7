//! What a deployment does about refusals: it comes back, goes without, or goes on.

use serde_json::{Value, json};

use crate::ecs_failures::{BLUE_GREEN, REPLACE, Stage, UPGRADE, Yml};
use crate::ecs_faults::{CRASH, HEALTHY, WHOLE, whole};
use crate::ecs_server::{Fault, Scenario, When};

/// The actions of the documented policy that a deployment of a plain service makes.
const PLAIN: [&str; 8] = [
    "DescribeServices",
    "RegisterTaskDefinition",
    "DeregisterTaskDefinition",
    "CreateService",
    "UpdateService",
    "DeleteService",
    "ListTasks",
    "DescribeTasks",
];

#[test]
fn a_refused_call_is_undone() {
    for (yml, pattern, code, service) in [
        (REPLACE, "UpdateService*d-m:2", "InvalidParameterException", "d-m"),
        (WHOLE, "PutScalingPolicy", "ValidationException", "d-m-1"),
    ] {
        let mut stage = Stage::serving(whole(), yml, HEALTHY);
        stage.ecs.change(|scenario| scenario.fault(pattern, When::Always, Fault::Error(code, "Not like this.")));
        let ran = stage.second("");
        assert_eq!(ran.status, 21, "{pattern}: {}", ran.err());
        let serves = stage.ecs.service(service).unwrap();
        assert_eq!((serves.running, serves.task_definition.as_str()), (1, "d-m:1"), "{pattern}: {}", ran.err());
        assert!(ran.err().contains("Not like this."), "{}", ran.err());
    }
}

#[test]
fn an_old_revision_that_cannot_be_deregistered() {
    for (code, words, is_gone) in [
        ("ClientException", "Unable to describe task definition.", true),
        ("InvalidParameterException", "The specified task definition does not exist.", true),
        ("ClientException", "The specified task definition is in DELETE_IN_PROGRESS status.", true),
        ("InvalidParameterException", "Not today.", false),
    ] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        stage
            .ecs
            .change(|scenario| scenario.fault("DeregisterTaskDefinition", When::Always, Fault::Error(code, words)));
        let ran = stage.second("--keep 0");
        assert_eq!(ran.status, 0, "{words}: {}", ran.err());
        let noted = ran.err().lines().filter(|line| line.contains("note: ") && line.contains(words)).count();
        assert_eq!(noted, usize::from(!is_gone), "{}", ran.err());
        // What is gone is forgotten, the other is tried again.
        stage.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        let ran = stage.run("deploy d --build-number 3 --image web=v3 --keep 0 --ambient");
        assert_eq!(ran.status, 0, "{words}: {}", ran.err());
        let again = stage.ecs.transcript().contains("DeregisterTaskDefinition d-m:1");
        assert_eq!(again, !is_gone, "{}", stage.ecs.transcript());
    }
}

#[test]
fn tags_are_an_extra() {
    let tags = "[{key: team, value: blue}]";
    let resources = format!(
        "  - {{name: o, type: dockerOptions, version: {{service: {{tags: {tags}}}, taskDefinition: {{tags: {tags}}}}}}}\n"
    );
    let yml = Yml { resources: &resources, manifest: ", {IN: o}", ..BLUE_GREEN };
    for denied in [false, true] {
        let scenario = Scenario::new();
        let mut stage = Stage::of(if denied { scenario.allow_only(&PLAIN) } else { scenario }, yml);
        let ran = stage.run("deploy d --build-number 1 --ambient");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let naming = ran.err().lines().filter(|line| line.contains("ecs:TagResource")).count();
        assert_eq!(naming, usize::from(denied), "{}", ran.err());
        for action in ["RegisterTaskDefinition", "CreateService"] {
            let last = stage.ecs.calls_of(action).pop().unwrap();
            assert_eq!(last.request.get("tags").is_none(), denied, "{action}: {}", last.request);
        }
    }
}

/// Options of the service, in a manifest's step.
fn with_service(service: &str) -> String {
    format!("  - {{name: o, type: dockerOptions, version: {{service: {service}}}}}\n")
}

#[test]
fn going_back_in_place_sends_what_there_was() {
    let was = with_service("{healthCheckGracePeriodSeconds: 30}");
    let new = with_service(
        "{healthCheckGracePeriodSeconds: 60, placementConstraints: [{type: memberOf, expression: \"attribute:x == y\"}]}",
    );
    let failed = |request: &Value| request["healthCheckGracePeriodSeconds"] == 60;
    for (method, more) in [(UPGRADE, "--rollback"), (REPLACE, "")] {
        let yml = |resources| Yml { resources, manifest: ", {IN: o}", ..method };
        let mut stage = Stage::serving(Scenario::new(), yml(&was), CRASH);
        stage.sandbox.write("work/shippable.yml", yml(&new).text());
        let ran = stage.second(&format!("{more} --timeout 60"));
        assert_ne!(ran.status, 0, "{}", ran.err());
        let updates = stage.ecs.calls_of("UpdateService");
        assert!(updates.iter().any(|call| failed(&call.request)), "{}", stage.ecs.transcript());
        let last = &updates.last().unwrap().request;
        assert_eq!(last["healthCheckGracePeriodSeconds"], 30, "{last}");
        assert_eq!(last["placementConstraints"], json!([]), "{last}");
        assert!(last["taskDefinition"].as_str().unwrap().ends_with("d-m:1"), "{last}");

        // By hand likewise.
        let mut stage = Stage::serving(Scenario::new(), yml(&was), HEALTHY);
        stage.sandbox.write("work/shippable.yml", yml(&new).text());
        let ran = stage.second("");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let ran = stage.run("rollback d --build-number 3 --ambient");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let last = stage.ecs.calls_of("UpdateService").pop().unwrap().request;
        assert_eq!(last["healthCheckGracePeriodSeconds"], 30, "{last}");
        assert_eq!(last["placementConstraints"], json!([]), "{last}");
    }
}

#[test]
fn an_old_service_that_is_raised_before_it_is_deleted() {
    let scaled = Fault::Error("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.");
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("DeleteService d-m-1", When::First(2), scaled.clone()));
    let ran = stage.second("");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-1").unwrap().status, "INACTIVE");
    // Not for ever.
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("DeleteService d-m-1", When::Always, scaled));
    let ran = stage.second("--timeout 60");
    assert_eq!(ran.status, 20, "{}", ran.err());
}

/// A scalable target that the job has not made: it goes where it may, else the count is set until there is no time left.
#[test]
fn an_old_service_that_somebody_else_scales() {
    for (is_allowed, exit, status) in [(true, 0, "INACTIVE"), (false, 24, "ACTIVE")] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        stage.ecs.change(|scenario| {
            let scenario = scenario.scaled_elsewhere("d-m-1").autoscaler("d-m-1", 2, 1);
            if is_allowed { scenario } else { scenario.allow_only(&PLAIN) }
        });
        let ran = stage.second("--timeout 60");
        assert_eq!((ran.status, stage.ecs.service("d-m-1").unwrap().status.as_str()), (exit, status), "{}", ran.err());
        assert_eq!(stage.ecs.service("d-m-2").unwrap().running, 1);
        assert_eq!(stage.ecs.calls_of("DeregisterScalableTarget").len(), 1, "{}", stage.ecs.transcript());
        let named = ran.err().matches("application-autoscaling:DeregisterScalableTarget").count();
        assert_eq!(named, usize::from(!is_allowed), "{}", ran.err());
    }
}

/// A service that was taken over came with a task definition of somebody else's, which may be in use elsewhere.
#[test]
fn what_a_service_was_on_before_it_was_taken_over() {
    let register =
        json!({"family": "theirs", "containerDefinitions": [{"name": "web", "image": "org/x:1", "memory": 64}]});
    let create = json!({"serviceName": "d-m", "taskDefinition": "theirs", "desiredCount": 1});
    let mut stage = Stage::of(Scenario::new().with_service_from(register, create), UPGRADE);
    let ran = stage.run("deploy d --build-number 1 --ambient --keep 0");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.err().contains("it is taken over"), "{}", ran.err());
    assert!(stage.ecs.world().contains("task definition theirs:1"), "{}", ran.err());
    assert_eq!(stage.run("delete d --ambient").status, 0);
    let world = stage.ecs.world();
    assert!(world.contains("task definition theirs:1"), "{world}");
    assert!(!world.contains("task definition d-m:1"), "{world}");
}

/// Nothing serves before a deployment has succeeded.
#[test]
fn status_of_a_first_deployment_that_failed() {
    let mut stage = Stage::of(Scenario::new().behaviour("*", CRASH), UPGRADE);
    assert_eq!(stage.run("deploy d --build-number 1 --ambient").status, 20);
    let ran = stage.run("status d --ambient");
    assert_eq!((ran.status, ran.out().as_str()), (1, ""), "{}", ran.err());
    assert!(ran.err().contains("left over: the service d-m "), "{}", ran.err());
}

/// A service whose tasks a deployment has stopped before it was killed has none, and wants none.
#[test]
fn status_of_a_service_that_was_stopped() {
    let mut stage = Stage::serving(Scenario::new(), REPLACE, HEALTHY);
    let killed = Fault::SignalBefore(rustix::process::Signal::KILL);
    stage.ecs.change(|scenario| scenario.fault("UpdateService*d-m:2", When::Nth(1), killed));
    assert_ne!(stage.second("").status, 0);
    assert_eq!(stage.ecs.service("d-m").unwrap().desired, 0);
    let ran = stage.run("status d --ambient");
    assert_eq!(ran.status, 1, "{}{}", ran.out(), ran.err());
    assert!(ran.err().contains("not whole: d-m"), "{}", ran.err());
}

/// What the AWS CLI needs besides a role, a deployment does not.
#[test]
fn an_integration_that_is_a_role_alone() {
    let mut stage = Stage::of(Scenario::new(), BLUE_GREEN);
    let text = BLUE_GREEN.text().replace("type: cluster,", "type: cluster, integration: aws,");
    stage.sandbox.write("work/shippable.yml", text);
    let role = "aws: {type: amazonIamRole, assumeRoleARN: \"arn:aws:iam::123456789012:role/deploys\"}\n";
    stage.sandbox.write("work/values.yml", role);
    let ran = stage.run("deploy d --build-number 1 --integrations values.yml");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(stage.ecs.calls_of("AssumeRole").len(), 1, "{}", stage.ecs.transcript());
    stage.sandbox.write("work/values.yml", "aws: {type: amazonKeys, accessKey: AKID}\n");
    let ran = stage.run("deploy d --build-number 2 --integrations values.yml");
    assert_eq!(ran.status, 3, "{}", ran.err());
    assert!(ran.err().contains("secretKey"), "{}", ran.err());
}

#[test]
fn scale_looks_at_all_first() {
    let resources = "  - {name: w, type: image, pointer: {sourceName: org/w}, seed: {versionName: v1}}
  - {name: o, type: dockerOptions, version: {service: {schedulingStrategy: DAEMON}}}\n";
    let job = "\n  - {name: n, type: manifest, steps: [{IN: w}, {IN: o}]}";
    let text = Yml { resources, deploy: ", {IN: n}", job: "", manifest: "" }.text();
    let text = text.replace("\n  - {name: d, type: deploy", &format!("{job}\n  - {{name: d, type: deploy"));
    let mut stage = Stage::of(Scenario::new(), BLUE_GREEN);
    stage.sandbox.write("work/shippable.yml", text);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let ran = stage.run("scale d 3 --ambient");
    assert_eq!(ran.status, 2, "{}", ran.err());
    assert!(ran.err().contains("DAEMON"), "{}", ran.err());
    assert_eq!(stage.ecs.calls_of("UpdateService").len(), 0, "{}", stage.ecs.transcript());
}

#[test]
fn what_was_in_a_cluster_that_is_gone() {
    let mut stage = Stage::serving(whole(), WHOLE, HEALTHY);
    // Half made, and left over.
    let ran = stage.second("--no-wait");
    assert_eq!(ran.status, 0, "{}", ran.err());
    stage.ecs.change(|scenario| Scenario { clusters: Vec::new(), ..scenario });
    let ran = stage.run("delete d --ambient");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.err().contains("note: "), "{}", ran.err());
    assert!(ran.err().contains("the cluster prod is not there"), "{}", ran.err());
    let world = stage.ecs.world();
    for words in ["task definition ", "policy ", "alarm "] {
        assert!(!world.contains(words), "{world}");
    }
    let ran = stage.run("delete d --ambient");
    assert!(ran.err().contains("nothing that d has deployed is remembered"), "{}", ran.err());
}
