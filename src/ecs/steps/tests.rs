//! The steps of each method, case by case.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ecs::memory::{Deployed, Leftover, Previous, Scaled};
use crate::ecs::wanted::{Cluster, Method, Scaling, Wanted, WantedService};

fn object(value: Value) -> Request {
    value.as_object().unwrap().clone()
}

pub(in crate::ecs) fn service(extra: Value) -> WantedService {
    let mut request = object(json!({ "desiredCount": 2 }));
    request.extend(object(extra));
    WantedService {
        manifest: "app".to_owned(),
        name: "prod-app".to_owned(),
        force: false,
        task_definition: object(json!({ "family": "prod-app", "containerDefinitions": [] })),
        service: request,
        wants_role: false,
        scaling: None,
        images: Vec::new(),
        secrets: Vec::new(),
    }
}

pub(in crate::ecs) fn wanted(method: Method, service: WantedService) -> Wanted {
    Wanted {
        job: "prod".to_owned(),
        cluster: Cluster { resource: "c".to_owned(), name: "web".to_owned(), region: None, integration: None },
        method,
        parallel: false,
        max_wait: Duration::from_mins(10),
        stability: Duration::from_secs(30),
        services: vec![service],
        warnings: Vec::new(),
    }
}

fn scaling(policy: &str, alarm: &str) -> Scaling {
    Scaling {
        target: Some(object(json!({ "MinCapacity": 2, "MaxCapacity": 9 }))),
        policies: vec![object(json!({ "PolicyName": policy }))],
        alarms: vec![object(json!({ "AlarmName": alarm, "AlarmActions": [policy, "arn:aws:sns:x"] }))],
    }
}

pub(in crate::ecs) fn deployed(service: &str, method: Method, wanted: Value) -> Deployed {
    Deployed {
        manifest: "app".to_owned(),
        cluster: "web".to_owned(),
        region: None,
        service: service.to_owned(),
        method,
        build_number: "4".to_owned(),
        task_definition: "arn:td/prod-app:4".to_owned(),
        digest: "old".to_owned(),
        wanted: json!({ "service": wanted }),
        scaling: None,
        previous: vec![previous(3), previous(2)],
        unfinished: None,
    }
}

fn previous(number: u32) -> Previous {
    Previous {
        task_definition: format!("arn:td/prod-app:{number}"),
        build_number: number.to_string(),
        digest: String::new(),
        wanted: json!({ "service": { "desiredCount": 1 } }),
    }
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::text).collect()
}

fn update(steps: &[Step]) -> Value {
    let found = steps.iter().find_map(|step| match step {
        Step::Update { request, .. } => Some(Value::Object(request.clone())),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn each_method_first() {
    for (method, name) in
        [(Method::BlueGreen, "prod-app-5"), (Method::Upgrade, "prod-app"), (Method::Replace, "prod-app")]
    {
        let mut wanted = wanted(method, service(json!({})));
        let steps = deploy_steps(&wanted, &wanted.services[0], None, "5", 1);
        let want = [
            format!("look at {name}"),
            "register the task definition prod-app".to_owned(),
            format!("create the service {name}"),
            format!("wait for {name}, and that it is steady for 30 s"),
        ];
        assert_eq!(texts(&steps), want, "{method:?}");
        let request = Value::Object(steps[2].request("web"));
        assert_eq!(request, json!({ "cluster": "web", "serviceName": name, "desiredCount": 2 }));
        wanted.services[0].wants_role = true;
        let steps = deploy_steps(&wanted, &wanted.services[0], None, "5", 1);
        assert_eq!(steps[1], Step::FindRole, "{method:?}");
        assert!(!resumed(steps).iter().any(|step| matches!(step, Step::FindRole | Step::Create { .. })));
    }
}

#[test]
fn blue_green_takes_the_old_one_away() {
    let wanted = wanted(Method::BlueGreen, service(json!({})));
    let mut was = deployed("prod-app-4", Method::BlueGreen, json!({}));
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 1);
    let removed = [
        "set the count of prod-app-4 to 0",
        "wait until no task of prod-app-4 runs",
        "delete the service prod-app-4",
        "wait until prod-app-4 is gone",
        "deregister prod-app:3",
        "deregister prod-app:2",
    ];
    assert_eq!(steps[0].text(), "look at prod-app-4, prod-app-5");
    assert_eq!(texts(&steps[4..]), removed);
    // Gone on with as well: the old one stays.
    assert_eq!(without_waits(resumed(steps.clone()), true).len(), 3);
    assert_eq!(without_waits(steps, true).len(), 3);
    was.wanted = json!({ "service": { "schedulingStrategy": "DAEMON" } });
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 3);
    assert_eq!(steps[4], Step::Delete { service: "prod-app-4".to_owned(), force: true });
    assert_eq!(steps.len(), 6);
    // The same build once more: its service is changed in place.
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "4", 3);
    assert_eq!(steps[2].text(), "update the service prod-app-4");
}

