//! What a deployment remembers: held by one at a time, and enough to go on from wherever the one before was stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::ecs_jobs::{Bench, last, notes};
use crate::ecs_plan::{Around, bench};
use crate::ecs_server::{Call, Fault, Scenario, When};
use crate::harness::Ran;

const LEASE: &str = "work/.shipctl/jobs/d/deployment-lease";
const MEMORY: &str = "work/.shipctl/jobs/d/deployed.json";

/// Something that is stopped in its middle, what went before, and what is done then.
#[derive(Debug, Clone, Copy)]
struct Case {
    method: &'static str,
    before: &'static [&'static str],
    stopped: &'static str,
    next: &'static str,
}

const FIRST: &str = "deploy d --build-number 1";
const SECOND: &str = "deploy d --build-number 2 --image web=v2";
const DELETE: &str = "delete d";

impl Case {
    /// A bench where everything before has been done.
    fn bench(self) -> Bench {
        let mut bench = bench(self.method, Around::All);
        for words in self.before {
            let ran = bench.run(words);
            assert_eq!(ran.status, 0, "{self:?}: {}", ran.err());
        }
        bench
    }

    /// What is called, and what is there when nothing happens.
    fn undisturbed(self) -> (Vec<Call>, String) {
        let mut bench = self.bench();
        let ran = bench.run(self.stopped);
        assert_eq!(ran.status, 0, "{self:?}: {}", ran.err());
        let calls = bench.ecs.calls();
        if self.next != self.stopped {
            bench = self.bench();
            assert_eq!(bench.run(self.next).status, 0);
        }
        (calls, settled(&bench.ecs.world()))
    }

    /// Does it all with a fault at each call in turn, those that repeat the one before left out; `check` gets the number
    /// of the call and what became of the run.
    fn at_each_call(self, faults: &[Fault], check: impl Fn(&mut Bench, usize, &[Call], &Ran)) {
        let (calls, undisturbed) = self.undisturbed();
        for (index, call) in calls.iter().enumerate() {
            if index > 0 && calls[index - 1].line() == call.line() {
                continue;
            }
            let fault = faults[index % faults.len()].clone();
            let mut bench = self.bench();
            let story = format!("{self:?}\n{fault:?} at {}", call.line());
            bench.ecs.change(|scenario| scenario.fault("*", When::Nth(index + 1), fault.clone()));
            let ran = bench.run(self.stopped);
            check(&mut bench, index, &calls, &ran);
            bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
            // A revision that nobody could be told of is found by the name of its family alone.
            let is_unknown = call.action == "RegisterTaskDefinition" && ran.status == 137;
            self.goes_on(&mut bench, &undisturbed, is_unknown, &format!("{story}\n{}", ran.err()));
        }
    }

    /// The next one goes on by itself; what is left over is named, and can be removed.
    fn goes_on(self, bench: &mut Bench, undisturbed: &str, is_unknown: bool, story: &str) {
        let next = bench.run(self.next);
        let story = format!("{story}then\n{}{}", next.err(), bench.ecs.transcript());
        assert_eq!(next.status, 0, "{story}");
        let named = notes(&next).into_iter().filter(|note| note.starts_with("left over")).collect::<String>();
        let world = settled(&bench.ecs.world());
        if self.next == DELETE {
            assert_eq!(world, undisturbed, "{story}");
            return;
        }
        // What serves, and what can be gone back to.
        let memory: Value = serde_json::from_slice(&bench.sandbox.read(MEMORY)).unwrap();
        let kept = memory["services"].to_string();
        let there = bench.ecs.world();
        // A service that is left over keeps its revision, though it may be gone.
        let of_leftover = |name: &str| {
            let leftovers = there.lines().filter(|line| line.ends_with(&format!(" {name}")));
            leftovers
                .filter_map(|line| line.strip_prefix("service prod/")?.split(' ').next())
                .any(|it| named.contains(it))
        };
        for line in there.lines().filter(|line| !line.contains(" INACTIVE ")) {
            let of_service = line.strip_prefix("service prod/").map(|rest| rest.split(' ').next().unwrap_or_default());
            let is_named = match (of_service, line.strip_prefix("task definition ")) {
                (Some(name), _) => undisturbed.contains(&format!("prod/{name} ")) || named.contains(name),
                (_, Some(name)) => {
                    kept.contains(&format!("/{name}\"")) || named.contains(name) || of_leftover(name) || is_unknown
                }
                _ => true,
            };
            assert!(is_named, "{line} is left over, and not named: {named:?}\n{story}");
        }
        let pruned = bench.run(&format!("{} --prune", self.next));
        assert_eq!(pruned.status, 0, "{story}pruned\n{}", pruned.err());
        assert!(!pruned.err().contains("left over, and removed"), "{story}pruned\n{}", pruned.err());
        assert_eq!(
            settled(&bench.ecs.world()),
            undisturbed,
            "{story}pruned\n{}{}",
            pruned.err(),
            bench.ecs.transcript()
        );
    }
}

