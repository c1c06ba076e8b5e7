//! Versions and states between runs, in a folder and in a bucket of moto: through the library, and looked into by the
//! binary.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use shipctl::ctx::Env;
use shipctl::error::Kind;
use shipctl::store::{Draft, Location, Owner, RunId, RunPlan, Store};
use shipctl::support::stop::Stop;

use crate::harness::Sandbox;
use crate::moto::{self, Moto};

/// One that checks what its users may.
static ENFORCING: LazyLock<Moto> = LazyLock::new(|| {
    Moto::start(
        r#"
client("s3").create_bucket(Bucket="team")
iam = client("iam")
for name, actions in [("ci", ["s3:*"]), ("reader", ["s3:GetObject", "s3:ListBucket"]), ("nobody", ["sts:*"])]:
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    made[name] = {k: v for k, v in iam.create_access_key(UserName=name)["AccessKey"].items() if isinstance(v, str)}
from moto import settings
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
"#,
    )
});

fn open(sandbox: &Sandbox, location: &str) -> Store {
    let location = Location::parse(location.as_ref(), &sandbox.cwd).unwrap();
    Store::open(&location, &Env::Fixed(sandbox.env.clone()), SystemTime::now).unwrap()
}

fn image() -> Owner {
    Owner::Resource("app-img".to_owned())
}

fn job() -> Owner {
    Owner::Job("build".to_owned())
}

fn draft(name: &str, bag: Value) -> Draft {
    Draft { version_name: Some(name.to_owned()), property_bag: bag.as_object().unwrap().clone(), ..Draft::default() }
}

fn run(build_number: &str, token: &str) -> RunId {
    RunId { job: "build".to_owned(), build_number: build_number.to_owned(), token: token.to_owned() }
}

fn plan(name: &str) -> RunPlan {
    let draft = || draft(name, json!({"sourceName": "org/img", "sha": name}));
    RunPlan {
        status: "success".to_owned(),
        inputs: vec![],
        outputs: vec![(image(), draft()), (job(), draft()), (image(), draft())],
    }
}

/// Both kinds of store, each empty: in a sandbox whose environment it needs.
fn both(name: &str) -> [(Sandbox, String); 2] {
    [(Sandbox::new(), "there/.shipctl".to_owned()), (moto::bucket().sandbox("ci"), format!("s3://team/{name}"))]
}

#[test]
fn what_one_run_leaves_another_finds() {
    for (sandbox, location) in both("finds") {
        let store = open(&sandbox, &location);
        sandbox.write("from/a/b.txt", "left by the first\n");
        sandbox.write("from/run.sh", "#!/bin/sh\n");
        let sha = store.save_state(&job(), &sandbox.path("from")).unwrap();
        let outputs = vec![
            (job(), draft("rel-1", json!({"sha": sha}))),
            (image(), draft("master.7", json!({"sourceName": "org/img"}))),
        ];
        let plan = RunPlan { status: "success".to_owned(), inputs: vec![], outputs };
        assert!(!store.commit_run(&run("7", "t"), &plan).unwrap().already, "{location}");
        // Another process.
        let store = open(&sandbox, &location);
        assert!(store.commit_run(&run("7", "t"), &plan).unwrap().already, "{location}");
        assert_eq!(store.latest_state("build").unwrap(), Some(sha.clone()), "{location}");
        store.fetch_state(&job(), &sha, &sandbox.path("to")).unwrap();
        assert_eq!(sandbox.read("to/a/b.txt"), b"left by the first\n", "{location}");
        assert_eq!(store.latest(&image()).unwrap().unwrap().version_name.as_deref(), Some("master.7"), "{location}");
        assert_eq!(
            (store.next_build_number("x").unwrap(), store.next_build_number("x").unwrap()),
            (1, 2),
            "{location}"
        );
        for name in ["a b/ü%2F", "..", "x#1", "+&?"] {
            let odd = Owner::Resource(name.to_owned());
            for version in ["1", "2"] {
                store.create(&odd, &draft(version, json!({}))).unwrap();
            }
            assert_eq!(store.versions(&odd).unwrap().len(), 2, "{name} in {location}");
            assert_eq!(store.latest(&odd).unwrap().unwrap().version_number, 2, "{name} in {location}");
        }
        let lease = store.lease("build", "a", Duration::from_mins(1)).unwrap();
        assert!(store.lease("build", "b", Duration::from_mins(1)).unwrap_err().to_string().contains("run by a"));
        lease.release().unwrap();
        drop(store.lease("build", "b", Duration::from_mins(1)).unwrap());
    }
}

