//! Sessions kept between processes: one call for many callers, nothing that breaks it, nothing that leaks.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::harness::{Ran, Sandbox};
use crate::scripted_sts::{Answer, BASE_SECRET, SESSION_SECRET, SESSION_TOKEN, Sts, assume_role, printed, session_id};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("home/.cache/shipctl")
}

/// The entries of the cache.
fn entries(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(read) = fs::read_dir(folder(sandbox)) else { return Vec::new() };
    let paths = read.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension() == Some(OsStr::new("json"))).collect()
}

#[track_caller]
fn entry(sandbox: &Sandbox) -> PathBuf {
    let mut entries = entries(sandbox);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

fn start(sandbox: &Sandbox, words: &[&str]) -> Child {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> Ran {
    Ran::of(child.wait_with_output().unwrap())
}

/// The access key id of the session that a run gives.
#[track_caller]
fn given(sandbox: &Sandbox, more: &[&str]) -> String {
    let ran = sandbox.shipctl(assume_role(more));
    assert_eq!(ran.err(), "");
    printed(&ran)["accessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn ten_cold_starts_are_one_call() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let running: Vec<Child> = (0..10).map(|_| start(&sandbox, &assume_role(&[]))).collect();
    for child in running {
        assert_eq!(printed(&ended(child))["accessKeyId"], session_id(1));
    }
    sts.only();
    assert_eq!(given(&sandbox, &[]), session_id(1));
    sts.only();
}

#[test]
fn a_kept_session_is_told_as_fully_as_a_new_one() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let (new, kept) = (sandbox.shipctl(assume_role(&[])), sandbox.shipctl(assume_role(&[])));
    assert_eq!(printed(&new), printed(&kept));
    sts.only();
}

#[test]
fn without_the_cache_every_run_asks_and_keeps_nothing() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    assert_eq!(given(&sandbox, &["--no-cache"]), session_id(1));
    assert_eq!(given(&sandbox, &["--no-cache"]), session_id(2));
    assert!(!folder(&sandbox).exists());
}

#[test]
fn a_chain_is_kept_hop_by_hop() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let inner = ["--role-arn", "arn:aws:iam::210987654321:role/inner"];
    assert_eq!(given(&sandbox, &inner), session_id(2));
    assert_eq!(given(&sandbox, &inner), session_id(2));
    assert_eq!(given(&sandbox, &[]), session_id(1));
    assert_eq!(sts.calls().len(), 2);
}

#[test]
fn files_are_private_whatever_the_umask() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let words = assume_role(&[]).join(" ");
    assert_eq!(sandbox.bash(&format!("umask 000; shipctl {words}")).status, 0);
    assert_eq!(mode(&folder(&sandbox)), 0o700);
    for file in fs::read_dir(folder(&sandbox)).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    // What others could read in the meantime is not theirs to keep reading.
    fs::set_permissions(folder(&sandbox), Permissions::from_mode(0o777)).unwrap();
    given(&sandbox, &[]);
    assert_eq!(mode(&folder(&sandbox)), 0o700);
}

/// What is done to an entry before the next run.
type Harm = (&'static str, fn(&Path));

const HARMS: [Harm; 12] = [
    ("empty", |path| fs::write(path, "").unwrap()),
    ("no JSON", |path| fs::write(path, "\0\u{1}garbage").unwrap()),
    ("cut short", |path| {
        let text = fs::read(path).unwrap();
        fs::write(path, &text[..text.len() / 2]).unwrap();
    }),
    ("other JSON", |path| fs::write(path, "[]").unwrap()),
    ("without a token", |path| edit(path, "sessionToken", "")),
    ("without an id", |path| edit(path, "accessKeyId", "")),
    ("without a secret", |path| edit(path, "secretAccessKey", "")),
    ("another's", |path| std::os::unix::fs::chown(path, Some(4242), Some(4242)).unwrap()),
    ("world-readable", |path| fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap()),
    ("a link", |path| {
        let elsewhere = path.with_extension("elsewhere");
        fs::rename(path, &elsewhere).unwrap();
        symlink(elsewhere, path).unwrap();
    }),
    ("a folder", |path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
        fs::write(path.join("in it"), "").unwrap();
    }),
    ("far too long", |path| fs::write(path, vec![b' '; 1 << 20]).unwrap()),
];