/// What is there, without what is gone; revisions are numbered anew.
fn settled(world: &str) -> String {
    let there: Vec<&str> = world.lines().filter(|line| !line.contains(" INACTIVE ")).collect();
    let revisions: Vec<&str> = there.iter().filter_map(|line| line.strip_prefix("task definition ")).collect();
    let mut settled = String::new();
    for line in there {
        let (start, name) = line.rsplit_once(' ').unwrap();
        match revisions.iter().position(|known| *known == name) {
            Some(place) => settled.push_str(&format!("{start} revision {place}\n")),
            None => settled.push_str(&format!("{line}\n")),
        }
    }
    settled
}

const KILLS: [Fault; 2] = [Fault::SignalBefore(Signal::KILL), Fault::SignalAfter(Signal::KILL)];

/// Killed before a call is done, and after it.
fn killed(case: Case) {
    for kill in &KILLS {
        case.at_each_call(std::slice::from_ref(kill), |_, _, _, ran| assert_eq!(ran.status, 137, "{}", ran.err()));
    }
}

#[test]
fn a_killed_blue_green_is_gone_on_with() {
    killed(Case { method: "blueGreen", before: &[FIRST], stopped: SECOND, next: SECOND });
}

#[test]
fn a_build_after_a_killed_one_leaves_nothing_unnamed() {
    killed(Case {
        method: "blueGreen",
        before: &[FIRST],
        stopped: SECOND,
        next: "deploy d --build-number 3 --image web=v3",
    });
}

#[test]
fn a_killed_upgrade_is_gone_on_with() {
    killed(Case { method: "upgrade", before: &[FIRST], stopped: SECOND, next: SECOND });
}

#[test]
fn a_killed_replace_is_gone_on_with() {
    killed(Case { method: "replace", before: &[FIRST], stopped: SECOND, next: SECOND });
}

#[test]
fn a_killed_first_deployment_is_gone_on_with() {
    for method in ["blueGreen", "upgrade"] {
        killed(Case { method, before: &[], stopped: FIRST, next: FIRST });
    }
}

#[test]
fn a_killed_deletion_is_gone_on_with() {
    for method in ["blueGreen", "upgrade"] {
        killed(Case { method, before: &[FIRST, SECOND], stopped: DELETE, next: DELETE });
    }
}

/// A signal: the call in hand is done, and what is live is told; nothing is begun, nothing goes back.
fn interrupted(case: Case) {
    let signals = [Fault::SignalBefore(Signal::TERM), Fault::SignalAfter(Signal::INT)];
    case.at_each_call(&signals, |bench, index, calls, ran| {
        let status = [143, 130][index % 2];
        let made = bench.ecs.calls();
        if ran.status == 0 {
            assert_eq!(made.len(), calls.len(), "a signal was not heeded");
            assert_eq!(index + 1, calls.len(), "{}", ran.err());
            return;
        }
        assert_eq!(ran.status, status, "{}", ran.err());
        let after: Vec<&str> = made[index + 1..].iter().map(|call| call.action.as_str()).collect();
        assert!(after.is_empty() || after == ["DescribeServices"], "{after:?}: {}", ran.err());
        assert_eq!(made[index].error, None);
        let told = last(ran);
        let ends = ["live: ", "; nothing was changed", "the new version serves", "interrupted by signal"];
        assert!(told.contains(&format!("interrupted by signal {}", status - 128)), "{told}");
        assert!(ends.iter().any(|end| told.contains(end)), "{told}");
        assert!(!ran.err().contains("comes back"), "{}", ran.err());
    });
}

#[test]
fn signals_end_a_blue_green_between_two_calls() {
    interrupted(Case { method: "blueGreen", before: &[FIRST], stopped: SECOND, next: SECOND });
}

#[test]
fn signals_end_changes_in_place_between_two_calls() {
    for method in ["upgrade", "replace"] {
        interrupted(Case { method, before: &[FIRST], stopped: SECOND, next: SECOND });
    }
}

