//! `replace`: the template language of GNU envsubst, over files that are replaced whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::harness::{Sandbox, tool};

fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// What envsubst makes of a template in the sandbox's environment.
fn envsubst(sandbox: &Sandbox, template: &Path) -> Vec<u8> {
    let input = fs::File::open(template).unwrap();
    let output = sandbox.command(tool("envsubst")).stdin(input).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(vec!["$A", "${A}", "$B_2", "${_}", "$NONE", "${NONE}", "$LATIN", "${1A}", "${A:-b}"])
            .prop_map(|text| text.as_bytes().to_vec()),
        4 => prop::sample::select(b"$$${}{}\\AB_12 -\r\n\xc3\xa9\xff".to_vec()).prop_map(|byte| vec![byte]),
        1 => prop::collection::vec(1_u8.., 0..8),
    ]
}

#[test]
fn every_byte_is_as_envsubst_leaves_it() {
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "x").set("B_2", "$A ${A}\n").set("_", "").set("LATIN", OsStr::from_bytes(b"caf\xe9\xff"));
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(fragments in prop::collection::vec(fragment(), 0..600))| {
        let file = sandbox.write("work/template", fragments.concat());
        let want = envsubst(&sandbox, &file);
        sandbox.shipctl(["replace", "template"]).prints("");
        prop_assert_eq!(fs::read(&file).unwrap(), want);
    });
}

#[test]
fn a_long_template_is_as_envsubst_leaves_it() {
    let mut sandbox = Sandbox::new();
    sandbox.set("HOST", "db.local").set("LONG", "v".repeat(100_000));
    // Lines of a length that is prime to any buffer's, so that references lie across every border.
    let line = b"listen ${HOST}:$PORT; $LONG_NAME_THAT_IS_NOT_SET ${HOST $HOST- \xff $1 \\$HOST\r\n";
    let mut template = line.repeat(40_000);
    template.extend_from_slice(b"$LONG${LONG}$HOST");
    let file = sandbox.write("work/template", &template);
    let want = envsubst(&sandbox, &file);
    sandbox.shipctl(["replace", "template"]).prints("");
    assert!(sandbox.read("work/template") == want);
}

#[test]
fn no_file_is_nothing_to_do() {
    Sandbox::new().shipctl(["replace"]).prints("");
}

#[test]
fn files_keep_their_mode_and_links_stay_links() {
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "x");
    for bits in [0o400, 0o600, 0o644, 0o751, 0o2755] {
        let file = sandbox.write("work/file", "$A");
        fs::set_permissions(&file, Permissions::from_mode(bits)).unwrap();
        sandbox.shipctl(["replace", "file"]).prints("");
        assert_eq!((sandbox.read("work/file"), mode(&file)), (b"x".to_vec(), bits));
        fs::remove_file(file).unwrap();
    }
    let target = sandbox.write("conf/real", "${A}\0$A");
    std::os::unix::fs::symlink("../conf/real", sandbox.path("work/link")).unwrap();
    sandbox.shipctl(["replace", "link"]).prints("");
    assert_eq!(fs::read_link(sandbox.path("work/link")).unwrap(), Path::new("../conf/real"));
    assert_eq!(fs::read(target).unwrap(), b"x\0x");
    sandbox.write("work/input", "${A}");
    sandbox.bash("shipctl replace /dev/stdin < input; cat input").prints("x");
}

#[test]
fn a_file_may_have_any_name() {
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "x");
    let odd = ["-n", "--help", "-", "a b", "*", "$A", "new\nline"].map(OsString::from);
    let all: Vec<OsString> = odd.into_iter().chain([OsStr::from_bytes(b"\xff\xfe").to_owned()]).collect();
    for name in &all {
        sandbox.write(Path::new("work").join(name), "${A}");
    }
    sandbox.shipctl([OsString::from("replace")].iter().chain(&all)).prints("");
    for name in &all {
        assert_eq!(sandbox.read(Path::new("work").join(name)), b"x", "{name:?}");
    }
    assert_eq!(names(&sandbox.path("work")).len(), all.len());
}

#[test]
fn the_files_before_one_that_fails_are_done() {
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "x");
    fs::create_dir(sandbox.path("work/folder")).unwrap();
    std::os::unix::fs::symlink("folder", sandbox.path("work/link")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/dangling")).unwrap();
    let cases = [
        ("nope", 1, "cannot read nope: No such file"),
        ("", 1, "cannot read"),
        ("dangling", 1, "cannot read dangling"),
    ]
    .into_iter()
    .chain([("folder", 82, "folder is a directory"), ("link", 82, "link is a directory")]);
    for (bad, status, message) in cases {
        sandbox.write("work/a", "$A");
        sandbox.write("work/c", "$A");
        sandbox.shipctl(["replace", "a", bad, "c"]).fails(status, message);
        assert_eq!((sandbox.read("work/a"), sandbox.read("work/c")), (b"x".to_vec(), b"$A".to_vec()), "{bad}");
    }
}

#[test]
fn pipes_sockets_and_devices_are_refused_at_once() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.bash("mkfifo fifo").status, 0);
    let _listener = std::os::unix::net::UnixListener::bind(sandbox.path("work/socket")).unwrap();
    sandbox.shipctl(["replace", "fifo"]).fails(1, "fifo is a pipe");
    sandbox.shipctl(["replace", "socket"]).fails(1, "socket is a socket");
    sandbox.shipctl(["replace", "/dev/null"]).fails(1, "/dev/null is a device");
    sandbox.bash("shipctl replace <(echo '$A')").fails(1, "is a pipe");
    assert_eq!(names(&sandbox.path("work")), ["fifo", "socket"]);
}

