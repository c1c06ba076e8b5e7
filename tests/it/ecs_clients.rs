//! The clients of a deployment against moto, which knows the wire formats of all these services.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use shipctl::aws::ecs::TasksOf;
use shipctl::aws::{Connection, Settings};
use shipctl::credentials::Credentials;
use shipctl::ctx::Env;
use shipctl::ecs::calls::Calls;
use shipctl::support::clock::Clock;
use shipctl::support::interrupt::Interrupt;

use crate::moto::Moto;

const RESOURCE: &str = "service/c/web";

/// A cluster, and what lies around it.
static MOTO: LazyLock<Moto> = LazyLock::new(|| {
    Moto::start(
        r#"
client("ecs").create_cluster(clusterName="c")
iam = client("iam")
for number in range(3):
    iam.create_role(RoleName=f"r{number}", Path="/p/", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
logs = client("logs")
logs.create_log_group(logGroupName="/ecs/web")
logs.create_log_stream(logGroupName="/ecs/web", logStreamName="web/1")
import time
now = int(time.time() * 1000)
logs.put_log_events(logGroupName="/ecs/web", logStreamName="web/1",
    logEvents=[{"timestamp": now + n, "message": f"line {n}"} for n in range(5)])
ec2 = client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
balancers = client("elbv2")
group = balancers.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
made["group"] = group["TargetGroups"][0]["TargetGroupArn"]
balancers.register_targets(TargetGroupArn=made["group"], Targets=[{"Id": "10.0.0.7", "Port": 8080}])
client("elb").create_load_balancer(LoadBalancerName="old", AvailabilityZones=["us-east-1a"],
    Listeners=[{"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}])
image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
client("elb").register_instances_with_load_balancer(LoadBalancerName="old", Instances=[{"InstanceId": instance}])
made["instance"] = instance
"#,
    )
});

fn connection() -> Connection {
    let settings = Settings { region: Some("us-east-1".to_owned()), without_profiles: true, ..Settings::default() };
    Connection::open(&Env::Fixed(BTreeMap::new()), settings).unwrap().with_endpoint(&MOTO.url)
}

fn calls(connection: &Connection) -> Calls<'_> {
    let keys = || {
        Ok(Credentials {
            access_key_id: "AKID".to_owned(),
            secret_access_key: "secret".into(),
            session_token: None,
            expires: None,
            region: Some("us-east-1".to_owned()),
            account: None,
            role: None,
        })
    };
    Calls::new(connection, Box::new(keys), Clock::set(SystemTime::now()), Interrupt::never())
}

fn request(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn services_from_the_first_call_to_the_last() {
    let connection = connection();
    let calls = calls(&connection);
    let family = json!({"family": "web", "networkMode": "bridge",
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "memory": 400, "cpu": 0}]});
    let first = calls.register_task_definition(&request(family.clone())).unwrap();
    let second = calls.register_task_definition(&request(family)).unwrap();
    assert!(first.ends_with("task-definition/web:1") && second.ends_with("task-definition/web:2"), "{first} {second}");
    assert_eq!(calls.list_task_definitions("web").unwrap().len(), 2);
    let told = calls.describe_task_definition("web:1").unwrap();
    assert_eq!((told["family"].as_str(), told.get("revision")), (Some("web"), None));
    let asked = json!({"cluster": "c", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 0});
    let made = calls.create_service(&request(asked), calls.clock().now()).unwrap();
    assert_eq!((made.name.as_str(), made.status.as_str(), made.desired), ("web", "ACTIVE", 0));
    assert_eq!(made.task_definition, first);
    let asked = json!({"cluster": "c", "service": "web", "taskDefinition": "web:2"});
    let changed = calls.update_service(&request(asked)).unwrap();
    // As it was given: moto makes no ARN of it here.
    assert!(second.ends_with(&changed.task_definition), "{}", changed.task_definition);
    let found = calls.describe_once("c", &["web", "gone"]).unwrap();
    assert_eq!(found.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(calls.list_tasks("c", TasksOf::Service("web"), true).unwrap(), Vec::<String>::new());
    calls.delete_service("c", "web", true).unwrap();
    calls.deregister_task_definition(&first).unwrap();
    assert_eq!(calls.list_task_definitions("web").unwrap(), [second]);
    let failure = calls.describe_services("elsewhere", &["web"]).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("ClusterNotFoundException"));
}

#[test]
fn scaling_and_alarms() {
    let connection = connection();
    let calls = calls(&connection);
    let family = json!({"family": "scaled", "containerDefinitions": [{"name": "a", "image": "b", "memory": 4}]});
    calls.register_task_definition(&request(family)).unwrap();
    let asked = json!({"cluster": "c", "serviceName": "scaled", "taskDefinition": "scaled", "desiredCount": 1});
    calls.create_service(&request(asked), calls.clock().now()).unwrap();
    let resource = "service/c/scaled";
    let of =
        json!({"ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": "ecs:service:DesiredCount"});
    let with = |more: Value| {
        let mut all = request(of.clone());
        all.extend(request(more));
        all
    };
    let role = "arn:aws:iam::123456789012:role/p/r0";
    calls.register_scalable_target(&with(json!({"MinCapacity": 1, "MaxCapacity": 4, "RoleARN": role}))).unwrap();
    let target = calls.describe_scalable_target(resource).unwrap().unwrap();
    assert_eq!((target.min, target.max), (1, 4));
    let steps = json!({"AdjustmentType": "ChangeInCapacity", "Cooldown": 60,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]});
    let policy = json!({"PolicyName": "up", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": steps});
    let arn = calls.put_scaling_policy(&with(policy)).unwrap();
    assert!(arn.contains("policyName/up"), "{arn}");
    let alarm = json!({"AlarmName": "busy", "MetricName": "CPUUtilization", "Namespace": "AWS/ECS",
        "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 75.5, "Unit": "Percent",
        "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [arn],
        "Dimensions": [{"Name": "ClusterName", "Value": "c"}]});
    calls.put_metric_alarm(&request(alarm)).unwrap();
    calls.delete_alarms(&["busy".to_owned()]).unwrap();
    calls.delete_scaling_policy("up", resource).unwrap();
    calls.delete_scaling_policy("up", resource).unwrap();
    calls.deregister_scalable_target(resource).unwrap();
    calls.deregister_scalable_target(RESOURCE).unwrap();
}

#[test]
fn what_is_told_besides() {
    let connection = connection();
    let calls = calls(&connection);
    let roles = calls.list_roles().unwrap();
    let first = roles.iter().find(|role| role.name == "r0").unwrap();
    assert_eq!((first.path.as_str(), first.arn.as_str()), ("/p/", "arn:aws:iam::123456789012:role/p/r0"));
    assert_eq!(first.trust["Statement"][0]["Principal"]["Service"], "ecs.amazonaws.com");
    let lines = calls.get_log_events("/ecs/web", "web/1", 2).unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["line 3", "line 4"]);
    assert!(lines[0].at.unwrap() > SystemTime::now() - Duration::from_mins(10));
    let failure = calls.get_log_events("/ecs/web", "gone", 2).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("ResourceNotFoundException"));
    let health = calls.describe_target_health(MOTO.made["group"].as_str().unwrap()).unwrap();
    assert_eq!((health[0].id.as_str(), health[0].port), ("10.0.0.7", Some(8080)));
    assert!(!health[0].state.is_empty());
    let failure = calls.describe_target_health("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/x/1").unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("TargetGroupNotFound"));
    let health = calls.describe_instance_health("old").unwrap();
    assert_eq!(
        (health[0].id.as_str(), health[0].state.as_str()),
        (MOTO.made["instance"].as_str().unwrap(), "InService")
    );
}
