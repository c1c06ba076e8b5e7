use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::aws::loopback::{Answer, Asked, Server, connection, keys, ok, refusal};

const START: u64 = 1_767_323_045;

fn clock() -> Clock {
    Clock::set(SystemTime::UNIX_EPOCH + Duration::from_secs(START))
}

fn with_keys() -> Box<Renew<'static>> {
    Box::new(|| Ok(keys("AKID")))
}

fn calls(connection: &Connection) -> Calls<'_> {
    Calls::new(connection, with_keys(), clock(), Interrupt::never())
}

fn passed(calls: &Calls) -> u64 {
    calls.clock().now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - START
}

fn request(value: Value) -> crate::aws::ecs::Request {
    let Value::Object(map) = value else { panic!("not an object") };
    map
}

fn service(task_definition: &str) -> Value {
    json!({"serviceName": "web", "status": "ACTIVE", "taskDefinition": task_definition})
}

fn throttled() -> Answer {
    refusal(400, "ThrottlingException", "Rate exceeded")
}

#[test]
fn several_threads_may_call() {
    fn shared<T: Sync>() {}
    shared::<Calls>();
    let server = Server::start(|_, _| ok(&json!({"services": [service("t")]})));
    let connection = server.connection();
    let calls = calls(&connection);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(calls.describe_services("c", &["web"]).unwrap().len(), 1));
        }
    });
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn what_passes_is_waited_for() {
    let answers: [fn() -> Answer; 9] = [
        || (429, String::new()),
        || (200, "no JSON".to_owned()),
        || (502, "<html>oops</html>".to_owned()),
        || (500, "<!DOCTYPE html><html><body>oops</body></html>".to_owned()),
        throttled,
        || refusal(500, "ServerException", "Service Unavailable"),
        || refusal(400, "ServerException", "Service Unavailable"),
        || refusal(400, "ClientException", "Too many concurrent attempts to create a new revision of the family."),
        || (0, String::new()),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let done = json!({"taskDefinition": {"taskDefinitionArn": "arn"}});
        let server = Server::start(move |at, _| if at < 3 { answer() } else { ok(&done) });
        let connection = server.connection();
        let calls = calls(&connection);
        let made = calls.register_task_definition(&request(json!({}))).unwrap();
        assert_eq!((made.as_str(), server.asked().len()), ("arn", 4), "{number}");
        assert!(passed(&calls) <= 4, "{number}");
    }
}

#[test]
fn the_budget_is_shared_and_ends() {
    let server = Server::start(|_, _| throttled());
    let connection = server.connection();
    let calls = calls(&connection);
    let failure = calls.describe_services("c", &["web"]).unwrap_err();
    assert_eq!(failure.kind, Kind::Throttled);
    let asked = server.asked().len();
    assert!((30..=61).contains(&asked) && passed(&calls) <= 300, "{asked} {}", passed(&calls));
    calls.describe_services("c", &["web"]).unwrap_err();
    assert!(server.asked().len() <= 62, "{}", server.asked().len());
}

#[test]
fn the_time_of_a_thread_bounds_its_tries() {
    let server = Server::start(|_, _| throttled());
    let connection = server.connection();
    let calls = calls(&connection);
    calls.limit_to(calls.clock().now() + Duration::from_secs(30));
    calls.describe_services("c", &["web"]).unwrap_err();
    assert_eq!(passed(&calls), 30);
    // What is late has a few tries at least.
    let before = server.asked().len();
    calls.describe_services("c", &["web"]).unwrap_err();
    assert!(passed(&calls) == 33 && server.asked().len() > before + 1, "{}", passed(&calls));
    // Others have their own time, and a shorter one is over when it is over.
    std::thread::scope(|scope| scope.spawn(|| assert_eq!(calls.end(), None)).join().unwrap());
    let end = calls.clock().now() + Duration::from_mins(1);
    calls.limit_to(end);
    let during = calls.within(end - Duration::from_secs(20), || calls.end());
    assert_eq!((during, calls.end()), (Some(end - Duration::from_secs(20)), Some(end)));
}

