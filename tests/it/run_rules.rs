//! The rules of TASKs and hooks under a real bash, a test for each row of the contract.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shipctl::run::{Hooks, Outcome, Settings, Task, exec, run_task};
use shipctl::support::mask::Masker;
use shipctl::support::process::SignalRelay;
use shipctl::support::stop::Stop;

use crate::harness::Sandbox;

fn settings(sandbox: &Sandbox) -> Settings {
    Settings {
        env: sandbox.env.clone().into_iter().collect(),
        cwd: sandbox.cwd.clone(),
        scripts_dir: sandbox.path("it's scripts"),
        masker: Masker::new(["hunter2 is it"]).unwrap(),
        deadline: None,
        grace: Duration::from_secs(10),
        stop: Stop::default(),
        cancel_limit: Duration::from_secs(30),
    }
}

fn strings(scripts: &[&str]) -> Vec<String> {
    scripts.iter().copied().map(String::from).collect()
}

fn hooks() -> Hooks {
    Hooks {
        on_success: strings(&["echo success"]),
        on_failure: strings(&["echo failure"]),
        always: strings(&["echo always"]),
        on_cancel: strings(&["echo cancel"]),
    }
}

fn run_in(settings: &Settings, tasks: &[&[&str]], hooks: &Hooks) -> (Outcome, String) {
    let mut relay = SignalRelay::install().unwrap();
    let mut out = Vec::new();
    let mut outcome = Outcome::Success;
    for (number, scripts) in (1..).zip(tasks) {
        let task =
            Task { number, name: format!("Task {number}"), scripts: strings(scripts), last: number == tasks.len() };
        outcome = run_task(&task, hooks, settings, &mut relay, &mut out).unwrap();
        if outcome != Outcome::Success {
            break;
        }
    }
    (outcome, String::from_utf8(out).unwrap())
}

/// Without what bash itself may say of a command that was told to end, as it comes to it.
fn without_notices(output: &str) -> String {
    output.lines().filter(|line| !line.contains("Terminated")).collect::<Vec<_>>().join(" ")
}

/// Lines of output as one, words of bash's own messages left out.
#[track_caller]
fn check(tasks: &[&[&str]], hooks: &Hooks, outcome: Outcome, output: &str) {
    let (got, out) = run_in(&settings(&Sandbox::new()), tasks, hooks);
    let lines: Vec<_> = out.lines().filter(|line| !line.contains(".sh: line ")).collect();
    assert_eq!((got, lines.join(" ")), (outcome, output.to_owned()), "of {tasks:?}: {out}");
}

#[track_caller]
fn rule(tasks: &[&[&str]], outcome: Outcome, output: &str) {
    check(tasks, &hooks(), outcome, output);
}

#[track_caller]
fn hook_rule(script: &str, change: impl FnOnce(&mut Hooks), outcome: Outcome, output: &str) {
    let mut hooks = hooks();
    change(&mut hooks);
    check(&[&[script]], &hooks, outcome, output);
}

use Outcome::{Failure, Success};

#[test]
fn an_entry_that_fails_fails_the_task_at_once() {
    rule(&[&["echo 1", "false", "echo 2"], &["echo 3"]], Failure(1), "1 failure always");
    rule(&[&["echo 1", "(exit 7)"], &["echo 3"]], Failure(7), "1 failure always");
    rule(&[&["echo 1"], &["nosuchcommand", "echo 2"], &["echo 3"]], Failure(127), "1 failure always");
    rule(&[&["if then"]], Failure(2), "failure always");
}

#[test]
fn a_failing_command_within_an_entry_stops_there() {
    rule(&[&["echo 1\nfalse\necho 2"]], Failure(1), "1 failure always");
}

#[test]
fn a_function_counts_by_its_own_status() {
    rule(&[&["f() { false; echo in; }\nf\necho 2"]], Success, "in 2 success always");
    rule(&[&["f() { echo in; [ -f nosuchfile ] && echo x; }\nf\necho 2"]], Failure(1), "in failure always");
}

#[test]
fn a_failing_subshell_fails_the_task() {
    rule(&[&["( false )\necho 2"]], Failure(1), "failure always");
}

#[test]
fn only_the_last_of_a_pipeline_counts() {
    rule(&[&["false | true\necho 2"]], Success, "2 success always");
}