#[test]
fn scaling_goes_from_the_old_to_the_new() {
    let mut wanted = wanted(Method::BlueGreen, service(json!({})));
    wanted.services[0].scaling = Some(scaling("up", "busy"));
    let mut was = deployed("prod-app-4", Method::BlueGreen, json!({}));
    was.scaling = Some(Scaled {
        resource_id: "service/web/prod-app-4".to_owned(),
        policies: vec!["up".to_owned()],
        alarms: vec!["busy".to_owned(), "idle".to_owned()],
    });
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 9);
    let want = [
        "let service/web/prod-app-5 be scaled",
        "put the scaling policy up",
        "put the alarm busy",
        "delete the alarms idle",
        "delete the scaling policy up of service/web/prod-app-4",
        "let service/web/prod-app-4 be scaled no more",
        "set the count of prod-app-4 to 0",
    ];
    assert_eq!(texts(&steps[4..11]), want);
    let target = json!({ "MinCapacity": 2, "MaxCapacity": 9, "ServiceNamespace": "ecs",
        "ResourceId": "service/web/prod-app-5", "ScalableDimension": "ecs:service:DesiredCount" });
    assert_eq!(Value::Object(steps[4].request("web")), target);
    let undone = undo_steps(&steps[..6], Some(&was), None, true);
    let want = [
        "delete the scaling policy up of service/web/prod-app-5",
        "let service/web/prod-app-5 be scaled no more",
        "set the count of prod-app-5 to 0",
        "wait until no task of prod-app-5 runs",
        "delete the service prod-app-5",
        "wait until prod-app-5 is gone",
    ];
    assert_eq!(texts(&undone), want);
}

#[test]
fn in_place() {
    let new = json!({ "launchType": "EC2", "loadBalancers": [{ "port": 1 }], "tags": [], "clientToken": "x",
        "deploymentConfiguration": { "maximumPercent": 150 }, "notYetKnown": true });
    let wanted = wanted(Method::Upgrade, service(new.clone()));
    let mut was = deployed("named-first", Method::Upgrade, new);
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 1);
    let want = [
        "look at named-first",
        "register the task definition prod-app",
        "update the service named-first",
        "wait for named-first, and that it is steady for 30 s",
        "deregister prod-app:3",
        "deregister prod-app:2",
    ];
    assert_eq!(texts(&steps), want);
    let sent = json!({ "cluster": "web", "service": "named-first", "desiredCount": 2,
        "deploymentConfiguration": { "maximumPercent": 150 }, "notYetKnown": true });
    assert_eq!(update(&steps), sent);
    // What was there and is wanted no more.
    was.wanted = json!({ "service": { "placementStrategy": [{ "type": "random" }] } });
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 1);
    assert_eq!(update(&steps)["placementStrategy"], json!([]));
    assert_eq!(update(&steps)["loadBalancers"], json!([{ "port": 1 }]));
}

#[test]
fn other_capacity_providers_need_new_tasks() {
    let spot = json!({ "capacityProviderStrategy": [{ "capacityProvider": "spot" }] });
    let demand = json!({ "capacityProviderStrategy": [{ "capacityProvider": "demand" }] });
    for (before, now, is_forced) in [
        (spot.clone(), spot.clone(), false),
        (spot.clone(), demand.clone(), true),
        (json!({}), spot.clone(), true),
        (spot, json!({}), true),
        (json!({}), json!({}), false),
    ] {
        let wanted = wanted(Method::Upgrade, service(now));
        let was = deployed("prod-app", Method::Upgrade, before);
        let request = update(&deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 1));
        assert_eq!(request.get("forceNewDeployment"), is_forced.then_some(&json!(true)), "{request}");
    }
}

