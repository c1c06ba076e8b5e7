//! Whole deployments against ECS in memory.

mod fake;

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;
use crate::aws::ecs::Request;
use crate::ctx::Env;
use crate::ecs::steps::tests::{service, wanted};
use crate::ecs::steps::{Step, deploy_steps};
use crate::ecs::wanted::{Cluster, Method, Scaling, Wanted};
use crate::store::Location;
use fake::Fake;

const METHODS: [Method; 3] = [Method::BlueGreen, Method::Upgrade, Method::Replace];

/// What is told, kept.
#[derive(Default)]
struct Told(Mutex<Vec<Tell>>);

impl Listener for Told {
    fn tell(&self, _: SystemTime, tell: &Tell) {
        self.0.lock().unwrap().push(tell.clone());
    }
}

/// A store and an account.
struct World {
    _dir: tempfile::TempDir,
    store: Store,
    fake: Fake,
    told: Told,
}

fn options(build_number: &str) -> Options {
    Options {
        force: false,
        no_wait: false,
        prune: false,
        keep: 1,
        rollback: false,
        build_number: build_number.to_owned(),
        timeout: None,
    }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let nothing = Env::Fixed(std::collections::BTreeMap::new());
        let location = Location::Folder(dir.path().join("store"));
        let store = Store::open(&location, &nothing, SystemTime::now).unwrap();
        Self { _dir: dir, store, fake: Fake::default(), told: Told::default() }
    }

    fn run<'a>(&'a self, options: &'a Options) -> Run<'a> {
        Run { api: &self.fake, store: Some(&self.store), listener: &self.told, holder: "machine a", options }
    }

    fn deploy(&self, wanted: &Wanted, options: &Options) -> Done {
        let mut report = deploy(&self.run(options), wanted).unwrap();
        assert_eq!(report.done.len(), 1, "{report:?}");
        report.done.remove(0)
    }

    fn notes(&self) -> String {
        let told = self.told.0.lock().unwrap();
        let notes = told.iter().filter_map(|tell| match tell {
            Tell::Note { text, .. } => Some(text.as_str()),
            _ => None,
        });
        notes.collect::<Vec<_>>().join("\n")
    }

    fn memory(&self) -> crate::ecs::memory::Memory {
        self.store.deployed("prod").unwrap()
    }
}

/// What is wanted; another number makes another version.
fn version(method: Method, number: u32) -> Wanted {
    let mut one = service(json!({}));
    one.task_definition.insert("number".to_owned(), number.into());
    wanted(method, one)
}

fn broken(method: Method) -> Wanted {
    let mut wanted = version(method, 99);
    wanted.services[0].task_definition.insert("broken".to_owned(), true.into());
    wanted
}

fn scaled(mut wanted: Wanted) -> Wanted {
    let object = |value: Value| -> Request { value.as_object().unwrap().clone() };
    wanted.services[0].scaling = Some(Scaling {
        target: Some(object(json!({ "MinCapacity": 1, "MaxCapacity": 5 }))),
        policies: vec![object(json!({ "PolicyName": "up" }))],
        alarms: vec![object(json!({ "AlarmName": "busy", "AlarmActions": ["up"] }))],
    });
    wanted
}

fn actions(steps: &[Step]) -> Vec<&'static str> {
    let mut actions: Vec<_> = steps.iter().map(Step::action).collect();
    actions.dedup();
    actions
}

fn there() -> Cluster {
    Cluster { resource: "c".to_owned(), name: "web".to_owned(), region: None, integration: None }
}

