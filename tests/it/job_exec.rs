//! `job exec` and `job clean`: the environment, the streams, the statuses, and no secret in any of them.

use serde_json::json;

use crate::harness::Sandbox;

/// A job directory as `job init` makes it, with a secret param and an integration.
fn job() -> Sandbox {
    let sandbox = Sandbox::new();
    let record = json!({
        "job": "build", "type": "runSh", "buildNumber": "1", "token": "t", "store": "/none", "dependencies": [],
        "cliVariables": [], "cliRemoved": ["AWS_PROFILE"], "masks": ["bG9naW46cGFzcw=="]
    });
    sandbox.write("work/job/status/run.json", record.to_string());
    sandbox.write("work/job/state/build.env", "");
    sandbox.write("work/job/message.json", r#"{"name": "build", "type": "runSh"}"#);
    let params = json!({"params": {"MODE": "fast", "secure": {"TOKEN": "tok&en=/1234"}}});
    let version = json!({
        "operation": "IN", "name": "settings", "type": "params", "resourceId": 1, "propertyBag": {"yml": {}},
        "version": {"versionId": 1, "versionNumber": 1, "versionName": null, "propertyBag": params},
    });
    sandbox.write("work/job/IN/settings/version.json", version.to_string());
    let integration =
        json!({"id": 1, "masterName": "amazonKeys", "accessKey": "AKIAEXAMPLE", "secretKey": "se/cret+key"});
    sandbox.write("work/job/integrations/aws/integration.json", integration.to_string());
    sandbox
}

#[test]
fn a_command_gets_the_environment_and_the_folder_of_the_job() {
    let mut sandbox = job();
    sandbox.set("AWS_PROFILE", "mine").set("LD_LIBRARY_PATH", "/x").set("KEPT", "1");
    let script = "echo $MODE $JOB_NAME ${AWS_PROFILE-none} ${LD_LIBRARY_PATH-none} $KEPT; pwd; cat";
    let ran = sandbox.shipctl(["--job-dir", "job", "job", "exec", "--", "sh", "-c", script]);
    let folder = sandbox.path("work/job");
    ran.prints(format!("fast build none none 1\n{}\n", folder.display()));
}

#[test]
fn scripts_find_shipctl_and_its_older_names() {
    let mut sandbox = job();
    let script = "shipctl get_resource_name a-b; ship_resource_get_type build; shippable_retry echo again; command -v shippable_service";
    let exec = |sandbox: &Sandbox| sandbox.shipctl(["job", "exec", "--dir", "job", "--", "bash", "-c", script]);
    sandbox.set("PATH", "/usr/bin:/bin");
    for _ in 0..2 {
        let ran = exec(&sandbox);
        assert_eq!((ran.status, ran.out()), (1, "AB\nrunSh\nagain\n".to_owned()), "{}", ran.err());
    }
    // What is on the path already comes first; a directory that is not ours gets nothing.
    let own = sandbox.write("own/shippable_retry", "#!/bin/sh\necho own $*\n");
    std::fs::set_permissions(own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.set("PATH", format!("{}:/usr/bin:/bin", sandbox.path("own").display()));
    assert_eq!(exec(&sandbox).out(), "AB\nrunSh\nown echo again\n");
    std::fs::remove_dir_all(sandbox.path("work/job/scripts")).unwrap();
    std::fs::remove_file(sandbox.path("work/job/status/run.json")).unwrap();
    exec(&sandbox);
    assert!(!sandbox.path("work/job/scripts").exists());
}

#[test]
fn no_secret_passes_in_either_stream() {
    let sandbox = job();
    let script = r#"
        echo "whole $TOKEN"; printf %s "$AWS_INTEGRATION_SECRETKEY" | base64; echo "tok%26en%3D%2F1234"
        echo "half tok&e" | tr -d '\n'; echo "n=/1234"
        echo "error $TOKEN bG9naW46cGFzcw==" >&2
    "#;
    let ran = sandbox.shipctl(["job", "exec", "--dir", "job", "--", "bash", "-c", script]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(ran.out(), "whole ***\n***\n***\nhalf ***\n");
    assert_eq!(ran.err(), "error *** ***\n");
}

#[test]
fn the_status_is_that_of_the_command() {
    let sandbox = job();
    let run = |words: &[&str]| {
        let all: Vec<&str> = ["job", "exec", "--dir", "job", "--"].iter().chain(words).copied().collect();
        sandbox.shipctl(all)
    };
    assert_eq!(run(&["sh", "-c", "exit 7"]).status, 7);
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).status, 143);
    run(&["no-such-program"]).fails(127, "no-such-program");
    run(&["./IN"]).fails(126, "IN");
    sandbox.shipctl(["job", "exec", "--dir", "none", "--", "true"]).fails(8, "no such folder");
    sandbox.shipctl(["job", "exec", "--", "true"]).fails(8, "no job directory");
}

#[test]
fn clean_removes_what_init_made_and_nothing_else() {
    let sandbox = job();
    sandbox.write("work/elsewhere/kept", "x");
    std::os::unix::fs::symlink(sandbox.path("work/elsewhere"), sandbox.path("work/job/IN/settings/gitRepo")).unwrap();
    sandbox.shipctl(["job", "clean", "--dir", "job"]).prints("");
    assert!(!sandbox.path("work/job").exists() && sandbox.path("work/elsewhere/kept").exists());
    sandbox.shipctl(["job", "clean", "--dir", "job"]).prints("");
    sandbox.write("work/other/IN/a/version.json", "{}");
    sandbox.shipctl(["job", "clean", "--dir", "other"]).fails(8, "was not made by");
    assert!(sandbox.path("work/other/IN/a/version.json").exists());
}

#[test]
fn the_one_directory_that_init_made_here_is_found() {
    let sandbox = job();
    std::fs::create_dir_all(sandbox.path("work/.shipctl/build")).unwrap();
    std::fs::rename(sandbox.path("work/job"), sandbox.path("work/.shipctl/build/build")).unwrap();
    let ran = sandbox.shipctl(["job", "exec", "--", "sh", "-c", "echo $MODE"]);
    assert_eq!((ran.status, ran.out().as_str()), (0, "fast\n"), "{}", ran.err());
    // Nobody has named it.
    assert!(ran.err().contains("the job build"), "{}", ran.err());
    sandbox.write("work/.shipctl/build/second/status/run.json", "{}");
    sandbox.shipctl(["job", "exec", "--", "true"]).fails(8, "build, second");
}
