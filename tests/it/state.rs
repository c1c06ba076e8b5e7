//! `put_resource_state`, `post_resource_state` and their `_multi`.
#![allow(clippy::unwrap_used)] // what fails here fails the test, outside of #[test] functions too

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Child;

use proptest::prelude::*;

use crate::harness::Sandbox;

/// A job with nothing but a state folder.
fn job() -> Sandbox {
    let mut sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("state")).unwrap();
    let state = sandbox.path("state");
    sandbox.set("JOB_STATE", state).set("LC_ALL", "C");
    sandbox
}

fn names(sandbox: &Sandbox, folder: &str) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(sandbox.path(folder)).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn lines_are_added_and_replaced() {
    let job = job();
    job.bash(
        "set -e
         shipctl put_resource_state r A 1
         shipctl put_resource_state r B 'two words' ignored
         shipctl ship_resource_put_state other X 1
         echo -n tail >> $JOB_STATE/other.env
         shipctl put_resource_state other Y 2",
    )
    .prints("");
    assert_eq!(job.read("state/r.env"), b"A=1\nB=two words\n");
    assert_eq!(job.read("state/other.env"), b"X=1\ntailY=2\n");
    job.shipctl(["post_resource_state", "r", "C", "3"]).prints("");
    assert_eq!(job.read("state/r.env"), b"C=3\n");
    job.shipctl(["write_output", "r", "D=4 E=5", "F=6"]).prints("");
    assert_eq!(job.read("state/r.env"), b"C=3\nD=4\nE=5\nF=6\n");
    job.shipctl(["post_resource_state_multi", "r", " \t\n"]).prints("");
    assert_eq!(job.read("state/r.env"), b"");
    job.shipctl(["put_resource_state_multi", "untouched", " "]).prints("");
    assert_eq!(names(&job, "state"), ["other.env", "r.env"]);
}

#[test]
fn nothing_is_evaluated() {
    let job = job();
    let value = "$(touch pwned)`touch pwned`;touch pwned|*?[a]~ $HOME \\n\\\\ 'x \"y -e";
    job.shipctl(["post_resource_state", "r", "$(touch pwned)*", value]).prints("");
    assert_eq!(job.read("state/r.env"), format!("$(touch pwned)*={value}\n").as_bytes());
    job.write("work/file", "");
    job.shipctl(["post_resource_state_multi", "r", "* $(touch pwned) 'a b' ~"]).prints("");
    assert_eq!(job.read("state/r.env"), b"*\n$(touch\npwned)\n'a\nb'\n~\n");
    assert_eq!(names(&job, "work"), ["file"]);
}

#[test]
fn a_file_that_is_there_keeps_its_mode_and_a_link_stays_a_link() {
    let job = job();
    job.bash(
        "set -e
         cd $JOB_STATE; echo OLD=1 > real; chmod 640 real; ln -s real r.env
         shipctl post_resource_state r A 1; stat -c %a real; readlink r.env
         shipctl put_resource_state r B 2; cat real",
    )
    .prints("640\nreal\nA=1\nB=2\n");
}

#[test]
fn names_stay_inside_the_state_folder() {
    let job = job();
    let long = "r".repeat(252);
    for command in ["put_resource_state", "post_resource_state", "put_resource_state_multi"] {
        for name in ["../up", "a/b", "/tmp/x", ".", "..", &long] {
            job.shipctl([command, name, "K=V", "v"]).fails(99, name);
        }
    }
    assert!(names(&job, "state").is_empty());
    assert_eq!(names(&job, ""), ["bin", "home", "state", "tmp", "work"]);
    job.shipctl(["put_resource_state", &"r".repeat(251), "K", "v"]).prints("");
}

#[test]
fn without_a_state_folder_nothing_is_created() {
    let mut job = job();
    let gone = job.path("state/gone");
    job.set("JOB_STATE", gone);
    for command in ["put_resource_state", "post_resource_state", "post_resource_state_multi"] {
        let ran = job.shipctl([command, "r", "K=1", "v"]);
        ran.fails(1, "state/gone does not exist");
        assert_eq!(ran.err().lines().count(), 1);
    }
    assert!(names(&job, "state").is_empty());
    job.env.remove(std::ffi::OsStr::new("JOB_STATE"));
    job.shipctl(["put_resource_state", "r", "K", "v"]).fails(99, "JOB_STATE");
}

#[test]
fn an_empty_value_is_a_usage_error() {
    let job = job();
    for words in [&["r", "K", ""][..], &["r", "", "v"], &["", "K", "v"], &["r"]] {
        job.shipctl([&["put_resource_state"], words].concat()).fails(99, "Usage: shipctl put_resource_state ");
    }
    assert!(names(&job, "state").is_empty());
}

#[test]
fn a_script_may_hold_its_own_lock_on_the_file() {
    let job = job();
    job.bash(
        "flock $JOB_STATE/r.env shipctl put_resource_state r A 1 &&
         flock $JOB_STATE/r.env shipctl post_resource_state r B 2 && cat $JOB_STATE/r.env",
    )
    .prints("B=2\n");
}

