use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::json;

use super::*;
use crate::aws::loopback::{Asked, Server, keys, ok, refusal};
use crate::error::Kind;
use crate::support::clock::Clock;

/// 2026-01-02T03:04:05Z.
fn noon() -> Clock {
    Clock::set(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045))
}

fn request(value: &Value) -> Request {
    value.as_object().unwrap().clone()
}

/// What a server reckons from the body that it was sent.
fn signature_of(asked: &Asked, url: &str) -> String {
    let identity = aws_credential_types::Credentials::new("AKID", "wJalrXUtnFEMI", None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("ecs")
        .time(noon().now())
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let authorization = &asked.headers["authorization"];
    let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
    let signed: Vec<&str> = rest.split(',').next().unwrap().split(';').collect();
    let own = ["host", "x-amz-date", "x-amz-security-token"];
    let headers = signed.iter().filter(|name| !own.contains(name)).map(|name| (*name, asked.headers[*name].as_str()));
    let signable = SignableRequest::new("POST", format!("{url}/"), headers, SignableBody::Bytes(&asked.body)).unwrap();
    sign(signable, &params.into()).unwrap().into_parts().1
}

#[test]
fn keys_unknown_to_the_sdk_reach_aws_signed() {
    let answer = json!({"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/web:7"}});
    let server = Server::start(move |_, _| ok(&answer));
    let connection = server.connection();
    let sent = request(&json!({"family": "web", "containerDefinitions": [{"name": "web", "newKey": {"a": 1.50}}],
        "brandNew": [true, "ü"]}));
    let arn = Ecs::new(&connection, &keys("AKID"), &noon()).register_task_definition(&sent).unwrap();
    assert_eq!(arn, "arn:aws:ecs:eu-west-1:1:task-definition/web:7");
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].action().as_str()), (1, "RegisterTaskDefinition"));
    assert_eq!(asked[0].body, serde_json::to_vec(&sent).unwrap());
    assert_eq!(asked[0].headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(asked[0].headers["x-amz-date"], "20260102T030405Z");
    let signature = signature_of(&asked[0], &server.url);
    let authorization = &asked[0].headers["authorization"];
    assert!(authorization.contains("Credential=AKID/20260102/eu-west-1/ecs/aws4_request"), "{authorization}");
    assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization} is not {signature}");
}

#[test]
fn a_service_in_full() {
    let answer = json!({"service": {
        "serviceName": "web", "serviceArn": "arn:s", "status": "ACTIVE", "desiredCount": 3, "runningCount": 2,
        "pendingCount": 1, "taskDefinition": "arn:t", "schedulingStrategy": "DAEMON",
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
        "loadBalancers": [{"targetGroupArn": "arn:g", "containerName": "c", "containerPort": 80},
            {"loadBalancerName": "old", "containerName": "c", "containerPort": 81}],
        "events": [{"id": "e", "createdAt": 1_767_323_045.5, "message": "has started 1 tasks"}],
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": "arn:t", "desiredCount": 3,
            "runningCount": 2, "pendingCount": 1, "failedTasks": 4, "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": "in progress.", "createdAt": 1_767_323_000}]}});
    let server = Server::start(move |_, _| ok(&answer));
    let connection = server.connection();
    let service = Ecs::new(&connection, &keys("AKID"), &noon()).create_service(&Request::new()).unwrap();
    let at = |seconds: f64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
    let behind = |group: Option<&str>, name: Option<&str>, port| LoadBalancer {
        target_group_arn: group.map(ToOwned::to_owned),
        name: name.map(ToOwned::to_owned),
        container: "c".to_owned(),
        port,
    };
    let deployment = Deployment {
        id: "ecs-svc/1".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: "arn:t".to_owned(),
        desired: 3,
        running: 2,
        pending: 1,
        failed_tasks: 4,
        rollout_state: Some("IN_PROGRESS".to_owned()),
        rollout_reason: Some("in progress.".to_owned()),
        created_at: at(1_767_323_000.0),
    };
    let want = Service {
        name: "web".to_owned(),
        arn: "arn:s".to_owned(),
        status: "ACTIVE".to_owned(),
        desired: 3,
        running: 2,
        pending: 1,
        task_definition: "arn:t".to_owned(),
        scheduling: "DAEMON".to_owned(),
        has_breaker: true,
        rolls_back: true,
        deployments: vec![deployment],
        events: vec![Event { id: "e".to_owned(), at: at(1_767_323_045.5), message: "has started 1 tasks".to_owned() }],
        load_balancers: vec![behind(Some("arn:g"), None, 80), behind(None, Some("old"), 81)],
    };
    assert_eq!(service, want);
}

