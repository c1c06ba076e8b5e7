//! Deployments with exactly the documented permissions, against moto, which enforces policies and knows the wire formats.

use std::sync::LazyLock;

use serde_json::{Value, json};
use shipctl::iam::{Purpose, actions};

use crate::ecs_plan::{Around, job};
use crate::harness::{Ran, Sandbox, tool};
use crate::moto::Moto;

const METHODS: [&str; 3] = ["blueGreen", "upgrade", "replace"];
const AROUND: [Around; 3] = [Around::Nothing, Around::LoadBalancer, Around::All];

/// The documented actions of a case.
fn documented(around: Around) -> Vec<&'static str> {
    let purposes = match around {
        Around::Nothing => &[Purpose::Deploy][..],
        Around::LoadBalancer => &[Purpose::Deploy, Purpose::LoadBalancer],
        Around::All => &[Purpose::Deploy, Purpose::LoadBalancer, Purpose::Scaling],
    };
    purposes.iter().flat_map(|purpose| actions(*purpose)).copied().collect()
}

/// Those whose absence is tried; moto asks nobody for `iam:PassRole`.
fn needed() -> impl Iterator<Item = &'static str> {
    documented(Around::All).into_iter().filter(|action| *action != "iam:PassRole")
}

/// A user for each case, one for each action that it lacks, and somebody who may do anything. Updates roll out at once,
/// in deployments of their own, as those of the real service do.
static MOTO: LazyLock<Moto> = LazyLock::new(|| {
    let mut users: Vec<(String, Vec<&str>)> = vec![("admin".to_owned(), vec!["*"])];
    users.extend(AROUND.iter().map(|around| (format!("{around:?}"), documented(*around))));
    for lacking in needed() {
        let others = documented(Around::All).into_iter().filter(|action| *action != lacking).collect();
        users.push((format!("without {lacking}"), others));
    }
    let clusters: Vec<String> = METHODS
        .iter()
        .flat_map(|method| AROUND.map(|around| cluster(method, around)))
        .chain(needed().map(|action| action.replace(':', "-")))
        .collect();
    Moto::start(&format!(
        r#"
import os, uuid
os.environ["MOTO_ECS_SERVICE_RUNNING"] = "1"
from moto.ecs.models import EC2ContainerServiceBackend as Backend
plain = Backend.update_service
def update_service(self, properties):
    definition = properties.get("task_definition")
    service = plain(self, properties)
    deployment = service.deployments[0]
    deployment.update(desiredCount=service.desired_count, runningCount=service.running_count, pendingCount=0)
    if definition:
        deployment.update(id=f"ecs-svc/{{uuid.uuid4()}}", taskDefinition=definition, rolloutState="COMPLETED")
    return service
Backend.update_service = update_service
# Services that speak JSON refuse in JSON.
from moto.core.authorization import ActionAuthenticatorMixin as Authorization
from moto.core.exceptions import JsonRESTError
from moto.iam.access_control import AccessDeniedError
authorize = Authorization._authenticate_and_authorize_action
def authorize_in_json(self, *words):
    try:
        authorize(self, *words)
    except AccessDeniedError as denied:
        if "json" not in (self.headers.get("Content-Type") or ""):
            raise
        raise JsonRESTError("AccessDeniedException", denied.message)
Authorization._authenticate_and_authorize_action = authorize_in_json
for name in json.loads('{clusters}'):
    client("ecs").create_cluster(clusterName=name)
client("elb").create_load_balancer(LoadBalancerName="elb", AvailabilityZones=["us-east-1a"],
    Listeners=[{{"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}}])
iam = client("iam")
for name, service in (("ecsServiceRole", "ecs"), ("scale", "application-autoscaling")):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({{"Version": "2012-10-17", "Statement": [
        {{"Effect": "Allow", "Principal": {{"Service": f"{{service}}.amazonaws.com"}}, "Action": "sts:AssumeRole"}}]}}))
for name, actions in json.loads('{users}'):
    user = f"u{{len(made)}}"
    iam.create_user(UserName=user)
    actions = [action.replace("cloudwatch:", "monitoring:") for action in actions]
    policy = {{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": actions, "Resource": "*"}}]}}
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(policy))
    made[name] = {{k: v for k, v in iam.create_access_key(UserName=user)["AccessKey"].items() if isinstance(v, str)}}
from moto import settings
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
"#,
        clusters = json!(clusters),
        users = json!(users)
    ))
});

fn cluster(method: &str, around: Around) -> String {
    format!("{method}-{around:?}")
}

/// A sandbox of a user, with a job that deploys to a cluster.
fn sandbox(user: &str, cluster: &str, method: &str, around: Around) -> Sandbox {
    let mut sandbox = MOTO.sandbox(user);
    sandbox.set("SHIPCTL_CLOCK", "2026-01-02T03:04:05Z");
    let yml = job(method, around).replace("sourceName: prod", &format!("sourceName: {cluster}"));
    sandbox.write(
        "work/shippable.yml",
        yml.replace("count: 2, minReplicas: 2", "count: 1, minReplicas: 1").replace("count: 2}", "count: 1}"),
    );
    sandbox
}

fn run(sandbox: &Sandbox, words: &str) -> Ran {
    sandbox.shipctl(["ecs"].into_iter().chain(words.split(' ')).chain(["--ambient"]))
}

/// What the real AWS CLI says to somebody who may ask anything.
#[track_caller]
fn aws(words: &[&str]) -> Value {
    let mut sandbox = MOTO.sandbox("admin");
    sandbox.set("AWS_DEFAULT_REGION", "us-east-1");
    let ran = Ran::of(sandbox.command(tool("aws")).args(words).args(["--output", "json"]).output().unwrap());
    assert_eq!(ran.status, 0, "{words:?}: {}", ran.err());
    serde_json::from_str(&ran.out()).unwrap()
}

/// Everything that is done with a job in its life.
const LIFE: [&str; 6] = [
    "deploy d --build-number 1",
    "deploy d --build-number 2 --image web=v2",
    "deploy d --build-number 3 --image web=v3 --keep 0 --force",
    "scale d 3",
    "deploy d --build-number 4 --image web=v4",
    "delete d",
];

fn whole_life(method: &str) {
    for around in AROUND {
        let cluster = cluster(method, around);
        let sandbox = sandbox(&format!("{around:?}"), &cluster, method, around);
        let name = |build: u32| if method == "blueGreen" { format!("d-m-{build}") } else { "d-m".to_owned() };
        let served = |build: u32, image: &str, count: u32| {
            let told = aws(&["ecs", "describe-services", "--cluster", &cluster, "--services", &name(build)]);
            let service = &told["services"][0];
            assert_eq!((&service["status"], &service["desiredCount"]), (&"ACTIVE".into(), &count.into()), "{told}");
            let arn = service["taskDefinition"].as_str().unwrap();
            let balancers = json!([{"loadBalancerName": "elb", "containerName": "web", "containerPort": 8080}]);
            assert_eq!(service["loadBalancers"] == balancers, around != Around::Nothing, "{service}");
            if around != Around::All {
                return;
            }
            let told = aws(&["ecs", "describe-task-definition", "--task-definition", arn]);
            let container = &told["taskDefinition"]["containerDefinitions"][0];
            assert_eq!((&container["name"], &container["image"]), (&"web".into(), &format!("org/web:{image}").into()));
            let id = format!("service/{cluster}/{}", name(build));
            let namespace = ["--service-namespace", "ecs"];
            let ask = ["application-autoscaling", "describe-scaling-policies", "--resource-id", &id];
            let policies = aws(&[&ask[..], &namespace[..]].concat());
            assert_eq!(policies["ScalingPolicies"].as_array().unwrap().len(), 1, "{policies}");
        };
        let ran = |words: &str| {
            let ran = run(&sandbox, words);
            assert_eq!(ran.status, 0, "{method}, {around:?}, {words}: {}", ran.err());
            ran
        };
        ran(LIFE[0]);
        ran(LIFE[1]);
        served(2, "v2", 1);
        ran("rollback d --build-number 7");
        served(if method == "blueGreen" { 7 } else { 1 }, "v1", 1);
        ran(LIFE[4]);
        ran("scale d 3");
        served(4, "v4", 3);
        ran("delete d");
        let told = aws(&["ecs", "describe-services", "--cluster", &cluster, "--services", &name(4)]);
        assert_eq!(told["services"][0]["status"], "INACTIVE", "{method}, {around:?}");
    }
}

#[test]
fn the_documented_permissions_suffice_for_blue_green() {
    whole_life("blueGreen");
}

#[test]
fn the_documented_permissions_suffice_for_upgrades() {
    whole_life("upgrade");
}

#[test]
fn the_documented_permissions_suffice_for_replacements() {
    whole_life("replace");
}

#[test]
fn without_one_action_it_is_named() {
    for action in needed() {
        let sandbox = sandbox(&format!("without {action}"), &action.replace(':', "-"), "blueGreen", Around::All);
        let life = LIFE.iter().map(|words| match action {
            // Only what is left over is looked for.
            "ecs:ListTaskDefinitions" => format!("{words} --prune").replace("scale d 3 --prune", "scale d 3"),
            _ => (*words).to_owned(),
        });
        let refused = life.map(|words| (run(&sandbox, &words), words)).find(|(ran, _)| ran.status != 0);
        let (ran, words) = refused.unwrap_or_else(|| panic!("{action} is not needed"));
        assert_eq!(ran.status, 4, "{action}, {words}: {}", ran.err());
        let told = ran.err().lines().last().unwrap_or_default().to_owned();
        // moto calls it by the name of its endpoint.
        let name = action.replace("cloudwatch:", "monitoring:");
        assert!(told.contains(&format!("add {name} to")), "{action}, {words}: {}", ran.err());
    }
}

#[test]
fn what_is_extra_may_be_denied() {
    // The tasks of a failed roll-out are looked at beyond the documents; who may not is told what is missing.
    let sandbox = sandbox("Nothing", "blueGreen-Nothing", "blueGreen", Around::Nothing);
    let yml = sandbox.read("work/shippable.yml");
    let yml = String::from_utf8(yml).unwrap().replace("count: 1}", "count: 2}").replace("name: d,", "name: e,");
    sandbox.write("work/shippable.yml", yml);
    // One of two tasks runs, and no more.
    let ran = run(&sandbox, "deploy e --build-number 1 --timeout 30");
    assert_eq!(ran.status, 24, "{}", ran.err());
    assert!(ran.err().contains("ecs:ListTasks"), "{}", ran.err());
    let told = aws(&["ecs", "describe-services", "--cluster", "blueGreen-Nothing", "--services", "e-m-1"]);
    assert_eq!(told["services"][0]["status"], "INACTIVE");
}
