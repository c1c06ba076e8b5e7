//! Services and their deployments.

use serde_json::{Value, json};

use super::super::{Behaviour, CLOCK, Ecs, Fault, Scenario, When};
use super::{Caller, definition};

fn messages(service: &Value) -> Vec<String> {
    let events = service["events"].as_array().unwrap().iter().rev();
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

fn rollout(service: &Value) -> (&str, &str) {
    let first = &service["deployments"][0];
    (first["rolloutState"].as_str().unwrap_or_default(), first["rolloutStateReason"].as_str().unwrap_or_default())
}

#[test]
fn a_service_comes_up_is_replaced_and_goes() {
    let server = Ecs::start(Scenario::new());
    let mut caller = Caller::new(&server);
    let first = caller.register("web", "nginx:1");
    assert_eq!(first, "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1");
    let made = caller.create("web", "web", 2);
    assert_eq!(made["service"]["deployments"][0]["id"], "ecs-svc/0000000000000000001");
    assert_eq!(rollout(&caller.describe("web")).0, "IN_PROGRESS");
    let seen = caller.until("web", |seen| rollout(seen).0 == "COMPLETED");
    assert_eq!((&seen["runningCount"], &seen["pendingCount"]), (&json!(2), &json!(0)));
    let task = |n: usize| format!("(task {n:032x})");
    assert_eq!(
        messages(&seen),
        [
            format!("(service web) has started 2 tasks: {} {}.", task(1), task(2)),
            "(service web) (deployment ecs-svc/0000000000000000001) deployment completed.".to_owned(),
            "(service web) has reached a steady state.".to_owned(),
        ]
    );
    let second = caller.register("web", "nginx:2");
    let updated = caller.does("UpdateService", json!({"service": "web", "taskDefinition": second}));
    assert_eq!(updated["service"]["deployments"].as_array().unwrap().len(), 2);
    caller.does("DeregisterTaskDefinition", json!({"taskDefinition": first}));
    let seen = caller.until("web", |seen| rollout(seen).0 == "COMPLETED");
    assert_eq!((&seen["taskDefinition"], seen["deployments"].as_array().unwrap().len()), (&json!(second), 1));
    // The same again is nothing new, but by force.
    let id = seen["deployments"][0]["id"].clone();
    let same = caller.does("UpdateService", json!({"service": "web", "taskDefinition": second}));
    assert_eq!(same["service"]["deployments"][0]["id"], id);
    let forced = caller.does("UpdateService", json!({"service": "web", "forceNewDeployment": true}));
    assert_ne!(forced["service"]["deployments"][0]["id"], id);
    let scaled = "InvalidParameterException: The service cannot be stopped while it is scaled above 0.";
    assert_eq!(caller.refused("DeleteService", json!({"service": "web"})), scaled);
    caller.does("UpdateService", json!({"service": "web", "desiredCount": 0}));
    caller.until("web", |seen| seen["runningCount"] == 0);
    assert_eq!(caller.does("DeleteService", json!({"service": "web"}))["service"]["status"], "DRAINING");
    caller.until("web", |seen| seen["status"] == "INACTIVE");
    assert_eq!(server.world(), "service prod/web INACTIVE 0+0/0 web:2\ntask definition web:2\n");
    insta::assert_snapshot!(server.transcript(), @r"
    RegisterTaskDefinition web
    CreateService web count=2
    DescribeServices web ×4
    RegisterTaskDefinition web
    UpdateService web web:2
    DeregisterTaskDefinition web:1
    DescribeServices web ×4
    UpdateService web web:2
    UpdateService web
    DeleteService web -> InvalidParameterException
    UpdateService web count=0
    DescribeServices web ×2
    DeleteService web
    DescribeServices web ×2
    ");
}

#[test]
fn refusals_are_in_awss_words() {
    let server =
        Ecs::start(Scenario::new().with_service("web", "nginx", 1).drain(60).role("batch", "batch.amazonaws.com"));
    let mut caller = Caller::new(&server);
    let service =
        |name: &str, definition: &str| json!({"serviceName": name, "taskDefinition": definition, "desiredCount": 1});
    let with = |mut value: Value, key: &str, other: Value| {
        value[key] = other;
        value
    };
    let balanced = |name: &str, port: u16| {
        let balancer = json!({"targetGroupArn": "arn:tg", "containerName": name, "containerPort": port});
        with(service("x", "web"), "loadBalancers", json!([balancer]))
    };
    let daemon = with(service("x", "web"), "schedulingStrategy", json!("DAEMON"));
    let container = json!([{"name": "a", "image": "b"}]);
    let table = [
        ("CreateService", with(service("x", "web"), "cluster", json!("nope")), "ClusterNotFoundException: Cluster not"),
        (
            "CreateService",
            with(service("web", "web"), "desiredCount", json!(7)),
            "Creation of service was not idempotent.",
        ),
        ("CreateService", service("x", "none"), "ClientException: TaskDefinition not found."),
        ("CreateService", balanced("other", 80), "The container other does not exist in the task definition."),
        ("CreateService", balanced("app", 80), "The container app did not have a container port 80 defined."),
        ("CreateService", with(service("x", "web"), "role", json!("batch")), "Unable to assume role and validate"),
        ("CreateService", daemon, "does not support a desired count"),
        ("CreateService", json!({"serviceName": "x", "taskDefinition": "web"}), "Desired count can not be null."),
        ("UpdateService", json!({"service": "none"}), "ServiceNotFoundException: Service not found."),
        ("DescribeServices", json!({"services": vec!["a"; 11]}), "Services cannot have more than 10 elements"),
        ("DescribeTasks", json!({"tasks": []}), "Tasks cannot be empty."),
        ("ListTasks", json!({"serviceName": "none"}), "ServiceNotFoundException"),
        ("StopTask", json!({"task": "none"}), "The referenced task was not found."),
        ("RegisterTaskDefinition", json!({"family": "a b"}), "Family contains invalid characters."),
        ("RegisterTaskDefinition", json!({"family": "a"}), "Container definition list can not be empty."),
        (
            "RegisterTaskDefinition",
            json!({"family": "a", "containerDefinitions": container}),
            "container 'a'. At least",
        ),
        ("DescribeTaskDefinition", json!({"taskDefinition": "none"}), "Unable to describe task definition."),
        ("DeregisterTaskDefinition", json!({"taskDefinition": "web"}), "Invalid revision number. Number: web"),
        ("NoSuchThing", json!({}), "UnknownOperationException"),
    ];
    for (action, request, words) in table {
        let said = caller.refused(action, request.clone());
        assert!(said.contains(words), "{action} {request}: {said}");
    }
    let missing = caller.does("DescribeServices", json!({"services": ["none"]}));
    let arn = "arn:aws:ecs:us-east-1:123456789012:service/prod/none";
    assert_eq!(missing["failures"], json!([{"arn": arn, "reason": "MISSING"}]));
    caller.does("DeleteService", json!({"service": "web", "force": true}));
    assert!(caller.refused("CreateService", service("web", "web")).contains("still Draining"));
    assert!(caller.refused("UpdateService", json!({"service": "web"})).starts_with("ServiceNotActiveException"));
    assert_eq!(server.calls_of("NoSuchThing")[0].error.as_deref(), Some("UnknownOperationException"));
}

/// A service `web` of nginx:1, updated to an image of this behaviour under a breaker.
fn failing(scenario: Scenario, behaviour: Behaviour) -> (Ecs, Caller, Value) {
    let server = Ecs::start(scenario.with_service("web", "nginx:1", 1).behaviour("nginx:2", behaviour));
    let mut caller = Caller::new(&server);
    let second = caller.register("web", "nginx:2");
    caller.does("UpdateService", json!({"service": "web", "taskDefinition": second}));
    let seen = caller.until("web", |seen| {
        let ids: Vec<_> = seen["deployments"].as_array().unwrap().iter().map(|one| &one["rolloutState"]).collect();
        ids.contains(&&json!("FAILED"))
    });
    (server, caller, seen)
}

#[test]
fn the_breaker_goes_back_or_stays() {
    let (server, mut caller, seen) = failing(Scenario::new().breaker(true, 3), Behaviour::PullFails);
    let (old, new) = ("ecs-svc/0000000000000000001", "ecs-svc/0000000000000000002");
    let back = format!("ECS deployment circuit breaker: rolling back to deploymentId {old}.");
    assert_eq!((rollout(&seen), &seen["deployments"][0]["id"]), (("IN_PROGRESS", back.as_str()), &json!(old)));
    assert_eq!(server.event_at("web", "deployment failed: tasks failed to start"), Some(7));
    assert_eq!(server.event_at("web", "no such words"), None);
    let failed = &seen["deployments"][1];
    assert_eq!((&failed["id"], &failed["failedTasks"]), (&json!(new), &json!(3)));
    assert_eq!(failed["rolloutStateReason"], "ECS deployment circuit breaker: tasks failed to start.");
    let said = messages(&seen).join("\n");
    let want = format!(
        "(service web) (deployment {new}) deployment failed: tasks failed to start.\n(service web) rolling back to \
         deployment {old}."
    );
    assert!(said.contains(&want), "{said}");
    let seen = caller.until("web", |seen| rollout(seen).0 == "COMPLETED");
    assert!(seen["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    let state = server.service("web").unwrap();
    assert_eq!((state.running, state.pending, state.desired, state.task_definition.as_str()), (1, 0, 1, "web:1"));
    assert_eq!(
        (state.status.as_str(), state.events[0].as_str()),
        ("ACTIVE", "(service web) has reached a steady state.")
    );

    let scenario = Scenario::new().breaker(true, 3).rollback_with_new_id().linger(20);
    let (_server, _, seen) = failing(scenario, Behaviour::SecretUnreadable);
    assert_eq!(seen["deployments"][0]["id"], "ecs-svc/0000000000000000003");

    // Without a roll-back the old tasks stay, and the failed deployment is the first.
    let (server, mut caller, seen) =
        failing(Scenario::new().breaker(false, 3), Behaviour::Crashes { exit: 7, after: 1 });
    assert_eq!((rollout(&seen).0, &seen["deployments"][0]["id"]), ("FAILED", &json!(new)));
    caller.now += 60;
    caller.describe("web");
    assert_eq!(server.service("web").unwrap().running, 1);
}

#[test]
fn stopped_tasks_say_why() {
    let table = [
        (Behaviour::PullFails, "TaskFailedToStart", "CannotPullContainerError: pull image", json!(null)),
        (Behaviour::SecretUnreadable, "TaskFailedToStart", "ResourceInitializationError: unable to pull", json!(null)),
        (Behaviour::FailsToStart("CannotStartContainerError: x"), "TaskFailedToStart", "CannotStart", json!(null)),
        (Behaviour::Crashes { exit: 3, after: 1 }, "EssentialContainerExited", "Essential container in", json!(3)),
        (Behaviour::OutOfMemory, "EssentialContainerExited", "Essential container in task exited", json!(137)),
        (Behaviour::Unhealthy, "ServiceSchedulerInitiated", "Task failed container health checks", json!(143)),
    ];
    for (behaviour, code, reason, exit) in table {
        let (_server, mut caller, _) = failing(Scenario::new().breaker(true, 3), behaviour.clone());
        let wanted =
            json!({"serviceName": "web", "desiredStatus": "STOPPED", "startedBy": "ecs-svc/0000000000000000002"});
        let listed = caller.does("ListTasks", wanted);
        let tasks = caller.does("DescribeTasks", json!({"tasks": listed["taskArns"]}));
        let task = tasks["tasks"].as_array().unwrap().iter().find(|task| task["stopCode"] == code);
        let task = task.unwrap_or_else(|| panic!("{behaviour:?}: {tasks}"));
        assert!(task["stoppedReason"].as_str().unwrap().starts_with(reason), "{behaviour:?}: {task}");
        assert_eq!((&task["containers"][0]["exitCode"], &task["lastStatus"]), (&exit, &json!("STOPPED")));
        if behaviour == Behaviour::OutOfMemory {
            assert_eq!(task["containers"][0]["reason"], "OutOfMemoryError: Container killed due to memory usage");
        }
    }
}

#[test]
fn what_does_not_start_is_told_again_and_again() {
    let scenario = Scenario::new().behaviour("full", Behaviour::NoCapacity).behaviour("slow", Behaviour::Never);
    let scenario = scenario.behaviour("lazy*", Behaviour::SlowStart { secs: 100 }).instances(1);
    let server = Ecs::start(scenario.behaviour("sick", Behaviour::Crashes { exit: 1, after: 1 }));
    let mut caller = Caller::new(&server);
    for name in ["full", "slow", "sick", "lazy"] {
        caller.register(name, "nginx");
        caller.create(name, name, 1);
    }
    caller.now += 90;
    let full = messages(&caller.describe("full"));
    let words = "(service full) was unable to place a task because no container instance met all of its requirements. The \
                 closest matching (container-instance 000000000000000000000000000000c1) has insufficient memory available.";
    assert!(full.len() > 3 && full[1].starts_with(words), "{full:#?}");
    assert_eq!(caller.describe("slow")["pendingCount"], 1);
    let sick = messages(&caller.describe("sick")).join("\n");
    assert!(sick.contains("(service sick) is unable to consistently start tasks successfully. For more"), "{sick}");
    assert_eq!(caller.describe("lazy")["runningCount"], 0);
    caller.now += 30;
    assert_eq!(caller.describe("lazy")["runningCount"], 1);
    // A static port is free once on an instance.
    let mut fixed = definition("fixed", "nginx");
    fixed["containerDefinitions"][0]["portMappings"][0]["hostPort"] = 8080.into();
    caller.does("RegisterTaskDefinition", fixed);
    caller.create("fixed", "fixed", 2);
    caller.now += 30;
    let said = messages(&caller.describe("fixed")).join("\n");
    assert!(said.contains("c1) is already using a port required by your task. For more"), "{said}");
    assert_eq!(server.service("fixed").unwrap().running, 1);
}

#[test]
fn load_balancers_know_who_is_well() {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let balanced = |name: &str, balancer: Value| {
        let mut balancer = balancer;
        (balancer["containerName"], balancer["containerPort"]) = ("app".into(), 80.into());
        json!({"serviceName": name, "taskDefinition": name, "desiredCount": 1, "loadBalancers": [balancer]})
    };
    let modern = balanced("web", json!({"targetGroupArn": group}));
    let scenario = Scenario::new().with_service_from(definition("web", "nginx"), modern);
    let server = Ecs::start(scenario.behaviour("old", Behaviour::Unhealthy));
    let mut caller = Caller::new(&server);
    caller.register("old", "nginx");
    caller.does("CreateService", balanced("old", json!({"loadBalancerName": "classic"})));
    let (status, answer) =
        caller.form("elasticloadbalancing", &format!("Action=DescribeTargetHealth&TargetGroupArn={group}"));
    assert!(status == 200 && answer.contains("<State>healthy</State>"), "{answer}");
    caller.now += 5;
    let (_, answer) = caller.form("elasticloadbalancing", "Action=DescribeInstanceHealth&LoadBalancerName=classic");
    assert!(answer.contains("<State>OutOfService</State>"), "{answer}");
    caller.now += 10;
    let old = caller.describe("old");
    assert_eq!(old["deployments"][0]["rolloutState"], Value::Null);
    let said = messages(&old).join("\n");
    assert!(said.contains("is unhealthy in (elb classic) due to (reason Instance has failed"), "{said}");
    assert!(said.contains("(service old) registered 1 instances in (elb classic)"), "{said}");
    server.change(|scenario| scenario.behaviour("web", Behaviour::Unhealthy));
    caller.does("UpdateService", json!({"service": "web", "forceNewDeployment": true}));
    caller.now += 20;
    let said = messages(&caller.describe("web")).join("\n");
    let want = format!(
        "(service web) (instance i-000000000000000c1) (port 80) is unhealthy in (target-group {group}) due to (reason Health checks failed)"
    );
    assert!(said.contains(&want), "{said}");
    assert!(
        caller
            .form("elasticloadbalancing", &format!("Action=DescribeTargetHealth&TargetGroupArn={group}"))
            .1
            .contains("unhealthy")
    );
}

#[test]
fn new_services_hide_daemons_count_and_others_meddle() {
    let update = json!({"taskDefinition": "other"});
    let scenario = Scenario::new().visible_after(2).instances(3).daemon_delay(4).settle(1).stopping(1);
    let scenario = scenario.with_service("web", "nginx", 1).with_events(150).registered(definition("other", "nginx"));
    let scenario = scenario.meanwhile("web", When::Nth(3), update.clone());
    let server = Ecs::start(scenario.meanwhile("web", When::Between(100, 0), json!({"desiredCount": 3})));
    let mut caller = Caller::new(&server);
    caller.register("agent", "agent");
    let daemon = json!({"serviceName": "agent", "taskDefinition": "agent", "schedulingStrategy": "DAEMON"});
    caller.does("CreateService", daemon);
    assert!(caller.describe("agent").is_null() && caller.describe("agent").is_null());
    let seen = caller.describe("agent");
    assert_eq!((&seen["desiredCount"], rollout(&seen).0), (&json!(0), "IN_PROGRESS"));
    caller.now += 10;
    assert_eq!(caller.describe("agent")["runningCount"], 3);
    let counts: Vec<_> = (0..4).map(|_| caller.describe("web")["deployments"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [1, 1, 2, 2]);
    assert_eq!(caller.describe("web")["events"].as_array().unwrap().len(), 100);
    caller.now += 100;
    assert_eq!(caller.describe("web")["desiredCount"], 3);
    assert_eq!(caller.does("ListServices", json!({}))["serviceArns"].as_array().unwrap().len(), 2);
}

#[test]
fn a_service_drains_and_a_shaky_one_recovers() {
    let scenario = Scenario::new().with_service("old", "nginx", 1).draining(30);
    let scenario = scenario.behaviour("shaky", Behaviour::Flaky { failures: 2 });
    let scenario = scenario.fault("UpdateService shaky count=3", When::Always, Fault::Throttle);
    let server = Ecs::start(scenario.deleted_meanwhile("shaky", When::Between(100, 0)));
    assert_eq!(server.clock(), CLOCK);
    let mut caller = Caller::new(&server);
    assert_eq!(caller.describe("old")["status"], "DRAINING");
    caller.now += 29;
    let again = json!({"serviceName": "old", "taskDefinition": "old", "desiredCount": 1});
    assert!(caller.refused("CreateService", again).contains("Unable to Start a service that is still Draining."));
    caller.now += 1;
    assert_eq!(caller.describe("old")["status"], "INACTIVE");
    caller.create("old", "old", 1);
    caller.register("shaky", "nginx");
    caller.create("shaky", "shaky", 1);
    let seen = caller.until("shaky", |seen| rollout(seen).0 == "COMPLETED");
    assert_eq!((&seen["deployments"][0]["failedTasks"], &seen["runningCount"]), (&json!(2), &json!(1)));
    assert!(caller.refused("UpdateService", json!({"service": "shaky", "desiredCount": 3})).contains("Throttling"));
    caller.does("UpdateService", json!({"service": "shaky", "desiredCount": 2}));
    assert_eq!((server.elapsed(), server.clock().as_str()), (45, "2026-01-02T03:04:50Z"));
    caller.now += 60;
    assert_eq!(caller.describe("shaky")["status"], "INACTIVE");
    let mut sandbox = server.sandbox();
    assert_eq!(server.run(&mut sandbox, &["--version"]).status, 0);
    assert_eq!(sandbox.env[std::ffi::OsStr::new("SHIPCTL_CLOCK")], "2026-01-02T03:05:50Z");
}