#[test]
fn what_is_live_is_told_at_a_signal() {
    let case = Case { method: "blueGreen", before: &[FIRST], stopped: SECOND, next: SECOND };
    let mut told = String::new();
    for call in
        ["DescribeServices d-m-1,d-m-2", "CreateService d-m-2*", "UpdateService d-m-1 count=0", "DeleteService*"]
    {
        let mut bench = case.bench();
        bench.ecs.change(|scenario| scenario.fault(call, When::First(1), Fault::SignalBefore(Signal::TERM)));
        told.push_str(&format!("{}\n", last(&bench.run(SECOND))));
    }
    let bench = case.bench();
    let mut deletion = bench;
    deletion.ecs.change(|scenario| scenario.fault("UpdateService*", When::First(1), Fault::SignalBefore(Signal::INT)));
    told.push_str(&format!("{}\n", last(&deletion.run(DELETE))));
    insta::assert_snapshot!(told, @r"
    shipctl: m: interrupted by signal 15; live: d-m-1 on d-m:1: 2 of 2 tasks run; deploy again to go on
    shipctl: m: interrupted by signal 15; live: d-m-1 on d-m:1: 2 of 2 tasks run, d-m-2 on d-m:2: 0 of 2 tasks run; deploy again to go on
    shipctl: m: interrupted by signal 15; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 2 of 0 tasks run, d-m-2 on d-m:2: 2 of 2 tasks run)
    shipctl: m: interrupted by signal 15; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 0 of 0 tasks run, d-m-2 on d-m:2: 2 of 2 tasks run)
    shipctl: m: interrupted by signal 2; live: d-m-1 on d-m:1: 2 of 0 tasks run; run it again to go on
    ");
}

/// A second deployment, stopped for a while where it registers its task definition.
fn held_at_registration(bench: &mut Bench) -> Child {
    bench.ecs.forget_calls();
    let stop = Fault::SignalBefore(Signal::STOP);
    bench.ecs.change(|scenario| scenario.fault("RegisterTaskDefinition", When::Nth(1), stop));
    bench.sandbox.set("SHIPCTL_CLOCK", bench.ecs.clock());
    let mut command = bench.sandbox.command(bench.sandbox.path("bin/shipctl"));
    command.args(["ecs"]).args(SECOND.split(' ')).arg("--ambient").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let began = Instant::now();
    while !fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") T ") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", bench.ecs.transcript());
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// What becomes of it then.
fn goes_on(held: Child) -> Ran {
    kill_process(Pid::from_raw(i32::try_from(held.id()).unwrap()).unwrap(), Signal::CONT).unwrap();
    Ran::of(held.wait_with_output().unwrap())
}

#[test]
fn a_memory_that_somebody_else_has_changed_is_not_overwritten() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    let held = held_at_registration(&mut bench);
    let memory: Value = serde_json::from_slice(&bench.sandbox.read(MEMORY)).unwrap();
    let others = serde_json::to_string_pretty(&memory).unwrap() + "\n\n";
    bench.sandbox.write(MEMORY, &others);
    let ran = goes_on(held);
    assert!(bench.ecs.calls_of("CreateService").is_empty(), "{}", bench.ecs.transcript());
    assert_eq!(String::from_utf8(bench.sandbox.read(MEMORY)).unwrap(), others);
    let told = last(&ran).replace(&*bench.sandbox.root().to_string_lossy(), "[root]");
    insta::assert_snapshot!(format!("{} {told}", ran.status), @"20 shipctl: m: jobs/d/deployed.json in the store [root]/work/.shipctl has been changed by somebody else meanwhile: run this again; live: d-m-1 on d-m:1: 2 of 2 tasks run; deploy again to go on");
}

#[test]
fn the_second_of_two_is_told_who_deploys() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    let first = held_at_registration(&mut bench);
    let calls = bench.ecs.calls().len();
    for words in ["deploy d --build-number 3", "scale d 3", "rollback d --build-number 3", DELETE] {
        let words: Vec<&str> = ["ecs"].into_iter().chain(words.split(' ')).chain(["--ambient"]).collect();
        let second = bench.sandbox.shipctl(&words);
        assert_eq!((second.status, second.out()), (1, String::new()), "{words:?}: {}", second.err());
        assert!(second.err().contains(&format!("by process {} on ", first.id())), "{words:?}: {}", second.err());
        assert_eq!(second.err().lines().count(), 1, "{}", second.err());
    }
    assert_eq!(bench.ecs.calls().len(), calls, "{}", bench.ecs.transcript());
    let first = goes_on(first);
    assert_eq!(first.status, 0, "{}", first.err());
    assert_eq!(bench.ecs.service("d-m-2").unwrap().running, 2);
    // The turn has been given back.
    assert_eq!(bench.run(SECOND).status, 0);
}

