//! Deployments that do not come to anything: the exit status, the calls, what is said of why, and what is left.

use crate::ecs_faults::CRASH;
use crate::ecs_server::{Behaviour, Ecs, Scenario, When};
use crate::guards::root;
use crate::harness::{Ran, Sandbox};
use serde_json::{Value, json};

/// A deploy job `d` of one manifest `m`, whose image `web` logs to CloudWatch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yml<'a> {
    /// More resources, a line each.
    pub resources: &'a str,
    /// More steps of the manifest: `, {IN: o}`.
    pub manifest: &'a str,
    /// More steps of the deploy job.
    pub deploy: &'a str,
    /// Keys of the deploy job: `, method: upgrade`.
    pub job: &'a str,
}

impl Yml<'_> {
    pub fn text(self) -> String {
        let Self { resources, manifest, deploy, job } = self;
        let options = "{awslogs-group: /ecs/web, awslogs-region: us-east-1, awslogs-stream-prefix: web}";
        format!(
            "resources:
  - {{name: c, type: cluster, pointer: {{sourceName: prod, region: us-east-1}}}}
  - {{name: web, type: image, pointer: {{sourceName: org/web}}, seed: {{versionName: v1}}}}
  - {{name: log, type: dockerOptions, version: {{logConfig: {{type: awslogs, options: {options}}}}}}}
{resources}jobs:
  - {{name: m, type: manifest, steps: [{{IN: web}}, {{IN: log}}{manifest}]}}
  - {{name: d, type: deploy, steps: [{{IN: m}}, {{IN: c}}{deploy}]{job}}}
"
        )
    }
}

pub const BLUE_GREEN: Yml = Yml { resources: "", manifest: "", deploy: "", job: "" };
pub const UPGRADE: Yml = Yml { job: ", method: upgrade", ..BLUE_GREEN };
pub const REPLACE: Yml = Yml { job: ", method: replace", ..BLUE_GREEN };
const PORTS: &str = "  - {name: p, type: dockerOptions, version: {portMappings: [\"0:80\"]}}\n";
const DAEMON: &str = "  - {name: o, type: dockerOptions, version: {service: {schedulingStrategy: DAEMON}}}\n";
pub const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1";

/// A job directory's worth of a pipeline, and its ECS.
pub struct Stage {
    pub ecs: Ecs,
    pub sandbox: Sandbox,
}

impl Stage {
    pub fn of(scenario: Scenario, yml: Yml) -> Self {
        let ecs = Ecs::start(scenario.logs("/ecs/web:*", &["listening on 80", "panic: no database at db:5432"]));
        let sandbox = ecs.sandbox();
        sandbox.write("work/shippable.yml", yml.text());
        Self { ecs, sandbox }
    }

    /// One where build 1 serves, and whatever comes next behaves like this.
    #[track_caller]
    pub fn serving(scenario: Scenario, yml: Yml, next: Behaviour) -> Self {
        let mut stage = Self::of(scenario.behaviour("org/web:v2", next), yml);
        let ran = stage.run("deploy d --build-number 1 --ambient");
        assert_eq!(ran.status, 0, "{}", ran.err());
        stage
    }

    /// Runs `shipctl ecs …`; the calls are those of this run.
    pub fn run(&mut self, words: &str) -> Ran {
        self.ecs.forget_calls();
        let words: Vec<&str> = ["ecs"].into_iter().chain(words.split_whitespace()).collect();
        self.ecs.run(&mut self.sandbox, &words)
    }

    /// Build 2, of another image, with its caller's own credentials.
    pub fn second(&mut self, more: &str) -> Ran {
        self.run(&format!("deploy d --build-number 2 --image web=v2 --ambient {more}"))
    }

    /// Everything that can be told of a run.
    pub fn tale(&self, ran: &Ran) -> String {
        let (calls, world) = (self.ecs.transcript(), self.ecs.world());
        format!("exit {}\n{}--- said\n{}--- calls\n{calls}--- left\n{world}", ran.status, ran.out(), ran.err())
    }
}

/// Compares with `snapshots/NAME.snap`.
#[track_caller]
pub fn told(name: &str, tale: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, tale));
}