fn edit(path: &Path, field: &str, value: &str) {
    let mut entry: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(entry[field].is_string(), "{entry}");
    entry[field] = value.into();
    fs::write(path, entry.to_string()).unwrap();
}

#[test]
fn an_entry_that_cannot_be_used_is_replaced() {
    let am_root = rustix::process::geteuid().is_root();
    for (what, harm) in HARMS {
        if what == "another's" && !am_root {
            // Giving a file away is root's; the rule itself is then shown by a folder of somebody else's, below.
            continue;
        }
        let sts = Sts::granting();
        let sandbox = sts.sandbox();
        assert_eq!(given(&sandbox, &[]), session_id(1));
        let path = entry(&sandbox);
        harm(&path);
        assert_eq!(given(&sandbox, &[]), session_id(2), "{what}");
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file(), "{what}: {metadata:?}");
        assert_eq!((mode(&path), metadata.uid()), (0o600, rustix::process::geteuid().as_raw()), "{what}");
        assert_eq!(given(&sandbox, &[]), session_id(2), "{what}: not kept again");
        assert_eq!(sts.calls().len(), 2, "{what}");
    }
}

#[test]
fn a_link_is_not_written_through() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    given(&sandbox, &[]);
    let (path, victim) = (entry(&sandbox), sandbox.write("victim", "untouched"));
    fs::remove_file(&path).unwrap();
    symlink(&victim, &path).unwrap();
    given(&sandbox, &[]);
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn a_folder_that_is_no_place_for_secrets_is_left_alone() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    // Somebody else's: the root folder of a user who is not root, a folder given away for root.
    let others = sandbox.path("others");
    fs::create_dir_all(others.join("shipctl")).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(others.join("shipctl"), Some(4242), Some(4242)).unwrap();
        sandbox.set("XDG_CACHE_HOME", &others);
        given(&sandbox, &[]);
        given(&sandbox, &[]);
        assert_eq!(fs::read_dir(others.join("shipctl")).unwrap().count(), 0);
        assert_eq!(sts.calls().len(), 2);
    }
    // A link to another folder.
    let (aside, target) = (sandbox.path("aside"), sandbox.path("target"));
    fs::create_dir_all(&aside).unwrap();
    fs::create_dir_all(&target).unwrap();
    symlink(&target, aside.join("shipctl")).unwrap();
    sandbox.set("XDG_CACHE_HOME", &aside);
    given(&sandbox, &[]);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
}

#[test]
fn no_place_for_a_cache_is_no_failure() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    // A file where the folder should be; a place in which nobody can make anything; none at all.
    let file = sandbox.write("file", "");
    for place in [file, PathBuf::from("/proc/self/nothing"), PathBuf::from("/dev/null")] {
        sandbox.set("XDG_CACHE_HOME", &place);
        given(&sandbox, &[]);
    }
    sandbox.env.remove(OsStr::new("XDG_CACHE_HOME"));
    sandbox.set("HOME", "/nonexistent/home");
    given(&sandbox, &[]);
    sandbox.env.remove(OsStr::new("HOME"));
    given(&sandbox, &[]);
    assert_eq!(sts.calls().len(), 5);
}

