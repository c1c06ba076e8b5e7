//! Protocols, faults, permissions, one-off tasks.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::super::{Behaviour, Ecs, Fault, KEY, Scenario, When};
use super::{Caller, definition};

#[test]
fn an_autoscaler_raises_what_has_a_target() {
    let server = Ecs::start(Scenario::new().with_service("web", "nginx", 1).autoscaler("web", 2, 30));
    let mut caller = Caller::new(&server);
    let scaling = |more: Value| {
        let mut request = json!({"ServiceNamespace": "ecs", "ResourceId": "service/prod/web"});
        request["ScalableDimension"] = "ecs:service:DesiredCount".into();
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let api = |action: &str| format!("AnyScaleFrontendService.{action}");
    let none = caller.refused(&api("DeregisterScalableTarget"), scaling(json!({})));
    let words =
        "ObjectNotFoundException: No scalable target found for service namespace: ecs, resource ID: service/prod/web";
    assert!(none.starts_with(words), "{none}");
    let policy = scaling(json!({"PolicyName": "up", "PolicyType": "StepScaling"}));
    assert!(caller.refused(&api("PutScalingPolicy"), policy.clone()).starts_with("ObjectNotFoundException"));
    assert!(caller.refused(&api("RegisterScalableTarget"), scaling(json!({}))).starts_with("ValidationException"));
    let without = json!({"ServiceNamespace": "ecs"});
    assert!(caller.refused(&api("RegisterScalableTarget"), without).contains("Value null at 'resourceId'"));
    caller.does(&api("RegisterScalableTarget"), scaling(json!({"MinCapacity": 1, "MaxCapacity": 4})));
    let arn = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:00000000-0000-4000-8000-000000000001:resource/\
               ecs/service/prod/web:policyName/up";
    assert_eq!(caller.does(&api("PutScalingPolicy"), policy.clone())["PolicyARN"], arn);
    assert_eq!(caller.does(&api("PutScalingPolicy"), policy.clone())["PolicyARN"], arn);
    let targets = caller.does(&api("DescribeScalableTargets"), json!({"ServiceNamespace": "ecs"}));
    assert_eq!(targets["ScalableTargets"].as_array().unwrap().len(), 1);
    let role = targets["ScalableTargets"][0]["RoleARN"].as_str().unwrap();
    assert!(role.ends_with("/AWSServiceRoleForApplicationAutoScaling_ECSService"), "{role}");
    // An alarm, as the client of CloudWatch sends it, and as older ones do.
    let alarm =
        json!({"AlarmName": "high", "ComparisonOperator": "x", "EvaluationPeriods": "2", "AlarmActions": [arn]});
    let mut bytes = Vec::new();
    ciborium::into_writer(&alarm, &mut bytes).unwrap();
    let path = "/service/GraniteServiceVersion20100801/operation/";
    let headers = "smithy-protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n";
    let answer = caller.post("monitoring", &format!("{path}PutMetricAlarm"), headers, &bytes).unwrap();
    assert_eq!((answer.0, answer.2), (200, vec![0xa0]));
    assert_eq!(server.calls_of("PutMetricAlarm")[0].request, alarm);
    let form = "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=low&ComparisonOperator=x&EvaluationPeriods=1&\
                AlarmActions.member.1=a%20b&Dimensions.member.1.Name=n";
    assert_eq!(caller.form("monitoring", form).0, 200);
    let got = server.calls_of("PutMetricAlarm")[1].request.clone();
    assert_eq!((&got["AlarmActions"], &got["Dimensions"]), (&json!(["a b"]), &json!([{"Name": "n"}])));
    caller.now += 40;
    assert_eq!(caller.describe("web")["desiredCount"], 2);
    let world = "service prod/web ACTIVE 2+0/2 web:1\ntask definition web:1\ntarget service/prod/web 1-4\n\
                 policy up of service/prod/web\nalarm high\nalarm low\n";
    assert_eq!(server.world(), world);
    caller.does(&api("DeleteScalingPolicy"), policy);
    caller.does(&api("DeregisterScalableTarget"), scaling(json!({})));
    caller.does("GraniteServiceVersion20100801.DeleteAlarms", json!({"AlarmNames": ["high", "low"]}));
    bytes.clear();
    ciborium::into_writer(&json!({"AlarmNames": ["none"]}), &mut bytes).unwrap();
    let answer = caller.post("monitoring", &format!("{path}DeleteAlarms"), headers, &bytes).unwrap();
    assert!(answer.0 == 404 && answer.2.windows(16).any(|part| part == b"ResourceNotFound"), "{answer:?}");
    caller.does("UpdateService", json!({"service": "web", "desiredCount": 1}));
    caller.now += 60;
    assert_eq!(caller.describe("web")["desiredCount"], 1);
}

#[test]
fn one_off_tasks_run_and_stop() {
    let scenario = Scenario::new().behaviour("job", Behaviour::Crashes { exit: 3, after: 5 });
    let scenario = scenario.behaviour("big", Behaviour::NoCapacity).logs("/ecs/job:app/*", &["one", "two", "three"]);
    let server = Ecs::start(scenario.behaviour("many", Behaviour::Healthy { start: 1 }));
    let mut caller = Caller::new(&server);
    for name in ["job", "big", "many"] {
        caller.register(name, "busybox");
    }
    let ran = caller.does("RunTask", json!({"taskDefinition": "job", "startedBy": "me", "overrides": {"x": 1}}));
    let task = ran["tasks"][0]["taskArn"].clone();
    let status = |caller: &mut Caller| {
        let seen = caller.does("DescribeTasks", json!({"tasks": [task, "none"]}));
        assert_eq!(seen["failures"][0]["reason"], "MISSING");
        caller.now += 1;
        (seen["tasks"][0]["lastStatus"].as_str().unwrap().to_owned(), seen["tasks"][0].clone())
    };
    let seen: Vec<_> = (0..8).map(|_| status(&mut caller).0).collect();
    assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[7].as_str()), ("PROVISIONING", "RUNNING", "STOPPED"));
    let last = status(&mut caller).1;
    assert_eq!((&last["containers"][0]["exitCode"], &last["group"]), (&json!(3), &json!("family:job")));
    let big = caller.does("RunTask", json!({"taskDefinition": "big"}));
    assert_eq!((&big["failures"][0]["reason"], &big["tasks"]), (&json!("RESOURCE:MEMORY"), &json!([])));
    caller.does("RunTask", json!({"taskDefinition": "many", "count": 120}));
    caller.now += 5;
    let first = caller.does("ListTasks", json!({"family": "many"}));
    let rest = caller.does("ListTasks", json!({"family": "many", "nextToken": first["nextToken"]}));
    let count = |answer: &Value| answer["taskArns"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&rest), &rest["nextToken"]), (100, 20, &Value::Null));
    caller.does("StopTask", json!({"task": first["taskArns"][0], "reason": "enough"}));
    caller.now += 5;
    let stopped = caller.does("DescribeTasks", json!({"tasks": [first["taskArns"][0]]}));
    assert_eq!(
        (&stopped["tasks"][0]["stopCode"], &stopped["tasks"][0]["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    let stream = json!({"logGroupName": "/ecs/job", "logStreamName": "app/job/1", "limit": 2});
    let lines = caller.does("Logs_20140328.GetLogEvents", stream);
    assert_eq!((&lines["events"][0]["message"], &lines["events"][1]["message"]), (&json!("two"), &json!("three")));
    let none = json!({"logGroupName": "x", "logStreamName": "y"});
    assert!(caller.refused("Logs_20140328.GetLogEvents", none).contains("log stream does not exist"));
    caller.does("TagResource", json!({"resourceArn": "x", "tags": []}));
    let listed = caller.does("ListTaskDefinitions", json!({"familyPrefix": "job", "maxResults": 1, "sort": "DESC"}));
    assert_eq!(listed["taskDefinitionArns"].as_array().unwrap().len(), 1);
    caller.does("DescribeTaskDefinition", json!({"taskDefinition": "job"}));
}

#[test]
fn faults_come_when_they_are_due() {
    let scenario = Scenario::new().cluster("other").with_service("web", "nginx", 1);
    let scenario = scenario.fault("ListTasks", When::Between(10, 20), Fault::Throttle);
    let scenario = scenario.fault("RegisterTaskDefinition", When::First(2), Fault::TooManyConcurrent);
    let scenario = scenario.fault("UpdateService", When::Nth(1), Fault::Html500);
    let scenario =
        scenario.fault("UpdateService", When::Nth(2), Fault::Http503).fault("*", When::Always, Fault::Slow(1));
    let scenario = scenario.fault("ecs:DescribeTasks", When::From(1), Fault::AccessDenied);
    let scenario = scenario.fault("StopTask", When::Always, Fault::Error("ServerException", "Service Unavailable."));
    let server = Ecs::start(scenario.fault("*", When::Between(100, 200), Fault::ExpiredToken(KEY.to_owned())));
    let mut caller = Caller::new(&server);
    caller.does("ListTasks", json!({}));
    caller.now += 10;
    assert_eq!(caller.refused("ListTasks", json!({})), "ThrottlingException: Rate exceeded");
    caller.now += 10;
    caller.does("ListTasks", json!({}));
    for _ in 0..2 {
        let said = caller.refused("RegisterTaskDefinition", definition("x", "y"));
        assert!(said.starts_with("ClientException: Too many concurrent attempts to create a new revision"), "{said}");
    }
    caller.register("x", "y");
    let update = json!({"cluster": "prod", "service": "web", "desiredCount": 2});
    assert_eq!(caller.json("UpdateService", update.clone()).unwrap().0, 500);
    assert_eq!(caller.json("UpdateService", update.clone()).unwrap().0, 503);
    assert_eq!(server.service("web").unwrap().desired, 1);
    assert_eq!(caller.json("UpdateService", update).unwrap().0, 200);
    let said = caller.refused("DescribeTasks", json!({"tasks": ["x"]}));
    let denied = "AccessDeniedException: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: \
                  ecs:DescribeTasks on resource: * because no identity-based policy allows the ecs:DescribeTasks action";
    assert_eq!(said, denied);
    assert_eq!(caller.refused("StopTask", json!({})), "ServerException: Service Unavailable.");
    caller.now += 100;
    assert!(server.calls().iter().all(|call| call.service == "ecs"));
    let said = caller.refused("ListTasks", json!({}));
    assert_eq!(said, "ExpiredTokenException: The security token included in the request is expired");
    caller.key = "AKIAOTHER";
    caller.does("ListTasks", json!({}));
    assert_eq!(server.calls().last().unwrap().access_key, "AKIAOTHER");
    insta::assert_snapshot!(server.transcript(), @r"
    ListTasks
    ListTasks -> ThrottlingException
    ListTasks
    RegisterTaskDefinition x -> ClientException ×2
    RegisterTaskDefinition x
    UpdateService web count=2 -> HTTP 500
    UpdateService web count=2 -> HTTP 503
    UpdateService web count=2
    DescribeTasks -> AccessDeniedException
    StopTask -> ServerException
    ListTasks -> ExpiredTokenException
    ListTasks
    ");
    server.forget_calls();
    assert_eq!(server.actions(), Vec::<String>::new());
}

#[test]
fn connections_are_cut_before_and_after() {
    let scenario = Scenario::new().with_service("web", "nginx", 1);
    let scenario = scenario.fault("UpdateService", When::Nth(1), Fault::DropBefore);
    let server = Ecs::start(scenario.fault("UpdateService", When::Nth(2), Fault::DropAfter));
    let update = json!({"cluster": "prod", "service": "web", "desiredCount": 2});
    assert_eq!(Caller::new(&server).json("UpdateService", update.clone()), None);
    assert_eq!(server.service("web").unwrap().desired, 1);
    assert_eq!(Caller::new(&server).json("UpdateService", update), None);
    assert_eq!(server.service("web").unwrap().desired, 2);
    server.pass(20);
    assert_eq!(server.service("web").unwrap().running, 2);
    let errors: Vec<_> = server.calls().into_iter().filter_map(|call| call.error).collect();
    assert_eq!(errors, ["closed before", "closed after"]);
}

#[test]
fn only_what_is_allowed_may_be_done() {
    let scenario = Scenario::new().role("path/ecsServiceRole", "ecs.amazonaws.com").role("other", "ec2.amazonaws.com");
    let scenario = scenario.roles_per_page(1).allow_only(&["ecs:RegisterTaskDefinition", "ListRoles", "sts:*"]);
    let server = Ecs::start(scenario.sessions_last(60));
    let mut caller = Caller::new(&server);
    caller.register("web", "nginx");
    let said = caller.refused("CreateService", json!({}));
    assert!(said.contains("not authorized to perform: ecs:CreateService on resource: *"), "{said}");
    let mut tagged = definition("web", "nginx");
    tagged["tags"] = json!([{"key": "a", "value": "b"}]);
    let said = caller.refused("RegisterTaskDefinition", tagged);
    assert!(said.contains("perform: ecs:TagResource"), "{said}");
    let mut passing = definition("web", "nginx");
    passing["taskRoleArn"] = "task".into();
    let said = caller.refused("RegisterTaskDefinition", passing);
    assert!(said.contains("perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/task"), "{said}");
    let (status, page) = caller.form("iam", "Action=ListRoles&Version=2010-05-08");
    assert!(
        status == 200 && page.contains("<Marker>1</Marker>") && page.contains("role/path/ecsServiceRole"),
        "{page}"
    );
    assert!(page.contains("ecs%2Eamazonaws%2Ecom"), "{page}");
    let (_, page) = caller.form("iam", "Action=ListRoles&Marker=1&MaxItems=5");
    assert!(page.contains("<IsTruncated>false</IsTruncated>") && page.contains("<RoleName>other</RoleName>"), "{page}");
    let (status, page) = caller.form("iam", "Action=ListUsers");
    assert!(status == 403 && page.contains("<Code>AccessDenied</Code>"), "{page}");
    assert!(caller.form("sts", "Action=GetCallerIdentity").1.contains("<Account>123456789012</Account>"));
    let (_, page) = caller.form("sts", "Action=AssumeRole&RoleArn=arn:aws:iam::1:role/r&RoleSessionName=s");
    assert!(page.contains("<Expiration>2026-01-02T03:05:05Z</Expiration>"), "{page}");
    caller.key = "ASIA0000SESSION1";
    caller.register("web", "nginx");
    caller.now += 60;
    let said = caller.refused("RegisterTaskDefinition", definition("web", "nginx"));
    assert!(said.starts_with("ExpiredTokenException"), "{said}");
}

/// boto3, which knows what AWS answers, reads each of ours.
const BOTO: &str = r#"
import os, sys, boto3, urllib.request
from botocore.exceptions import ClientError
of = lambda service: boto3.client(service, region_name="us-east-1")
ecs = of("ecs")
app = dict(name="app", image="nginx", memory=64, portMappings=[dict(containerPort=80)])
made = ecs.register_task_definition(family="web", containerDefinitions=[app])["taskDefinition"]
print(made["taskDefinitionArn"], made["status"])
ecs.create_service(cluster="prod", serviceName="web", taskDefinition="web", desiredCount=1, role="ecsServiceRole",
    loadBalancers=[dict(loadBalancerName="lb", containerName="app", containerPort=80)])
seen = ecs.describe_services(cluster="prod", services=["web"])["services"][0]
print(seen["deployments"][0]["createdAt"].year > 2000, seen["status"])
scaled = dict(ServiceNamespace="ecs", ResourceId="service/prod/web", ScalableDimension="ecs:service:DesiredCount")
scaling = of("application-autoscaling")
scaling.register_scalable_target(MinCapacity=1, MaxCapacity=2, **scaled)
arn = scaling.put_scaling_policy(PolicyName="up", PolicyType="StepScaling", **scaled)["PolicyARN"]
of("cloudwatch").put_metric_alarm(AlarmName="high", AlarmActions=[arn], ComparisonOperator="GreaterThanThreshold",
    EvaluationPeriods=1, MetricName="m", Namespace="n", Period=60, Statistic="Average", Threshold=70.5)
roles = [role for page in of("iam").get_paginator("list_roles").paginate() for role in page["Roles"]]
print([role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] for role in roles])
print(of("elb").describe_instance_health(LoadBalancerName="lb")["InstanceStates"])
try:
    of("elbv2").describe_target_health(TargetGroupArn="none")
except of("elbv2").exceptions.TargetGroupNotFoundException as error:
    print(error.response["Error"]["Code"])
try:
    of("elb").describe_instance_health(LoadBalancerName="none")
except of("elb").exceptions.AccessPointNotFoundException as error:
    print(error.response["Error"]["Code"])
try:
    of("cloudwatch").delete_alarms(AlarmNames=["none"])
except ClientError as error:
    print(error.response["Error"]["Code"])
try:
    ecs.update_service(cluster="prod", service="none")
except ecs.exceptions.ServiceNotFoundException as error:
    print(error)
print(of("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/deploy", RoleSessionName="ship")["Credentials"]["AccessKeyId"])
print(of("sts").get_caller_identity()["Account"])
print([event["message"] for event in of("logs").get_log_events(logGroupName="g", logStreamName="s")["events"]])
sys.stdout.flush()
ecs.delete_service(cluster="prod", service="web", force=True)
print("never")
"#;

#[test]
fn boto3_understands_it_and_signals_reach_it() {
    let scenario = Scenario::new().role("a", "ec2.amazonaws.com").role("ecsServiceRole", "ecs.amazonaws.com");
    let scenario = scenario.roles_per_page(1).logs("g:s", &["line"]).without_rollout_state();
    let server = Ecs::start(scenario.fault("DeleteService", When::Nth(1), Fault::SignalAfter(Signal::KILL)));
    let sandbox = server.sandbox();
    let mut command = sandbox.command(crate::harness::tool("python"));
    let ran = crate::harness::Ran::of(command.args(["-c", BOTO]).output().unwrap());
    let want = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1 ACTIVE\nTrue ACTIVE\n\
                [{'Service': 'ec2.amazonaws.com'}, {'Service': 'ecs.amazonaws.com'}]\n[]\nTargetGroupNotFound\nLoadBalancerNotFound\nResourceNotFound\n\
                An error occurred (ServiceNotFoundException) when calling the UpdateService operation: Service not found.\n\
                ASIA0000SESSION1\n123456789012\n['line']\n";
    assert_eq!((ran.status, ran.out()), (128 + 9, want.to_owned()), "{}", ran.err());
    assert_eq!(server.service("web").unwrap().status, "DRAINING");
    assert_eq!(server.calls_of("PutMetricAlarm")[0].request["Threshold"].to_string(), "70.5");

    let server = Ecs::start(Scenario::new().fault("ListTasks", When::Always, Fault::SignalBefore(Signal::KILL)));
    let sandbox = server.sandbox();
    let mut command = sandbox.command(crate::harness::tool("python"));
    let list = "import boto3; boto3.client('ecs', region_name='us-east-1').list_tasks(cluster='prod')";
    assert_eq!(crate::harness::Ran::of(command.args(["-c", list]).output().unwrap()).status, 128 + 9);
    assert_eq!(server.calls()[0].error.as_deref(), Some("closed before"));
    assert!(server.actions() == ["ListTasks"] && server.calls()[0].at == 0);

    // A signal that the client lives through: the call goes on.
    let server = Ecs::start(Scenario::new().fault("ListTasks", When::Always, Fault::SignalAfter(Signal::TERM)));
    let sandbox = server.sandbox();
    let mut command = sandbox.command(crate::harness::tool("python"));
    let list = "import boto3, signal; signal.signal(signal.SIGTERM, lambda *_: print('told'))\n\
                print(boto3.client('ecs', region_name='us-east-1').list_tasks(cluster='prod')['taskArns'])";
    crate::harness::Ran::of(command.args(["-c", list]).output().unwrap()).prints("told\n[]\n");
}
