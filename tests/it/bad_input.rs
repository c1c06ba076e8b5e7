//! Broken files, wrong types, huge arguments: a clear message, the documented status, nothing changed.

use std::os::unix::fs::symlink;

use crate::harness::{Ran, Sandbox};
use crate::vectors::job_fixture;

fn only_the_directory() -> Sandbox {
    let mut sandbox = job_fixture();
    let keep = ["HOME", "PATH", "TMPDIR", "TZ", "LANG", "JOB_PATH", "JOB_STATE", "JOB_NAME"];
    sandbox.env.retain(|name, _| keep.iter().any(|kept| name == kept));
    sandbox
}

/// The commands that read a resource's files, with a resource's name to come.
const READERS: [&[&str]; 11] = [
    &["get_resource_id"],
    &["get_resource_type"],
    &["get_resource_state"],
    &["get_resource_version_name"],
    &["get_resource_version_key", "k"],
    &["get_resource_pointer_key", "k"],
    &["get_params_resource", "k"],
    &["get_resource_env", "commit"],
    &["get_integration_resource_field", "f"],
    &["get_integration_resource", "f"],
    &["get_git_changes"],
];

fn call(sandbox: &Sandbox, command: &[&str], name: &str) -> Ran {
    let mut words = vec![command[0].to_owned()];
    match command[0] {
        "get_git_changes" => words.push(format!("--resource={name}")),
        _ => words.push(name.to_owned()),
    }
    words.extend(command[1..].iter().map(|word| (*word).to_owned()));
    sandbox.shipctl(&words)
}

fn assert_clean(ran: &Ran, what: &str) {
    assert!([0, 99].contains(&ran.status), "{what}: exit status {}, {}", ran.status, ran.err());
    assert!(ran.err().lines().count() <= 1, "{what}: more than one line: {}", ran.err());
    assert!(!ran.err().contains("panicked"), "{what}: {}", ran.err());
}

#[test]
fn truncated_at_every_byte() {
    let sandbox = only_the_directory();
    let whole = sandbox.read("job/IN/app_repo/version.json");
    for length in (0..whole.len()).step_by(13) {
        sandbox.write("job/IN/app_repo/version.json", &whole[..length]);
        let ran = call(&sandbox, &["get_resource_version_key", "branch"], "app_repo");
        assert_clean(&ran, &format!("{length} bytes"));
        assert_eq!(ran.out(), "", "{length} bytes");
        if length > 0 {
            ran.fails(99, "IN/app_repo/version.json");
        }
    }
}

#[test]
fn wrong_types_everywhere() {
    let sandbox = only_the_directory();
    for wrong in ["7", "\"text\"", "[1,2]", "null", "true", "{}"] {
        for document in [
            wrong.to_owned(),
            format!(r#"{{"type":{wrong},"resourceId":{wrong},"version":{wrong},"propertyBag":{wrong}}}"#),
            format!(
                r#"{{"type":"gitRepo","version":{{"propertyBag":{wrong},"versionName":{wrong}}},"propertyBag":{{"yml":{wrong}}}}}"#
            ),
            format!(
                r#"{{"type":"params","version":{{"propertyBag":{{"params":{wrong},"shaData":{wrong}}}}},"propertyBag":{{"yml":{{"pointer":{wrong}}}}}}}"#
            ),
        ] {
            sandbox.write("job/IN/odd/version.json", &document);
            sandbox.write("job/IN/odd/integration.json", wrong);
            sandbox.write("job/IN/odd/integration.env", wrong);
            for command in READERS {
                assert_clean(&call(&sandbox, command, "odd"), &format!("{command:?} of {document}"));
            }
        }
    }
}

#[test]
fn missing_folders_files_and_links_in_circles() {
    let sandbox = only_the_directory();
    sandbox.write("job/IN/empty/x", "");
    std::fs::create_dir(sandbox.path("job/IN/folder")).unwrap();
    std::fs::create_dir(sandbox.path("job/IN/folder/version.json")).unwrap();
    symlink("loop", sandbox.path("job/IN/loop")).unwrap();
    std::fs::create_dir(sandbox.path("job/IN/circle")).unwrap();
    symlink("version.json", sandbox.path("job/IN/circle/version.json")).unwrap();
    symlink("integration.json", sandbox.path("job/IN/circle/integration.json")).unwrap();
    for name in ["empty", "folder", "loop", "circle", "nothing"] {
        for command in READERS {
            let ran = call(&sandbox, command, name);
            assert!([0, 1, 99].contains(&ran.status), "{command:?} {name}: {} {}", ran.status, ran.err());
            assert!(!ran.err().contains("panicked"), "{command:?} {name}: {}", ran.err());
        }
    }
    call(&sandbox, &["get_resource_version_key", "k"], "empty")
        .fails(99, "version.json not present for resource: empty");
    call(&sandbox, &["get_resource_version_key", "k"], "folder")
        .fails(99, "version.json not present for resource: folder");
    call(&sandbox, &["get_resource_version_key", "k"], "nothing")
        .fails(99, "IN directory not present for resource: nothing");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let sandbox = only_the_directory();
    std::fs::create_dir(sandbox.path("job/IN/pipe")).unwrap();
    for file in ["version.json", "integration.json", "integration.env"] {
        let made = std::process::Command::new("mkfifo").arg(sandbox.path("job/IN/pipe").join(file)).status().unwrap();
        assert!(made.success());
    }
    for command in READERS {
        assert_clean(&call(&sandbox, command, "pipe"), &format!("{command:?}"));
    }
    assert_clean(&sandbox.shipctl(["get_integration_resource_keys", "pipe"]), "keys");
}

#[test]
fn what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = only_the_directory();
    let shut = std::fs::Permissions::from_mode(0o000);
    for file in ["version.json", "integration.json", "integration.env"] {
        std::fs::set_permissions(sandbox.path("job/IN/aws-cli").join(file), shut.clone()).unwrap();
    }
    std::fs::set_permissions(sandbox.path("work/props.json"), shut).unwrap();
    for words in [
        &["get_resource_id", "aws-cli"] as &[&str],
        &["get_resource_version_key", "aws-cli", "region"],
        &["get_integration_resource_field", "aws-cli", "accessKey"],
        &["get_integration_resource_keys", "aws-cli"],
        &["get_integration_resource", "aws-cli"],
        &["get_json_value", "props.json", "f"],
    ] {
        let ran = sandbox.shipctl_as_nobody(words);
        assert!([1, 99].contains(&ran.status), "{words:?}: {} {}", ran.status, ran.err());
        assert!(ran.stdout.is_empty() && ran.err().contains("Permission denied"), "{words:?}: {}", ran.err());
        assert_eq!(ran.err().lines().count(), 1, "{words:?}: {}", ran.err());
    }
}

