//! `make install` and `make demo`, and what they leave.

use std::fs;
use std::path::PathBuf;

use crate::guards;
use crate::harness::{Ran, SHIPCTL, Sandbox, tool};

/// Runs a target of the Makefile with the binary under test.
fn make(sandbox: &Sandbox, words: &[String]) -> Ran {
    let mut command = sandbox.command(tool("make"));
    command.arg("--no-print-directory").arg("-C").arg(guards::root()).args(words);
    Ran::of(command.output().unwrap())
}

/// Installs into a sandbox; the folder that stands for `/usr`.
fn installed(sandbox: &Sandbox) -> PathBuf {
    let words = ["install", "PREFIX=/usr"].map(str::to_owned).into_iter();
    let words = words.chain([format!("DESTDIR={}", sandbox.path("stage").display()), format!("BINARY={SHIPCTL}")]);
    let ran = make(sandbox, &words.collect::<Vec<_>>());
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    sandbox.path("stage/usr")
}

#[test]
fn everything_is_in_its_place_and_goes_again() {
    let sandbox = Sandbox::new();
    let usr = installed(&sandbox);
    assert!(usr.join("bin/shipctl").is_file());
    for entry in fs::read_dir(guards::root().join("man")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(usr.join("share/man/man1").join(&name).is_file(), "{} is not installed", name.display());
    }
    let words =
        ["uninstall".to_owned(), "PREFIX=/usr".to_owned(), format!("DESTDIR={}", sandbox.path("stage").display())];
    let ran = make(&sandbox, &words);
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    let left = Ran::of(sandbox.command("find").arg(&usr).args(["-not", "-type", "d"]).output().unwrap());
    left.prints("");
}

#[test]
fn the_older_names_are_links_to_the_one_binary() {
    let sandbox = Sandbox::new();
    let bin = installed(&sandbox).join("bin");
    for (name, arguments, usage) in [
        ("shippable_retry", vec![], "Usage: shipctl retry COMMAND ARGUMENTS..."),
        ("shippable_replace", vec!["/"], ""),
        ("shippable_decrypt", vec![], "Usage: shipctl decrypt FILE [KEY]"),
        ("shippable_jdk", vec![], "Usage: shipctl jdk set NAME"),
    ] {
        assert_eq!(fs::read_link(bin.join(name)).unwrap().to_str(), Some("shipctl"), "{name}");
        let ran = Ran::of(sandbox.command(bin.join(name)).args(arguments).output().unwrap());
        assert_ne!(ran.status, 0, "{name}");
        assert!(ran.err().starts_with(usage), "{name}: {}", ran.err());
    }
}

#[test]
fn bash_completes_what_is_installed() {
    let sandbox = Sandbox::new();
    let file = installed(&sandbox).join("share/bash-completion/completions/shipctl");
    let script = format!(
        "source '{}' && complete -p shipctl > /dev/null && COMP_WORDS=(shipctl get_resource_i) COMP_CWORD=1 && \
         _shipctl shipctl get_resource_i shipctl && echo \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    sandbox.bash(&script).prints("get_resource_id\n");
}

#[test]
fn zsh_completes_what_is_installed() {
    let sandbox = Sandbox::new();
    let folder = installed(&sandbox).join("share/zsh/site-functions");
    let script = format!(
        "fpath=('{}' $fpath) && autoload -Uz compinit && compinit -u -D && print -r -- $_comps[shipctl] && \
         autoload +X _shipctl && functions _shipctl | grep -c get_resource_id > /dev/null",
        folder.display()
    );
    let ran = Ran::of(sandbox.command(tool("zsh")).args(["-f", "-c", &script]).output().unwrap());
    ran.prints("_shipctl\n");
}

#[test]
fn fish_completes_what_is_installed() {
    let mut sandbox = Sandbox::new();
    let share = installed(&sandbox).join("share");
    sandbox.set("XDG_DATA_DIRS", share);
    sandbox.shell("fish", "complete -C 'shipctl get_resource_i'").prints("get_resource_id\tThe id of a resource\n");
}

#[test]
fn the_demo_runs_two_jobs() {
    let sandbox = Sandbox::new();
    let words =
        ["demo".to_owned(), format!("DEMO={SHIPCTL}"), format!("DEMO_DIR={}", sandbox.path("work/demo").display())];
    let ran = make(&sandbox, &words);
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    assert!(ran.out().contains("demo: both jobs ran"), "{}", ran.out());
    assert!(sandbox.path("work/demo/.shipctl/jobs/deploy_web/versions/1.json").is_file());
    // A second run begins anew.
    assert_eq!(make(&sandbox, &words).status, 0);
}
