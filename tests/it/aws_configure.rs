//! `aws configure`: profiles that real AWS clients use, in files that stay their owner's.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::aws_cache::files_below;
use crate::harness::{Ran, Sandbox, tool};
use crate::scripted_sts::{
    Answer, BASE_ID, BASE_SECRET, ROLE, SESSION_SECRET, SESSION_TOKEN, Sts, printed, refuses, session_id,
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// An STS that tells callers by whose key they signed.
fn mirror() -> Sts {
    Sts::start(|call| match call.action() {
        "GetCallerIdentity" => {
            Answer::identity("123456789012", &format!("arn:aws:iam::123456789012:user/{}", call.signer()))
        }
        _ => Answer::session(call.number, 3600),
    })
}

/// A job directory with two sets of keys and a role; no ambient keys.
fn job(sts: &Sts) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.env.remove(std::ffi::OsStr::new("AWS_REGION"));
    for (name, integration, version) in [
        (
            "aws-one",
            r#"{"masterName":"amazonKeys","accessKey":"AKIAONE","secretKey":"one/secret+"}"#,
            r#"{"propertyBag":{"yml":{"pointer":{"region":"us-east-1"}}}}"#,
        ),
        (
            "aws-two",
            r#"{"masterName":"amazonKeys","accessKey":"AKIATWO","secretKey":"two/secret+"}"#,
            r#"{"propertyBag":{"yml":{"pointer":{"region":"eu-central-1"}}}}"#,
        ),
        (
            "a-role",
            r#"{"masterName":"amazonIamRole","assumeRoleARN":"arn:aws:iam::123456789012:role/deploy"}"#,
            r#"{"propertyBag":{"yml":{"pointer":{"region":"us-west-2"}}}}"#,
        ),
    ] {
        sandbox.write(format!("the job/IN/{name}/integration.json"), integration);
        sandbox.write(format!("the job/IN/{name}/version.json"), version);
    }
    let root = sandbox.path("the job");
    sandbox.set("JOB_PATH", root);
    sandbox
}

#[track_caller]
fn configure(sandbox: &Sandbox, words: &[&str]) {
    let ran = sandbox.shipctl([&["aws", "configure"], words].concat());
    assert_eq!((ran.status, ran.out()), (0, String::new()), "{}", ran.err());
    assert!(ran.err().lines().count() == 1 && ran.err().contains("wrote profile"), "{}", ran.err());
}

fn text(sandbox: &Sandbox, file: &str) -> String {
    String::from_utf8(sandbox.read(format!("home/.aws/{file}"))).unwrap()
}

/// Who the real AWS CLI says we are.
fn who(sandbox: &Sandbox, profile: &[&str]) -> Ran {
    let words = [&["sts", "get-caller-identity", "--query", "Arn", "--output", "text"], profile].concat();
    Ran::of(sandbox.command(tool("aws")).args(words).output().unwrap())
}

/// Whose profile boto3 uses, and its region.
fn boto(sandbox: &Sandbox, profile: &str) -> String {
    let script = format!(
        "import boto3\ns = boto3.Session(profile_name={profile})\nprint(s.client('sts').get_caller_identity()['Arn'], s.region_name)"
    );
    let ran = Ran::of(sandbox.command(tool("python")).args(["-c", &script]).output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.err());
    ran.out().trim_end().to_owned()
}

#[test]
fn real_clients_use_static_profiles() {
    let sts = mirror();
    let sandbox = job(&sts);
    configure(&sandbox, &["aws-one", "aws-two"]);
    let user = |id: &str| format!("arn:aws:iam::123456789012:user/{id}\n");
    assert_eq!(who(&sandbox, &["--profile", "aws-one"]).out(), user("AKIAONE"));
    assert_eq!(who(&sandbox, &["--profile", "aws-two"]).out(), user("AKIATWO"));
    // The last is the default, as on the old platform.
    assert_eq!(who(&sandbox, &[]).out(), user("AKIATWO"));
    assert_eq!(sts.calls().last().unwrap().region(), "eu-central-1");
    assert_eq!(boto(&sandbox, "'aws-one'"), "arn:aws:iam::123456789012:user/AKIAONE us-east-1");
    assert_eq!(boto(&sandbox, "None"), "arn:aws:iam::123456789012:user/AKIATWO eu-central-1");
    assert_eq!(
        text(&sandbox, "credentials"),
        "[aws-one]\naws_access_key_id = AKIAONE\naws_secret_access_key = one/secret+\n\n\
         [aws-two]\naws_access_key_id = AKIATWO\naws_secret_access_key = two/secret+\n\n\
         [default]\naws_access_key_id = AKIATWO\naws_secret_access_key = two/secret+\n"
    );
    assert_eq!(
        text(&sandbox, "config"),
        "[profile aws-one]\nregion = us-east-1\n\n[profile aws-two]\nregion = eu-central-1\n\n\
         [default]\nregion = eu-central-1\n"
    );
}