#[test]
fn a_cluster_given_by_its_arn_is_scaled_by_its_name() {
    let mut wanted = wanted(Method::BlueGreen, service(json!({})));
    wanted.cluster.name = "arn:aws:ecs:us-east-1:123456789012:cluster/web".to_owned();
    wanted.services[0].scaling = Some(scaling("up", "busy"));
    let steps = deploy_steps(&wanted, &wanted.services[0], None, "5", 9);
    assert_eq!(steps[4].text(), "let service/web/prod-app-5 be scaled");
}

#[test]
fn in_place_with_scaling_the_count_is_left_alone() {
    let mut wanted = wanted(Method::Upgrade, service(json!({})));
    let mut was = deployed("prod-app", Method::Upgrade, json!({}));
    wanted.services[0].scaling = Some(scaling("up", "busy"));
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 9);
    assert_eq!(update(&steps)["desiredCount"], json!(2));
    was.scaling = Some(Scaled {
        resource_id: "service/web/prod-app".to_owned(),
        policies: vec!["up".to_owned(), "down".to_owned()],
        alarms: vec!["busy".to_owned()],
    });
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 9);
    assert!(update(&steps).get("desiredCount").is_none());
    assert_eq!(texts(&steps[7..]), ["delete the scaling policy down of service/web/prod-app"]);
    wanted.services[0].scaling = None;
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 9);
    assert_eq!(steps.len(), 8);
    assert_eq!(steps[7].text(), "let service/web/prod-app be scaled no more");
}

#[test]
fn replace_stops_first_and_goes_back() {
    let mut wanted = wanted(Method::Replace, service(json!({})));
    wanted.services[0].scaling = Some(scaling("up", "busy"));
    let mut was = deployed("prod-app", Method::Replace, json!({}));
    was.wanted["scaling"] = json!({ "target": { "MinCapacity": 1 }, "policies": [{ "PolicyName": "up" }] });
    was.scaling = Some(Scaled {
        resource_id: "service/web/prod-app".to_owned(),
        policies: vec!["up".to_owned()],
        alarms: vec!["busy".to_owned()],
    });
    let steps = deploy_steps(&wanted, &wanted.services[0], Some(&was), "5", 9);
    let want = [
        "look at prod-app",
        "register the task definition prod-app",
        "let service/web/prod-app be scaled no more",
        "set the count of prod-app to 0",
        "wait until no task of prod-app runs",
        "update the service prod-app",
        "wait for prod-app, and that it is steady for 30 s",
        "let service/web/prod-app be scaled",
        "put the scaling policy up",
        "put the alarm busy",
    ];
    assert_eq!(texts(&steps), want);
    assert_eq!(update(&steps)["desiredCount"], json!(2));
    let undone = undo_steps(&steps[..6], Some(&was), Some(7), true);
    let sent = json!({ "cluster": "web", "service": "prod-app", "taskDefinition": "arn:td/prod-app:4",
        "desiredCount": 7 });
    assert_eq!(update(&undone), sent);
    let want = [
        "set the count of prod-app to 0",
        "wait until no task of prod-app runs",
        "put the service prod-app on prod-app:4",
        "wait for prod-app",
        "let service/web/prod-app be scaled",
        "put the scaling policy up",
    ];
    assert_eq!(texts(&undone), want);
    // As long as the version before has not been replaced, it needs not stop.
    assert_eq!(texts(&undo_steps(&steps[..4], Some(&was), Some(7), true))[0], want[2]);
    assert_eq!(undo_steps(&steps[..2], Some(&was), Some(7), true), []);
    assert_eq!(undo_steps(&steps[..6], Some(&was), Some(7), false), []);
}

#[test]
fn a_daemon_has_no_count() {
    for method in [Method::BlueGreen, Method::Upgrade, Method::Replace] {
        let daemon = json!({ "schedulingStrategy": "DAEMON" });
        let wanted = wanted(method, service(daemon.clone()));
        let was = deployed("old", method, daemon);
        for was in [None, Some(&was)] {
            let steps = deploy_steps(&wanted, &wanted.services[0], was, "5", 1);
            assert!(!steps.iter().any(|step| matches!(step, Step::ScaleToZero { .. })), "{method:?}");
            assert!(steps.iter().all(|step| !step.request("web").contains_key("desiredCount")), "{method:?}");
        }
    }
}