#[test]
fn an_and_list_fails_only_at_the_end_of_an_entry() {
    rule(&[&["[ -f nosuchfile ] && echo x\necho 2"]], Success, "2 success always");
    rule(&[&["echo 1\n[ -f nosuchfile ] && echo x", "echo 2"]], Failure(1), "1 failure always");
}

#[test]
fn exit_0_is_success_and_skips_the_rest_of_the_task() {
    rule(&[&["echo 1; exit 0", "echo 2"]], Success, "1 success always");
    rule(&[&["echo 1; exit 0", "echo 2"], &["echo 3"]], Success, "1 3 success always");
}

#[test]
fn exit_3_is_failure() {
    rule(&[&["echo 1; exit 3", "echo 2"], &["echo 3"]], Failure(3), "1 failure always");
}

#[test]
fn return_ends_the_entry_alone() {
    rule(&[&["echo 1; return 0; echo x", "echo 2"]], Success, "1 2 success always");
    rule(&[&["echo 1; return 4; echo x", "echo 2"]], Failure(4), "1 failure always");
}

#[test]
fn an_ignored_err_trap_holds_for_its_entry() {
    rule(&[&["trap '' ERR\nfalse\necho 1", "echo 2\nfalse\necho 3"]], Failure(1), "1 2 failure always");
    rule(&[&["trap - ERR\nfalse\necho 1", "false"]], Failure(1), "1 failure always");
    rule(&[&["trap 'echo trapped' ERR\nfalse\necho 1", "echo 2"]], Success, "trapped 1 2 success always");
}

#[test]
fn an_exit_trap_runs_when_the_shell_ends_and_the_hooks_still_run() {
    rule(&[&["trap 'echo bye $?' EXIT\necho 1", "echo 2"]], Success, "1 2 success always bye 0");
    rule(&[&["trap 'echo bye $?' EXIT\nexit 0", "echo 2"]], Success, "success always bye 0");
    rule(&[&["trap 'echo bye $?' EXIT\nexit 5"]], Failure(5), "failure always bye 5");
    rule(&[&["trap 'echo bye $?' 0 INT\nfalse"]], Failure(1), "failure always bye 1");
    rule(&[&["trap 'echo bye' EXIT", "trap - EXIT", "echo 2"]], Success, "2 success always");
    rule(&[&["trap 'echo bye' EXIT", "trap -p EXIT"]], Success, "trap -- echo\\ bye EXIT success always bye");
    rule(&[&["builtin trap 'echo bye' EXIT", "echo 2"]], Success, "2 success always bye");
    rule(&[&["builtin trap 'echo bye' EXIT; exit 3", "echo 2"]], Failure(3), "bye failure always");
    rule(&[&["( trap 'echo sub' EXIT; echo in )", "echo 2"]], Success, "in sub 2 success always");
    rule(&[&["trap 'rc=$?; echo bye; exit $rc' EXIT\nfalse"]], Failure(1), "failure always bye");
    rule(&[&["trap 'echo bye; exit 6' EXIT"], &["echo 3"]], Failure(6), "bye failure always");
    rule(&[&["trap 'echo usr1' USR1\nkill -USR1 $$\necho 2"]], Success, "usr1 2 success always");
}

#[test]
fn set_e_has_no_effect() {
    rule(
        &[&["set -e\nf() { false; echo in; }\nf\n(false; echo sub)", "f; echo 2"]],
        Success,
        "in sub in 2 success always",
    );
    rule(&[&["set -euo pipefail\necho 1\nfalse\necho 2"]], Failure(1), "1 failure always");
}

#[test]
fn set_u_does_not_break_the_job() {
    rule(&[&["set -u; echo 1", "echo 2"]], Success, "1 2 success always");
    rule(&[&["set -u; echo 1", "echo $nosuchvariable", "echo 2"]], Failure(1), "1 failure always");
    hook_rule("set -u", |hooks| hooks.always = strings(&["echo $nosuchvariable always"]), Success, "success always");
    rule(&[&["echo ${nosuchvariable:?}", "echo 2"]], Failure(1), "failure always");
}