#[test]
fn real_clients_call_back_for_credentials() {
    let sts = mirror();
    let mut sandbox = job(&sts);
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    configure(&sandbox, &["--process", "aws-one"]);
    configure(&sandbox, &["--process", "--external-id", "it's \"quoted\"", "--profile", "the role", "a-role"]);
    let called = sts.calls().len();
    for secret in ["one/secret+", BASE_SECRET, SESSION_SECRET, SESSION_TOKEN] {
        for (path, content) in files_below(&sandbox.path("home/.aws")) {
            assert!(memchr::memmem::find(&content, secret.as_bytes()).is_none(), "{secret} in {}", path.display());
        }
    }
    // The clients run elsewhere, without the job's environment.
    sandbox.env.remove(std::ffi::OsStr::new("JOB_PATH"));
    sandbox.cwd = sandbox.path("tmp");
    let words = ["--profile", "aws-one"];
    sandbox.env.remove(std::ffi::OsStr::new("AWS_ACCESS_KEY_ID"));
    sandbox.env.remove(std::ffi::OsStr::new("AWS_SECRET_ACCESS_KEY"));
    let ran = who(&sandbox, &words);
    assert_eq!(ran.out(), "arn:aws:iam::123456789012:user/AKIAONE\n", "{}", ran.err());
    assert_eq!(boto(&sandbox, "'aws-one'"), "arn:aws:iam::123456789012:user/AKIAONE us-east-1");
    // A role asks for ambient keys, here those of the environment, which a named profile wins over.
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    let ran = who(&sandbox, &["--profile", "the role"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().contains(":user/ASIA"), "{}", ran.out());
    let assumed: Vec<_> = sts.calls().into_iter().filter(|call| call.action() == "AssumeRole").collect();
    assert!(assumed.iter().all(|call| call.param("ExternalId") == Some("it's \"quoted\"")), "{assumed:#?}");
    assert!(sts.calls().len() > called);
    // So does our own binary, through the SDK, which reads no names with blanks.
    let path = sandbox.path("the job");
    let config = text(&sandbox, "config").replace("[profile \"the role\"]", "[profile the-role]");
    assert!(config.contains(path.to_str().unwrap()), "{config}");
    sandbox.write("home/.aws/config", config);
    let got = printed(&sandbox.shipctl(["aws", "export", "--profile", "the-role", "--format", "json"]));
    assert!(got["accessKeyId"].as_str().unwrap().starts_with("ASIA"), "{got}");
    assert_eq!(got["region"], "us-west-2");
}

#[test]
fn a_role_that_calls_back_does_not_call_itself() {
    let sts = mirror();
    let mut sandbox = job(&sts);
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    configure(&sandbox, &["--process", "--no-cache", "a-role"]);
    let called = sts.calls().len();
    sandbox.env.remove(std::ffi::OsStr::new("AWS_ACCESS_KEY_ID"));
    sandbox.env.remove(std::ffi::OsStr::new("AWS_SECRET_ACCESS_KEY"));
    fs::remove_dir_all(sandbox.path("home/.cache")).ok();
    for set in [None, Some("a-role"), Some("default")] {
        if let Some(name) = set {
            sandbox.set("AWS_PROFILE", name);
        }
        let started = Instant::now();
        let ran = who(&sandbox, &["--profile", "a-role"]);
        assert_ne!(ran.status, 0, "{}", ran.out());
        assert!(ran.err().contains("no ambient AWS credentials"), "{}", ran.err());
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        let own = sandbox.shipctl(["aws", "export", "--format", "process", "--profile", "a-role"]);
        refuses(&own, 3, &["a-role"]);
    }
    assert_eq!(sts.calls().len(), called);
}

const MINE: &str = "\
# kept by hand; do not touch
[default]
region = us-east-1   ; where we are
output=json

; the old one
[profile aws-one]
  # indented comment
region=ap-south-1
role_arn = arn:aws:iam::1:role/old
source_profile = default
s3 =
    max_concurrent_requests = 20
cli_pager =

[profile last]
region = x
";

#[test]
fn what_is_not_ours_stays_byte_for_byte() {
    let sts = mirror();
    let sandbox = job(&sts);
    let config = sandbox.write("home/.aws/config", MINE);
    let keys =
        "[aws-one]\naws_access_key_id=AKIAOLD\naws_secret_access_key=old\naws_session_token=old\n# end\n[last]\nx = 1";
    let credentials = sandbox.write("home/.aws/credentials", keys);
    fs::set_permissions(&config, Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(&credentials, Permissions::from_mode(0o400)).unwrap();
    configure(&sandbox, &["--profile", "aws-one", "aws-one"]);
    let want = MINE
        .replace("region=ap-south-1\n", "region = us-east-1\n")
        .replace("role_arn = arn:aws:iam::1:role/old\nsource_profile = default\n", "");
    assert_eq!(text(&sandbox, "config"), want);
    let want = "[aws-one]\naws_access_key_id = AKIAONE\naws_secret_access_key = one/secret+\n# end\n[last]\nx = 1";
    assert_eq!(text(&sandbox, "credentials"), want);
    assert_eq!((mode(&config), mode(&credentials)), (0o640, 0o400));
    // Once more changes nothing, not even the files' identity.
    let before = [&config, &credentials].map(|path| fs::metadata(path).unwrap().ino());
    configure(&sandbox, &["--profile", "aws-one", "aws-one"]);
    assert_eq!([&config, &credentials].map(|path| fs::metadata(path).unwrap().ino()), before);
    // From static keys to the process and back: nothing of the other stays.
    configure(&sandbox, &["--profile", "aws-one", "--process", "aws-one"]);
    assert_eq!(text(&sandbox, "credentials"), "[aws-one]\n# end\n[last]\nx = 1");
    assert!(text(&sandbox, "config").contains("credential_process = "));
    configure(&sandbox, &["--profile", "aws-one", "aws-one"]);
    assert!(!text(&sandbox, "config").contains("credential_process"));
}

#[test]
fn lines_of_other_systems_and_odd_headers_stay() {
    let sts = mirror();
    let sandbox = job(&sts);
    let odd = "[default]\r\nregion = us-east-1\r\n\r\n[ profile spaced ]\r\nx = 1\r\n[sso-session corp]\nsso_region = z\n[services s]\nsts =\n  endpoint_url = http://x\n";
    sandbox.write("home/.aws/config", odd);
    configure(&sandbox, &["--profile", "new", "aws-one"]);
    assert_eq!(text(&sandbox, "config"), format!("{odd}\n[profile new]\nregion = us-east-1\n"));
}

#[test]
fn a_file_that_is_not_text_is_left_alone() {
    let sts = mirror();
    let sandbox = job(&sts);
    let config = sandbox.write("home/.aws/config", b"[default]\n# \xff\xfe\n");
    let ran = sandbox.shipctl(["aws", "configure", "aws-one"]);
    refuses(&ran, 8, &[".aws/config"]);
    assert_eq!(fs::read(config).unwrap(), b"[default]\n# \xff\xfe\n");
    assert!(!sandbox.path("home/.aws/credentials").exists());
}

#[test]
fn new_files_are_private_whatever_the_umask() {
    let sts = mirror();
    let sandbox = job(&sts);
    let ran = sandbox.bash("umask 000; shipctl aws configure aws-one");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let folder = sandbox.path("home/.aws");
    assert_eq!(mode(&folder), 0o700);
    for file in ["credentials", "config"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn files_lie_where_the_environment_says() {
    let sts = mirror();
    let mut sandbox = job(&sts);
    let (credentials, config) = (sandbox.path("a/deep/creds"), sandbox.path("b/conf"));
    sandbox.set("AWS_SHARED_CREDENTIALS_FILE", &credentials).set("AWS_CONFIG_FILE", &config);
    configure(&sandbox, &["aws-one"]);
    assert_eq!(who(&sandbox, &["--profile", "aws-one"]).out(), "arn:aws:iam::123456789012:user/AKIAONE\n");
    assert!(credentials.is_file() && config.is_file() && !sandbox.path("home/.aws").exists());
    sandbox.env.remove(std::ffi::OsStr::new("AWS_CONFIG_FILE"));
    sandbox.env.remove(std::ffi::OsStr::new("HOME"));
    refuses(&sandbox.shipctl(["aws", "configure", "aws-one"]), 8, &["AWS_CONFIG_FILE", "HOME"]);
}

#[test]
fn links_stay_links() {
    let sts = mirror();
    let sandbox = job(&sts);
    let real = sandbox.write("dotfiles/aws-config", "# linked\n");
    fs::create_dir(sandbox.path("home/.aws")).unwrap();
    symlink(&real, sandbox.path("home/.aws/config")).unwrap();
    configure(&sandbox, &["--profile", "p", "aws-one"]);
    assert_eq!(fs::read_link(sandbox.path("home/.aws/config")).unwrap(), real);
    assert_eq!(fs::read_to_string(real).unwrap(), "# linked\n\n[profile p]\nregion = us-east-1\n");
}

#[test]
fn twenty_at_once_lose_nothing() {
    let sts = mirror();
    let sandbox = job(&sts);
    let running: Vec<_> = (0..20)
        .map(|number| {
            let mut command = sandbox.command(sandbox.path("bin/shipctl"));
            command.args(["aws", "configure", "--profile", &format!("p{number}"), "aws-one"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in running {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.status, 0, "{}", ran.err());
    }
    let (credentials, config) = (text(&sandbox, "credentials"), text(&sandbox, "config"));
    for number in 0..20 {
        assert!(credentials.contains(&format!("[p{number}]\naws_access_key_id = AKIAONE\n")), "{credentials}");
        assert!(config.contains(&format!("[profile p{number}]\nregion = us-east-1\n")), "{config}");
    }
}

#[test]
fn a_killed_run_leaves_whole_files() {
    let sts = mirror();
    let sandbox = job(&sts);
    // Long enough that writing it takes a while.
    let old: String = (0..2000).map(|number| format!("[profile old{number}]\nregion = r{number}\n\n")).collect();
    let config = sandbox.write("home/.aws/config", &old);
    configure(&sandbox, &["--profile", "p", "aws-one"]);
    let new = fs::read_to_string(&config).unwrap();
    let (mut olds, mut news) = (0, 0);
    for round in 0..60_u64 {
        fs::write(&config, &old).unwrap();
        let mut command = sandbox.command(sandbox.path("bin/shipctl"));
        command.args(["aws", "configure", "--profile", "p", "aws-one"]).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 300));
        let _ = child.kill();
        child.wait().unwrap();
        let got = fs::read_to_string(&config).unwrap();
        assert!(got == old || got == new, "neither old nor new: {} bytes", got.len());
        if got == old { olds += 1 } else { news += 1 }
    }
    assert!(olds > 0, "no run was killed in time: {olds} {news}");
    configure(&sandbox, &["--profile", "p", "aws-one"]);
    assert_eq!(fs::read_to_string(&config).unwrap(), new);
}

#[test]
fn names_that_cannot_be_profiles_are_refused() {
    let sts = mirror();
    let sandbox = job(&sts);
    for name in ["", "a]b", "[x", "two\nlines", " x", "a\"b"] {
        let ran = sandbox.shipctl(["aws", "configure", "--profile", name, "aws-one"]);
        assert_eq!((ran.status, ran.out()), (2, String::new()), "{name:?} {}", ran.err());
    }
    let ran = sandbox.shipctl(["aws", "configure", "--profile", "x", "aws-one", "aws-two"]);
    refuses(&ran, 2, &["--profile", "several sources"]);
    refuses(&sandbox.shipctl(["aws", "configure", "aws-three"]), 3, &["aws-three", "did you mean"]);
    assert!(!sandbox.path("home/.aws").exists());
}

#[test]
fn when_one_source_fails_nothing_is_written() {
    let sts = Sts::saying([Answer::error(403, "AccessDenied", "no")]);
    let mut sandbox = job(&sts);
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    refuses(&sandbox.shipctl(["aws", "configure", "aws-one", "a-role"]), 4, &["a-role", ROLE]);
    assert!(!sandbox.path("home/.aws").exists());
}

#[test]
fn a_roles_session_is_a_static_profile_with_a_token() {
    let sts = mirror();
    let mut sandbox = job(&sts);
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    configure(&sandbox, &["--profile", "r", "a-role"]);
    sandbox.env.remove(std::ffi::OsStr::new("AWS_ACCESS_KEY_ID"));
    sandbox.env.remove(std::ffi::OsStr::new("AWS_SECRET_ACCESS_KEY"));
    assert_eq!(who(&sandbox, &["--profile", "r"]).out(), format!("arn:aws:iam::123456789012:user/{}\n", session_id(1)));
    assert_eq!(sts.calls().last().unwrap().header("x-amz-security-token"), Some(format!("{SESSION_TOKEN}1").as_str()));
}