#[test]
fn tries_are_kept_for_going_back() {
    let server = Server::start(|_, _| throttled());
    let connection = server.connection();
    let calls = calls(&connection);
    let more = || {
        let before = server.asked().len();
        calls.describe_services("c", &["web"]).unwrap_err();
        server.asked().len() - before
    };
    // A few short waits may still be left.
    assert!(more() > 30 && more() < 8 && more() < 8);
    let end = calls.clock().now() + Duration::from_mins(10);
    calls.go_back_until(end);
    assert!((10..=22).contains(&more()));
    // Once.
    calls.go_back_until(end);
    assert!(more() < 8 && more() < 8);
}

#[test]
fn nothing_is_tried_again_when_the_turn_is_lost() {
    let stop = crate::support::stop::Stop::default();
    let asked = stop.clone();
    let server = Server::start(move |at, _| {
        if at == 1 {
            asked.ask("the turn is lost");
        }
        throttled()
    });
    let connection = server.connection();
    let calls = calls(&connection);
    calls.heed(&stop);
    calls.update_service(&request(json!({}))).unwrap_err();
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn what_a_proxy_refuses_is_told_at_once() {
    for (status, body, told) in [
        (403, "<html>no</html>", "an HTML page instead of an answer (HTTP status 403)"),
        (302, "", "a redirect instead of an answer (HTTP status 302)"),
        (403, "Forbidden", "something else instead of an answer (HTTP status 403)"),
        (403, "", "something else instead of an answer (HTTP status 403)"),
        (404, "", "something else instead of an answer (HTTP status 404)"),
    ] {
        let server = Server::start(move |_, _| (status, body.to_owned()));
        let connection = server.connection();
        let calls = calls(&connection);
        let failure = calls.describe_services("c", &["web"]).unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (Kind::Network, 1), "{status} {body}: {failure}");
        let error = calls.error("look", &failure).to_string();
        assert!(error.contains(told) && error.contains("a proxy or a portal"), "{error}");
    }
}

#[test]
fn what_does_not_pass_is_told_at_once() {
    for (status, code) in [
        (400, "ClientException"),
        (400, "AccessDeniedException"),
        (400, "InvalidParameterException"),
        (400, "LimitExceededException"),
    ] {
        let server = Server::start(move |_, _| refusal(status, code, "no"));
        let connection = server.connection();
        let failure = calls(&connection).update_service(&request(json!({}))).unwrap_err();
        assert_eq!((failure.code.as_deref(), server.asked().len()), (Some(code), 1));
    }
}