/// Bytes that an argument can hold, biased to what shells trip over.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![1..=255_u8, prop::sample::select(b" \t\n\\'\"$`*?-=;&|<>()#~\r\xff".to_vec())];
    prop::collection::vec(byte, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_back_in_a_shell(values in prop::collection::vec(argument(), 6)) {
        let mut job = job();
        for (at, value) in values.iter().enumerate() {
            job.set(format!("V{at}"), OsString::from_vec(value.clone()));
        }
        // Command substitution drops trailing newlines, hence the x; a value of several lines gets a note.
        job.bash(
            r#"exec 2>/dev/null
               for at in 0 2 4; do
                 post=V$at; put=V$((at + 1))
                 shipctl post_resource_state r "${!post}" "${!put}" && shipctl put_resource_state r "${!put}" "${!post}"
                 got=$(cat "$JOB_STATE/r.env"; echo x)
                 [[ $got == "${!post}=${!put}"$'\n'"${!put}=${!post}"$'\n'x ]] || echo "differs: $at"
               done"#,
        ).prints("");
    }

    #[test]
    fn words_are_those_of_the_shell(values in prop::collection::vec(argument(), 6)) {
        let mut job = job();
        for (at, value) in values.iter().enumerate() {
            job.set(format!("V{at}"), OsString::from_vec(value.clone()));
        }
        job.bash(
            r#"set -f
               for at in 0 2 4; do
                 one=V$at; two=V$((at + 1))
                 shipctl post_resource_state_multi r "${!one}" "${!two}"
                 words=(${!one} ${!two})
                 if (( ${#words[@]} )); then want=$(printf '%s\n' "${words[@]}"; echo x); else want=x; fi
                 got=$(cat "$JOB_STATE/r.env"; echo x)
                 [[ $got == "$want" ]] || echo "differs: $at"
               done"#,
        ).prints("");
    }
}

/// It is kept as it is, and the person is told what becomes of it.
#[test]
fn a_value_of_several_lines_gets_a_note() {
    let job = job();
    for command in ["put_resource_state", "post_resource_state"] {
        let ran = job.shipctl([command, "r", "K", "one\ntwo"]);
        assert_eq!((ran.status, ran.out()), (0, String::new()));
        assert!(ran.err().contains("K has several lines") && ran.err().contains("K<<END"), "{}", ran.err());
        assert!(!ran.err().contains("two"), "{}", ran.err());
    }
    job.shipctl(["put_resource_state", "r", "K", "one"]).prints("");
}

fn loops(job: &Sandbox, scripts: impl IntoIterator<Item = String>) {
    let start = |script: String| job.command("bash").arg("-c").arg(script).spawn().unwrap();
    let children: Vec<Child> = scripts.into_iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn sixteen_processes_keep_every_line_whole() {
    let job = job();
    let value = "v".repeat(100);
    loops(
        &job,
        (0..16).map(|process| {
            format!("for i in {{1..200}}; do shipctl put_resource_state r P{process}_$i {value} || exit 1; done")
        }),
    );
    let text = String::from_utf8(job.read("state/r.env")).unwrap();
    let mut got: Vec<&str> = text.lines().collect();
    let mut want: Vec<String> =
        (0..16).flat_map(|p| (1..=200).map(move |i| (p, i))).map(|(p, i)| format!("P{p}_{i}={value}")).collect();
    got.sort_unstable();
    want.sort_unstable();
    assert_eq!(got, want);
}

/// A line that is longer than a page is added by replacing the file, which must not lose anybody's lines either.
#[test]
fn puts_and_posts_at_once_lose_no_line() {
    let job = job();
    let long = "v".repeat(9000);
    let put = |process: usize| {
        let value = if process == 0 { &long } else { "short" };
        format!("for i in {{1..60}}; do shipctl put_resource_state r P{process}_$i {value} || exit 1; done")
    };
    let post = "for i in {1..12}; do shipctl post_resource_state r POST $i || exit 1; done".to_owned();
    loops(&job, (0..4).map(put).chain([post]));
    let text = String::from_utf8(job.read("state/r.env")).unwrap();
    assert!(text.ends_with('\n'));
    let mut last = [None; 4];
    for line in text.lines() {
        let (key, value) = line.split_once('=').unwrap();
        let Some((process, at)) = key.strip_prefix('P').and_then(|key| key.split_once('_')) else {
            assert_eq!(key, "POST", "{line:?}");
            continue;
        };
        let (process, at): (usize, usize) = (process.parse().unwrap(), at.parse().unwrap());
        assert_eq!(value, if process == 0 { &long } else { "short" });
        // Since a post drops what came before it, what is left of a process is its last lines without a gap.
        assert!(last[process].is_none_or(|last| last + 1 == at), "a gap before line {at} of {process}:\n{text}");
        last[process] = Some(at);
    }
    assert!(last.iter().all(|last| last.is_none_or(|last| last == 60)), "{last:?}");
}
