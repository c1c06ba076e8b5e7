//! `ecs run` against a scripted ECS: tasks that end, that cannot start, that are stopped.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ecs_server::{Behaviour, Ecs, Fault, Scenario, When};
use crate::harness::Ran;

/// A task definition of two containers, of which the second is the one that counts.
fn job() -> Value {
    let options = json!({"awslogs-group": "/ecs/job", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"});
    let app = json!({
        "name": "app", "image": "app:1", "memory": 400,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    });
    json!({"family": "job", "containerDefinitions": [app]})
}

fn scenario(behaviour: Behaviour) -> Scenario {
    let lines = ["first", "second", "last"];
    Scenario::new().registered(job()).behaviour("job", behaviour).logs("/ecs/job:job/app/*", &lines)
}

const DONE: Behaviour = Behaviour::Crashes { exit: 0, after: 30 };

fn run(ecs: &Ecs, words: &[&str]) -> Ran {
    ecs.run(&mut ecs.sandbox(), &[&["ecs", "run", "prod", "job", "--ambient"], words].concat())
}

#[test]
fn a_task_that_does_its_work() {
    let ecs = Ecs::start(scenario(DONE));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    // Each line once, however often it was looked.
    assert_eq!(ran.out(), "first\nsecond\nlast\n");
    let err = ran.err();
    for told in ["run job", "RUNNING", "STOPPED", "container app ended with exit status 0"] {
        assert!(err.contains(told), "{told}: {err}");
    }
    assert!(ecs.calls_of("GetLogEvents").len() >= 2);
    assert!(ecs.calls_of("DescribeTasks").len() <= 12, "{}", ecs.transcript());
    assert!(ecs.calls_of("StopTask").is_empty());
}

#[test]
fn the_status_is_that_of_the_container() {
    for (exit, told) in [(3, "exit status 3"), (127, "next: exit status 127")] {
        let ecs = Ecs::start(scenario(Behaviour::Crashes { exit, after: 5 }));
        let ran = run(&ecs, &[]);
        assert_eq!(ran.status, exit, "{}", ran.err());
        assert!(ran.err().contains(told), "{}", ran.err());
        assert_eq!(ran.out(), "first\nsecond\nlast\n");
    }
}

#[test]
fn what_was_asked_for_reaches_the_wire() {
    let ecs = Ecs::start(scenario(DONE));
    let words = ["--env", "A=b=c", "--env", "B=", "--memory", "512", "--launch-type", "EC2", "--no-wait"];
    let mut sandbox = ecs.sandbox();
    sandbox.set("JOB_NAME", "db_migrate").set("BUILD_NUMBER", "12");
    let words = [&["ecs", "run", "prod", "job", "--ambient"], &words[..], &["--", "migrate", "--all", "a b"]].concat();
    let ran = ecs.run(&mut sandbox, &words);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().starts_with("arn:aws:ecs:us-east-1:123456789012:task/"), "{}", ran.out());
    let calls = ecs.calls_of("RunTask");
    let request = &calls[0].request;
    assert_eq!(request["startedBy"], "shipctl/db_migrate/12");
    assert_eq!(request["launchType"], "EC2");
    let want = json!({"containerOverrides": [{
        "name": "app", "command": ["migrate", "--all", "a b"], "memory": 512,
        "environment": [{"name": "A", "value": "b=c"}, {"name": "B", "value": ""}],
    }]});
    assert_eq!(request["overrides"], want);
    assert!(ecs.calls_of("DescribeTasks").is_empty());
}

#[test]
fn a_task_like_a_service() {
    let vpc = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}});
    let create = json!({
        "serviceName": "web", "taskDefinition": "job", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": vpc,
    });
    let ecs = Ecs::start(Scenario::new().with_service_from(job(), create));
    let ran = run(&ecs, &["--like", "web", "--no-wait"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    let calls = ecs.calls_of("RunTask");
    assert_eq!((&calls[0].request["networkConfiguration"], &calls[0].request["launchType"]), (&vpc, &json!("FARGATE")));
    let ran = run(&ecs, &["--like", "api", "--no-wait"]);
    assert_eq!(ran.status, 8, "{}", ran.err());
    assert!(ran.err().contains("there is no service api in the cluster prod in us-east-1"), "{}", ran.err());
}

#[test]
fn no_place_for_it() {
    let ecs = Ecs::start(scenario(Behaviour::NoCapacity));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 20, "{}", ran.err());
    assert!(ran.err().contains("no place for the task: RESOURCE:MEMORY"), "{}", ran.err());
    // The words are those for a task that no yml describes.
    assert!(ran.err().contains("next: there is no room for the task: run it again when"), "{}", ran.err());
    assert!(!ran.err().contains("method:") && !ran.err().contains("dockerOptions"), "{}", ran.err());
    assert_eq!(ran.out(), "");
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let ecs = Ecs::start(scenario(Behaviour::PullFails));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 20, "{}", ran.err());
    for told in
        ["the task did not run: CannotPullContainerError", "TaskFailedToStart", "next: the image cannot be pulled"]
    {
        assert!(ran.err().contains(told), "{told}: {}", ran.err());
    }
}