/// Lines that say what changes, without their times, and those of them that come twice.
fn lines_twice(ran: &Ran) -> Vec<String> {
    let lines: Vec<String> =
        ran.err().lines().filter_map(|line| Some(line.trim_start().split_once(' ')?.1.to_owned())).collect();
    let progress = |line: &&String| line.contains("ECS: ") || line.contains(" running");
    let next_to =
        lines.windows(2).filter(|pair| pair[0] == pair[1] && !pair[0].contains("ECS: ")).map(|pair| pair[0].clone());
    let events = lines.iter().filter(progress).filter(|line| line.contains("(task "));
    let again = events.clone().filter(|line| lines.iter().filter(|other| other == line).count() > 1);
    next_to.chain(again.cloned()).collect()
}

#[test]
fn success() {
    let mut stage = Stage::of(Scenario::new(), BLUE_GREEN);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    told("ecs_success_first", &stage.tale(&ran));
    assert_eq!(lines_twice(&ran), [""; 0]);
    let ran = stage.second("");
    told("ecs_success_second", &stage.tale(&ran));
    assert_eq!((ran.status, lines_twice(&ran)), (0, vec![]));
    let looks = stage.ecs.calls_of("DescribeServices").len();
    assert!(looks <= 14, "{looks} looks");
}

#[test]
fn breaker_goes_back() {
    for (name, yml, more, exit) in [
        ("ecs_breaker_back_upgrade", UPGRADE, "", 21),
        ("ecs_breaker_back_blue_green", BLUE_GREEN, "", 21),
        ("ecs_breaker_back_replace", REPLACE, "", 21),
    ] {
        let mut stage = Stage::serving(Scenario::new().breaker(true, 3), yml, Behaviour::PullFails);
        let ran = stage.second(more);
        told(name, &stage.tale(&ran));
        assert_eq!((ran.status, lines_twice(&ran)), (exit, vec![]), "{name}: {}", ran.err());
        let service = if name.ends_with("blue_green") { "d-m-2" } else { "d-m" };
        let looks = stage_looks(&stage, service, "deployment failed: tasks failed to start");
        assert!((1..=2).contains(&looks), "{name}: {looks} looks at the evidence");
        let serves = stage.ecs.service(if name.ends_with("blue_green") { "d-m-1" } else { "d-m" }).unwrap();
        assert_eq!((serves.running, serves.task_definition.as_str()), (1, "d-m:1"), "{name}");
    }
    // The roll-back may be a deployment of its own, and may take its time.
    let scenario = Scenario::new().breaker(true, 3).rollback_with_new_id().linger(40);
    let mut stage = Stage::serving(scenario, UPGRADE, CRASH);
    let ran = stage.second("");
    told("ecs_breaker_back_new_id", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
}

/// Looks at a service from the evidence on until why is asked for.
#[track_caller]
fn stage_looks(stage: &Stage, service: &str, words: &str) -> usize {
    let since = stage.ecs.event_at(service, words).unwrap_or_else(|| panic!("{service} never said {words}"));
    let calls = stage.ecs.calls();
    let later = calls.iter().filter(|call| call.at >= since);
    later.take_while(|call| call.action == "DescribeServices").count()
}

#[test]
fn breaker_without_a_roll_back() {
    let mut stage = Stage::serving(Scenario::new().breaker(false, 3), UPGRADE, CRASH);
    let ran = stage.second("");
    told("ecs_breaker_stays", &stage.tale(&ran));
    assert_eq!(ran.status, 20, "{}", ran.err());
    assert!(stage_looks(&stage, "d-m", "deployment failed: tasks failed to start") <= 2);
    let mut stage = Stage::serving(Scenario::new().breaker(false, 3), UPGRADE, CRASH);
    let ran = stage.second("--rollback");
    told("ecs_breaker_stays_rollback", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
    let serves = stage.ecs.service("d-m").unwrap();
    assert_eq!((serves.running, serves.task_definition.as_str()), (1, "d-m:1"));
    // Nothing to go back to.
    let mut stage = Stage::of(Scenario::new().breaker(true, 3).behaviour("*", CRASH), UPGRADE);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    told("ecs_breaker_first", &stage.tale(&ran));
    assert_eq!(ran.status, 20, "{}", ran.err());
}

#[test]
fn causes_are_named() {
    for (name, behaviour, words, next) in [
        ("ecs_pull", Behaviour::PullFails, "CannotPullContainerError", "the image cannot be pulled"),
        ("ecs_crash", CRASH, "exit status 3", "a container ends by itself"),
        ("ecs_secret", Behaviour::SecretUnreadable, "unable to pull secrets", "a secret cannot be read"),
        ("ecs_memory", Behaviour::OutOfMemory, "OutOfMemoryError", "ran out of memory"),
        ("ecs_capacity", Behaviour::NoCapacity, "insufficient memory", "there is no room for the tasks"),
        (
            "ecs_platform",
            Behaviour::FailsToStart("CannotStartContainerError: exec format error"),
            "exec format error",
            "another kind of machine",
        ),
    ] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, behaviour);
        let ran = stage.second("");
        told(name, &stage.tale(&ran));
        assert_eq!((ran.status, lines_twice(&ran)), (21, vec![]), "{name}: {}", ran.err());
        let block = ran.err().split_once("why it failed:").map(|(_, block)| block.to_owned()).unwrap_or_default();
        assert!(block.contains(words), "{name}: {block}");
        assert!(block.lines().any(|line| line.contains("next: ") && line.contains(next)), "{name}: {block}");
        let old = stage.ecs.service("d-m-1").unwrap();
        assert_eq!((old.running, old.desired), (1, 1), "{name}");
        assert_eq!(stage.ecs.service("d-m-2").unwrap().status, "INACTIVE", "{name}");
    }
}