#[test]
fn polls_and_extras_are_not_patient() {
    let server = Server::start(|_, _| throttled());
    let connection = server.connection();
    let calls = calls(&connection);
    calls.describe_once("c", &["web"]).unwrap_err();
    assert_eq!((server.asked().len(), passed(&calls)), (1, 0));
    calls.describe_tasks("c", &["t".to_owned()]).unwrap_err();
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_network_that_is_not_there_is_told_early() {
    let connection = connection("http://127.0.0.1:1");
    let calls = calls(&connection);
    assert_eq!(calls.describe_services("c", &["web"]).unwrap_err().kind, Kind::Network);
    assert!(passed(&calls) < 20);
}

#[test]
fn an_interrupt_ends_the_tries() {
    let interrupt = Interrupt::never();
    let raised = interrupt.clone();
    let server = Server::start(move |_, _| {
        raised.raise(15);
        throttled()
    });
    let connection = server.connection();
    let calls = Calls::new(&connection, with_keys(), clock(), interrupt);
    calls.describe_services("c", &["web"]).unwrap_err();
    assert_eq!(server.asked().len(), 1);
}

/// Who signed a request.
fn key_of(asked: &Asked) -> String {
    let (_, rest) = asked.headers["authorization"].split_once("Credential=").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

#[test]
fn credentials_are_renewed_before_they_end() {
    let server = Server::start(|_, _| ok(&json!({"services": []})));
    let connection = server.connection();
    let (clock, given) = (clock(), AtomicUsize::new(0));
    let renew = || {
        let number = given.fetch_add(1, Ordering::SeqCst);
        let expires = Some(clock.now() + Duration::from_mins(15));
        if number == 2 {
            Err(Error::failed("no more"))
        } else {
            Ok(Credentials { expires, ..keys(&format!("K{number}")) })
        }
    };
    let calls = Calls::new(&connection, Box::new(renew), clock.clone(), Interrupt::never());
    for _ in 0..12 {
        calls.describe_services("c", &["web"]).unwrap();
        calls.wait(Duration::from_mins(2));
    }
    let keys: Vec<String> = server.asked().iter().map(key_of).collect();
    // At 10 min the second; the third is refused at 20 min, when the second has 5 left, and given at the next call.
    assert_eq!(keys, ["K0", "K0", "K0", "K0", "K0", "K1", "K1", "K1", "K1", "K1", "K1", "K3"]);
}

#[test]
fn credentials_that_are_refused_are_renewed_once() {
    let server = Server::start(|at, _| match at {
        0 | 2 => ok(&json!({"services": []})),
        1 => refusal(400, "ExpiredTokenException", "The security token included in the request is expired"),
        _ => refusal(400, "UnrecognizedClientException", "The security token included in the request is invalid."),
    });
    let connection = server.connection();
    let given = AtomicUsize::new(0);
    let renew = || Ok(keys(&format!("K{}", given.fetch_add(1, Ordering::SeqCst))));
    let calls = Calls::new(&connection, Box::new(renew), clock(), Interrupt::never());
    calls.describe_services("c", &["web"]).unwrap();
    calls.describe_services("c", &["web"]).unwrap();
    let failure = calls.describe_services("c", &["web"]).unwrap_err();
    assert_eq!(failure.kind, Kind::Expired);
    let keys: Vec<String> = server.asked().iter().map(key_of).collect();
    assert_eq!(keys, ["K0", "K0", "K1", "K1", "K2"]);
}

#[test]
fn who_gives_no_credentials_is_told_in_its_own_words() {
    let connection = connection("http://127.0.0.1:1");
    let renew = || Err(Error::new(Kind::NoCredentials, "aws_prod: no keys; add them"));
    let calls = Calls::new(&connection, Box::new(renew), clock(), Interrupt::never());
    let failure = calls.describe_services("c", &["web"]).unwrap_err();
    let error = calls.error("look at the service web", &failure);
    assert_eq!(error.kind(), Kind::NoCredentials);
    assert_eq!(error.to_string(), "cannot look at the service web: aws_prod: no keys; add them");
}

#[test]
fn a_service_whose_creation_was_not_heard_of_is_taken_as_created() {
    for (found, is_ours) in [("arn:aws:ecs:r:1:task-definition/web:7", true), ("arn:x:task-definition/web:6", false)] {
        let server = Server::start(move |at, asked| match (asked.action().as_str(), at) {
            ("CreateService", 0) => (0, String::new()),
            ("CreateService", _) => {
                refusal(400, "InvalidParameterException", "Creation of service was not idempotent.")
            }
            _ => ok(&json!({"services": [service(found)]})),
        });
        let connection = server.connection();
        let calls = calls(&connection);
        let asked = request(json!({"cluster": "c", "serviceName": "web", "taskDefinition": "web:7"}));
        let made = calls.create_service(&asked, calls.clock().now());
        assert_eq!(made.is_ok(), is_ours, "{found}: {made:?}");
        assert_eq!(server.actions(), ["CreateService", "CreateService", "DescribeServices"]);
    }
}

#[test]
fn the_first_answer_means_what_it_says() {
    let server =
        Server::start(|_, _| refusal(400, "InvalidParameterException", "Creation of service was not idempotent."));
    let connection = server.connection();
    let calls = calls(&connection);
    calls.create_service(&request(json!({"serviceName": "web"})), calls.clock().now()).unwrap_err();
    assert_eq!(server.actions(), ["CreateService"]);
}

#[test]
fn a_service_that_drains_is_waited_for_until_then() {
    let draining = || refusal(400, "InvalidParameterException", "Unable to Start a service that is still Draining.");
    let server = Server::start(move |at, _| if at < 5 { draining() } else { ok(&json!({"service": service("t")})) });
    let connection = server.connection();
    let calls = calls(&connection);
    let asked = request(json!({"serviceName": "web"}));
    calls.create_service(&asked, calls.clock().now() + Duration::from_secs(20)).unwrap_err();
    assert_eq!((passed(&calls), server.asked().len()), (15, 5));
    calls.create_service(&asked, calls.clock().now()).unwrap();
}

#[test]
fn what_a_lost_answer_did_is_not_refused() {
    let server = Server::start(|at, _| match at {
        0 => (0, String::new()),
        _ => refusal(400, "ServiceNotFoundException", "Service not found."),
    });
    let connection = server.connection();
    let calls = calls(&connection);
    calls.delete_service("c", "web", true).unwrap();
    let failure = calls.delete_service("c", "web", true).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("ServiceNotFoundException"));
}

#[test]
fn a_denied_extra_is_one_line_and_one_call() {
    let server =
        Server::start(|_, _| refusal(400, "AccessDeniedException", "not authorized to perform: ecs:ListTasks"));
    let connection = server.connection();
    let calls = calls(&connection);
    let ask = || {
        let of = crate::aws::ecs::TasksOf::Service("web");
        calls.extra("ecs:ListTasks", || calls.list_tasks("c", of, true))
    };
    assert_eq!((ask(), ask()), (None, None));
    let want = "cannot say why tasks stopped: ecs:ListTasks is not allowed; add it to the policy (shipctl iam policy \
                --for deploy,extras)";
    assert_eq!(calls.take_notes(), [want]);
    assert!(calls.take_notes().is_empty());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn the_cure_goes_by_the_refusal() {
    let connection = connection("http://127.0.0.1:1");
    let calls = calls(&connection);
    for (kind, code, message, cure) in [
        (Kind::Configuration, Some("ClusterNotFoundException"), "Cluster not found.", "correct the name, the region"),
        (Kind::Failed, Some("ClientException"), "no", "correct what the yml asks for"),
        (Kind::Throttled, Some("ThrottlingException"), "Rate exceeded", "try again later"),
        (Kind::Denied, None, "HTTP status 403 without a message", "check the endpoint, and whether a proxy"),
        (Kind::Denied, None, "not authorized to perform: ecs:UpdateService on", "add ecs:UpdateService to"),
    ] {
        let code = code.map(ToOwned::to_owned);
        let failure = Failure { code, ..Failure::plain(kind, message) };
        let error = calls.error("change web", &failure);
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with("cannot change web: "), "{error}");
        assert!(error.to_string().contains(&format!("; {cure}")), "{error}");
    }
}

#[test]
fn targets_and_policies_that_are_gone_are_as_good() {
    let server = Server::start(|_, _| refusal(400, "ObjectNotFoundException", "No scalable target found"));
    let connection = server.connection();
    let calls = calls(&connection);
    calls.deregister_scalable_target("service/c/web").unwrap();
    calls.delete_scaling_policy("up", "service/c/web").unwrap();
    let asked = server.asked();
    let want = json!({"PolicyName": "up", "ServiceNamespace": "ecs", "ResourceId": "service/c/web",
        "ScalableDimension": "ecs:service:DesiredCount"});
    assert_eq!((asked[1].action().as_str(), asked[1].json()), ("DeleteScalingPolicy", want));
    calls.put_scaling_policy(&request(json!({"brandNew": 1}))).unwrap_err();
    assert_eq!(server.asked()[2].json(), json!({"brandNew": 1}));
}

#[test]
fn log_lines_and_target_health_are_signed_calls() {
    let server = Server::start(|at, _| match at {
        0 => ok(&json!({"events": [{"timestamp": 1_767_323_045_000_u64, "message": "panic\n"}]})),
        1 => refusal(400, "ResourceNotFoundException", "The specified log stream does not exist."),
        2 => (200, "<R><TargetHealthDescriptions/></R>".to_owned()),
        _ => (
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized \
            to perform: elasticloadbalancing:DescribeInstanceHealth</Message></Error></ErrorResponse>"
                .to_owned(),
        ),
    });
    let connection = server.connection();
    let calls = calls(&connection);
    let lines = calls.get_log_events("/ecs/web", "web/web/1", 10).unwrap();
    assert_eq!((lines[0].text.as_str(), lines[0].at), ("panic", Some(clock().now())));
    let failure = calls.get_log_events("/ecs/web", "gone", 10).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("ResourceNotFoundException"));
    assert_eq!(calls.describe_target_health("arn:aws:g/1").unwrap(), []);
    assert_eq!(calls.describe_instance_health("old lb").unwrap_err().kind, Kind::Denied);
    let asked = server.asked();
    assert_eq!(asked[0].headers["x-amz-date"], "20260102T030405Z");
    assert!(asked[0].headers["authorization"].contains("/eu-west-1/logs/aws4_request"));
    assert!(asked[2].headers["authorization"].contains("/eu-west-1/elasticloadbalancing/aws4_request"));
    let body = String::from_utf8_lossy(&asked[2].body).into_owned();
    assert_eq!(body, "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=arn%3Aaws%3Ag%2F1");
}