#[test]
fn pipefail_and_xtrace_persist_for_the_task() {
    rule(&[&["set -o pipefail", "false | true", "echo 2"]], Failure(1), "failure always");
    rule(&[&["set -o pipefail"], &["false | true", "echo 2"]], Success, "2 success always");
    let (outcome, out) = run_in(&settings(&Sandbox::new()), &[&["set -x", "echo 1"]], &hooks());
    assert_eq!(outcome, Success);
    assert!(out.contains("+ echo 1\n1\n") && out.contains("+ echo always\nalways\n"), "{out}");
    assert!(!out.contains("__shipctl") && out.lines().count() < 20, "{out}");
}

#[test]
fn on_success_runs_after_the_last_task_alone() {
    rule(&[&["echo 1"], &["echo 2"]], Success, "1 2 success always");
    rule(&[&["echo 1"], &["echo 2; false"]], Failure(1), "1 2 failure always");
    rule(&[&[]], Success, "success always");
}

#[test]
fn hooks_share_a_subshell_of_the_tasks_shell() {
    hook_rule(
        "a=1; f() { echo f $a; }; mkdir d; cd d",
        |hooks| {
            hooks.on_success = strings(&["f; b=2; a=5; exec 3>&1", "echo $(basename $PWD)"]);
            hooks.always = strings(&["f; echo b $b >&3"]);
        },
        Success,
        "f 1 d f 5 b 2",
    );
    hook_rule("a=1; trap 'echo $a' EXIT", |hooks| hooks.always = strings(&["a=2"]), Success, "success 1");
    hook_rule("exec 4>&1 >/dev/null; echo 1", |hooks| hooks.always = strings(&["echo 2 >&4"]), Success, "2");
}

#[test]
fn a_failing_command_in_a_hook_is_ignored() {
    let change = |hooks: &mut Hooks| {
        hooks.on_success = strings(&["false\necho 1", "false", "return 3"]);
        hooks.always = strings(&["echo 2; false"]);
    };
    hook_rule("true", change, Success, "1 2");
    hook_rule("set -e; set -E; set -u", change, Success, "1 2");
    hook_rule("false", |hooks| hooks.on_failure = strings(&["false\necho 1"]), Failure(1), "1 always");
}

#[test]
fn exit_1_in_a_hook_after_success_is_failure() {
    hook_rule("true", |hooks| hooks.on_success = strings(&["echo 1; exit 1", "echo 2"]), Failure(1), "1");
    hook_rule("true", |hooks| hooks.always = strings(&["echo 1; exit 1", "echo 2"]), Failure(1), "success 1");
    hook_rule("exit 0", |hooks| hooks.always = strings(&["exit 9"]), Failure(9), "success");
}

#[test]
fn exit_in_on_success_skips_always() {
    hook_rule("true", |hooks| hooks.on_success = strings(&["echo 1; exit 0", "echo 2"]), Success, "1");
}

#[test]
fn exit_in_on_failure_skips_always_and_stays_failure() {
    hook_rule("exit 4", |hooks| hooks.on_failure = strings(&["echo 1; exit 0", "echo 2"]), Failure(4), "1");
    hook_rule("exit 4", |hooks| hooks.on_failure = strings(&["exit 5"]), Failure(4), "");
    hook_rule("exit 4", |hooks| hooks.always = strings(&["exit 0"]), Failure(4), "failure");
}

#[test]
fn a_shell_that_is_gone_does_not_take_the_hooks_along() {
    rule(&[&["exec echo 1", "echo 2"]], Success, "1 success always");
    rule(&[&["exec sh -c 'exit 3'", "echo 2"], &["echo 3"]], Failure(3), "failure always");
    rule(&[&["kill -9 $$", "echo 2"]], Failure(137), "failure always");
    hook_rule("exec true", |hooks| hooks.always = strings(&["exit 3"]), Failure(3), "success");
}

#[test]
fn entries_share_the_shell_and_tasks_do_not() {
    rule(
        &[&["cd /; a=1; declare b=2; f() { echo f; }", "echo $PWD $a $b; f"], &["echo ${PWD##*/} $a$b; cat"]],
        Success,
        "/ 1 2 f work success always",
    );
    rule(&[&["echo out; echo err >&2; echo out >&2"]], Success, "out err out success always");
    rule(&[&["echo '__SH__SCRIPT_END_FAILURE__'"]], Success, "__SH__SCRIPT_END_FAILURE__ success always");
    rule(&[&["exit() { echo mine; }; trap() { echo mine too; }", "false"]], Failure(1), "failure always");
}

