//! `ecs update` against a scripted ECS: new images for services that no yml describes.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ecs_server::{Behaviour, Ecs, Fault, Scenario, When};
use crate::harness::Ran;

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition";

/// A service of two containers, with keys that nobody knows.
fn scenario() -> Scenario {
    let containers = json!([
        {"name": "app", "image": "app:1", "memory": 400, "futureKey": {"a": 1},
         "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"name": "proxy", "image": "proxy:1", "memory": 100},
    ]);
    let register = json!({"family": "web", "containerDefinitions": containers, "keyOfTomorrow": [1]});
    Scenario::new().with_service_from(register, create())
}

fn create() -> Value {
    json!({"serviceName": "web", "taskDefinition": "web", "desiredCount": 2})
}

fn update(ecs: &Ecs, words: &[&str]) -> Ran {
    ecs.run(&mut ecs.sandbox(), &[&["ecs", "update", "prod", "web", "--ambient"], words].concat())
}

fn serves(ecs: &Ecs) -> String {
    let service = ecs.service("web").unwrap();
    format!("{} {}/{}", service.task_definition, service.running, service.desired)
}

#[track_caller]
fn tells(ran: &Ran, status: i32, told: &[&str]) {
    assert_eq!(ran.status, status, "{}", ran.err());
    for told in told {
        assert!(ran.err().contains(told), "{told}: {}", ran.err());
    }
}

#[test]
fn new_images_and_variables() {
    let ecs = Ecs::start(scenario());
    let ran = update(&ecs, &["--image", "app=app:2", "--env", "B=x", "--env", "proxy:C=y", "--secret", "S=arn:aws:s"]);
    tells(&ran, 0, &["register the task definition web", "web serves on web:2"]);
    assert_eq!(ran.out(), format!("web\t{ARN}/web:2\n"));
    assert_eq!(serves(&ecs), "web:2 2/2");
    let calls = ecs.calls_of("RegisterTaskDefinition");
    let want = json!({
        "family": "web", "keyOfTomorrow": [1],
        "containerDefinitions": [
            {"name": "app", "image": "app:2", "memory": 400, "futureKey": {"a": 1},
             "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "x"}],
             "secrets": [{"name": "S", "valueFrom": "arn:aws:s"}]},
            {"name": "proxy", "image": "proxy:1", "memory": 100, "environment": [{"name": "C", "value": "y"}]},
        ],
    });
    assert_eq!(calls[0].request, want);
    let mut actions = ecs.actions();
    actions.dedup();
    let want = ["DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition", "UpdateService"];
    assert_eq!(actions, [&want[..], &["DescribeServices"]].concat());
}

#[test]
fn nothing_changed() {
    let ecs = Ecs::start(scenario());
    let ran = update(&ecs, &["--image", "app=app:1", "--env", "A=1", "--desired-count", "2"]);
    tells(&ran, 0, &["nothing has changed: web is on web:1"]);
    assert_eq!(ran.out(), format!("web\t{ARN}/web:1\n"));
    assert_eq!(ecs.actions(), ["DescribeServices", "DescribeTaskDefinition"]);
    let ran = update(&ecs, &["--image", "app=app:1", "--force"]);
    tells(&ran, 0, &["web serves on web:1"]);
    let calls = ecs.calls_of("UpdateService");
    assert_eq!(calls[0].request["forceNewDeployment"], true);
    assert!(ecs.calls_of("RegisterTaskDefinition").is_empty());
}

#[test]
fn another_count() {
    let ecs = Ecs::start(scenario());
    tells(&update(&ecs, &["--desired-count", "4"]), 0, &["set the count of web to 4", "web serves on web:1"]);
    assert_eq!(serves(&ecs), "web:1 4/4");
    tells(&update(&ecs, &["--desired-count", "0"]), 0, &[]);
    assert_eq!(serves(&ecs), "web:1 0/0");
    assert!(ecs.calls_of("DescribeTaskDefinition").is_empty());
}

#[test]
fn without_waiting() {
    let ecs = Ecs::start(scenario());
    let ran = update(&ecs, &["--image", "app=app:2", "--no-wait"]);
    tells(&ran, 0, &["web is put on web:2, which was not waited for"]);
    assert_eq!(ran.out(), format!("web\t{ARN}/web:2\n"));
    assert_eq!(ecs.calls_of("DescribeServices").len(), 1);
}

#[test]
fn the_circuit_breaker_goes_back() {
    let ecs = Ecs::start(scenario().breaker(true, 3).behaviour("web:2", Behaviour::Crashes { exit: 1, after: 1 }));
    let ran = update(&ecs, &["--image", "app=app:2"]);
    tells(&ran, 21, &["why it failed", "web serves, whole: 2 of 2 tasks run"]);
    assert_eq!((ran.out().as_str(), serves(&ecs).as_str()), ("", "web:1 2/2"));
    assert_eq!(ecs.calls_of("UpdateService").len(), 1);
    // ECS leaves the count.
    let ecs = Ecs::start(scenario().breaker(true, 3).behaviour("web:2", Behaviour::Crashes { exit: 1, after: 1 }));
    tells(&update(&ecs, &["--image", "app=app:2", "--desired-count", "3", "--rollback"]), 21, &[]);
    assert_eq!(serves(&ecs), "web:1 2/2");
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let ecs = Ecs::start(scenario().behaviour("web:2", Behaviour::PullFails));
    let ran = update(&ecs, &["--image", "app=app:2"]);
    let told = ["why it failed", "CannotPullContainerError", "next: the image cannot be pulled", "--rollback"];
    tells(&ran, 20, &told);
    assert_eq!(ecs.calls_of("UpdateService").len(), 1);
    assert!(!ran.err().contains("ecs rollback"), "{}", ran.err());
}

#[test]
fn rolled_back_when_asked() {
    let ecs = Ecs::start(scenario().behaviour("web:2", Behaviour::PullFails));
    let ran = update(&ecs, &["--image", "app=app:2", "--desired-count", "3", "--rollback"]);
    tells(&ran, 21, &["put the service web on web:1", "web serves, whole: 2 of 2 tasks run"]);
    assert_eq!(serves(&ecs), "web:1 2/2");
    let calls = ecs.calls_of("UpdateService");
    assert_eq!((&calls[0].request["desiredCount"], &calls[1].request["desiredCount"]), (&json!(3), &json!(2)));
    // And when that fails too.
    let fault = Fault::Error("InvalidParameterException", "no");
    let ecs =
        Ecs::start(scenario().behaviour("web:2", Behaviour::PullFails).fault("UpdateService", When::Nth(2), fault));
    tells(&update(&ecs, &["--image", "app=app:2", "--rollback"]), 22, &["going back failed"]);
}

#[test]
fn too_late_and_superseded() {
    let ecs = Ecs::start(scenario().behaviour("web:2", Behaviour::Never));
    tells(&update(&ecs, &["--image", "app=app:2", "--timeout", "60"]), 24, &["web is not steady after 60 s"]);
    let other = json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "app:9", "memory": 1}]});
    let meanwhile = json!({"taskDefinition": "other:1"});
    let mut registered = other;
    registered["family"] = "other".into();
    let ecs = Ecs::start(scenario().registered(registered).meanwhile("web", When::Nth(3), meanwhile));
    tells(&update(&ecs, &["--image", "app=app:2"]), 23, &["somebody has deployed other:1 to web meanwhile"]);
}

