//! `retry`: tries, words, statuses and signals, with real shells as the commands.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ran, Sandbox, tool};

fn script(sandbox: &Sandbox, name: &str, content: &str) {
    let file = sandbox.write(name, content);
    fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
}

/// How often a command that writes a line to `tries` each time has run.
fn tries(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.path("work/tries")).unwrap_or_default().lines().count()
}

#[test]
fn three_tries_and_the_last_status() {
    let sandbox = Sandbox::new();
    let ran = sandbox.shipctl(["retry", "sh", "-c", "echo out; echo >> tries; exit $((10 + $(wc -l < tries)))"]);
    assert_eq!((ran.status, ran.out(), tries(&sandbox)), (13, "out\nout\nout\n".to_owned(), 3));
    let said =
        "shipctl: retrying 1 of 3 times: sh (exit status 11)\nshipctl: retrying 2 of 3 times: sh (exit status 12)\n";
    assert_eq!(ran.err(), said);
}

#[test]
fn success_ends_the_tries() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["retry", "sh", "-c", "echo >> tries; echo done"]).prints("done\n");
    assert_eq!(tries(&sandbox), 1);
    let ran = sandbox.shipctl(["shippable", "retry"]);
    assert_ne!(ran.status, 0);
    let ran = sandbox.shipctl(["retry_command", "sh", "-c", "echo >> tries; [ $(wc -l < tries) = 3 ]"]);
    assert_eq!((ran.status, tries(&sandbox)), (0, 3));
    sandbox.shipctl(["retry"]).fails(99, "Usage: shipctl retry");
    sandbox.shipctl(["retry", ""]).fails(99, "Usage: shipctl retry");
}

#[test]
fn input_passes_through() {
    let sandbox = Sandbox::new();
    sandbox.bash("printf 'a\\0\\377' | shipctl retry cat | od -An -c | tr -d ' \\n'").prints("a\\0377");
    sandbox.bash("shipctl retry true <&-").prints("");
}

#[test]
fn words_stay_as_given() {
    let sandbox = Sandbox::new();
    let words = ["retry", "printf", "[%s]", "-n", "", "a b", "*", "$HOME", "`id`", "--", "new\nline"];
    sandbox.shipctl(words).prints("[-n][][a b][*][$HOME][`id`][--][new\nline]");
    let bytes = ["retry", "printf", "%s"].map(OsStr::new).into_iter().chain([OsStr::from_bytes(b"\xff")]);
    sandbox.shipctl(bytes).prints(b"\xff");
}

#[test]
fn one_word_with_blanks_is_a_command_line() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["retry", "printf '%s|' a 'b c' \"$LANG\" && echo"]).prints("a|b c|C.UTF-8|\n");
    sandbox.shipctl(["retry", "X=1\nprintf $X"]).prints("1");
    sandbox.shipctl(["retry", &format!("printf {}", "x".repeat(5000))]).prints("x".repeat(5000));
    sandbox.shipctl(["retry", "-x foo"]).fails(127, "retrying 2 of 3 times: -x (exit status 127)");
    script(&sandbox, "work/./a tool", "#!/bin/sh\necho by path\n");
    script(&sandbox, "bin/b tool", "#!/bin/sh\necho on the path\n");
    sandbox.shipctl(["retry", "./a tool"]).prints("by path\n");
    sandbox.shipctl(["retry", "b tool"]).prints("on the path\n");
    fs::set_permissions(sandbox.path("bin/b tool"), Permissions::from_mode(0o644)).unwrap();
    sandbox.shipctl(["retry", "b tool"]).fails(126, "chmod +x");
}

#[test]
fn what_a_shell_does_itself_works_as_it_did_in_a_shell_script() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["retry", "eval", "A=1;", "printf", "$A"]).prints("1");
    sandbox.shipctl(["retry", ":", "a b"]).prints("");
    script(&sandbox, "work/plain", "printf '%s,' \"$@\"\n");
    sandbox.shipctl(["retry", "./plain", "a b", "-c"]).prints("a b,-c,");
}