#[test]
fn the_calls_are_those_of_the_steps() {
    for method in METHODS {
        let world = World::new();
        for (number, build) in [(1, "1"), (2, "2"), (3, "3"), (4, "4")] {
            let mut wanted = version(method, number);
            wanted.services[0].wants_role = true;
            let wanted = if number > 2 { scaled(wanted) } else { wanted };
            let memory = world.memory();
            let steps = deploy_steps(&wanted, &wanted.services[0], memory.of("app"), build, 1);
            let done = world.deploy(&wanted, &options(build));
            assert_eq!(done.outcome, Outcome::Completed, "{method:?} {number}: {}", done.text);
            assert_eq!(world.fake.take_actions(), actions(&steps), "{method:?} {number}");
            let name = if method == Method::BlueGreen { format!("prod-app-{number}") } else { "prod-app".to_owned() };
            let arn = format!("arn:aws:ecs:x:1:task-definition/prod-app:{number}");
            assert_eq!(world.fake.serving(), [(name.clone(), arn.clone(), 2)], "{method:?} {number}");
            let memory = world.memory();
            assert_eq!(memory.leftovers, [], "{method:?} {number}");
            assert_eq!(memory.services[0].previous.len(), usize::from(number > 1), "{method:?} {number}");
            assert_eq!((done.service, done.task_definition), (Some(name.clone()), Some(arn)));
            // The role goes along with what is created, the policy's ARN with the alarm.
            let again = world.deploy(&wanted, &options("9"));
            assert_eq!(again.outcome, Outcome::Unchanged);
            assert_eq!(world.fake.take_actions(), ["ecs:DescribeServices"]);
            let targets = world.fake.state().targets.last().cloned();
            assert_eq!(targets, (number > 2).then(|| format!("service/web/{name}")), "{method:?} {number}");
        }
        assert_eq!(world.fake.state().alarms.last().map(String::as_str), Some("busy"), "{method:?}");
        assert_eq!(world.fake.state().active.len(), 2, "{method:?}");
    }
}

#[test]
fn after_a_failure_the_old_version_serves() {
    for (method, rollback, outcome) in [
        (Method::BlueGreen, false, Outcome::RolledBack),
        (Method::Upgrade, true, Outcome::RolledBack),
        (Method::Replace, false, Outcome::RolledBack),
        (Method::Upgrade, false, Outcome::Failed),
    ] {
        let world = World::new();
        world.deploy(&scaled(version(method, 1)), &options("1"));
        let before = world.memory();
        let done = world.deploy(&scaled(broken(method)), &Options { rollback, ..options("2") });
        assert_eq!(done.outcome, outcome, "{method:?}: {}", done.text);
        let mut services = world.memory().services;
        // What was not undone is known.
        assert_eq!(services[0].unfinished.take().is_some(), outcome == Outcome::Failed, "{method:?}");
        assert_eq!(services, before.services);
        assert_eq!(world.fake.running(), 2, "{method:?}");
        let old = "arn:aws:ecs:x:1:task-definition/prod-app:1";
        if outcome == Outcome::RolledBack {
            assert!(done.text.contains("serves, whole: 2 of 2 tasks run"), "{}", done.text);
            assert_eq!(world.fake.serving().len(), 1, "{method:?}");
            assert_eq!(world.fake.serving()[0].1, old, "{method:?}");
            assert_eq!(world.fake.state().targets.len(), 1);
        }
        assert_eq!(done.task_definition.as_deref(), Some(old));
        if outcome == Outcome::Failed {
            // Nobody asked to go back; by hand it is the version that served.
            let options = options("2");
            assert_eq!(super::rollback(&world.run(&options), "prod", None, &there()).unwrap().exit_status(), 0);
            assert_eq!(world.fake.serving()[0].1, old);
        }
        // The next one goes through.
        let done = world.deploy(&scaled(version(method, 3)), &options("3"));
        assert_eq!(done.outcome, Outcome::Completed, "{method:?}: {}", done.text);
    }
}

#[test]
fn a_first_deployment_that_fails_leaves_nothing_to_go_back_to() {
    for method in METHODS {
        let world = World::new();
        let done = world.deploy(&broken(method), &options("1"));
        assert_eq!((done.outcome, done.service), (Outcome::Failed, None));
        assert!(done.text.contains("nothing was there before"), "{}", done.text);
        let done = world.deploy(&version(method, 2), &options("1"));
        assert_eq!(done.outcome, Outcome::Completed, "{method:?}: {}", done.text);
        assert_eq!(world.fake.serving().len(), 1);
    }
}