#[test]
fn other_options_of_the_shell_do_not_break_the_job() {
    for options in ["set -ETa", "set -f; IFS=/", "set -C", "shopt -s extdebug nullglob nocasematch", "set -o posix"] {
        rule(&[&[options, "trap 'echo bye' EXIT", "echo 1"]], Success, "1 success always bye");
        rule(&[&[options, "echo 1", "(exit 4)"]], Failure(4), "1 failure always");
    }
}

/// A script may call a function of its own like a builtin: what is between the entries does not.
#[test]
fn functions_that_are_called_like_builtins_do_not_break_the_job() {
    for name in ["eval", "command", "source", "[", "test", "printf", "set", ":", "exit", "return", "shift", "local"] {
        let own = format!("{name}() {{ builtin echo mine; }}");
        let quiet = "x() { false; builtin echo in; }; set -e; x";
        rule(&[&[&own, "echo 1"]], Success, "1 success always");
        rule(&[&[&own, "builtin trap 'echo bye' EXIT", "echo 1"]], Success, "1 success always bye");
        rule(&[&[&own, "echo 1", "(builtin exit 4)", "echo 2"]], Failure(4), "1 failure always");
        if name != "set" {
            rule(&[&[&own, quiet]], Success, "in success always");
        }
    }
    let both = "eval() { echo mine; }; command() { echo mine; }; declare() { echo mine; }";
    rule(&[&[both, "echo 1", "(exit 4)"]], Failure(4), "1 failure always");
    // It is there for the entries all the same.
    rule(&[&["eval() { echo mine; }", "eval 1"]], Success, "mine success always");
}

#[test]
fn posix_mode_runs_too() {
    let mut sandbox = Sandbox::new();
    sandbox.set("POSIXLY_CORRECT", "1");
    let got = run_in(&settings(&sandbox), &[&["echo 1; trap 'echo bye' EXIT", "echo 2"]], &hooks());
    assert_eq!(got, (Success, "1\n2\nsuccess\nalways\nbye\n".to_owned()));
}

#[test]
fn scripts_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let settings = settings(&sandbox);
    run_in(&settings, &[&["echo hunter2"]], &hooks());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&settings.scripts_dir), 0o700);
    assert_eq!(mode(&settings.scripts_dir.join("task-1")), 0o700);
    for file in fs::read_dir(settings.scripts_dir.join("task-1")).unwrap() {
        let path = file.unwrap().path();
        assert!(path.ends_with("stage") || mode(&path) == 0o600, "{}", path.display());
    }
}

#[test]
fn secrets_are_masked_wherever_a_write_ends() {
    let (outcome, out) = run_in(
        &settings(&Sandbox::new()),
        &[&["printf 'a hunter2'; sleep 0.1; printf ' is'; sleep 0.1; echo ' it, hunter2'", "printf 'hunter2 is'"]],
        &Hooks::default(),
    );
    assert_eq!((outcome, out.as_str()), (Success, "a ***, hunter2\nhunter2 is"));
}

/// Opens the gate when the line has come through.
struct Gatekeeper<'a> {
    seen: Vec<u8>,
    gate: &'a Path,
}