#[test]
fn services_come_by_tens_and_missing_ones_are_left_out() {
    let server = Server::start(|_, asked| {
        let names = asked.json()["services"].as_array().unwrap().clone();
        let (missing, there): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name == "n3");
        let missing: Vec<_> = missing.iter().map(|name| json!({"arn": name, "reason": "MISSING"})).collect();
        let there: Vec<_> = there.iter().map(|name| json!({"serviceName": name})).collect();
        ok(&json!({"services": there, "failures": missing}))
    });
    let connection = server.connection();
    let names: Vec<String> = (0..23).map(|number| format!("n{number}")).collect();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = Ecs::new(&connection, &keys("AKID"), &noon()).describe_services("c", &asked).unwrap();
    let found: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
    let want: Vec<&str> = asked.iter().copied().filter(|name| *name != "n3").collect();
    assert_eq!((found, server.asked().len()), (want, 3));
    assert_eq!(server.asked()[2].json()["cluster"], "c");
}

#[test]
fn any_other_reason_is_a_failure() {
    let server = Server::start(|_, _| ok(&json!({"failures": [{"arn": "arn:s", "reason": "BUSY", "detail": "d"}]})));
    let connection = server.connection();
    let failure = Ecs::new(&connection, &keys("AKID"), &noon()).describe_services("c", &["s"]).unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Network, "ECS cannot show arn:s: BUSY: d"));
}

#[test]
fn lists_are_read_to_the_end() {
    let server = Server::start(|number, asked| match asked.action().as_str() {
        "ListTasks" if number < 2 => ok(&json!({"taskArns": [format!("t{number}")], "nextToken": format!("{number}")})),
        "ListTasks" => ok(&json!({"taskArns": ["t2"]})),
        "ListTaskDefinitions" => ok(&json!({"taskDefinitionArns":
            ["arn:aws:ecs:r:1:task-definition/web:2", "arn:aws:ecs:r:1:task-definition/web-api:9"]})),
        _ => {
            let tasks = asked.json()["tasks"].as_array().unwrap().clone();
            let tasks: Vec<_> = tasks
                .iter()
                .map(|arn| {
                    json!({"taskArn": arn, "stopCode": "EssentialContainerExited",
                "containers": [{"name": "c", "exitCode": 137, "reason": "OutOfMemoryError"}]})
                })
                .collect();
            ok(&json!({"tasks": tasks, "failures": [{"arn": "x", "reason": "MISSING"}]}))
        }
    });
    let connection = server.connection();
    let ecs = Ecs::new(&connection, &keys("AKID"), &noon());
    assert_eq!(ecs.list_tasks("c", TasksOf::Service("s"), true).unwrap(), ["t0", "t1", "t2"]);
    let asked = server.asked()[2].json();
    assert_eq!(asked, json!({"cluster": "c", "desiredStatus": "STOPPED", "nextToken": "1", "serviceName": "s"}));
    assert_eq!(ecs.list_task_definitions("web").unwrap(), ["arn:aws:ecs:r:1:task-definition/web:2"]);
    let arns: Vec<String> = (0..201).map(|number| format!("t{number}")).collect();
    let (tasks, refused) = ecs.describe_tasks("c", &arns).unwrap();
    assert_eq!((tasks.len(), refused.len(), server.asked().len()), (201, 3, 7));
    let container =
        Container { name: "c".to_owned(), exit_code: Some(137), reason: Some("OutOfMemoryError".to_owned()) };
    assert_eq!(tasks[200].containers, [container]);
}

#[test]
fn a_task_definition_can_be_registered_again_with_all_its_keys() {
    let server = Server::start(|_, _| {
        ok(&json!({"taskDefinition": {"taskDefinitionArn": "a", "family": "web", "revision": 3, "status": "ACTIVE",
            "registeredAt": 1, "registeredBy": "me", "compatibilities": [], "requiresAttributes": [],
            "containerDefinitions": [{"name": "c", "brandNew": 1}]},
            "tags": [{"key": "aws:cloudformation:stack-name", "value": "s"}, {"key": "team", "value": "blue"}]}))
    });
    let connection = server.connection();
    let found = Ecs::new(&connection, &keys("AKID"), &noon()).describe_task_definition("web").unwrap();
    let want = json!({"family": "web", "containerDefinitions": [{"name": "c", "brandNew": 1}],
        "tags": [{"key": "team", "value": "blue"}]});
    assert_eq!(Value::Object(found), want);
}

#[test]
fn a_refusal_is_one_call() {
    let server = Server::start(|_, _| refusal(400, "ThrottlingException", "Rate exceeded"));
    let connection = server.connection();
    let failure = Ecs::new(&connection, &keys("AKID"), &noon()).update_service(&Request::new()).unwrap_err();
    assert_eq!((failure.kind, server.asked().len()), (Kind::Throttled, 1));
}