#[test]
fn denied() {
    for (action, permission) in [
        ("DescribeServices", "ecs:DescribeServices"),
        ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("RegisterTaskDefinition", "ecs:RegisterTaskDefinition"),
        ("UpdateService", "ecs:UpdateService"),
    ] {
        let ecs = Ecs::start(scenario().fault(action, When::Always, Fault::AccessDenied));
        tells(&update(&ecs, &["--image", "app=app:2"]), 4, &[permission, "shipctl iam policy --for"]);
        assert_eq!(serves(&ecs), "web:1 2/2", "{action}");
    }
}

#[test]
fn the_policy_for_it_is_enough() {
    let ecs = Ecs::start(scenario());
    let printed = ecs.sandbox().shipctl(["iam", "policy", "--for", "update"]);
    let policy: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let actions = policy["Statement"].as_array().unwrap().iter().flat_map(|one| one["Action"].as_array().unwrap());
    let actions: Vec<&str> = actions.filter_map(Value::as_str).collect();
    let ecs = Ecs::start(scenario().allow_only(&actions));
    let ran = update(&ecs, &["--image", "app=app:2", "--desired-count", "3"]);
    tells(&ran, 0, &["web serves on web:2"]);
    assert_eq!(serves(&ecs), "web:2 3/3");
}

#[test]
fn interrupted() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for (action, live) in [
            ("DescribeTaskDefinition", "web on web:1: 2 of 2 tasks run"),
            ("RegisterTaskDefinition", "web on web:1: 2 of 2 tasks run"),
            ("UpdateService", "web on web:2"),
        ] {
            let ecs = Ecs::start(scenario().fault(action, When::Nth(1), Fault::SignalAfter(signal)));
            let ran = update(&ecs, &["--image", "app=app:2", "--rollback"]);
            tells(&ran, status, &["interrupted by signal", live]);
        }
    }
}