impl Write for Gatekeeper<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen.extend_from_slice(bytes);
        if self.seen.ends_with(b"hunter\n") {
            fs::write(self.gate, "go on\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_seen_before_the_script_ends() {
    let sandbox = Sandbox::new();
    let gate = sandbox.path("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let mut out = Gatekeeper { seen: Vec::new(), gate: &gate };
    let script = format!("echo a hunter\nread line < {}\necho $line", gate.display());
    let task = Task { number: 1, name: "Task 1".to_owned(), scripts: vec![script.clone()], last: true };
    let mut relay = SignalRelay::install().unwrap();
    let mut settings = settings(&sandbox);
    // Without streaming, the script would wait for ever.
    settings.deadline = Some(Instant::now() + Duration::from_mins(1));
    let outcome = run_task(&task, &Hooks::default(), &settings, &mut relay, &mut out).unwrap();
    assert_eq!((outcome, &out.seen[..]), (Success, &b"a hunter\ngo on\n"[..]));

    let mut out = Gatekeeper { seen: Vec::new(), gate: &gate };
    let words = ["bash", "-c", &script].map(OsString::from);
    let status = exec(&words, &settings.env, &settings.cwd, &settings.masker, &mut relay, &mut out, &mut Vec::new());
    assert_eq!((status.unwrap(), &out.seen[..]), (0, &b"a hunter\ngo on\n"[..]));
}

#[test]
fn what_is_left_in_the_background_holds_nothing_up_and_is_ended() {
    let sandbox = Sandbox::new();
    let settings = settings(&sandbox);
    let begin = Instant::now();
    let tasks: &[&[&str]] =
        &[&["(trap '' TERM; while :; do sleep 100; done) & echo $! > pid; echo 1", "setsid sleep 20 & echo 2"]];
    let (outcome, out) = run_in(&settings, tasks, &hooks());
    assert_eq!((outcome, out.as_str()), (Success, "1\n2\nsuccess\nalways\n"));
    assert!(begin.elapsed() < Duration::from_secs(15), "waited for the background");
    wait_until_gone(&sandbox, "pid");
}

/// A process that has been killed takes a moment to be gone, or to wait for its parent as a zombie.
#[track_caller]
fn wait_until_gone(sandbox: &Sandbox, file: &str) {
    let Ok(pid) = fs::read_to_string(sandbox.cwd.join(file)) else { return };
    let begin = Instant::now();
    let stat = format!("/proc/{}/stat", pid.trim());
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(begin.elapsed() < Duration::from_secs(20), "still there: {pid}");
        std::thread::yield_now();
    }
}

fn a_timeout(script: &str, output: &str) {
    let sandbox = Sandbox::new();
    let mut settings = settings(&sandbox);
    settings.deadline = Some(Instant::now() + Duration::from_secs(2));
    settings.grace = Duration::from_millis(300);
    let (outcome, out) = run_in(&settings, &[&[script], &["echo 3"]], &hooks());
    assert_eq!((outcome, without_notices(&out).as_str()), (Outcome::TimedOut, output), "of {script}");
    wait_until_gone(&sandbox, "pid");
}

#[test]
fn a_timeout_runs_on_cancel_and_always() {
    a_timeout("echo 1; sleep 100; echo 2", "1 cancel always");
    assert_eq!(Outcome::TimedOut.exit_status(), 124);
    assert_eq!(Outcome::Cancelled(15).exit_status(), 143);
    assert_eq!(Outcome::Cancelled(2).exit_status(), 130);
}

#[test]
fn a_timeout_runs_an_exit_trap() {
    a_timeout("trap 'echo bye' EXIT; echo 1; sleep 100", "1 bye cancel always");
}

#[test]
fn a_timeout_ends_what_does_not_want_to_end() {
    a_timeout("trap '' TERM; echo 1; sleep 100 & echo $! > pid; while :; do sleep 100; done", "1 cancel always");
}

#[test]
fn a_timeout_is_none_the_less_one_when_the_script_ends_well() {
    a_timeout("trap 'exit 0' TERM; echo 1; while :; do sleep 0.1; done", "1 cancel always");
}

#[test]
fn hooks_after_a_timeout_have_a_limit() {
    let sandbox = Sandbox::new();
    let mut settings = settings(&sandbox);
    settings.deadline = Some(Instant::now());
    settings.cancel_limit = Duration::from_secs(2);
    let hooks = Hooks { on_cancel: strings(&["echo cancel; sleep 100"]), ..hooks() };
    let (outcome, out) = run_in(&settings, &[&["sleep 100"]], &hooks);
    assert_eq!((outcome, without_notices(&out).as_str()), (Outcome::TimedOut, "cancel"));
}

#[test]
fn always_runs_once_even_if_the_timeout_comes_within_it() {
    let sandbox = Sandbox::new();
    let mut settings = settings(&sandbox);
    settings.deadline = Some(Instant::now() + Duration::from_secs(3));
    let hooks = Hooks { always: strings(&["echo always; sleep 100"]), ..hooks() };
    let (outcome, out) = run_in(&settings, &[&["true"]], &hooks);
    assert_eq!((outcome, without_notices(&out).as_str()), (Outcome::TimedOut, "success always"));
}

/// As when the turn of the job is lost.
#[test]
fn a_stop_that_is_asked_for_cancels() {
    let sandbox = Sandbox::new();
    let settings = settings(&sandbox);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !sandbox.cwd.join("began").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            settings.stop.ask("the turn is lost");
        });
        let (outcome, out) = run_in(&settings, &[&["echo 1; touch began; sleep 100; echo 2"]], &hooks());
        assert_eq!((outcome, without_notices(&out).as_str()), (Outcome::Cancelled(15), "1 cancel always"));
    });
}