#[test]
fn one_that_takes_too_long_is_stopped() {
    let ecs = Ecs::start(scenario(Behaviour::Healthy { start: 2 }));
    let ran = run(&ecs, &["--timeout", "60"]);
    assert_eq!(ran.status, 24, "{}", ran.err());
    assert!(ran.err().contains("not done within 60 s; it has stopped"), "{}", ran.err());
    let stops = ecs.calls_of("StopTask");
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0].request["reason"], "shipctl: not done within 60 s");
    // The signatures' seconds are whole.
    assert!((55..=61).contains(&stops[0].at), "{}", stops[0].at);
}

#[test]
fn a_signal_stops_it() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let fault = Fault::SignalAfter(signal);
        let ecs = Ecs::start(scenario(Behaviour::Healthy { start: 2 }).fault("DescribeTasks", When::Nth(4), fault));
        let ran = run(&ecs, &[]);
        assert_eq!(ran.status, status, "{}", ran.err());
        assert_eq!(ecs.calls_of("StopTask").len(), 1);
        assert!(ran.err().contains("it has stopped"), "{}", ran.err());
    }
    // While it is being started: nothing is left behind.
    let fault = Fault::SignalAfter(Signal::INT);
    let ecs = Ecs::start(scenario(Behaviour::Healthy { start: 2 }).fault("RunTask", When::Always, fault));
    let ran = run(&ecs, &[]);
    assert_eq!((ran.status, ecs.calls_of("StopTask").len()), (130, 1), "{}", ran.err());
}

#[test]
fn extras_that_are_denied_leave_one_note() {
    let allowed = ["ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask", "ecs:DescribeTaskDefinition"];
    let ecs = Ecs::start(scenario(DONE).allow_only(&allowed));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(ran.err().matches("logs:GetLogEvents").count(), 1, "{}", ran.err());
    assert_eq!(ecs.calls_of("GetLogEvents").len(), 1);
    let ecs = Ecs::start(scenario(DONE).allow_only(&allowed[..3]));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(ran.err().matches("ecs:DescribeTaskDefinition").count(), 1, "{}", ran.err());
    // A command has to know its container.
    let ran = run(&ecs, &["--", "x"]);
    assert_eq!(ran.status, 2, "{}", ran.err());
    assert!(ran.err().contains("--container NAME"), "{}", ran.err());
    assert_eq!(run(&ecs, &["--container", "app", "--", "x"]).status, 0);
}

#[test]
fn what_is_needed_and_denied() {
    let ecs = Ecs::start(scenario(DONE).fault("RunTask", When::Always, Fault::AccessDenied));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 4, "{}", ran.err());
    assert!(ran.err().contains("ecs:RunTask"), "{}", ran.err());
    let ecs = Ecs::start(scenario(DONE).fault("DescribeTasks", When::Always, Fault::AccessDenied));
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 4, "{}", ran.err());
    assert!(ran.err().contains("it may still run: arn:"), "{}", ran.err());
}

#[test]
fn trouble_on_the_way() {
    let ecs = Ecs::start(
        scenario(DONE)
            .fault("RunTask", When::First(2), Fault::Throttle)
            .fault("DescribeTasks", When::Between(8, 20), Fault::Html500)
            .fault("GetLogEvents", When::Nth(1), Fault::Http503),
    );
    let ran = run(&ecs, &[]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(ran.out(), "first\nsecond\nlast\n");
}

#[test]
fn names_that_mean_nothing() {
    let ecs = Ecs::start(scenario(DONE));
    let mut sandbox = ecs.sandbox();
    let ran = ecs.run(&mut sandbox, &["ecs", "run", "prod", "other", "--ambient"]);
    assert_eq!(ran.status, 8, "{}", ran.err());
    assert!(ran.err().contains("other") && ran.err().contains("cluster prod in us-east-1"), "{}", ran.err());
    let ran = run(&ecs, &["--container", "web"]);
    assert_eq!(ran.status, 2, "{}", ran.err());
    assert!(ran.err().contains("job has no container web: it has app"), "{}", ran.err());
    let ran = ecs.run(&mut sandbox, &["ecs", "run", "prod", "job"]);
    assert_eq!(ran.status, 3, "{}", ran.err());
    assert!(ecs.calls_of("RunTask").is_empty());
}

#[test]
fn json_is_one_object_a_line() {
    let ecs = Ecs::start(scenario(Behaviour::Crashes { exit: 3, after: 5 }));
    let ran = run(&ecs, &["--json"]);
    assert_eq!((ran.status, ran.err().as_str()), (3, ""));
    let out = ran.out();
    let objects: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| objects.iter().filter(|object| object["event"] == event).cloned().collect::<Vec<_>>();
    assert_eq!(of("log").len(), 3);
    assert_eq!((&of("log")[0]["message"], &of("log")[0]["container"]), (&json!("first"), &json!("app")));
    let statuses: Vec<Value> = of("task").iter().map(|object| object["status"].clone()).collect();
    assert_eq!(statuses.last().unwrap(), "STOPPED");
    assert_eq!(of("task").last().unwrap()["exitCode"], 3);
    assert_eq!(objects.last().unwrap()["outcome"], "failed");
    assert!(objects.iter().all(|object| object["at"].is_string() && object["manifest"] == "job"));
}