/// Milliseconds since 1970.
fn millis(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn the_turn_of_another_machine_is_waited_for() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    let mut lease: Value = serde_json::from_slice(&bench.sandbox.read(LEASE)).unwrap();
    assert_eq!(lease["ends"], 0, "{lease}");
    let elsewhere = json!({"boot": "another machine", "namespace": "pid:[1]", "id": 7, "began": "1"});
    let changes = json!({"holder": "process 7 on builder", "token": "another", "endsAt": "2026-01-02T03:06:05.000Z"});
    for (key, value) in changes.as_object().unwrap() {
        lease[key] = value.clone();
    }
    for process in [elsewhere, Value::Null] {
        lease["process"] = process;
        lease["ends"] = millis(SystemTime::now() + Duration::from_mins(10)).into();
        bench.sandbox.write(LEASE, lease.to_string());
        let ran = bench.run(SECOND);
        assert_eq!((ran.status, bench.ecs.calls().len()), (1, 0), "{}", ran.err());
        insta::allow_duplicates! { insta::assert_snapshot!(ran.err(), @r"
          0:00 note: what job d deploys is being changed by process 7 on builder, until 2026-01-02T03:06:05.000Z at the latest: whether that is still at work is waited for
        shipctl: what job d deploys is being changed by process 7 on builder, until 2026-01-02T03:06:05.000Z at the latest: nothing was begun; wait for it, and deploy again
        "); }
    }
    // It is over: nobody has renewed it.
    lease["ends"] = millis(SystemTime::now() - Duration::from_secs(1)).into();
    bench.sandbox.write(LEASE, lease.to_string());
    assert_eq!(bench.run(SECOND).status, 0);
}

#[test]
fn nothing_is_called_that_cannot_be_written_down() {
    let mut bench = bench("blueGreen", Around::Nothing);
    let words = ["ecs", "deploy", "d", "--build-number", "2", "--image", "web=v2", "--ambient"];
    // No folder can be made.
    let ran = bench.sandbox.shipctl_as_nobody(&words);
    assert_eq!((ran.status, ran.err().lines().count()), (1, 1), "{}", ran.err());
    assert!(ran.err().contains(".shipctl") && ran.err().contains("ermission denied"), "{}", ran.err());
    assert!(bench.ecs.calls().is_empty(), "{}", bench.ecs.transcript());
    bench.deploys(1, "");
    bench.ecs.forget_calls();
    // There is one that can be read alone.
    let ran = bench.sandbox.bash("chmod -R a+rX,a-w .shipctl");
    assert_eq!(ran.status, 0);
    let ran = bench.sandbox.shipctl_as_nobody(&words);
    assert_eq!((ran.status, ran.err().lines().count()), (1, 1), "{}", ran.err());
    assert!(ran.err().contains("ermission denied"), "{}", ran.err());
    assert!(bench.ecs.calls().is_empty(), "{}", bench.ecs.transcript());
    // The disk is full.
    let ran = bench.sandbox.bash(&format!("ulimit -c 0; ulimit -f 0; trap '' XFSZ; shipctl {}", words.join(" ")));
    assert_eq!((ran.status, ran.err().lines().count()), (1, 1), "{}", ran.err());
    assert!(ran.err().contains("jobs/d/deployment-lease"), "{}", ran.err());
    assert!(bench.ecs.calls().is_empty(), "{}", bench.ecs.transcript());
    fs::set_permissions(bench.sandbox.path("work/.shipctl"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(bench.run(SECOND).status, 0);
}

#[test]
fn a_damaged_memory_is_told_with_its_cure() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    let whole = bench.sandbox.read(MEMORY);
    for damage in [&whole[..whole.len() / 2], b"", br#"{"services": [{"manifest": "m"}]}"#] {
        bench.sandbox.write(MEMORY, damage);
        for words in [SECOND, "plan d", "status d", "scale d 3", "rollback d", DELETE] {
            let ran = match words {
                "plan d" | "status d" => {
                    let words: Vec<&str> = ["ecs"].into_iter().chain(words.split(' ')).collect();
                    bench.ecs.forget_calls();
                    bench.sandbox.shipctl(&words)
                }
                _ => bench.run(words),
            };
            assert_eq!(
                (ran.status, ran.out(), bench.ecs.calls().len()),
                (8, String::new(), 0),
                "{words}: {}",
                ran.err()
            );
            assert!(ran.err().contains("jobs/d/deployed.json"), "{words}: {}", ran.err());
            assert!(ran.err().contains("restore it, or remove it"), "{words}: {}", ran.err());
            assert_eq!(bench.sandbox.read(MEMORY), damage, "{words}");
        }
    }
    bench.sandbox.write(MEMORY, whole);
    assert_eq!(bench.run(SECOND).status, 0);
}
