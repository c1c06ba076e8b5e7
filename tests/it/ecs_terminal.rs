//! What is seen of a deployment on a terminal, where a live line stands below the others; in a log there is none.

use crate::ecs_failures::{BLUE_GREEN, Stage};
use crate::ecs_server::Scenario;
use crate::harness::tool;

/// Runs its arguments on a terminal of its own, and prints what is shown there.
const PTY: &str = "import os, pty, sys
def read(fd):
    return os.read(fd, 65536)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read, lambda fd: b'')))
";

#[test]
fn a_live_line_on_a_terminal() {
    let mut stage = Stage::of(Scenario::new(), BLUE_GREEN);
    stage.ecs.settle_in(&mut stage.sandbox);
    stage.sandbox.write("work/terminal.py", PTY);
    let script = format!(
        "TERM=xterm-256color {} terminal.py shipctl ecs deploy d --build-number 1 --ambient < /dev/null",
        tool("python").display()
    );
    let ran = stage.sandbox.bash(&script);
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    let shown = ran.out();
    // A live line is drawn anew: cleared, with the time that has passed at its end.
    assert!(shown.contains("\u{1b}[2K") && shown.contains("(0s)"), "{shown:?}");
    assert!(shown.contains("0:01 m: d-m-1: 0 of 1 running, 1 pending"), "{shown:?}");
    assert!(shown.contains("m\td-m-1\tarn:aws:ecs:"), "{shown:?}");
}

#[test]
fn lines_alone_in_a_log() {
    let mut stage = Stage::of(Scenario::new(), BLUE_GREEN);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    assert_eq!(ran.status, 0);
    assert!(!ran.err().contains('\u{1b}') && !ran.err().contains('\r'), "{:?}", ran.err());
    assert!(ran.err().contains("0:01 m: d-m-1: 0 of 1 running, 1 pending"), "{}", ran.err());
}