#[test]
fn interrupted_at_any_call_the_next_one_picks_up() {
    for method in METHODS {
        for again in ["2", "3"] {
            for after in 0.. {
                let world = World::new();
                world.deploy(&scaled(version(method, 1)), &options("1"));
                world.fake.state().changes = 0;
                world.fake.state().signal_after = Some(after);
                let done = world.deploy(&scaled(version(method, 2)), &options("2"));
                if world.fake.state().signal.is_none() {
                    assert!(after > 4);
                    break;
                }
                let is_late = done.outcome == Outcome::Completed;
                assert!(is_late || done.outcome == Outcome::Interrupted(15), "{method:?} {after}: {done:?}");
                assert_eq!(done.outcome.exit_status(), if is_late { 0 } else { 143 });
                if method != Method::Replace {
                    assert!(world.fake.running() >= 2, "{method:?} {after}");
                }
                world.fake.state().signal = None;
                world.fake.state().signal_after = None;
                let options = Options { prune: true, ..options(again) };
                let report = deploy(&world.run(&options), &scaled(version(method, 2))).unwrap();
                assert_eq!(report.exit_status(), 0, "{method:?} {after} {again}: {report:?}");
                let serving = world.fake.serving();
                assert_eq!(serving.len(), 1, "{method:?} {after} {again}: {serving:?}");
                assert_eq!(serving[0].2, 2, "{method:?} {after} {again}");
                assert_eq!(world.memory().leftovers, [], "{method:?} {after} {again}");
                assert!(world.fake.state().active.len() <= 3, "{:?}", world.fake.state().active);
            }
        }
    }
}

#[test]
fn denied_at_any_call_the_old_version_serves() {
    for method in METHODS {
        for number in 0.. {
            let world = World::new();
            world.deploy(&scaled(version(method, 1)), &options("1"));
            world.fake.state().changes = 0;
            world.fake.state().deny = Some(number);
            let done = world.deploy(&scaled(version(method, 2)), &options("2"));
            if done.outcome == Outcome::Completed {
                assert!(number > 4);
                break;
            }
            assert_eq!(done.outcome.exit_status(), 4, "{method:?} {number}: {done:?}");
            assert!(world.fake.running() >= 2, "{method:?} {number}: {done:?}");
            world.fake.state().deny = None;
            let done = world.deploy(&scaled(version(method, 3)), &options("3"));
            assert_eq!(done.outcome, Outcome::Completed, "{method:?} {number}: {done:?}");
        }
    }
}

#[test]
fn of_two_at_once_one_deploys() {
    let world = World::new();
    let _held = world.store.deployment_lease("prod", "machine b", Duration::from_mins(1)).unwrap();
    let options = options("1");
    let refused = deploy(&world.run(&options), &version(Method::BlueGreen, 1)).unwrap_err();
    assert!(refused.to_string().contains("machine b"), "{refused}");
    assert_eq!(world.fake.take_actions(), [""; 0]);
}

#[test]
fn a_count_that_somebody_raises_is_set_to_0_again() {
    let world = World::new();
    world.deploy(&version(Method::BlueGreen, 1), &options("1"));
    world.fake.state().raised = 2;
    let done = world.deploy(&version(Method::BlueGreen, 2), &options("2"));
    assert_eq!(done.outcome, Outcome::Completed, "{}", done.text);
    assert!(world.notes().contains("prod-app-1 again: it is set to 0 again"), "{}", world.notes());
}

#[test]
fn what_is_not_as_it_was_left_is_deployed() {
    for method in METHODS {
        let world = World::new();
        let wanted = version(method, 1);
        world.deploy(&wanted, &options("1"));
        let name = world.memory().services[0].service.clone();
        world.fake.state().services.get_mut(&name).unwrap().0.task_definition = "arn/other:7".to_owned();
        assert_eq!(world.deploy(&wanted, &options("2")).outcome, Outcome::Completed);
        assert!(world.notes().contains("is on other:7, not on prod-app:1"), "{}", world.notes());
        world.fake.state().services.clear();
        assert_eq!(world.deploy(&wanted, &options("3")).outcome, Outcome::Completed);
        assert!(world.notes().contains("is not there any more: it is deployed anew"), "{}", world.notes());
        assert_eq!(world.memory().leftovers, []);
    }
}