#[test]
fn the_last_lines_are_in_the_block() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, CRASH);
    let ran = stage.second("");
    assert!(ran.err().contains("  web said: panic: no database at db:5432"), "{}", ran.err());
    assert!(stage_looks(&stage, "d-m-2", "has started 1 tasks: (task 00000000000000000000000000000004)") <= 2);
}

/// Behind a load balancer: what it says of its targets, or that nothing of ECS says how far a roll-out is.
#[test]
fn behind_load_balancers() {
    for (name, source, method) in
        [("ecs_unhealthy_application", GROUP, "application"), ("ecs_unhealthy_classic", "front", "classic")]
    {
        let balancer = format!(
            "{PORTS}  - {{name: b, type: loadBalancer, pointer: {{sourceName: \"{source}\", method: {method}, role: ecs}}}}\n"
        );
        let yml = Yml {
            resources: &balancer,
            deploy: ", {IN: p}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}",
            ..BLUE_GREEN
        };
        let scenario = Scenario::new().role("ecs", "ecs.amazonaws.com");
        let mut stage = Stage::serving(scenario, yml, Behaviour::Unhealthy);
        let ran = stage.second("");
        told(name, &stage.tale(&ran));
        assert_eq!(ran.status, 21, "{name}: {}", ran.err());
        assert!(ran.err().contains("next: the health check fails"), "{name}: {}", ran.err());
    }
}