/// The command that [`a_signal_cancels`] starts and signals, in a process of its own.
fn a_command_to_cancel() {
    let sandbox = Sandbox::new();
    let settings = settings(&sandbox);
    let script = "trap 'echo cancel; echo always; exit 9' TERM INT; echo ready; while :; do sleep 0.1; done";
    let words = ["bash", "-c", script].map(OsString::from);
    let mut relay = SignalRelay::install().unwrap();
    let (mut out, mut err) = (io::stderr(), io::sink());
    let status = exec(&words, &settings.env, &settings.cwd, &settings.masker, &mut relay, &mut out, &mut err);
    let ending = relay.ending().unwrap();
    assert_eq!(status.unwrap(), 9);
    io::stderr().write_all(format!("Cancelled({ending})").as_bytes()).unwrap();
}

/// The job that [`a_signal_cancels`] starts and signals, in a process of its own.
fn a_job_to_cancel() {
    let sandbox = Sandbox::new();
    let task = Task {
        number: 1,
        name: "Task 1".to_owned(),
        scripts: strings(&["echo ready; sleep 100; echo not seen"]),
        last: true,
    };
    let mut relay = SignalRelay::install().unwrap();
    let outcome = run_task(&task, &hooks(), &settings(&sandbox), &mut relay, &mut io::stderr()).unwrap();
    io::stderr().write_all(format!("{outcome:?}").as_bytes()).unwrap();
}

#[test]
fn a_signal_cancels() {
    // Signals are the whole process's, and other tests are in this one: it starts itself again.
    match std::env::var("TO_CANCEL").as_deref() {
        Ok("job") => return a_job_to_cancel(),
        Ok(_) => return a_command_to_cancel(),
        Err(_) => {}
    }
    for (what, signal, number) in
        [("job", "TERM", 15), ("job", "INT", 2), ("command", "TERM", 15), ("command", "INT", 2)]
    {
        let mut job = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "run_rules::a_signal_cancels", "--nocapture"])
            .env("TO_CANCEL", what)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = job.stderr.take().unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"ready\n") {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
        assert!(Command::new("kill").args(["-s", signal, &job.id().to_string()]).status().unwrap().success());
        output.read_to_end(&mut text).unwrap();
        job.wait().unwrap();
        let text = String::from_utf8(text).unwrap();
        let (_, after) = text.split_once("ready\n").unwrap();
        assert_eq!(without_notices(after), format!("cancel always Cancelled({number})"), "{text}");
    }
}

fn exec_in(sandbox: &Sandbox, words: &[&str]) -> (Result<u8, shipctl::error::Error>, String, String) {
    let settings = settings(sandbox);
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut relay = SignalRelay::install().unwrap();
    let status = exec(&words, &settings.env, &settings.cwd, &settings.masker, &mut relay, &mut out, &mut err);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn exec_masks_both_streams_and_ends_as_a_shell_would() {
    let mut sandbox = Sandbox::new();
    sandbox.set("WORD", "hunter2 is it");
    let script = "echo \"1 $WORD\"; echo \"2 $WORD\" >&2; echo ${PWD##*/}; sleep 20 & exit 7";
    let begin = Instant::now();
    let (status, out, err) = exec_in(&sandbox, &["bash", "-c", script]);
    assert_eq!((status.unwrap(), out.as_str(), err.as_str()), (7, "1 ***\nwork\n", "2 ***\n"));
    assert!(begin.elapsed() < Duration::from_secs(15), "waited for the background");
    for (words, want) in [
        (&["true"][..], 0),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["echo a; exit 3"], 3),
        (&["command", "true"], 0),
        (&["nosuchcommand"], 127),
        (&["/"], 126),
    ] {
        let status = exec_in(&sandbox, words).0.unwrap_or_else(|error| error.exit_status());
        assert_eq!(status, want, "{words:?}");
    }
    // A script without an interpreter's name goes by the shell, with streams of its own.
    let file = sandbox.write("work/plain", "echo $WORD");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(exec_in(&sandbox, &["./plain"]).1, "***\n");
}