#[test]
fn what_may_not_be_read_or_replaced_stays() {
    let sandbox = Sandbox::new();
    let secret = sandbox.write("work/secret", "$A");
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    sandbox.shipctl_as_nobody(&["replace", "secret"]).fails(1, "cannot read secret: Permission denied");
    let open = sandbox.write("closed/open", "$A");
    fs::set_permissions(&open, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(sandbox.path("closed"), Permissions::from_mode(0o555)).unwrap();
    let ran = sandbox.shipctl_as_nobody(&["replace", "../closed/open"]);
    fs::set_permissions(sandbox.path("closed"), Permissions::from_mode(0o755)).unwrap();
    ran.fails(1, "make its folder writable");
    assert_eq!((sandbox.read("closed/open"), names(&sandbox.path("closed")).len()), (b"$A".to_vec(), 1));
    sandbox.shipctl(["replace", "/proc/version"]).fails(1, "cannot replace /proc/version");
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "v".repeat(100_000));
    let file = sandbox.write("work/file", "$A");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    // A limit on the size of files stands for the disk: writing fails just the same.
    sandbox.bash("trap '' XFSZ; ulimit -f 16; shipctl replace file").fails(1, "cannot replace file: File too large");
    assert_eq!((sandbox.read("work/file"), mode(&file)), (b"$A".to_vec(), 0o640));
    assert_eq!(names(&sandbox.path("work")), ["file"]);
}

#[test]
fn sixteen_at_once_leave_one_whole_file() {
    let sandbox = Sandbox::new();
    let template = b"value ${V};\n".repeat(50_000);
    let file = sandbox.write("work/file", &template);
    let whole = |content: &[u8]| {
        let first = content.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        content == first.repeat(50_000)
    };
    let children: Vec<_> = (10..26)
        .map(|value| {
            let mut command = sandbox.command(sandbox.path("bin/shipctl"));
            command.env("V", value.to_string()).args(["replace", "file"]).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(whole(&fs::read(&file).unwrap()));
        assert!(child.wait().unwrap().success());
    }
    let last = fs::read(&file).unwrap();
    assert!(whole(&last) && last != template);
    assert_eq!(names(&sandbox.path("work")), ["file"]);
}

/// Kills `replace` again and again, at moments spread over the time that it takes.
#[test]
fn a_killed_replace_leaves_the_old_file_or_the_new_one() {
    const KILLS: usize = 104;
    const THREADS: usize = 4;
    let mut sandbox = Sandbox::new();
    sandbox.set("A", "x");
    let old = [vec![b'.'; 1 << 20], b"$A".to_vec()].concat().repeat(30);
    let new = [vec![b'.'; 1 << 20], b"x".to_vec()].concat().repeat(30);
    let (olds, news) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (sandbox, old, new, olds, news) = (&sandbox, &old, &new, &olds, &news);
            scope.spawn(move || {
                let file = sandbox.write(format!("work/{thread}/file"), old);
                fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
                let command = || replacing(sandbox, &file);
                let begun = Instant::now();
                assert!(command().status().unwrap().success());
                let whole = begun.elapsed();
                fs::write(&file, old).unwrap();
                for kill in 0..KILLS / THREADS {
                    let moment = whole * u32::try_from(kill).unwrap() / 20;
                    let mut child = command().spawn().unwrap();
                    std::thread::sleep(moment.min(whole + Duration::from_millis(20)));
                    child.kill().unwrap();
                    child.wait().unwrap();
                    assert_eq!(mode(&file), 0o640);
                    let left = fs::read(&file).unwrap();
                    if left == *old {
                        olds.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert!(left == *new, "torn after {moment:?}");
                        news.fetch_add(1, Ordering::Relaxed);
                        fs::write(&file, old).unwrap();
                    }
                }
            });
        }
    });
    let (olds, news) = (olds.into_inner(), news.into_inner());
    assert_eq!(olds + news, KILLS);
    assert!(olds > 0 && news > 0, "{olds} old, {news} new: the kills did not fall around the end");
}

fn replacing(sandbox: &Sandbox, file: &Path) -> Command {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    command.arg("replace").arg(file).stderr(Stdio::null());
    command
}

#[test]
fn a_long_template_costs_no_memory() {
    let sandbox = Sandbox::new();
    let mut file = fs::File::create(sandbox.path("work/file")).unwrap();
    // 40 MB, with a name of 20 MB that no variable has.
    file.write_all(&b"$NONE and text to keep\n".repeat(900_000)).unwrap();
    file.write_all(b"${").unwrap();
    file.write_all(&vec![b'N'; 20_000_000]).unwrap();
    file.write_all(b"} end\n").unwrap();
    drop(file);
    // The binary itself is mapped as well; what may be added to it is less than the file.
    let script = "ulimit -v $(($(stat -Lc %s $(command -v shipctl)) / 1024 + 20000)); shipctl replace file && tail -c 10 file && wc -c < file";
    sandbox.bash(script).prints(format!("keep\n end\n{}\n", 900_000 * " and text to keep\n".len() + 5));
}
