//! Nothing that a script hands over is evaluated, and no name leads out of the job directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use shipctl::commands::drop_in::TABLE;

use crate::harness::{Ran, Sandbox};
use crate::vectors::job_fixture;

/// Words that a shell, a glob or an option parser would act on. `MARK` becomes the path of a file that must not appear.
const HOSTILE: [&str; 16] = [
    "$(touch MARK)",
    "`touch MARK`",
    "x; touch MARK;",
    "x\ntouch MARK\n",
    "| touch MARK",
    "&& touch MARK",
    "'$(touch MARK)'",
    "\"; touch MARK; \"",
    "${x:-$(touch MARK)}",
    "a[$(touch MARK)]",
    "*",
    "--help",
    "--version",
    "--strict",
    "-rf",
    "../../../../../../etc/passwd",
];

/// Commands that run what they are given, which is their work: their first word is a harmless program here.
const RUNNERS: [&str; 2] = ["retry", "service"];

fn sandbox() -> (Sandbox, PathBuf) {
    let mut sandbox = job_fixture();
    let mark = sandbox.path("mark");
    sandbox.write("bin/shippable_service", "#!/bin/sh\nexit 0\n");
    // No proxy, no server: what a command would post goes nowhere.
    sandbox.set("NOTIFY_TEXT", "x").set("SHIPCTL_NOTIFY_TIMEOUT", "1");
    (sandbox, mark)
}

fn hostile(mark: &Path) -> Vec<OsString> {
    let mark = mark.to_str().unwrap();
    let mut words: Vec<OsString> = HOSTILE.iter().map(|word| word.replace("MARK", mark).into()).collect();
    words.push(OsString::from_vec(b"\xff\xfe$(touch \x80)".to_vec()));
    words
}

fn documented(ran: &Ran) -> bool {
    [0, 1, 82, 99, 100].contains(&ran.status)
}

/// Every file outside the folders that commands may write to.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn no_argument_of_any_command_is_evaluated() {
    let (sandbox, mark) = sandbox();
    for command in TABLE {
        for word in hostile(&mark) {
            for count in 1..=3 {
                let mut words = vec![OsString::from(command.name)];
                if RUNNERS.contains(&command.name) {
                    words.push("true".into());
                }
                words.extend(std::iter::repeat_n(word.clone(), count));
                let ran = sandbox.shipctl(&words);
                assert!(!mark.exists(), "{words:?} ran something");
                assert!(documented(&ran), "{words:?}: exit status {}, {}", ran.status, ran.err());
                assert!(!ran.err().contains("panicked"), "{words:?}: {}", ran.err());
            }
        }
    }
}

#[test]
fn no_argument_after_a_real_name_is_evaluated() {
    let (sandbox, mark) = sandbox();
    let first = |command: &str| match command {
        "get_json_value" => "props.json",
        "replace" => "tmpl.json",
        "get_integration_field" | "get_integration_keys" => "myAWSCreds",
        "notify" => "slack_out",
        "jdk" => "set",
        "split_tests" => ".",
        "bump_version" => "1.2.3",
        _ => "app_repo",
    };
    for command in TABLE.iter().filter(|command| !RUNNERS.contains(&command.name)) {
        for word in hostile(&mark) {
            let words = [command.name.into(), first(command.name).into(), word.clone(), word.clone()];
            let ran = sandbox.shipctl(&words);
            assert!(!mark.exists(), "{words:?} ran something");
            assert!(documented(&ran), "{words:?}: exit status {}, {}", ran.status, ran.err());
        }
    }
}

#[test]
fn no_field_of_the_job_directory_is_evaluated() {
    let (mut sandbox, mark) = sandbox();
    let evil = format!("$(touch {0})`touch {0}`'; touch {0}; '\"; touch {0}; \"", mark.display());
    let text = serde_json::to_string(&evil).unwrap();
    sandbox.write(
        "job/IN/evil/version.json",
        format!(
            r#"{{"type":"gitRepo","name":"evil","operation":"IN","resourceId":{text},"propertyBag":{{"yml":{{"pointer":{{"p":{text}}}}}}},
            "version":{{"versionName":{text},"versionId":{text},"versionNumber":{text},"propertyBag":{{"k":{text},"params":{{"p":{text}}},
            "shaData":{{"commitSha":{text},"beforeCommitSha":{text},"branchName":{text}}}}}}}}}"#
        ),
    );
    sandbox.write("job/IN/evil/integration.json", format!(r#"{{"masterName":"x","f":{text}}}"#));
    sandbox.write("job/IN/evil/integration.env", format!("f=\"{evil}\""));
    sandbox.set("JOB_NAME", "j");
    for words in [
        vec!["get_resource_id", "evil"],
        vec!["get_resource_version_name", "evil"],
        vec!["get_resource_version_key", "evil", "k"],
        vec!["get_resource_pointer_key", "evil", "p"],
        vec!["get_params_resource", "evil", "p"],
        vec!["get_integration_resource_field", "evil", "f"],
        vec!["get_integration_resource", "evil", "f"],
    ] {
        sandbox.shipctl(&words).prints(format!("{evil}\n"));
    }
    for words in [
        vec!["replicate", "evil", "mst_repo", "--match-settings"],
        vec!["replicate", "evil", "j"],
        vec!["get_git_changes", "--resource=evil"],
        vec!["get_integration_resource_keys", "evil"],
        vec!["get_integration_resource", "evil"],
        vec!["job", "env"],
        vec!["job", "show"],
    ] {
        sandbox.shipctl(&words);
    }
    assert!(!mark.exists(), "something ran");
}

#[test]
fn no_name_leads_out_of_the_job_directory() {
    let (sandbox, _) = sandbox();
    sandbox.write("outside.env", "secret=1\n");
    sandbox.write("outside/version.json", r#"{"type":"state","resourceId":666,"version":{"propertyBag":{"k":"666"}}}"#);
    sandbox.write("outside/integration.json", r#"{"masterName":"x","f":"666"}"#);
    sandbox.write("outside/integration.env", "f=\"666\"\n");
    let before: BTreeMap<_, _> =
        snapshot(&sandbox.root()).into_iter().filter(|(path, _)| !path.starts_with(sandbox.path("job"))).collect();
    for name in ["../outside", "../../outside", "../../../outside", "/outside", "./../../outside", "..", "."] {
        for words in [
            vec!["get_resource_id", name],
            vec!["get_resource_version_key", name, "k"],
            vec!["get_integration_resource", name],
            vec!["get_integration_resource_keys", name],
            vec!["get_integration_field", name, "f"],
            vec!["get_integration_keys", name],
            vec!["put_resource_state", name, "k", "v"],
            vec!["post_resource_state", name, "k", "v"],
            vec!["post_resource_state_multi", name, "k=v"],
            vec!["copy_file_from_prev_state", name, "."],
            vec!["copy_file_from_resource_state", name, "version.json", "."],
            vec!["copy_file_from_resource_state", "stateA", name, "."],
            vec!["copy_file_to_resource_state", "config.json", name],
            vec!["replicate", "stateA", name],
            vec!["replicate", name, "stateB"],
        ] {
            let ran = sandbox.shipctl(&words);
            assert!(!ran.out().contains("666"), "{words:?} read outside: {}", ran.out());
            assert!(documented(&ran), "{words:?}: exit status {}, {}", ran.status, ran.err());
        }
    }
    let after: BTreeMap<_, _> =
        snapshot(&sandbox.root()).into_iter().filter(|(path, _)| !path.starts_with(sandbox.path("job"))).collect();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file outside the job directory changed");
}