#[test]
fn too_late() {
    let world = World::new();
    world.deploy(&version(Method::BlueGreen, 1), &options("1"));
    let short = Options { timeout: Some(Duration::from_secs(3)), ..options("2") };
    let done = world.deploy(&version(Method::BlueGreen, 2), &short);
    assert!(done.text.contains("prod-app-2 is not steady after 3 s: 0 of 2 tasks run"), "{}", done.text);
    assert_eq!(world.fake.serving()[0].0, "prod-app-1");
}

#[test]
fn several_manifests() {
    for parallel in [false, true] {
        let world = World::new();
        let mut wanted = version(Method::Upgrade, 1);
        wanted.parallel = parallel;
        for name in ["b", "c"] {
            let mut other = wanted.services[0].clone();
            other.manifest = name.to_owned();
            other.name = format!("prod-{name}");
            wanted.services.push(other);
        }
        wanted.services[1].task_definition.insert("broken".to_owned(), true.into());
        let options = options("1");
        let report = deploy(&world.run(&options), &wanted).unwrap();
        assert_eq!(report.exit_status(), 20);
        assert_eq!(report.done.len(), if parallel { 3 } else { 2 });
        assert_eq!(world.notes().contains("not begun, since b did not succeed: c"), !parallel);
        assert!(report.error().unwrap().to_string().starts_with("b: "));
    }
}

#[test]
fn by_hand() {
    for method in METHODS {
        let world = World::new();
        for number in [1, 2] {
            world.deploy(&scaled(version(method, number)), &options(&number.to_string()));
        }
        let options = options("7");
        let run = world.run(&options);
        let report = scale(&run, "prod", 5, None, &there()).unwrap();
        assert_eq!((report.exit_status(), world.fake.running()), (0, 5), "{report:?}");
        let report = rollback(&run, "prod", None, &there()).unwrap();
        assert_eq!(report.exit_status(), 0, "{method:?}: {report:?}");
        let serving = world.fake.serving();
        assert_eq!((serving.len(), serving[0].1.as_str()), (1, "arn:aws:ecs:x:1:task-definition/prod-app:1"));
        let memory = world.memory();
        assert_eq!(memory.services[0].previous[0].build_number, "2");
        assert_eq!(memory.services[0].service, serving[0].0);
        let report = delete(&run, "prod", None, &there()).unwrap();
        assert_eq!(report.exit_status(), 0, "{method:?}: {report:?}");
        assert_eq!(world.fake.serving(), []);
        assert_eq!(world.fake.state().active.len(), 0, "{method:?}");
        assert_eq!(world.fake.state().targets.len(), 0, "{method:?}");
        assert_eq!(world.fake.state().alarms.len(), 0, "{method:?}");
        assert_eq!(world.memory(), crate::ecs::memory::Memory::default());
        assert!(delete(&run, "prod", None, &there()).is_err());
    }
}

#[test]
fn without_waiting() {
    let world = World::new();
    let hurried = |build: &str| Options { no_wait: true, ..options(build) };
    let done = world.deploy(&version(Method::BlueGreen, 1), &hurried("1"));
    assert_eq!((done.outcome, done.service.as_deref()), (Outcome::Completed, Some("prod-app-1")));
    let done = world.deploy(&version(Method::BlueGreen, 2), &hurried("2"));
    assert_eq!((done.outcome, done.service.as_deref()), (Outcome::Completed, Some("prod-app-2")), "{}", done.text);
    let done = world.deploy(&version(Method::BlueGreen, 2), &options("2"));
    assert_eq!((done.outcome, done.service.as_deref()), (Outcome::Completed, Some("prod-app-2")), "{}", done.text);
    assert_eq!(world.fake.serving().len(), 1);
}