/// The thread that renews it and the work use one store at the same time.
#[test]
fn a_lease_is_renewed_beside_the_work() {
    for (sandbox, location) in both("renewed") {
        let (store, stop) = (open(&sandbox, &location), Stop::default());
        // Over before the work is done, unless it is renewed.
        let ttl = Duration::from_secs(4);
        let lease = store.lease("build", "a", ttl).unwrap();
        let first_end = lease.ends();
        let keeper = lease.keep(Duration::from_millis(20), stop.clone()).unwrap();
        let mut number = 0;
        while SystemTime::now() < first_end + Duration::from_millis(200) {
            number += 1;
            let made = store.create(&image(), &draft(&number.to_string(), json!({}))).unwrap();
            assert_eq!(made.version_number, number, "{location}");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(stop.reason(), None, "{location}");
        assert!(store.lease("build", "b", ttl).unwrap_err().to_string().contains("run by a"), "{location}");
        keeper.release().unwrap();
        store.lease("build", "b", ttl).unwrap().release().unwrap();
    }
}

#[test]
fn machines_that_finish_at_once_share_no_number() {
    const RUNS: usize = 12;
    for (sandbox, location) in both("at-once") {
        std::thread::scope(|scope| {
            for index in 0..RUNS {
                let (sandbox, location) = (&sandbox, &location);
                scope.spawn(move || {
                    let id = run(&index.to_string(), &format!("t{index}"));
                    open(sandbox, location).commit_run(&id, &plan("same")).unwrap();
                });
            }
        });
        let store = open(&sandbox, &location);
        let versions = store.versions(&image()).unwrap();
        let numbers: Vec<u64> = versions.iter().map(|version| version.version_number).collect();
        assert_eq!(numbers, (1..=2 * RUNS as u64).collect::<Vec<_>>(), "{location}");
        let makers: BTreeSet<_> = versions.iter().map(|it| it.run.clone().unwrap().build_number).collect();
        assert_eq!((makers.len(), store.versions(&job()).unwrap().len()), (RUNS, RUNS), "{location}");
        assert_eq!(store.latest(&image()).unwrap().unwrap().version_number, 2 * RUNS as u64, "{location}");
    }
}

/// Where [`a_child_that_commits`] commits, and what; nothing for a test run itself.
const CHILD: &str = "SHIPCTL_TEST_COMMIT";

/// Not a test of its own: the process that others kill.
#[test]
fn a_child_that_commits() {
    let Some(told) = std::env::var_os(CHILD) else { return };
    let told = told.into_string().unwrap();
    let (location, build_number) = told.split_once(' ').unwrap();
    let name = if build_number == "full" { "n".repeat(5000) } else { build_number.to_owned() };
    let location = Location::parse(location.as_ref(), &std::env::current_dir().unwrap()).unwrap();
    let store = Store::open(&location, &Env::Process, SystemTime::now).unwrap();
    println!("\nready");
    store.commit_run(&run(build_number, "t"), &plan(&name)).unwrap();
}

/// Kills commits at random moments, up to `longest` after they began.
fn kill(sandbox: &Sandbox, location: &str, kills: u32, longest: Duration) {
    let mut random = u64::from(std::process::id()) | 1;
    let mut dead = 0;
    for round in 1..=kills {
        let number = round.to_string();
        let mut child = sandbox.command(std::env::current_exe().unwrap());
        child.args(["store::a_child_that_commits", "--exact", "--nocapture"]).stdout(Stdio::piped());
        child.env(CHILD, format!("{location} {number}")).stderr(Stdio::null());
        let mut child: std::process::Child = Command::spawn(&mut child).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(longest / 1000 * u32::try_from((random >> 40) % 1000).unwrap());
        child.kill().unwrap();
        dead += u32::from(!child.wait().unwrap().success());

        let store = open(sandbox, location);
        let of_this = |owner: &Owner| {
            let versions = store.versions(owner).unwrap();
            versions.iter().filter(|it| it.version_name.as_deref() == Some(&*number)).count()
        };
        let there = (of_this(&image()), of_this(&job()));
        assert!(there == (0, 0) || there == (2, 1), "round {round} of {location}: {there:?}");
        let again = store.commit_run(&run(&number, "t"), &plan(&number)).unwrap();
        assert_eq!(again.already, there != (0, 0), "round {round} of {location}");
        assert_eq!((of_this(&image()), of_this(&job())), (2, 1), "round {round} of {location}");
        let newest = store.latest(&job()).unwrap().unwrap();
        assert_eq!(
            (newest.version_name, newest.version_number),
            (Some(number.clone()), u64::from(round)),
            "{location}"
        );
    }
    assert!(dead > kills / 20, "{dead} of {kills} were killed in time");
}

#[test]
fn killed_commits_leave_all_or_nothing() {
    let [(folder, there), (bucket, key)] = both("killed");
    kill(&folder, &there, 170, Duration::from_millis(8));
    kill(&bucket, &key, 30, Duration::from_millis(250));
}

/// A limit on the size of files is a full disk.
#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let mut sandbox = Sandbox::new();
    open(&sandbox, "store").create(&image(), &draft("1.0", json!({}))).unwrap();
    sandbox.set(CHILD, "store full").set("BINARY", std::env::current_exe().unwrap());
    let script = "ulimit -c 0; ulimit -f 1; trap '' XFSZ; \
        exec \"$BINARY\" store::a_child_that_commits --exact --nocapture";
    let ran = sandbox.bash(script);
    assert!(ran.status != 0, "{}", ran.out());
    let told = ran.out() + &ran.err();
    let path = sandbox.path("work/store/resources/app-img/versions/2.json");
    assert!(told.contains("File too large") && told.contains(path.to_str().unwrap()), "{told}");
    let store = open(&sandbox, "store");
    assert_eq!((store.versions(&image()).unwrap().len(), store.run("build", "full").unwrap()), (1, None));
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["1.json"]);
    assert!(!store.commit_run(&run("full", "t"), &plan("small")).unwrap().already);
    assert_eq!(store.latest(&image()).unwrap().unwrap().version_number, 3);
}

