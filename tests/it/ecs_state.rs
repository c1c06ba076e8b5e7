//! What a deployment remembers: held by one at a time, and written before anything is called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::ecs_jobs::{Bench, last};
use crate::ecs_plan::{Around, bench};
use crate::ecs_server::{Fault, When};
use crate::harness::Ran;

const LEASE: &str = "work/.shipctl/jobs/d/deployment-lease";
const MEMORY: &str = "work/.shipctl/jobs/d/deployed.json";
const SECOND: &str = "deploy d --build-number 2 --image web=v2";
const DELETE: &str = "delete d";

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
    for damage in [&whole[..whole.len() / 2], b"", b"[]", br#"{"services": [{"manifest": "m"}]}"#] {
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