#[test]
fn arguments_of_a_hundred_kilobytes() {
    let sandbox = only_the_directory();
    let long = "x".repeat(100_000);
    sandbox.shipctl(["to_uppercase", &long]).prints(format!("{}\n", long.to_uppercase()));
    for command in READERS {
        let ran = call(&sandbox, command, &long);
        assert!([0, 1, 99].contains(&ran.status), "{command:?}: {}", ran.status);
        assert!(ran.stderr.len() < 200_000 && !ran.err().contains("panicked"), "{command:?}");
    }
    let deep = "[".repeat(100_000);
    sandbox.write("work/deep.json", &deep);
    sandbox.shipctl(["get_json_value", "deep.json", "a"]).fails(99, "deep.json");
    sandbox.shipctl(["get_json_value", "deep.json", "a | length"]).fails(99, "deep.json");
    sandbox.shipctl(["get_json_value", "props.json", &deep]).fails(99, "");
}

#[test]
fn json_errors_name_file_line_and_column() {
    let sandbox = only_the_directory();
    sandbox.write("work/bad.json", "{\n  \"a\": 1,\n  \"b\" 2\n}\n");
    sandbox.shipctl(["get_json_value", "bad.json", "a"]).fails(99, "line 3");
    sandbox.shipctl(["get_json_value", "bad.json", "a | length"]).fails(99, "bad.json");
    sandbox.shipctl(["get_json_value", "props.json", "f.x"]).fails(99, "props.json");
    sandbox.shipctl(["get_json_value", "props.json", "servers | ("]).fails(99, "");
    let empty = sandbox.write("work/empty.json", "");
    let ran = sandbox.shipctl(["get_json_value".as_ref(), empty.as_os_str(), "a".as_ref()]);
    assert_eq!((ran.status, ran.out().as_str()), (0, ""));
    assert!(ran.err().contains("the file is empty"), "{}", ran.err());
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let sandbox = only_the_directory();
    let big = format!("[{}]", vec!["\"line\""; 200_000].join(","));
    sandbox.write("work/big.json", big);
    let script = "set -e -o pipefail; shipctl get_json_value big.json | head -1; echo reached";
    sandbox.bash(script).prints("[\nreached\n");
    sandbox.bash("set -e -o pipefail; shipctl get_json_value big.json '.[]' | head -1; echo reached");
    let full = sandbox.bash("shipctl to_uppercase x > /dev/full");
    assert_eq!(full.status, 1);
    assert!(full.err().contains("standard output"), "{}", full.err());
}

#[test]
fn unknown_commands_are_not_supported() {
    let sandbox = only_the_directory();
    sandbox.shipctl(["get_resource_idd", "x"]).fails(99, "did you mean get_resource_id");
    sandbox.shipctl::<_, &str>([]).fails(1, "Usage: shipctl COMMAND ARGUMENTS");
    sandbox.shipctl(["--no-such-option", "get_resource_id"]).fails(2, "--no-such-option");
}