#[test]
fn what_cannot_change_in_place_is_refused() {
    for (old, new, named) in [
        (json!({}), json!({ "launchType": "FARGATE" }), Some("launchType")),
        (json!({ "launchType": "EC2" }), json!({}), None),
        (json!({ "launchType": "FARGATE" }), json!({ "capacityProviderStrategy": [] }), None),
        (json!({ "schedulingStrategy": "DAEMON" }), json!({}), Some("schedulingStrategy")),
        (json!({}), json!({ "schedulingStrategy": "REPLICA" }), None),
        (json!({ "role": "a" }), json!({ "role": "b" }), Some("role")),
        (json!({ "role": "a" }), json!({}), None),
    ] {
        let was = deployed("prod-app", Method::Upgrade, old);
        let change = wanted(Method::Upgrade, service(new.clone()));
        let refused = check_change(&change, &change.services[0], &was).err().map(|error| error.to_string());
        match (named, refused) {
            (None, None) => {}
            (Some(field), Some(told)) => assert!(told.contains(field) && told.contains("blueGreen"), "{told}"),
            (_, refused) => panic!("{new}: {refused:?}"),
        }
        let beside = wanted(Method::BlueGreen, service(new));
        check_change(&beside, &beside.services[0], &was).unwrap();
    }
    let mut elsewhere = wanted(Method::BlueGreen, service(json!({})));
    elsewhere.cluster.name = "other".to_owned();
    let was = deployed("prod-app-4", Method::BlueGreen, json!({}));
    let told = check_change(&elsewhere, &elsewhere.services[0], &was).unwrap_err();
    assert_eq!(told.exit_status(), 8);
}

#[test]
fn going_back_by_hand() {
    let mut was = deployed("prod-app-4", Method::BlueGreen, json!({}));
    let steps = rollback_steps(&was, "6").unwrap();
    let created = json!({ "cluster": "web", "serviceName": "prod-app-6", "desiredCount": 1,
        "taskDefinition": "arn:td/prod-app:3" });
    assert_eq!(Value::Object(steps[1].request("web")), created);
    assert_eq!(steps.last().unwrap().text(), "wait until prod-app-4 is gone");
    was.method = Method::Upgrade;
    let steps = rollback_steps(&was, "6").unwrap();
    assert_eq!(update(&steps)["taskDefinition"], json!("arn:td/prod-app:3"));
    assert_eq!(steps.len(), 3);
    was.method = Method::Replace;
    let steps = rollback_steps(&was, "6").unwrap();
    let put = json!({ "cluster": "web", "service": "prod-app-4", "taskDefinition": "arn:td/prod-app:3",
        "desiredCount": 1 });
    assert_eq!(Value::Object(steps[3].request("web")), put);
    assert_eq!(texts(&steps[1..3]), ["set the count of prod-app-4 to 0", "wait until no task of prod-app-4 runs"]);
    was.previous.clear();
    assert_eq!(rollback_steps(&was, "6"), None);
}

#[test]
fn deletion_and_scaling_by_hand() {
    let was = deployed("prod-app", Method::Upgrade, json!({}));
    let steps = delete_steps(&was);
    assert_eq!(texts(&steps[5..]), ["deregister prod-app:4", "deregister prod-app:3", "deregister prod-app:2"]);
    let steps = scale_steps(&was, 3);
    assert_eq!(update(&steps), json!({ "cluster": "web", "service": "prod-app", "desiredCount": 3 }));
    assert!(matches!(scale_steps(&was, 0)[2], Step::AwaitStopped { .. }));
    let leftover = Leftover::Service {
        manifest: "app".to_owned(),
        name: "prod-app-3".to_owned(),
        cluster: None,
        build_number: "3".to_owned(),
        task_definition: None,
        scaling: None,
    };
    let steps = prune_steps(&leftover, None);
    assert_eq!(steps[1], Step::Delete { service: "prod-app-3".to_owned(), force: true });
}

#[test]
fn names_in_actions_become_arns() {
    let alarm = scaling("up", "busy").alarms.remove(0);
    let arns = [("up".to_owned(), "arn:policy".to_owned())].into();
    assert_eq!(alarm_actions(&alarm, &arns)["AlarmActions"], json!(["arn:policy", "arn:aws:sns:x"]));
}
