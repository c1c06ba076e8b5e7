//! Deployments that are killed or interrupted at each of their calls, and how the next one goes on.

use rustix::process::Signal;
use serde_json::Value;

use crate::ecs_jobs::{Bench, Yml, last, notes};
use crate::ecs_plan::{Around, bench};
use crate::ecs_server::{Call, Fault, Scenario, When};
use crate::harness::Ran;

const MEMORY: &str = "work/.shipctl/jobs/d/deployed.json";
const FIRST: &str = "deploy d --build-number 1";
const SECOND: &str = "deploy d --build-number 2 --image web=v2";
const DELETE: &str = "delete d";

/// Something that is stopped in its middle, what went before, and what is done then.
#[derive(Debug, Clone, Copy)]
struct Case {
    method: &'static str,
    before: &'static [&'static str],
    stopped: &'static str,
    next: &'static str,
}

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
    let mut revisions: Vec<&str> = there.iter().filter_map(|line| line.strip_prefix("task definition ")).collect();
    revisions.sort_unstable();
    let mut settled = Vec::new();
    for line in there {
        let (start, name) = line.rsplit_once(' ').unwrap();
        match revisions.iter().position(|known| *known == name) {
            Some(place) => settled.push(format!("{start} revision {place}\n")),
            None => settled.push(format!("{line}\n")),
        }
    }
    settled.sort();
    settled.concat()
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

#[test]
fn a_killed_deployment_of_several_manifests_is_gone_on_with() {
    let yml = Yml {
        jobs: "  - {name: n, type: manifest, steps: [{IN: web}]}\n",
        deploy: ", {IN: n}",
        job: ", workflow: parallel",
        ..Yml::default()
    };
    let deployed = || {
        let mut bench = Bench::of(Scenario::new(), yml);
        bench.deploys(1, "");
        bench
    };
    let mut undisturbed = deployed();
    undisturbed.deploys(2, "--image web=v2");
    let calls = undisturbed.ecs.calls().len();
    let undisturbed = settled(&undisturbed.ecs.world());
    for nth in (1..=calls).step_by(2) {
        let mut bench = deployed();
        let kill = KILLS[nth / 2 % 2].clone();
        bench.ecs.change(|scenario| scenario.fault("*", When::Nth(nth), kill));
        let ran = bench.run(SECOND);
        // How often each waits for the other's looks differs.
        assert!(matches!(ran.status, 0 | 137), "{}", ran.err());
        let story = format!("killed at call {nth}\n{}{}", ran.err(), bench.ecs.transcript());
        bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        let next = bench.run(SECOND);
        assert_eq!(next.status, 0, "{story}then\n{}", next.err());
        let pruned = bench.run(&format!("{SECOND} --prune"));
        assert_eq!((pruned.status, settled(&bench.ecs.world())), (0, undisturbed.clone()), "{story}{}", pruned.err());
    }
}

/// What is there of services and their scaling, on whatever revision.
fn serving(world: &str) -> Vec<&str> {
    let there = world.lines().filter(|line| !line.starts_with("task definition "));
    there.map(|line| line.rsplit_once(" d-m:").map_or(line, |(line, _)| line)).collect()
}

/// A deployment of what serves brings it back where a replacement was stopped in its middle.
#[test]
fn what_a_stopped_replacement_has_stopped_comes_back() {
    for (around, stopped) in
        [(Around::All, SECOND), (Around::Nothing, SECOND), (Around::Nothing, "deploy d --build-number 2 --force")]
    {
        let deployed = || {
            let mut bench = bench("replace", around);
            bench.deploys(1, "");
            bench
        };
        let mut undisturbed = deployed();
        let world = undisturbed.ecs.world();
        assert_eq!(undisturbed.run(stopped).status, 0);
        let calls = undisturbed.ecs.calls();
        for (index, call) in calls.iter().enumerate() {
            if index > 0 && calls[index - 1].line() == call.line() {
                continue;
            }
            let mut bench = deployed();
            let fault = [Fault::SignalAfter(Signal::KILL), Fault::SignalAfter(Signal::TERM)][index % 2].clone();
            let story = format!("{fault:?} at {}", call.line());
            bench.ecs.change(|scenario| scenario.fault("*", When::Nth(index + 1), fault));
            bench.run(stopped);
            bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
            bench.ecs.pass(60);
            let ran = bench.deploys(3, "");
            assert_eq!(serving(&bench.ecs.world()), serving(&world), "{story}\n{}", ran.err());
            // And then it has not changed.
            bench.deploys(4, "");
            assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{story}\n{}", bench.ecs.transcript());
            // To run no task is as good, where somebody asks for it.
            assert_eq!(bench.run("scale d 0").status, 0);
            bench.deploys(5, "");
            assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{story}\n{}", bench.ecs.transcript());
        }
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
        told.extend([last(&bench.run(SECOND)), "\n".to_owned()]);
    }
    let bench = case.bench();
    let mut deletion = bench;
    deletion.ecs.change(|scenario| scenario.fault("UpdateService*", When::First(1), Fault::SignalBefore(Signal::INT)));
    told.extend([last(&deletion.run(DELETE)), "\n".to_owned()]);
    insta::assert_snapshot!(told, @r"
    shipctl: m: interrupted by signal 15; live: d-m-1 on d-m:1: 2 of 2 tasks run; deploy again to go on
    shipctl: m: interrupted by signal 15; live: d-m-1 on d-m:1: 2 of 2 tasks run, d-m-2 on d-m:2: 0 of 2 tasks run; deploy again to go on
    shipctl: m: interrupted by signal 15; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 2 of 0 tasks run, d-m-2 on d-m:2: 2 of 2 tasks run)
    shipctl: m: interrupted by signal 15; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 0 of 0 tasks run, and is being deleted, d-m-2 on d-m:2: 2 of 2 tasks run)
    shipctl: m: interrupted by signal 2; live: d-m-1 on d-m:1: 2 of 0 tasks run; run it again to go on
    ");
}