#[test]
fn a_large_state_is_sent_in_parts() {
    let sandbox = moto::bucket().sandbox("ci");
    let store = open(&sandbox, "s3://team/large");
    let mut random = 1_u64;
    let noise = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(18 << 20).collect();
    sandbox.write("from/noise", &noise);
    let sha = store.save_state(&job(), &sandbox.path("from")).unwrap();
    assert_eq!(store.states(&job()).unwrap()[0].sha, sha);
    store.fetch_state(&job(), &sha, &sandbox.path("to")).unwrap();
    assert!(sandbox.read("to/noise") == noise);
}

/// Three versions of an image, the third of which is of a run, and a job with a state.
fn filled(sandbox: &Sandbox, location: &str) -> String {
    let store = open(sandbox, location);
    for name in ["1.0", "1.1"] {
        store.create(&image(), &draft(name, json!({"sourceName": "org/img"}))).unwrap();
    }
    sandbox.write("from/x", "x");
    let sha = store.save_state(&job(), &sandbox.path("from")).unwrap();
    let outputs =
        vec![(image(), draft("1.0", json!({"sourceName": "org/img"}))), (job(), draft("rel", json!({"sha": sha})))];
    store.commit_run(&run("7", "t"), &RunPlan { outputs, ..RunPlan::default() }).unwrap();
    sha
}

#[test]
fn versions_are_looked_into() {
    for (mut sandbox, location) in both("looked-into") {
        filled(&sandbox, &location);
        let listed = sandbox.shipctl(["version", "list", "app-img", "--store", &location]).out();
        let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines.iter().map(|line| line[..2].join(" ")).collect::<Vec<_>>(),
            ["NO. VERSION", "1 1.0", "2 1.1", "3 1.0"]
        );
        sandbox.set("SHIPCTL_STORE", &location);
        let version = |words: &[&str]| sandbox.shipctl([&["version"], words].concat());
        let number = |words: &[&str]| {
            let ran = version(words);
            assert_eq!(ran.status, 0, "{words:?}: {}", ran.err());
            serde_json::from_str::<Value>(&ran.out()).unwrap()["versionNumber"].as_u64()
        };
        assert_eq!(number(&["show", "app-img"]), Some(3));
        assert_eq!(number(&["show", "app-img", "2"]), Some(2));
        assert_eq!(number(&["show", "app-img", "--name", "1.0"]), Some(3));
        assert_eq!(number(&["show", "--job", "build"]), Some(1));
        let list: Value = serde_json::from_str(&version(&["list", "app-img", "--json", "--limit", "2"]).out()).unwrap();
        assert_eq!((list[0]["versionNumber"].as_u64(), list.as_array().unwrap().len()), (Some(2), 2));
        version(&["show", "app-img", "9"]).fails(8, "resource app-img has no version 9");
        version(&["show", "build"]).fails(8, "resource build has no versions");
        version(&["pin", "app-img"]).fails(1, "no version of resource app-img is pinned");
        version(&["pin", "app-img", "--name", "1.1"]).prints("");
        version(&["pin", "app-img"]).prints("2\n");
        assert!(version(&["list", "app-img"]).out().lines().nth(2).unwrap().ends_with("pinned"));
        version(&["pin", "app-img", "7"]).fails(8, "no version 7");
        version(&["pin", "app-img", "--remove"]).prints("");
        version(&["pin", "app-img", "--remove"]).prints("");
        version(&["pin", "app-img"]).fails(1, "is pinned");
        version(&["pin", "app-img", "1", "--remove"]).fails(2, "--remove");
    }
}