#[test]
fn what_cannot_be_run_is_said_once() {
    let mut sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("work/folder")).unwrap();
    sandbox.write("work/text", "#!/bin/sh\n");
    script(&sandbox, "work/lost", "#!/no/such/interpreter\n");
    for (program, status, message) in [
        ("no-such-program", 127, "cannot run no-such-program: no folder of PATH holds such a program"),
        ("./none", 127, "cannot run ./none: there is no such file"),
        ("./text/none", 127, "there is no such file"),
        ("./lost", 127, "the interpreter or loader that it names does not exist here"),
        ("./text", 126, "./text may not be executed by this user: chmod +x ./text"),
        ("./folder", 126, "it is a directory"),
    ] {
        let ran = sandbox.shipctl(["retry", program, "secret"]);
        ran.fails(status, message);
        assert_eq!((ran.err().lines().count(), ran.err().contains("secret")), (1, false), "{}", ran.err());
    }
    sandbox.env.remove(OsStr::new("PATH"));
    let ran = Ran::of(sandbox.command(sandbox.path("bin/shipctl")).args(["retry", "echo", "x"]).output().unwrap());
    ran.prints("x\n");
}

#[test]
fn arguments_are_not_shown() {
    let sandbox = Sandbox::new();
    for words in [
        vec!["retry", "sh", "-c", "exit 1", "secret"],
        vec!["retry", "PASSWORD=secret false"],
        vec!["retry", "false secret"],
        vec!["retry", "'secret' secret; false"],
    ] {
        let ran = sandbox.shipctl(words);
        assert!(ran.err().contains("retrying 2 of 3 times"));
        assert!(!ran.err().lines().any(|line| line.starts_with("shipctl") && line.contains("secret")), "{}", ran.err());
    }
}

#[test]
fn a_signal_of_the_commands_own_is_a_failed_try() {
    let sandbox = Sandbox::new();
    let ran = sandbox.shipctl(["retry", "sh", "-c", "echo >> tries; kill -KILL $$"]);
    assert_eq!((ran.status, tries(&sandbox)), (137, 3));
    assert!(ran.err().contains("retrying 1 of 3 times: sh (killed by signal 9)"), "{}", ran.err());
}

/// A `retry` of a shell script that has come to print its first line, which is its process id.
struct Running {
    shipctl: Child,
    out: BufReader<ChildStdout>,
    script: i32,
}