#[test]
fn a_read_only_home_is_no_failure() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    fs::create_dir(sandbox.path("home/.cache")).unwrap();
    // Root may write to a folder without write permission, but not to a sealed one; ask the kernel which it is.
    let sealed = rustix::process::geteuid().is_root();
    fs::set_permissions(sandbox.path("home/.cache"), Permissions::from_mode(0o500)).unwrap();
    let program = if sealed { "setpriv --reuid 4242 --clear-groups" } else { "env" };
    fs::set_permissions(sandbox.root(), Permissions::from_mode(0o755)).unwrap();
    let words = assume_role(&[]).join(" ");
    let reachable = sandbox.path("shipctl-copy");
    crate::harness::copy_program(&reachable);
    let ran = sandbox.bash(&format!("{program} {} {words}", reachable.display()));
    assert_eq!(printed(&ran)["accessKeyId"], session_id(1));
    assert_eq!(ran.err(), "");
    assert!(entries(&sandbox).is_empty());
}

#[test]
fn sessions_that_end_soon_are_renewed() {
    let sts = Sts::start(|call| Answer::session(call.number, if call.number == 1 { 200 } else { 1000 }));
    let sandbox = sts.sandbox();
    assert_eq!(given(&sandbox, &[]), session_id(1));
    // Within the five minutes that are the default.
    assert_eq!(given(&sandbox, &[]), session_id(2));
    assert_eq!(given(&sandbox, &[]), session_id(2));
    assert_eq!(given(&sandbox, &["--min-ttl", "900"]), session_id(2));
    assert_eq!(given(&sandbox, &["--min-ttl", "1100"]), session_id(3));
    assert_eq!(given(&sandbox, &["--min-ttl", "0"]), session_id(3));
    assert_eq!(sts.calls().len(), 3);
    let never_long_enough = u64::MAX.to_string();
    assert_eq!(given(&sandbox, &["--min-ttl", &never_long_enough]), session_id(4));
}

#[test]
fn an_expired_session_is_renewed_even_if_any_will_do() {
    let sts = Sts::start(|call| Answer::session(call.number, if call.number == 1 { -10 } else { 1000 }));
    let sandbox = sts.sandbox();
    assert_eq!(given(&sandbox, &["--min-ttl", "0"]), session_id(1));
    assert_eq!(given(&sandbox, &["--min-ttl", "0"]), session_id(2));
}

#[test]
fn requests_that_differ_never_share() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let other_policy = r#"{"Version":"2012-10-17","Statement":[ ]}"#;
    let cases: [&[&str]; 22] = [
        &[],
        &["--external-id", "a"],
        &["--external-id", "b"],
        &["--role-session-name", "one"],
        &["--role-session-name", "two"],
        &["--duration-seconds", "900"],
        &["--duration-seconds", "901"],
        &["--policy", policy],
        &["--policy", other_policy],
        &["--policy-arns", "arn:aws:iam::aws:policy/A"],
        &["--policy-arns", "arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"],
        &["--tags", "Key=a,Value=b"],
        &["--tags", "Key=a,Value=c"],
        &["--tags", "Key=ab,Value="],
        &["--tags", "Key=a,Value=b", "Key=c,Value=d"],
        &["--tags", "Key=a,Value=b", "--transitive-tag-keys", "a"],
        &["--serial-number", "arn:aws:iam::123456789012:mfa/a", "--token-code", "111111"],
        &["--serial-number", "arn:aws:iam::123456789012:mfa/b", "--token-code", "111111"],
        &["--source-identity", "a"],
        &["--source-identity", "b"],
        &["--region", "us-east-1"],
        &["--role-arn", "arn:aws:iam::123456789012:role/other"],
    ];
    let given_to_all = |sandbox: &Sandbox| -> Vec<String> { cases.iter().map(|more| given(sandbox, more)).collect() };
    let mut ids = given_to_all(&sandbox);
    // Everything again, from the cache.
    assert_eq!(given_to_all(&sandbox), ids);
    assert_eq!(sts.calls().len(), cases.len());
    // Other keys, another token, another endpoint.
    sandbox.set("AWS_ACCESS_KEY_ID", "AKIAOTHER");
    ids.push(given(&sandbox, &[]));
    let second = Sts::start(|_| Answer::session("elsewhere", 3600));
    sandbox.set("AWS_ENDPOINT_URL_STS", second.url());
    ids.push(given(&sandbox, &[]));
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}