#[test]
fn what_rolls_out_already_is_waited_for() {
    let fault = Fault::SignalAfter(Signal::TERM);
    let ecs = Ecs::start(scenario().fault("UpdateService", When::Nth(1), fault));
    tells(&update(&ecs, &["--image", "app=app:2"]), 143, &["run the same again to go on"]);
    tells(&update(&ecs, &["--image", "app=app:2"]), 0, &["wait for web", "web serves on web:2"]);
    assert_eq!(serves(&ecs), "web:2 2/2");
    assert_eq!((ecs.calls_of("RegisterTaskDefinition").len(), ecs.calls_of("UpdateService").len()), (1, 1));
    tells(&update(&ecs, &["--image", "app=app:2"]), 0, &["nothing has changed: web is on web:2"]);
    // One that does not come up is no success because it is asked for once more.
    let ecs = Ecs::start(scenario().behaviour("web:2", Behaviour::PullFails));
    tells(&update(&ecs, &["--image", "app=app:2", "--no-wait"]), 0, &[]);
    tells(&update(&ecs, &["--image", "app=app:2"]), 20, &["CannotPullContainerError"]);
}

#[test]
fn trouble_on_the_way() {
    let ecs = Ecs::start(
        scenario()
            .fault("DescribeServices", When::Nth(1), Fault::Html500)
            .fault("DescribeServices", When::Between(3, 8), Fault::Throttle)
            .fault("RegisterTaskDefinition", When::First(2), Fault::TooManyConcurrent)
            .fault("UpdateService", When::Nth(1), Fault::DropAfter),
    );
    tells(&update(&ecs, &["--image", "app=app:2"]), 0, &["web serves on web:2"]);
    assert_eq!(serves(&ecs), "web:2 2/2");
}

#[test]
fn names_that_mean_nothing() {
    let ecs = Ecs::start(scenario());
    tells(&update(&ecs, &["--image", "api=app:2"]), 2, &["web:1 has no container api: it has app, proxy"]);
    tells(&update(&ecs, &["--image", "app:2"]), 2, &["web:1 has several containers", "app, proxy"]);
    tells(&update(&ecs, &[]), 2, &["nothing to update"]);
    let ran = ecs.run(&mut ecs.sandbox(), &["ecs", "update", "prod", "api", "--force", "--ambient"]);
    tells(&ran, 8, &["there is no service api in the cluster prod in us-east-1"]);
    let ran = ecs.run(&mut ecs.sandbox(), &["ecs", "update", "prod", "web", "--force"]);
    tells(&ran, 3, &["prod is no cluster of the job directory"]);
    assert!(ecs.calls_of("UpdateService").is_empty() && ecs.calls_of("RegisterTaskDefinition").is_empty());
}

#[test]
fn the_only_container() {
    let ecs = Ecs::start(Scenario::new().with_service("web", "app:1", 1));
    tells(&update(&ecs, &["--image", "registry/app@sha256:00ff"]), 0, &["web serves on web:2"]);
    let image = &ecs.calls_of("RegisterTaskDefinition")[0].request["containerDefinitions"][0]["image"];
    assert_eq!(image, "registry/app@sha256:00ff");
}

#[test]
fn services_of_other_kinds() {
    let app = json!({"name": "app", "image": "app:1", "memory": 400});
    let register = json!({"family": "web", "containerDefinitions": [app]});
    let mut daemon = create();
    daemon["schedulingStrategy"] = "DAEMON".into();
    daemon.as_object_mut().unwrap().remove("desiredCount");
    let ecs = Ecs::start(Scenario::new().with_service_from(register.clone(), daemon));
    tells(&update(&ecs, &["--image", "app:2", "--desired-count", "2"]), 2, &["DAEMON"]);
    tells(&update(&ecs, &["--image", "app:2"]), 0, &["web serves on web:2"]);
    assert_eq!(serves(&ecs), "web:2 4/4");
}

#[test]
fn json_is_one_object_a_line() {
    let ecs = Ecs::start(scenario());
    let ran = update(&ecs, &["--image", "app=app:2", "--json"]);
    assert_eq!((ran.status, ran.err().as_str()), (0, ""));
    let out = ran.out();
    let objects: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = objects.last().unwrap();
    assert_eq!(
        (&last["event"], &last["outcome"], &last["service"]),
        (&json!("outcome"), &json!("completed"), &json!("web"))
    );
    assert_eq!(last["taskDefinition"], format!("{ARN}/web:2"));
    assert!(objects.iter().any(|object| object["event"] == "counts"));
    assert!(objects.iter().all(|object| object["manifest"] == "web"));
}