/// Nobody but a count tells: ECS says nothing of the roll-out.
#[test]
fn without_a_rollout_state() {
    let scenario = Scenario::new().without_rollout_state();
    let mut stage = Stage::serving(scenario, UPGRADE, Behaviour::Crashes { exit: 1, after: 4 });
    let ran = stage.second("--rollback");
    told("ecs_no_rollout_state", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
}

#[test]
fn daemons() {
    let yml = Yml { resources: DAEMON, deploy: ", {IN: o}", ..BLUE_GREEN };
    let scenario = Scenario::new().instances(2).daemon_delay(20);
    let mut stage = Stage::of(scenario.behaviour("org/web:v3", CRASH), yml);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    told("ecs_daemon_first", &stage.tale(&ran));
    let service = stage.ecs.service("d-m-1").unwrap();
    assert_eq!((ran.status, service.running, service.desired), (0, 2, 2), "{}", ran.err());
    let ran = stage.second("");
    told("ecs_daemon_second", &stage.tale(&ran));
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(stage.ecs.calls_of("DeleteService")[0].request["force"], json!(true));
    assert_eq!(stage.ecs.service("d-m-1").unwrap().status, "INACTIVE");
    let ran = stage.run("deploy d --build-number 3 --image web=v3 --ambient");
    told("ecs_daemon_fails", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-2").unwrap().running, 2);
}

#[test]
fn superseded() {
    let scenario = Scenario::new().registered(
        json!({"family": "other", "containerDefinitions": [{"name": "a", "image": "theirs", "memory": 64}]}),
    );
    let mut stage = Stage::serving(scenario, UPGRADE, Behaviour::SlowStart { secs: 30 });
    stage.ecs.change(|scenario| scenario.meanwhile("d-m", When::Nth(11), json!({"taskDefinition": "other:1"})));
    let ran = stage.second("--rollback");
    told("ecs_superseded", &stage.tale(&ran));
    assert_eq!(ran.status, 23, "{}", ran.err());
    // What somebody else has begun is left alone.
    assert_eq!(stage.ecs.service("d-m").unwrap().task_definition, "other:1");
    assert_eq!(stage.ecs.calls_of("UpdateService").len(), 1);

    let mut stage = Stage::serving(Scenario::new(), UPGRADE, Behaviour::SlowStart { secs: 30 });
    stage.ecs.change(|scenario| scenario.deleted_meanwhile("d-m", When::Nth(11)));
    let ran = stage.second("");
    told("ecs_superseded_deleted", &stage.tale(&ran));
    assert_eq!(ran.status, 23, "{}", ran.err());
}

#[test]
fn time_is_over() {
    for (name, yml, exit) in [("ecs_late_blue_green", BLUE_GREEN, 24), ("ecs_late_upgrade", UPGRADE, 24)] {
        let mut stage = Stage::serving(Scenario::new(), yml, Behaviour::Never);
        let ran = stage.second("--timeout 120");
        told(name, &stage.tale(&ran));
        assert_eq!(ran.status, exit, "{name}: {}", ran.err());
        let old = stage.ecs.service(if name.ends_with("green") { "d-m-1" } else { "d-m" }).unwrap();
        assert_eq!(old.running, 1, "{name}");
        let looks = stage.ecs.calls_of("DescribeServices").len();
        assert!(looks <= 40, "{name}: {looks} looks");
    }
}

#[test]
fn going_back_on_request() {
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, CRASH);
    let ran = stage.second("");
    told("ecs_upgrade_stays", &stage.tale(&ran));
    assert_eq!(ran.status, 20, "{}", ran.err());
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, CRASH);
    let ran = stage.second("--rollback");
    told("ecs_upgrade_rollback", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
    let serves = stage.ecs.service("d-m").unwrap();
    assert_eq!((serves.running, serves.task_definition.as_str()), (1, "d-m:1"));
}

#[test]
fn going_back_fails() {
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, CRASH);
    // By now the version before crashes as well.
    stage.ecs.change(|scenario| scenario.behaviour("org/web:v1", CRASH));
    let ran = stage.second("--rollback");
    told("ecs_rollback_fails_upgrade", &stage.tale(&ran));
    assert_eq!(ran.status, 22, "{}", ran.err());

    let mut stage = Stage::serving(Scenario::new(), REPLACE, CRASH);
    stage.ecs.change(|scenario| scenario.behaviour("org/web:v1", CRASH));
    let ran = stage.second("");
    told("ecs_rollback_fails_replace", &stage.tale(&ran));
    assert_eq!(ran.status, 22, "{}", ran.err());
}

/// The members of each kind of line.
#[test]
fn json_of_a_failure() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, CRASH);
    let ran = stage.second("--json");
    assert_eq!(ran.status, 21, "{}", ran.err());
    let lines: Vec<Value> = ran.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut shapes: Vec<String> = Vec::new();
    for line in &lines {
        let members = line.as_object().unwrap().iter();
        let kind = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let members: Vec<String> = members.map(|(name, value)| format!("{name}: {}", kind(value))).collect();
        let shape = format!("{}: {}\n", line["event"].as_str().unwrap(), members.join(", "));
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes.sort();
    told("ecs_json_shapes", &shapes.concat());
    told("ecs_json_failure", &format!("{}--- said\n{}", ran.out(), ran.err()));
    let outcome = lines.iter().find(|line| line["event"] == "outcome").unwrap();
    assert_eq!(outcome["outcome"], "rolledBack");
}