#[test]
fn states_are_looked_into() {
    for (mut sandbox, location) in both("states") {
        let sha = filled(&sandbox, &location);
        sandbox.set("SHIPCTL_STORE", &location);
        let state = |words: &[&str]| sandbox.shipctl([&["state"], words].concat());
        let listed = state(&["list", "--job", "build"]).out();
        assert!(listed.contains(&sha) && listed.lines().nth(1).unwrap().ends_with("latest"), "{listed}");
        let list: Value = serde_json::from_str(&state(&["list", "--job", "build", "--json"]).out()).unwrap();
        assert_eq!((&list[0]["sha"], &list[0]["isLatest"]), (&json!(sha), &json!(true)));
        state(&["get", "--job", "build"]).prints("");
        assert_eq!(sandbox.read("work/build/x"), b"x");
        state(&["get", "--job", "build", "--sha", &sha[..8], "--out", "other/place"]).prints("");
        assert_eq!(sandbox.read("work/other/place/x"), b"x");
        state(&["get", "--job", "build"]).fails(1, "is not empty");
        state(&["get", "--job", "build", "--sha", "0123", "--out", "no"]).fails(8, "job build has no state 0123");
        state(&["get", "app-img"]).fails(8, "resource app-img has no state");
        assert!(!sandbox.path("work/no").exists());
        let nothing = state(&["list", "none"]);
        assert_eq!((nothing.status, nothing.out()), (0, String::new()));
        assert!(nothing.err().contains("resource none has no states"), "{}", nothing.err());
    }
}

#[test]
fn stores_that_cannot_be_used_say_why() {
    let list = |sandbox: &Sandbox, store: &str| sandbox.shipctl(["version", "list", "x", "--store", store]);
    let ci = moto::bucket().sandbox("ci");
    list(&ci, "s3://no-such-bucket/p").fails(8, "create the bucket");
    list(&ci, "gs://team").fails(2, "s3://BUCKET/PREFIX");
    list(&ci, "").fails(2, "the store");

    let mut nowhere = moto::bucket().sandbox("ci");
    nowhere.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    let ran = list(&nowhere, "s3://team/p");
    ran.fails(7, "s3://team/p at http://127.0.0.1:9");
    assert!(ran.err().contains("onnection refused"), "{}", ran.err());

    let mut without = Sandbox::new();
    moto::bucket().settle_in(&mut without);
    list(&without, "s3://team/p").fails(3, "no AWS credentials for the store s3://team");

    let full = Sandbox::new();
    full.write("work/file", "");
    list(&full, "file").fails(8, "is a file");
    full.write("work/s/resources/x/versions/1.json", "{broken");
    list(&full, "s").fails(8, "resources/x/versions/1.json in the store");
}

#[test]
fn what_is_not_allowed_is_said() {
    let reader = ENFORCING.sandbox("reader");
    let ci = ENFORCING.sandbox("ci");
    filled(&ci, "s3://team/p");
    let read = reader.shipctl(["version", "show", "app-img", "--store", "s3://team/p"]);
    assert_eq!(read.status, 0, "{}", read.err());
    let pin = reader.shipctl(["version", "pin", "app-img", "1", "--store", "s3://team/p"]);
    pin.fails(4, "cannot write resources/app-img/pin in s3://team/p");
    assert!(pin.err().contains("s3:PutObject"), "{}", pin.err());
    let list = ENFORCING.sandbox("nobody").shipctl(["version", "list", "x", "--store", "s3://team/p"]);
    list.fails(4, "s3://team/p");
    let mut wrong = ENFORCING.sandbox("ci");
    wrong.set("AWS_SECRET_ACCESS_KEY", "not the secret");
    let ran = wrong.shipctl(["version", "list", "x", "--store", "s3://team/p"]);
    ran.fails(5, "renew the credentials");
    assert!(!ran.err().contains("not the secret"), "{}", ran.err());
}

#[test]
fn a_bucket_that_cannot_be_reached_fails_in_the_library_too() {
    let mut nowhere = moto::bucket().sandbox("ci");
    nowhere.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    let store = open(&nowhere, "s3://team/p");
    let error = store.commit_run(&run("1", "t"), &plan("n")).unwrap_err();
    assert_eq!(error.kind(), Kind::Network, "{error}");
    fs::create_dir(nowhere.path("from")).unwrap();
    assert_eq!(store.save_state(&job(), &nowhere.path("from")).unwrap_err().kind(), Kind::Network);
}