#[test]
fn a_failure_is_not_kept() {
    let sts = Sts::saying([Answer::error(403, "AccessDenied", "no"), Answer::session(2, 3600)]);
    let sandbox = sts.sandbox();
    assert_eq!(sandbox.shipctl(assume_role(&[])).status, 4);
    assert_eq!(given(&sandbox, &[]), session_id(2));
}

#[test]
fn whoever_waits_goes_on_when_the_other_is_killed() {
    let (asked, was_asked) = mpsc::channel();
    let sts = Sts::start(move |call| {
        asked.send(()).unwrap();
        if call.number == 1 { Answer::Silence } else { Answer::session(call.number, 3600) }
    });
    let mut sandbox = sts.sandbox();
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "30");
    let mut first = start(&sandbox, &assume_role(&[]));
    was_asked.recv_timeout(Duration::from_secs(10)).unwrap();
    let mut second = start(&sandbox, &assume_role(&[]));
    wait_until("the second waits for the first", || waits_for_a_lock(second.id()));
    assert!(second.try_wait().unwrap().is_none());
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(printed(&ended(second))["accessKeyId"], session_id(2));
    assert_eq!(sts.calls().len(), 2);
    assert_eq!(given(&sandbox, &[]), session_id(2));
}

#[test]
fn whoever_holds_the_lock_for_good_does_not_hold_everybody() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    given(&sandbox, &[]);
    let path = entry(&sandbox);
    fs::remove_file(&path).unwrap();
    let lock = fs::File::open(path.with_extension("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "1");
    let started = Instant::now();
    assert_eq!(given(&sandbox, &[]), session_id(2));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the kernel lists a process among those that wait for a lock.
fn waits_for_a_lock(pid: u32) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let pid = pid.to_string();
    let opened = || {
        fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|fds| {
            fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.extension() == Some(OsStr::new("lock"))))
        })
    };
    locks.lines().any(|line| line.contains("->") && line.split_whitespace().any(|word| word == pid)) || opened()
}

#[test]
fn secrets_lie_in_the_cache_and_nowhere_else() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    given(&sandbox, &[]);
    given(&sandbox, &["--external-id", "x", "--role-arn", "arn:aws:iam::210987654321:role/inner"]);
    let (mut kept, mut leaked) = (0, Vec::new());
    for (path, text) in files_below(&sandbox.root()) {
        let holds = |secret: &str| memchr::memmem::find(&text, secret.as_bytes()).is_some();
        assert!(!holds(BASE_SECRET), "{}", path.display());
        if holds(SESSION_SECRET) || holds(SESSION_TOKEN) {
            if path.starts_with(folder(&sandbox)) && path.extension() == Some(OsStr::new("json")) {
                kept += 1;
            } else {
                leaked.push(path);
            }
        }
    }
    // One for the role, which is also the first hop of the chain, and one for the second.
    assert_eq!((kept, leaked), (2, Vec::new()));
    // File names are digests: they tell no role and no key.
    for path in entries(&sandbox) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
}

/// Every file below a folder, links left out.
pub fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            found.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    found
}

#[test]
fn a_killed_run_leaves_no_half_entry() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    for round in 0..20_u32 {
        let more = ["--external-id", &round.to_string()].map(ToOwned::to_owned);
        let words = assume_role(&[&more[0], &more[1]]);
        let mut child = start(&sandbox, &words);
        std::thread::sleep(Duration::from_micros(u64::from(round) * 900));
        let _ = child.kill();
        child.wait().unwrap();
    }
    for path in entries(&sandbox) {
        let text = fs::read(&path).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    given(&sandbox, &[]);
}