impl Running {
    fn start(sandbox: &Sandbox, script: &str) -> Self {
        let mut shipctl = sandbox
            .command(sandbox.path("bin/shipctl"))
            .args(["retry", "bash", "-c", &format!("echo >> tries; {script}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(shipctl.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let script = line.trim().parse().unwrap_or_else(|_| panic!("{line:?} instead of a process id"));
        Self { shipctl, out, script }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.shipctl), signal).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn end(mut self) -> (std::process::ExitStatus, String) {
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        let status = self.shipctl.wait().unwrap();
        assert!(!Path::new(&format!("/proc/{}", self.script)).exists(), "the command has outlived shipctl");
        (status, out)
    }
}

const ENDING: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

#[test]
fn a_signal_ends_the_command_and_then_shipctl_by_the_same_signal() {
    for signal in ENDING {
        let sandbox = Sandbox::new();
        let running = Running::start(&sandbox, "ulimit -c 0; echo $$; exec sleep 60");
        // bash itself ignores SIGQUIT, so it must have gone first.
        while fs::read_to_string(format!("/proc/{}/comm", running.script)).unwrap() != "sleep\n" {
            std::thread::yield_now();
        }
        running.send(signal);
        let (status, _) = running.end();
        assert_eq!((status.signal(), tries(&sandbox)), (Some(signal.as_raw()), 1), "{signal:?}");
    }
}

#[test]
fn a_command_that_handles_a_signal_gives_the_status_and_is_not_tried_again() {
    for (signal, name) in ENDING.into_iter().zip(["TERM", "INT", "HUP", "QUIT"]) {
        for code in [0, 7] {
            let sandbox = Sandbox::new();
            let script = format!("trap 'kill $!; echo tidy; exit {code}' {name}; sleep 60 >&2 & echo $$; wait");
            let running = Running::start(&sandbox, &script);
            running.send(signal);
            let (status, out) = running.end();
            assert_eq!((status.code(), out.as_str(), tries(&sandbox)), (Some(code), "tidy\n", 1), "{name}");
        }
    }
}

#[test]
fn other_signals_pass_through_and_the_tries_go_on() {
    let sandbox = Sandbox::new();
    let script =
        "[ -e last ] && { echo again; exit 5; }; trap 'echo usr1' USR1; trap 'touch last; kill $!; exit 4' USR2
        sleep 60 >&2 & echo $$; while :; do wait; done";
    let mut running = Running::start(&sandbox, script);
    running.send(Signal::USR1);
    assert_eq!(running.line(), "usr1\n");
    running.send(Signal::USR2);
    let (status, out) = running.end();
    assert_eq!((status.code(), out.as_str(), tries(&sandbox)), (Some(5), "again\nagain\n", 3));
}

#[test]
fn the_command_starts_with_the_signals_that_shipctl_was_given() {
    let sandbox = Sandbox::new();
    let ignored = |script: &str| {
        let ran = sandbox.bash(script);
        let mask = ran.out().lines().find_map(|line| Some(line.strip_prefix("SigIgn:")?.trim().to_owned()));
        u64::from_str_radix(&mask.unwrap(), 16).unwrap()
    };
    let bit = |signal: Signal| 1_u64 << (signal.as_raw() - 1);
    let plain = ignored("shipctl retry cat /proc/self/status");
    assert_eq!(plain & (bit(Signal::PIPE) | bit(Signal::HUP) | bit(Signal::CHILD)), 0);
    // As under nohup.
    let nohup = ignored("trap '' HUP; shipctl retry cat /proc/self/status");
    assert_ne!(nohup & bit(Signal::HUP), 0);
    // A parent that does not care for its children's ends must not make us lose ours.
    let ran = sandbox.bash("trap '' CHLD; exec shipctl retry sh -c 'echo >> tries; exit 3'");
    assert_eq!((ran.status, tries(&sandbox)), (3, 3));
}

/// A terminal, as `script` makes one, in which shipctl is in the foreground.
struct Terminal {
    script: Child,
    out: BufReader<ChildStdout>,
}

impl Terminal {
    fn start(sandbox: &Sandbox, command: &str) -> Self {
        sandbox.write("work/in-terminal", command);
        let mut script = sandbox
            .command(tool("script"))
            .args(["-qefc", "exec bash in-terminal", "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(script.stdout.take().unwrap());
        Self { script, out }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.out.read_until(b'\n', &mut line).unwrap();
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    fn press(&mut self, key: u8) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(&[key]).unwrap();
        stdin.flush().unwrap();
    }
}

const CTRL_C: u8 = 3;

/// The command leaves the terminal's foreground group here, so that only what shipctl sends reaches it.
#[test]
fn ctrl_c_is_left_to_the_terminal() {
    let sandbox = Sandbox::new();
    let command = "trap \"echo int\" INT; trap \"echo term; kill \\$!; exit 3\" TERM
        sleep 60 & echo $PPID; while :; do wait; done";
    let mut terminal = Terminal::start(&sandbox, &format!("exec shipctl retry setsid bash -c '{command}'"));
    let shipctl = Pid::from_raw(terminal.line().parse().unwrap()).unwrap();
    terminal.press(CTRL_C);
    // The terminal shows the key once it has sent the signal.
    let mut shown = [0; 2];
    terminal.out.read_exact(&mut shown).unwrap();
    assert_eq!(&shown, b"^C");
    kill_process(shipctl, Signal::TERM).unwrap();
    // An INT would have been sent before the TERM, and bash runs its trap first.
    assert_eq!(terminal.line(), "term");
    assert_eq!(terminal.script.wait().unwrap().code(), Some(3));
}

#[test]
fn ctrl_c_ends_the_command_and_the_tries() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(&sandbox, "exec shipctl retry bash -c 'echo >> tries; echo up; exec sleep 60'");
    assert_eq!(terminal.line(), "up");
    let begun = Instant::now();
    terminal.press(CTRL_C);
    assert_eq!(terminal.script.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(tries(&sandbox), 1);
}
