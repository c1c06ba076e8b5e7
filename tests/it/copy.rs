//! Files copied into and out of the state of the job and its resources.
#![allow(clippy::unwrap_used)] // what fails here fails the test, outside of #[test] functions too

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::durability::unprivileged;
use crate::harness::{Ran, Sandbox};
use crate::vectors::job_fixture;

/// Succeeded, printed nothing, and said one line that holds this.
#[track_caller]
pub fn notes(ran: &Ran, message: &str) {
    assert_eq!((ran.status, ran.out()), (0, String::new()), "{}", ran.err());
    assert!(ran.err().contains(message), "{message:?} is not in {:?}", ran.err());
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
}

/// Every path below a folder, sorted, with what `find` prints of it.
#[track_caller]
pub fn listing(sandbox: &Sandbox, folder: &Path, format: &str) -> String {
    let found = sandbox.command("find").arg(folder).args(["-mindepth", "1", "-printf", format]).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn a_file_keeps_mode_and_times() {
    let job = job_fixture();
    job.bash("touch -d '2001-02-03 04:05:06.789' config.json; chmod 751 config.json");
    notes(&job.shipctl(["copy_file_to_state", "config.json"]), "copied config.json to ");
    job.bash("stat -c '%a %y' $JOB_STATE/config.json").prints("751 2001-02-03 04:05:06.789000000 +0000\n");
    // Again, over an older one.
    job.bash("echo newer > config.json; chmod 604 config.json");
    notes(&job.shipctl(["copy_file_to_state", "./config.json"]), "copied");
    job.bash("stat -c %a $JOB_STATE/config.json; cat $JOB_STATE/config.json").prints("604\nnewer\n");
    job.shipctl(["copy_file_to_state", "nope"]).fails(1, "nope");
    job.shipctl(["copy_file_to_state", "config.json/"]).fails(1, "config.json/");
    job.shipctl(["copy_file_to_state", ""]).fails(99, "Usage: shipctl copy_file_to_state ");
}

#[test]
fn a_folder_is_merged_as_cp_does() {
    let job = job_fixture();
    job.bash(
        "set -e
         mkdir -p out/sub out/empty $JOB_STATE/out/sub
         echo new > out/sub/both; ln -s both out/sub/link; ln -s loop out/loop; ln -s / out/root; ln -s .. out/up
         echo old > $JOB_STATE/out/sub/both; echo kept > $JOB_STATE/out/sub/kept; ln -s nowhere $JOB_STATE/out/sub/link
         echo outside > outside; echo inside > out/name; ln -s $PWD/outside $JOB_STATE/out/name
         chmod 700 out/empty; chmod 555 out/sub; touch -hd 2001-02-03 out/root; touch -d 2001-02-03 out/empty
         cp -r out expected",
    );
    notes(&job.shipctl(["copy_file_to_state", "out///"]), "out");
    let got = listing(&job, &job.path("job/state/out"), "%P %y %l\\n");
    assert_eq!(
        got,
        "empty d \nloop l loop\nname f \nroot l /\nsub d \nsub/both f \nsub/kept f \nsub/link l both\nup l ..\nvpc.conf f "
    );
    job.bash(
        "cd $JOB_STATE/out; cat sub/both sub/kept name; cat ~-/outside; stat -c '%a %Y' empty root | sort
         stat -c %a sub",
    )
    .prints("new\nkept\ninside\noutside\n700 981158400\n777 981158400\n755\n");
    // What a link or file of the state is in the way of is an error, and the rest is copied.
    job.bash("mkdir -p clash; echo a > clash/a; mkdir clash/d; echo x > clash/d/x; mkdir $JOB_STATE/clash; echo > $JOB_STATE/clash/d");
    job.shipctl(["copy_file_to_state", "clash"]).fails(1, "clash/d");
    assert_eq!(job.read("job/state/clash/a"), b"a\n");
}

#[test]
fn new_folders_keep_mode_and_times() {
    let job = job_fixture();
    job.bash("mkdir -p tree/shut; echo x > tree/shut/f; chmod 511 tree/shut; touch -d 2001-02-03 tree/shut tree");
    notes(&job.shipctl(["copy_file_to_state", "tree"]), "1 file");
    job.bash("cd $JOB_STATE/tree; stat -c '%a %Y' . shut").prints("755 981158400\n511 981158400\n");
}

#[test]
fn names_without_a_name_copy_content() {
    for (script, want) in [
        ("cd out; shipctl copy_file_to_state .", "vpc.conf"),
        ("shipctl copy_file_to_state out/.", "vpc.conf"),
        ("mkdir -p deep/er; echo > deep/f; cd deep/er; shipctl copy_file_to_state ..", "er f"),
        ("shipctl copy_file_to_state \"$PWD/out\"", "out out/vpc.conf"),
        ("ln -s out lnk; shipctl copy_file_to_state lnk", "lnk lnk/vpc.conf"),
        ("mv -- config.json -r; shipctl copy_file_to_state -r", "-r"),
    ] {
        let job = job_fixture();
        fs::remove_dir_all(job.path("job/state")).unwrap();
        fs::create_dir(job.path("job/state")).unwrap();
        notes(&job.bash(script), "copied");
        assert_eq!(listing(&job, &job.path("job/state"), "%P\\n").replace('\n', " "), want, "{script}");
    }
}

#[test]
fn a_folder_is_never_copied_into_itself() {
    let job = job_fixture();
    let before = listing(&job, &job.path("job"), "%P %s\\n");
    job.bash("cd $JOB_PATH; shipctl copy_file_to_state .").fails(1, "into itself");
    job.bash("shipctl copy_file_to_state $JOB_PATH").fails(1, "into itself");
    job.bash("shipctl copy_file_to_state $JOB_STATE").fails(1, "into itself");
    job.bash("shipctl copy_file_to_state /").fails(1, "into itself");
    assert_eq!(listing(&job, &job.path("job"), "%P %s\\n"), before);
    // What is there already is there.
    job.bash("mkdir $JOB_STATE/d; echo x > $JOB_STATE/d/f; echo y > $JOB_STATE/f");
    notes(&job.bash("cd $JOB_STATE; shipctl copy_file_to_state d"), "already");
    notes(&job.bash("cd $JOB_STATE; shipctl copy_file_to_state f"), "copied");
    notes(&job.bash("shipctl copy_file_to_state $JOB_STATE/d/f"), "copied");
    assert_eq!(job.read("job/state/f"), b"x\n");
}

#[test]
fn links_on_the_command_line_are_followed() {
    let job = job_fixture();
    job.bash("ln -s config.json ln.json; ln -s nowhere $JOB_STATE/ln.json; ln -s a b; ln -s b a; ln -s gone dangling");
    notes(&job.shipctl(["copy_file_to_state", "ln.json"]), "copied");
    job.bash("cd $JOB_STATE; [ -L ln.json ] || cat ln.json; ls nowhere 2>/dev/null").prints_anyhow("current\n");
    job.shipctl(["copy_file_to_state", "a"]).fails(1, "cannot copy a");
    job.shipctl(["copy_file_to_state", "dangling"]).fails(1, "link to gone");
}

impl Ran {
    /// Printed exactly this; the exit status is not looked at.
    #[track_caller]
    fn prints_anyhow(&self, stdout: &str) {
        assert_eq!((self.out(), self.err()), (stdout.to_owned(), String::new()));
    }
}

#[test]
fn pipes_and_devices_never_hang() {
    let job = job_fixture();
    job.bash("mkfifo pipe out/pipe");
    job.shipctl(["copy_file_to_state", "pipe"]).fails(1, "pipe");
    job.shipctl(["copy_file_to_state", "/dev/zero"]).fails(1, "/dev/zero");
    notes(&job.shipctl(["copy_file_to_state", "out"]), "left out");
    assert_eq!(listing(&job, &job.path("job/state/out"), "%P\\n"), "vpc.conf");
    notes(&job.shipctl(["refresh_file_to_state", "pipe"]), "nothing copied");
}

#[test]
fn names_are_bytes() {
    let job = job_fixture();
    let name = OsStr::from_bytes(b"na\xffme \n$x*");
    fs::write(job.path("work").join(name), "1").unwrap();
    fs::create_dir(job.path("work/dir")).unwrap();
    fs::write(job.path("work/dir").join(name), "2").unwrap();
    let ran = job.shipctl([OsStr::new("copy_file_to_state"), name]);
    assert_eq!((ran.status, ran.out().as_str()), (0, ""));
    notes(&job.shipctl(["copy_file_to_state", "dir"]), "copied");
    assert_eq!(fs::read(job.path("job/state").join(name)).unwrap(), b"1");
    assert_eq!(fs::read(job.path("job/state/dir").join(name)).unwrap(), b"2");
}

#[test]
fn what_cannot_be_read_is_said_and_never_half_written() {
    let job = job_fixture();
    job.bash("mkdir d; echo 1 > d/ok; echo secret > d/shut; chmod 000 d/shut; echo old > $JOB_STATE/shut; mkdir d/e");
    let ran = unprivileged(&job, "shipctl copy_file_to_state d/shut");
    ran.fails(1, "d/shut: Permission denied");
    assert_eq!(job.read("job/state/shut"), b"old\n");
    let ran = unprivileged(&job, "shipctl copy_file_to_state d");
    ran.fails(1, "d/shut: Permission denied");
    assert_eq!(ran.err().lines().count(), 1);
    assert_eq!(listing(&job, &job.path("job/state/d"), "%P\\n"), "e\nok");
}

#[test]
fn previous_state() {
    let job = job_fixture();
    job.bash("mkdir -p $JOB_PREVIOUS_STATE/sub; echo deep > $JOB_PREVIOUS_STATE/sub/deep.json; chmod 600 $JOB_PREVIOUS_STATE/sub/deep.json");
    notes(&job.shipctl(["copy_file_from_prev_state", "sub/deep.json", "out"]), "out/deep.json");
    notes(&job.shipctl(["copy_file_from_prev_state", "/sub/../sub/deep.json", "named"]), "named");
    job.bash("cat out/deep.json named; stat -c %a named").prints("deep\ndeep\n600\n");
    for absent in ["nope", "sub", "sub/nope", "/"] {
        notes(&job.shipctl(["copy_file_from_prev_state", absent, "x"]), "nothing copied");
    }
    for outside in ["..", "../state/x", "sub/../../../etc/passwd"] {
        job.shipctl(["copy_file_from_prev_state", outside, "x"]).fails(99, "leads out of");
    }
    job.shipctl(["copy_file_from_prev_state", "prev.json", "no/such/x"])
        .fails(1, "there is no folder no/such; create it");
    job.shipctl(["copy_file_from_prev_state", "prev.json", "no/"]).fails(1, "no such folder");
    assert!(!job.path("work/x").exists());
    let want = job.read("job/previousState/prev.json");
    job.bash("shipctl copy_file_from_prev_state prev.json /dev/stdout 2>/dev/null | cat").prints(want);
    // The job has not run before.
    fs::remove_dir_all(job.path("job/previousState")).unwrap();
    notes(&job.shipctl(["copy_file_from_prev_state", "prev.json", "x"]), "nothing copied");
    notes(&job.shipctl(["refresh_file_to_state", "prev.json"]), "nothing copied");
}

#[test]
fn refresh_prefers_the_new_file() {
    let job = job_fixture();
    job.bash("mkdir new; echo new > new/prev.json");
    notes(&job.shipctl(["refresh_file_to_state", "new/prev.json"]), "copied new/prev.json");
    assert_eq!(job.read("job/state/prev.json"), b"new\n");
    fs::remove_file(job.path("job/state/prev.json")).unwrap();
    notes(&job.shipctl(["refresh_file_to_state", "gone/prev.json"]), "previousState/prev.json");
    assert_eq!(job.read("job/state/prev.json"), job.read("job/previousState/prev.json"));
    for nothing in ["new", "..", "nope"] {
        notes(&job.shipctl(["refresh_file_to_state", nothing]), "nothing copied");
    }
}

#[test]
fn state_of_an_input() {
    let mut job = job_fixture();
    notes(&job.shipctl(["copy_file_from_resource_state", "stateA", "conf/app.cfg", "out"]), "out/app.cfg");
    for absent in ["nope", "conf", "conf/nope"] {
        notes(&job.shipctl(["copy_file_from_resource_state", "stateA", absent, "x"]), "nothing copied");
    }
    notes(&job.shipctl(["copy_file_from_resource_state", "state_a_", "f", "x"]), "is not an input");
    job.shipctl(["copy_file_from_resource_state", "stateA", "../version.json", "x"]).fails(99, "leads out of");
    job.shipctl(["copy_file_from_resource_state", "../IN/stateA", "f", "x"]).fails(99, "../IN/stateA");
    // The type of the environment wins.
    job.bash("mkdir $JOB_PATH/IN/stateA/runSh; echo other > $JOB_PATH/IN/stateA/runSh/f");
    job.set("STATEA_TYPE", "runSh");
    notes(&job.shipctl(["copy_resource_file_from_state", "stateA", "f", "x"]), "x");
    assert_eq!(job.read("work/x"), b"other\n");
    job.set("STATEA_TYPE", "../stateB/state");
    job.shipctl(["copy_file_from_resource_state", "stateA", "f", "x"]).fails(99, "stateA");
}

#[test]
fn state_of_an_output() {
    let job = job_fixture();
    fs::remove_dir_all(job.path("job/OUT/stateB/state")).unwrap();
    notes(&job.shipctl(["copy_file_to_resource_state", "out/vpc.conf", "stateB"]), "OUT/stateB/state/vpc.conf");
    assert_eq!(job.read("job/OUT/stateB/state/vpc.conf"), b"vpc\n");
    notes(&job.shipctl(["copy_file_to_resource_state", "nope", "stateB"]), "nothing copied");
    notes(&job.shipctl(["copy_file_to_resource_state", "out", "stateB"]), "nothing copied");
    job.shipctl(["copy_file_to_resource_state", "config.json", "stateC"]).fails(1, "not an output");
    job.shipctl(["copy_file_to_resource_state", "config.json", "../OUT/stateB"]).fails(99, "../OUT/stateB");
}
