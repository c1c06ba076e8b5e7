//! Look-ups without the platform: what the environment lacks, the job directory knows.

use crate::harness::{Ran, Sandbox};
use crate::vectors::job_fixture;

/// The recorded job directory, with nothing of it in the environment but where it is.
fn bare() -> Sandbox {
    let mut sandbox = job_fixture();
    let keep = ["HOME", "PATH", "TMPDIR", "TZ", "LANG", "JOB_PATH"];
    sandbox.env.retain(|name, _| keep.iter().any(|kept| name == kept));
    sandbox
}

fn call(sandbox: &Sandbox, words: &str) -> Ran {
    sandbox.shipctl(words.split(' '))
}

#[test]
fn every_attribute_comes_from_the_files() {
    let sandbox = bare();
    let root = sandbox.root().into_os_string().into_string().unwrap();
    for (words, want) in [
        ("get_resource_id aws-cli", "12".to_owned()),
        ("get_resource_type aws-cli", "cliConfig".to_owned()),
        ("get_resource_operation aws-cli", "IN".to_owned()),
        ("get_resource_operation out_img", "OUT".to_owned()),
        ("get_resource_meta aws-cli", format!("{root}/job/IN/aws-cli")),
        ("get_resource_state aws-cli", format!("{root}/job/IN/aws-cli/cliConfig")),
        ("get_resource_path stateA", format!("{root}/job/IN/stateA/state")),
        ("get_resource_version_name node_app_img_dh", "master.17".to_owned()),
        ("get_resource_version_name aws-cli", String::new()),
        ("get_resource_version_id node_app_img_dh", "110".to_owned()),
        ("get_resource_version_number node_app_img_dh", "17".to_owned()),
        ("get_resource_version_key node_app_img_dh nested.a.b[1].c", "deep".to_owned()),
        ("get_resource_pointer_key aws_ecs_cluster region", "us-east-1".to_owned()),
        ("get_params_resource app-params DB_PORT", "3306".to_owned()),
        ("get_params_resource app-params db-name", "foo".to_owned()),
        ("get_params_resource app-params nope", String::new()),
        ("get_integration_resource_field legacy.aws aws_secret_access_key", "legacy/secret+=".to_owned()),
        ("get_integration_resource_field aws-cli ACCESS-KEY", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("get_integration_resource_field aws-cli id", String::new()),
        ("get_integration_resource_field arr_int nodes", "'\"10.0.0.1\",\"10.0.0.2\"'".to_owned()),
        ("get_integration_resource_field arr_int nodes_1", "10.0.0.2".to_owned()),
        ("get_integration_field myAWSCreds secretKey", "direct+secret/==".to_owned()),
        ("get_resource_id 1st.thing-2", "19".to_owned()),
    ] {
        call(&sandbox, words).prints(format!("{want}\n"));
    }
}

#[test]
fn a_name_is_found_however_the_environment_forgave_its_spelling() {
    let sandbox = bare();
    for name in ["AWSCLI", "aws.cli", "9AWS-CLI"] {
        call(&sandbox, &format!("get_resource_id {name}")).prints("12\n");
    }
}

#[test]
fn keys_and_whole_documents() {
    let sandbox = bare();
    call(&sandbox, "get_integration_keys deploy.pem").prints("key\n");
    call(&sandbox, "get_integration_resource_keys arr_int").prints("nodes\npublicKey\n");
    let whole = sandbox.read("job/IN/arr_int/integration.json");
    call(&sandbox, "get_integration_resource arr_int").prints(whole);
}

#[test]
fn the_environment_wins_even_when_empty() {
    let mut sandbox = bare();
    sandbox.set("AWSCLI_ID", "").set("AWSCLI_TYPE", "other");
    call(&sandbox, "get_resource_id aws-cli").prints("\n");
    call(&sandbox, "--strict get_resource_id aws-cli").prints("\n");
    call(&sandbox, "get_resource_type aws-cli").prints("other\n");
}

#[test]
fn values_of_the_environment_are_bytes() {
    use std::os::unix::ffi::OsStringExt;
    let mut sandbox = bare();
    let value = b"a\xff\x80  *\n$(touch x)`y`'\"\\-n ".to_vec();
    sandbox.set("AWSCLI_INTEGRATION_ACCESSKEY", std::ffi::OsString::from_vec(value.clone()));
    let mut want = value;
    want.push(b'\n');
    call(&sandbox, "get_integration_resource_field aws-cli accessKey").prints(want);
}

#[test]
fn the_job_directory_is_an_option_a_variable_or_a_parent() {
    let mut sandbox = bare();
    let job = sandbox.path("job").into_os_string().into_string().unwrap();
    sandbox.env.remove(std::ffi::OsStr::new("JOB_PATH"));
    call(&sandbox, "get_resource_id aws-cli").prints("\n");
    call(&sandbox, &format!("--job-dir {job} get_resource_id aws-cli")).prints("12\n");
    call(&sandbox, &format!("--job-dir={job} get_resource_id aws-cli")).prints("12\n");
    call(&sandbox, "--job-dir ../job get_resource_id aws-cli").prints("12\n");
    call(&sandbox, "--job-dir /nonexistent/x get_resource_id aws-cli").fails(99, "/nonexistent/x: no such folder");
    call(&sandbox, "--job-dir").fails(2, "--job-dir needs a folder");
    sandbox.cwd = sandbox.path("job/IN/stateA/state/conf");
    call(&sandbox, "get_resource_id aws-cli").prints("12\n");
}

#[test]
fn an_input_that_is_also_an_output_is_the_later_step() {
    let sandbox = bare();
    for side in ["IN", "OUT"] {
        sandbox.write(format!("job/{side}/both/version.json"), format!(r#"{{"name":"both","type":"{side}"}}"#));
    }
    call(&sandbox, "get_resource_type both").prints("OUT\n");
    let steps = r#"{"name":"j","dependencies":[{"operation":"OUT","name":"both"},{"operation":"IN","name":"both"}]}"#;
    sandbox.write("job/message.json", steps);
    call(&sandbox, "get_resource_type both").prints("IN\n");
}

#[test]
fn the_job_itself() {
    let mut sandbox = bare();
    sandbox.write("job/message.json", r#"{"name":"deploy-app","type":"runSh","resourceId":7001}"#);
    let state = sandbox.path("job/state").into_os_string().into_string().unwrap();
    call(&sandbox, "get_resource_state deploy-app").prints(format!("{state}\n"));
    call(&sandbox, "get_resource_type deploy-app").prints("runSh\n");
    call(&sandbox, "get_resource_id deploy-app").prints("7001\n");
    let refused = call(&sandbox, "get_resource_version_key deploy-app versionName");
    refused.fails(99, "IN directory not present for resource: deploy-app");
    assert!(!refused.err().contains("did you mean"), "{}", refused.err());
    std::fs::remove_file(sandbox.path("job/message.json")).unwrap();
    sandbox.set("JOB_NAME", "deploy-app").set("JOB_TYPE", "runSh");
    call(&sandbox, "get_resource_type deploy-app").prints("runSh\n");
    let job = sandbox.path("job").into_os_string().into_string().unwrap();
    call(&sandbox, &format!("--job-dir {job} get_resource_type deploy-app")).prints("\n");
}

#[test]
fn strict_look_ups_fail_and_name_what_is_near() {
    let mut sandbox = bare();
    call(&sandbox, "--strict get_resource_id aws_cly").fails(99, "did you mean aws-cli");
    call(&sandbox, "--strict get_params_resource app-params nope").fails(99, "nothing found");
    call(&sandbox, "--strict get_json_value nope.json a").fails(99, "nope.json");
    call(&sandbox, "--strict get_integration_resource stateA").fails(99, "stateA");
    sandbox.set("SHIPCTL_STRICT", "1");
    call(&sandbox, "get_resource_id aws_cly").fails(99, "did you mean aws-cli");
}

#[test]
fn a_missing_file_says_so_and_scripts_go_on() {
    let sandbox = bare();
    for words in ["get_json_value nope.json a", "get_json_value . a", "get_integration_resource stateA masterName"] {
        let ran = call(&sandbox, words);
        assert_eq!((ran.status, ran.out().as_str(), ran.stderr.is_empty()), (0, "", false), "{words}");
    }
}

#[test]
fn the_newer_spelling_has_its_pointer_in_the_version_template() {
    let sandbox = bare();
    sandbox.write(
        "job/IN/new/version.json",
        r#"{"type":"cluster","propertyBag":{"yml":{"versionTemplate":{"region":"eu-west-1"}}}}"#,
    );
    call(&sandbox, "get_resource_pointer_key new region").prints("eu-west-1\n");
    call(&sandbox, "get_resource_pointer_key new nope").prints("null\n");
}
